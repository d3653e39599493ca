"""DKIM keys: made once, read back, rotated by selector; a notice that they sign passes at a receiver."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import dkim
import pytest

from tests.outbox.facts import FROM, NOW, notice_facts
from tests.outbox.sink import sink
from zegel.errors import Mistake, NotFound
from zegel.keys.dkim import DkimKeys
from zegel.outbox.notifier import Marks, notifier
from zegel.post.verp import BounceAddresses
from zegel.wiring.config.ways import MailPart, SmsPart


def _now() -> datetime:
    return datetime(2026, 11, 20, 9, 14, tzinfo=UTC)


def test_keys_are_for_their_owner_and_never_replaced(tmp_path: Path) -> None:
    keys = DkimKeys(tmp_path / "dkim", "voorbeeld.example")
    records = keys.make("2026a")
    assert [record.name for record in records] == [
        "2026a-rsa._domainkey.voorbeeld.example",
        "2026a-ed25519._domainkey.voorbeeld.example",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "dkim").iterdir()} == {0o600}
    with pytest.raises(Mistake, match="already"):
        keys.make("2026a")
    assert keys.records("2026a") == records
    keys.make("2027a")
    assert keys.selectors() == ["2026a", "2027a"]
    assert keys.records("2026a") == records


@pytest.mark.parametrize("selector", ["", "../x", "A", "a.b", "-a", "a" * 41, "a\n"])
def test_a_selector_is_a_name_in_dns_and_never_a_path(tmp_path: Path, selector: str) -> None:
    with pytest.raises(Mistake):
        DkimKeys(tmp_path, "voorbeeld.example").make(selector)


def test_a_selector_without_keys_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="zegel dkim new 2026a"):
        DkimKeys(tmp_path, "voorbeeld.example").signer("2026a", _now)


def test_a_damaged_key_is_said_to_be_one(tmp_path: Path) -> None:
    keys = DkimKeys(tmp_path, "voorbeeld.example")
    keys.make("2026a")
    (tmp_path / "2026a-rsa.pem").write_bytes(b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(Mistake, match="cannot be read"):
        keys.signer("2026a", _now)


def test_a_zone_line_holds_strings_of_at_most_255_bytes(tmp_path: Path) -> None:
    rsa, _ = DkimKeys(tmp_path, "voorbeeld.example").make("2026a")
    strings = rsa.zone_line().split('"')[1::2]
    assert "".join(strings) == rsa.text
    assert all(0 < len(string) <= 255 for string in strings)


@pytest.mark.parametrize("to", ["j.dejong@example.net", "björn@exämple.example"])
def test_a_notice_passes_at_its_receiver_whatever_the_selector(tmp_path: Path, to: str) -> None:
    keys = DkimKeys(tmp_path / "dkim", "voorbeeld.example")
    records = {record.name: record.text for name in ("2026a", "2027a") for record in keys.make(name)}
    bounces = BounceAddresses(FROM.address, bytes(32))
    for selector in ("2026a", "2027a"):
        with sink() as server:
            mail = MailPart(kind="smtp", sender=FROM.address, host="127.0.0.1", port=server.port, tls="none")
            marks = Marks(bounces, keys.signer(selector, _now))
            notifier(mail, SmsPart(), tmp_path, marks, lambda: NOW).notice(notice_facts(to=to))
        ((sender, _, content),) = server.mails
        assert bounces.read(sender) == notice_facts().slip
        verifier = dkim.DKIM(content)
        for index in (0, 1):
            asked: list[bytes] = []

            def look_up(name: bytes, timeout: int = 5, asked: list[bytes] = asked) -> bytes:
                asked.append(name)
                return records[name.decode().rstrip(".")].encode()

            assert verifier.verify(idx=index, dnsfunc=look_up)
            assert asked[0].startswith(f"{selector}-".encode())
        with pytest.raises(dkim.ValidationError):
            dkim.DKIM(content.replace(b"Gemeente", b"Provincie")).verify(dnsfunc=look_up)
