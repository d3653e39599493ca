"""Each lock by itself: keys in and out of strings, wrapping, and what a hostile stanza meets."""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, MLKEM768X25519PrivateKey, MLKEM768X25519PublicKey, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from tests.seal.tokens import TOKEN_KEY, exchange, hybrid_tag_identity, p256_identity

from zegel.errors import Mistake
from zegel.seal import (
    HeaderFailure,
    HybridIdentity,
    HybridRecipient,
    HybridTagIdentity,
    HybridTagRecipient,
    Identity,
    P256TagIdentity,
    P256TagRecipient,
    Recipient,
    ScryptIdentity,
    ScryptRecipient,
    Stanza,
    X25519Identity,
    X25519Recipient,
    b64,
    hybrid,
    open_,
    parse_identities,
    parse_identity,
    parse_recipient,
    parse_recipients,
    seal,
)
from zegel.seal.p256tag import compressed, uncompressed
from zegel.seal.primitives import hkdf

FILE_KEY = bytes(range(16))
XWING = json.loads((Path(__file__).parent / "xwing.json").read_text())["vectors"]

# Points that give the all-zero secret with every key, in all the spellings X25519 accepts (RFC 7748, section 7).
LOW_ORDER = [
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    "0000000000000000000000000000000000000000000000000000000000000080",
    "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
]


def pairs() -> list[tuple[Recipient, Identity]]:
    """Give every lock with its key."""
    with_recipient = [HybridIdentity.generate(), X25519Identity.generate(), p256_identity(), hybrid_tag_identity()]
    found: list[tuple[Recipient, Identity]] = [(identity.recipient, identity) for identity in with_recipient]
    return [*found, (ScryptRecipient("pass", 4), ScryptIdentity("pass"))]


LOCKS = ["hybrid", "x25519", "p256tag", "hybrid_tag", "scrypt"]


@pytest.mark.parametrize("index", range(5), ids=LOCKS)
def test_wraps_and_unwraps(index: int) -> None:
    recipient, identity = pairs()[index]
    assert identity.unwrap(recipient.wrap(FILE_KEY)) == FILE_KEY
    assert open_(seal(b"text", recipient), identity) == b"text"


@pytest.mark.parametrize("index", range(5), ids=LOCKS)
def test_knows_the_size_of_its_stanza(index: int) -> None:
    recipient, _ = pairs()[index]
    assert sum(len(stanza.encode()) for stanza in recipient.wrap(FILE_KEY)) == getattr(recipient, "wrapped_size")  # noqa: B009


@pytest.mark.parametrize("index", range(5), ids=LOCKS)
def test_another_key_of_the_type_opens_nothing(index: int) -> None:
    stanzas = pairs()[index][0].wrap(FILE_KEY)
    others: list[Identity] = [
        HybridIdentity.generate(),
        X25519Identity.generate(),
        P256TagIdentity(P256TagRecipient(compressed(ec.generate_private_key(ec.SECP256R1()).public_key())), exchange),
        HybridTagIdentity(bytes(64), uncompressed(ec.generate_private_key(ec.SECP256R1()).public_key()), exchange),
        ScryptIdentity("another"),
    ]
    assert others[index].unwrap(stanzas) is None


@pytest.mark.parametrize("index", range(5), ids=LOCKS)
def test_refuses_its_stanza_if_malformed(index: int) -> None:
    recipient, identity = pairs()[index]
    good = recipient.wrap(FILE_KEY)[0]
    bad = [
        good._replace(args=()),
        good._replace(args=(*good.args, "x")),
        good._replace(args=(good.args[0] + "A", *good.args[1:])),
        good._replace(args=(*good.args[:-1], good.args[-1][:-2])),
        good._replace(args=(*good.args[:-1], "=" + good.args[-1])),
        good._replace(body=good.body[:-1]),
        good._replace(body=good.body + b"\0"),
        good._replace(body=b""),
    ]
    for stanza in bad:
        with pytest.raises(HeaderFailure):
            identity.unwrap([stanza])
    assert identity.unwrap([good._replace(type="unknown")]) is None


