"""The organisation's keys."""

import stat
from pathlib import Path

import pytest

from zegel import seal
from zegel.errors import Mistake, NotFound
from zegel.keys.custody import Custody, PublicKeys, make_keys


def test_keys_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    for path in (tmp_path / "keys").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_keys_are_never_overwritten(tmp_path: Path) -> None:
    first = make_keys(tmp_path / "keys").public
    with pytest.raises(Mistake, match="already"):
        make_keys(tmp_path / "keys")
    assert Custody(tmp_path / "keys").public == first


def test_public_keys_read_back(tmp_path: Path) -> None:
    public = make_keys(tmp_path / "keys").public
    (tmp_path / "public.json").write_text(public.spell())
    assert PublicKeys.read(tmp_path / "public.json") == public
    with pytest.raises(NotFound):
        PublicKeys.read(tmp_path / "other.json")


def test_the_courier_opens_what_is_sealed_to_it(tmp_path: Path) -> None:
    custody = make_keys(tmp_path / "keys")
    sealed = seal.seal(b"notice", seal.parse_recipient(custody.public.courier))
    assert custody.open_sealed(sealed) == b"notice"


def test_a_folder_without_keys_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Custody(tmp_path)
    assert "AGE-SECRET" not in repr(make_keys(tmp_path / "keys"))
