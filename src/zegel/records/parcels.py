"""Parcels, their blobs and slips: deposit, status, destruction."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import IntegrityError, connection
from django.db.models import Q

from zegel.errors import NotFound
from zegel.parcels import states
from zegel.parcels.copies import Copy
from zegel.parcels.deposit import Accepted, Blob, Deposit, Reader, parcel_exists
from zegel.parcels.proofs import Proof
from zegel.parcels.states import Milestone, ParcelState, ParcelStatus
from zegel.parcels.ways import Way
from zegel.records import models
from zegel.records.border import border
from zegel.records.outbox import ended, outbox_row
from zegel.records.places import COPIES, copy_rows
from zegel.records.rows import STATUS_COLUMNS, parcel_status, received, whole_slip
from zegel.records.statements import Row, insert, insert_all
from zegel.records.transactions import must_write

_BATCH = 500
_BEFORE: dict[str, tuple[str, ...]] = {"revoked": ("live",), "expired": ("live",), "gone": ("revoked", "expired")}
"""From which states each state can be reached; an end is never turned into another end."""
# Written out, not bound: SQLite takes a partial index only when it sees the very words of the index's condition.
_ENDED = "SELECT parcel FROM parcel WHERE state IN ('revoked', 'expired') ORDER BY parcel LIMIT %s"
_WIPED: dict[str, Any] = {
    "telephone": "", "salt": b"", "verifier": b"", "sealed_slip": b"", "share": b"", "code_hash": b"",
    "code_expires": None, "paused_until": None,
}  # fmt: skip
"""What opens a parcel for a reader, and what she shows for it, once it is gone."""
_MILESTONES = ("announced", "delivered", "opened", "downloaded", "unreached")


class Parcels:
    """The parcel part of the Records port."""

    def add_deposit(self, deposit: Deposit, digest: str, now: datetime, sender_name: str) -> bool:
        """Write parcel, blobs, slips and one outbox row per ``claim`` reader, in two round trips.

        Returns False, writing nothing, when the same parcel with the same digest is there already. Raises Mistake
        ``parcel-exists`` when another one has its identifier, or a blob or slip identifier is taken; the transaction
        cannot go on after that.
        """
        must_write()
        with border():
            if not insert("parcel", [_parcel_row(deposit, digest, now, sender_name)], unless_there=True):
                if models.Parcel.objects.filter(parcel=deposit.parcel, digest=digest).exists():
                    return False
                raise parcel_exists()
            try:
                insert_all(
                    ("blob", _blob_rows(deposit)),
                    ("slip", _slip_rows(deposit)),
                    ("outbox", _notice_rows(deposit, now)),
                )
            except IntegrityError as error:
                connection.set_rollback(True)
                raise parcel_exists() from error
        return True

    def add_deposits(self, several: Sequence[Accepted], copies: Sequence[Copy] = ()) -> None:
        """:meth:`add_deposit` for several that are all new, in one round trip; notes their mails and copies too.

        Raises Mistake ``parcel-exists`` when a parcel, blob, slip, mail or copy is there; the transaction cannot go on
        then.
        """
        must_write()
        # In one order everywhere, so that two groups with the same parcels or mails in them do not deadlock.
        mails = sorted((one for one in several if one.once), key=lambda one: one.once)
        ordered = sorted(several, key=lambda one: one.deposit.parcel)
        with border():
            try:
                insert_all(
                    ("mail_seen", [{"once": it.once, "parcel": it.deposit.parcel, "seen": it.moment} for it in mails]),
                    ("parcel", [_parcel_row(it.deposit, it.digest, it.moment, it.sender_name) for it in ordered]),
                    ("blob", [row for it in ordered for row in _blob_rows(it.deposit)]),
                    (COPIES, copy_rows(copies, several[0].moment)),
                    ("slip", [row for it in ordered for row in _slip_rows(it.deposit)]),
                    ("outbox", [row for it in ordered for row in _notice_rows(it.deposit, it.moment)]),
                )
            except IntegrityError as error:
                connection.set_rollback(True)
                raise parcel_exists() from error

    def parcel(self, parcel: str) -> ParcelStatus:
        """Raises NotFound ``unknown-parcel``. Inside a transaction the parcel stays locked until it ends."""
        with border():
            return _statuses([_locked(parcel) if connection.in_atomic_block else _found(parcel)])[0]

    def parcels_of(self, sender: str, before: str = "", limit: int = 50) -> list[ParcelStatus]:
        """The sender's parcels, newest first; ``before`` is the last parcel of the page before.

        Two queries whatever the page, and the same cost on the last page as on the first (keyset, not OFFSET).
        """
        with border():
            rows = models.Parcel.objects.filter(sender=sender)
            if before:
                last = _found(before, sender=sender)
                rows = rows.filter(created__lte=last.created).filter(
                    Q(created__lt=last.created) | Q(parcel__lt=last.parcel)
                )
            return _statuses(list(rows.order_by("-created", "-parcel")[:limit]))

    def blobs_of(self, parcel: str) -> list[Blob]:
        """In order: the manifest first; empty when the parcel is gone. Raises NotFound for an unknown parcel."""
        with border():
            rows = models.Blob.objects.filter(parcel_id=_plain(parcel)).order_by("place")
            blobs = [Blob(row.blob, row.size, row.sha256) for row in rows]
            if not blobs:
                _found(parcel)
            return blobs

    def slip(self, slip: str) -> states.Slip:
        """Raises NotFound ``unknown-slip``."""
        with border():
            found = models.Slip.objects.select_related("parcel").filter(slip=_plain(slip)).first()
        if found is None:
            raise NotFound("This link does not lead to a message.", code="unknown-slip")
        return whole_slip(found)

    def slips(self, slips: Sequence[str]) -> dict[str, states.Slip]:
        """Those that there are, by identifier."""
        with border():
            found = models.Slip.objects.select_related("parcel").filter(slip__in=[_plain(slip) for slip in slips])
            return {slip.slip: whole_slip(slip) for slip in found}

    def slips_of(self, parcel: str) -> list[states.Slip]:
        """All slips of a parcel in the order of the deposit, the archive's too."""
        with border():
            rows = models.Slip.objects.select_related("parcel").filter(parcel_id=_plain(parcel)).order_by("place")
            return [whole_slip(row) for row in rows]

    def received(self, addresses: Sequence[str], before: str = "", limit: int = 50) -> list[states.Received]:
        """What mailboxes got, newest first; ``before`` is the last slip of the page before. Fetches no sealed bytes.

        Raises NotFound ``unknown-slip`` when ``before`` is not in one of these mailboxes.
        """
        with border():
            rows = models.Slip.objects.select_related("parcel").filter(
                kind="mailbox", address__in=[_plain(address).lower() for address in addresses]
            )
            if before:
                last = rows.filter(slip=_plain(before)).first()
                if last is None:
                    raise NotFound("This link does not lead to a message.", code="unknown-slip")
                moment = last.parcel.created
                rows = rows.filter(parcel__created__lte=moment).filter(
                    Q(parcel__created__lt=moment) | Q(slip__lt=last.slip)
                )
            rows = rows.defer("sealed_slip", "share", "salt", "verifier", "code_hash", "origin")
            return [received(row) for row in rows.order_by("-parcel__created", "-slip")[:limit]]

    def mark(self, slip: str, milestone: Milestone, now: datetime) -> bool:
        """Note the first time something happened to a reader; False when it had happened before."""
        must_write()
        if milestone not in _MILESTONES:
            raise AssertionError(f"{milestone} is not a milestone")
        with border():
            first = models.Slip.objects.filter(slip=slip, **{f"{milestone}__isnull": True})
            return first.update(**{milestone: now}) == 1

    def mark_all(self, slips: Sequence[str], milestone: Milestone, now: datetime) -> set[str]:
        """:meth:`mark` for several; returns those to whom it happened for the first time."""
        must_write()
        if milestone not in _MILESTONES:
            raise AssertionError(f"{milestone} is not a milestone")
        with border():
            rows = models.Slip.objects.filter(slip__in=slips, **{f"{milestone}__isnull": True})
            first = list(rows.select_for_update(no_key=True).order_by("slip").values_list("slip", flat=True))
            models.Slip.objects.filter(slip__in=first).update(**{milestone: now})
            return set(first)

    def give_proof(self, slip: str, proof: Proof, now: datetime) -> bool:
        """Say how a reader proves who she is, and let go what was held for her; only where nobody had said it.

        False, changing nothing, when it was known already, or the message is withdrawn or over. Locks as
        :meth:`destroy_slips` does, so that a reader who is withdrawn at the same moment is not announced.
        """
        must_write()
        with border():
            found = models.Slip.objects.filter(slip=_plain(slip), kind="claim").values_list("parcel_id").first()
            parcel = _locked(found[0]) if found else None
            if parcel is None or parcel.state != "live" or parcel.expires <= now:
                return False
            rows = models.Outbox.objects.filter(slip=slip, state="held").select_for_update().order_by("row")
            held = list(rows.values_list("row", flat=True))
            slips = models.Slip.objects.filter(slip=slip, proof="missing", destroyed=None)
            if not slips.update(proof=proof.kind, telephone=proof.telephone, salt=proof.salt, verifier=proof.verifier):
                return False
            models.Outbox.objects.filter(row__in=held).update(state="waiting", due=now)
            return True

    def destroy_slips(self, parcel: str, now: datetime, slip: str | None = None) -> int:
        """Wipe what opens the parcel for one or all readers, and cancel their outbox rows; return how many.

        Gone are sealed slip, share, telephone, verifier and code; a parcel without slips is noise.

        Locks parcel, outbox rows, slips in this order (a courier: outbox rows, slips), so that nobody deadlocks.
        """
        must_write()
        with border():
            _locked(parcel)
            slips = models.Slip.objects.filter(parcel_id=parcel)
            if slip is not None:
                slips = slips.filter(slip=slip)
            rows = models.Outbox.objects.filter(state__in=("waiting", "held"), slip__in=slips.values("slip"))
            if slip is not None:
                # What the sender is told or asked may be about other readers, too.
                rows = rows.exclude(kind="report")
            # In order, as the courier locks the rows of a batch.
            locked = list(rows.select_for_update().order_by("row").values_list("row", flat=True))
            open_rows = models.Outbox.objects.filter(row__in=locked, state__in=("waiting", "held"))
            open_rows.update(**ended("done", "cancelled"))
            alone = {"revoked": now} if slip is not None else {}
            return slips.filter(destroyed=None).update(destroyed=now, **_WIPED, **alone)

    def wipe_slip(self, slip: str, now: datetime) -> bool:
        """Wipe what opens the parcel for one reader, who has the mail itself; False when that was done before."""
        must_write()
        with border():
            return models.Slip.objects.filter(slip=slip, destroyed=None).update(destroyed=now, **_WIPED) == 1

    def set_way(self, slip: str, way: Way) -> None:
        """Note that the parcel travels to this reader another way than was meant."""
        must_write()
        with border():
            models.Slip.objects.filter(slip=slip).update(way=way)

    def set_state(self, parcel: str, state: ParcelState) -> bool:
        """Take the parcel one step on; its blob rows go when it is ``gone``.

        Returns False, changing nothing, when that step cannot be taken from where the parcel is: somebody else was
        first. Raises NotFound.
        """
        must_write()
        with border():
            facts = {"state": state} if state == "gone" else {"state": state, "ended": state}
            rows = models.Parcel.objects.filter(parcel=parcel, state__in=_BEFORE.get(state, ()))
            if not rows.update(**facts):
                _found(parcel)
                return False
            if state == "gone":
                models.Blob.objects.filter(parcel_id=parcel).delete()
            return True

    def set_expiry(self, parcel: str, expires: datetime) -> bool:
        """Change the expiry of a live parcel; False, changing nothing, when it has ended. Raises NotFound."""
        must_write()
        with border():
            if models.Parcel.objects.filter(parcel=parcel, state="live").update(expires=expires):
                return True
            _found(parcel)
            return False

    def due_parcels(self, now: datetime, limit: int = 200) -> list[str]:
        """Live parcels whose expiry has come, the longest due first."""
        with border():
            rows = models.Parcel.objects.filter(state="live", expires__lte=now).order_by("expires")
            return list(rows.values_list("parcel", flat=True)[:limit])

    def ended_parcels(self, limit: int = 200) -> list[str]:
        """Parcels ``revoked`` or ``expired`` whose blobs have not been deleted yet."""
        with border(), connection.cursor() as cursor:
            cursor.execute(_ENDED, [limit])
            return [parcel for (parcel,) in cursor.fetchall()]

    def known_blobs(self, blobs: list[str]) -> set[str]:
        """Those of ``blobs`` that belong to a parcel which is not gone."""
        known: set[str] = set()
        with border():
            for start in range(0, len(blobs), _BATCH):
                asked = [_plain(blob) for blob in blobs[start : start + _BATCH]]
                known.update(models.Blob.objects.filter(blob__in=asked).values_list("blob", flat=True))
        return known


