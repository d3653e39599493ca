"""SASL OAUTHBEARER as a client spells it (RFC 7628 §3.1), and what it is told when the token is no good (§3.2.2)."""

import json
import re
from dataclasses import dataclass, field

from zegel.errors import Mistake

_GS2 = re.compile(r"[ny],(?:a=((?:[^,=\x00]|=2C|=3D)*))?,\Z")
_VALUE = re.compile(r"[\x21-\x7e \t]*\Z")


@dataclass(frozen=True, slots=True)
class BearerMessage:
    """``address`` is whom the client wants to be, empty when it does not say."""

    address: str
    token: str = field(repr=False)


def read_bearer(message: str) -> BearerMessage:
    """Read ``n,a=ADDRESS,^A…^Aauth=Bearer TOKEN^A^A``; raises Mistake ``bad-auth``."""
    head, *pairs = message.split("\x01")
    gs2 = _GS2.match(head)
    if not gs2 or len(pairs) < 3 or pairs[-2:] != ["", ""]:
        raise _malformed()
    found: dict[str, str] = {}
    for pair in pairs[:-2]:
        key, equals, value = pair.partition("=")
        if not equals or not key.isalpha() or not key.isascii() or key in found or not _VALUE.match(value):
            raise _malformed()
        found[key] = value
    scheme, _, token = found.get("auth", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise _malformed()
    address = (gs2[1] or "").replace("=2C", ",").replace("=3D", "=")
    return BearerMessage(address, token.strip())


def refusal(status: str, configuration: str) -> str:
    """The JSON of the error challenge; ``configuration`` is where the provider describes itself."""
    return json.dumps({"status": status, "schemes": "bearer", "openid-configuration": configuration})


def _malformed() -> Mistake:
    return Mistake("The credentials are not as RFC 7628 says.", code="bad-auth")
