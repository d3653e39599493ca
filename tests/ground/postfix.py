"""A receiving Postfix of the tests' own: one master, and a listening service per server that a domain may have.

It has its own configuration, queue and folders and leaves /etc alone; nothing is chrooted. It must be started as root.
What arrives lies in a Maildir, whoever it was for.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.ground.databases import missing

_NOBODY = 65534
_PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
_PATIENCE = 60


@dataclass(frozen=True)
class Listener:
    """One smtpd: where it listens, and its options (``name=value``)."""

    address: str
    port: int
    options: Sequence[str] = ()


@dataclass(frozen=True)
class Postfix:
    folder: Path
    maildir: Path

    def arrived(self, message_id: str) -> EmailMessage:
        """The mail with this Message-ID; waits until it is there."""
        return self.first(lambda mail: mail["Message-ID"] == message_id)

    def first(self, wanted: Callable[[EmailMessage], bool]) -> EmailMessage:
        """The first mail that is wanted; waits until there is one."""
        end = time.monotonic() + _PATIENCE
        while time.monotonic() < end:
            for path in sorted((self.maildir / "new").glob("*")):
                mail = message_from_bytes(path.read_bytes(), policy=policy.default)
                assert isinstance(mail, EmailMessage)
                if wanted(mail):
                    return mail
            time.sleep(0.05)
        raise AssertionError(f"it did not arrive\n{self.log()}")

    def log(self) -> str:
        return (self.folder / "mail.log").read_text()[-4000:]


def need_postfix() -> None:
    """Skip without it, or without the rights to start it."""
    if not shutil.which("postfix", path=_PATH):
        missing("postfix")
    if os.geteuid() != 0:
        pytest.skip("Postfix must be started as root")


@contextmanager
def running_postfix(domains: Sequence[str], listeners: Sequence[Listener]) -> Iterator[Postfix]:
    """Takes mail for any address of ``domains``, at each of ``listeners``."""
    need_postfix()
    # Not in pytest's folder: that is closed to the users whom Postfix becomes.
    folder = Path(tempfile.mkdtemp(prefix="zegel-postfix-", dir="/var/tmp"))
    folder.chmod(0o755)
    maildir = folder / "maildir"
    maildir.mkdir()
    os.chown(maildir, _NOBODY, _NOBODY)
    _configure(folder, domains, listeners)
    _run("postfix", "-c", str(folder), "check")
    daemons = Path(_run("postconf", "-d", "-h", "daemon_directory").strip())
    leash = ["setpriv", "--pdeathsig=TERM", "--"] if shutil.which("setpriv") else []
    with (folder / "master.out").open("wb") as out:
        master = subprocess.Popen([*leash, str(daemons / "master"), "-c", str(folder), "-d"], stdout=out, stderr=out)
    try:
        for one in listeners:
            _await(one, folder)
        yield Postfix(folder, maildir)
    finally:
        master.terminate()
        master.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def _configure(folder: Path, domains: Sequence[str], listeners: Sequence[Listener]) -> None:
    (folder / "spool").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", "postfix")
    settings: Mapping[str, str] = {
        "compatibility_level": "3.6",
        "queue_directory": f"{folder}/spool",
        "data_directory": f"{folder}/data",
        "maillog_file": f"{folder}/mail.log",
        "maillog_file_prefixes": str(folder),
        "inet_protocols": "ipv4",
        "inet_interfaces": "all",
        "myhostname": "postfix.test",
        "mydestination": "",
        "mynetworks": "",
        "alias_maps": "",
        "local_recipient_maps": "",
        "smtpd_relay_restrictions": "reject_unauth_destination",
        "smtpd_peername_lookup": "no",
        "virtual_mailbox_domains": " ".join(domains),
        "virtual_mailbox_maps": "static:maildir/",
        "virtual_mailbox_base": str(folder),
        "virtual_uid_maps": f"static:{_NOBODY}",
        "virtual_gid_maps": f"static:{_NOBODY}",
        "smtpd_tls_security_level": "may",
        "smtpd_tls_loglevel": "1",
        "smtputf8_enable": "yes",
        "in_flow_delay": "0",
    }
    (folder / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    lines = [
        "\n".join([f"{one.address}:{one.port} inet n - n - - smtpd", *(f"  -o {option}" for option in one.options)])
        for one in listeners
    ]
    lines += [
        "cleanup unix n - n - 0 cleanup",
        "qmgr unix n - n 300 1 qmgr",
        "rewrite unix - - n - - trivial-rewrite",
        "bounce unix - - n - 0 bounce",
        "defer unix - - n - 0 bounce",
        "trace unix - - n - 0 bounce",
        "verify unix - - n - 1 verify",
        "virtual unix - n n - - virtual",
        "error unix - - n - - error",
        "retry unix - - n - - error",
        "anvil unix - - n - 1 anvil",
        "tlsmgr unix - - n 1000? 1 tlsmgr",
        "proxymap unix - - n - - proxymap",
        "showq unix n - n - - showq",
        "postlog unix-dgram n - n - 1 postlogd",
    ]
    (folder / "master.cf").write_text("\n".join(lines) + "\n")


def _run(program: str, *arguments: str) -> str:
    path = shutil.which(program, path=_PATH) or program
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _await(listener: Listener, folder: Path) -> None:
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        try:
            with socket.create_connection((listener.address, listener.port), timeout=5) as line:
                line.settimeout(30)
                if line.recv(200).startswith(b"220"):
                    return
        except OSError:
            pass
        time.sleep(0.05)
    log = folder / "mail.log"
    raise AssertionError(log.read_text() if log.exists() else (folder / "master.out").read_text())