def _plain(name: str) -> str:
    # PostgreSQL refuses NUL in text with an error, where SQLite just finds nothing.
    return "" if "\0" in name else name


def _found(parcel: str, **facts: str) -> models.Parcel:
    found = models.Parcel.objects.filter(parcel=_plain(parcel), **facts).first()
    if found is None:
        raise _unknown()
    return found


def _locked(parcel: str) -> models.Parcel:
    found = models.Parcel.objects.select_for_update(no_key=True).filter(parcel=_plain(parcel)).first()
    if found is None:
        raise _unknown()
    return found


def _statuses(parcels: list[models.Parcel]) -> list[ParcelStatus]:
    slips: defaultdict[str, list[models.Slip]] = defaultdict(list)
    names = [parcel.parcel for parcel in parcels]
    if names:
        rows = models.Slip.objects.filter(parcel_id__in=names, kind__in=("claim", "mailbox")).only(*STATUS_COLUMNS)
        for row in rows.order_by("parcel_id", "place"):
            slips[row.parcel_id].append(row)
    return [parcel_status(parcel, slips[parcel.parcel]) for parcel in parcels]


def _unknown() -> NotFound:
    return NotFound("There is no such message.", code="unknown-parcel")


def _parcel_row(deposit: Deposit, digest: str, now: datetime, sender_name: str) -> Row:
    return {
        "parcel": deposit.parcel,
        "digest": digest,
        "sender": deposit.sender,
        "sender_name": sender_name,
        "suite": deposit.suite,
        "class_number": deposit.class_,
        "language": deposit.language,
        "created": now,
        "expires": deposit.expires,
        "state": "live",
        "ended": "",
        "size": deposit.size,
        "attachments": deposit.attachments,
    }


