"""The whole story: header and payload together, for messages in memory and for streams.

Opening takes these steps, in this order; each names its refusal:

1. find and parse the header (HeaderFailure);
2. let each identity look for its stanza and unwrap the file key (NoMatch, or HeaderFailure if a stanza is malformed);
3. verify the header's MAC with that key (MacFailure): from here the stanzas are known to belong together;
4. derive the payload key, open chunk after chunk (PayloadFailure), and require that the last one is marked last.

What remains for the caller: plaintext from a stream is authentic but possibly incomplete until ``finish()`` returns;
and age says nothing of *who* sealed a file.
"""

from collections.abc import Iterable, Iterator, Sequence

from zegel.errors import Mistake
from zegel.seal.errors import HeaderFailure, NoMatch
from zegel.seal.format import Header, find_header, make_header, parse_header, verify_mac
from zegel.seal.primitives import new_file_key
from zegel.seal.roles import Identity, Recipient, check_file_key, wrap_for_all
from zegel.seal.scrypt import STANZA_TYPE as SCRYPT
from zegel.seal.stream import (
    CHUNK,
    NONCE_LENGTH,
    SEALED_CHUNK,
    PayloadOpener,
    PayloadSealer,
    new_nonce,
    open_one,
    seal_one,
)

Buffer = bytes | bytearray | memoryview
_SMALL = 128 * 1024


def seal(data: Buffer, *recipients: Recipient) -> bytes:
    """Seal *data* in memory; give the binary age file."""
    file_key = new_file_key()
    header = make_header(file_key, wrap_for_all(file_key, recipients))
    nonce = new_nonce()
    if len(memoryview(data).cast("B")) <= CHUNK:
        return b"".join((header, nonce, seal_one(file_key, nonce, data)))
    payload = PayloadSealer(file_key, nonce)
    return b"".join((header, nonce, *payload.update(data), payload.finish()))


def open_(data: Buffer, *identities: Identity) -> bytes:
    """Open a binary age file in memory; all of it or nothing."""
    view = memoryview(data).cast("B")
    # A small file is one chunk: read it without the machinery for streams. The steps and refusals are the same.
    head = bytes(view) if len(view) <= _SMALL else b""
    length = find_header(head) if head else None
    if length is None or not NONCE_LENGTH <= len(head) - length <= NONCE_LENGTH + SEALED_CHUNK:
        opener = Opener(identities)
        return opener.update(view) + opener.finish()
    file_key = unwrap_header(head[:length], identities)
    payload_at = length + NONCE_LENGTH
    return open_one(file_key, head[length:payload_at], view[payload_at:])


def unwrap_header(header: bytes, identities: Sequence[Identity]) -> bytes:
    """Give the file key of a header (or of a file that begins with it), after verifying its MAC.

    This is for a key holder that must not see the payload. Whoever gets the file key can open the whole payload and
    make other payloads under this header: hand it only to whom may read the file.
    """
    length = find_header(header)
    if length is None:
        raise HeaderFailure("The header of the sealed file is cut off.")
    parsed = parse_header(bytes(header[:length]))
    file_key = _unwrap(parsed, identities)
    verify_mac(parsed, file_key)
    return file_key


def rewrap(header: bytes, identities: Sequence[Identity], *recipients: Recipient) -> bytes:
    """Make a header for other recipients around the same file key; the payload stays as it is.

    Whoever could open the old header and kept the file key can still open the payload: re-wrapping adds and renames
    readers, it does not revoke one.
    """
    file_key = unwrap_header(header, identities)
    return make_header(file_key, wrap_for_all(file_key, recipients))


def wrap_header(file_key: bytes, *recipients: Recipient) -> bytes:
    """Make a header that carries *file_key* to *recipients*."""
    return make_header(check_file_key(file_key), wrap_for_all(file_key, recipients))


