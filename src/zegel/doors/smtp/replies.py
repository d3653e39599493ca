"""Errors into SMTP replies: 5xx only for what the caller got wrong, 451 for everything of ours (RFC 5321, RFC 3463)."""

from zegel.errors import Denied, Mistake, NotFound, ZegelError

_BY_KIND = {
    "bad-login": "535 5.7.8",
    "bad-token": "535 5.7.8",
    "too-large": "552 5.3.4",
    "long-message": "552 5.3.4",
    "too-many-readers": "554 5.5.3",
    "bad-address": "553 5.1.3",
    "smtp-syntax": "501 5.5.4",
    "smtp-parameter": "555 5.5.4",
    "needs-smtputf8": "553 5.6.7",
    "foreign-sender": "550 5.7.1",
    "no-proof": "550 5.7.1",
    "weak-proof": "550 5.7.1",
    "unknown-mailbox": "550 5.1.1",
    "mail-loop": "554 5.4.6",
    "too-many-attachments": "554 5.6.0",
    "too-many-parts": "554 5.6.0",
    "too-deep": "554 5.6.0",
    "long-headers": "554 5.6.0",
    "no-boundary": "554 5.6.0",
}
TRY_LATER = "451 4.3.0 We cannot take this mail now; please try again later."


def reply_to(error: BaseException) -> str:
    """The reply for an error; what we did not foresee is ours, and says nothing about our inside."""
    if not isinstance(error, ZegelError):
        return TRY_LATER
    text = one_line(str(error))
    if error.kind in _BY_KIND:
        return f"{_BY_KIND[error.kind]} {text}"
    if isinstance(error, Denied):
        # Whoever must wait is told to come back; whoever may not is told so once and for all.
        return f"454 4.7.0 {text}" if error.retry_after else f"550 5.7.1 {text}"
    if isinstance(error, NotFound):
        return f"550 5.1.1 {text}"
    if isinstance(error, Mistake):
        return f"554 5.6.0 {text}"
    return TRY_LATER


def one_line(text: str) -> str:
    """Text that can stand in a reply: one line, printable, at most 400 characters (RFC 5321 §4.5.3.1.5)."""
    return "".join(char if char.isprintable() else " " for char in text)[:400]
