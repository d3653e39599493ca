"""``zegel.toml`` in the data folder: every key checked, unknown keys refused (docs/reference/configuration.md)."""

import tomllib
from pathlib import Path

from pydantic import Field, ValidationError, field_validator

from zegel.errors import Mistake, NotFound
from zegel.parcels.arrivals import Takes
from zegel.parcels.limits import Limits
from zegel.suppliers.policy import Policy as PlacementPolicy
from zegel.wiring.config.doors import InsidePart, OauthPart, OrganisationPart, SmtpPart, WebPart
from zegel.wiring.config.part import Part
from zegel.wiring.config.patches import PatchPart, SpreadPart
from zegel.wiring.config.policy import PolicyPart
from zegel.wiring.config.ways import DirectPart, MailboxPart, MailPart, PeersPart, SmsPart

FILE = "zegel.toml"


class LimitsPart(Part):
    """What senders may ask; see ``zegel.parcels.limits.Limits``."""

    readers: int = Field(default=500, ge=1, le=5000)
    attachments: int = Field(default=500, ge=0, le=5000)
    parcel_bytes: int = Field(default=10 * 1024**3, ge=1024**2)
    part_bytes: int = Field(default=16 * 1024**2, ge=65536, le=256 * 1024**2)
    days: int = Field(default=365, ge=1, le=3650)
    mail_proof_class: int = Field(default=4, ge=0, le=4)

    def limits(self) -> Limits:
        return Limits(**self.model_dump())


class Config(Part):
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