@pytest.mark.parametrize("index", range(4), ids=LOCKS[:4])
def test_recipient_strings(index: int) -> None:
    recipient = pairs()[index][0]
    text = str(recipient)
    assert parse_recipient(text) == recipient
    assert hash(parse_recipient(text)) == hash(recipient)
    assert str(parse_recipient(f"  {text}\n")) == text
    assert text[:20] in repr(recipient)
    for wrong in (text[:-1], text + "q", text.replace("1", "2", 1), text[:-1] + ("q" if text[-1] != "q" else "p")):
        with pytest.raises(Mistake):
            parse_recipient(wrong)
    with pytest.raises(Mistake):
        parse_recipient(text[:12] + text[12:].upper())


def test_identity_strings() -> None:
    for identity in (HybridIdentity.generate(), X25519Identity.generate()):
        text = identity.encode()
        assert str(identity) == text
        again = parse_identity(text)
        assert str(again) == text
        assert type(again) is type(identity)
        assert type(identity).from_seed(identity.seed).recipient == identity.recipient
        assert text not in repr(identity)
        with pytest.raises(Mistake) as refusal:
            parse_identity(text[:-1] + ("Q" if text[-1] != "Q" else "P"))
        assert text[:-1] not in str(refusal.value)
        with pytest.raises(Mistake):
            parse_identity(text.lower())


def test_identity_and_recipient_of_the_specification() -> None:
    identity = parse_identity("AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX")
    assert isinstance(identity, X25519Identity)
    assert str(identity.recipient) == "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"
    tag = parse_recipient("age1tag1qt8lw0ual6avlwmwatk888yqnmdamm7xfd0wak53ut6elz5c4swx2yqdj4e")
    assert isinstance(tag, P256TagRecipient)
    pq = parse_identity("AGE-SECRET-KEY-PQ-1XX76JRALNLXDMEW0CRK45QMCCH4X06SE84UN3VPM33W6HWDX0H3SK3ZQFR")
    assert isinstance(pq, HybridIdentity)
    assert str(pq.recipient).startswith("age1pq1x34nzsvr0rxjsgdn8zgyhfe8j7ceq5r9rdelkjuh3y235jzxshfg87pzf5zrqt")
    assert str(pq.recipient).endswith("eq0d3fzv49zc0k")  # the last six are the checksum of all


def test_key_files() -> None:
    one, two = HybridIdentity.generate(), X25519Identity.generate()
    text = f"# mine\n\n{one}\r\n{two}\n"
    assert [str(identity) for identity in parse_identities(text)] == [str(one), str(two)]
    assert parse_recipients(f"{one.recipient}\n#x\n{two.recipient}") == [one.recipient, two.recipient]
    for wrong in ("", "# nothing\n", f"{one}\nrubbish\n"):
        with pytest.raises(Mistake) as refusal:
            parse_identities(wrong)
        assert str(one)[20:] not in str(refusal.value)


def test_xwing_vectors() -> None:
    for vector in XWING:
        identity = HybridIdentity.from_seed(bytes.fromhex(vector["seed"]))
        assert identity.recipient.to_bytes().hex() == vector["publicKey"]
        mlkem, x25519, point = identity._privates
        ciphertext = bytes.fromhex(vector["ciphertext"])
        share = hybrid.X25519PublicKey.from_public_bytes(ciphertext[1088:])
        secret = hybrid._combine(mlkem.decapsulate(ciphertext[:1088]), x25519.exchange(share), ciphertext[1088:], point)
        assert secret.hex() == vector["sharedSecret"]


