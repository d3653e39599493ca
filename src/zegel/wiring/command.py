"""The command line with everything handed to it."""

import os
from pathlib import Path
from typing import Any, cast

from zegel.doors.cli.app import make_app, run
from zegel.doors.cli.texts import language
from zegel.doors.cli.tools import Dkim, Server, Tools
from zegel.errors import Mistake, Unavailable
from zegel.journeys.house import House
from zegel.journeys.judge import Judge
from zegel.journeys.mail_check import MailCheck
from zegel.journeys.ports.people import Actor
from zegel.journeys.read import Read
from zegel.journeys.submit import Submit
from zegel.wiring.build import build, dkim_keys
from zegel.wiring.ground import Zone, configure_django, open_ground, utc_now
from zegel.wiring.serve import ROLES, run_group, run_role


def main(arguments: list[str]) -> int:
    """Run ``zegel`` with these arguments; returns the exit code."""
    tools = Tools(
        _house,
        _server,
        _submit_at,
        _read_at,
        _init,
        _migrate,
        _serve,
        _demo,
        _dkim,
        judge=_judge,
        mail_check=_mail_check,
        zegel_records=_zegel_records,
    )
    return run(make_app(tools), arguments)


def _house(data: Path, zone: Zone) -> House:
    ground = open_ground(data)
    configure_django(ground, zone)
    return build(ground, zone)


def _server(url: str, token: str) -> Server:
    from zegel.peers.server import PeerServer

    return PeerServer(url, token, language())


def _submit_at(server: Server) -> tuple[Submit, Actor]:
    from zegel.peers.server import PeerServer, RemoteActor

    peer = cast(PeerServer, server)
    profile = peer.profile()
    submit = Submit(
        peer,
        peer,
        peer,
        profile.organisation,
        profile.courier,
        profile.archive,
        profile.limits,
        utc_now,
        time_zone=profile.time_zone,
    )
    return submit, RemoteActor(*peer.me())


def _read_at(url: str) -> Read:
    from zegel.peers.server import PeerServer

    return Read(PeerServer(url, language=language()))


def _init(data: Path, **facts: Any) -> None:
    from zegel.wiring.founding import found

    found(data, **facts)


def _migrate(data: Path) -> None:
    configure_django(open_ground(data), "outside")
    from zegel.records.connect import migrate

    migrate()


def _serve(data: Path, role: str) -> None:
    if role:
        if role not in ROLES:
            raise Mistake("“{role}” is not a role of zegel serve.", code="unknown-role", role=role)
        run_role(data, role)
    else:
        run_group(open_ground(data).data)


def _mail_check(data: Path) -> MailCheck:
    from zegel.wiring.direct import mail_check

    return mail_check(open_ground(data))


def _zegel_records(data: Path) -> list[tuple[str, str]]:
    from zegel.wiring.direct import zegel_records

    return zegel_records(open_ground(data))


def _dkim(data: Path) -> Dkim:
    return dkim_keys(open_ground(data))


def _judge(data: Path) -> Judge:
    from zegel.wiring.judging import judge

    return judge(open_ground(data))


def _demo(data: Path, port: int) -> None:
    from zegel.wiring.demo import run_demo

    if os.name != "posix":
        raise Unavailable("Zegel runs on Linux and macOS.", code="unsupported")
    run_demo(data, port)