def _unwrap(header: Header, identities: Sequence[Identity]) -> bytes:
    if len(header.stanzas) > 1 and any(stanza.type == SCRYPT for stanza in header.stanzas):
        raise HeaderFailure("A passphrase stanza in the header is not the only stanza.")
    for identity in identities:
        file_key = identity.unwrap(header.stanzas)
        if file_key is not None:
            return file_key
    raise NoMatch("None of the keys given opens this sealed file.")


class Sealer:
    """Seals a stream, push form: give plaintext in pieces of any size, get sealed bytes; no input or output inside.

    The header is given once: by :meth:`header` if it's asked for first, otherwise by the first :meth:`update`.
    """

    def __init__(self, recipients: Sequence[Recipient]) -> None:
        file_key = new_file_key()
        nonce = new_nonce()
        self._header = make_header(file_key, wrap_for_all(file_key, recipients)) + nonce
        self._payload: PayloadSealer | None = PayloadSealer(file_key, nonce)

    def header(self) -> bytes:
        """Give the first bytes of the file: the header and the payload's nonce."""
        header, self._header = self._header, b""
        return header

    def update(self, plaintext: Buffer) -> bytes:
        """Take plaintext; give the sealed bytes that are ready, possibly none."""
        return b"".join((self.header(), *self._unfinished().update(plaintext)))

    def finish(self) -> bytes:
        """Give the rest; a file without it is cut off and will be refused."""
        sealed = self.header() + self._unfinished().finish()
        self._payload = None
        return sealed

    def _unfinished(self) -> PayloadSealer:
        if self._payload is None:
            raise Mistake("This sealed file is finished: nothing can be added to it.")
        return self._payload


class Opener:
    """Opens a stream, push form: give sealed bytes in pieces of any size, get authentic plaintext.

    The end of the plaintext is authentic only once :meth:`finish` has returned.
    """

    def __init__(self, identities: Sequence[Identity]) -> None:
        self._identities = tuple(identities)
        self._buffer = bytearray()
        self._file_key: bytes | None = None
        self._payload: PayloadOpener | None = None

    def update(self, sealed: Buffer) -> bytes:
        """Take sealed bytes; give the plaintext that is authentic so far, possibly none."""
        if self._payload is None:
            sealed = self._begin(sealed)
            if self._payload is None:
                return b""
        plain = self._payload.update(sealed)
        return plain[0] if len(plain) == 1 else b"".join(plain)

    def finish(self) -> bytes:
        """Say that the file ends here; give the rest of the plaintext, or refuse a file that was cut off."""
        if self._file_key is None:
            raise HeaderFailure("The header of the sealed file is cut off.")
        if self._payload is None:
            raise HeaderFailure("The sealed file ends before the nonce of its payload.")
        return self._payload.finish()

    def _begin(self, sealed: Buffer) -> Buffer:
        """Collect header and nonce; give what follows them."""
        searched = len(self._buffer)
        self._buffer += sealed
        if self._file_key is None:
            length = find_header(self._buffer, searched)
            if length is None:
                return b""
            self._file_key = unwrap_header(bytes(self._buffer[:length]), self._identities)
            del self._buffer[:length]
        if len(self._buffer) < NONCE_LENGTH:
            return b""
        rest = bytes(self._buffer)
        self._buffer.clear()
        self._payload = PayloadOpener(self._file_key, rest[:NONCE_LENGTH])
        return memoryview(rest)[NONCE_LENGTH:]


def seal_iter(chunks: Iterable[Buffer], *recipients: Recipient) -> Iterator[bytes]:
    """Seal an iterable of pieces; the recipients are checked at once, not at the first piece."""
    sealer = Sealer(recipients)
    return _drive(sealer, chunks)


def open_iter(chunks: Iterable[Buffer], *identities: Identity) -> Iterator[bytes]:
    """Open an iterable of pieces; the consumer must run to the end before it trusts that it has everything."""
    return _drive(Opener(identities), chunks)


def _drive(stage: Sealer | Opener, chunks: Iterable[Buffer]) -> Iterator[bytes]:
    for chunk in chunks:
        produced = stage.update(chunk)
        if produced:
            yield produced
    yield stage.finish()
