"""The facts of one mail domain, as they were found in DNS and on its policy server."""

from dataclasses import dataclass
from typing import Literal

from zegel.transport.mta_sts import Policy
from zegel.transport.nta7516 import Nta
from zegel.transport.tlsa import Tlsa

Answer = Literal["found", "absent", "failed"]
"""``absent``: there surely is none. ``failed``: no answer, SERVFAIL or a wrong signature; nobody knows."""
TlsaAnswer = Answer | Literal["insecure"]


@dataclass(frozen=True, slots=True)
class Server:
    """One mail server of the domain. Names are A-labels in lower case without the last dot.

    ``base`` is the name under which its TLSA records were found: where its aliases led, when all were signed
    (RFC 7672 §2.2.2). ``tlsa`` is ``insecure`` when its zone, or the answer, is not signed.
    """

    name: str
    preference: int
    addresses: tuple[str, ...]
    address: Answer
    base: str
    tlsa: TlsaAnswer
    records: tuple[Tlsa, ...] = ()


@dataclass(frozen=True, slots=True)
class Offer:
    """All that decides how a mail may travel to ``domain``.

    ``mx`` is ``absent`` when the domain has no MX records and is its own server (RFC 5321 §5.1), ``no-domain`` when it
    does not exist; ``mx_secure`` says that this was signed. ``expanded`` is where the domain's own aliases led.
    ``sts`` and ``nta`` tell how the look-up went, and hold what was found. ``nta_servers`` stand instead of ``servers``
    while the NTA 7516 record is in force.
    """

    domain: str
    mx: Answer | Literal["no-domain", "null"]
    mx_secure: bool
    servers: tuple[Server, ...] = ()
    expanded: str = ""
    sts: Answer = "absent"
    policy: Policy | None = None
    nta: Answer | Literal["insecure", "malformed"] = "absent"
    nta_record: Nta | None = None
    nta_servers: tuple[Server, ...] = ()
