"""``[organisation]``, and the doors through which the world comes: ``[web]``, ``[inside]``, ``[smtp]``, ``[oauth]``."""

from ipaddress import ip_network
from typing import Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, field_validator, model_validator

from zegel.parcels.addresses import checked_address
from zegel.parcels.expiry import TIME_ZONE
from zegel.wiring.config.part import Part

Algorithm = Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]


class OrganisationPart(Part):
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


class WebPart(Part):
    """The outside's web door. ``url`` is what stands in links, without a slash at the end."""

    url: str = Field(pattern=r"^https?://[^/\s]+(/[^\s]*[^/\s])?$")
    listen: str = "127.0.0.1:8025"
    behind_proxy: bool = True
    """Trust ``X-Forwarded-Proto``: Zegel does not end TLS itself, so with https in ``url`` a proxy stands before it."""
    threads: int = Field(default=64, ge=1, le=1024)


class InsidePart(Part):
    """The inside's web door: signatures, and submission by programs that cannot seal."""

    url: str = Field(pattern=r"^https?://[^/\s]+(/[^\s]*[^/\s])?$")
    listen: str = "127.0.0.1:8026"
    threads: int = Field(default=16, ge=1, le=1024)


class OauthPart(Part):
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


class ListenerPart(Part):
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


class SmtpPart(Part):
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
