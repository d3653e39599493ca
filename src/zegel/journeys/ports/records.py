"""Rows (``records``): parcels and their readers, codes, the outbox, the audit chain."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from zegel.audit.entry import Entry, Head, Noted
from zegel.parcels.arrivals import Arrival
from zegel.parcels.copies import Copy
from zegel.parcels.deposit import Accepted, Blob, Deposit
from zegel.parcels.proofs import Proof
from zegel.parcels.states import Milestone, ParcelState, ParcelStatus, Received, Slip
from zegel.parcels.ways import Way


class OutboxRow(Protocol):
    """One thing to be sent, as leased to one courier (``records``)."""

    @property
    def row(self) -> int: ...
    @property
    def kind(self) -> str:
        """``notice``, ``sms-code``, ``delivery`` or ``report`` (``parcels.outbox_words``)."""

    @property
    def slip(self) -> str: ...
    @property
    def sealed(self) -> bytes:
        """An age file for the courier's key: what must be said and the outside may not know."""

    @property
    def attempts(self) -> int:
        """How often it was tried before this time."""

    @property
    def created(self) -> datetime: ...

    @property
    def lease(self) -> str:
        """Whoever finishes the row shows this; a courier that lost its lease changes nothing."""


class Records(Protocol):
    """SQL (``records``). Methods that write must run inside :meth:`transaction`; reads may run outside."""

    def transaction(self) -> AbstractContextManager[None]:
        """All or nothing, durable when it returns; nested calls join. Raises Unavailable when the database is away."""

    def release(self) -> None:
        """Give the connection back before streaming for a long time."""

    def add_deposit(self, deposit: Deposit, digest: str, now: datetime, sender_name: str) -> bool:
        """Write parcel, blobs, slips and one outbox row per ``claim`` reader: ``notice`` or ``delivery``.

        Returns False, writing nothing, when the same parcel with the same digest is there already; raises Mistake
        ``parcel-exists`` when another one has its identifier, or a blob or slip identifier is taken.
        """

    def add_deposits(self, several: Sequence[Accepted], copies: Sequence[Copy] = ()) -> None:
        """:meth:`add_deposit` for several that are all new, and note their mails and copies.

        Raises Mistake ``parcel-exists`` when one of them, their mails or copies is there: then none is written.
        """

    def parcel(self, parcel: str) -> ParcelStatus:
        """Raises NotFound."""

    def parcels_of(self, sender: str, before: str = "", limit: int = 50) -> list[ParcelStatus]:
        """The sender's parcels, newest first; ``before`` is the last parcel of the page before."""

    def blobs_of(self, parcel: str) -> list[Blob]:
        """In order: the manifest first; empty when the parcel is gone. Raises NotFound for an unknown parcel."""

    def slip(self, slip: str) -> Slip:
        """Raises NotFound ``unknown-slip``."""

    def slips(self, slips: Sequence[str]) -> dict[str, Slip]:
        """Those that there are, by identifier."""

    def slips_of(self, parcel: str) -> list[Slip]: ...

    def received(self, addresses: Sequence[str], before: str = "", limit: int = 50) -> list[Received]:
        """What own mailboxes got, newest first; raises NotFound ``unknown-slip`` for ``before``."""

    def mark(self, slip: str, milestone: Milestone, now: datetime) -> bool:
        """Note the first time something happened to a reader; False when it had happened before."""

    def mark_all(self, slips: Sequence[str], milestone: Milestone, now: datetime) -> set[str]:
        """:meth:`mark` for several; returns those to whom it happened for the first time."""

    def give_proof(self, slip: str, proof: Proof, now: datetime) -> bool:
        """Say how a reader proves who she is, and let go what was held for her.

        False, changing nothing, where it was known already, or the message is withdrawn or over.
        """

    def destroy_slips(self, parcel: str, now: datetime, slip: str | None = None) -> int:
        """Wipe sealed slip, share and codes of one or all readers and cancel their outbox rows; return how many."""

    def wipe_slip(self, slip: str, now: datetime) -> bool:
        """Wipe what opens the parcel for one reader, who has the mail itself; she was not revoked."""

    def add_arrival(self, arrival: Arrival, sealed: bytes, expires: datetime, now: datetime) -> bool:
        """Write the slip of one reader and her ``arrival`` row, and the parcel when it is its first reader.

        Returns whether the parcel is new. Raises Mistake ``parcel-exists``.
        """

    def move_in(self, slip: str, sealed: bytes, origin: str) -> None:
        """What arrived is kept for its mailbox in the portal."""

    def publish(self, name: str, said: dict[str, Any], now: datetime) -> None:
        """Keep what the outside publishes under this name."""

    def published(self, name: str) -> dict[str, Any]:
        """Empty when nothing is."""

    def set_way(self, slip: str, way: Way) -> None:
        """Note that the parcel travels to this reader another way than was meant."""

    def set_state(self, parcel: str, state: ParcelState) -> object: ...

    def set_expiry(self, parcel: str, expires: datetime) -> object: ...

    def due_parcels(self, now: datetime, limit: int = 200) -> list[str]:
        """Live parcels whose expiry has come."""

    def ended_parcels(self, limit: int = 200) -> list[str]:
        """Parcels ``revoked`` or ``expired`` whose blobs have not been deleted yet."""

    def add_copies(self, copies: Sequence[Copy], now: datetime) -> None:
        """Where blobs lie: as :meth:`BlobStore.settle` told it, in the deposit's transaction."""

    def first_parcel(self, once: bytes, parcel: str, now: datetime) -> str:
        """Which parcel a mail became: ``parcel`` when it is new, and then it is noted, else that of before."""

    def forget_mails(self, before: datetime) -> int:
        """Forget which mails were taken before then."""

    def known_blobs(self, blobs: list[str]) -> set[str]:
        """Those of ``blobs`` that belong to a parcel which is not gone."""

    # Codes and tries (one row per slip) ---------------------------------------------------------------------------

    def set_code(self, slip: str, hashed: bytes, expires: datetime) -> None:
        """Keep the keyed hash of the newest code of a slip; older ones stop counting, its tries start at 0."""

    def code(self, slip: str) -> tuple[bytes, datetime, int] | None:
        """Keyed hash, expiry and tries so far of the newest code."""

    def use_code(self, slip: str) -> bool:
        """A code opens once: False when somebody else was quicker."""

    def count_try(self, slip: str, now: datetime) -> int:
        """Count a try *before* it is judged, under a row lock; returns all failed tries of this slip so far."""

    def pause(self, slip: str) -> datetime | None:
        """Until when this slip takes no tries."""

    def set_pause(self, slip: str, until: datetime | None, reset: bool = False) -> None:
        """Set the pause; ``reset`` forgets the failed tries (after a proof that succeeded)."""

    # The outbox ---------------------------------------------------------------------------------------------------

    def add_outbox(self, kind: str, slip: str, sealed: bytes, due: datetime, *, held: bool = False) -> None:
        """One that is ``held`` waits until the sender has said something."""

    def lease_outbox(
        self, now: datetime, lease: str, limit: int, seconds: int, *, only: str = "", but: str = ""
    ) -> Sequence[OutboxRow]:
        """Take due rows for ``seconds``; two couriers never hold one row. Runs its own transaction.

        ``only`` and ``but`` name a kind that is wanted alone, or not.
        """

    def return_outbox(self, rows: Sequence[int], lease: str) -> None:
        """Give rows back that were leased and not begun: due as before, and not counted as tried."""

    def finish_outbox(self, rows: Sequence[int], lease: str) -> set[int]:
        """Done: the sealed parts of these rows are wiped. Returns those whose lease was still held."""

    def renew_outbox(self, row: int, lease: str, until: datetime) -> bool:
        """Hold a row longer, for a delivery that takes its time; False when the lease was lost."""

    def retry_outbox(self, row: int, lease: str, due: datetime, reason: str) -> bool: ...

    def bury_outbox(self, row: int, lease: str, reason: str) -> bool:
        """Give up: the sealed part is wiped, the reason kept."""

    def last_codes(self, slip: str, since: datetime) -> list[datetime]:
        """When ``sms-code`` rows were added for this slip since then, oldest first."""

    def sweep_outbox(self, before: datetime) -> int:
        """Forget rows that were done before then; returns how many."""

    def count_outbox(self) -> dict[str, int]:
        """``waiting``, ``held``, ``done``, ``dead``."""

    # Audit --------------------------------------------------------------------------------------------------------

    def append_audit(self, moment: datetime, actor: str, event: str, subject: str, facts: dict[str, Any]) -> None:
        """Add an entry to the chain, in this transaction (the chain's head is locked until it ends: do it last)."""

    def append_audits(self, noted: Sequence[Noted]) -> None:
        """Add entries to the chain, in order, in this transaction; do it last."""

    def audit_entries(self, after: int = 0, limit: int = 1000) -> list[Entry]:
        """Entries with a number above ``after``, in order."""

    def audit_of(self, subject: str, limit: int = 1000) -> list[Entry]:
        """The newest entries about one parcel, slip or account, in order."""

    def audit_head(self) -> Head:
        """The head as the database keeps it: it shows a chain whose end was cut off."""
