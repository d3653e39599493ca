"""DKIM signatures, checked by dkimpy (DNS is a function) and by OpenDKIM (DNS is a file)."""

import base64
import hashlib
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.ground.databases import missing
from zegel.keys.dkim import DkimKeys
from zegel.post.dkim import RelaxedBody, dns_record

_DOMAIN = "voorbeeld.example"
_NOW = datetime(2026, 11, 20, 9, 14, tzinfo=UTC)
_HEAD = (
    b"From: =?utf-8?q?Zorg?= via Voorbeeld\r\n <post@voorbeeld.example>\r\nTo:  j.dejong@example.net \r\n"
    b"SUBJECT:  Beveiligd \t bericht\r\nMessage-ID: <1@voorbeeld.example>\r\nDate: Fri, 20 Nov 2026 09:14:00 +0000\r\n"
    b"Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\nX-Other: 1\r\n"
)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> DkimKeys:
    made = DkimKeys(tmp_path_factory.mktemp("keys") / "dkim", _DOMAIN)
    made.make("2026a")
    return made


def _signed(keys: DkimKeys, body: bytes, head: bytes = _HEAD) -> bytes:
    return keys.signer("2026a", lambda: _NOW).sign(head, [body]) + head + b"\r\n" + body


def _verify(keys: DkimKeys, mail: bytes) -> list[bool]:
    """What dkimpy says of each signature in the mail."""
    texts = {f"{record.name}.".encode(): record.text.encode() for record in keys.records("2026a")}
    verifier = dkim.DKIM(mail)
    count = sum(1 for name, _ in verifier.headers if name.lower() == b"dkim-signature")
    found = []
    for index in range(count):
        try:
            found.append(verifier.verify(idx=index, dnsfunc=lambda name, timeout=5: texts.get(name)))
        except dkim.DKIMException:
            found.append(False)
    return found


_lines = st.lists(
    st.sampled_from([b"", b" ", b"a", b" a\tb  ", b"\t", b"..", b"caf\xc3\xa9", b"x" * 900, b"b \r c", b"=3D"])
)


@pytest.mark.slow
@given(lines=_lines, ended=st.booleans())
@example(lines=[], ended=False)
@example(lines=[b"a", b"", b" ", b""], ended=True)
@settings(max_examples=25, deadline=None)
def test_dkimpy_accepts_both_signatures(keys: DkimKeys, lines: list[bytes], ended: bool) -> None:
    # Over the wire a body always ends a line; what comes without an end is given one.
    body = b"\r\n".join(lines).rstrip() if not ended else b"\r\n".join([*lines, b""])
    assert _verify(keys, _signed(keys, body)) == [True, True]


_words = (
    st.lists(
        st.binary(min_size=1, max_size=20).filter(lambda word: not set(word) & set(b"\r\n")) | st.just(b" \r\n\t ")
    )
    .map(b" ".join)
    # At the end of a value dkimpy takes away VT and FF, too, where RFC 6376 §3.4.2 has space and tab.
    .filter(lambda value: value.rstrip() == value.rstrip(b" \t\r\n"))
)


@pytest.mark.slow
@given(value=_words)
@settings(max_examples=25, deadline=None)
def test_any_header_value_is_canonical_as_dkimpy_has_it(keys: DkimKeys, value: bytes) -> None:
    mail = _signed(keys, b"a\r\n", _HEAD + b"List-Id: x" + value + b"\r\nReply-To: " + b"y" + value + b"\r\n")
    assert _verify(keys, mail) == [True, True]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Beveiligd", b"Onbeveiligd"),
        (b"post@voorbeeld", b"boef@voorbeeld"),
        (b"Datum", b"Dag"),
        (b"\r\nTo:", b"\r\nSubject: Een ander\r\nTo:"),
        (b"\r\nTo:", b"\r\nFrom: boef@elders.example\r\nTo:"),
        (b"\r\nTo:", b"\r\nReply-To: boef@elders.example\r\nTo:"),
        (b"\r\nTo:", b"\r\nContent-Type: text/html\r\nTo:"),
    ],
)
def test_altered_or_added_headers_are_noticed(keys: DkimKeys, old: bytes, new: bytes) -> None:
    mail = _signed(keys, b"Datum: vandaag\r\n")
    assert _verify(keys, mail.replace(old, new)) == [False, False]


def test_what_servers_do_on_the_way_breaks_nothing(keys: DkimKeys) -> None:
    mail = _signed(keys, b"Datum: vandaag \r\n\r\n\r\n")
    mail = b"Received: from a by b\r\nReturn-Path: <x@y.example>\r\n" + mail.replace(
        b"vandaag \r\n\r\n\r\n", b"vandaag\r\n"
    )
    assert _verify(keys, mail.replace(b"Beveiligd \t bericht", b"Beveiligd\r\n\tbericht")) == [True, True]


def test_no_line_is_too_long_for_a_server(keys: DkimKeys) -> None:
    signature = keys.signer("2026a", lambda: _NOW).sign(_HEAD, [])
    assert max(len(line) for line in signature.split(b"\r\n")) <= 78


@given(
    pieces=st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b"\t", b"ab", b""]), max_size=30).map(
        lambda pieces: [*pieces, b"\r\n"]
    )
)
def test_the_body_may_come_in_any_pieces(pieces: list[bytes]) -> None:
    once, inpieces = RelaxedBody(), RelaxedBody()
    once.update(b"".join(pieces))
    for piece in pieces:
        inpieces.update(piece)
    assert once.digest() == inpieces.digest()
    from dkim.canonicalization import Relaxed

    assert once.digest() == hashlib.sha256(Relaxed.canonicalize_body(b"".join(pieces))).digest()


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"a  b \t\r\n c\r\n\r\n\r\n", "café\r\n".encode()])
def test_opendkim_accepts_both_signatures(keys: DkimKeys, tmp_path: Path, body: bytes) -> None:
    if not (program := shutil.which("opendkim")):
        missing("OpenDKIM (Debian: apt-get install opendkim)")
    records = "".join(f"{record.name} {record.text}\n" for record in keys.records("2026a"))
    (tmp_path / "dns").write_text(records)
    (tmp_path / "conf").write_text(f"Mode v\nTestDNSData {tmp_path}/dns\nSyslog no\n")
    for mail, passed in ((_signed(keys, body), 2), (_signed(keys, body).replace(b"bericht", b"berichten"), 0)):
        (tmp_path / "mail").write_bytes(mail)
        command = [program, "-x", tmp_path / "conf", "-t", tmp_path / "mail", "-vv"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.stdout.count("dkim=pass") == passed, done.stdout + done.stderr


def test_an_ed25519_record_is_as_rfc_8463_has_it() -> None:
    """RFC 8463 appendix A.2: the public key of its example."""
    public = base64.b64decode("11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
    record = dns_record("football.example.com", "brisbane", "ed25519", public)
    assert record.name == "brisbane._domainkey.football.example.com"
    assert "k=ed25519" in record.text
    assert record.text.endswith("p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
