"""The tables. Identifiers are the format's own, as text; moments are aware and UTC; sealed parts are age files.

Columns that are wiped keep no trace in their row: empty bytes, not a flag. Indexes serve one question each, and are
partial where the rows that matter are few among very many (live, waiting), so that a million done rows cost nothing.
"""

from django.db import models
from django.db.models import Q

IDENTIFIER = 26
ADDRESS = 320
PATCH = 40


class Parcel(models.Model):
    """One parcel. ``ended`` keeps how it ended (``revoked`` or ``expired``) when ``state`` goes on to ``gone``."""

    parcel = models.CharField(max_length=IDENTIFIER, primary_key=True)
    digest = models.CharField(max_length=64)
    sender = models.CharField(max_length=ADDRESS)
    sender_name = models.CharField(max_length=200, blank=True)
    suite = models.CharField(max_length=40)
    class_number = models.PositiveSmallIntegerField()
    language = models.CharField(max_length=10)
    created = models.DateTimeField()
    expires = models.DateTimeField()
    state = models.CharField(max_length=10, default="live")
    ended = models.CharField(max_length=10, blank=True, default="")
    size = models.PositiveBigIntegerField()
    attachments = models.PositiveIntegerField()

    class Meta:
        """Indexes: the sender's list by keyset, the sweeper's two questions."""

        db_table = "parcel"
        indexes = (
            models.Index(fields=("sender", "created", "parcel"), name="parcel_of_sender"),
            models.Index(fields=("expires",), name="parcel_due", condition=Q(state="live")),
            models.Index(fields=("parcel",), name="parcel_ended", condition=Q(state__in=("revoked", "expired"))),
        )

    def __str__(self) -> str:
        return self.parcel


class Blob(models.Model):
    """One sealed file of a parcel; place 0 is the manifest. Rows go when the parcel is gone."""

    blob = models.CharField(max_length=IDENTIFIER, primary_key=True)
    parcel = models.ForeignKey(Parcel, models.CASCADE, related_name="blobs", db_index=False)
    place = models.PositiveIntegerField()
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)

    class Meta:
        """One blob per place."""

        db_table = "blob"
        constraints = (models.UniqueConstraint(fields=("parcel", "place"), name="blob_place"),)

    def __str__(self) -> str:
        return self.blob


class Slip(models.Model):
    """One reader's slip, how she proves who she is, and what happened to her.

    ``destroyed`` says when the secret parts were wiped; ``revoked`` only when this reader alone was revoked.
    ``tries`` counts failed proofs in a row, ``code_tries`` those since the newest code was made.
    """

    slip = models.CharField(max_length=IDENTIFIER, primary_key=True)
    parcel = models.ForeignKey(Parcel, models.CASCADE, related_name="slips", db_index=False)
    place = models.PositiveIntegerField()
    kind = models.CharField(max_length=10)
    address = models.CharField(max_length=ADDRESS, blank=True)
    language = models.CharField(max_length=10)

    proof = models.CharField(max_length=10)
    telephone = models.CharField(max_length=20, blank=True)
    way = models.CharField(max_length=10, default="link", db_default="link")
    notify = models.CharField(max_length=640, blank=True, default="", db_default="")
    return_to = models.CharField(max_length=ADDRESS, blank=True, default="", db_default="")
    origin = models.TextField(blank=True, default="", db_default="")
    salt = models.BinaryField(default=b"")
    verifier = models.BinaryField(default=b"")
    sealed_slip = models.BinaryField()
    share = models.BinaryField()

    announced = models.DateTimeField(null=True)
    delivered = models.DateTimeField(null=True)
    opened = models.DateTimeField(null=True)
    downloaded = models.DateTimeField(null=True)
    unreached = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)
    destroyed = models.DateTimeField(null=True)

    tries = models.PositiveIntegerField(default=0)
    last_try = models.DateTimeField(null=True)
    paused_until = models.DateTimeField(null=True)
    code_hash = models.BinaryField(default=b"")
    code_expires = models.DateTimeField(null=True)
    code_tries = models.PositiveIntegerField(default=0)

    class Meta:
        """One slip per place in the deposit; index: what a mailbox got."""

        db_table = "slip"
        constraints = (models.UniqueConstraint(fields=("parcel", "place"), name="slip_place"),)
        indexes = (models.Index(fields=("address",), name="slip_of_mailbox", condition=Q(kind="mailbox")),)

    def __str__(self) -> str:
        return self.slip


