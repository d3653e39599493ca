"""How soon a sender hears that a reader was not reached: ``python bench/told.py``.

A whole ``zegel serve`` on SQLite. *bounce*: a bounce comes to its listener for strangers; seconds from handing it over
until the report lies in the sender's mailbox. *whole way*: a parcel whose notice a real Postfix cannot deliver; seconds
from the parcel's acceptance until the report has come, by Postfix's bounce. Nothing passes or fails here.
"""

import argparse
import os
import smtplib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

if TYPE_CHECKING:
    from tests.cli.conftest import Zegel
    from tests.outbox.sink import Sink

_BOUNCE = Path(__file__).resolve().parent.parent / "tests" / "post" / "bounces" / "postfix-failed.eml"
READER = "wie@example.net"


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--rounds", type=int, default=10)
    given = asked.parse_args()
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before; {given.rounds} rounds")
    for name, measure in (("bounce", by_bounce), ("whole way", whole_way)):
        with tempfile.TemporaryDirectory() as folder:
            took = measure(Path(folder), given.rounds)
        print(f"{name:10} median {statistics.median(took):5.2f} s   longest {max(took):5.2f} s", flush=True)
    print(f"load {os.getloadavg()[0]:.1f} after")


def by_bounce(folder: Path, rounds: int) -> list[float]:
    """Seconds of each round."""
    from tests.ground.served import free_port, make_served, served
    from tests.outbox.sink import sink

    incoming = free_port()
    with sink() as server:
        zegel = make_served(folder, server.port, incoming)
        with served(zegel, incoming):

            def one() -> float:
                before = len(server.mails)
                _send(zegel)
                _await(lambda: len(server.mails) > before)
                with smtplib.SMTP("127.0.0.1", incoming, timeout=60) as line:
                    began = time.perf_counter()
                    line.sendmail("", [server.mails[before][0]], _BOUNCE.read_text())
                _await(lambda: len(server.mails) > before + 1)
                return time.perf_counter() - began

            return [one() for _ in range(rounds)]


def whole_way(folder: Path, rounds: int) -> list[float]:
    """Seconds of each round."""
    from tests.cli.conftest import SENDER
    from tests.ground.sending_postfix import sending_postfix
    from tests.ground.served import free_port, make_served, served
    from tests.outbox.sink import sink

    incoming = free_port()
    with sink() as away, sink() as desk:
        away.rcpt = "550 5.1.1 no such user"
        transport = f"{SENDER}=smtp:[localhost]:{desk.port}, voorbeeld.example=smtp:[localhost]:{incoming}"
        with sending_postfix(away.port, transport_maps=f"inline:{{ {transport} }}") as postfix:
            zegel = make_served(folder, postfix.port, incoming)
            with served(zegel, incoming):
                return [_until_told(zegel, desk) for _ in range(rounds)]


def _until_told(zegel: "Zegel", desk: "Sink") -> float:
    before = len(desk.mails)
    began = _send(zegel)
    _await(lambda: len(desk.mails) > before)
    return time.perf_counter() - began


def _send(zegel: "Zegel") -> float:
    """Send a mail to one reader; returns the moment of its 250."""
    from tests.cli.conftest import SENDER

    with smtplib.SMTP("127.0.0.1", zegel.port + 2, timeout=60) as line:
        line.login(SENDER, zegel.token)
        line.sendmail(SENDER, [READER], f"From: {SENDER}\nTo: {READER}\nSubject: x\nZegel-Proof: mail\n\nx\n")
        return time.perf_counter()


def _await(happened: Callable[[], object]) -> None:
    end = time.monotonic() + 120
    while not happened():
        assert time.monotonic() < end, "it did not happen within two minutes"
        time.sleep(0.01)


if __name__ == "__main__":
    main()
