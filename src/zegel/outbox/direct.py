"""Delivers one raw mail to a domain that proves itself, or to a fixed server (own mailboxes), over verified TLS.

The proof comes before the envelope: a server that cannot show what its domain promised never hears whom the mail is
for. Nothing of a foreign server's words is kept, only codes.
"""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from random import sample, shuffle

import idna
from OpenSSL import crypto

from zegel.errors import Mistake, Unavailable
from zegel.outbox.line import Line, LineLost, TlsFailed, client_context
from zegel.outbox.secret import is_here
from zegel.outbox.session import Away, Check, Manner, NotProven, Protocol, Session, Tls
from zegel.parcels.notify import SILENT, Notify
from zegel.transport.certificates import covers, leads_to
from zegel.transport.dane import matching_record
from zegel.transport.delivery import Delivered, Probed, RawMail, Shown
from zegel.transport.way import Choice, Proven

_MOST_TRIES = 6
"""Connections for one mail in one go; the outbox comes back."""
_CONNECT = 20.0
_IDLE = 20.0
"""Seconds that a connection is kept for a next mail."""
_MOST_KEPT = 32


@dataclass(frozen=True, slots=True)
class MailServer:
    """A fixed server. ``host`` may be a path to a Unix socket. Without TLS it must be on this machine.

    ``authorities`` is a file of certificates to trust instead of the system's, ``name`` what the certificate must be
    for (empty: ``host``). With ``user`` we log in.
    """

    host: str
    port: int = 25
    protocol: Protocol = "smtp"
    tls: Tls = "starttls"
    authorities: Path | None = None
    name: str = ""
    user: str = ""
    password_file: Path | None = None

    def check(self) -> None:
        """Raises Mistake ``mail-needs-tls`` for a server that would get mail over a network in the clear."""
        if self.tls == "none" and not self.host.startswith("/") and not is_here(self.host):
            raise Mistake("The mail server {host} needs TLS.", code="mail-needs-tls", host=self.host)


@dataclass(frozen=True, slots=True)
class _Target:
    """One server to try. Equal targets may share a connection, so what it must show belongs to it."""

    name: str
    addresses: tuple[str, ...]
    port: int
    proof: Shown
    sni: str
    requires: Proven | MailServer


class _Connections:
    """Connections that have proved themselves, kept for a short while. Threads may share one."""

    def __init__(self, manner: Manner):
        self._manner = manner
        self._context = client_context()
        self._kept: dict[_Target, list[tuple[Session, float]]] = {}
        self._turn = threading.Lock()

    def get(self, target: _Target, address: str, check: Check) -> Session:
        """A connection that is proven; raises NotProven, TlsFailed, LineLost, Away."""
        line = Line(address, target.port, min(_CONNECT, self._manner.patience))
        return Session(line, self._manner, self._context, target.sni, check)

    def kept(self, target: _Target) -> Session | None:
        """One that was kept and still answers."""
        while True:
            with self._turn:
                self._sweep()
                sessions = self._kept.get(target)
                session = sessions.pop()[0] if sessions else None
            if session is None or session.alive():
                return session
            session.close()

    def keep(self, target: _Target, session: Session) -> None:
        """Keep it for the next mail to the same target."""
        with self._turn:
            self._sweep()
            if sum(len(sessions) for sessions in self._kept.values()) < _MOST_KEPT:
                self._kept.setdefault(target, []).append((session, time.monotonic()))
                return
        session.quit()

    def close(self) -> None:
        with self._turn:
            self._sweep(idle=-1)

    def _sweep(self, idle: float = _IDLE) -> None:
        now = time.monotonic()
        for target, sessions in list(self._kept.items()):
            fresh = [one for one in sessions if now - one[1] <= idle]
            for session, since in sessions:
                if now - since > idle:
                    session.quit()
            if fresh:
                self._kept[target] = fresh
            else:
                del self._kept[target]


