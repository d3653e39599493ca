"""A DNS of the tests' own: nsd serves a private root and what is below it, unbound validates; both on free ports.

Below the root: ``test`` is signed, ``plain`` is not, ``bogus`` is signed with a key that the root does not vouch for.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from tests.ground.databases import missing
from tests.ground.ports import free_port

_PROGRAMS = ("nsd", "unbound", "ldns-keygen", "ldns-signzone")
_HEAD = "$TTL 300\n{zone} IN SOA ns.test. h.test. 1 3600 600 86400 60\n{zone} IN NS ns.test.\n"
_DAYS = 30


@dataclass(frozen=True)
class Dns:
    """``resolver`` validates; ``deaf`` is one that does not, before the same zones."""

    resolver: str
    deaf: str
    names: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        return int(self.resolver.rpartition(":")[2])


def need_programs(*programs: str) -> None:
    """Skip without them; with CI in the environment that is a failure."""
    absent = [name for name in programs if not _path(name)]
    if absent:
        missing(", ".join(absent))


def _path(program: str) -> str | None:
    return shutil.which(program, path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


@contextmanager
def running_dns(folder: Path, records: Mapping[str, str]) -> Iterator[Dns]:
    """``records`` holds zone text by top-level domain: ``test``, ``plain``, ``bogus``."""
    need_programs(*_PROGRAMS)
    nsd, validating, deaf = free_port(), free_port(), free_port()
    anchor = _write_zones(folder, records)
    started: list[subprocess.Popen[bytes]] = []
    try:
        names = _start(folder, "nsd", _nsd(folder, nsd), "-d")
        started.append(names)
        started.append(_start(folder, "unbound", _unbound(folder, "validating", validating, nsd, anchor), "-d"))
        started.append(_start(folder, "unbound", _unbound(folder, "deaf", deaf, nsd, None), "-d"))
        for port in (nsd, validating, deaf):
            _await_answer(port, folder)
        yield Dns(f"127.0.0.1:{validating}", f"127.0.0.1:{deaf}", names)
    finally:
        for process in started:
            process.terminate()
        for process in started:
            process.wait(60)


def _write_zones(folder: Path, records: Mapping[str, str]) -> Path:
    delegations = ["ns.test. IN A 127.0.0.1"]
    for zone in ("test", "plain", "bogus"):
        (folder / f"{zone}.zone").write_text(_HEAD.format(zone=f"{zone}.") + records.get(zone, "") + "\n")
        delegations.append(f"{zone}. IN NS ns.test.")
    with (folder / "test.zone").open("a") as file:
        file.write("ns.test. IN A 127.0.0.1\n")
    (folder / "plain.signed").write_text((folder / "plain.zone").read_text())
    delegations.append(_sign(folder, "test"))
    _sign(folder, "bogus")
    # The root vouches for another key than the one that signed.
    delegations.append((folder / f"{_key(folder, 'bogus')}.ds").read_text())
    (folder / "root.zone").write_text(_HEAD.format(zone=".") + "\n".join(delegations) + "\n")
    ds = _sign(folder, "root")
    (folder / "anchor.ds").write_text(ds)
    return folder / "anchor.ds"


def _key(folder: Path, zone: str) -> str:
    origin = "." if zone == "root" else f"{zone}."
    return _run(folder, "ldns-keygen", "-a", "ECDSAP256SHA256", "-k", origin).strip()


def _sign(folder: Path, zone: str) -> str:
    """Sign ``zone.zone`` into ``zone.signed``; returns the DS record of its key."""
    key = _key(folder, zone)
    expires = time.strftime("%Y%m%d%H%M%S", time.gmtime(time.time() + _DAYS * 86400))
    origin = "." if zone == "root" else f"{zone}."
    _run(folder, "ldns-signzone", "-e", expires, "-o", origin, "-f", f"{zone}.signed", f"{zone}.zone", key)
    return (folder / f"{key}.ds").read_text()


def _run(folder: Path, program: str, *arguments: str) -> str:
    done = subprocess.run(
        [_path(program) or program, *arguments], cwd=folder, capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def _nsd(folder: Path, port: int) -> Path:
    zones = "".join(
        f'zone:\n  name: "{name}"\n  zonefile: {file}.signed\n'
        for name, file in ((".", "root"), ("test.", "test"), ("plain.", "plain"), ("bogus.", "bogus"))
    )
    path = folder / "nsd.conf"
    path.write_text(f"""server:
  ip-address: 127.0.0.1@{port}
  username: ""
  chroot: ""
  database: ""
  server-count: 1
  zonesdir: "{folder}"
  pidfile: "{folder}/nsd.pid"
  logfile: "{folder}/nsd.log"
  xfrdfile: "{folder}/xfrd.state"
  zonelistfile: "{folder}/zone.list"
  rrl-ratelimit: 0
remote-control:
  control-enable: no
{zones}""")
    return path


def _unbound(folder: Path, name: str, port: int, nsd: int, anchor: Path | None) -> Path:
    stubs = "".join(
        f'stub-zone:\n  name: "{zone}"\n  stub-addr: 127.0.0.1@{nsd}\n  stub-prime: no\n'
        for zone in (".", "test.", "plain.", "bogus.")
    )
    trust = 'module-config: "iterator"'
    if anchor:
        trust = f'module-config: "validator iterator"\n  trust-anchor-file: "{anchor}"'
    path = folder / f"unbound-{name}.conf"
    path.write_text(f"""server:
  interface: 127.0.0.1@{port}
  do-daemonize: no
  num-threads: 1
  chroot: ""
  username: ""
  directory: "{folder}"
  pidfile: "{folder}/{name}.pid"
  use-syslog: no
  logfile: "{folder}/{name}.log"
  do-not-query-localhost: no
  do-ip6: no
  outgoing-port-avoid: 0-32767
  unknown-server-time-limit: 3000
  infra-keep-probing: yes
  access-control: 127.0.0.0/8 allow
  cache-max-ttl: 0
  cache-max-negative-ttl: 0
  local-zone: "test." nodefault
  {trust}
remote-control:
  control-enable: no
{stubs}""")
    return path


def _start(folder: Path, program: str, config: Path, *arguments: str) -> "subprocess.Popen[bytes]":
    with (folder / f"{config.stem}.out").open("wb") as out:
        return subprocess.Popen(
            [*_leash(), _path(program) or program, *arguments, "-c", str(config)], cwd=folder, stdout=out, stderr=out
        )


def _leash() -> list[str]:
    """Whatever ends the tests ends the servers with them."""
    return ["setpriv", "--pdeathsig=TERM", "--"] if _path("setpriv") else []


def _await_answer(port: int, folder: Path) -> None:
    """Wait until it answers for the root."""
    query = dns.message.make_query(".", "SOA")
    end = time.monotonic() + 60
    while time.monotonic() < end:
        try:
            if dns.query.tcp(query, "127.0.0.1", timeout=2, port=port).rcode() == dns.rcode.NOERROR:
                return
        except (OSError, dns.exception.DNSException):
            pass
        time.sleep(0.05)
    logs = "\n".join(one.read_text()[-2000:] for one in folder.glob("*.log"))
    raise AssertionError(f"no DNS on port {port}\n{logs}")