def test_hpke_agrees_with_cryptography_both_ways() -> None:
    suite = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    info = b"age-encryption.org/mlkem768x25519"
    identity = HybridIdentity.generate()
    mlkem, x25519, _ = identity._privates
    stanza = identity.recipient.wrap(FILE_KEY)[0]
    enc = b64.decode(stanza.args[0])
    assert enc is not None
    assert suite.decrypt(enc + stanza.body, MLKEM768X25519PrivateKey(mlkem, x25519), info=info) == FILE_KEY
    public = MLKEM768X25519PublicKey(mlkem.public_key(), x25519.public_key())
    sealed = suite.encrypt(FILE_KEY, public, info=info)
    theirs = Stanza("mlkem768x25519", (b64.encode(sealed[:1120]),), sealed[1120:])
    assert identity.unwrap([theirs]) == FILE_KEY


def test_hpke_p256_agrees_with_cryptography_both_ways() -> None:
    suite = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    info = b"age-encryption.org/p256tag"
    identity = p256_identity()
    stanza = identity.recipient.wrap(FILE_KEY)[0]
    enc = b64.decode(stanza.args[1])
    assert enc is not None
    assert suite.decrypt(enc + stanza.body, TOKEN_KEY, info=info) == FILE_KEY
    sealed = suite.encrypt(FILE_KEY, TOKEN_KEY.public_key(), info=info)
    enc, body = sealed[:65], sealed[65:]
    # The specification's own words: HKDF-Extract with the info as salt, over enc and four bytes of the point's hash.
    ikm = enc + hashlib.sha256(identity.recipient.to_bytes()).digest()[:4]
    tag = HKDF.extract(SHA256(), b"age-encryption.org/p256tag", ikm)[:4]
    assert identity.unwrap([Stanza("p256tag", (b64.encode(tag), b64.encode(enc)), body)]) == FILE_KEY


def test_hkdf_agrees_with_cryptography() -> None:
    for salt in (b"", b"salt"):
        theirs = HKDF(SHA256(), 32, salt, b"info").derive(FILE_KEY)
        assert hkdf(FILE_KEY, salt, b"info") == theirs


@pytest.mark.parametrize("point", [bytes.fromhex(text) for text in LOW_ORDER], ids=range(len(LOW_ORDER)))
def test_low_order_points_are_refused_everywhere(point: bytes) -> None:
    with pytest.raises(Mistake):
        X25519Recipient(point).wrap(FILE_KEY)
    hybrid_identity = HybridIdentity.generate()
    with pytest.raises(Mistake):
        HybridRecipient(hybrid_identity.recipient.to_bytes()[:1184] + point).wrap(FILE_KEY)
    with pytest.raises(HeaderFailure):
        X25519Identity.generate().unwrap([Stanza("X25519", (b64.encode(point),), bytes(32))])
    enc = b64.decode(hybrid_identity.recipient.wrap(FILE_KEY)[0].args[0])
    assert enc is not None
    with pytest.raises(HeaderFailure):
        hybrid_identity.unwrap([Stanza("mlkem768x25519", (b64.encode(enc[:1088] + point),), bytes(32))])


@pytest.mark.parametrize("value", [3329, 3330, 4095])
@pytest.mark.parametrize("place", [0, 1, 255, 256, 767])
def test_mlkem_keys_over_the_modulus_are_refused(value: int, place: int) -> None:
    """FIPS 203, 7.2, modulus check: every 12-bit coefficient of an encapsulation key must be below q = 3329."""
    for key, kind in (
        (HybridIdentity.generate().recipient.to_bytes(), HybridRecipient),
        (hybrid_tag_identity().recipient.to_bytes(), HybridTagRecipient),
    ):
        number = int.from_bytes(key[:1152], "little")
        number = number & ~(0xFFF << 12 * place) | value << 12 * place
        with pytest.raises(Mistake):
            kind(number.to_bytes(1152, "little") + key[1152:]).wrap(FILE_KEY)


def test_a_changed_mlkem_ciphertext_is_nobodys() -> None:
    """FIPS 203 rejects implicitly: decapsulation gives a wrong secret, and only HPKE's tag tells."""
    identity = HybridIdentity.generate()
    stanza = identity.recipient.wrap(FILE_KEY)[0]
    enc = b64.decode(stanza.args[0])
    assert enc is not None
    for position in (0, 544, 1087):
        changed = bytearray(enc)
        changed[position] ^= 1
        assert identity.unwrap([stanza._replace(args=(b64.encode(bytes(changed)),))]) is None


