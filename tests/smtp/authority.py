"""A certificate authority for mail servers that show who they are."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.outbox.sink import Certificate
from tests.transport.made import make


class Authority:
    """``path`` is its own certificate; :meth:`issue` makes others."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._start = datetime.now(UTC) - timedelta(days=1)
        self._made = make(authority=True, common_name="Voorbeeld CA", start=self._start)
        self.path = folder / "ca.pem"
        self.path.write_bytes(self._made.pem)

    def issue(self, name: str) -> Certificate:
        """A client certificate for this host name."""
        made = make((name,), by=self._made, common_name=name, start=self._start, usage=None)
        paths = Certificate(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        paths.certificate.write_bytes(made.pem)
        paths.key.write_bytes(made.key_pem)
        return paths