class Outbox(models.Model):
    """One thing to be sent; a job table of our own, because it must commit with the parcel.

    ``state`` is ``waiting``, ``held`` (the sender must say something first), ``done`` or ``dead``; ``lease`` fences:
    whoever finishes a row must still hold it.
    """

    row = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=20)
    slip = models.CharField(max_length=IDENTIFIER)
    sealed = models.BinaryField()
    added = models.DateTimeField()
    due = models.DateTimeField()
    attempts = models.PositiveIntegerField(default=0)
    lease = models.CharField(max_length=64, blank=True, default="")
    leased_until = models.DateTimeField(null=True)
    state = models.CharField(max_length=10, default="waiting")
    reason = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        """Indexes: the courier's question (and counting), and the rows of one slip."""

        db_table = "outbox"
        indexes = (
            # Not partial on "waiting": with a second index on the state, SQLite took that one and sorted all that wait.
            models.Index(fields=("state", "due", "row"), name="outbox_due"),
            models.Index(fields=("slip", "kind"), name="outbox_of_slip"),
        )

    def __str__(self) -> str:
        return f"{self.row} {self.kind}"


class AuditEntry(models.Model):
    """One entry of the chain. Triggers refuse UPDATE and DELETE, on both databases (migration 0002)."""

    number = models.BigIntegerField(primary_key=True)
    moment = models.DateTimeField()
    actor = models.CharField(max_length=121)
    event = models.CharField(max_length=60)
    subject = models.CharField(max_length=100)
    facts = models.TextField()
    previous = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    class Meta:
        """Index: what happened to one parcel, slip or account."""

        db_table = "audit_entry"
        indexes = (models.Index(fields=("subject", "number"), name="audit_of_subject"),)

    def __str__(self) -> str:
        return f"{self.number} {self.event}"


class AuditHead(models.Model):
    """The chain's head: one row, locked while an entry is added, so that the chain never forks."""

    row = models.PositiveSmallIntegerField(primary_key=True)
    number = models.BigIntegerField()
    hash = models.CharField(max_length=64)

    class Meta:
        """One row, made by migration 0002."""

        db_table = "audit_head"
        constraints = (models.CheckConstraint(condition=Q(row=1), name="audit_head_alone"),)

    def __str__(self) -> str:
        return str(self.number)


class Tick(models.Model):
    """A periodic task that was taken: of all processes, the one that inserts ``(name, slot)`` runs it."""

    row = models.BigAutoField(primary_key=True)
    name = models.CharField(max_length=60)
    slot = models.DateTimeField()

    class Meta:
        """One taker per slot."""

        db_table = "tick"
        constraints = (models.UniqueConstraint(fields=("name", "slot"), name="tick_once"),)

    def __str__(self) -> str:
        return f"{self.name} {self.slot}"


