"""What the command line is handed by the wiring: the door itself knows no hand and no configuration."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol
from zoneinfo import ZoneInfo

from zegel.journeys.house import House
from zegel.journeys.judge import Judge
from zegel.journeys.mail_check import MailCheck
from zegel.journeys.ports.people import Actor
from zegel.journeys.read import Read
from zegel.journeys.submit import Submit
from zegel.post.dkim import DnsRecord

Zone = Literal["outside", "inside"]


class Server(Protocol):
    """A server elsewhere, with an account's token (``peers.server``)."""

    @property
    def time_zone(self) -> ZoneInfo:
        """In which its organisation counts days."""

    def parcels(self, before: str = "") -> list[dict[str, Any]]: ...
    def parcel(self, parcel: str) -> dict[str, Any]: ...
    def post(self, path: str, members: dict[str, Any]) -> dict[str, Any]: ...
    def me(self) -> tuple[str, str, str]: ...


class Dkim(Protocol):
    """Keys that sign mail (``keys.dkim``)."""

    def make(self, selector: str) -> list[DnsRecord]: ...
    def selectors(self) -> list[str]: ...
    def records(self, selector: str) -> list[DnsRecord]: ...


@dataclass(frozen=True, slots=True)
class Tools:
    """Each is called once a command needs it, so that others start fast."""

    house: Callable[[Path, Zone], House]
    """A house in a data folder on this machine."""
    server: Callable[[str, str], Server]
    """(url, token) → a server elsewhere."""
    submit_at: Callable[[Server], tuple[Submit, Actor]]
    """Seal here, deposit there."""
    read_at: Callable[[str], Read]
    """Collect at the server with this URL."""
    init: Callable[..., None]
    migrate: Callable[[Path], None]
    serve: Callable[[Path, str], None]
    demo: Callable[..., None]
    dkim: Callable[[Path], Dkim]
    """The DKIM keys of a data folder, inside zone."""
    judge: Callable[[Path], Judge]
    """The rules for mail of the Zegel in a data folder: as the SMTP door has them."""
    mail_check: Callable[[Path], MailCheck]
    """Looks mail domains up as a data folder is configured; needs no keys."""
    zegel_records: Callable[[Path], list[tuple[str, str]]]
    """Names and values of the TXT records that tell others of this Zegel."""
