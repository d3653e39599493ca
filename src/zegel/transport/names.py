"""Names of hosts: A-labels in lower case, and the one wildcard rule that certificates and MTA-STS share."""

import re

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*\Z")


def is_host(name: str) -> bool:
    """Whether this is a host name as we keep it: lower case, A-labels, no dot at the end."""
    return _NAME.match(name) is not None


def plain_name(name: str) -> str:
    """Lower case without the root's dot."""
    return name.lower().removesuffix(".")


def name_matches(pattern: str, name: str) -> bool:
    """Whether a certificate's DNS name or an MTA-STS pattern covers ``name``; neither has a dot at the end.

    ``*`` stands for exactly one whole label, the leftmost (RFC 6125 §6.4.3, RFC 8461 §4.1), never under a single label.
    """
    pattern, name = plain_name(pattern), plain_name(name)
    if not pattern.startswith("*."):
        return pattern == name and "*" not in pattern
    parent = pattern[2:]
    _, dot, rest = name.partition(".")
    return bool(dot) and rest == parent and "." in parent and "*" not in parent
