"""``zegel mail check``: what a mail domain offers, and which way a mail to it would go."""

import json
from typing import Annotated, Any

import typer

from zegel.doors.cli.options import Data, data_folder
from zegel.doors.cli.tools import Tools
from zegel.journeys.mail_check import Checked
from zegel.transport.offer import Offer, Server
from zegel.transport.way import Choice, Proven

_WAYS = {
    "dane": "A mail to {domain} is delivered directly: it proves itself with DANE.",
    "mta-sts": "A mail to {domain} is delivered directly: it proves itself with MTA-STS.",
    "none": "{domain} does not prove itself: its readers get a notice with a link.",
    "temporary": "Whether {domain} proves itself cannot be said now: a mail waits, or its readers get a link.",
}
_OWN = "A mail to {domain} goes into a mailbox of this organisation. Others, who deliver to it, see the above."
_ZEGEL = "A mail to {domain} goes sealed to the Zegel at {host}, whose key its signed record names. Otherwise:"
_NO_ZEGEL = {
    "insecure": "The domain's record of a Zegel is not signed (DNSSEC), so it counts for nothing.",
    "malformed": "The domain's record of a Zegel is not right, so it counts for nothing.",
    "failed": "Whether the domain has a Zegel could not be looked up safely.",
}
_ZEGEL_TROUBLES = {
    "proof-failed": "Alarm: the Zegel at {host} does not have the key that the domain promises; it gets nothing.",
    "": "The Zegel at {host} has no mailboxes of this domain, so its readers get a notice with a link.",
}
_ZEGEL_AWAY = "The Zegel at {host} does not answer now: a mail waits, then its readers get a notice with a link."
_OFF = "Direct delivery is switched off here (direct.enabled), so readers get a notice with a link all the same."
_UNBELIEVED = "No resolver is on this machine or trusted, so no signature counts: see direct.trusted_resolvers."
_DEAF = "The resolver does not validate (DNSSEC), so no signature counts."
_TROUBLES = {
    "": "proves itself",
    "proof-failed": "does not prove itself: its certificate is not what the domain promised",
    "tls-failed": "offers no TLS that will do",
    "direct-away": "cannot be reached, or takes no mail now",
}
_EXIT = {"dane": 0, "mta-sts": 0, "none": 1, "temporary": 5}


def add_commands(app: typer.Typer, tools: Tools) -> None:
    """Add the group ``mail``."""
    mail = typer.Typer(no_args_is_help=True, help="How mail travels.")
    app.add_typer(mail, name="mail")

    @mail.callback()
    def group() -> None:
        pass

    @mail.command("record")
    def record(data: Data = None) -> None:
        """Show the DNS records that tell other organisations' Zegels of this one; sign the zones with DNSSEC."""
        for name, value in tools.zegel_records(data_folder(data)):
            print(f'{name}. IN TXT "{value}"')

    @mail.command("check")
    def check(
        domain: Annotated[str, typer.Argument(help="A mail domain, such as example.nl.")],
        as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
        connect: Annotated[bool, typer.Option("--connect", help="Also let every server prove itself.")] = False,
        data: Data = None,
    ) -> None:
        """Tell what a mail domain offers, which way a mail to it would go, and why. Sends nothing.

        Ends with 0 when the domain proves itself or has a Zegel, 1 when not, 5 when that cannot be said now, and
        6 when its Zegel, or with --connect one of its servers, showed something else than the domain promised.
        """
        found = tools.mail_check(data_folder(data)).check(domain, connect=connect)
        if as_json:
            print(json.dumps(_members(found), indent=1))
        else:
            _show(found)
        failed = any(one.trouble == "proof-failed" for one in found.probed)
        failed = failed or bool(found.zegel and found.zegel.trouble == "proof-failed")
        code = 6 if failed else 0 if found.zegel and found.zegel.takes else _EXIT[found.choice.kind]
        if code:
            raise typer.Exit(code)


def _show(found: Checked) -> None:
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    servers = (*found.offer.servers, *found.offer.nta_servers)
    if servers:
        console.print(_table(servers, found.choice))
    for reason in found.choice.reasons:
        console.print(f"· {reason}", markup=False)
    for one in found.probed:
        over = f" ({one.tls}, {one.cipher}, {one.group}{', TLSA ' + one.fits if one.fits else ''})" if one.tls else ""
        reply = f" ({one.reply})" if one.reply else ""
        console.print(f"→ {one.server} {_TROUBLES.get(one.trouble, one.trouble)}{over}{reply}", markup=False)
    for line in _zegel_lines(found):
        console.print(line, markup=False)
    way = _OWN if found.mailbox else _WAYS[found.choice.kind]
    console.print(way.format(domain=found.offer.domain), style="bold", markup=False)
    for line in _warnings(found):
        console.print(line, markup=False)


