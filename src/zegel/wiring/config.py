"""``zegel.toml`` in the data folder: every key checked, unknown keys refused (docs/reference/configuration.md)."""

import tomllib
from ipaddress import ip_network
from pathlib import Path
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from zegel.errors import Mistake, NotFound
from zegel.parcels.addresses import checked_address
from zegel.parcels.arrivals import Takes
from zegel.parcels.expiry import TIME_ZONE
from zegel.parcels.limits import Limits
from zegel.stores.placement import Spread
from zegel.suppliers.policy import Policy as PlacementPolicy
from zegel.wiring.policy import PolicyPart

FILE = "zegel.toml"
Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrganisationPart(_Part):
    """Who runs this Zegel; ``host`` is the name in links and signatures."""

    name: str = Field(min_length=1, max_length=200)
    host: str = Field(min_length=1, max_length=253, pattern=r"^[a-z0-9.:\[\]-]+$")
    domains: tuple[str, ...] = ()
    """The mail domains of its own people, in lower case."""
    time_zone: str = TIME_ZONE.key
    """In which days begin and end for its senders and readers; a name of the IANA database."""

    @field_validator("domains")
    @classmethod
    def _domains(cls, domains: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checked_address(f"x@{domain}").partition("@")[2] for domain in domains)

    @field_validator("time_zone")
    @classmethod
    def _time_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("no time zone has this name; an example is Europe/Amsterdam")
        return name

    @property
    def zone(self) -> ZoneInfo:
        """``time_zone``, to count with."""
        return ZoneInfo(self.time_zone)


class WebPart(_Part):
    """The outside's web door. ``url`` is what stands in links, without a slash at the end."""

    url: str = Field(pattern=r"^https?://[^/\s]+(/[^\s]*[^/\s])?$")
    listen: str = "127.0.0.1:8025"
    behind_proxy: bool = True
    """Trust ``X-Forwarded-Proto``: Zegel does not end TLS itself, so with https in ``url`` a proxy stands before it."""
    threads: int = Field(default=64, ge=1, le=1024)


class InsidePart(_Part):
    """The inside's web door: signatures, and submission by programs that cannot seal."""

    url: str = Field(pattern=r"^https?://[^/\s]+(/[^\s]*[^/\s])?$")
    listen: str = "127.0.0.1:8026"
    threads: int = Field(default=16, ge=1, le=1024)


class OauthPart(_Part):
    """The OpenID provider whose tokens log in at the SMTP door (AUTH OAUTHBEARER)."""

    issuer: str = Field(pattern=r"^https?://[^/\s]+(/\S*)?$")
    audience: str = Field(min_length=1)
    claim: str = "email"
    jwks: str = Field(default="", pattern=r"^(https?://\S+)?$")
    algorithms: tuple[Algorithm, ...] = ("RS256", "PS256", "ES256", "EdDSA")

    @model_validator(mode="after")
    def _encrypted(self) -> Self:
        # Whoever can answer in the provider's place decides who logs in.
        for url in (self.issuer, self.jwks):
            host = urlsplit(url).hostname or ""
            if url.startswith("http:") and host not in ("localhost", "127.0.0.1", "::1"):
                raise ValueError("an OpenID provider elsewhere is asked over https only")
        return self


class ListenerPart(_Part):
    """One more address that the SMTP door listens on (docs/reference/smtp.md)."""

    kind: Literal["submission", "relay", "incoming"]
    listen: str = Field(pattern=r"^\S+:\d{1,5}$")
    tls: Literal["starttls", "implicit"] = "starttls"
    certificate: str = ""
    key: str = ""
    """Empty: those of ``[smtp]``."""
    networks: tuple[str, ...] = ()
    client_ca: str = ""
    client_names: tuple[str, ...] = ()
    require: Literal["all", "any"] = "all"
    max_bytes: int | None = Field(default=None, ge=1024)
    sessions: int | None = Field(default=None, ge=1)
    client_sessions: int | None = Field(default=None, ge=1)
    client_mails: int | None = Field(default=None, ge=0)
    client_recipients: int | None = Field(default=None, ge=0)
    all_mails: int | None = Field(default=None, ge=0)

    @field_validator("networks")
    @classmethod
    def _networks(cls, networks: tuple[str, ...]) -> tuple[str, ...]:
        for network in networks:
            ip_network(network)
        return networks


