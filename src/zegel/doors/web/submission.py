"""A submission: multipart/form-data whose files are sealed while they arrive.

Django's own parser finds the parts; what it hands us goes straight into the packing, so that no plaintext touches a
disk and memory stays flat. The parser takes a body that ends early for a whole one: :class:`_Body` does not.
"""

from collections.abc import Callable
from typing import Any, Literal, cast

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent
from django.core.files.uploadhandler import FileUploadHandler, StopFutureHandlers
from django.http import HttpRequest
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.http.request import UnreadablePostError
from pydantic import Field, ValidationError

from zegel.doors.web import bodies
from zegel.doors.web.schemas import Strict
from zegel.errors import Mistake
from zegel.journeys.submit import AttachmentWriter, Message, Packing, ReaderWish
from zegel.parcels.addresses import Person, shown_name
from zegel.parcels.deposit import CLASSES
from zegel.parcels.limits import MANIFEST_BYTES
from zegel.parcels.proofs import parse_proof

_PIECE = 1024 * 1024
_TAIL = 512
_PARCEL = "parcel"


class SubmittedReader(Strict):
    """``proof`` as senders write it: ``mail``, ``sms:+31612345678`` or ``code:SECRET``."""

    address: str = Field(max_length=320)
    name: str = Field("", max_length=200)
    proof: str = Field(max_length=200, repr=False)
    language: str = Field("", max_length=10)
    show: Literal["to", "cc", "bcc"] = "to"


class SubmittedParcel(Strict):
    """``expires`` is ``14d``, a date, a moment, or empty for the usual period."""

    subject: str = Field(repr=False)
    text: str = Field("", repr=False)
    html: str = Field("", repr=False)
    readers: list[SubmittedReader]
    class_: int = Field(2, alias="class", ge=0, le=4)
    expires: str = Field("", max_length=40)
    language: str = Field("nl", max_length=10)

    def message(self, packing: Packing) -> Message:
        """Raises Mistake: a proof, a date."""
        return Message(
            subject=self.subject,
            text=self.text,
            html=self.html,
            readers=tuple(ReaderWish(item.address, parse_proof(item.proof), item.language) for item in self.readers),
            to=self._shown("to"),
            cc=self._shown("cc"),
            class_=self.class_,
            expires=packing.submit.read_expiry(self.expires),
            language=self.language,
        )

    def _shown(self, where: str) -> tuple[Person, ...]:
        return tuple(Person(shown_name(item.name), item.address) for item in self.readers if item.show == where)


PARCEL_SCHEMA: dict[str, Any] = SubmittedParcel.model_json_schema(ref_template="#/components/schemas/{model}")
PARCEL_SCHEMA["properties"]["readers"]["items"] = PARCEL_SCHEMA.pop("$defs")["SubmittedReader"]


def receive(request: HttpRequest, packing: Packing) -> Message:
    """Read the whole body: files into the packing, and the message out of the part ``parcel``. Raises Mistake."""
    if request.content_type != "multipart/form-data":
        raise Mistake("The body of this request must be {type}.", code="bad-media-type", type="multipart/form-data")
    body, handler = _Body(request), _Sealing(packing)
    try:
        parser = _Parser(request.META, cast(HttpRequest, body), [handler], "utf-8")
        handler.so_far = parser.field
        fields, _ = parser.parse()
    except (UnreadablePostError, OSError):
        raise Mistake("The upload was cut short; send it again.", code="cut-upload") from None
    except (MultiPartParserError, TooManyFieldsSent):
        raise Mistake("The request is not valid multipart/form-data.", code="bad-multipart") from None
    except RequestDataTooBig:
        raise _long_message() from None
    finally:
        handler.abort()
    body.check_whole(sum(len(values) for _, values in fields.lists()) + handler.files)
    if set(fields) - {_PARCEL}:
        raise Mistake("A file needs a file name.", code="bad-multipart")
    return _message(handler.parcel or str(fields.get(_PARCEL, "")).encode(), packing)


