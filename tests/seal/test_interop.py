"""Files go both ways between us and programs that we did not write."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.seal import peers
from tests.seal.tokens import hybrid_tag_identity, p256_identity

from zegel.seal import (
    HybridIdentity,
    ScryptIdentity,
    ScryptRecipient,
    X25519Identity,
    armor,
    dearmor,
    open_,
    parse_identity,
    parse_recipient,
    seal,
)
from zegel.seal.hybrid_tag import HybridTagRecipient
from zegel.seal.p256tag import P256TagRecipient

SIZES = [0, 1, 16, 65535, 65536, 65537, 131072, 1_000_003]
Key = HybridIdentity | X25519Identity


def key(kind: str) -> Key:
    return HybridIdentity.generate() if kind == "hybrid" else X25519Identity.generate()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kind", ["hybrid", "x25519"])
def test_stock_age_both_ways(kind: str, size: int, tmp_path: Path) -> None:
    identity, plain = key(kind), os.urandom(size)
    (tmp_path / "key").write_text(str(identity))
    (tmp_path / "recipient").write_text(str(identity.recipient))
    for age in peers.stock_age(hybrid=kind == "hybrid"):
        sealed = seal(plain, identity.recipient)
        for form in (sealed, armor(sealed)):
            assert peers.run_age(age, ["-d", "-i", str(tmp_path / "key")], form) == plain
        assert open_(peers.run_age(age, ["-R", str(tmp_path / "recipient")], plain), identity) == plain
        armored = peers.run_age(age, ["-a", "-R", str(tmp_path / "recipient")], plain)
        assert open_(dearmor(armored), identity) == plain


@pytest.mark.parametrize("kind", ["hybrid", "x25519"])
def test_stock_age_with_several_recipients(kind: str, tmp_path: Path) -> None:
    ours = [key(kind) for _ in range(4)]
    (tmp_path / "recipients").write_text("".join(f"{identity.recipient}\n" for identity in ours))
    for age in peers.stock_age(hybrid=kind == "hybrid"):
        theirs = peers.run_age(age, ["-R", str(tmp_path / "recipients")], b"text")
        sealed = seal(b"text", *(identity.recipient for identity in ours))
        for identity in ours:
            (tmp_path / "key").write_text(str(identity))
            assert open_(theirs, identity) == b"text"
            assert peers.run_age(age, ["-d", "-i", str(tmp_path / "key")], sealed) == b"text"


@pytest.mark.slow
def test_stock_age_with_a_passphrase(tmp_path: Path) -> None:
    for age in peers.stock_age(hybrid=False):
        (tmp_path / "ours").write_bytes(seal(b"text", ScryptRecipient("correct horse", 12)))
        peers.age_with_passphrase(age, ["-d"], "correct horse", tmp_path / "ours", tmp_path / "opened")
        assert (tmp_path / "opened").read_bytes() == b"text"
        peers.age_with_passphrase(age, ["-p"], "correct horse", tmp_path / "opened", tmp_path / "theirs")
        assert open_((tmp_path / "theirs").read_bytes(), ScryptIdentity("correct horse")) == b"text"
        for name in ("ours", "opened", "theirs"):
            (tmp_path / name).unlink()


def test_stock_keygen_keys_are_ours() -> None:
    for age in peers.stock_age(hybrid=True):
        keygen = age.with_name("age-keygen")
        for options in ([], ["-pq"]):
            made = subprocess.run([keygen, *options], capture_output=True, check=True, text=True).stdout
            identity: Any = parse_identity(made.splitlines()[-1])
            assert f"# public key: {identity.recipient}" in made
            shown = subprocess.run([keygen, "-y"], input=str(identity), capture_output=True, check=True, text=True)
            assert shown.stdout.strip() == str(identity.recipient)


def test_stock_age_seals_for_tokens() -> None:
    for age in peers.stock_age(hybrid=True):
        for identity in (p256_identity(), hybrid_tag_identity()):
            sealed = peers.run_age(age, ["-r", str(identity.recipient)], b"text")
            assert open_(sealed, identity) == b"text"


def test_stock_age_refuses_what_we_refuse(tmp_path: Path) -> None:
    identity = X25519Identity.generate()
    (tmp_path / "key").write_text(str(identity))
    sealed = bytearray(seal(bytes(200_000), identity.recipient))
    sealed[100_000] ^= 1
    for age in peers.stock_age(hybrid=False):
        with pytest.raises(subprocess.CalledProcessError):
            peers.run_age(age, ["-d", "-i", str(tmp_path / "key")], bytes(sealed))


@pytest.mark.node
@pytest.mark.parametrize("size", [0, 1, 65536, 131072, 200_001])
@pytest.mark.parametrize("kind", ["hybrid", "x25519"])
def test_typage_both_ways(kind: str, size: int) -> None:
    identity, plain = key(kind), os.urandom(size)
    sealed = seal(plain, identity.recipient)
    assert peers.typage(do="open", identities=[str(identity)], data=sealed) == plain
    theirs = peers.typage(do="seal", recipients=[str(identity.recipient)], data=plain)
    assert open_(theirs, identity) == plain


@pytest.mark.node
def test_typage_armor_passphrase_and_several_recipients() -> None:
    one, two = HybridIdentity.generate(), HybridIdentity.generate()
    theirs = peers.typage(do="seal", recipients=[str(one.recipient), str(two.recipient)], data=b"text", armored=True)
    assert open_(dearmor(theirs), two) == b"text"
    ours = armor(seal(b"text", one.recipient, two.recipient))
    assert peers.typage(do="open", identities=[str(two)], data=ours, armored=True) == b"text"
    theirs = peers.typage(do="seal", passphrase="correct horse", workFactor=10, data=b"text")
    assert open_(theirs, ScryptIdentity("correct horse")) == b"text"
    ours = seal(b"text", ScryptRecipient("correct horse", 10))
    assert peers.typage(do="open", passphrase="correct horse", data=ours) == b"text"


@pytest.mark.node
def test_typage_keys_are_ours() -> None:
    for hybrid in (False, True):
        identity: Any = parse_identity(peers.typage(do="keygen", hybrid=hybrid).decode())
        assert peers.typage(do="recipient", identity=str(identity)).decode() == str(identity.recipient)


@pytest.mark.node
def test_typage_seals_for_tokens() -> None:
    for identity in (p256_identity(), hybrid_tag_identity()):
        sealed = peers.typage(do="seal", recipients=[str(identity.recipient)], data=b"text")
        assert open_(sealed, identity) == b"text"


def test_pyrage_both_ways() -> None:
    pyrage = pytest.importorskip("pyrage")
    for size in SIZES:
        identity, plain = X25519Identity.generate(), os.urandom(size)
        theirs = pyrage.encrypt(plain, [pyrage.x25519.Recipient.from_str(str(identity.recipient))])
        assert open_(theirs, identity) == plain
        sealed = seal(plain, identity.recipient)
        assert pyrage.decrypt(sealed, [pyrage.x25519.Identity.from_str(str(identity))]) == plain
    sealed = seal(b"text", ScryptRecipient("correct horse", 10))
    assert pyrage.passphrase.decrypt(sealed, "correct horse") == b"text"


def test_the_token_recipients_of_the_specification_parse() -> None:
    assert isinstance(
        parse_recipient("age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e"), P256TagRecipient
    )
    assert isinstance(parse_recipient(str(hybrid_tag_identity().recipient)), HybridTagRecipient)
