"""The password for a mail server, read when it is needed: it may be replaced while we run."""

from pathlib import Path

from zegel.errors import Unavailable


def read_secret(path: Path | None) -> str:
    """Raises Unavailable ``no-password``."""
    if path is None:
        raise Unavailable("The mail server wants a password, and no file names it.", code="no-password")
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        raise Unavailable("The file with the mail server's password cannot be read.", code="no-password") from None
