"""Mailbox servers of other people for tests, with configurations of their own: Dovecot's LMTP."""

import os
import pwd
import shutil
import smtplib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ground.dns import need_programs
from tests.ground.ports import free_port


@dataclass(frozen=True)
class Mailboxes:
    """A running server, and the Maildirs that it fills."""

    port: int
    folder: Path
    log: Path

    def mails(self, address: str) -> list[bytes]:
        """What came for an address, in no order."""
        new = self.folder / address / "new"
        return [path.read_bytes() for path in new.iterdir()] if new.exists() else []

    def await_mail(self, address: str, count: int = 1) -> list[bytes]:
        """The same, once there are so many: a server that took a mail still has to put it into the mailbox."""
        end = time.monotonic() + 60
        while len(found := self.mails(address)) < count:
            assert time.monotonic() < end, self.log.read_text()[-3000:]
            time.sleep(0.05)
        return found


@contextmanager
def running_dovecot(domain: str, chain: Path, key: Path) -> Iterator[Mailboxes]:
    """A Dovecot that takes mail over LMTP with STARTTLS, into one mailbox per address; ``nobody@`` is unknown."""
    need_programs("dovecot")
    user = "nobody" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    owner = pwd.getpwnam(user)
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="zegel-dc-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "boxes").mkdir()
        os.chown(folder / "boxes", owner.pw_uid, owner.pw_gid)
        (folder / "users").write_text(f"team@{domain}::::::\nbalie@{domain}::::::\n")
        (folder / "users").chmod(0o644)
        shutil.copy(chain, folder / "chain.pem")
        shutil.copy(key, folder / "key.pem")
        (folder / "dovecot.conf").write_text(f"""\
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
protocols = lmtp
listen = 127.0.0.1
ssl = required
ssl_cert = <{folder}/chain.pem
ssl_key = <{folder}/key.pem
default_internal_user = {user}
default_internal_group = {_group(owner.pw_gid)}
default_login_user = {user}
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:{folder}/boxes/%u
postmaster_address = postmaster@{domain}
hostname = box.{domain}
lmtp_save_to_detail_mailbox = no
userdb {{
  driver = passwd-file
  args = username_format=%u {folder}/users
  default_fields = uid={owner.pw_uid} gid={owner.pw_gid} home={folder}/boxes/%u
}}
passdb {{
  driver = passwd-file
  args = {folder}/users
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {port}
  }}
}}
service stats {{
  unix_listener stats-writer {{
    mode = 0666
  }}
}}
""")
        with (folder / "out").open("wb") as out:
            server = subprocess.Popen(
                ["setpriv", "--pdeathsig=TERM", "--", "dovecot", "-F", "-c", folder / "dovecot.conf"],
                stdout=out, stderr=out,
            )  # fmt: skip
        try:
            _await_greeting("127.0.0.1", port, server, folder / "log")
            yield Mailboxes(port, folder / "boxes", folder / "log")
        finally:
            server.terminate()
            server.wait(60)


def _group(number: int) -> str:
    import grp

    return grp.getgrgid(number).gr_name


def _await_greeting(address: str, port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            with smtplib.SMTP(timeout=30) as line:
                if line.connect(address, port)[0] == 220:
                    return
        except (OSError, smtplib.SMTPException):
            pass
        if server.poll() is not None or time.monotonic() > end:
            told = log.read_text() if log.exists() else ""
            raise AssertionError(told + (log.parent / "out").read_text())
        time.sleep(0.05)
