"""A mail of 120 MB costs no more memory than a small one."""

import base64
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.smtp.ground import READER, SENDER
from tests.smtp.test_crash import _ROOT, data
from tests.smtp.wire import Wire

__all__ = ["data"]

_HEAD = (
    f"From: {SENDER}\r\nTo: {READER}\r\nContent-Type: multipart/mixed; boundary=g\r\n\r\n--g\r\n\r\ntekst\r\n"
    "--g\r\nContent-Type: application/x\r\nContent-Transfer-Encoding: base64\r\n\r\n"
)


def _peak(pid: int) -> int:
    """MiB at most so far."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("VmHWM"))


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc to see a process's memory")
def test_memory_is_flat(data: Path) -> None:
    piece = base64.encodebytes(os.urandom(1024 * 1024)).replace(b"\n", b"\r\n")
    command = [sys.executable, "-m", "tests.smtp.crash_child", str(data), "never", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) as child:
        try:
            assert child.stdout is not None
            peaks = []
            with Wire(int(child.stdout.readline()), timeout=120) as wire:
                wire.login()
                for pieces in (4, 4, 88):
                    wire.begin()
                    wire.send(_HEAD.encode())
                    for _ in range(pieces):
                        wire.send(piece)
                    wire.send(b"--g--\r\n.\r\n")
                    assert wire.reply().startswith("250")
                    peaks.append(_peak(child.pid))
        finally:
            child.send_signal(signal.SIGTERM)
            code = child.wait(60)
    assert code == 0
    assert peaks[2] - peaks[1] < 24
