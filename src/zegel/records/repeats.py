"""Mails that were taken, so that one which is sent again makes no second parcel (RFC 1047)."""

from datetime import datetime

from zegel.records import models
from zegel.records.border import border
from zegel.records.statements import insert
from zegel.records.transactions import must_write


class Repeats:
    """The part of the Records port that knows them."""

    def first_parcel(self, once: bytes, parcel: str, now: datetime) -> str:
        """Which parcel this mail became: ``parcel`` when it is new, and then it is noted, else that of before.

        Of two at once one waits for the other's transaction.
        """
        must_write()
        with border():
            if insert("mail_seen", [{"once": once, "parcel": parcel, "seen": now}], unless_there=True):
                return parcel
            return str(models.MailSeen.objects.values_list("parcel", flat=True).get(once=once))

    def forget_mails(self, before: datetime) -> int:
        """Forget mails that were taken before then; returns how many."""
        must_write()
        with border():
            return models.MailSeen.objects.filter(seen__lt=before).delete()[0]