class SmtpPart(_Part):
    """The SMTP door. ``listen`` is a submission listener; empty for none.

    ``default_proof`` is used when a mail names none; empty refuses such mail.
    """

    listen: str = "127.0.0.1:8587"
    listener: tuple[ListenerPart, ...] = ()
    hostname: str = ""
    """In greetings; empty is ``organisation.host``."""
    processes: int = Field(default=1, ge=1, le=64)
    default_proof: str = ""
    missing_proof: Literal["wait", "refuse"] = "wait"
    """A reader without a proof: her slip waits until the sender gives one, or the mail is refused."""
    default_class: int = Field(default=2, ge=0, le=4)
    language: Literal["nl", "en"] = "nl"
    tls: Literal["starttls", "implicit"] = "starttls"
    certificate: str = ""
    key: str = ""
    max_bytes: int = Field(default=150 * 1024**2, ge=1024)


class MailPart(_Part):
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


class MailboxPart(_Part):
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


class SmsPart(_Part):
    """How SMS codes leave: into a file (trial), or through a supplier's HTTP interface."""

    kind: Literal["file", "http", "none"] = "file"
    file: str = "sms.jsonl"
    driver: str = ""
    """For ``http``: a TOML file with the request (docs/reference/outbox.md)."""


class DirectPart(_Part):
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


class PeersPart(_Part):
    """Sealed to other organisations' Zegels, and from them (docs/reference/peers.md). Needs ``direct.enabled``."""

    enabled: bool = True
    hour_bytes: int = Field(default=5 * 1024**3, ge=1024**2)
    """What one organisation may bring in an hour."""
    hour_bytes_all: int = Field(default=20 * 1024**3, ge=1024**2)


class LimitsPart(_Part):
    """What senders may ask; see ``zegel.parcels.limits.Limits``."""

    readers: int = Field(default=500, ge=1, le=5000)
    attachments: int = Field(default=500, ge=0, le=5000)
    parcel_bytes: int = Field(default=10 * 1024**3, ge=1024**2)
    part_bytes: int = Field(default=16 * 1024**2, ge=65536, le=256 * 1024**2)
    days: int = Field(default=365, ge=1, le=3650)
    mail_proof_class: int = Field(default=4, ge=0, le=4)

    def limits(self) -> Limits:
        return Limits(**self.model_dump())


