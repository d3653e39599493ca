"""Identities of own mailboxes: made once, for their owner alone, and never in silence anew."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from zegel import seal
from zegel.errors import Denied, Mistake, NotFound
from zegel.keys.custody import make_keys, session_key
from zegel.keys.mailboxes import MailboxKeys


def test_a_key_is_made_once_and_opens_what_was_sealed_to_it(tmp_path: Path) -> None:
    keys = MailboxKeys(tmp_path / "mailboxes")
    with ThreadPoolExecutor(8) as pool:
        made = {str(one) for one in pool.map(lambda _: keys.recipient("loket.example"), range(16))}
    assert len(made) == 1
    sealed = seal.seal(b"slip", keys.recipient("Loket.example"))
    assert MailboxKeys(tmp_path / "mailboxes").open_sealed("loket.example", sealed) == b"slip"
    [path] = (tmp_path / "mailboxes").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "mailboxes").stat().st_mode) == 0o700


def test_a_key_that_is_gone_is_not_replaced_when_something_should_be_opened(tmp_path: Path) -> None:
    keys = MailboxKeys(tmp_path)
    sealed = seal.seal(b"slip", keys.recipient("loket.example"))
    (tmp_path / "loket.example.key").unlink()
    with pytest.raises(NotFound, match="no key"):
        keys.open_sealed("loket.example", sealed)
    assert list(tmp_path.iterdir()) == []


def test_one_domain_does_not_open_what_is_for_another(tmp_path: Path) -> None:
    keys = MailboxKeys(tmp_path)
    sealed = seal.seal(b"slip", keys.recipient("a.example"))
    keys.recipient("b.example")
    with pytest.raises(Denied):
        keys.open_sealed("b.example", sealed)


@pytest.mark.parametrize("domain", ["../courier", "", ".", "a/b", "a\0b"])
def test_no_domain_names_another_file(tmp_path: Path, domain: str) -> None:
    with pytest.raises(Mistake):
        MailboxKeys(tmp_path).recipient(domain)


def test_the_key_of_sessions_is_kept_and_secret(tmp_path: Path) -> None:
    make_keys(tmp_path / "keys")
    first = session_key(tmp_path / "keys")
    assert first == session_key(tmp_path / "keys")
    assert len(first) == 32
    with pytest.raises(NotFound):
        session_key(tmp_path / "none")
