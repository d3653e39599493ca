"""``zegel serve``: one process per role, watched by one that starts again what dies.

=========  =======  ========================================================
role       zone     does
=========  =======  ========================================================
outside    outside  portal and API
tidy       outside  ends what is due; repairs and patrols the patches, sweeps orphans; does officers' jobs
inside     inside   signatures and submissions over HTTP
smtp       inside   submissions by mail
courier    inside   notices and SMS codes; signs reports of Plan B
=========  =======  ========================================================
"""

import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from pathlib import Path

from zegel.errors import Mistake, ZegelError
from zegel.journeys.house import House
from zegel.wiring.build import build
from zegel.wiring.ground import Ground, Zone, configure_django, open_ground

ROLES = ("outside", "tidy", "inside", "smtp", "courier")
_LOG = logging.getLogger("zegel.serve")
_PATIENCE = 15
"""Seconds that a role gets to finish what it is doing."""
_QUIET = 0.5
"""Seconds between rounds of the courier when nothing is due."""
_DELIVERIES = 8
"""Mails that are handed to other people's servers in one round."""
_WATCHED = "ZEGEL_WATCHED"
_TIDY_EVERY = 60
_JOBS_EVERY = 2
_SIGN_EVERY = 5
_OPEN_EVERY = 60.0
"""Seconds between looks whether what is published for other organisations is still true."""
_SWEEP_EVERY = 3600
_REMEMBERED = timedelta(days=8)
_PATROL = 50
"""Copies per patch that each tidy round checks."""


def run_role(data: Path, role: str) -> None:
    """Run one role in this process until SIGTERM or SIGINT."""
    ground = open_ground(data)
    os.environ["ZEGEL_DATA"] = str(ground.data)
    if os.environ.pop(_WATCHED, ""):
        _end_with_parent()
    elif {"smtp": ground.config.smtp.processes, "courier": ground.config.mail.couriers}.get(role, 1) > 1:
        # A process of its own for every door, on the same ports, and for every courier; this one watches them.
        run_group(data, (role,))
        return
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {role} %(levelname)s %(message)s")
    match role:
        case "outside":
            _run_web(ground, "outside", ground.config.web.listen, ground.config.web.threads)
        case "inside":
            _run_web(ground, "inside", ground.config.inside.listen, ground.config.inside.threads)
        case "courier":
            house = _house(ground, "inside")
            if house.announce is not None:
                # A code by SMS must not wait for the mail server of somebody else to take a large mail.
                deliveries = partial(house.announce.round, _DELIVERIES, only="delivery")
                _rounds(_courier(house), _QUIET, beside=deliveries)
        case "tidy":
            _tidy(ground)
        case "smtp":
            _run_smtp(ground)
        case _:
            raise Mistake("“{role}” is not a role of zegel serve.", code="unknown-role", role=role)


def _house(ground: Ground, zone: Zone) -> House:
    configure_django(ground, zone)
    return build(ground, zone)


def _run_web(ground: Ground, zone: Zone, listen: str, threads: int) -> None:
    from granian import Granian
    from granian.constants import Interfaces
    from granian.log import LogLevels

    host, _, port = listen.rpartition(":")
    # WSGI with many blocking threads: slow uploads must not starve readers (docs/decisions/0002-web-stack.md).
    Granian(
        f"zegel.wiring.web:{zone}_app",
        address=host.strip("[]"),
        port=int(port),
        interface=Interfaces.WSGI,
        factory=True,
        blocking_threads=threads,
        backpressure=threads,
        log_access=False,
        log_level=LogLevels.error,
        websockets=False,
    ).serve()


def _run_smtp(ground: Ground) -> None:
    from zegel.doors.smtp.serve import run
    from zegel.wiring.smtp import door_config, door_journeys

    house = _house(ground, "inside")
    config = door_config(ground, house.profile.limits.readers)
    for name, why in config.policy.unreachable.items():
        _LOG.warning("policy: rule “%s” never decides: %s", name, why)
    run(config, door_journeys(ground, house))


def _courier(house: House) -> Callable[[], int]:
    """The courier's round, and every few seconds that of whoever signs reports: both need the inside's keys."""
    signed, opened = 0.0, -_OPEN_EVERY

    def once() -> int:
        nonlocal signed, opened
        done = house.announce.round(but="delivery") if house.announce else 0
        if house.plan_b and house.plan_b.sign_reports and time.monotonic() - signed > _SIGN_EVERY:
            done += house.plan_b.sign_reports.round()
            signed = time.monotonic()
        if house.reception and time.monotonic() - opened > _OPEN_EVERY:
            done += house.reception.round()
            opened = time.monotonic()
        return done

    return once


def _work(house: House, ending: threading.Event) -> None:
    """Do what officers asked for, beside the rounds of the tidy role: an evacuation may take days."""
    while not ending.wait(_JOBS_EVERY):
        try:
            if house.plan_b:
                house.plan_b.run_jobs.round(ending)
        except ZegelError as error:
            _LOG.warning("%s: %s", error.kind, error)
            ending.wait(30)
        except Exception:  # noqa: BLE001  # whatever it was, the other rounds of this process go on
            # Its lease runs out and it is tried again, up to twenty times.
            _LOG.exception("a job ended by a fault of ours")
            ending.wait(30)


