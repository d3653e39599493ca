"""Hands a sealed parcel to the Zegel of another organisation (docs/format.md §9).

Connections go to the addresses that our resolver gave, whatever anybody names later; the certificate is for the host of
the domain's record; a redirect is an error; and nothing that the other side says leads anywhere else.
"""

import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import httpx

from zegel.errors import Damaged, Mistake, Unavailable, ZegelError
from zegel.parcels.arrivals import Arrival, Place, Said
from zegel.parcels.deposit import Blob
from zegel.peers.server import PeerServer, Upload

_PATIENCE = 30.0
_MOST_PART = 256 * 1024 * 1024
_TRY_LATER = frozenset({"busy", "starting", "peer-away", "too-many"})


class ArrivalPost:
    """Pushes to peers. ``authorities`` replaces the system's. Threads may share one."""

    def __init__(self, authorities: Path | None = None, patience: float = _PATIENCE):
        """``patience``: seconds that the other side may be silent."""
        self._authorities = authorities
        self._timeout = httpx.Timeout(patience, connect=min(patience, 10))

    def deliver(self, place: Place, arrival: Arrival, said: Said, read: Callable[[str], Iterator[bytes]]) -> None:
        """Hand it over; durable there when this returns. ``read`` gives a blob's sealed bytes as they lie here.

        Raises Mistake ``mail-refused`` (there is no such mailbox), ``peer-refused`` (anything else that trying again
        does not help), Unavailable, Damaged ``blob-altered`` (ours is not what was stored).
        """
        with httpx.Client(
            transport=_Pinned(place, self._authorities), timeout=self._timeout, trust_env=False
        ) as client:
            try:
                self._deliver(client, place, arrival, said, read)
            except ZegelError as error:
                raise _told(error) from None

    def _deliver(
        self, client: httpx.Client, place: Place, arrival: Arrival, said: Said, read: Callable[[str], Iterator[bytes]]
    ) -> None:
        members = {"arrival": said.text, **said.signed.spell()}
        answer = _AtPeer(place, "", client).post("/arrivals", {**members, "receipts": {}})
        missing = _missing(answer)
        if not missing:
            return
        part = answer.get("part_bytes")
        if not isinstance(part, int) or not 0 < part <= _MOST_PART:
            raise Damaged("The answer of the server cannot be read.", code="bad-answer")
        known = {blob.blob: blob for blob in arrival.blobs}
        receipts = {}
        for name, ticket in missing.items():
            if name not in known:
                raise Damaged("The answer of the server cannot be read.", code="bad-answer")
            receipts[name] = _push(_AtPeer(place, ticket, client), known[name], part, read(name))
        if _missing(_AtPeer(place, "", client).post("/arrivals", {**members, "receipts": receipts})):
            raise Unavailable("The other Zegel does not keep what it was given.", code="peer-away")


def _push(server: "_AtPeer", blob: Blob, part: int, pieces: Iterator[bytes]) -> str:
    upload = Upload(server, blob.blob, part)
    for piece in pieces:
        upload.write(piece)
    stored = upload.commit()
    if stored != blob:
        raise Damaged("A stored file is not what was stored.", code="blob-altered")
    return server.receipt(blob.blob)


def _missing(answer: dict[str, object]) -> dict[str, str]:
    missing = answer.get("missing")
    if not isinstance(missing, dict) or not all(isinstance(ticket, str) for ticket in missing.values()):
        raise Damaged("The answer of the server cannot be read.", code="bad-answer")
    return missing


def _told(error: ZegelError) -> ZegelError:
    """What the other side says, as one of our own few: its words and codes must mean nothing else here."""
    if isinstance(error, Unavailable) or error.retry_after is not None or error.kind in _TRY_LATER:
        return Unavailable("The other Zegel does not take it now.", code="peer-away", retry_after=error.retry_after)
    if error.kind == "unknown-mailbox":
        return Mistake("The other Zegel has no such mailbox.", code="mail-refused", reply="550 5.1.1")
    if error.kind == "blob-altered":
        return error
    if isinstance(error, Damaged):
        return Unavailable("The other Zegel does not answer well.", code="peer-away")
    kind = error.kind if error.kind.replace("-", "").isalnum() and error.kind.isascii() else "unknown"
    return Mistake("The other Zegel refuses it: {why}.", code="peer-refused", why=kind)


class _AtPeer(PeerServer):
    """The API of a peer; what its own profile names as such is not looked at."""

    def __init__(self, place: Place, ticket: str, client: httpx.Client):
        host = place.host if place.port == 443 else f"{place.host}:{place.port}"
        super().__init__(f"https://{host}", ticket, client=client)
        self._api = f"https://{host}/api/v1"

    @property
    def api(self) -> str:
        return self._api


class _Pinned(httpx.BaseTransport):
    """Connects to the addresses that were looked up; the certificate is for the host's name all the same."""

    def __init__(self, place: Place, authorities: Path | None):
        context = ssl.create_default_context(cafile=str(authorities) if authorities else None)
        # One host per transport: a connection is never used for another name.
        self._inner = httpx.HTTPTransport(verify=context)
        self._host = place.host
        self._addresses: Sequence[str] = place.addresses

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != self._host:
            raise httpx.ConnectError("another host")
        request.extensions = {**request.extensions, "sni_hostname": self._host}
        url, error = request.url, httpx.ConnectError("no address")
        for address in self._addresses:
            request.url = url.copy_with(host=address)
            try:
                response = self._inner.handle_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as failed:
                error = httpx.ConnectError(str(failed))
                continue
            # The next request goes where this one was answered.
            self._addresses = [address]
            return response
        raise error

    def close(self) -> None:
        with suppress(Exception):
            self._inner.close()
