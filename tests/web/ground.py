"""The web door in this process: the real WSGI programs of both zones under an HTTP client, on a real house.

No socket is between, and nothing is left out: middleware, limits and streaming are the door's own. What needs a server
process (memory, slow callers, threads) is in ``live.py``.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from django.core.handlers.wsgi import WSGIHandler
from django.test.utils import override_settings

from tests.ground.house import URL, Ground
from zegel.doors.web.installed import install
from zegel.doors.web.settings import web_settings
from zegel.journeys.read import Read
from zegel.journeys.submit import Message, Packing, ReaderWish, Submit
from zegel.parcels.proofs import parse_proof
from zegel.peers.server import PeerServer

INSIDE_URL = "http://127.0.0.1:8026"
_KEPT = ("DATABASES", "INSTALLED_APPS", "LOGGING", "SECRET_KEY", "DEBUG")
"""Settings that the tests' ground has made already."""


def zone_settings(zone: str, **facts: Any) -> dict[str, Any]:
    """The door's settings for one zone, without what the ground made."""
    made = web_settings(
        **{
            "zone": zone,
            "url": URL if zone == "outside" else INSIDE_URL,
            "secret_key": "for tests",
            "database": {},
            "threads": 8,
            **facts,
        }  # type: ignore[arg-type]
    )
    return {name: value for name, value in made.items() if name not in _KEPT}


def program() -> Any:
    """The WSGI program of the settings in force; paths reach it as a server passes them on (PEP 3333: latin-1)."""
    handler = WSGIHandler()

    def served(environ: dict[str, Any], start: Any) -> Any:
        return handler({**environ, "PATH_INFO": environ["PATH_INFO"].encode().decode("latin-1")}, start)

    return served


class Inside(httpx.BaseTransport):
    """The inside's program; the settings are its own while it answers."""

    def __init__(self) -> None:
        with override_settings(**zone_settings("inside")):
            self._program = httpx.WSGITransport(app=program())

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with override_settings(**zone_settings("inside")):
            return self._program.handle_request(request)


@dataclass(repr=False)
class Web:
    """Both zones; ``client`` is a browser without cookies so far, ``token`` that of the ground's sender."""

    ground: Ground
    client: httpx.Client
    inside: httpx.Client

    def __repr__(self) -> str:
        return "Web()"

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.ground.token}"}

    def peer(self, token: str = "") -> PeerServer:
        """What `zegel send` uses, on this door."""
        return PeerServer(URL, token or self.ground.token, client=self.client)

    def submit(self, peer: PeerServer) -> Submit:
        """The sender's half on her own machine: it seals here, and uploads, vouches and deposits over HTTP."""
        profile = peer.profile()
        return Submit(
            peer, peer, peer, profile.organisation, profile.courier, profile.archive, profile.limits, self.ground.clock
        )

    def packing(self, peer: PeerServer) -> Packing:
        return self.submit(peer).begin(self.ground.actor)

    def send(self, proof: str = "mail", to: tuple[str, ...] = ("j.dejong@example.net",), **facts: Any) -> str:
        """Seal here and deposit over HTTP; returns the parcel's identifier."""
        attachments = facts.pop("attachments", [("brief.pdf", b"%PDF-1.4 brief")])
        packing = self.packing(self.peer())
        for name, data in attachments:
            writer = packing.attachment(name)
            writer.write(data)
            writer.close()
        readers = tuple(ReaderWish(address, parse_proof(proof)) for address in to)
        return packing.finish(Message(**{"subject": "Beschikking", "text": "Geachte", "readers": readers, **facts}))

    def reading(self) -> Read:
        """The reader's half, over HTTP."""
        return Read(PeerServer(URL, client=self.client))

    def other_sender(self, address: str = "burgerzaken@voorbeeld.example") -> str:
        """Another account; returns its token."""
        self.ground.house.welcome.add(address, "Burgerzaken", None)
        return self.ground.house.welcome.new_token(address, "test")

    def get(self, path: str, **facts: Any) -> httpx.Response:
        return self.client.get(URL + path, **facts)

    def post(self, path: str, **facts: Any) -> httpx.Response:
        return self.client.post(URL + path, **facts)

    def put(self, path: str, **facts: Any) -> httpx.Response:
        return self.client.put(URL + path, **facts)


@contextmanager
def opened(ground: Ground, **facts: Any) -> Iterator[Web]:
    """Put the house behind the door, and open it."""
    install(ground.house)
    with override_settings(**zone_settings("outside", **facts)):
        inside = Inside()
        transport = httpx.WSGITransport(app=program())
        with (
            httpx.Client(transport=transport, mounts={INSIDE_URL: inside}) as client,
            httpx.Client(transport=inside, base_url=INSIDE_URL) as other,
        ):
            yield Web(ground, client, other)


def problem(response: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """Assert that this is the problem expected, as RFC 9457 has it, and return its members."""
    assert response.headers["Content-Type"] == "application/problem+json", response.text
    members: dict[str, Any] = response.json()
    assert (response.status_code, members["status"], members["code"]) == (status, status, code), members
    assert members["type"] == f"urn:zegel:error:{code}"
    assert members["title"]
    assert members["detail"]
    assert response.headers["Cache-Control"] == "no-store"
    return members


def deposit_members(peer: PeerServer, packing: Packing, message: Message) -> dict[str, Any]:
    """The JSON of a deposit whose blobs are uploaded, but which was not sent."""
    kept: list[dict[str, Any]] = []

    class _Keeps(PeerServer):
        def post(self, path: str, members: dict[str, Any]) -> dict[str, Any]:
            if path != "/parcels":
                return super().post(path, members)
            kept.append(json.loads(json.dumps(members)))
            return {"parcel": members["parcel"]}

    peer.__class__ = _Keeps
    packing.finish(message)
    return kept[0]
