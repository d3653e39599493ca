"""Where blobs lie, what became of patches and suppliers, and what officers asked for."""

from django.db import models
from django.db.models import Q

from zegel.records.models.parcels import IDENTIFIER

PATCH = 40


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
