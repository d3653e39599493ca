"""``/.well-known/zegel``: what this Zegel says of itself, and what another one said."""

from typing import Any

from zegel.journeys.house import Profile
from zegel.parcels.origin import Origin
from zegel.parcels.signature import SigningKey


def origin_members(origin: Origin) -> dict[str, Any]:
    """Another organisation, in the words of its own ``/.well-known/zegel``."""
    return {
        "organisation": {"name": origin.name, "host": origin.host},
        "signing": _signing(origin.keys),
    }


def profile_members(profile: Profile, arrivals: dict[str, Any]) -> dict[str, Any]:
    """``/.well-known/zegel`` (docs/format.md §5)."""
    limits = profile.limits
    members = {"arrivals": arrivals} if arrivals else {}
    return members | {
        "zegel": "organisation v1",
        "organisation": {"name": profile.organisation.name, "host": profile.organisation.host},
        "courier": profile.courier,
        "archive": profile.archive,
        "signing": _signing(profile.signing),
        "api": f"{profile.url}/api/v1",
        "inside": profile.inside_url,
        "time_zone": profile.time_zone.key,
        "limits": {
            "readers": limits.readers,
            "attachments": limits.attachments,
            "parcel_bytes": limits.parcel_bytes,
            "part_bytes": limits.part_bytes,
            "days": limits.days,
            "mail_proof_class": limits.mail_proof_class,
        },
    }


def _signing(keys: tuple[SigningKey, ...]) -> list[dict[str, str]]:
    return [{"key": key.fingerprint, **key.spell()} for key in keys]
