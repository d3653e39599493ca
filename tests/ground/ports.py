"""Ports that nobody else takes, for servers that must be told theirs before they start.

A port that the kernel gave (bind to 0, close) is free only until somebody asks the kernel again, and other tests do so
all the time. So these lie below those that the kernel gives away, and each process counts through a block of its own.
A block belongs to whoever holds an abstract unix socket of its name, which ends with the process.
"""

import random
import socket
import sys
from pathlib import Path

_FIRST, _SIZE = 12_000, 64
_claims: list[socket.socket] = []
_left: list[int] = []


def free_port() -> int:
    """A port that is free for TCP and UDP on every address of this machine."""
    return free_ports(1)


def listens(port: int) -> bool:
    """Whether anybody takes connections there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count: int) -> int:
    """The first of so many neighbours."""
    while True:
        if len(_left) < count:
            _left[:] = _claim()
        ports, _left[:] = _left[:count], _left[count:]
        if all(map(_is_free, ports)):
            return ports[0]


def _claim() -> range:
    blocks = list(range(_FIRST, _given_by_the_kernel() - _SIZE, _SIZE))
    random.shuffle(blocks)
    for first in blocks:
        if sys.platform != "linux":  # abstract sockets are Linux's; elsewhere chance must do
            return range(first, first + _SIZE)
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0zegel-test-ports-{first}")
        except OSError:
            claim.close()
            continue
        _claims.append(claim)
        return range(first, first + _SIZE)
    raise OSError("other tests have all ports")


def _given_by_the_kernel() -> int:
    """The lowest port that it gives by itself."""
    told = Path("/proc/sys/net/ipv4/ip_local_port_range")
    lowest = int(told.read_text().split()[0]) if told.exists() else 32_768
    return lowest if lowest > _FIRST + 10 * _SIZE else 32_768


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind(("", port))
            except OSError:
                return False
    return True
