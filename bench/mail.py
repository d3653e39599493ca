"""Mail accepted through SMTP, sealed and durable, beside Postfix accepting the same mail: ``python bench/mail.py``.

20 kB mails over 1, 10 and 50 sessions that stay open, 25 MB mails over 4; both servers get the same bytes from the same
clients, in turns, on the same disk. Ours is ``zegel serve --role smtp``: on SQLite one process, and another Zegel with
as many as ``--sqlite-doors`` says; on PostgreSQL two side by side. It opens TLS to nobody, checks a password once per
session, seals and deposits. Postfix writes to its queue and delivers nothing. Medians of several rounds; nothing passes
or fails here.
"""

import argparse
import base64
import multiprocessing
import os
import pwd
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from bench.ground import COMMAND, READER, SENDER, make_zegel, postgres, wait_for, zegel
from tests.ground.ports import free_port

PASSWORD = "een lang wachtwoord 1"
CLIENTS = 4
"""Processes that send; sessions are threads in them."""


def mail(size: int) -> bytes:
    """A mail of about ``size`` bytes with one attachment."""
    content = base64.encodebytes(os.urandom(size * 3 // 4 * 76 // 78)).replace(b"\n", b"\r\n")
    head = f"From: {SENDER}\r\nTo: {READER}\r\nSubject: s\r\nMIME-Version: 1.0\r\n"
    head += "Content-Type: multipart/mixed; boundary=g\r\n\r\n--g\r\n\r\nGeachte mevrouw,\r\n--g\r\n"
    head += "Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    return head.encode() + content + b"--g--\r\n"


@dataclass(frozen=True)
class Target:
    """A server; ``ports`` are those of its processes."""

    name: str
    ports: tuple[int, ...]
    login: bool


class Client:
    """One session."""

    def __init__(self, port: int, login: bool):
        self._socket = socket.create_connection(("127.0.0.1", port), 120)
        self._file = self._socket.makefile("rb")
        self._reply("220")
        self._say("EHLO client.example", "250")
        if login:
            secret = base64.b64encode(f"\0{SENDER}\0{PASSWORD}".encode()).decode()
            self._say(f"AUTH PLAIN {secret}", "235")

    def send(self, body: bytes) -> None:
        """Send one mail and wait for its 250."""
        self._socket.sendall(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{READER}>\r\nDATA\r\n".encode())
        for code in ("250", "250", "354"):
            self._reply(code)
        self._socket.sendall(body + b".\r\n")
        self._reply("250")

    def _say(self, line: str, code: str) -> None:
        self._socket.sendall(line.encode() + b"\r\n")
        self._reply(code)

    def _reply(self, code: str) -> None:
        while (line := self._file.readline())[3:4] == b"-":
            pass
        assert line.startswith(code.encode()), line


def drive(
    target: Target, first: int, sessions: int, count: int, size: int, gate: "multiprocessing.synchronize.Barrier"
) -> None:
    """One client process: open its sessions, wait for the others, send."""
    from concurrent.futures import ThreadPoolExecutor

    body = mail(size)
    clients = [Client(target.ports[(first + n) % len(target.ports)], target.login) for n in range(sessions)]

    def send(client: Client) -> None:
        for _ in range(count):
            client.send(body)

    gate.wait()
    with ThreadPoolExecutor(sessions) as pool:
        list(pool.map(send, clients))


def rate(target: Target, sessions: int, mails: int, size: int) -> float:
    """Mails a second."""
    processes = min(CLIENTS, sessions)
    shares = [sessions // processes + (n < sessions % processes) for n in range(processes)]
    gate = multiprocessing.Barrier(processes + 1)
    each = max(1, mails // sessions)
    running = [
        multiprocessing.Process(target=drive, args=(target, sum(shares[:n]), share, each, size, gate))
        for n, share in enumerate(shares)
    ]
    for process in running:
        process.start()
    gate.wait()
    begin = time.perf_counter()
    for process in running:
        process.join()
        assert process.exitcode == 0
    return sessions * each / (time.perf_counter() - begin)


@contextmanager
def smtp_doors(folder: Path, name: str, database: str, processes: int) -> Iterator[Target]:
    """A Zegel as ``zegel init`` makes it, with as many SMTP doors as asked for on the same data."""
    data, secret = folder / name, folder / "password"
    make_zegel(data, database)
    secret.write_text(PASSWORD)
    zegel(data, "user", "add", SENDER, "--name", "Zorg", "--password-file", str(secret))
    ports, running = [], []
    text = (data / "zegel.toml").read_text()
    try:
        for _ in range(processes):
            port = free_port()
            part = f'[smtp]\ndefault_proof = "mail"\nlisten = "127.0.0.1:{port}"\n#'
            (data / "zegel.toml").write_text(text.replace("[smtp]\n", part))
            running.append(
                subprocess.Popen(
                    [*COMMAND, "serve", "--role", "smtp", "--data", data],
                    stdin=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            wait_for(port)
            ports.append(port)
        yield Target(name, tuple(ports), True)
    finally:
        for process in running:
            process.terminate()
            process.wait()


@contextmanager
def postfix(folder: Path) -> Iterator[Target]:
    """A Postfix of our own that accepts everything into its queue and delivers nothing."""
    port, config = free_port(), folder / "postfix"
    for name in ("", "spool", "data"):
        (config / name).mkdir()
    shutil.chown(config / "data", "postfix")
    (config / "main.cf").write_text(
        f"compatibility_level = 3.6\nqueue_directory = {config}/spool\ndata_directory = {config}/data\n"
        f"maillog_file = {config}/mail.log\nmaillog_file_prefixes = {folder}\ninet_interfaces = 127.0.0.1\n"
        "inet_protocols = ipv4\nmyhostname = pf.example\nmydestination =\nmynetworks = 127.0.0.0/8\n"
        "smtpd_relay_restrictions = permit_mynetworks, reject\nsmtpd_client_connection_count_limit = 0\n"
        "default_transport = smtp\ndefer_transports = smtp, local\nin_flow_delay = 0\nmessage_size_limit = 104857600\n"
        "queue_minfree = 0\nqueue_run_delay = 1h\n"
    )
    (config / "master.cf").write_text(
        f"127.0.0.1:{port} inet n - n - 60 smtpd\n"
        "pickup unix n - n 60 1 pickup\ncleanup unix n - n - 0 cleanup\nqmgr unix n - n 300 1 qmgr\n"
        "rewrite unix - - n - - trivial-rewrite\nbounce unix - - n - 0 bounce\ndefer unix - - n - 0 bounce\n"
        "smtp unix - - n - - smtp\nlocal unix - n n - - local\nerror unix - - n - - error\nretry unix - - n - - error\n"
        "proxymap unix - - n - - proxymap\nanvil unix - - n - 1 anvil\nscache unix - - n - 1 scache\n"
        "postlog unix-dgram n - n - 1 postlogd\n"
    )
    subprocess.run(["postfix", "-c", config, "start"], check=True, capture_output=True)
    try:
        wait_for(port)
        yield Target("Postfix", (port,), False)
    finally:
        subprocess.run(["postfix", "-c", config, "stop"], check=False, capture_output=True)


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--count", type=int, default=300)
    asked.add_argument("--rounds", type=int, default=3)
    asked.add_argument("--sqlite-doors", type=int, default=2, help="processes of a second Zegel on SQLite; 1 for none")
    asked.add_argument("--small-only", action="store_true", help="no mails of 25 MB")
    given = asked.parse_args()
    large = "" if given.small_only else ", and 12 of 25 MB"
    print(f"{os.cpu_count()} cores, {given.rounds} rounds of {given.count} mails of 20 kB{large}; medians")
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)
        targets = _targets(folder, stack, given.sqlite_doors)
        for sessions, mails, size in (
            (1, given.count, 20_000),
            (10, given.count, 20_000),
            (50, given.count, 20_000),
            (4, 12, 25_000_000),
        )[: 3 if given.small_only else 4]:
            taken: dict[str, list[float]] = {}
            for _ in range(given.rounds):
                for target in targets:
                    taken.setdefault(target.name, []).append(rate(target, sessions, mails, size))
            _show(sessions, size, {name: statistics.median(rates) for name, rates in taken.items()})


def _targets(folder: Path, stack: ExitStack, doors: int) -> list[Target]:
    targets = []
    if os.geteuid() == 0 and shutil.which("postfix") and _has_user("postfix"):
        targets.append(stack.enter_context(postfix(folder)))
    else:
        print("Postfix left out: it needs its program, its user and root.")
    targets.append(stack.enter_context(smtp_doors(folder, "Zegel, SQLite", "", 1)))
    if doors > 1:
        targets.append(stack.enter_context(smtp_doors(folder, f"Zegel, SQLite, {doors} processes", "", doors)))
    url = stack.enter_context(postgres())
    targets.append(stack.enter_context(smtp_doors(folder, "Zegel, PostgreSQL, 2 processes", url, 2)))
    return targets


def _has_user(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _show(sessions: int, size: int, middle: dict[str, float]) -> None:
    for name, value in middle.items():
        share = f"  {value / middle['Postfix']:4.0%} of Postfix" if "Postfix" in middle else ""
        unit = f"{value * size / 1e6:7.1f} MB/s" if size > 1e6 else f"{value:7.0f}/s   "
        print(f"{sessions:3} sessions  {size // 1000:6} kB  {name:32} {unit}{share}")


if __name__ == "__main__":
    multiprocessing.set_start_method("spawn")
    main()
