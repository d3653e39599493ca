"""What something takes: seconds by the clock, and seconds of processor time."""

import os
import resource
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


def processor() -> float:
    """Seconds of processor time that we, our servers and our finished children have taken."""
    ours, theirs, ticks, running = (
        resource.getrusage(resource.RUSAGE_SELF),
        resource.getrusage(resource.RUSAGE_CHILDREN),
        os.sysconf("SC_CLK_TCK"),
        0,
    )
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            facts = stat.read_text().rpartition(")")[2].split()
            if int(facts[1]) == os.getpid():
                running += int(facts[11]) + int(facts[12])
    return ours.ru_utime + ours.ru_stime + theirs.ru_utime + theirs.ru_stime + running / ticks


@dataclass(frozen=True)
class Cost:
    """What something took."""

    seconds: float
    processor: float

    def against(self, other: "Cost") -> str:
        """How many times the other one takes of it."""
        return f"{other.seconds / self.seconds:.2f}x (processor {other.processor / self.processor:.2f}x)"

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.processor:.1f} s of processor"


class Meter:
    """Measures from when it is made."""

    def __init__(self) -> None:
        self._began, self._before = time.monotonic(), processor()

    def __call__(self) -> Cost:
        return Cost(time.monotonic() - self._began, processor() - self._before)
