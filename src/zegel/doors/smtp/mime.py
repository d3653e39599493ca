"""Decides what of a mail is the message and what is an attachment, and packs both while the mail streams past.

The rules, in the order in which they are asked:

* a ``multipart/signed`` is shown like any other part, and kept whole as one more attachment, byte for byte, with the
  header that its signature needs: what was signed can be verified;
* ``text/plain`` and ``text/html`` without a file name and not marked as attachment are message. Alternatives of one
  another make one section; sections follow each other in the order of the mail;
* everything else is an attachment, decoded byte for byte: forwarded mails (as .eml, not opened), S/MIME and PGP,
  ``winmail.dat``, invitations, parts that cannot be understood (raw).

Preambles and epilogues are no content (RFC 2046 §5.1.1).
"""

import html
from typing import Protocol

from zegel.mime import texts
from zegel.mime.decoders import Decoder, Identity, decoder_for
from zegel.mime.headers import decode_words, split_fields
from zegel.mime.limits import MimeLimits
from zegel.mime.walker import Part, Sink, Walker

_ENDINGS = {
    "application/pdf": ".pdf", "image/png": ".png", "image/jpeg": ".jpg", "image/gif": ".gif", "image/svg+xml": ".svg",
    "message/rfc822": ".eml", "message/global": ".eml", "message/partial": ".eml", "message/external-body": ".eml",
    "text/plain": ".txt", "text/html": ".html", "text/calendar": ".ics", "text/vcard": ".vcf", "text/x-vcard": ".vcf",
    "text/csv": ".csv", "text/rfc822-headers": ".txt", "message/delivery-status": ".txt", "text/xml": ".xml",
    "message/disposition-notification": ".txt", "application/xml": ".xml", "application/json": ".json",
    "application/zip": ".zip", "application/ms-tnef": ".dat", "application/pkcs7-mime": ".p7m",
    "application/x-pkcs7-mime": ".p7m", "application/pkcs7-signature": ".p7s", "application/x-pkcs7-signature": ".p7s",
    "application/pgp-signature": ".asc", "application/pgp-encrypted": ".txt", "application/pgp-keys": ".asc",
}  # fmt: skip
_FIXED = {"application/ms-tnef": "winmail.dat", "application/pkcs7-mime": "smime.p7m"}
_WORDS = {
    "nl": {"attachment": "bijlage", "mail": "bericht", "signed": "ondertekend bericht.eml", "raw": "onleesbaar deel"},
    "en": {"attachment": "attachment", "mail": "message", "signed": "signed message.eml", "raw": "unreadable part"},
}
_SIGNATURES = frozenset(
    ("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"),
)


class AttachmentWriter(Protocol):
    """One attachment being sealed."""

    def write(self, data: bytes) -> None: ...

    def close(self) -> None: ...


class Attachments(Protocol):
    """Where attachments go; several may be open at once."""

    def attachment(self, name: str, type_: str, cid: str = "") -> AttachmentWriter: ...


