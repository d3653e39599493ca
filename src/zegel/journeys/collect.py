"""Collect, the server's half: judge the proof, release the share, hand out sealed bytes (outside zone)."""

import hmac
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from zegel import seal
from zegel.audit.events import Event
from zegel.errors import Denied, Mistake, NotFound
from zegel.journeys.ports.clock import Clock
from zegel.journeys.ports.records import Records
from zegel.journeys.ports.stores import BlobStore
from zegel.parcels import proofs, vouchers
from zegel.parcels.addresses import Person
from zegel.parcels.deposit import Blob
from zegel.parcels.identifiers import checked
from zegel.parcels.limits import CODE_MINUTES, CODE_TRIES, TICKET_MINUTES
from zegel.parcels.manifest import Organisation
from zegel.parcels.outbox_words import SmsCodeWords, spell_words
from zegel.parcels.release import Announced, Released
from zegel.parcels.states import Slip, check_open, check_ready

_CODES_AN_HOUR = 5
_CODE_EVERY = timedelta(minutes=1)
_TICKET = "ticket"


@dataclass(frozen=True, slots=True)
class Collect:
    """``key`` is the outside's own secret: it makes tickets, and keys the hashes of SMS codes."""

    records: Records
    store: BlobStore
    organisation: Organisation
    courier: str
    clock: Clock
    key: bytes = field(repr=False)

    def look(self, slip: str) -> Announced:
        """What the reader may know before the proof; raises NotFound: unknown, revoked or expired."""
        found = self._open_slip(slip)
        return Announced(
            organisation=self.organisation,
            sender=Person(found.sender_name, found.sender),
            proof=found.proof.kind,
            hint=found.proof.hint,
            created=found.created,
            expires=found.expires,
            language=found.language,
        )

    def request_code(self, slip: str) -> None:
        """Have the courier send six new digits; older ones stop counting. Raises Denied when asked too often."""
        found, now = self._open_slip(slip), self.clock()
        if found.proof.kind != "sms":
            raise Mistake("This message is not opened with a code by SMS.", code="no-sms-proof")
        code = proofs.new_sms_code()
        sealed = seal.seal(spell_words(SmsCodeWords(slip, code)), seal.parse_recipient(self.courier))
        with self.records.transaction():
            self._check_code_pace(slip, now)
            self.records.set_code(slip, proofs.keyed_code(self.key, slip, code), now + timedelta(minutes=CODE_MINUTES))
            self.records.add_outbox("sms-code", slip, sealed, now)
            self.records.append_audit(now, f"reader:{slip}", Event.CODE_SENT, slip, {})

    def open(self, slip: str, code: str = "") -> Released:
        """Judge the proof and release the share.

        Raises NotFound (as :meth:`look`), Denied ``proof-failed`` (one answer for a wrong, an old and a never requested
        code) or ``proof-paused`` with ``retry_after``.
        """
        found, now = self._open_slip(slip), self.clock()
        if found.proof.kind != "mail":
            self._count_try(slip, now)
            if not self._judge(found, code, now):
                with self.records.transaction():
                    self.records.append_audit(now, f"reader:{slip}", Event.PROOF_FAILED, slip, {})
                raise _wrong_code()
        with self.records.transaction():
            # Read again: while the proof was judged the sender may have withdrawn the message.
            found = self._open_slip(slip)
            if found.proof.kind == "sms" and not self.records.use_code(slip):
                raise _wrong_code()
            self.records.set_pause(slip, None, reset=True)
            self.records.append_audit(now, f"reader:{slip}", Event.SHARE_RELEASED, slip, {"proof": found.proof.kind})
        return self._release(found, now)

    def reopen(self, slip: str, ticket: str) -> Released:
        """Release again to a reader who reloads the page within the hour; raises Denied ``bad-ticket``, NotFound."""
        self._check_ticket(slip, ticket)
        return self._release(self._open_slip(slip), self.clock())

    def blob_size(self, slip: str, blob: str, ticket: str) -> int:
        """Sealed size of a blob that this reader may fetch; raises as :meth:`blob`."""
        self._check_ticket(slip, ticket)
        for kept in shown_blobs(self.records, self._open_slip(slip)):
            if kept.blob == blob:
                return kept.size
        raise NotFound("This attachment is not part of the message.", code="unknown-blob")

    def blob(self, slip: str, blob: str, ticket: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield sealed bytes; once the last one is taken the reader counts as having opened or downloaded.

        Raises Denied ``bad-ticket``, NotFound; also when it is revoked between two blobs.
        """
        size = self.blob_size(slip, blob, ticket)
        first = self.records.blobs_of(self._open_slip(slip).parcel)[0].blob == blob
        pieces = self.store.read(blob, start, length)
        self.records.release()
        reaches_end = length is None or start + length >= size
        if not reaches_end:
            return pieces
        return counted(pieces, self.records, self.clock, slip, f"reader:{slip}", manifest=first)

    def _open_slip(self, slip: str) -> Slip:
        try:
            found = self.records.slip(checked(slip))
        except (Mistake, NotFound):
            raise NotFound("This link does not lead to a message.", code="unknown-slip") from None
        if found.kind != "claim":
            raise NotFound("This link does not lead to a message.", code="unknown-slip")
        check_open(found, self.clock())
        check_ready(found)
        return found

    def _check_code_pace(self, slip: str, now: datetime) -> None:
        sent = self.records.last_codes(slip, now - timedelta(hours=1))
        wait = timedelta(0)
        if sent:
            wait = sent[-1] + _CODE_EVERY - now
        if len(sent) >= _CODES_AN_HOUR:
            wait = max(wait, sent[0] + timedelta(hours=1) - now)
        if wait > timedelta(0):
            raise Denied(
                "A code was sent a moment ago. Wait before you ask for a new one.",
                code="code-paused",
                retry_after=int(wait.total_seconds()) + 1,
            )

    def _count_try(self, slip: str, now: datetime) -> None:
        # Counted before it is judged and under a row lock: a thousand tries at once are still counted one by one.
        with self.records.transaction():
            until = self.records.pause(slip)
            paused = until is not None and until > now
            if not paused:
                pause = proofs.pause_after(self.records.count_try(slip, now))
                if pause:
                    self.records.set_pause(slip, now + pause)
                    self.records.append_audit(now, f"reader:{slip}", Event.PROOF_PAUSED, slip, {})
        if paused and until:
            raise Denied(
                "There were too many wrong codes. Try again later.",
                code="proof-paused",
                retry_after=int((until - now).total_seconds()) + 1,
            )

    def _judge(self, slip: Slip, code: str, now: datetime) -> bool:
        if slip.proof.kind == "code":
            return proofs.code_matches(slip.proof, code)
        kept = self.records.code(slip.slip)
        given = proofs.keyed_code(self.key, slip.slip, "".join(code[:40].split()))
        if kept is None:
            return False
        hashed, expires, tries = kept
        return hmac.compare_digest(hashed, given) and expires > now and tries <= CODE_TRIES

    def _release(self, slip: Slip, now: datetime) -> Released:
        until = now + timedelta(minutes=TICKET_MINUTES)
        blobs = shown_blobs(self.records, slip)
        return Released(
            parcel=slip.parcel,
            sealed_slip=slip.sealed_slip,
            share=slip.share,
            blobs=tuple((blob.blob, blob.size) for blob in blobs),
            ticket=vouchers.mint(self.key, _TICKET, {"slip": slip.slip}, until),
            ticket_until=until,
        )

    def _check_ticket(self, slip: str, ticket: str) -> None:
        if vouchers.read(self.key, _TICKET, ticket, self.clock()).get("slip") != slip:
            raise Denied("This ticket is not valid any more.", code="bad-ticket")


def shown_blobs(records: Records, slip: Slip) -> list[Blob]:
    """The manifest and what it names; not the mail itself, which is for other readers' mail servers."""
    return records.blobs_of(slip.parcel)[: slip.attachments + 1]


def counted(
    pieces: Iterator[bytes], records: Records, clock: Clock, slip: str, by: str, *, manifest: bool
) -> Iterator[bytes]:
    """The pieces; once the last one is taken the reader counts as having opened (``manifest``) or downloaded."""
    yield from pieces
    now = clock()
    with records.transaction():
        if records.mark(slip, "opened" if manifest else "downloaded", now):
            event = Event.MANIFEST_FETCHED if manifest else Event.ATTACHMENT_FETCHED
            records.append_audit(now, by, event, slip, {})
    records.release()


def _wrong_code() -> Denied:
    # One answer for a wrong, an expired, a used and a never requested code: guessing must teach nothing.
    return Denied("This code is not right or no longer valid.", code="proof-failed")
