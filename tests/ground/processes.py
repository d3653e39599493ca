"""Programs that run for as long as tests need them."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def running(
    command: list[str | Path], log: Path, pass_fds: tuple[int, ...] = (), **variables: object
) -> Iterator["subprocess.Popen[bytes]"]:
    """The program, with these variables besides ours; what it says goes into ``log``."""
    # It ends with us, also when nobody is left to end it: a test run that was killed leaves no servers behind.
    tied = [setpriv, "--pdeathsig", "TERM"] if (setpriv := shutil.which("setpriv")) else []
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*tied, *map(str, command)],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            pass_fds=pass_fds,
            env={**os.environ, **{name: str(value) for name, value in variables.items()}},
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def await_ready(
    processes: tuple["subprocess.Popen[bytes]", ...], log: Path, ready: Callable[[], bool], seconds: float = 120
) -> None:
    """Wait until it is so; fails with the log when it takes too long, or a program has ended."""
    deadline = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < deadline, log.read_text()
        assert all(process.poll() is None for process in processes), log.read_text()
        time.sleep(0.1)  # Polling a port: there is nothing else to wait on.
