"""Messages, streams, ranges and headers: what goes in comes out, and nothing else ever does."""

import os
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zegel.errors import Damaged, Denied, Mistake
from zegel.seal import (
    HeaderFailure,
    HybridIdentity,
    MacFailure,
    NoMatch,
    Opener,
    PayloadFailure,
    RangeOpener,
    ScryptRecipient,
    Sealer,
    Stanza,
    X25519Identity,
    armor,
    dearmor,
    find_header,
    header_size,
    open_,
    open_iter,
    open_range,
    parse_header,
    plain_size,
    rewrap,
    seal,
    seal_iter,
    sealed_size,
    unwrap_header,
    wrap_header,
)
from zegel.seal.format import MAX_HEADER_BYTES, MAX_STANZAS, make_header
from zegel.seal.stream import CHUNK, SEALED_CHUNK, PayloadSealer, chunk_nonce, payload_cipher

HYBRID = HybridIdentity.generate()
CLASSIC = X25519Identity.generate()
EDGES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 7]
sizes = st.one_of(st.sampled_from(EDGES), st.integers(0, 3 * CHUNK))


def header_length(sealed: bytes) -> int:
    length = find_header(sealed)
    assert length is not None
    return length


def cut(data: bytes, size: int) -> Iterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


@settings(max_examples=60, deadline=None)
@given(size=sizes, piece=st.integers(1, 200_000), hybrid=st.booleans())
def test_round_trips_in_every_form(size: int, piece: int, hybrid: bool) -> None:
    identity = HYBRID if hybrid else CLASSIC
    piece = max(piece, size // 500)
    plain = os.urandom(size)
    for sealed in (
        seal(plain, identity.recipient),
        b"".join(seal_iter(cut(plain, piece), identity.recipient)),
    ):
        assert open_(sealed, identity) == plain
        assert b"".join(open_iter(cut(sealed, piece), identity)) == plain
        assert open_(bytearray(sealed), identity) == open_(memoryview(sealed), identity) == plain
        assert dearmor(armor(sealed)) == sealed
        assert len(sealed) == sealed_size(size, [identity.recipient]) == sealed_size(size, header_length(sealed))
        assert plain_size(len(sealed), header_length(sealed)) == size
        assert header_size([identity.recipient]) == header_length(sealed)


@settings(max_examples=60, deadline=None)
@given(size=sizes, offset=st.integers(0, 4 * CHUNK), length=st.one_of(st.none(), st.integers(0, 4 * CHUNK)))
def test_a_range_is_a_slice(size: int, offset: int, length: int | None) -> None:
    plain = os.urandom(size)
    sealed = seal(plain, CLASSIC.recipient)
    opener = RangeOpener(lambda at, count: sealed[at : at + count], len(sealed), [CLASSIC])
    assert opener.size == size
    assert opener.read(offset, length) == plain[offset : None if length is None else offset + length]


@settings(max_examples=300, deadline=None)
@given(data=st.data(), hybrid=st.booleans())
def test_any_changed_byte_is_refused(data: st.DataObject, hybrid: bool) -> None:
    identity = HYBRID if hybrid else CLASSIC
    sealed = bytearray(_SEALED[hybrid])
    at = data.draw(st.integers(0, len(sealed) - 1))
    sealed[at] ^= data.draw(st.integers(1, 255))
    with pytest.raises((Damaged, Denied)):
        open_(bytes(sealed), identity)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), hybrid=st.booleans())
def test_anything_cut_out_put_in_or_repeated_is_refused(data: st.DataObject, hybrid: bool) -> None:
    identity = HYBRID if hybrid else CLASSIC
    sealed = _SEALED[hybrid]
    at = data.draw(st.integers(0, len(sealed)))
    end = data.draw(st.integers(at, len(sealed)))
    put = data.draw(st.one_of(st.binary(max_size=40), st.just(sealed[at:end] * 2)))
    changed = sealed[:at] + put + sealed[end:]
    if changed != sealed:
        with pytest.raises((Damaged, Denied)):
            open_(changed, identity)


_SEALED = {hybrid: seal(b"Zegel" * 20, (HYBRID if hybrid else CLASSIC).recipient) for hybrid in (False, True)}


