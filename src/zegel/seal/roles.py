"""The two roles that carry the format: a Recipient locks a file key, an Identity opens the lock. One method each.

Whoever wants another kind of lock (a token, a plugin, a custody service) writes these two methods and nothing else.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from zegel.errors import Mistake
from zegel.seal.format import Stanza
from zegel.seal.primitives import FILE_KEY_LENGTH


class Recipient(Protocol):
    """Wraps a file key into stanzas that only the matching identity can unwrap.

    A recipient may also have ``labels``, a frozenset of words; a file can only be sealed for recipients with equal
    labels. Post-quantum locks carry :data:`POST_QUANTUM`, so that one old-fashioned lock next to them can't undo
    what they are for. ``wrapped_size``, the exact length of its stanzas in a header, saves a trial wrapping.
    """

    def wrap(self, file_key: bytes) -> Sequence[Stanza]:
        """Give the stanzas that carry *file_key* to this recipient."""
        ...


class Identity(Protocol):
    """Unwraps a file key from the stanzas of a header."""

    def unwrap(self, stanzas: Sequence[Stanza]) -> bytes | None:
        """Give the file key, None if no stanza is for this identity, or raise HeaderFailure on a malformed one.

        It gets all stanzas of the header and picks its own by their type.
        """
        ...


POST_QUANTUM = "postquantum"
"""The label of locks that stand against a quantum computer (the name that the Go implementation uses too)."""


ALONE = "alone"
"""The label of a lock that must be the only one in its header: a passphrase."""


def labels_of(recipient: Recipient) -> frozenset[str] | None:
    """Give a recipient's labels; None means that it goes with any other (it locks nothing: grease)."""
    labels: frozenset[str] | None = getattr(recipient, "labels", frozenset())
    return labels


def wrap_for_all(file_key: bytes, recipients: Iterable[Recipient]) -> list[Stanza]:
    """Wrap *file_key* for every recipient, after checking that they may stand in one header."""
    recipients = list(recipients)
    check_mix(recipients)
    return [stanza for recipient in recipients for stanza in recipient.wrap(file_key)]


def check_mix(recipients: Sequence[Recipient]) -> None:
    """Refuse recipients that may not share a file: none, a passphrase with anything, post-quantum with classic."""
    label_sets = [labels for recipient in recipients if (labels := labels_of(recipient)) is not None]
    if not label_sets:
        raise Mistake("There is no recipient to seal for.")
    if len(recipients) > 1 and any(ALONE in labels for labels in label_sets):
        raise Mistake("A passphrase cannot be combined with another recipient in one file.")
    if any(labels != label_sets[0] for labels in label_sets):
        raise Mistake(
            "Post-quantum and classic recipients cannot be combined in one file: "
            "the classic ones would undo the protection of the others."
        )


def check_file_key(file_key: bytes) -> bytes:
    """Refuse a file key of another length than the format's 128 bits."""
    if len(file_key) != FILE_KEY_LENGTH:
        raise Mistake("A file key is {length} bytes long.", length=FILE_KEY_LENGTH)
    return file_key
