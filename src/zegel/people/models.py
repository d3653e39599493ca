"""The tables of accounts and tokens."""

from django.db import models


class Account(models.Model):
    """Somebody who may send. ``account`` is what audit entries name, so that an address never stands there.

    ``address`` has its domain in lower case (RFC 5321 §2.4: domains do not tell case, local parts may), so plain
    equality is the right comparison. ``password`` is empty for an account that only has tokens. One row is nobody's
    (migration 0002): it has no address, and takes the tries of logins that have no account. ``officer``: may see the
    patchwork and leave suppliers.
    """

    account = models.CharField(max_length=26, primary_key=True)
    address = models.CharField(max_length=320, unique=True)
    name = models.CharField(max_length=200, blank=True)
    password = models.CharField(max_length=256, blank=True)
    active = models.BooleanField(default=True)
    officer = models.BooleanField(default=False, db_default=False)
    created = models.DateTimeField()
    tries = models.PositiveIntegerField(default=0)
    paused_until = models.DateTimeField(null=True)

    class Meta:
        """One account per address."""

        db_table = "account"

    def __str__(self) -> str:
        return self.account


class SenderRight(models.Model):
    """An address that an account may send as besides its own: a functional mailbox, a colleague."""

    row = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="rights")
    address = models.CharField(max_length=320)
    name = models.CharField(max_length=200, blank=True)
    created = models.DateTimeField()

    class Meta:
        """Once per account and address."""

        db_table = "sender_right"
        constraints = (models.UniqueConstraint(fields=("account", "address"), name="sender_right_once"),)

    def __str__(self) -> str:
        return str(self.row)


class Token(models.Model):
    """A credential of a program; only its SHA-256 is kept. ``last_used`` is coarse: the hour, not the moment."""

    row = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, models.CASCADE, related_name="tokens")
    sha256 = models.BinaryField(max_length=32, unique=True)
    label = models.CharField(max_length=100)
    created = models.DateTimeField()
    last_used = models.DateTimeField(null=True)
    revoked = models.DateTimeField(null=True)

    class Meta:
        """Tokens are found by their hash."""

        db_table = "token"

    def __str__(self) -> str:
        return f"{self.row} {self.label}"