def test_every_single_bit_of_a_small_file_counts() -> None:
    sealed = _SEALED[False]
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises((Damaged, Denied)):
            open_(bytes(changed), CLASSIC)


@pytest.mark.parametrize("damaged", [0, 1, 2])
@pytest.mark.parametrize("piece", [1000, SEALED_CHUNK, 1 << 20])
def test_nothing_of_a_damaged_chunk_or_after_it_is_released(damaged: int, piece: int) -> None:
    plain = os.urandom(3 * CHUNK)
    sealed = bytearray(seal(plain, CLASSIC.recipient))
    sealed[header_length(bytes(sealed)) + 16 + damaged * SEALED_CHUNK + 5] ^= 1
    opener = Opener([CLASSIC])
    released = bytearray()

    def read_all() -> None:
        for part in (*cut(bytes(sealed), piece), b""):
            released.extend(opener.update(part))

    with pytest.raises(PayloadFailure, match=f"Chunk {damaged} "):
        read_all()
    assert released == plain[: damaged * CHUNK]
    for again in (lambda: opener.update(bytes(sealed)), opener.finish):
        with pytest.raises(PayloadFailure):
            again()


def test_chunks_cannot_be_moved_dropped_or_repeated() -> None:
    plain = os.urandom(4 * CHUNK)
    sealed = seal(plain, CLASSIC.recipient)
    start = header_length(sealed) + 16
    head, chunks = sealed[:start], list(cut(sealed[start:], SEALED_CHUNK))
    for order in ([1, 0, 2, 3], [0, 2, 3], [0, 1, 1, 2, 3], [0, 1, 2], [3], [], [0, 1, 2, 3, 3], [0, 3]):
        with pytest.raises(PayloadFailure):
            open_(head + b"".join(chunks[number] for number in order), CLASSIC)


def test_a_payload_of_another_file_or_nonce_is_refused() -> None:
    one, two = seal(b"one", CLASSIC.recipient), seal(b"two", CLASSIC.recipient)
    length = header_length(one)
    with pytest.raises(PayloadFailure):
        open_(one[:length] + two[length:], CLASSIC)


def test_a_last_chunk_may_not_be_empty_unless_it_is_the_only_one() -> None:
    file_key, nonce = bytes(16), bytes(16)
    header = wrap_header(file_key, CLASSIC.recipient) + nonce
    cipher = payload_cipher(file_key, nonce)
    full = cipher.encrypt(chunk_nonce(0, last=False), bytes(CHUNK), None)
    with pytest.raises(PayloadFailure):
        open_(header + full + cipher.encrypt(chunk_nonce(1, last=True), b"", None), CLASSIC)
    with pytest.raises(PayloadFailure):
        RangeOpener.read(_ranges(header + full + cipher.encrypt(chunk_nonce(1, last=True), b"", None)), 0)
    assert open_(header + cipher.encrypt(chunk_nonce(0, last=True), b"", None), CLASSIC) == b""


def _ranges(sealed: bytes) -> RangeOpener:
    return RangeOpener(lambda at, count: sealed[at : at + count], len(sealed), [CLASSIC])


def test_every_cut_is_noticed() -> None:
    sealed = seal(b"text", CLASSIC.recipient)
    length = header_length(sealed)
    for end in range(len(sealed)):
        with pytest.raises(HeaderFailure if end < length + 16 else PayloadFailure):
            open_(sealed[:end], CLASSIC)
        with pytest.raises((HeaderFailure, PayloadFailure)):
            _ranges(sealed[:end])


def test_a_range_of_a_file_cut_at_a_chunks_edge_is_refused() -> None:
    sealed = seal(bytes(3 * CHUNK), CLASSIC.recipient)
    start = header_length(sealed) + 16
    with pytest.raises(PayloadFailure):
        _ranges(sealed[: start + 2 * SEALED_CHUNK])


def test_a_range_reads_only_what_it_must() -> None:
    plain = os.urandom(40 * CHUNK)
    sealed = seal(plain, HYBRID.recipient)
    asked: list[int] = []

    def read_at(at: int, count: int) -> bytes:
        asked.append(count)
        return sealed[at : at + count]

    opener = RangeOpener(read_at, len(sealed), [HYBRID])
    assert opener.read(7 * CHUNK + 5, 10) == plain[7 * CHUNK + 5 :][:10]
    assert sum(asked) < 4 * CHUNK
    with pytest.raises(Mistake):
        opener.read(-1)


