"""Hands a sealed parcel to the Zegel of another organisation (docs/format.md §9).

Connections go to the addresses that our resolver gave, whatever anybody names later; the certificate is for the host of
the domain's record; a redirect is an error; and nothing that the other side says leads anywhere else. All of it ends at
one deadline: whoever answers an octet at a time would otherwise hold the courier, and everybody's mail with it.
"""

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpcore
import httpx

from zegel.errors import Damaged, Mistake, Unavailable, ZegelError
from zegel.parcels.arrivals import Arrival, Place, Said
from zegel.parcels.deposit import Blob
from zegel.peers.server import PeerServer, Upload

_PATIENCE = 30.0
_WHOLE = 600.0
_SLOWEST = 64 * 1024
"""Octets a second. All for one reader ends after ``_WHOLE`` seconds, and the time that its size takes at this speed."""
_LEAST_PART, _MOST_PART = 64 * 1024, 256 * 1024 * 1024
"""What a Zegel can be configured to take; less would be a request for each octet."""
_LONGEST_VOUCHER = 2048
_TRY_LATER = frozenset({"busy", "starting", "peer-away", "too-many"})


class ArrivalPost:
    """Pushes to peers. ``authorities`` replaces the system's. Threads may share one."""

    def __init__(self, authorities: Path | None = None, patience: float = _PATIENCE, whole: float = _WHOLE):
        """``patience``: seconds that the other side may be silent; ``whole``: that a delivery of no size may take."""
        self._authorities = authorities
        self._timeout = httpx.Timeout(patience, connect=min(patience, 10))
        self._whole = whole

    def deliver(self, place: Place, arrival: Arrival, said: Said, read: Callable[[str], Iterator[bytes]]) -> None:
        """Hand it over; durable there when this returns. ``read`` gives a blob's sealed bytes as they lie here.

        Raises Mistake ``mail-refused`` (there is no such mailbox), ``peer-refused`` (anything else that trying again
        does not help), Unavailable, Damaged ``blob-altered`` (ours is not what was stored).
        """
        deadline = time.monotonic() + self._whole + sum(blob.size for blob in arrival.blobs) / _SLOWEST
        with httpx.Client(
            transport=_Pinned(place, self._authorities, deadline), timeout=self._timeout, trust_env=False
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
        if not isinstance(part, int) or not _LEAST_PART <= part <= _MOST_PART:
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
    receipt = server.receipt(blob.blob)
    if not _is_voucher(receipt):
        raise Damaged("The answer of the server cannot be read.", code="bad-answer")
    return receipt


def _missing(answer: dict[str, object]) -> dict[str, str]:
    missing = answer.get("missing")
    if not isinstance(missing, dict) or not all(_is_voucher(ticket) for ticket in missing.values()):
        raise Damaged("The answer of the server cannot be read.", code="bad-answer")
    return missing


def _is_voucher(found: object) -> bool:
    """Whether it can stand in a header and a body: what cannot be spelled there would be an error of ours."""
    return isinstance(found, str) and found.isascii() and found.isprintable() and 0 < len(found) <= _LONGEST_VOUCHER


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


class _Pinned(httpx.HTTPTransport):
    """Connects to the addresses that were looked up; the certificate is for the host's name all the same."""

    def __init__(self, place: Place, authorities: Path | None, deadline: float):
        context = ssl.create_default_context(cafile=str(authorities) if authorities else None)
        super().__init__(verify=context)
        self._host = place.host
        # One host per transport. The pool that httpx makes cannot be told how to connect.
        self._pool = httpcore.ConnectionPool(
            ssl_context=context, keepalive_expiry=5.0, network_backend=_Backend(place.addresses, deadline)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.host != self._host:
            raise httpx.ConnectError("another host")
        # What is packed can be a thousand times as large as what came.
        request.headers["Accept-Encoding"] = "identity"
        response = super().handle_request(request)
        response.headers.pop("Content-Encoding", None)
        return response


class _Stream(httpcore.NetworkStream):
    """A stream whose every wait ends at the deadline, and before that when the other side is silent for too long."""

    def __init__(self, inner: httpcore.NetworkStream, backend: "_Backend"):
        self._inner = inner
        self._backend = backend

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._inner.read(max_bytes, self._backend.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        for at in range(0, len(view), _SLOWEST):
            self._inner.write(bytes(view[at : at + _SLOWEST]), self._backend.left(timeout))

    def close(self) -> None:
        self._inner.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._inner.start_tls(ssl_context, server_hostname, self._backend.left(timeout)), self._backend)

    def get_extra_info(self, info: str) -> Any:
        return self._inner.get_extra_info(info)


class _Backend(httpcore.NetworkBackend):
    """Connects to one of the addresses until the deadline (``time.monotonic``), whatever the URL names."""

    def __init__(self, addresses: Sequence[str], deadline: float):
        self._addresses = addresses
        self._deadline = deadline
        self._inner = httpcore.SyncBackend()

    def left(self, timeout: float | None) -> float:
        """Seconds; raises when there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout
        return left if timeout is None else min(left, timeout)

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        for address in self._addresses:
            with suppress(httpcore.ConnectError, httpcore.ConnectTimeout):
                stream = self._inner.connect_tcp(address, port, self.left(timeout), local_address, socket_options)
                # The next connection goes where this one went.
                self._addresses = [address]
                return _Stream(stream, self)
        raise httpcore.ConnectError
