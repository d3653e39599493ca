"""Audit: show and check the chain (outside zone)."""

from collections.abc import Iterator
from dataclasses import dataclass

from zegel.audit.entry import START, Entry, Head, check_chain
from zegel.errors import Damaged
from zegel.journeys.ports.records import Records

_PAGE = 1000


@dataclass(frozen=True, slots=True)
class InspectAudit:
    """Reads all entries in pages; memory stays flat."""

    records: Records

    def entries(self, after: int = 0) -> Iterator[Entry]:
        """Entries above a number, in order."""
        while page := self.records.audit_entries(after, _PAGE):
            yield from page
            after = page[-1].number

    def verify(self, former: Head | None = None) -> Head:
        """Check the whole chain and return its head; ``former`` is the head that an earlier check returned.

        Raises Damaged naming the first bad number, or when ``former``, or the head that the database keeps beside the
        chain, is not in it: entries were cut off or the whole chain was written anew, which the chain alone cannot
        show. Entries may be added while this runs.
        """
        wanted = {self.records.audit_head(), former or START}
        head, seen = START, {START}
        while page := self.records.audit_entries(head.number, _PAGE):
            head = check_chain(page, previous=head)
            seen |= {entry.head for entry in page} & wanted
        if not wanted <= seen:
            raise Damaged("The audit log does not contain the entry that a former check saw.", code="audit-cut")
        return head
