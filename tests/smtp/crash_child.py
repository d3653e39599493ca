"""The door on a real data folder, in a process that kills itself at one step: ``crash_child.py DATA STEP COUNT``.

STEP is ``write``, ``commit``, ``deposit`` or ``reply``, with ``-done`` for the moment after it; it dies at the COUNTth
time. The port is printed first.
"""

import os
import signal
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zegel.doors.smtp import session
from zegel.doors.smtp.config import DoorConfig, Listener
from zegel.doors.smtp.serve import run
from zegel.wiring.build import build
from zegel.wiring.ground import configure_django, open_ground
from zegel.wiring.smtp import door_journeys

_fatal = (sys.argv[2], int(sys.argv[3]))
_seen: Counter[str] = Counter()


def _step(name: str) -> None:
    _seen[name] += 1
    if (name, _seen[name]) == _fatal:
        os.kill(os.getpid(), signal.SIGKILL)


def _around(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    def counted(*args: Any, **facts: Any) -> Any:
        _step(name)
        found = call(*args, **facts)
        _step(f"{name}-done")
        return found

    return counted


class _Writer:
    def __init__(self, writer: Any):
        self.write, self.abort = _around("write", writer.write), writer.abort
        self.commit = _around("commit", writer.commit)
        self.writer = writer

    @property
    def light(self) -> bool:
        return bool(self.writer.light)


class _Sink:
    def __init__(self, store: Any):
        self._store = store
        self.delete = store.delete

    def open_write(self, blob: str, class_: int | None = None) -> _Writer:
        return _Writer(self._store.open_write(blob, class_))

    def commit_all(self, writers: Sequence[_Writer]) -> Any:
        return _around("commit", self._store.commit_all)([one.writer for one in writers])


class _Depositor:
    def __init__(self, send: Any):
        self.deposit = _around("deposit", send.deposit)


def _tell(ports: tuple[int, ...]) -> None:
    print(*ports, flush=True)


ground = open_ground(Path(sys.argv[1]))
configure_django(ground, "inside")
house = build(ground, "inside")
submit = replace(house.inside_submit(), sink=_Sink(house.store), depositor=_Depositor(house.send))
_reply = session.Session.reply


async def _reply_counted(self: session.Session, text: str) -> None:
    if text.startswith("250 2.0.0 Accepted"):
        _step("reply")
    await _reply(self, text)


session.Session.reply = _reply_counted  # type: ignore[method-assign]
config = DoorConfig("post.voorbeeld.example", (Listener(port=0),), default_proof="mail")
run(config, replace(door_journeys(ground, house), submit=submit), _tell)
