"""What journeys need from hands. A hand fits by its methods; it never imports this file."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Any, Protocol

from zegel.audit.entry import Entry, Head, Noted
from zegel.parcels.arrivals import Arrival, Place, Said
from zegel.parcels.copies import Copy
from zegel.parcels.deposit import Accepted, Blob, Deposit
from zegel.parcels.notify import SILENT, Notify
from zegel.parcels.proofs import Proof
from zegel.parcels.release import Announced, NoticeFacts, Released
from zegel.parcels.signature import Signature, SigningKey
from zegel.parcels.states import Milestone, ParcelState, ParcelStatus, Received, Slip
from zegel.parcels.ways import Way
from zegel.post.report import ReportFacts
from zegel.post.request import RequestFacts
from zegel.seal import HybridRecipient
from zegel.transport.delivery import Delivered, Probed, RawMail
from zegel.transport.offer import Offer
from zegel.transport.way import Choice
from zegel.transport.zegel import Promise


class Clock(Protocol):
    """The one source of time: aware, UTC."""

    def __call__(self) -> datetime: ...


class BlobWriter(Protocol):
    """One blob being written. Nothing of it can be read before :meth:`commit` returns."""

    @property
    def light(self) -> bool:
        """All of it is in memory and little: it may be left as it is, and be committed together with others."""

    def write(self, data: bytes | memoryview) -> None:
        """Append; raises Unavailable (disk full, store away)."""

    def commit(self) -> Blob:
        """Make it durable and return its size and SHA-256.

        Raises Mistake ``blob-exists`` when other bytes already have this name; the same bytes again are fine.
        """

    def abort(self) -> None:
        """Forget it; safe to call at any time, also after :meth:`commit` (then it does nothing)."""


class BlobStore(Protocol):
    """Where sealed bytes lie (``stores``)."""

    def open_write(self, blob: str, class_: int | None = None) -> BlobWriter:
        """Begin a blob. Of a class that is not known yet it is kept where every class may be."""

    def commit_all(self, writers: Sequence[Any]) -> list[Blob]:
        """Commit several writers of this store, under names that were just made up; small ones with one wait."""

    def settle(self, blobs: Sequence[Blob], class_: int) -> list[Copy]:
        """Make sure that enough copies lie where the class may be; returns the rows to record with the deposit.

        Raises Mistake ``unplaceable`` (the rules), ``blob-missing``, ``blob-differs``; Unavailable: patches are away.
        """

    def write_part(self, blob: str, number: int, data: Iterator[bytes], owner: str) -> None:
        """Keep part ``number`` (from 0) of a large blob; writing a part again replaces it."""

    def join_parts(self, blob: str, count: int, owner: str) -> Blob:
        """Make one durable blob of parts 0…count-1; idempotent. Raises Mistake ``missing-part``."""

    def read(self, blob: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Yield the sealed bytes in pieces of at most 256 KiB; raises NotFound before the first piece."""

    def size(self, blob: str) -> int:
        """Raises NotFound."""

    def delete(self, blob: str) -> None:
        """Remove it; removing what is not there is fine."""

    def older_than(self, moment: datetime) -> Iterator[str]:
        """Names of blobs (and leftovers of unfinished ones are removed on the way) last written before ``moment``."""


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

    def finish_outbox_rows(self, rows: Sequence[int], lease: str) -> set[int]:
        """Finish rows of one lease; returns those whose lease was still held."""

    def renew_outbox(self, row: int, lease: str, until: datetime) -> bool:
        """Hold a row longer, for a delivery that takes its time; False when the lease was lost."""

    def finish_outbox(self, row: int, lease: str) -> bool:
        """Done: the sealed part is wiped. False when the lease was lost."""

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


