"""``journeys.ports.records.Records`` in SQL, put together from its parts."""

from zegel.records.arrivals import Arrivals
from zegel.records.chain import Chain
from zegel.records.moving import Moving
from zegel.records.outbox import Outbox
from zegel.records.parcels import Parcels
from zegel.records.places import Places
from zegel.records.plans import Plans
from zegel.records.repeats import Repeats
from zegel.records.transactions import Transactions
from zegel.records.tries import Tries


class SqlRecords(Transactions, Parcels, Arrivals, Places, Plans, Repeats, Moving, Tries, Outbox, Chain):
    """All of the port on Django's ``default`` database; holds no state, so threads may share one.

    Django must be configured (``connect.database``) before this module is imported.

    Locks are taken in one order, so that nobody waits in a circle: mails seen, parcels, copies, outbox rows, slips, the
    audit head last.
    """