def _zegel_lines(found: Checked) -> list[str]:
    zegel = found.zegel
    if zegel is None or zegel.promise.state == "absent":
        return []
    record = zegel.promise.record
    if zegel.promise.state != "found" or record is None:
        return [_NO_ZEGEL[zegel.promise.state]]
    text = _ZEGEL if zegel.takes else _ZEGEL_TROUBLES.get(zegel.trouble, _ZEGEL_AWAY)
    return [text.format(domain=found.offer.domain, host=record.place)]


def _warnings(found: Checked) -> list[str]:
    lines = [] if found.believed else [_UNBELIEVED]
    if not found.validates and found.believed:
        lines.append(_DEAF)
    if not found.enabled and not found.mailbox:
        lines.append(_OFF)
    return lines


def _table(servers: tuple[Server, ...], choice: Choice) -> Any:
    from rich.table import Table
    from rich.text import Text

    chosen = {one.name: one for one in choice.servers}
    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in ("preference", "server", "addresses", "TLSA", "must show"):
        table.add_column(title, justify="right" if title == "preference" else "left")
    for one in servers:
        records = ", ".join(f"{r.usage} {r.selector} {r.matching}" for r in one.records) or one.tlsa
        cells = (str(one.preference), one.name, "\n".join(one.addresses) or one.address, records)
        # As text: a name from DNS must not be taken for markup.
        table.add_row(*(Text(cell) for cell in (*cells, _must_show(chosen.get(one.name)))))
    return table


def _must_show(chosen: Proven | None) -> str:
    if chosen is None:
        return "– (gets no mail)"
    return "a TLSA record" if chosen.proof == "dane" else "a certificate of a public authority"


def _members(found: Checked) -> dict[str, Any]:
    offer, choice = found.offer, found.choice
    return {
        "domain": offer.domain,
        "kind": choice.kind,
        "enabled": found.enabled,
        "mailbox": found.mailbox,
        "resolver": {"believed": found.believed, "validates": found.validates},
        "mx": {"answer": offer.mx, "secure": offer.mx_secure},
        "servers": [_server(one, choice) for one in offer.servers],
        "mta_sts": _policy(offer),
        "nta7516": _nta(offer, choice),
        "zegel": _zegel(found),
        "reasons": [{"code": one.code, "server": one.server, "text": str(one)} for one in choice.reasons],
        "probed": [{name: getattr(one, name) for name in one.__slots__} for one in found.probed],
    }


def _zegel(found: Checked) -> dict[str, Any] | None:
    zegel = found.zegel
    if zegel is None:
        return None
    record, peer = zegel.promise.record, zegel.place.peer if zegel.place else None
    return {
        "answer": zegel.promise.state,
        "host": record.place if record else "",
        "keys": list(record.keys) if record else [],
        "trouble": zegel.trouble,
        "organisation": {"name": peer.name, "host": peer.host} if peer else None,
        "takes": peer.takes(zegel.promise.domain) if peer else None,
    }


def _server(one: Server, choice: Choice) -> dict[str, Any]:
    return {
        "name": one.name,
        "preference": one.preference,
        "address": one.address,
        "addresses": list(one.addresses),
        "tlsa": one.tlsa,
        "base": one.base,
        "records": [{"record": str(record), "usable": record.usable} for record in one.records],
        "proof": next((chosen.proof for chosen in choice.servers if chosen.name == one.name), ""),
    }


def _policy(offer: Offer) -> dict[str, Any]:
    policy = offer.policy
    facts = {"mode": policy.mode, "mx": list(policy.mx), "max_age": policy.max_age} if policy else {}
    return {"answer": offer.sts, **facts}


def _nta(offer: Offer, choice: Choice) -> dict[str, Any]:
    record = offer.nta_record
    if record is None:
        return {"answer": offer.nta}
    start, end = (f"{year:04}-{month:02}" for year, month in (record.start, record.end))
    servers = [_server(one, choice) for one in offer.nta_servers]
    return {"answer": offer.nta, "startdate": start, "enddate": end, "provider": record.provider, "servers": servers}