class Copy(models.Model):
    """One object at one patch (``parcels.copies``). No foreign key: it outlives its blob until every copy is gone."""

    row = models.BigAutoField(primary_key=True)
    blob = models.CharField(max_length=IDENTIFIER)
    patch = models.CharField(max_length=PATCH)
    share = models.SmallIntegerField(default=-1)
    needed = models.SmallIntegerField(default=1)
    state = models.CharField(max_length=10)
    class_number = models.PositiveSmallIntegerField()
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    since = models.DateTimeField()
    checked = models.DateTimeField(null=True)

    class Meta:
        """One object per blob, patch and shape (whole, or shares that fit together): no patch has two shares of one.

        Indexes for counting, for what is to be done, patrol, and one with all that what-if looks at, in its order (also
        ``state``, which older SQLite looks up otherwise): names are random, so each row itself would be another page.
        """

        db_table = "blob_copy"
        constraints = (models.UniqueConstraint(fields=("blob", "needed", "patch"), name="copy_place"),)
        indexes = (
            models.Index(fields=("patch", "state", "row"), name="copy_at_patch"),
            models.Index(fields=("state", "row"), name="copy_to_do", condition=~Q(state="whole")),
            models.Index(fields=("patch", "checked"), name="copy_unchecked", condition=Q(state="whole")),
            models.Index(
                fields=("blob", "needed", "patch", "class_number", "size", "state"),
                name="copy_groups",
                condition=Q(state="whole"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.blob} at {self.patch}"


class Outline(models.Model):
    """The digests of a large blob's pieces, 32 bytes each, noted when it was written."""

    blob = models.CharField(max_length=IDENTIFIER, primary_key=True)
    size = models.PositiveBigIntegerField()
    sha256 = models.CharField(max_length=64)
    pieces = models.BinaryField()
    added = models.DateTimeField()

    class Meta:
        """Swept with the blob."""

        db_table = "outline"

    def __str__(self) -> str:
        return self.blob


class Patch(models.Model):
    """What became of a patch: its state by an officer's decision, and what the last patrol saw."""

    patch = models.CharField(max_length=PATCH, primary_key=True)
    state = models.CharField(max_length=10, default="open")
    since = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True, default="")
    patrolled = models.DateTimeField(null=True)
    looked = models.PositiveBigIntegerField(default=0)
    failed = models.PositiveBigIntegerField(default=0)
    broken = models.PositiveBigIntegerField(default=0)
    latency_ms = models.PositiveIntegerField(default=0)
    drilled = models.DateTimeField(null=True)
    drill_rate = models.FloatField(null=True)
    so_far = models.TextField(blank=True, default="")
    reminded = models.DateTimeField(null=True)

    class Meta:
        """One row per patch that ever was."""

        db_table = "patch"

    def __str__(self) -> str:
        return self.patch


class Supplier(models.Model):
    """One supplier's facts as they were imported (``suppliers.register``, JSON)."""

    supplier = models.CharField(max_length=PATCH, primary_key=True)
    facts = models.TextField()
    imported = models.DateTimeField()

    class Meta:
        """By name."""

        db_table = "supplier"

    def __str__(self) -> str:
        return self.supplier


class MailSeen(models.Model):
    """A mail that became a parcel. ``once`` is a keyed digest of who sent what to whom: it tells nothing by itself."""

    once = models.BinaryField(max_length=32, primary_key=True)
    parcel = models.CharField(max_length=26)
    seen = models.DateTimeField(db_index=True)

    class Meta:
        """Kept for some days."""

        db_table = "mail_seen"

    def __str__(self) -> str:
        return self.parcel


class Published(models.Model):
    """What the inside signed for the outside to publish, by name: JSON."""

    name = models.CharField(max_length=40, primary_key=True)
    body = models.TextField()
    since = models.DateTimeField()

    class Meta:
        """A few rows."""

        db_table = "published"

    def __str__(self) -> str:
        return self.name


class Job(models.Model):
    """One thing that an officer asked for (``suppliers.plan``); a lease as the outbox has, so that a dead worker's
    work is taken over."""

    job = models.CharField(max_length=IDENTIFIER, primary_key=True)
    kind = models.CharField(max_length=10)
    patch = models.CharField(max_length=PATCH)
    reason = models.CharField(max_length=200, blank=True)
    actor = models.CharField(max_length=IDENTIFIER)
    state = models.CharField(max_length=10, default="waiting")
    stopping = models.BooleanField(default=False)
    created = models.DateTimeField()
    due = models.DateTimeField()
    started = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)
    blobs = models.PositiveBigIntegerField(default=0)
    of_blobs = models.PositiveBigIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    of_size = models.PositiveBigIntegerField(default=0)
    eta = models.FloatField(null=True)
    failed = models.PositiveBigIntegerField(default=0)
    code = models.CharField(max_length=60, blank=True, default="")
    report = models.CharField(max_length=64, blank=True, default="")
    attempts = models.PositiveIntegerField(default=0)
    lease = models.CharField(max_length=64, blank=True, default="")
    leased_until = models.DateTimeField(null=True)

    class Meta:
        """The worker's question; the page's is small."""

        db_table = "job"
        indexes = (models.Index(fields=("due",), name="job_due", condition=Q(state__in=("waiting", "running"))),)

    def __str__(self) -> str:
        return f"{self.kind} {self.patch}"


class PlanReport(models.Model):
    """What an evacuation or a drill came to, byte for byte, and the organisation's signature once it is there."""

    sha256 = models.CharField(max_length=64, primary_key=True)
    kind = models.CharField(max_length=20)
    patch = models.CharField(max_length=PATCH)
    made = models.DateTimeField()
    body = models.BinaryField()
    key = models.CharField(max_length=60, blank=True, default="")
    ed25519 = models.BinaryField(default=b"")
    mldsa65 = models.BinaryField(default=b"")
    refused = models.BooleanField(default=False)

    class Meta:
        """The signer's question."""

        db_table = "plan_report"
        indexes = (models.Index(fields=("made",), name="report_unsigned", condition=Q(key="", refused=False)),)

    def __str__(self) -> str:
        return self.sha256


class PatchDay(models.Model):
    """How a patch was on a day; the tidy role writes today's and forgets those of more than 400 days ago."""

    row = models.BigAutoField(primary_key=True)
    patch = models.CharField(max_length=PATCH)
    day = models.DateField()
    objects_there = models.PositiveBigIntegerField()
    size = models.PositiveBigIntegerField()
    looked = models.PositiveBigIntegerField()
    failed = models.PositiveBigIntegerField()
    broken = models.PositiveBigIntegerField()

    class Meta:
        """One per patch and day."""

        db_table = "patch_day"
        constraints = (models.UniqueConstraint(fields=("day", "patch"), name="patch_day_once"),)

    def __str__(self) -> str:
        return f"{self.patch} {self.day}"