def test_a_range_of_a_terabyte_reads_a_few_chunks() -> None:
    """The sealed file exists only where it is read: chunks are made when they are asked for."""
    size = 1 << 40
    file_key, nonce = os.urandom(16), os.urandom(16)
    head = wrap_header(file_key, HYBRID.recipient) + nonce
    cipher = payload_cipher(file_key, nonce)
    last = size // CHUNK - 1
    made: list[int] = []

    def chunk(number: int) -> bytes:
        made.append(number)
        return cipher.encrypt(chunk_nonce(number, last=number == last), number.to_bytes(8, "big") * (CHUNK // 8), None)

    def read_at(at: int, count: int) -> bytes:
        if at < len(head):
            return head[at : at + count]
        first, skip = divmod(at - len(head), SEALED_CHUNK)
        numbers = range(first, -(-(at - len(head) + count) // SEALED_CHUNK))
        return b"".join(map(chunk, numbers))[skip : skip + count]

    opener = RangeOpener(read_at, sealed_size(size, len(head) - 16), [HYBRID])
    assert opener.size == size
    assert opener.read(CHUNK * 12_345_678, 8) == (12_345_678).to_bytes(8, "big")
    assert opener.read(size - 8) == last.to_bytes(8, "big")
    assert len(made) == 3


@pytest.mark.parametrize("wrong", [b"*", b"=", b" ", b"\n", b"\r", b""])
def test_armor_of_many_lines_is_as_strict_as_of_one(wrong: bytes) -> None:
    text = armor(os.urandom(48 * 100))
    for at in (100, 35 + 63, 35 + 64, 35 + 65 * 50, len(text) - 60):
        changed = text[:at] + wrong + text[at + 1 :]
        if changed != text:
            with pytest.raises(Damaged):
                dearmor(changed)


def test_open_range_of_a_descriptor(tmp_path: os.PathLike[str]) -> None:
    path = os.path.join(tmp_path, "sealed")
    with open(path, "wb") as file:
        file.write(seal(b"0123456789", CLASSIC.recipient))
    fd = os.open(path, os.O_RDONLY)
    assert open_range(fd, [CLASSIC], 3, 4) == b"3456"
    assert open_range((lambda at, count: os.pread(fd, count, at), os.fstat(fd).st_size), [CLASSIC], 8) == b"89"
    os.close(fd)


def test_the_key_holder_needs_only_the_header() -> None:
    sealed = seal(b"text", HYBRID.recipient)
    length = header_length(sealed)
    file_key = unwrap_header(sealed[:length], [CLASSIC, HYBRID])
    nonce, payload = sealed[length : length + 16], sealed[length + 16 :]
    assert payload_cipher(file_key, nonce).decrypt(chunk_nonce(0, last=True), payload, None) == b"text"


def test_rewrapping_leaves_the_payload_alone() -> None:
    sealed = seal(b"text", HYBRID.recipient)
    length = header_length(sealed)
    other = HybridIdentity.generate()
    header = rewrap(sealed[:length], [HYBRID], other.recipient)
    assert open_(header + sealed[length:], other) == b"text"
    with pytest.raises(NoMatch):
        open_(header + sealed[length:], HYBRID)
    with pytest.raises(Mistake):
        rewrap(sealed[:length], [HYBRID], other.recipient, CLASSIC.recipient)


def test_stanzas_moved_from_another_file_are_noticed() -> None:
    one = parse_header(wrap_header(b"1" * 16, CLASSIC.recipient))
    mixed = make_header(b"2" * 16, one.stanzas)
    with pytest.raises(MacFailure):
        unwrap_header(mixed, [CLASSIC])


def test_a_second_stanza_of_ours_with_another_key_changes_nothing() -> None:
    first = CLASSIC.recipient.wrap(b"1" * 16)
    second = CLASSIC.recipient.wrap(b"2" * 16)
    with pytest.raises(MacFailure):
        unwrap_header(make_header(b"2" * 16, [*first, *second]), [CLASSIC])


def test_headers_have_a_limit() -> None:
    many = [Stanza("x", (), b"")] * MAX_STANZAS
    assert len(parse_header(make_header(bytes(16), many)).stanzas) == MAX_STANZAS
    with pytest.raises(HeaderFailure, match="more than 512 stanzas"):
        parse_header(make_header(bytes(16), [*many, many[0]]))
    wide = make_header(bytes(16), [Stanza("x", (), bytes(MAX_HEADER_BYTES))])
    with pytest.raises(HeaderFailure, match="longer than 1048576 bytes"):
        open_(wide + bytes(100), CLASSIC)


def test_a_header_without_end_is_refused_at_the_limit() -> None:
    opener = Opener([CLASSIC])
    opener.update(b"age-encryption.org/v1\n-> x\n")
    for _ in range(MAX_HEADER_BYTES // 1024 - 1):
        opener.update(b"A" * 1024)
    with pytest.raises(HeaderFailure, match="longer than"):
        opener.update(b"A" * 1024)


@pytest.mark.parametrize(
    "begin", [b"\0", b"age-encryption.org/v2\n", b"age-encryption.org/v1\r\n", b" age", b"-----BEGIN PGP"]
)
def test_what_is_not_an_age_file_is_refused_at_its_first_bytes(begin: bytes) -> None:
    with pytest.raises(HeaderFailure):
        Opener([CLASSIC]).update(begin)


def test_a_huge_run_of_white_space_is_not_armor() -> None:
    sealed = armor(seal(b"text", CLASSIC.recipient))
    assert dearmor(b"\n \t\r\n" + sealed + b"\n\n") == dearmor(sealed)
    for flood in (b" " * 2000 + sealed, sealed + b"\n" * 2000):
        with pytest.raises(Damaged):
            dearmor(flood)


def test_push_forms_give_the_header_once() -> None:
    sealer = Sealer([CLASSIC.recipient])
    header = sealer.header()
    assert header_length(header) + 16 == len(header)
    assert open_(header + sealer.update(b"text") + sealer.finish(), CLASSIC) == b"text"
    sealer = Sealer([CLASSIC.recipient])
    assert open_(sealer.update(b"text") + sealer.header() + sealer.finish(), CLASSIC) == b"text"


def test_nothing_is_added_to_a_finished_file() -> None:
    sealer = Sealer([CLASSIC.recipient])
    sealer.finish()
    with pytest.raises(Mistake):
        sealer.update(b"more")
    with pytest.raises(Mistake):
        sealer.finish()


def test_two_seals_of_one_text_have_nothing_in_common() -> None:
    one, two = (seal(bytes(100), CLASSIC.recipient) for _ in range(2))
    assert one != two
    assert one[header_length(one) :] != two[header_length(two) :]


def test_chunk_nonces_never_repeat() -> None:
    nonces = {chunk_nonce(number, last=last) for number in (0, 1, 255, 256, 1 << 40) for last in (False, True)}
    assert len(nonces) == 10
    assert {len(nonce) for nonce in nonces} == {12}
    assert chunk_nonce(0x0102, last=True).hex() == "00000000000000000001" + "0201"


def test_sealing_holds_back_a_full_chunk_until_it_knows() -> None:
    sealer = PayloadSealer(bytes(16), bytes(16))
    assert sealer.update(bytes(CHUNK)) == []
    assert [len(chunk) for chunk in sealer.update(b"x")] == [SEALED_CHUNK]


def test_no_identity_and_no_recipient() -> None:
    with pytest.raises(NoMatch):
        open_(seal(b"", CLASSIC.recipient))
    with pytest.raises(Mistake):
        seal(b"")
    with pytest.raises(Mistake):
        seal_iter([], HYBRID.recipient, ScryptRecipient("x", 2))
    with pytest.raises(Mistake):
        wrap_header(b"short", CLASSIC.recipient)


def test_refusals_hold_no_secret() -> None:
    identity = HybridIdentity.generate()
    for sealed in (seal(b"", CLASSIC.recipient), b"nonsense", seal(b"text", identity.recipient)[:-1]):
        with pytest.raises((Damaged, Denied)) as refusal:
            open_(sealed, identity)
        assert identity.seed.hex() not in repr(refusal.value)
        assert str(identity) not in str(refusal.value)
