"""Bounce: a mail came to a notice's own return address (inside zone). Who is it about, and was she reached?

What it says is read by ``post.bounce``; here is what follows from it. A failure marks the reader *unreached*, once, and
never one who has opened her message: then the notice did arrive. A delay or an automatic answer is noted in the audit
chain, once per reader, and changes nothing; the sender is told of it (``reports``), of an answer unless she has opened
her message: it came to an address of ours, and he would never see it.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from zegel.audit.events import Event
from zegel.errors import NotFound
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.records import Records
from zegel.journeys.reports import Reports
from zegel.parcels.states import Slip
from zegel.post.bounce import MOST_BYTES, Reading, read_bounce
from zegel.post.verp import BounceAddresses

_LOG = logging.getLogger("zegel.bounce")


@dataclass(frozen=True, slots=True)
class Bounce:
    """Takes mail for the courier's return addresses."""

    records: Records
    addresses: BounceAddresses
    reports: Reports
    clock: Clock

    def is_bounce_address(self, address: str) -> bool:
        """Whether an address has the shape of one; costs no look-up. What a door asks at RCPT."""
        return self.addresses.fits(address)

    def check(self, address: str) -> None:
        """Raises Denied ``forged-bounce`` for an address that was not made here: a door answers 550."""
        self.addresses.read(address)

    def take(self, address: str, sender: str, mail: Iterable[bytes]) -> None:
        """Read a whole mail, of any size, and do what follows; durable when it returns.

        ``sender`` is the envelope's, empty for ``<>``. Raises Denied ``forged-bounce``, and then nothing was changed;
        Unavailable: the sending server should try again. What says nothing to us is taken and forgotten.
        """
        slip = self.addresses.read(address)
        reading = read_bounce(_first(mail), null_sender=sender in ("", "<>"))
        with self.records.transaction():
            self._follow(slip, reading)
        _LOG.info("a mail about %s says: %s %s", slip, reading.said, reading.status)

    def _follow(self, slip: str, reading: Reading) -> None:
        if reading.said not in ("failed", "delayed", "automatic"):
            return
        try:
            found = self.records.slip(slip)
        except NotFound:
            return
        if found.revoked or found.parcel_state != "live" or found.expires <= self.clock():
            # Withdrawn or over meanwhile: nobody waits for this reader any more. (A slip whose mail was delivered is
            # wiped, and its reader may still turn out not to exist.)
            return
        if reading.said == "failed":
            self._failed(found, reading)
        elif reading.said == "delayed":
            self.reports.delayed(found, reading.status or "bounced")
        else:
            self._answered(found)

    def _failed(self, found: Slip, reading: Reading) -> None:
        if not self._opened(found):
            self.reports.unreached(found, reading.status or "bounced", {"reason": "bounced", **_status(reading)})

    def _answered(self, found: Slip) -> None:
        # Once: whoever has the address could else fill the chain, and the sender's mailbox, with answers.
        if any(entry.event == Event.READER_AUTOREPLIED for entry in self.records.audit_of(found.slip)):
            return
        if not self._opened(found):
            self.reports.add(found, "autoreplied")
        self.records.append_audit(self.clock(), "courier", Event.READER_AUTOREPLIED, found.slip, {})

    def _opened(self, found: Slip) -> bool:
        readers = self.records.parcel(found.parcel).readers
        return any(reader.opened for reader in readers if reader.slip == found.slip)


def _first(mail: Iterable[bytes]) -> bytes:
    """The first ``MOST_BYTES``; the rest is read, so that the sending server gets to its end, and dropped."""
    kept = bytearray()
    for piece in mail:
        kept += piece[: MOST_BYTES - len(kept)]
    return bytes(kept)


def _status(reading: Reading) -> dict[str, str]:
    return {"status": reading.status} if reading.status else {}
