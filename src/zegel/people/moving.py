"""Accounts out of one database and into another (docs/reference/export.md): only when somebody asks for them."""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from zegel.errors import Mistake
from zegel.parcels.addresses import LONGEST_NAME, checked_address
from zegel.parcels.identifiers import checked
from zegel.people import models
from zegel.people.border import border, must_write

# Whoever made the export could otherwise plant a hash that costs gigabytes at every login.
_HASH = re.compile(r"scrypt\$[0-9]{1,6}\$[A-Za-z0-9]{1,64}\$[0-9]{1,2}\$[0-9]{1,2}\$[A-Za-z0-9+/=]{1,128}")


class Moving:
    """The part of the People port that exports and imports."""

    def export_accounts(self) -> list[dict[str, Any]]:
        """Every account with its rights, its password's hash and its tokens' hashes, in order of addresses."""
        with border():
            rows = models.Account.objects.exclude(address="").order_by("address").prefetch_related("tokens", "rights")
            return [_spell(row) for row in rows]

    def import_account(self, members: Mapping[str, Any]) -> str | None:
        """Add one exported account as it was; returns its identifier, None when address or identifier are there.

        Raises Mistake ``bad-export``. Inside a transaction.
        """
        must_write()
        try:
            account, tokens = _read_account(members), [_read_token(one) for one in members["tokens"]]
            rights = [_read_right(one) for one in members["sends_as"]]
        except (KeyError, TypeError, ValueError, AttributeError, Mistake) as error:
            raise Mistake("The export cannot be read: {reason}.", code="bad-export", reason=str(error)[:100]) from None
        with border():
            known = models.Account.objects
            if known.filter(address=account.address).exists() or known.filter(account=account.account).exists():
                return None
            account.save(force_insert=True)
            for token in tokens:
                token.account = account
                token.save(force_insert=True)
            for right in rights:
                right.account = account
                right.save(force_insert=True)
        return account.account


def _spell(row: models.Account) -> dict[str, Any]:
    tokens = [
        {
            "sha256": b64encode(bytes(token.sha256)).decode(),
            "label": token.label,
            "created": token.created.isoformat(),
            "revoked": token.revoked.isoformat() if token.revoked else None,
        }
        for token in sorted(row.tokens.all(), key=lambda token: token.row)
    ]
    rights = [
        {"address": right.address, "name": right.name, "created": right.created.isoformat()}
        for right in sorted(row.rights.all(), key=lambda right: right.row)
    ]
    return {
        "account": row.account,
        "address": row.address,
        "name": row.name,
        "password": row.password,
        "active": row.active,
        "officer": row.officer,
        "created": row.created.isoformat(),
        "tokens": tokens,
        "sends_as": rights,
    }


def _read_account(members: Mapping[str, Any]) -> models.Account:
    password, rights = members["password"], (members["active"], members["officer"])
    if password and not _HASH.fullmatch(password):
        raise ValueError("a password that is not kept as we keep them")
    if {type(one) for one in rights} != {bool}:
        raise ValueError("a right that is neither yes nor no")
    return models.Account(
        account=checked(members["account"]),
        address=checked_address(members["address"]),
        name=_one_line(members["name"]),
        password=password,
        active=rights[0],
        officer=rights[1],
        created=_moment(members["created"]),
    )


def _read_token(members: Mapping[str, Any]) -> models.Token:
    digest, label = b64decode(members["sha256"], validate=True), members["label"]
    if len(digest) != 32 or not isinstance(label, str) or len(label) > 100:
        raise ValueError("a token that is none")
    revoked = members["revoked"]
    return models.Token(
        sha256=digest, label=label, created=_moment(members["created"]), revoked=_moment(revoked) if revoked else None
    )


def _read_right(members: Mapping[str, Any]) -> models.SenderRight:
    return models.SenderRight(
        address=checked_address(members["address"]),
        name=_one_line(members["name"]),
        created=_moment(members["created"]),
    )


def _one_line(name: object) -> str:
    if not isinstance(name, str) or len(name) > LONGEST_NAME or not name.isprintable():
        raise ValueError("a name that is none")
    return name


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a moment without its zone")
    return moment