def _message(raw: bytes, packing: Packing) -> Message:
    if not raw:
        raise Mistake("The part “parcel” is missing.", code="no-parcel")
    members = bodies.read_json(raw)
    try:
        return SubmittedParcel.model_validate(members).message(packing)
    except ValidationError as error:
        place = ".".join(str(part) for part in error.errors(include_input=False, include_context=False)[0]["loc"])
        raise Mistake(
            "The request is not as the API describes it, at “{place}”.", code="bad-schema", place=place[:120]
        ) from None


def _class_in(raw: bytes) -> int | None:
    """The parcel's class, when it is known before the files: they then go at once to where that class may lie."""
    try:
        found = bodies.read_json(raw)["class"]
    except (Mistake, KeyError, TypeError, IndexError):
        return None
    return found if type(found) is int and found in CLASSES else None


class _Parser(MultiPartParser):
    """Django's parser, except that no file is left out because of its name: the packing makes any name safe."""

    def sanitize_file_name(self, file_name: str) -> str:
        return file_name

    def field(self) -> bytes:
        """The part ``parcel``, when it came before the file that comes now."""
        return str(self._post.get(_PARCEL, "")).encode()  # type: ignore[attr-defined]


class _Body:
    """The body as the parser reads it, with how much came, how many boundaries, and how it ended."""

    def __init__(self, request: HttpRequest):
        self._request = request
        self._length = bodies.length(request)
        self._boundary = b"--" + (request.content_params or {}).get("boundary", "").encode("ascii", "replace")
        self._got = self._boundaries = 0
        self._tail = b""

    def read(self, size: int = -1) -> bytes:
        piece = self._request.read(size)
        self._got += len(piece)
        # What may be the beginning of a boundary is looked at again together with the piece that follows.
        keep = len(self._boundary) - 1
        self._boundaries += (self._tail[-keep:] + piece).count(self._boundary)
        self._tail = (self._tail + piece[-_TAIL:])[-_TAIL:]
        return piece

    def check_whole(self, parts: int) -> None:
        """Raises Mistake when the connection broke, the last boundary is missing, or not every part was understood.

        The parser is content with all three; a file would be cut short, or left out, and nobody told.
        """
        if self._got != self._length or not self._tail.rstrip().endswith(self._boundary + b"--"):
            raise Mistake("The upload was cut short; send it again.", code="cut-upload")
        if self._boundaries != parts + 1:
            raise Mistake("The request is not valid multipart/form-data.", code="bad-multipart")


class _Sealing(FileUploadHandler):
    """Hands every file to the packing as it comes; the message, when it comes as a file, is kept in memory."""

    chunk_size = _PIECE

    def __init__(self, packing: Packing):
        super().__init__()
        self.parcel = b""
        self.files = 0
        self.so_far: Callable[[], bytes] = bytes
        self._packing = packing
        self._writer: AttachmentWriter | None = None

    def new_file(self, field_name: str, file_name: str, *args: Any, **kwargs: Any) -> None:
        super().new_file(field_name, file_name, *args, **kwargs)
        self.abort()
        self.files += 1
        if field_name != _PARCEL:
            if self._packing.class_ is None:
                self._packing.class_ = _class_in(self.parcel or self.so_far())
            self._writer = self._packing.attachment(file_name, self.content_type or "application/octet-stream")
        raise StopFutureHandlers

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        if self._writer is not None:
            self._writer.write(raw_data)
        elif len(self.parcel) + len(raw_data) > MANIFEST_BYTES:
            raise _long_message()
        else:
            self.parcel += raw_data

    def file_complete(self, file_size: int) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def abort(self) -> None:
        """Forget the file that was not finished."""
        if self._writer is not None:
            self._writer.abort()
            self._writer = None


def _long_message() -> Mistake:
    return Mistake(
        "The text of a message has at most {most} bytes; send the rest as an attachment.",
        code="long-message",
        most=MANIFEST_BYTES,
    )
