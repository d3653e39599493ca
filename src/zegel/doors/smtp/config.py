"""What an organisation can set of the SMTP door, and its limits (sizes in bytes, periods in seconds)."""

from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

from zegel.errors import Mistake
from zegel.journeys.wishes import MissingProof
from zegel.mime.limits import MimeLimits
from zegel.parcels.deposit import CLASSES, LANGUAGES
from zegel.parcels.expiry import TIME_ZONE
from zegel.policy.ruleset import Policy

TlsMode = Literal["none", "starttls", "implicit"]
Kind = Literal["submission", "relay", "incoming"]
Require = Literal["all", "any"]
Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class DoorLimits:
    """What one client, session or mail may ask of us."""

    message_bytes: int = 150 * 1024 * 1024
    recipients: int = 500
    line_bytes: int = 64 * 1024
    """RFC 5322 allows 998; programs that write one line per paragraph are served all the same."""
    commands: int = 10_000
    """Commands in one session; a mail to 500 recipients takes 503."""
    mistakes: int = 20
    """Refused or unknown commands in one session."""
    failed_logins: int = 3
    login_seconds: float = 60
    """After this a session that begins a mail is looked up again: its account may have been closed."""
    sessions: int = 200
    client_sessions: int = 100
    handshake_seconds: float = 30
    idle_seconds: float = 300
    """One whole command, and each silence within a mail (RFC 5321 §4.5.3.2.7)."""
    data_seconds: float = 1800
    data_grace_seconds: float = 120
    data_bytes_per_second: int = 1024
    """A mail that is slower than this, after the grace, is broken off: drops cost us a session each."""
    session_seconds: float = 7200
    client_mails: int = 0
    """Mails that one client address may begin in a minute; 0 is no limit."""
    client_recipients: int = 0
    """The same for recipients."""
    all_mails: int = 0
    """Mails that all clients of a listener may begin in a minute together."""
    workers: int = 8
    """Threads that parse and seal; more mails than this wait their turn."""
    chunk_bytes: int = 256 * 1024


STRANGERS = DoorLimits(
    message_bytes=25 * 1024 * 1024,
    recipients=20,
    commands=200,
    mistakes=5,
    sessions=50,
    client_sessions=5,
    idle_seconds=60,
    data_seconds=600,
    data_grace_seconds=60,
    session_seconds=900,
    client_mails=60,
    client_recipients=120,
    all_mails=1200,
)
"""What is allowed whom nobody knows, unless configured otherwise."""


@dataclass(frozen=True, slots=True)
class Listener:
    """One address that the door listens on, and for whom.

    ``submission``  programs of senders, which log in (RFC 6409)
    ``relay``       the organisation's own mail servers, known by ``networks``, by a certificate of ``client_ca``
                    (with one of ``client_names``, when there are any), or both, as ``require`` says
    ``incoming``    strangers, who may only reach addresses that the courier or a mailbox here answers to
    """

    kind: Kind = "submission"
    host: str = "127.0.0.1"
    port: int = 1587
    tls: TlsMode = "none"
    certificate: Path | None = None
    private_key: Path | None = None
    networks: tuple[Network, ...] = ()
    client_ca: Path | None = None
    client_names: tuple[str, ...] = ()
    require: Require = "all"
    limits: DoorLimits | None = None
    """None: those of the door."""

    def check(self) -> None:
        """Refuse what would let passwords or mail cross a network in the clear; raises Mistake."""
        if self.tls != "none" and not (self.certificate and self.private_key):
            raise Mistake("TLS for the SMTP door needs a certificate and its private key.", code="no-certificate")
        if self.tls == "none" and not self.loopback and self.kind != "incoming":
            raise Mistake(
                "The SMTP door on {host} needs TLS: without it only a loopback address is allowed.",
                code="smtp-needs-tls",
                host=self.host,
            )
        if self.kind == "relay" and not self.networks and not self.client_ca:
            raise Mistake(
                "A relay listener needs networks or client_ca: else the whole world could send through it.",
                code="open-relay",
            )
        if self.client_ca and self.tls == "none":
            raise Mistake("Client certificates need TLS.", code="no-certificate")

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine can reach the listener."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


@dataclass(frozen=True, slots=True)
class DoorConfig:
    """``default_proof`` is what a reader must show when nobody names a proof; if empty, ``missing_proof`` decides."""

    hostname: str
    listeners: tuple[Listener, ...] = (Listener(),)
    default_proof: str = ""
    missing_proof: MissingProof = "wait"
    default_class: int = 2
    policy: Policy = field(default_factory=Policy)
    language: str = "nl"
    time_zone: ZoneInfo = TIME_ZONE
    """Of a date in a mail's ``Zegel-Expires``."""
    stop_seconds: float = 10
    share_ports: bool = False
    """Whether other processes listen on the same ports (SO_REUSEPORT)."""
    limits: DoorLimits = field(default_factory=DoorLimits)
    mime: MimeLimits = field(default_factory=MimeLimits)

    def check(self) -> None:
        """Raises Mistake for the first thing that cannot be meant."""
        for listener in self.listeners:
            listener.check()
        if self.default_class not in CLASSES:
            raise Mistake("A class is a number from 0 to 4.", code="bad-class")
        if self.language not in LANGUAGES:
            raise Mistake(
                "The language “{language}” is not known here.", code="bad-language", language=self.language[:10]
            )
