"""What a sealed file can be refused for, one class per layer of the format.

The layers are those of the CCTV test kit (c2sp.org/CCTV/age), so a refusal says *where* a file stopped being an
age file: armor, header, nobody's key, the header's MAC, payload. Texts name the part that is wrong, never a secret.
"""

from zegel.errors import Damaged, Denied


class ArmorFailure(Damaged):
    """The ASCII armor around a file is not the one strict encoding; met before any key is used."""

    code = "armor"


class HeaderFailure(Damaged):
    """The header does not follow the grammar, or a stanza that is ours is malformed; met before any key opens."""

    code = "header"


class MacFailure(Damaged):
    """A key opened a stanza, but the header around it was altered (or moved from another file)."""

    code = "header-mac"


class PayloadFailure(Damaged):
    """A chunk of the payload was altered, reordered, cut off or added; earlier chunks were authentic."""

    code = "payload"


class NoMatch(Denied):
    """The header is well formed, but none of the identities given opens one of its stanzas."""

    code = "no-match"