def _tidy(ground: Ground) -> None:
    house = _house(ground, "outside")
    ending = threading.Event()
    worker = threading.Thread(target=_work, args=(house, ending), name="jobs", daemon=True)
    worker.start()
    swept = 0.0

    def tidy() -> int:
        nonlocal swept
        touched = house.expire.round()
        if house.plan_b is None:
            return touched
        tend = house.plan_b.tend
        touched += tend.round()
        tend.patrol_all(_PATROL)
        if time.monotonic() - swept > _SWEEP_EVERY:
            tend.sweep()
            tend.respread()
            with house.records.transaction():
                # Longer than a mail server tries to deliver (Postfix: 5 days).
                house.records.forget_mails(house.clock() - _REMEMBERED)
            house.plan_b.days.round()
            swept = time.monotonic()
        return touched

    _rounds(tidy, _TIDY_EVERY)
    ending.set()
    # It stops at the end of a batch; when that takes longer, the process ends and the rows know how far it was.
    worker.join(_PATIENCE - 3)


def _end_with_parent() -> None:
    """End this process when the group's watcher dies, however it died: its end of our standard input closes then."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _when_told_to_stop(stop: Callable[[], None]) -> None:
    """Call ``stop`` in a thread of its own on SIGTERM or SIGINT.

    A handler runs between two instructions of the main thread. If that is just inside ``Event.wait``, which holds the
    event's lock for moments, ``Event.set`` in the handler waits for that lock for ever. Putting into a SimpleQueue is
    the one thing that Python promises to work there.
    """
    told: queue.SimpleQueue[int] = queue.SimpleQueue()

    def wait() -> None:
        told.get()
        stop()

    threading.Thread(target=wait, name="signals", daemon=True).start()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: told.put(number))


def _rounds(once: Callable[[], int], quiet: float, *, beside: Callable[[], int] | None = None) -> None:
    """Repeat until told to stop; ``beside`` is repeated in a thread of its own."""
    stop = threading.Event()
    _when_told_to_stop(stop.set)

    def repeat_beside() -> None:
        try:
            if beside:
                _repeat(beside, quiet, stop)
        finally:
            # A fault of ours ends the process, which is started again; half of one must not live on.
            stop.set()

    other = threading.Thread(target=repeat_beside)
    if beside:
        other.start()
    _repeat(once, quiet, stop)
    if beside:
        other.join()


def _repeat(once: Callable[[], int], quiet: float, stop: threading.Event) -> None:
    """Trouble is logged and waited out, never the end of the process."""
    while not stop.is_set():
        try:
            handled = once()
        except ZegelError as error:
            _LOG.warning("%s: %s", error.kind, error)
            handled = 0
            stop.wait(min(error.retry_after or 5, 60))
        if not handled:
            stop.wait(quiet)


class Group:
    """The processes of one ``zegel serve``. Ends only its own children, by their process identifiers."""

    def __init__(self, data: Path, roles: tuple[str, ...] = ROLES):
        self._data = data
        config = open_ground(data).config
        many = {"smtp": config.smtp.processes, "courier": config.mail.couriers}
        more = [f"{role} {number}" for role in roles for number in range(2, many.get(role, 1) + 1)]
        self._roles = (*roles, *more)
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = threading.Event()

    def start(self) -> None:
        """Start every role."""
        for role in self._roles:
            self._running[role] = self._spawn(role)

    def watch(self) -> None:
        """Start again what ends by itself, until :meth:`stop` is called from a signal handler or another thread."""
        while not self.stopping.wait(0.5):
            for role, process in self._running.items():
                if process.poll() is not None and not self.stopping.is_set():
                    _LOG.error("%s ended with %s; starting it again", role, process.returncode)
                    self.stopping.wait(1)
                    self._running[role] = self._spawn(role)

    def request_stop(self) -> None:
        self.stopping.set()

    def stop(self) -> None:
        """Ask every role to finish, and end those that do not."""
        self.stopping.set()
        for process in self._running.values():
            if process.poll() is None:
                process.terminate()
        deadline = time.monotonic() + _PATIENCE
        for process in self._running.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self, role: str) -> subprocess.Popen[bytes]:
        role = role.partition(" ")[0]
        command = [sys.executable, "-m", "zegel", "serve", "--data", str(self._data), "--role", role]
        # A session of its own: Ctrl-C reaches the watcher alone, which then lets each role finish in order.
        watched = {**os.environ, _WATCHED: "1"}
        return subprocess.Popen(command, start_new_session=True, stdin=subprocess.PIPE, env=watched)


def run_group(
    data: Path, roles: tuple[str, ...] = ROLES, ready: Callable[[threading.Event], None] | None = None
) -> None:
    """Run all roles until SIGTERM or Ctrl-C; ``ready`` is called once they are started, with the event of its end."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s serve %(levelname)s %(message)s")
    group = Group(data, roles)
    _when_told_to_stop(group.request_stop)
    group.start()
    try:
        if ready:
            ready(group.stopping)
        group.watch()
    finally:
        group.stop()
