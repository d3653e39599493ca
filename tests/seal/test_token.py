"""A key that never leaves its token: the tag locks, opened through PKCS#11 with SoftHSM.

This is the shape in which the custody of keys will use them: it hands the identity one function, and that function asks
the token for one ECDH exchange. Needs `softhsm2-util` and python-pkcs11; neither is a dependency of Zegel.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from zegel.seal import HybridTagIdentity, P256TagIdentity, P256TagRecipient, open_, seal
from zegel.seal.p256tag import compressed, load_point, uncompressed

pkcs11 = pytest.importorskip("pkcs11", reason="needs python-pkcs11")
MODULE = "/usr/lib/softhsm/libsofthsm2.so"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    if not shutil.which("softhsm2-util"):
        pytest.skip("needs softhsm2-util")
    (tmp_path / "tokens").mkdir()
    (tmp_path / "conf").write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(tmp_path / "conf"))
    arguments = ["--init-token", "--free", "--label", "zegel", "--pin", "1234", "--so-pin", "5678"]
    subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True)
    token = pkcs11.lib(MODULE).get_token(token_label="zegel")
    with token.open(user_pin="1234", rw=True) as opened:
        yield opened


def token_key(session: Any) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Make a P-256 key in the token; give its point and the one operation that the token does for us."""
    from pkcs11 import KDF, Attribute, KeyType
    from pkcs11.util.ec import encode_named_curve_parameters

    curve = {Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")}
    domain = session.create_domain_parameters(KeyType.EC, curve, local=True)
    hidden = {Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False}
    public, private = domain.generate_keypair(store=True, private_template=hidden)
    with pytest.raises(pkcs11.exceptions.AttributeSensitive):
        private[Attribute.VALUE]
    point = public[Attribute.EC_POINT][-65:]

    def exchange(peer: bytes) -> bytes:
        readable = {Attribute.SENSITIVE: False, Attribute.EXTRACTABLE: True}
        secret = private.derive_key(
            KeyType.GENERIC_SECRET, 256, mechanism_param=(KDF.NULL, None, peer), template=readable
        )
        return bytes(secret[Attribute.VALUE])

    return bytes(point), exchange


def test_a_key_in_a_token_opens_both_tag_types(session: Any) -> None:
    point, exchange = token_key(session)
    public = load_point(point)
    assert public is not None
    assert uncompressed(public) == point
    plain = os.urandom(100_000)
    classic = P256TagIdentity(P256TagRecipient(compressed(public)), exchange)
    assert open_(seal(plain, classic.recipient), classic) == plain
    hybrid = HybridTagIdentity(os.urandom(64), point, exchange)
    assert open_(seal(plain, hybrid.recipient), hybrid) == plain


def test_stock_age_seals_for_the_token(session: Any) -> None:
    from tests.seal import peers

    point, exchange = token_key(session)
    hybrid = HybridTagIdentity(os.urandom(64), point, exchange)
    for age in peers.stock_age(hybrid=True):
        assert open_(peers.run_age(age, ["-r", str(hybrid.recipient)], b"text"), hybrid) == b"text"
