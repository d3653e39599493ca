"""Whole files: any change to a sealed file is refused, and streams, memory and ranges agree."""

from collections.abc import Callable

from zegel.errors import Damaged, Denied
from zegel.seal import HybridIdentity, Opener, RangeOpener, X25519Identity, open_, seal

_IDENTITY = X25519Identity.from_seed(bytes(range(32)))
_OTHER = HybridIdentity.from_seed(bytes(32))
_PLAIN = b"Zegel" * 20
_SEALED = seal(_PLAIN, _IDENTITY.recipient)
_KEYS = (_OTHER, _IDENTITY)


def one(data: bytes) -> None:
    """Try the bytes as a file, and as a change to a good one: cut a piece out and put the bytes there."""
    _agree(data, None)
    if len(data) >= 2:
        at, width = data[0] * len(_SEALED) // 255, data[1] % 8
        changed = _SEALED[:at] + data[2:] + _SEALED[at + width :]
        _agree(changed, _PLAIN if changed == _SEALED else None)


def _agree(sealed: bytes, expected: bytes | None) -> None:
    results = [_refused_or(read, sealed) for read in (_memory, _pushed, _ranged)]
    assert results == [expected] * 3


def _refused_or(read: Callable[[bytes], bytes], sealed: bytes) -> bytes | None:
    try:
        return read(sealed)
    except (Damaged, Denied):
        return None


def _memory(sealed: bytes) -> bytes:
    return open_(sealed, *_KEYS)


def _pushed(sealed: bytes) -> bytes:
    opener = Opener(_KEYS)
    parts = [opener.update(sealed[at : at + 50]) for at in range(0, len(sealed), 50)]
    return b"".join((*parts, opener.finish()))


def _ranged(sealed: bytes) -> bytes:
    return RangeOpener(lambda at, length: sealed[at : at + length], len(sealed), _KEYS).read(0)
