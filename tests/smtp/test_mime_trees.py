"""MIME trees of any shape, built by Python's ``email`` and read back by us; and bytes of any kind."""

import base64
import quopri
from email import encoders
from email.message import Message
from email.mime.base import MIMEBase
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.mail_corpus.case import crlf
from tests.smtp.reading import Read, read
from zegel.errors import Mistake
from zegel.mime.decoders import Base64, QuotedPrintable
from zegel.mime.headers import read_addresses, read_headers, read_valued
from zegel.mime.texts import decode, text_of_html, unflow
from zegel.parcels.names import safe_name

_contents = st.one_of(
    st.binary(max_size=400),
    st.sampled_from([b"", b"\r\n", b"--", b"\r\n--g0\r\n", b"--g1--\r\n", b".\r\n..\r\n", b"\x00" * 50]),
)
# A byte order mark at the beginning is none of the text (RFC 3629 §6), so it is not read back.
_characters = st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff")
_texts = st.text(_characters, min_size=1, max_size=60).filter(lambda text: text.strip() == text and text)
_names = st.text(_characters, min_size=1, max_size=40)
_pieces = st.lists(st.integers(1, 90), max_size=60)


class _Expected:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.files: list[tuple[str, bytes]] = []
        self.boundaries = 0


@st.composite
def _entities(draw: st.DrawFn, expected: _Expected, depth: int) -> Message:
    kind = draw(st.sampled_from(["text", "file", "file", "multipart"] if depth else ["text", "file"]))
    if kind == "text":
        text = draw(_texts)
        expected.texts.append(text)
        return MIMEText(text, "plain", draw(st.sampled_from(["utf-8", "utf-16", "gb18030"])))
    if kind == "file":
        return _file(draw, expected)
    found = MIMEMultipart(draw(st.sampled_from(["mixed", "related", "parallel", "x-own"])))
    found.set_boundary(f"g{expected.boundaries}")
    expected.boundaries += 1
    for _ in range(draw(st.integers(0, 4))):
        found.attach(draw(_entities(expected, depth - 1)))
    return found


def _file(draw: st.DrawFn, expected: _Expected) -> Message:
    name, content = draw(_names), draw(_contents)
    part = MIMEBase("application", "octet-stream")
    part.set_payload(content)
    # Line ends that are content must be base64: the way changes them (RFC 2045 §6.7).
    ways = [encoders.encode_base64] + [encoders.encode_quopri] * (b"\r" not in content and b"\n" not in content)
    draw(st.sampled_from(ways))(part)
    part.add_header("Content-Disposition", "attachment", filename=("utf-8", "", name))
    expected.files.append((safe_name(name), content))
    return part


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_what_email_builds_is_read_back(data: st.DataObject) -> None:
    expected = _Expected()
    entity = data.draw(_entities(expected, 4))
    raw = crlf(entity.as_bytes())
    found = read(raw, data.draw(_pieces))
    assert [" ".join(text.split()) for text in found.text.split("\n\n") if text] == [
        " ".join(text.split()) for text in expected.texts
    ]
    assert sorted((file.name, file.data) for file in found.files) == sorted(expected.files)


_lines = st.sampled_from(
    [
        b"", b"--g", b"--g--", b"--h", b"--h--", b"Content-Type: multipart/mixed; boundary=g", b"text",
        b"Content-Type: multipart/signed; boundary=h", b"Content-Transfer-Encoding: base64", b"Content-Type: text/html",
        b"Content-Transfer-Encoding: quoted-printable", b"Content-Type: message/rfc822", b" folded", b"=", b"==", b"\0",
        b"Content-Disposition: attachment; filename*0*=utf-8''%; filename*1=x", b"QUJD", b"--", b"\xff\xfe", b"--g ",
    ]
)  # fmt: skip


@given(lines=st.lists(st.one_of(_lines, st.binary(max_size=30)), max_size=40), pieces=_pieces)
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_read_alike_however_they_are_cut_or_refused(lines: list[bytes], pieces: list[int]) -> None:
    raw = b"\r\n".join(lines)
    assert _outcome(raw, []) == _outcome(raw, pieces)


def _outcome(raw: bytes, pieces: list[int]) -> Read | str:
    try:
        return read(raw, pieces)
    except Mistake as error:
        return error.kind


def _in_pieces(decoder: Base64 | QuotedPrintable, encoded: bytes, pieces: list[int]) -> bytes:
    out, start = b"", 0
    for size in pieces:
        out += decoder.feed(encoded[start : start + size])
        start += size
    return out + decoder.feed(encoded[start:]) + decoder.close()


@given(content=st.binary(max_size=2000), pieces=_pieces)
def test_base64_comes_back(content: bytes, pieces: list[int]) -> None:
    assert _in_pieces(Base64(), base64.encodebytes(content), pieces) == content


@given(content=st.binary(max_size=2000), pieces=_pieces)
def test_quoted_printable_comes_back(content: bytes, pieces: list[int]) -> None:
    encoded = quopri.encodestring(content.replace(b"\r", b"").replace(b"\n", b""), quotetabs=True)
    assert _in_pieces(QuotedPrintable(), encoded, pieces) == content.replace(b"\r", b"").replace(b"\n", b"")


@given(st.binary(max_size=300))
def test_headers_of_any_bytes_are_read(raw: bytes) -> None:
    for name, value in read_headers(raw + b"\r\nX: y\r\n").fields:
        assert name.isascii()
        read_valued(value)
        read_addresses([value])


@given(st.text(max_size=300))
def test_values_and_addresses_of_any_text_are_read(text: str) -> None:
    read_valued(text)
    for _, address in read_addresses([text]):
        assert "@" in address


@given(data=st.binary(max_size=200), charset=st.one_of(st.text(max_size=20), st.sampled_from(["utf-8", "utf-7", "hz"])))
def test_every_charset_gives_text_that_can_be_stored(data: bytes, charset: str) -> None:
    text = decode(data, charset)
    assert "\0" not in text
    text.encode()


@given(st.text(max_size=300))
def test_text_of_any_html(markup: str) -> None:
    text_of_html(markup)


@given(st.text(st.sampled_from("> a-\n"), max_size=100), st.booleans())
def test_unflowing_loses_no_word(text: str, delete_space: bool) -> None:
    letters = [char for char in text if char == "a"]
    assert [char for char in unflow(text, delete_space) if char == "a"] == letters
