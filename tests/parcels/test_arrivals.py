"""What one organisation says to another: read as it was spelled, and only with keys that DNS pins."""

import base64
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zegel import seal
from zegel.errors import Damaged, Denied, Mistake
from zegel.keys.custody import Custody, make_keys
from zegel.parcels.addresses import Person
from zegel.parcels.arrivals import (
    Arrival,
    Reception,
    Said,
    Signed,
    arrival_statement,
    read_arrival,
    read_peer,
    spell_arrival,
)
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import to_text
from zegel.parcels.limits import Limits
from zegel.parcels.origin import Origin, read_origin, spell_origin

NOW = datetime(2026, 11, 25, 9, 14, tzinfo=UTC)
HOST = "post.ander.test"
RECIPIENT = str(seal.HybridIdentity.generate().recipient)

names = st.binary(min_size=16, max_size=16).map(to_text)
blobs = st.builds(Blob, names, st.integers(1, 2**40 // 600), st.binary(min_size=32, max_size=32).map(bytes.hex))
arrivals = st.builds(
    Arrival,
    parcel=names,
    slip=names,
    to=st.sampled_from(["team@ander.test", "Ünal@ander.test"]),
    sender=st.builds(Person, st.sampled_from(["", "Afdeling Zorg", "é"]), st.just("zorg@wij.test")),
    return_to=st.just("post+b-x-y@wij.test"),
    organisation=st.just("post.wij.test:8443"),
    destination=st.just(HOST),
    takes=st.just("message"),
    form=st.sampled_from(["7bit", "8bit", "utf8"]),
    class_=st.integers(0, 4),
    language=st.sampled_from(["nl", "en"]),
    expires=st.just(NOW),
    blobs=st.lists(blobs, min_size=1, max_size=4, unique_by=lambda blob: blob.blob).map(tuple),
    sealed_slip=st.binary(max_size=99).map(lambda raw: b"age-encryption.org/v1\n" + raw),
)


@pytest.fixture(scope="module")
def custody(tmp_path_factory: pytest.TempPathFactory) -> Custody:
    return make_keys(tmp_path_factory.mktemp("keys") / "keys")


def signed(custody: Custody, statement: bytes) -> Signed:
    key, ed25519, mldsa65 = custody.sign(statement)
    return Signed(key, NOW, ed25519, mldsa65)


def profile(custody: Custody, domains: dict[str, Any] | None = None, **facts: Any) -> dict[str, Any]:
    reception = Reception(RECIPIENT, domains or {"ander.test": "mail"})
    found = {
        "zegel": "organisation v1",
        "organisation": {"name": "Gemeente Ander", "host": HOST},
        "signing": [
            {"key": "x", "ed25519": b64(key.ed25519), "mldsa65": b64(key.mldsa65)} for key in custody.public.signing
        ],
        "arrivals": reception.spell(signed(custody, reception.statement(HOST, NOW))),
    }
    return found | facts


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def pinned(custody: Custody) -> list[str]:
    return [key.fingerprint for key in custody.public.signing]


@given(arrivals)
def test_an_arrival_is_read_as_it_was_spelled(arrival: Arrival) -> None:
    assert read_arrival(spell_arrival(arrival), Limits()) == arrival
    assert arrival.kept_as == arrival.parcel


@given(arrivals, st.data())
def test_an_arrival_with_anything_changed_is_another_or_none(arrival: Arrival, data: st.DataObject) -> None:
    text = spell_arrival(arrival)
    place = data.draw(st.integers(0, len(text) - 1))
    changed = text[:place] + data.draw(st.characters(codec="utf-8")) + text[place + 1 :]
    kind = ""
    try:
        read_arrival(changed, Limits())
    except Mistake as error:
        kind = error.kind
    assert kind in ("", "bad-arrival", "too-large")
    assert (arrival_statement(changed, NOW) == arrival_statement(text, NOW)) == (changed == text)


@given(arrivals)
def test_limits_are_kept(arrival: Arrival) -> None:
    limits = Limits(attachments=0, parcel_bytes=sum(blob.size for blob in arrival.blobs) - 1)
    with pytest.raises(Mistake):
        read_arrival(spell_arrival(arrival), limits)


@pytest.mark.parametrize("member", ["blobs", "sealed_slip", "from", "parcel", "class", "expires", "takes", "zegel"])
def test_a_member_of_another_kind_is_refused(member: str) -> None:
    found = Arrival(
        to_text(b"p" * 16), to_text(b"s" * 16), "a@b.test", Person("", "c@d.test"), "c@d.test", "x", "y", "mail",
        "7bit", 2, "nl", NOW, (Blob(to_text(b"b" * 16), 1, "0" * 64),), b"age-encryption.org/v1\n",
    )  # fmt: skip
    assert read_arrival(spell_arrival(found), Limits()) == found
    for wrong in (None, 7.5, [], {}, "x", True, [1], {"a": 1}):
        with pytest.raises(Mistake, match="arrival"):
            read_arrival(json.dumps(json.loads(spell_arrival(found)) | {member: wrong}), Limits())


@pytest.mark.parametrize("size", ["1e999", "1.5", "true", '"1"', "-1", "0", "1" * 5000])
def test_a_size_is_a_whole_number(size: str) -> None:
    """The fuzzer found that an infinite one was no refusal but a fault."""
    sealed = Blob(to_text(b"b" * 16), 123456, "0" * 64)
    found = Arrival(
        to_text(b"p" * 16), to_text(b"s" * 16), "a@b.test", Person("", "c@d.test"), "c@d.test", "x", "y", "mail",
        "7bit", 2, "nl", NOW, (sealed,), b"age-encryption.org/v1\n",
    )  # fmt: skip
    with pytest.raises(Mistake):
        read_arrival(spell_arrival(found).replace("123456", size), Limits())


def test_the_mail_and_the_message_of_one_parcel_are_two(custody: Custody) -> None:
    blob = Blob(to_text(b"b" * 16), 1, "0" * 64)
    facts = (to_text(b"s" * 16), "a@b.test", Person("", "c@d.test"), "c@d.test", "x", "y")
    message, mail = (
        Arrival(to_text(b"p" * 16), *facts, takes, "7bit", 2, "nl", NOW, (blob,), b"")  # type: ignore[arg-type]
        for takes in ("message", "mail")
    )
    assert message.kept_as != mail.kept_as
    assert message.digest != mail.digest


def test_a_signature_is_for_one_text_and_one_moment(custody: Custody) -> None:
    said = Said("{}", signed(custody, arrival_statement("{}", NOW)))
    assert said.signed.check(said.statement, custody.public.signing) in custody.public.signing
    assert Signed.read(said.signed.spell()) == said.signed
    for statement in (arrival_statement("{ }", NOW), arrival_statement("{}", NOW.replace(second=1))):
        with pytest.raises(Denied, match="signature"):
            said.signed.check(statement, custody.public.signing)


def test_one_signature_of_the_two_is_none(custody: Custody, tmp_path: Path) -> None:
    other = make_keys(tmp_path / "other")
    statement = arrival_statement("{}", NOW)
    good, foreign = signed(custody, statement), signed(other, statement)
    for mixed in (
        Signed(good.key, NOW, foreign.ed25519, good.mldsa65),
        Signed(good.key, NOW, good.ed25519, foreign.mldsa65),
    ):
        with pytest.raises(Denied):
            mixed.check(statement, custody.public.signing)


def test_a_peer_is_its_pinned_keys(custody: Custody, tmp_path: Path) -> None:
    peer = read_peer(json.dumps(profile(custody)).encode(), pinned(custody))
    assert (peer.name, peer.host, peer.takes("ander.test"), peer.takes("elders.test")) == (
        "Gemeente Ander", HOST, "mail", None,
    )  # fmt: skip
    other = make_keys(tmp_path / "other")
    both = profile(custody)
    both["signing"] += profile(other)["signing"]
    assert [key.fingerprint for key in read_peer(json.dumps(both).encode(), pinned(custody)).keys] == pinned(custody)
    sender = read_peer(json.dumps(profile(custody, arrivals={})).encode(), pinned(custody))
    assert sender.reception is None


def test_keys_that_are_not_pinned_are_an_alarm(custody: Custody, tmp_path: Path) -> None:
    other = make_keys(tmp_path / "other")
    stolen = profile(other)
    # What a key calls itself proves nothing.
    stolen["signing"][0]["key"] = pinned(custody)[0]
    reception = profile(custody)
    reception["arrivals"] = profile(other)["arrivals"]
    renamed = profile(custody)
    renamed["arrivals"]["key"] = pinned(other)[0]
    domain = profile(custody)
    domain["arrivals"]["domains"]["elders.test"] = "mail"
    recipient = profile(custody)
    recipient["arrivals"]["recipient"] = str(seal.HybridIdentity.generate().recipient)
    host = profile(custody, organisation={"name": "x", "host": "post.elders.test"})
    for wrong in (stolen, reception, renamed, domain, recipient, host):
        with pytest.raises(Denied, match="promises"):
            read_peer(json.dumps(wrong).encode(), pinned(custody))


@settings(max_examples=20)
@given(st.recursive(st.none() | st.booleans() | st.text(max_size=5) | st.integers(), st.lists, max_leaves=5))
def test_a_profile_that_cannot_be_read_says_so(custody: Custody, wrong: Any) -> None:
    for member in ("zegel", "organisation", "signing", "arrivals"):
        kind = ""
        try:
            read_peer(json.dumps(profile(custody, **{member: wrong})).encode(), pinned(custody))
        except (Damaged, Denied) as error:
            kind = error.kind
        assert kind in ("", "bad-peer", "foreign-keys")


@pytest.mark.parametrize("raw", [b"", b"[]", b"\xff", b'{"a":1,"a":2}', b"NaN", b"[" * 100_000])
def test_what_is_no_json_says_so(raw: bytes) -> None:
    with pytest.raises(Damaged):
        read_peer(raw, [])


def test_an_origin_is_for_one_slip_and_signed_by_us(custody: Custody, tmp_path: Path) -> None:
    other = make_keys(tmp_path / "other")
    origin = Origin("Gemeente Ander", HOST, other.public.signing)
    text, slip = spell_origin(origin, "slip", custody.sign), "slip"
    assert read_origin(text, slip, custody.public.signing) == origin
    forged = spell_origin(origin, "slip", other.sign)
    wrongs = (
        (text, "another"),
        (text.replace("Ander", "Elders"), slip),
        (forged, slip),
        ("", slip),
        (text + "x", slip),
    )
    for wrong, about in wrongs:
        with pytest.raises(Damaged):
            read_origin(wrong, about, custody.public.signing)
