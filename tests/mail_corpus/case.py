from dataclasses import dataclass, field


@dataclass(frozen=True)
class Case:
    """A mail, and what must come of it. ``refused`` is the code of a refusal; else the rest must be found exactly.

    ``files`` are (name, bytes) in any order; ``html`` None means: not looked at. ``door`` is False for mails that
    never pass DATA (bare line ends) but are read all the same.
    """

    name: str
    raw: bytes = field(repr=False)
    text: str | None = ""
    html: str | None = ""
    files: tuple[tuple[str, bytes], ...] = ()
    subject: str | None = None
    refused: str = ""
    door: bool = True


def crlf(text: str | bytes) -> bytes:
    """Lines as they travel."""
    raw = text.encode() if isinstance(text, str) else text
    return raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


HEAD = "From: zorg@voorbeeld.example\nTo: j.dejong@example.net\nMIME-Version: 1.0\n"
