"""A mail's name: the same for the same mail sent again, when the 250 was lost on the way (RFC 1047)."""

import hashlib
import re
from collections.abc import Iterable

_MESSAGE_ID = re.compile(r"<[^<>\s]{1,990}>\Z")


class Naming:
    """Feed it the mail as it arrives."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def feed(self, data: bytes) -> None:
        self._digest.update(data)

    def name(self, account: str, sender: str, message_id: str, recipients: Iterable[str]) -> str:
        """64 hexadecimal digits; empty for a mail without Message-ID: two such mails may be meant as two."""
        if not _MESSAGE_ID.match(message_id.strip()):
            return ""
        parts = [account, sender, message_id.strip(), self._digest.hexdigest(), *sorted(recipients)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()
