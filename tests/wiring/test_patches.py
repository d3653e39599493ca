"""``[[patch]]`` and ``[[spread]]`` in the configuration: what is built, and what is refused by name."""

import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import pytest

from zegel.errors import Mistake
from zegel.records.sql import SqlRecords
from zegel.stores.drivers.local import LocalStore
from zegel.stores.drivers.s3 import S3Store
from zegel.stores.drivers.webdav import WebdavStore
from zegel.stores.patchwork import Patchwork
from zegel.stores.placement import Spread
from zegel.wiring.config.file import check_config
from zegel.wiring.patches import build_patchwork

REST = """
[organisation]
name = "Gemeente Voorbeeld"
host = "post.voorbeeld.example"
[web]
url = "https://post.voorbeeld.example"
[inside]
url = "https://post.voorbeeld.example/inside/v1"
[mail]
sender = "post@voorbeeld.example"
"""
S3 = """
[[patch]]
name = "ams"
driver = "s3"
supplier = "voorbeeld-cloud"
endpoint = "https://s3.voorbeeld.example"
bucket = "zegel"
region = "nl"
access_key = "sleutel"
secret_key_file = "ams.secret"
"""


WEBDAV = """
[[patch]]
name = "archief"
driver = "webdav"
supplier = "voorbeeld-cloud"
endpoint = "https://dav.voorbeeld.example/zegel/"
access_key = "zegel"
secret_key_file = "archief.secret"
"""


AZURE = """
[[patch]]
name = "oud"
driver = "azure"
supplier = "voorbeeld-cloud"
endpoint = "https://voorbeeld.blob.core.windows.net"
bucket = "zegel"
access_key = "voorbeeld"
secret_key_file = "oud.secret"
"""


def build(folder: Path, text: str) -> Patchwork:
    config = check_config(tomllib.loads(REST + text), folder / "zegel.toml")
    return build_patchwork(config, folder, SqlRecords(), lambda: datetime.now(UTC))


def test_without_patches_there_is_the_folder_of_before(tmp_path: Path) -> None:
    made = build(tmp_path, "")
    assert list(made.patches) == ["local"]
    assert made.patches["local"].supplier == "own"
    assert isinstance(made.patches["local"].driver, LocalStore)
    assert (tmp_path / "store" / "blobs").is_dir()
    assert made.spread(2) == Spread(1, 1)


def test_patches_spreads_and_the_policy_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ams.secret").write_text("geheim\n")
    monkeypatch.setenv("PAR_SECRET", "ook geheim")
    par = S3.replace('"ams"', '"par"').replace('secret_key_file = "ams.secret"', 'secret_key = "env:PAR_SECRET"')
    more = "[[spread]]\nclasses = [2, 3]\ncopies = 2\nleast = 2\n[placement]\ncontrol_from = 2\n"
    made = build(tmp_path, S3 + par + '[[patch]]\nname = "home"\nfolder = "elders"\nrank = 3\n' + more)
    assert [(name, patch.supplier, patch.rank) for name, patch in made.patches.items()] == [
        ("ams", "voorbeeld-cloud", 0),
        ("par", "voorbeeld-cloud", 0),
        ("home", "own", 3),
    ]
    assert isinstance(made.patches["ams"].driver, S3Store)
    assert (made.spread(2), made.spread(4)) == (Spread(2, 2), Spread(1, 1))
    assert made.policy.control_from == 2


def test_a_class_can_be_kept_in_shares(tmp_path: Path) -> None:
    made = build(
        tmp_path,
        "[[spread]]\nclasses = [2]\nshares = {needed = 2, of = 4}\n"
        "[[spread]]\nclasses = [3]\nleast = 5\nshares = {needed = 3, of = 5}\n",
    )
    assert (made.spread(2), made.spread(3), made.spread(4)) == (Spread(4, 3, 2), Spread(5, 5, 3), Spread(1, 1))


