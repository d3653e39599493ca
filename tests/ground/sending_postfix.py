"""A sending Postfix of the tests' own: its configuration, queue and log in a folder, its relay host a port that we say.

It runs as root (Postfix gives its rights up by itself) and outside any chroot.
"""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ground.databases import missing
from tests.ground.ports import free_port

_MASTER = """\
127.0.0.1:{port} inet n - n - 20 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 5 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
smtp unix - - n - 20 smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
proxymap unix - - n - - proxymap
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@dataclass(frozen=True)
class Postfix:
    """A running one; mail that is given to ``port`` goes to the relay host, and is tried again until it is taken."""

    folder: Path
    port: int

    @property
    def log(self) -> str:
        """What it has written so far."""
        path = self.folder / "mail.log"
        return path.read_text() if path.exists() else ""

    def wait_for(self, text: str) -> str:
        """Until the log says this; returns the log."""
        until = time.monotonic() + 60
        while text not in (log := self.log):
            if time.monotonic() > until:
                raise AssertionError(log[-4000:])
            time.sleep(0.05)
        return log

    def flush(self) -> None:
        """Try everything in the queue now."""
        subprocess.run(["postqueue", "-c", self.folder, "-f"], check=True, capture_output=True)

    def wait_for_empty(self) -> None:
        """Until nothing is in the queue."""
        until = time.monotonic() + 60
        while subprocess.run(["postqueue", "-c", self.folder, "-j"], check=True, capture_output=True).stdout.strip():
            if time.monotonic() > until:
                raise AssertionError(self.log[-4000:])
            time.sleep(0.05)


@contextmanager
def sending_postfix(relay: int, **settings: str) -> Iterator[Postfix]:
    """Start one whose relay host is this port of localhost; ``settings`` are added to main.cf."""
    if os.geteuid() != 0 or not shutil.which("postfix") or not _has_user():
        missing("Postfix, its user, and root to run it")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="zegel-pf-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        for part in ("spool", "data"):
            (folder / part).mkdir()
        shutil.chown(folder / "data", "postfix")
        facts = {
            "compatibility_level": "3.6",
            "queue_directory": f"{folder}/spool",
            "data_directory": f"{folder}/data",
            "maillog_file": f"{folder}/mail.log",
            "maillog_file_prefixes": str(folder),
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "myhostname": "mx.voorbeeld.example",
            "mydestination": "",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "relayhost": f"[localhost]:{relay}",
            "smtp_host_lookup": "native",
            "minimal_backoff_time": "1s",
            "maximal_backoff_time": "2s",
            "queue_run_delay": "1s",
            "in_flow_delay": "0",
            "queue_minfree": "0",
            "smtputf8_enable": "yes",
            **settings,
        }
        (folder / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in facts.items()))
        (folder / "master.cf").write_text(_MASTER.format(port=port))
        subprocess.run(["postfix", "-c", folder, "start"], check=True, capture_output=True)
        try:
            _wait_for_port(port)
            yield Postfix(folder, port)
        finally:
            subprocess.run(["postfix", "-c", folder, "stop"], check=False, capture_output=True)


def _wait_for_port(port: int) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            return


def _has_user() -> bool:
    try:
        pwd.getpwnam("postfix")
    except KeyError:
        return False
    return True
