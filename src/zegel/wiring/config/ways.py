"""How mail and messages leave: ``[mail]``, ``[[mailbox]]``, ``[sms]``, ``[direct]``, ``[peers]``."""

from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from zegel.parcels.addresses import checked_address
from zegel.wiring.config.part import Part


class MailPart(Part):
    """How notices leave: over SMTP, or into a Maildir."""

    kind: Literal["smtp", "maildir"] = "maildir"
    sender: str
    folder: str = "mail"
    host: str = "127.0.0.1"
    port: int = 25
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    user: str = ""
    password_file: str = ""
    bounces: str = ""
    """The address under which notices get return addresses of their own; empty: ``sender``; ``none``: no bounces."""

    connections: int = Field(default=8, ge=1, le=100)
    """Notices that one courier hands over at the same time."""
    couriers: int = Field(default=1, ge=1, le=32)
    """Courier processes that ``zegel serve`` runs side by side."""
    dkim: str = Field(default="", pattern=r"^[a-z0-9-]{0,40}$")
    """The selector to sign with (``zegel dkim new``); empty: no signatures."""
    dkim_domain: str = Field(default="", pattern=r"^[a-z0-9.-]{0,253}$")
    """``d=`` of the signatures, in ASCII; empty: the domain of ``sender``."""

    _address = field_validator("sender")(checked_address)

    @property
    def domain(self) -> str:
        """Of ``sender``, in lower case."""
        return self.sender.rpartition("@")[2]

    @field_validator("bounces")
    @classmethod
    def _bounces(cls, value: str) -> str:
        return value if value in ("", "none") else checked_address(value)


class MailboxPart(Part):
    """Own mail domains, and the server that has their mailboxes; with ``portal`` the inside web door does."""

    domains: tuple[str, ...] = Field(min_length=1)
    deliver: Literal["lmtp", "smtp", "portal"]
    host: str = ""
    """A name, an address, or the path of a Unix socket."""
    port: int = Field(default=24, ge=1, le=65535)
    tls: Literal["none", "starttls", "implicit"] = "starttls"
    authorities: str = ""
    """Certificates to trust instead of the system's."""
    name: str = ""
    """What the certificate must be for; empty is ``host``."""

    @field_validator("domains")
    @classmethod
    def _domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checked_address(f"x@{domain}").partition("@")[2].lower() for domain in domains)

    @model_validator(mode="after")
    def _server(self) -> Self:
        if self.deliver != "portal" and not self.host:
            raise ValueError("a mailbox server needs a host")
        if self.deliver == "portal" and self.model_fields_set - {"domains", "deliver"}:
            raise ValueError("mailboxes in the portal have no server")
        return self


class SmsPart(Part):
    """How SMS codes leave: into a file (trial), or through a supplier's HTTP interface."""

    kind: Literal["file", "http", "none"] = "file"
    file: str = "sms.jsonl"
    driver: str = ""
    """For ``http``: a TOML file with the request (docs/reference/outbox.md)."""


class DirectPart(Part):
    """Mail straight to domains that prove themselves (docs/reference/direct-delivery.md)."""

    enabled: bool = False
    resolvers: tuple[str, ...] = Field(default=("127.0.0.1",), min_length=1, max_length=8)
    """Validating resolvers, ``address`` or ``address:port``."""
    trusted_resolvers: tuple[str, ...] = ()
    """Those of ``resolvers`` whose word on signatures counts though they are not on this machine."""
    authorities: str = ""
    """A PEM file of authorities instead of the system's, for MTA-STS."""
    nta7516: bool = True
    """Whether an NTA 7516 record decides where mail goes."""
    hours: int = Field(default=24, ge=1, le=72)
    """How long a mail that nobody takes is tried before it becomes a notice with a link."""


class PeersPart(Part):
    """Sealed to other organisations' Zegels, and from them (docs/reference/peers.md). Needs ``direct.enabled``."""

    enabled: bool = True
    hour_bytes: int = Field(default=5 * 1024**3, ge=1024**2)
    """What one organisation may bring in an hour."""
    hour_bytes_all: int = Field(default=20 * 1024**3, ge=1024**2)
