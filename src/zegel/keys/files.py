"""How private keys are written: for their owner alone, durable, and never over another one."""

import os
import secrets
from collections.abc import Callable
from pathlib import Path


def write_new(path: Path, data: bytes) -> None:
    """Write a file of mode 0600; raises FileExistsError."""
    # O_EXCL: two set-ups at once must not leave halves of two keys.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def read_or_make(path: Path, make: Callable[[], bytes]) -> bytes:
    """A secret that may not be there yet; two processes that make it at once agree on one."""
    if not path.exists():
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        write_new(fresh, make())
        try:
            # A link is there whole or not at all, and never replaces the one that somebody was quicker to make.
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
        _sync(path.parent)
    return path.read_bytes()


def _sync(folder: Path) -> None:
    """Something will be sealed to the new key at once: its name must survive a loss of power, too."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
