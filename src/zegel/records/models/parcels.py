"""Parcels, their readers, what is to be sent about them; what is published; which mails were taken."""

from django.db import models
from django.db.models import Q

IDENTIFIER = 26
ADDRESS = 320


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


class MailSeen(models.Model):
    """A mail that became a parcel. ``once`` is a keyed digest of who sent what to whom: it tells nothing by itself."""

    once = models.BinaryField(max_length=32, primary_key=True)
    parcel = models.CharField(max_length=IDENTIFIER)
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
