"""One mail on its way to one reader's mail server, and what that server said."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from zegel.parcels.notify import Notify
from zegel.parcels.outbox_words import MailForm


@dataclass(frozen=True, slots=True)
class Travelling:
    """``open`` begins the mail anew for each server that is tried; ``size`` is its exact number of bytes.

    ``sender`` is the envelope's: where bounces go.
    """

    open: Callable[[], Iterable[bytes]] = field(repr=False)
    size: int
    form: MailForm
    sender: str
    to: str
    notify: Notify


@dataclass(frozen=True, slots=True)
class Taken:
    """A server has the mail. ``proof`` is ``dane``, ``mta-sts``, ``authority`` or ``local``; ``tls`` what was agreed.

    ``reply`` is its answer's code.
    """

    proof: str
    tls: str = ""
    group: str = ""
    reply: str = ""
