"""The audit chain."""

from django.db import models
from django.db.models import Q


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
