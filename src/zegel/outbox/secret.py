"""What is secret on the way to a mail server: the password, and what is said without TLS."""

from ipaddress import ip_address
from pathlib import Path

from zegel.errors import Unavailable


def read_secret(path: Path | None) -> str:
    """The password, read when it is needed: it may be replaced while we run. Raises Unavailable ``no-password``."""
    if path is None:
        raise Unavailable("The mail server wants a password, and no file names it.", code="no-password")
    try:
        return path.read_text(encoding="utf-8").strip()
    except OSError:
        raise Unavailable("The file with the mail server's password cannot be read.", code="no-password") from None


def is_here(host: str) -> bool:
    """Whether it is this machine: to no other one anything is said in the clear."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