class Actor(Protocol):
    """An account that has shown who it is (``people``)."""

    @property
    def account(self) -> str:
        """The account's identifier: what audit entries name, never the address."""

    @property
    def active(self) -> bool: ...
    @property
    def address(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def officer(self) -> bool:
        """Whether it may see the patchwork and leave suppliers."""


class People(Protocol):
    """Accounts and their credentials (``people``)."""

    def add(self, address: str, name: str, password: str | None) -> Actor:
        """Raises Mistake ``account-exists``. Inside a transaction."""

    def find(self, address: str) -> Actor:
        """Raises NotFound ``unknown-account``."""

    def new_token(self, address: str, label: str) -> str:
        """Make a token, return it once, keep only its SHA-256. Inside a transaction."""

    def by_token(self, token: str) -> Actor:
        """Raises Denied ``bad-token``; the same answer for unknown, revoked and malformed."""

    def by_password(self, address: str, password: str) -> Actor:
        """Raises Denied ``bad-login``; takes as long for an unknown address as for a wrong password."""

    def set_officer(self, address: str, officer: bool) -> None:
        """Raises NotFound ``unknown-account``. Inside a transaction."""

    def accounts(self) -> Sequence[Actor]: ...

    def allow(self, address: str, other: str, name: str) -> None:
        """Let the account with this address send as ``other`` too. Inside a transaction."""

    def disallow(self, address: str, other: str) -> None:
        """Raises NotFound ``unknown-right``. Inside a transaction."""

    def rights(self, address: str) -> Sequence[tuple[str, str]]:
        """The (address, name) that the account may send as besides its own. Raises NotFound."""

    def is_used(self, address: str) -> bool:
        """Whether an open account has this address or may send as it, whatever the case."""

    def standing_for(self, account: str, address: str) -> Actor | None:
        """The account as it appears when it sends as ``address``; None when it may not."""


class MailboxKeys(Protocol):
    """Identities of own mailboxes that are read in the portal (``keys``), inside zone only."""

    def recipient(self, domain: str) -> HybridRecipient:
        """Whom to seal for; makes the identity the first time."""

    def open_sealed(self, domain: str, sealed: bytes) -> bytes:
        """Raises NotFound ``no-mailbox-key``, Damaged, Denied."""


class Signer(Protocol):
    """The organisation's signature (``keys``), inside zone only."""

    def sign(self, statement: bytes) -> tuple[str, bytes, bytes]:
        """Return the key's fingerprint and the Ed25519 and ML-DSA-65 signatures over ``statement``."""


class CourierKey(Protocol):
    """The courier's identity (``keys``), inside zone only."""

    def open_sealed(self, sealed: bytes) -> bytes:
        """Open an age file for the courier; raises Damaged or Denied."""


class Vouch(Protocol):
    """Asks the organisation to sign: here (``journeys.vouch``) or at a server (``peers``)."""

    def vouch(self, actor: Actor, parcel: str, digest: str) -> Signature:
        """Return the signature over the manifest with this digest, for this sender, now."""


class Depositor(Protocol):
    """Takes a sealed parcel: here (``journeys.send``) or at a server (``peers``)."""

    def deposit(self, actor: Actor, deposit: Deposit) -> str: ...


class BlobSink(Protocol):
    """Takes blobs that are being sealed: a store here, or uploads to a server (``peers``)."""

    def open_write(self, blob: str, class_: int | None = None) -> BlobWriter: ...

    def commit_all(self, writers: Sequence[Any]) -> list[Blob]:
        """Commit several writers of this sink, under names that were just made up; small ones at once."""

    def delete(self, blob: str) -> None:
        """Give up a blob whose parcel will not come; a failure is no harm, the sweep finds it."""


class Releases(Protocol):
    """A server as a reader sees it (``peers``), or the same within one process."""

    def look(self, slip: str) -> Announced: ...

    def request_code(self, slip: str, language: str) -> None: ...

    def open(self, slip: str, code: str) -> Released: ...

    def blob(self, slip: str, blob: str, ticket: str) -> Iterator[bytes]: ...

    def signing_keys(self) -> list[SigningKey]: ...


Schedule = Callable[[int, datetime, datetime], datetime | None]
"""(tries so far, first try, now) → when to try again, or None to give up (``outbox.backoff``)."""


class Domains(Protocol):
    """What mail domains offer (``domains``); remembers for a while. Threads may share it."""

    @property
    def believed(self) -> bool:
        """Whether our resolver's word on signatures counts."""

    def validates(self) -> bool:
        """Whether our resolver checks signatures at all; asks it."""

    def offer(self, domain: str, *, fresh: bool = False) -> Offer:
        """Takes seconds at most; what fails outside is in the offer. Raises Mistake ``bad-domain``."""


class Zegels(Protocol):
    """Which domains' organisations run a Zegel (``domains``); remembers for a while. Threads may share it."""

    def promise(self, domain: str, *, fresh: bool = False) -> Promise:
        """What DNS promises; what fails outside is in the answer. Raises Mistake ``bad-domain``."""

    def place(self, domain: str, *, fresh: bool = False) -> Place:
        """Who it is and where, with the keys that DNS pins.

        Raises NotFound ``no-zegel``, Unavailable ``peer-away``, ``proof-failed`` (an alarm), Mistake ``bad-domain``.
        """


class ArrivalPost(Protocol):
    """Hands sealed parcels to other organisations' Zegels (``peers``). Threads may share it."""

    def deliver(self, place: Place, arrival: Arrival, said: Said, read: Callable[[str], Iterator[bytes]]) -> None:
        """Durable there when this returns. Raises Mistake ``mail-refused``, ``peer-refused``, Unavailable, Damaged."""


class DirectPost(Protocol):
    """Carries one mail to a domain that proves itself (``outbox.direct``). Threads may share it."""

    def deliver(self, choice: Choice, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered:
        """Hand it to the first of the choice's servers that proves itself and takes it.

        Raises Mistake ``mail-refused`` (5xx), ``mail-too-big``, ``mail-needs-8bit``, ``mail-needs-utf8``, ``no-proof``;
        Unavailable ``direct-away``, ``tls-failed``, ``proof-failed`` (an alarm: a certificate is not what the domain
        promised), ``mail-uncertain`` (no answer after the end: it may have been delivered).
        """

    def probe(self, choice: Choice) -> tuple[Probed, ...]:
        """Let every server prove itself, and hang up; sends nothing."""


class Carrier(Protocol):
    """Hands one mail to the server that it is for; raises as :meth:`DirectPost.deliver` does."""

    def deliver(self, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered: ...


class MailboxServer(Carrier, Protocol):
    """The server that has mailboxes of this organisation."""

    def ask(self, to: str) -> None:
        """Whether it would take mail for an address, without sending any; raises as :meth:`deliver`."""


class Notifier(Protocol):
    """Tells a reader something over one channel (``outbox``).

    Raises Unavailable when trying later may help, Mistake when it never will.
    """

    def notice(self, message: NoticeFacts) -> None: ...

    def sms_code(self, telephone: str, code: str, language: str, organisation: str, message: str) -> None:
        """``message`` names this SMS to the supplier: the same for every try, and nothing that leads to a reader."""

    def report(self, facts: ReportFacts) -> None:
        """Tell a sender what became of one reader."""

    def request(self, facts: RequestFacts) -> None:
        """Ask a sender for what is missing."""
