"""The armor: one spelling but for white space around it and CRLF, and the same answer in pieces of any size."""

from zegel.seal import ArmorFailure, Dearmorer, armor, dearmor

_BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----\n"
_END = b"\n-----END AGE ENCRYPTED FILE-----\n"


def one(data: bytes) -> None:
    """Try the bytes as an armored file, as its inside, and as binary to armor."""
    assert dearmor(armor(data)) == data
    for text in (data, _BEGIN + data + _END):
        whole = _in_pieces(text, len(text) + 1)
        for size in (1, 7, 65):
            assert _in_pieces(text, size) == whole
        if whole is not None:
            assert armor(whole).strip() == text.replace(b"\r\n", b"\n").strip()


def _in_pieces(text: bytes, size: int) -> bytes | None:
    dearmorer = Dearmorer()
    try:
        parts = [dearmorer.update(text[at : at + size]) for at in range(0, len(text), size)]
        return b"".join((*parts, dearmorer.finish()))
    except ArmorFailure:
        return None
