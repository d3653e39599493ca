"""Descriptor to descriptor: the fast way for files of any size, with memory that stays flat.

Which way is taken depends on what the descriptors are:

* regular file to regular file: all cores, each at its own place (``files.py``);
* anything with a pipe, socket, terminal or appending descriptor: all cores, by turns (``pipes.py``);
* armor on either side: one piece after the other, for text is not worth more.

Both sides begin at the descriptors' current positions. A regular file is read to the end that it had at the start.
"""

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence

from zegel.seal import files
from zegel.seal.age import Opener, Sealer, unwrap_header, wrap_header
from zegel.seal.armor import BEGIN, Armorer, Dearmorer
from zegel.seal.errors import HeaderFailure
from zegel.seal.files import Place, Progress
from zegel.seal.format import find_header
from zegel.seal.pipes import Relay, Source, write_all
from zegel.seal.primitives import new_file_key
from zegel.seal.roles import Identity, Recipient
from zegel.seal.stream import NONCE_LENGTH, new_nonce, payload_cipher, plain_payload_size, sealed_payload_size

_FIRST_READ = 16 * 1024
_PIECE = 1 << 20
_WHITE_SPACE = b" \t\r\n"


def seal_fd(
    fd_in: int,
    fd_out: int,
    recipients: Sequence[Recipient],
    *,
    armored: bool = False,
    threads: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Seal all that *fd_in* gives into *fd_out*; give the number of bytes written.

    On an error the output is incomplete, and the caller must throw it away.
    """
    if armored:
        return _seal_armored(fd_in, fd_out, Sealer(recipients), progress)
    file_key, nonce = new_file_key(), new_nonce()
    header = wrap_header(file_key, *recipients) + nonce
    cipher = payload_cipher(file_key, nonce)
    write_all(fd_out, header)
    size = _rest_of_file(fd_in)
    if not size or not _is_placeable(fd_out):
        return len(header) + Relay(cipher, Source(fd_in), fd_out, sealing=True).run(threads, progress)
    in_at, out_at = _position(fd_in), _position(fd_out)
    files.run(files.Sealing(cipher, Place(fd_in, in_at), size, Place(fd_out, out_at)), threads, progress)
    written = sealed_payload_size(size) - NONCE_LENGTH
    _move(fd_in, in_at + size, fd_out, out_at + written)
    return len(header) + written


def open_fd(
    fd_in: int,
    fd_out: int,
    identities: Sequence[Identity],
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Open all that *fd_in* gives, armored or not, into *fd_out*; give the number of bytes written.

    Only authentic plaintext is written, but on a refusal it's incomplete, and the caller must throw it away.
    """
    start = _position(fd_in) if _rest_of_file(fd_in) is not None else None
    source = Source(fd_in)
    begun = _Begun(source)
    if begun.armored():
        return _open_armored(begun, fd_out, identities, progress)
    header = begun.header()
    file_key = unwrap_header(header, identities)
    cipher = payload_cipher(file_key, begun.nonce(len(header)))
    payload_at = len(header) + NONCE_LENGTH
    if start is None or not _is_placeable(fd_out):
        return Relay(cipher, begun.source_after(payload_at), fd_out, sealing=False).run(threads, progress)
    os.lseek(fd_in, start + payload_at, os.SEEK_SET)
    size = _rest_of_file(fd_in) or 0
    plain_size = plain_payload_size(size + NONCE_LENGTH)
    out_at = _position(fd_out)
    files.run(files.Opening(cipher, Place(fd_in, start + payload_at), size, Place(fd_out, out_at)), threads, progress)
    _move(fd_in, start + payload_at + size, fd_out, out_at + plain_size)
    return plain_size


class _Begun:
    """The beginning of a sealed file, read from a descriptor piece by piece until the header is there."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._data = bytearray()
        self._read(_FIRST_READ)

    def _read(self, count: int) -> bool:
        piece = bytearray(count)
        with memoryview(piece) as view:
            filled = self._source.fill_some(view)
        self._data += piece[:filled]
        return filled > 0

    def armored(self) -> bool:
        while len(self._data) < len(BEGIN) and self._read(_FIRST_READ):
            pass
        return self._data.lstrip(_WHITE_SPACE).startswith(BEGIN[:5])

    def header(self) -> bytes:
        searched = 0
        while (length := find_header(self._data, searched)) is None:
            searched = len(self._data)
            if not self._read(_FIRST_READ):
                raise HeaderFailure("The header of the sealed file is cut off.")
        return bytes(self._data[:length])

    def nonce(self, at: int) -> bytes:
        while len(self._data) < at + NONCE_LENGTH:
            if not self._read(_FIRST_READ):
                raise HeaderFailure("The sealed file ends before the nonce of its payload.")
        return bytes(self._data[at : at + NONCE_LENGTH])

    def source_after(self, at: int) -> Source:
        self._source.unread(bytes(self._data[at:]))
        return self._source

    def pieces(self) -> Iterator[bytes]:
        yield bytes(self._data)
        yield from _pieces(self._source)


def _pieces(source: Source) -> Iterator[bytes]:
    piece = bytearray(_PIECE)
    with memoryview(piece) as view:
        while count := source.fill_some(view):
            yield bytes(view[:count])


def _seal_armored(fd_in: int, fd_out: int, sealer: Sealer, progress: Progress | None) -> int:
    armorer = Armorer()
    written, done = 0, 0
    for piece in _pieces(Source(fd_in)):
        written += write_all(fd_out, armorer.update(sealer.update(piece)))
        done += len(piece)
        if progress is not None:
            progress(done)
    return written + write_all(fd_out, armorer.update(sealer.finish()) + armorer.finish())


def _open_armored(begun: _Begun, fd_out: int, identities: Sequence[Identity], progress: Progress | None) -> int:
    dearmorer, opener = Dearmorer(), Opener(identities)
    written, done = 0, 0
    for piece in begun.pieces():
        written += write_all(fd_out, opener.update(dearmorer.update(piece)))
        done += len(piece)
        if progress is not None:
            progress(done)
    written += write_all(fd_out, opener.update(dearmorer.finish()))
    return written + write_all(fd_out, opener.finish())


def _rest_of_file(fd: int) -> int | None:
    """Give how much of a regular file is left after its position; None if it isn't one.

    The files of ``/proc`` claim to be regular and empty, so for an empty rest the caller reads and sees.
    """
    status = os.fstat(fd)
    if not stat.S_ISREG(status.st_mode):
        return None
    return max(0, status.st_size - _position(fd))


def _is_placeable(fd: int) -> bool:
    """Tell whether bytes can be put at their own place; with O_APPEND Linux ignores the place (pwrite(2), BUGS)."""
    appending = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_APPEND
    return stat.S_ISREG(os.fstat(fd).st_mode) and not appending


def _position(fd: int) -> int:
    return os.lseek(fd, 0, os.SEEK_CUR)


def _move(fd_in: int, in_at: int, fd_out: int, out_at: int) -> None:
    os.lseek(fd_in, in_at, os.SEEK_SET)
    os.lseek(fd_out, out_at, os.SEEK_SET)
