"""A carrier that signs (DKIM) what it hands over: receivers whose rules say DMARC ask for it.

The mail is read twice: a signature stands before what it signs, and no mail is kept in memory.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain

from zegel.journeys.ports.keys import MailSigner
from zegel.journeys.ports.outbox import Carrier
from zegel.journeys.ways import domain_of
from zegel.mime.headers import read_addresses, read_headers
from zegel.parcels.notify import SILENT, Notify
from zegel.transport.delivery import Delivered, RawMail

_LONGEST_HEAD = 1024 * 1024
"""A header section that is longer goes unsigned; the door takes none (``mime.limits``)."""
_ROOM = 2048
"""About what two signatures take: a server with a limit is told of them."""


@dataclass(frozen=True, slots=True)
class SignedCarrier:
    """Signs, and lets ``carrier`` hand over. With ``domains`` only what comes from an address in one of them: the
    organisation does not answer for others.
    """

    carrier: Carrier
    signer: MailSigner
    domains: AbstractSet[str] | None = None

    def deliver(self, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered:
        """Raises as the port tells."""
        signed = replace(mail, open=partial(self._signed, mail), size=mail.size and mail.size + _ROOM)
        return self.carrier.deliver(signed, sender, to, notify)

    def _signed(self, mail: RawMail) -> Iterator[bytes]:
        pieces = iter(mail.open())
        head, first = _head(pieces)
        if head and self._is_ours(head):
            yield self.signer.sign(head, chain((first,), pieces))
        yield from mail.open()

    def _is_ours(self, head: bytes) -> bool:
        if self.domains is None:
            return True
        senders = read_addresses(read_headers(head).all("from"))
        return bool(senders) and all(domain_of(address) in self.domains for _, address in senders)


def _head(pieces: Iterator[bytes]) -> tuple[bytes, bytes]:
    """The header section, and what of the body came with it; an empty one for a mail that has none."""
    held = b""
    for piece in pieces:
        held += piece
        head, found, body = held.partition(b"\r\n\r\n")
        if found:
            return head + b"\r\n", body
        if len(held) > _LONGEST_HEAD:
            break
    return b"", b""