class _Deliverer:
    """Tries targets in order until one takes the mail."""

    def __init__(self, manner: Manner, authorities: Path | None):
        self._connections = _Connections(manner)
        self._authorities = authorities

    def close(self) -> None:
        """Give up the connections that were kept."""
        self._connections.close()

    def run(self, targets: Iterable[_Target], mail: RawMail | None, sender: str, to: str, notify: Notify) -> Delivered:
        """Raises Mistake, Unavailable as :meth:`DirectRoute.deliver` tells."""
        troubles: list[tuple[int, str, str]] = []
        for target, open_ in self._attempts(targets):
            try:
                session = open_()
                if session is None:
                    continue
                found = self._hand_over(target, session, mail, sender, to, notify)
                distrusted = dict.fromkeys(server for kind, server, _ in troubles if kind == _PROOF)
                return replace(found, distrusted=tuple(distrusted))
            except (NotProven, TlsFailed, LineLost, Away) as error:
                troubles.append(_trouble(target, error))
        raise _conclusion(troubles)

    def probe(self, target: _Target) -> Probed:
        """Look at one server, at the first of its addresses that answers."""
        trouble: tuple[int, str, str] = (_AWAY, target.name, "")
        for address in target.addresses:
            try:
                session = self._connections.get(target, address, self._check(target))
            except LineLost:
                continue
            except (NotProven, TlsFailed, Away) as error:
                trouble = _trouble(target, error)
                break
            found = Probed(target.name, "", *session.agreed, fits=session.fits)
            session.quit()
            return found
        return Probed(target.name, _conclusion([trouble]).kind, reply=trouble[2])

    def _attempts(self, targets: Iterable[_Target]) -> Iterator[tuple[_Target, Callable[[], Session | None]]]:
        tries = 0
        for target in targets:
            yield target, lambda target=target: self._connections.kept(target)  # type: ignore[misc]
            for address in sample(target.addresses, len(target.addresses)):
                if tries >= _MOST_TRIES:
                    return
                tries += 1
                yield (
                    target,
                    lambda target=target, address=address: self._connections.get(  # type: ignore[misc]
                        target, address, self._check(target)
                    ),
                )

    def _hand_over(
        self, target: _Target, session: Session, mail: RawMail | None, sender: str, to: str, notify: Notify
    ) -> Delivered:
        try:
            reply = session.deliver(mail, sender, to, notify) if mail else session.ask(to)
        except (Mistake, Away):
            if session.reset():
                self._connections.keep(target, session)
            else:
                session.close()
            raise
        except BaseException:
            # In the middle of the mail: hang up without a dot, so that the server forgets it.
            session.close()
            raise
        found = Delivered(target.name, target.proof, session.address, *session.agreed, fits=session.fits, reply=reply)
        self._connections.keep(target, session)
        return found

    def _check(self, target: _Target) -> Check:
        requires = target.requires
        if isinstance(requires, Proven) and requires.proof == "dane":
            return lambda chain: self._dane(requires, chain)
        if target.proof == "local":
            return lambda chain: ""
        names = requires.names if isinstance(requires, Proven) else (requires.name or requires.host,)
        return lambda chain: self._authority(names, chain)

    def _dane(self, server: Proven, chain: tuple[bytes, ...]) -> str:
        record = matching_record(server.records, chain, server.names, datetime.now(UTC))
        if record is None:
            raise NotProven
        return f"{record.usage} {record.selector} {record.matching}"

    def _authority(self, names: Sequence[str], chain: tuple[bytes, ...]) -> str:
        if not chain or not covers(chain[0], names) or not leads_to(trusted(self._authorities), chain):
            raise NotProven
        return ""


