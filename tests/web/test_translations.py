"""Every error that a person may see exists in Dutch, with the same facts; and what is served is what is written."""

import ast
import gettext
import re
import shutil
import string
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

import zegel
from tests.ground.databases import missing
from tests.web.ground import URL, Web, problem

SOURCE = Path(zegel.__file__).parent
LOCALE = SOURCE / "locale"
CATALOGUE = LOCALE / "nl" / "LC_MESSAGES" / "django"
FAMILIES = {"Mistake", "Denied", "NotFound", "Unavailable", "Damaged"}


def error_texts() -> Iterator[tuple[str, str]]:
    """(text, where) of every error that is made in the source; a text that cannot be found by looking fails."""
    trees = {path: ast.parse(path.read_text()) for path in sorted(SOURCE.rglob("*.py"))}
    names = families(trees.values())
    for path, tree in trees.items():
        known, makers = constants(tree), dict(makers_in(tree, names))
        for call in ast.walk(tree):
            if not isinstance(call, ast.Call) or not call.args:
                continue
            where, name = f"{path.relative_to(SOURCE)}:{call.lineno}", name_of(call.func)
            if name in names:
                text = call.args[0]
            elif name in makers and len(call.args) > makers[name]:
                text = call.args[makers[name]]
            else:
                continue
            if isinstance(text, ast.Constant):
                yield text.value, where
            elif isinstance(text, ast.Name) and text.id in known:
                yield known[text.id], where
            else:
                assert is_parameter(text, call, tree), f"{where}: the text of an error is a sentence, not made up"


def families(trees: Iterable[ast.Module]) -> set[str]:
    """The five, and the classes that are made of them."""
    found = set(FAMILIES)
    for tree in trees:
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and any(name_of(base) in FAMILIES for base in node.bases):
                found.add(node.name)
    return found


def makers_in(tree: ast.Module, names: set[str]) -> Iterator[tuple[str, int]]:
    """Functions that make an error out of a text that they are given, and which argument that is."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            given = [argument.arg for argument in node.args.args if argument.arg not in ("self", "cls")]
            for call in ast.walk(node):
                if isinstance(call, ast.Call) and name_of(call.func) in names and call.args:
                    text = call.args[0]
                    if isinstance(text, ast.Name) and text.id in given:
                        yield node.name, given.index(text.id)


def is_parameter(text: ast.expr, call: ast.Call, tree: ast.Module) -> bool:
    """Whether the text is an argument of the function around the call, whose own callers are looked at."""
    around = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and call in ast.walk(node)]
    given = {argument.arg for node in around for argument in node.args.args}
    return isinstance(text, ast.Name) and text.id in given


def name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


def constants(tree: ast.Module) -> dict[str, str]:
    """Module constants that hold text."""
    return {
        node.targets[0].id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def catalogue() -> gettext.GNUTranslations:
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        return gettext.GNUTranslations(file)


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_error_has_a_dutch_text_with_the_same_facts() -> None:
    dutch = catalogue()
    found = dict(error_texts())
    assert len(found) > 100
    lacking = {text: where for text, where in found.items() if dutch.gettext(text) == text and text != "{detail}"}
    assert not lacking, "\n".join(f"{where}: {text}" for text, where in lacking.items())
    for text in found:
        assert places(dutch.gettext(text)) == places(text), text


def test_pages_have_no_text_without_dutch(tmp_path: Path) -> None:
    if not shutil.which("xgettext"):
        missing("xgettext (Debian: apt-get install gettext)")
    from django.core.management.utils import popen_wrapper
    from django.utils.translation.template import templatize

    dutch = catalogue()
    web = SOURCE / "doors" / "web"
    sources = [*web.rglob("*.py")]
    for page in sorted((web / "templates").rglob("*.html")):
        made = tmp_path / f"{page.name}.py"
        made.write_text(templatize(page.read_text(), origin=str(page)))
        sources.append(made)
    command = ["xgettext", "-L", "Python", "--from-code=UTF-8", "-o", "-", "--keyword=gettext_noop", "--keyword=_"]
    command += ["--keyword=gettext_lazy", "--keyword=pgettext:1c,2", "--no-wrap", *map(str, sources)]
    said, errors, status = popen_wrapper(command)
    assert status == 0, errors
    lacking = []
    for context, text in re.findall(r'^(?:msgctxt "(.*)"\n)?msgid "(.+)"$', said, flags=re.M):
        plain = text.encode().decode("unicode_escape").encode("latin-1").decode() if "\\" in text else text
        told = dutch.pgettext(context, plain) if context else dutch.gettext(plain)
        if told == plain and plain not in SAME:
            lacking.append(plain)
    assert not lacking, "\n".join(lacking)


SAME = {"Plan B", "Cookies", "Mail", "Privacy", "SMS"}
"""Words that are the same in both languages."""


def test_what_is_served_is_what_is_written(tmp_path: Path) -> None:
    if not shutil.which("msgfmt"):
        missing("msgfmt (Debian: apt-get install gettext)")
    made = tmp_path / "django.mo"
    subprocess.run(["msgfmt", "--check", "-o", made, CATALOGUE.with_suffix(".po")], check=True)
    with made.open("rb") as file:
        fresh = gettext.GNUTranslations(file)
    with CATALOGUE.with_suffix(".mo").open("rb") as file:
        committed = gettext.GNUTranslations(file)
    assert fresh._catalog == committed._catalog, "run: msgfmt -o django.mo django.po"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("language", "said"), [("nl", "Deze link"), ("en", "This link"), ("fy", "Deze link")])
def test_the_api_speaks_the_callers_language(quick: Web, language: str, said: str) -> None:
    answer = quick.get("/api/v1/reader/slips/onzin", headers={"Accept-Language": language})
    assert problem(answer, 404, "unknown-slip")["detail"].startswith(said)
    assert answer.headers["Content-Language"] == ("en" if language == "en" else "nl")


def test_the_language_of_a_page_counts_for_what_its_program_asks(quick: Web) -> None:
    quick.post("/language", data={"language": "en"})
    answer = quick.client.get(URL + "/api/v1/reader/slips/onzin", headers={"Accept-Language": "nl"})
    assert problem(answer, 404, "unknown-slip")["detail"].startswith("This link")