def test_points_off_the_curve_never_reach_the_token() -> None:
    asked: list[bytes] = []

    def token(point: bytes) -> bytes:
        asked.append(point)
        return bytes(32)

    recipient = p256_identity().recipient
    identity = P256TagIdentity(recipient, token)
    off = b"\x04" + bytes(31) + b"\x01" + bytes(31) + b"\x01"
    for enc in (off, bytes(65), b"\x02" + off[1:]):
        with pytest.raises(HeaderFailure):
            identity.unwrap([Stanza("p256tag", (b64.encode(bytes(4)), b64.encode(enc)), bytes(32))])
    stanza = recipient.wrap(FILE_KEY)[0]
    assert identity.unwrap([stanza._replace(args=("AAAAAA", stanza.args[1]))]) is None
    assert not asked
    with pytest.raises(Mistake):
        P256TagRecipient(b"\x02" + b"\xff" * 32)
    with pytest.raises(Mistake):
        HybridTagRecipient(bytes(1184) + off)


@pytest.mark.parametrize("factor", ["0", "01", "+4", "4 ", "", "4.0", "-1", "٤", "99999999999", "1e1"])
def test_scrypt_factor_is_a_plain_number(factor: str) -> None:
    good = ScryptRecipient("pass", 4).wrap(FILE_KEY)[0]
    with pytest.raises(HeaderFailure):
        ScryptIdentity("pass").unwrap([good._replace(args=(good.args[0], factor))])


def test_scrypt_limit_is_the_callers() -> None:
    stanzas = ScryptRecipient("pass", 8).wrap(FILE_KEY)
    assert ScryptIdentity("pass", max_work_factor=8).unwrap(stanzas) == FILE_KEY
    with pytest.raises(HeaderFailure, match="work factor 8, over the limit of 7"):
        ScryptIdentity("pass", max_work_factor=7).unwrap(stanzas)
    # Refused before any memory is asked for: 2^30 KiB would be a terabyte.
    with pytest.raises(HeaderFailure):
        ScryptIdentity("pass").unwrap([stanzas[0]._replace(args=(stanzas[0].args[0], "30"))])


def test_empty_passphrases_are_refused() -> None:
    with pytest.raises(Mistake):
        ScryptRecipient("")
    with pytest.raises(Mistake):
        ScryptIdentity(b"")


class Grease:
    """A lock of a type that nobody knows."""

    def wrap(self, file_key: bytes) -> list[Stanza]:
        return [Stanza("xyz-grease", ("!#$", "~"), b"g" * 48), Stanza("other-grease", (), b"")]


def test_unknown_stanzas_are_passed_over() -> None:
    identity = X25519Identity.generate()
    assert open_(seal(b"text", Grease(), identity.recipient, Grease()), identity) == b"text"


def test_what_may_not_share_a_file() -> None:
    hybrid_one, classic = HybridIdentity.generate().recipient, X25519Identity.generate().recipient
    seal(b"", hybrid_one, hybrid_tag_identity().recipient)
    seal(b"", classic, p256_identity().recipient)
    for mix in (
        (),
        (hybrid_one, classic),
        (classic, hybrid_one),
        (hybrid_tag_identity().recipient, p256_identity().recipient),
        (ScryptRecipient("a", 2), ScryptRecipient("b", 2)),
        (ScryptRecipient("a", 2), classic),
        (hybrid_one, ScryptRecipient("a", 2)),
    ):
        with pytest.raises(Mistake):
            seal(b"", *mix)


def test_wrong_lengths_are_mistakes() -> None:
    for make in (
        X25519Identity,
        HybridIdentity,
        X25519Recipient,
        HybridRecipient,
        P256TagRecipient,
        HybridTagRecipient,
    ):
        with pytest.raises(Mistake):
            make(b"short")