class DirectRoute:
    """Delivers to domains that prove themselves. Threads may share one.

    ``port`` is 25 everywhere but in tests. ``authorities`` replaces the system's for MTA-STS.
    """

    def __init__(
        self,
        own_name: str,
        *,
        port: int = 25,
        authorities: Path | None = None,
        patience: float = 60.0,
        final_patience: float = 600.0,
    ):
        manner = Manner(own_name, patience=patience, final_patience=final_patience)
        self._deliverer = _Deliverer(manner, authorities)
        self._port = port

    def deliver(self, choice: Choice, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered:
        """Hand the mail to the first server that proves itself and takes it.

        Raises Mistake: ``mail-refused`` (5xx, with ``reply``), ``mail-too-big``, ``mail-needs-8bit``,
        ``mail-needs-utf8``, ``no-proof`` (the choice has no servers or is about another domain), ``bad-address``.

        Raises Unavailable: ``direct-away`` (nobody takes it now), ``tls-failed`` (no STARTTLS, no handshake),
        ``proof-failed`` (a certificate is not what the domain promised: an alarm), ``mail-uncertain`` (the end was sent
        and no answer came: it may have been delivered), ``no-authorities``.
        """
        to = _plain(to)
        domain = to.rpartition("@")[2].lower().removesuffix(".")
        if not choice.servers or domain != choice.domain:
            # What one domain has proven says nothing of another: a mix-up ends here.
            raise Mistake("The domain {domain} does not prove itself.", code="no-proof", domain=domain[:255])
        targets = [
            _Target(one.name, one.addresses, self._port, one.proof, one.sni, one) for one in _in_order(choice.servers)
        ]
        return self._deliverer.run(targets, mail, sender, to, notify)

    def probe(self, choice: Choice) -> tuple[Probed, ...]:
        """Connect to every server, let it prove itself, and hang up: what each showed, in order. Sends no mail."""
        return tuple(
            self._deliverer.probe(_Target(one.name, one.addresses, self._port, one.proof, one.sni, one))
            for one in choice.servers
        )

    def close(self) -> None:
        """Give up the connections that were kept."""
        self._deliverer.close()


class FixedRoute:
    """Delivers to one configured server: the organisation's own mailboxes. Threads may share one."""

    def __init__(
        self,
        server: MailServer,
        own_name: str,
        *,
        patience: float = 60.0,
        final_patience: float = 600.0,
    ):
        """Raises Mistake ``mail-needs-tls``."""
        server.check()
        manner = Manner(
            own_name, server.protocol, server.tls, patience, final_patience, server.user, server.password_file
        )
        self._deliverer = _Deliverer(manner, server.authorities)
        self._server = server

    def deliver(self, mail: RawMail, sender: str, to: str, notify: Notify = SILENT) -> Delivered:
        """As :meth:`DirectRoute.deliver`; there is one server to try."""
        return self._deliverer.run([self._target()], mail, sender, _plain(to), notify)

    def ask(self, to: str) -> None:
        """Whether the server would take mail for an address; raises as :meth:`deliver`. Sends nothing."""
        self._deliverer.run([self._target()], None, "", _plain(to), SILENT)

    def _target(self) -> _Target:
        server = self._server
        return _Target(
            server.host,
            _addresses(server),
            server.port,
            "local" if server.tls == "none" else "authority",
            "" if server.host.startswith("/") else server.name or server.host,
            server,
        )

    def close(self) -> None:
        """Give up the connections that were kept."""
        self._deliverer.close()


def trusted(authorities: Path | None) -> crypto.X509Store:
    """The authorities to trust: of the file, else the system's. Read anew each time: they change while we run."""
    store = crypto.X509Store()
    store.set_flags(crypto.X509StoreFlags.PARTIAL_CHAIN)
    try:
        if authorities is not None:
            store.load_locations(str(authorities))
        else:
            paths = ssl.get_default_verify_paths()
            store.load_locations(paths.cafile, paths.capath)
    except (crypto.Error, TypeError):
        raise Unavailable("The certificates of trusted authorities cannot be read.", code="no-authorities") from None
    return store


_AWAY, _TLS, _PROOF = 0, 1, 2


def _trouble(target: _Target, error: Exception) -> tuple[int, str, str]:
    if isinstance(error, NotProven):
        return _PROOF, target.name, ""
    if isinstance(error, TlsFailed):
        return _TLS, target.name, ""
    return _AWAY, target.name, error.reply if isinstance(error, Away) else ""


def _conclusion(troubles: list[tuple[int, str, str]]) -> Unavailable:
    """The worst that happened speaks: a certificate that does not fit is somebody in between until proven otherwise."""
    worst, server, reply = max(troubles, key=lambda one: (one[0], one[2]), default=(_AWAY, "", ""))
    if worst == _PROOF:
        return Unavailable("{server} does not prove itself.", code="proof-failed", server=server)
    if worst == _TLS:
        return Unavailable("{server} offers no TLS that will do.", code="tls-failed", server=server)
    if reply:
        return Unavailable("{server} takes no mail now ({reply}).", code="direct-away", server=server, reply=reply)
    return Unavailable("No receiving mail server can be reached.", code="direct-away", server=server, reply="")


def _in_order(servers: Sequence[Proven]) -> Iterator[Proven]:
    """By preference; among equals by lot (RFC 5321 §5.1)."""
    for _, equals in groupby(sorted(servers, key=lambda one: one.preference), key=lambda one: one.preference):
        group = list(equals)
        shuffle(group)
        yield from group


def _plain(to: str) -> str:
    """The address with its domain as A-labels: then a server needs SMTPUTF8 only for the local part."""
    local, _, domain = to.rpartition("@")
    if domain.isascii():
        return to
    try:
        return f"{local}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        raise Mistake("“{address}” is not a mail address.", code="bad-address", address=to[:100]) from None


def _addresses(server: MailServer) -> tuple[str, ...]:
    if server.host.startswith("/"):
        return (server.host,)
    try:
        found = socket.getaddrinfo(server.host, server.port, type=socket.SOCK_STREAM)
    except OSError:
        raise Unavailable(
            "No receiving mail server can be reached.", code="direct-away", server=server.host, reply=""
        ) from None
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))
