"""How private keys are written: for their owner alone, durable, and never over another one."""

import os
from pathlib import Path


def write_new(path: Path, data: bytes) -> None:
    """Write a file of mode 0600; raises FileExistsError."""
    # O_EXCL: two set-ups at once must not leave halves of two keys.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
