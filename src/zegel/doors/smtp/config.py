"""What an organisation can set of the SMTP door, and its limits (sizes in bytes, periods in seconds)."""

from dataclasses import dataclass, field
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from zegel.errors import Mistake
from zegel.mime.limits import MimeLimits
from zegel.parcels.deposit import CLASSES, LANGUAGES

TlsMode = Literal["none", "starttls", "implicit"]


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
    sessions: int = 200
    client_sessions: int = 100
    idle_seconds: float = 300
    data_seconds: float = 1800
    session_seconds: float = 7200
    workers: int = 8
    """Threads that parse and seal; more mails than this wait their turn."""
    chunk_bytes: int = 256 * 1024


@dataclass(frozen=True, slots=True)
class DoorConfig:
    """``default_proof`` is what a reader must show when the sender names no proof; empty: the mail is refused."""

    hostname: str
    host: str = "127.0.0.1"
    port: int = 1587
    tls: TlsMode = "none"
    certificate: Path | None = None
    private_key: Path | None = None
    default_proof: str = ""
    default_class: int = 2
    language: str = "nl"
    timezone: str = "Europe/Amsterdam"
    stop_seconds: float = 10
    limits: DoorLimits = field(default_factory=DoorLimits)
    mime: MimeLimits = field(default_factory=MimeLimits)

    def check(self) -> None:
        """Refuse a configuration that would let passwords cross a network in the clear; raises Mistake."""
        if self.tls != "none" and not (self.certificate and self.private_key):
            raise Mistake("TLS for the SMTP door needs a certificate and its private key.", code="no-certificate")
        if self.tls == "none" and not self.loopback:
            raise Mistake(
                "The SMTP door on {host} needs TLS: without it only a loopback address is allowed.",
                code="smtp-needs-tls",
                host=self.host,
            )
        if self.default_class not in CLASSES:
            raise Mistake("A class is a number from 0 to 4.", code="bad-class")
        if self.language not in LANGUAGES:
            raise Mistake(
                "The language “{language}” is not known here.", code="bad-language", language=self.language[:10]
            )

    @property
    def loopback(self) -> bool:
        """Whether nobody but this machine can reach the listener."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
