"""The header parser: what parses has one spelling, and only HeaderFailure refuses the rest."""

from zegel.seal import HeaderFailure, find_header, parse_header

_BEGIN = b"age-encryption.org/v1\n"


def one(data: bytes) -> None:
    """Try the bytes as a header, and as what follows a version line."""
    for text in (data, _BEGIN + data):
        try:
            length = find_header(text)
            if length is None:
                continue
            header = parse_header(text[:length])
        except HeaderFailure:
            continue
        lines = "".join(stanza.encode() for stanza in header.stanzas).encode()
        assert _BEGIN + lines + b"---" == header.authenticated
        assert header.encode() == text[:length]
        assert _find_in_pieces(text) == length


def _find_in_pieces(text: bytes) -> int | None:
    searched = 0
    for end in range(1, len(text) + 1):
        length = find_header(text[:end], searched)
        if length is not None:
            return length
        searched = end
    return None