class _Section:
    """One stretch of the message, as plain text, HTML or both."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.html: list[str] = []

    @property
    def plain(self) -> str:
        return "\n".join(text.rstrip("\n") for text in self.text if text.strip())

    @property
    def markup(self) -> str:
        return "\n".join(text for text in self.html if text.strip())


class Mail:
    """Feed a mail with :meth:`feed` and :meth:`close`; then ``text``, ``html`` and ``top`` (its headers) are there.

    Raises Mistake for a mail that is refused, and whatever ``attachments`` raises. ``head`` is called once, when the
    top headers are complete and before any attachment begins.
    """

    def __init__(self, attachments: Attachments, limits: MimeLimits, language: str = "nl"):
        self._attachments = attachments
        self._limits = limits
        self.words = _WORDS.get(language, _WORDS["nl"])
        self.top: Part | None = None
        self._walker = Walker(self, limits)
        self._sections: list[_Section] = []
        self._groups: dict[Part, _Section] = {}
        self._text_bytes = 0

    def feed(self, data: bytes) -> None:
        self._walker.feed(data)

    def close(self) -> None:
        self._walker.close()

    def head(self, part: Part) -> None:
        """Hook: the top headers are complete. Overridden to check who sends before anything is sealed."""

    @property
    def text(self) -> str:
        """The message as plain text with LF line ends; made from the HTML where the mail has no plain text."""
        plain = [section.plain or texts.text_of_html(section.markup) for section in self._sections]
        return "\n\n".join(part for part in plain if part)

    @property
    def html(self) -> str:
        """The message as HTML; empty when no part of it is HTML."""
        if not any(section.markup for section in self._sections):
            return ""
        return "\n".join(section.markup or _markup(section.plain) for section in self._sections)

    # What the walker tells -----------------------------------------------------------------------------------------

    def leaf(self, part: Part) -> Sink:
        self._begin(part)
        if part.type.startswith("multipart/"):
            name = f"{self.words['raw']} {part.number}.txt"
            return _Decoding(Identity(), self._attachments.attachment(name, "text/plain"))
        decoder = decoder_for(part.headers.first("content-transfer-encoding"))
        if _is_message(part):
            return _Decoding(decoder, _Text(self, part))
        if part.type in _SIGNATURES and part.parent and part.parent.type == "multipart/signed":
            return _Decoding(Identity(), None)
        return _Decoding(decoder, self.open(part))

    def enter(self, part: Part) -> Sink | None:
        self._begin(part)
        if part.type != "multipart/signed" or any(p.type == "multipart/signed" for p in _ancestors(part)):
            return None
        writer = self._attachments.attachment(self.words["signed"], "message/rfc822")
        writer.write(_open_header(part.raw) + b"\r\n")
        return writer

    def leave(self, part: Part) -> None:
        pass

    def unreadable(self, part: Part, body: bytes) -> None:
        writer = self._attachments.attachment(f"{self.words['raw']} {part.number}.txt", "text/plain")
        writer.write(body)
        writer.close()

    # Helpers for the sinks -----------------------------------------------------------------------------------------

    def _begin(self, part: Part) -> None:
        if part.number == 0:
            self.top = part
            self.head(part)

    def open(self, part: Part) -> AttachmentWriter:
        """Begin the attachment that this part is."""
        cid = part.headers.first("content-id").strip().strip("<>").strip()
        return self._attachments.attachment(self._name(part), part.type, cid)

    def _name(self, part: Part) -> str:
        named = file_name(part)
        if named:
            return named
        if part.type in _FIXED:
            return _FIXED[part.type]
        word = self.words["mail" if part.type.startswith("message/") else "attachment"]
        return f"{word} {part.number}{_ENDINGS.get(part.type, '.bin')}"

    def room_for_text(self, count: int, more: int) -> bool:
        """Whether a text of ``count`` bytes may grow by ``more``."""
        if count + more > self._limits.text_bytes or self._text_bytes + more > self._limits.all_text_bytes:
            return False
        self._text_bytes += more
        return True

    def add_text(self, part: Part, data: bytes) -> None:
        """A text of the message is complete."""
        alternative = next((p for p in reversed(list(_ancestors(part))) if p.type == "multipart/alternative"), None)
        section = self._groups.get(alternative) if alternative else None
        if section is None:
            section = _Section()
            self._sections.append(section)
            if alternative:
                self._groups[alternative] = section
        charset = part.content_type.parameters.get("charset", "")
        if part.type == "text/html":
            section.html.append(texts.normal_lines(texts.read_html(data, charset)))
            return
        text = texts.normal_lines(texts.decode(data, charset))
        if part.content_type.parameters.get("format", "").lower() == "flowed":
            text = texts.unflow(text, part.content_type.parameters.get("delsp", "").lower() == "yes")
        section.text.append(text)


class _Decoding:
    """A body on its way through its transfer encoding; without a target it is dropped."""

    def __init__(self, decoder: Decoder, target: Sink | None):
        self._decoder = decoder
        self._target = target

    def write(self, data: bytes) -> None:
        decoded = self._decoder.feed(data)
        if decoded and self._target:
            self._target.write(decoded)

    def close(self) -> None:
        if self._target:
            rest = self._decoder.close()
            if rest:
                self._target.write(rest)
            self._target.close()


class _Text:
    """A text of the message; one that grows too long becomes an attachment instead."""

    def __init__(self, mail: Mail, part: Part):
        self._mail = mail
        self._part = part
        self._data = bytearray()
        self._writer: AttachmentWriter | None = None

    def write(self, data: bytes) -> None:
        if self._writer is None and not self._mail.room_for_text(len(self._data), len(data)):
            self._writer = self._mail.open(self._part)
            self._writer.write(bytes(self._data))
            self._data.clear()
        if self._writer:
            self._writer.write(data)
        else:
            self._data += data

    def close(self) -> None:
        if self._writer:
            self._writer.close()
        else:
            self._mail.add_text(self._part, bytes(self._data))


def _ancestors(part: Part) -> list[Part]:
    """The multiparts around a part, the nearest first."""
    found = []
    above = part.parent
    while above:
        found.append(above)
        above = above.parent
    return found


def _is_message(part: Part) -> bool:
    if part.type not in ("text/plain", "text/html"):
        return False
    return part.disposition.value != "attachment" and (part.parent is None or not file_name(part))


def file_name(part: Part) -> str:
    """The name that the sender's program gave, as it came; empty when there is none."""
    name = part.disposition.parameters.get("filename") or part.content_type.parameters.get("name", "")
    return decode_words(name).strip()


def _markup(text: str) -> str:
    return f'<pre style="white-space:pre-wrap;font:inherit">{html.escape(text)}</pre>'


def _open_header(raw: bytes) -> bytes:
    """A header block without what readers may not see: our own fields, and blind copies."""
    hidden = (b"zegel-", b"bcc:", b"resent-bcc:")
    return b"".join(field for field in split_fields(raw) if not field.lower().startswith(hidden))
