"""What other organisations say: a DNS record, a profile, an arrival. Each is read, or refused by name.

The first byte says which; the rest is the text.
"""

from zegel.errors import Damaged, Denied, Mistake
from zegel.parcels.arrivals import read_arrival, read_peer, spell_arrival
from zegel.parcels.limits import Limits
from zegel.transport.zegel import parse_zegel, spell_zegel

_KINDS = {"", "bad-zegel-record", "bad-arrival", "too-large", "bad-peer", "foreign-keys"}


def one(raw: bytes) -> None:
    """Try one input."""
    assert _kind(raw) in _KINDS, _kind(raw)


def _kind(raw: bytes) -> str:
    which, text = raw[:1], raw[1:].decode("utf-8", "replace")
    try:
        if which < b"a":
            record = parse_zegel(text)
            assert parse_zegel(spell_zegel(record)) == record
        elif which < b"m":
            arrival = read_arrival(text, Limits())
            assert read_arrival(spell_arrival(arrival), Limits()) == arrival
        else:
            read_peer(raw[1:], ["ABCD-ABCD-ABCD-ABCD-ABCD-ABCD-ABCD-ABCD"])
    except (Mistake, Damaged, Denied) as error:
        return error.kind
    return ""