def _blob_rows(deposit: Deposit) -> list[Row]:
    return [
        {"blob": blob.blob, "parcel_id": deposit.parcel, "place": place, "size": blob.size, "sha256": blob.sha256}
        for place, blob in enumerate(deposit.blobs)
    ]


def _slip_rows(deposit: Deposit) -> list[Row]:
    return [
        {
            "slip": reader.slip,
            "parcel_id": deposit.parcel,
            "place": place,
            "kind": reader.kind,
            "address": reader.address,
            "language": reader.language,
            "proof": reader.proof.kind,
            "telephone": reader.proof.telephone,
            "way": reader.way,
            "notify": reader.notify.spell(),
            "salt": reader.proof.salt,
            "verifier": reader.proof.verifier,
            "sealed_slip": reader.sealed_slip,
            "share": reader.share,
            "tries": 0,
            "code_hash": b"",
            "code_tries": 0,
        }
        for place, reader in enumerate(deposit.readers)
    ]


def _notice_rows(deposit: Deposit, now: datetime) -> list[Row]:
    return [
        outbox_row(*_errand(reader), reader.slip, reader.sealed_notice, now)
        for reader in deposit.readers
        if reader.kind == "claim"
    ]


def _errand(reader: Reader) -> tuple[str, str]:
    """Kind and state of a reader's outbox row. Without a proof a notice waits for the sender; a delivery needs none."""
    if reader.way != "link":
        return "delivery", "waiting"
    return "notice", "held" if reader.proof.kind == "missing" else "waiting"