class PatchPart(_Part):
    """One place at one storage; ``supplier`` is its name in the register (``own``: the organisation itself)."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    driver: Literal["local", "s3", "webdav", "azure"] = "local"
    supplier: str = "own"
    rank: int = Field(default=0, ge=0, le=100)
    folder: str = ""
    endpoint: str = ""
    bucket: str = ""
    region: str = "us-east-1"
    prefix: str = Field(default="zegel/", pattern=r"^([A-Za-z0-9._-]+/)*$")
    path_style: bool = True
    access_key: str = ""
    secret_key: str = ""
    """Only ``env:NAME``, so that a secret never stands in this file."""
    secret_key_file: str = ""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.driver == "local" and not self.folder:
            raise ValueError("a local patch needs a folder")
        if self.driver == "s3" and not (self.endpoint and self.bucket and self.access_key):
            raise ValueError("an S3 patch needs endpoint, bucket and access_key")
        if self.driver == "webdav" and not (self.endpoint and self.access_key):
            raise ValueError("a WebDAV patch needs endpoint (the folder's address) and access_key (the user's name)")
        if self.driver == "azure" and not (self.endpoint and self.bucket):
            raise ValueError("an Azure patch needs endpoint (the account's address) and bucket (the container)")
        if self.driver != "local" and bool(self.secret_key) == bool(self.secret_key_file):
            raise ValueError("a patch elsewhere needs secret_key_file, or secret_key as env:NAME")
        if self.secret_key and not self.secret_key.startswith("env:"):
            raise ValueError("secret_key is env:NAME; keep the key itself in the environment or in a file")
        return self


class SharesPart(_Part):
    """A blob in ``of`` shares, of which any ``needed`` make it (docs/reference/shares.md)."""

    needed: int = Field(ge=2, le=16)
    of: int = Field(ge=3, le=16)


class SpreadPart(_Part):
    """How some classes are spread: copies or shares wanted; how many are durable before the sender is answered.

    ``least`` is 1 for copies; for shares one more than is needed, so that the loss of one place is survived at once.
    """

    classes: tuple[int, ...] = Field(min_length=1)
    copies: int = Field(default=1, ge=1, le=16)
    least: int = Field(default=0, ge=1, le=16)
    shares: SharesPart | None = None

    @model_validator(mode="after")
    def _sensible(self) -> Self:
        if self.shares is None:
            if self.least > self.copies:
                raise ValueError("least is more than copies")
            return self
        if "copies" in self.model_fields_set:
            raise ValueError("a class is kept in copies or in shares, not both")
        if self.shares.needed >= self.shares.of:
            raise ValueError("shares.of must be more than shares.needed, or nothing may ever be lost")
        if self.least and not self.shares.needed <= self.least <= self.shares.of:
            raise ValueError("least lies between shares.needed and shares.of")
        return self

    def spread(self) -> Spread:
        """As placement takes it."""
        if self.shares is None:
            return Spread(self.copies, self.least or 1)
        return Spread(self.shares.of, self.least or self.shares.needed + 1, self.shares.needed)


class Config(_Part):
    """The whole file. Relative paths are under the data folder."""

    organisation: OrganisationPart
    web: WebPart
    inside: InsidePart
    smtp: SmtpPart = SmtpPart()
    oauth: OauthPart | None = None
    mail: MailPart
    sms: SmsPart = SmsPart()
    mailbox: tuple[MailboxPart, ...] = ()
    policy: PolicyPart = PolicyPart()
    limits: LimitsPart = LimitsPart()
    direct: DirectPart = DirectPart()
    peers: PeersPart = PeersPart()
    database: str = ""
    """A URL; empty is SQLite in the data folder. May be ``env:NAME`` to keep a password out of the file."""
    store: str = "store"
    """The folder of the one patch ``local``, when no ``[[patch]]`` is configured."""
    patch: tuple[PatchPart, ...] = ()
    spread: tuple[SpreadPart, ...] = ()
    placement: PlacementPolicy = PlacementPolicy()
    demo: bool = False

    @property
    def hostname(self) -> str:
        """What our mail programs call themselves, to servers and to clients."""
        return self.smtp.hostname or self.organisation.host.partition(":")[0]

    @property
    def takes(self) -> dict[str, Takes]:
        """What mailboxes of each own mail domain take when it comes sealed from elsewhere."""
        kinds: dict[str, Takes] = {"portal": "message"}
        return {domain: kinds.get(part.deliver, "mail") for part in self.mailbox for domain in part.domains}

    @property
    def mail_domains(self) -> frozenset[str]:
        """All own mail domains: of the organisation's people, of its mailboxes, and that which notices come from."""
        boxes = {domain for part in self.mailbox for domain in part.domains}
        return frozenset({*self.organisation.domains, *boxes, self.mail.domain})

    @property
    def portal_domains(self) -> frozenset[str]:
        """Own mail domains whose mailboxes are read in the portal."""
        return frozenset(domain for part in self.mailbox if part.deliver == "portal" for domain in part.domains)

    @field_validator("mailbox")
    @classmethod
    def _mailboxes(cls, parts: tuple[MailboxPart, ...]) -> tuple[MailboxPart, ...]:
        domains = [domain for part in parts for domain in part.domains]
        twice = [domain for domain in domains if domains.count(domain) > 1]
        if twice:
            raise ValueError(f"{twice[0]} stands in two [[mailbox]]")
        return parts


def read_config(data: Path) -> Config:
    """Read and check the file; raises NotFound when the folder is no Zegel, Mistake naming the wrong key."""
    path = data / FILE
    try:
        with path.open("rb") as file:
            members = tomllib.load(file)
    except FileNotFoundError:
        raise NotFound("There is no Zegel in {path}. Make one with “zegel init”.", code="no-zegel", path=data) from None
    except tomllib.TOMLDecodeError as error:
        raise Mistake("{path} cannot be read: {reason}", code="bad-config", path=path, reason=error) from None
    return check_config(members, path)


def check_config(members: dict[str, object], path: Path) -> Config:
    """Check the values; raises Mistake naming the first wrong key."""
    try:
        return Config.model_validate(members)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise Mistake(
            "In {path}, “{key}” is not right: {reason}.", code="bad-config", path=path, key=key, reason=first["msg"]
        ) from None
    except Mistake as error:
        raise Mistake(
            "In {path}, “{key}” is not right: {reason}.", code="bad-config", path=path, key="mail.sender", reason=error
        ) from None