def test_shares_without_the_library_are_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "zfec", None)
    with pytest.raises(Mistake, match=r"zegel\[shares\]"):
        build(tmp_path, "[[spread]]\nclasses = [2]\nshares = {needed = 2, of = 3}\n")
    assert build(tmp_path, "[[spread]]\nclasses = [2]\ncopies = 2\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (S3, "needs the file"),
        (S3.replace("https:", "http:").replace('secret_key_file = "ams.secret"', 'secret_key = "env:PATH"'), "https"),
        (S3.replace('secret_key_file = "ams.secret"', 'secret_key = "env:NOT_THERE_AT_ALL"'), "NOT_THERE_AT_ALL"),
        (S3.replace('secret_key_file = "ams.secret"', 'secret_key = "in the file"'), "env:NAME"),
        (S3.replace('bucket = "zegel"\n', ""), "needs endpoint, bucket"),
        (S3 + 'secret_key = "env:PATH"\n', "secret_key_file, or"),
        ('[[patch]]\nname = "home"\n', "needs a folder"),
        ('[[patch]]\nname = "home"\nfolder = "a"\n[[patch]]\nname = "home"\nfolder = "b"\n', "twice"),
        ('[[patch]]\nname = "../x"\nfolder = "a"\n', "patch.0.name"),
        ("[[spread]]\nclasses = [2]\ncopies = 1\nleast = 2\n", "least is more"),
        ("[[spread]]\nclasses = [2]\ncopies = 3\nshares = {needed = 2, of = 3}\n", "not both"),
        ("[[spread]]\nclasses = [2]\nshares = {needed = 3, of = 3}\n", "more than shares.needed"),
        ("[[spread]]\nclasses = [2]\nshares = {needed = 1, of = 3}\n", "shares.needed"),
        ("[[spread]]\nclasses = [2]\nshares = {needed = 2, of = 17}\n", "shares.of"),
        ("[[spread]]\nclasses = [2]\nleast = 1\nshares = {needed = 2, of = 3}\n", "least lies between"),
        ("[placement]\nown_form = 4\n", "own_form"),
        ("[placement]\ncontrol_from = 6\n", "control_from"),
    ],
)
def test_what_is_wrong_is_refused_by_name_and_no_secret_is_told(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Mistake) as caught:
        build(tmp_path, text)
    assert said in str(caught.value)
    assert "in the file" not in str(caught.value)


def test_a_webdav_patch_is_read_and_a_half_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "archief.secret").write_text("geheim\n")
    assert isinstance(build(tmp_path, WEBDAV).patches["archief"].driver, WebdavStore)
    for wrong in (
        WEBDAV.replace("https:", "http:"),
        WEBDAV.replace('access_key = "zegel"', ""),
        WEBDAV.replace('secret_key_file = "archief.secret"', ""),
    ):
        with pytest.raises(Mistake):
            build(tmp_path, wrong)


@pytest.mark.parametrize("account", ['access_key = "voorbeeld"', ""])
def test_an_azure_patch_is_read_with_a_key_or_a_signature(tmp_path: Path, account: str) -> None:
    azure = pytest.importorskip("zegel.stores.drivers.azure", reason="the library for Azure is not installed")
    secret = "Z2VoZWlt" if account else "?sv=2025-11-05&sig=Z2VoZWlt"
    (tmp_path / "oud.secret").write_text(secret + "\n")
    driver = build(tmp_path, AZURE.replace('access_key = "voorbeeld"', account)).patches["oud"].driver
    assert isinstance(driver, azure.AzureStore)
    assert driver.client.url.startswith("https://voorbeeld.blob.core.windows.net/zegel")


@pytest.mark.parametrize("part", ["https:", 'bucket = "zegel"', 'secret_key_file = "oud.secret"'])
def test_half_an_azure_patch_is_refused(tmp_path: Path, part: str) -> None:
    (tmp_path / "oud.secret").write_text("Z2VoZWlt")
    with pytest.raises(Mistake):
        build(tmp_path, AZURE.replace(part, "http:" if part == "https:" else ""))


def test_without_its_library_an_azure_patch_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "oud.secret").write_text("Z2VoZWlt")
    monkeypatch.setitem(sys.modules, "zegel.stores.drivers.azure", None)
    with pytest.raises(Mistake, match=r"zegel\[azure\]"):
        build(tmp_path, AZURE)
