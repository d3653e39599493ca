"""Fill in: the sender says afterwards how a reader proves who she is (outside zone).

A reader without a known proof waits, and only she: her notice is held. The sender gets one mail per parcel, with a link
that leads to a page where he fills in what is missing; a sender with an account does the same on the parcel's page.

The link is ``https://host/fill/PARCEL#VOUCHER``. The part after ``#`` stands in no log and in no Referer; the page
sends it in the body of a form. It is a voucher under the outside's own key, bound to the parcel and its sender, and
good until the parcel ends. It lets nobody change a proof that is known, choose the weakest one (``mail``), or read
anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from zegel import seal
from zegel.audit.entry import Noted
from zegel.audit.events import Event
from zegel.errors import Denied, Mistake, NotFound
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.people import Actor
from zegel.journeys.ports.records import Records
from zegel.journeys.revoke import Revoke
from zegel.parcels import vouchers
from zegel.parcels.identifiers import checked
from zegel.parcels.outbox_words import ReportWords, spell_words
from zegel.parcels.proofs import Proof
from zegel.parcels.states import ParcelStatus, ReaderStatus, Slip, check_open

_PURPOSE = "fill"
MISSING = "proof-missing"
"""What the report row says."""


@dataclass(frozen=True, slots=True)
class Question:
    """A ``report`` row of the outbox, and its entry for the audit chain; both belong to the deposit's transaction."""

    slip: str
    sealed: bytes = field(repr=False)
    noted: Noted


@dataclass(frozen=True, slots=True)
class FillIn:
    """``courier`` is the recipient of what the courier reads; ``key`` the outside's own secret; ``url`` as in links."""

    records: Records
    revoke: Revoke
    courier: str
    url: str
    clock: Clock
    key: bytes = field(repr=False)

    def ask(self, slips: Sequence[str]) -> Question:
        """What makes the courier ask the sender, once for all these readers of one parcel; nothing is written yet."""
        sealed = seal.seal(spell_words(ReportWords(slips[0], MISSING)), seal.parse_recipient(self.courier))
        noted = Noted(self.clock(), "courier", Event.PROOF_ASKED, slips[0], {"readers": len(slips)})
        return Question(slips[0], sealed, noted)

    def link(self, slip: Slip) -> str:
        """The link for the sender of this slip's parcel; made when his mail is written, so that it lies nowhere."""
        facts: dict[str, str | int] = {"parcel": slip.parcel, "sender": slip.sender}
        return f"{self.url}/fill/{slip.parcel}#{vouchers.mint(self.key, _PURPOSE, facts, slip.expires)}"

    def waiting(self, parcel: str) -> tuple[ReaderStatus, ...]:
        """Readers who wait for the sender; nobody, when the parcel has ended."""
        status = self.records.parcel(parcel)
        live = status.state == "live" and status.expires > self.clock()
        return tuple(reader for reader in status.readers if live and reader.state == "waiting")

    def look(self, parcel: str, voucher: str) -> ParcelStatus:
        """The parcel to which the link belongs; raises Denied ``bad-fill-link``, one answer for all that is wrong."""
        try:
            facts = vouchers.read(self.key, _PURPOSE, voucher, self.clock())
            if facts.get("parcel") == checked(parcel):
                status = self.records.parcel(parcel)
                if status.sender == facts.get("sender"):
                    return status
        except (Denied, Mistake, NotFound):
            pass
        raise Denied("This link is not valid any more. Log in to complete your message.", code="bad-fill-link")

    def by_link(self, parcel: str, voucher: str, slip: str, proof: Proof) -> None:
        """Fill in with the link. Raises as :meth:`look` and :meth:`by_sender`."""
        status = self.look(parcel, voucher)
        self._check_reader(status, slip)
        self._give(slip, proof, "sender")

    def withdraw_by_link(self, parcel: str, voucher: str, slip: str) -> None:
        """Withdraw the parcel from a reader who still waits; raises as :meth:`look`, Mistake ``proof-known``."""
        status = self.look(parcel, voucher)
        self._check_reader(status, slip)
        self.revoke.waiting_reader(parcel, slip)

    def by_sender(self, actor: Actor, slip: str, proof: Proof) -> None:
        """Fill in for a reader of one's own parcel.

        Raises NotFound (also for the parcel of somebody else), Mistake ``proof-known``: what is known stays as it is.
        """
        found = self.records.slip(checked(slip))
        if found.sender != actor.address or found.kind != "claim":
            raise NotFound("There is no such reader.", code="unknown-slip")
        self._give(slip, proof, f"account:{actor.account}")

    def _give(self, slip: str, proof: Proof, by: str) -> None:
        if proof.kind not in ("sms", "code"):
            raise Mistake("Choose a telephone number or an access code.", code="no-such-choice")
        with self.records.transaction():
            now = self.clock()
            given = self.records.give_proof(slip, proof, now)
            if given:
                self.records.append_audit(now, by, Event.PROOF_GIVEN, slip, {"proof": proof.kind})
        if not given:
            check_open(self.records.slip(slip), self.clock())
            raise Mistake("This reader does not wait for you any more.", code="proof-known")

    def _check_reader(self, status: ParcelStatus, slip: str) -> None:
        if slip not in {reader.slip for reader in status.readers}:
            raise NotFound("There is no such reader.", code="unknown-slip")
