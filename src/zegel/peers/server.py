"""One Zegel server as seen over HTTP (docs/format.md §5–7): uploads, signatures, deposits, and collecting.

Nothing that this sends holds plaintext or a link secret. Answers are limited in size, and errors come back as the
family that the server meant.
"""

import binascii
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx

from zegel.errors import Damaged, Denied, Mistake, NotFound, Unavailable, ZegelError
from zegel.parcels.addresses import Person
from zegel.parcels.deposit import Blob, Deposit
from zegel.parcels.expiry import TIME_ZONE
from zegel.parcels.identifiers import checked
from zegel.parcels.limits import Limits
from zegel.parcels.manifest import Organisation, read_time, spell_time
from zegel.parcels.release import Announced, Released
from zegel.parcels.signature import Signature, SigningKey
from zegel.parcels.strict import b64, unb64

_LARGEST_ANSWER = 4 * 1024 * 1024
_TIMEOUT = httpx.Timeout(60, connect=10)
_FAMILY = {400: Mistake, 401: Denied, 403: Denied, 404: NotFound, 409: Mistake, 410: NotFound, 413: Mistake}

# A thousand brackets are a RecursionError: what a server answers may be anything.
_UNREADABLE = (
    KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError, RecursionError, binascii.Error,
)  # fmt: skip

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PeerProfile:
    """What ``/.well-known/zegel`` said."""

    organisation: Organisation
    courier: str
    archive: str
    signing: tuple[SigningKey, ...]
    api: str
    inside: str
    limits: Limits
    time_zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class RemoteActor:
    """The account at the server that a token belongs to."""

    account: str
    address: str
    name: str
    active: bool = True
    officer: bool = False


class PeerServer:
    """A server at ``url``; ``token`` is an account's, and not needed to collect.

    Fits ``BlobSink``, ``Depositor``, ``Vouch`` and ``Releases`` of the journeys.
    """

    def __init__(self, url: str, token: str = "", language: str = "en", client: httpx.Client | None = None):
        self._url = url.rstrip("/")
        self._language = language
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = client or httpx.Client(timeout=_TIMEOUT, follow_redirects=False)
        self._receipts: dict[str, str] = {}
        self._profile: PeerProfile | None = None

    # Both sides -----------------------------------------------------------------------------------------------------

    def profile(self) -> PeerProfile:
        """Who runs this server, with which keys and limits; asked once."""
        if self._profile is None:
            answer = self._call("GET", f"{self._url}/.well-known/zegel", auth=False)
            self._profile = _reading(lambda: _read_profile(answer))
        return self._profile

    @property
    def api(self) -> str:
        """Where the outside's API is, without a slash at the end."""
        return self.profile().api

    @property
    def time_zone(self) -> ZoneInfo:
        """In which its organisation counts days."""
        return self.profile().time_zone

    def signing_keys(self) -> list[SigningKey]:
        return list(self.profile().signing)

    # Sending --------------------------------------------------------------------------------------------------------

    def open_write(self, blob: str, class_: int | None = None) -> "Upload":
        return Upload(self, blob, self.profile().limits.part_bytes)

    def commit_all(self, writers: Sequence["Upload"]) -> list[Blob]:
        return [writer.commit() for writer in writers]

    def delete(self, blob: str) -> None:
        """Nothing to do: the server sweeps blobs that no deposit asks for."""

    def put(self, path: str, pieces: list[bytes]) -> dict[str, Any]:
        """Upload pieces as one body; the length is told beforehand, so that nothing is joined in memory."""
        length = sum(len(piece) for piece in pieces)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(length)}
        return self._call("PUT", self.api + path, content=iter(pieces), headers=headers)

    def post(self, path: str, members: dict[str, Any]) -> dict[str, Any]:
        return self._call("POST", self.api + path, json=members)

    def keep_receipt(self, blob: str, receipt: str) -> None:
        self._receipts[blob] = receipt

    def receipt(self, blob: str) -> str:
        """What the server gave for a blob that was uploaded here."""
        return self._receipts[blob]

    def vouch(self, actor: object, parcel: str, digest: str) -> Signature:
        """Have the organisation sign; the actor is whoever the token belongs to."""
        inside = self.profile().inside
        if not inside:
            raise Unavailable("This server does not say where it signs messages.", code="no-inside")
        answer = self._call("POST", f"{inside}/signatures", json={"parcel": parcel, "sha256": digest})
        return _reading(
            lambda: Signature(
                key=answer["key"],
                host=answer["host"],
                sender=answer["sender"],
                time=read_time(answer["time"]),
                ed25519=unb64(answer["ed25519"]),
                mldsa65=unb64(answer["mldsa65"]),
            )
        )

    def deposit(self, actor: object, deposit: Deposit) -> str:
        members = {
            "parcel": deposit.parcel,
            "suite": deposit.suite,
            "class": deposit.class_,
            "expires": spell_time(deposit.expires),
            "language": deposit.language,
            "blobs": [{"blob": blob.blob, "receipt": self._receipts[blob.blob]} for blob in deposit.blobs],
            "readers": [
                {
                    "slip": reader.slip,
                    "kind": reader.kind,
                    "address": reader.address,
                    "language": reader.language,
                    "proof": {
                        "kind": reader.proof.kind,
                        "telephone": reader.proof.telephone,
                        "salt": b64(reader.proof.salt),
                        "verifier": b64(reader.proof.verifier),
                    },
                    "sealed_slip": b64(reader.sealed_slip),
                    "share": b64(reader.share),
                    "sealed_notice": b64(reader.sealed_notice),
                }
                for reader in deposit.readers
            ],
        }
        return str(self.post("/parcels", members)["parcel"])

    def me(self) -> tuple[str, str, str]:
        """The account that the token belongs to: identifier, address and name; raises Denied."""
        answer = self._call("GET", self.profile().api + "/me")
        return _reading(lambda: (answer["account"], answer["address"], answer["name"]))

    def parcels(self, before: str = "") -> list[dict[str, Any]]:
        """A page of the sender's parcels as the API spells them."""
        return list(self._call("GET", f"{self.profile().api}/parcels?before={quote(before)}")["parcels"])

    def parcel(self, parcel: str) -> dict[str, Any]:
        return self._call("GET", f"{self.profile().api}/parcels/{checked(parcel)}")

    # Collecting -----------------------------------------------------------------------------------------------------

    def look(self, slip: str) -> Announced:
        answer = self._call("GET", self._slip_url(slip), auth=False)
        return _reading(
            lambda: Announced(
                organisation=_read_organisation(answer["organisation"]),
                sender=Person(answer["sender"]["name"], answer["sender"]["address"]),
                proof=answer["proof"]["kind"],
                hint=answer["proof"]["hint"],
                created=read_time(answer["created"]),
                expires=read_time(answer["expires"]),
                language=answer["language"],
            )
        )

    def request_code(self, slip: str, language: str) -> None:
        self._call("POST", f"{self._slip_url(slip)}/code", auth=False, json={"language": language})

    def open(self, slip: str, code: str) -> Released:
        proof = {"kind": self.look(slip).proof} | ({"code": code} if code else {})
        answer = self._call("POST", f"{self._slip_url(slip)}/open", auth=False, json={"proof": proof})
        return _reading(
            lambda: Released(
                parcel=checked(answer["parcel"]),
                sealed_slip=unb64(answer["slip"]),
                share=unb64(answer["share"]),
                blobs=tuple((checked(item["blob"]), int(item["size"])) for item in answer["blobs"]),
                ticket=answer["ticket"],
                ticket_until=read_time(answer["ticket_until"]),
            )
        )

    def blob(self, slip: str, blob: str, ticket: str) -> Iterator[bytes]:
        url, headers = f"{self._slip_url(slip)}/blobs/{checked(blob)}", {"Authorization": f"Ticket {ticket}"}
        headers["Accept-Language"] = self._language
        with _translated(), self._http.stream("GET", url, headers=headers) as answer:
            if answer.status_code != httpx.codes.OK:
                answer.read()
                raise _error(answer)
            yield from answer.iter_raw(256 * 1024)

    def _slip_url(self, slip: str) -> str:
        return f"{self._url}/api/v1/reader/slips/{checked(slip)}"

    def _call(self, method: str, url: str, *, auth: bool = True, **kwargs: Any) -> dict[str, Any]:
        # The server's sentences reach a person at this terminal: they come in her language.
        headers = {"Accept": "application/json", "Accept-Language": self._language}
        headers |= {**(self._headers if auth else {}), **kwargs.pop("headers", {})}
        with _translated(), self._http.stream(method, url, headers=headers, **kwargs) as answer:
            body = b""
            for piece in answer.iter_bytes():
                body += piece
                if len(body) > _LARGEST_ANSWER:
                    raise Damaged("The answer of the server is too large.", code="bad-answer")
        if not answer.is_success:
            raise _error(httpx.Response(answer.status_code, headers=answer.headers, content=body))
        return _reading(lambda: dict(httpx.Response(200, content=body).json()) if body else {})


class Upload:
    """One blob on its way to the server; holds at most one part in memory, in the pieces that it came in."""

    light = False

    def __init__(self, server: PeerServer, blob: str, part_bytes: int):
        self._server = server
        self._blob = blob
        self._part_bytes = part_bytes
        self._pieces: list[bytes] = []
        self._held = 0
        self._parts = 0
        self._size = 0
        self._hash = hashlib.sha256()

    def write(self, data: bytes | memoryview) -> None:
        self._hash.update(data)
        self._size += len(data)
        rest = memoryview(data)
        # A full part goes out when there is more to come: only then it is known not to be the last.
        while self._held + len(rest) > self._part_bytes:
            fits = self._part_bytes - self._held
            self._keep(rest[:fits])
            rest = rest[fits:]
            self._send()
        self._keep(rest)

    def commit(self) -> Blob:
        """Finish; raises Damaged when the server counted other bytes than we sent."""
        if self._parts:
            self._send()
            answer = self._server.post(f"/blobs/{self._blob}/complete", {"parts": self._parts})
        else:
            answer = self._server.put(f"/blobs/{self._blob}", self._pieces)
        stored = _reading(lambda: Blob(answer["blob"], answer["size"], answer["sha256"]))
        if stored != Blob(self._blob, self._size, self._hash.hexdigest()):
            raise Damaged("The server stored other bytes than were sent.", code="upload-differs")
        self._server.keep_receipt(self._blob, answer["receipt"])
        return stored

    def abort(self) -> None:
        self._pieces.clear()

    def _keep(self, piece: memoryview) -> None:
        if piece:
            self._pieces.append(bytes(piece))
            self._held += len(piece)

    def _send(self) -> None:
        self._server.put(f"/blobs/{self._blob}/parts/{self._parts}", self._pieces)
        self._parts += 1
        self._pieces.clear()
        self._held = 0


class _translated:  # noqa: N801 - reads as a statement
    """Network trouble is a reason to try again later, never a traceback."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpx.HTTPError | httpx.InvalidURL):
            raise Unavailable("The server does not answer.", code="server-unavailable") from error


def _reading(read: Callable[[], T]) -> T:
    try:
        return read()
    except _UNREADABLE as error:
        raise Damaged("The answer of the server cannot be read.", code="bad-answer") from error


def _error(answer: httpx.Response) -> ZegelError:
    """The family that the status means, with the server's own sentence (already in the caller's language)."""
    try:
        members = answer.json()
        detail, code = str(members["detail"])[:500], str(members["code"])[:60]
    except _UNREADABLE:
        detail, code = f"HTTP {answer.status_code}", "server-error"
    retry = answer.headers.get("Retry-After", "")
    seconds = int(retry) if retry.isdecimal() and len(retry) < 10 else None
    family = Denied if answer.status_code == 429 else _FAMILY.get(answer.status_code)
    if family is None:
        family = Unavailable if answer.status_code >= 500 else Mistake
    return family("{detail}", code=code, retry_after=seconds, detail=detail)


def _read_profile(answer: dict[str, Any]) -> PeerProfile:
    signing = tuple(SigningKey.read(key) for key in answer["signing"])
    return PeerProfile(
        organisation=_read_organisation(answer["organisation"]),
        courier=answer["courier"],
        archive=answer["archive"],
        signing=signing,
        api=answer["api"].rstrip("/"),
        inside=answer["inside"].rstrip("/"),
        limits=_read_limits(answer["limits"]),
        time_zone=_read_time_zone(answer.get("time_zone")),
    )


def _read_time_zone(name: object) -> ZoneInfo:
    """An older server does not name it, and this machine may not know it."""
    try:
        return ZoneInfo(str(name)) if name else TIME_ZONE
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return TIME_ZONE


def _read_limits(members: dict[str, Any]) -> Limits:
    """An older server does not name all of them."""
    return Limits(**{name: int(members[name]) for name in Limits.__dataclass_fields__ if name in members})


def _read_organisation(members: dict[str, Any]) -> Organisation:
    return Organisation(str(members["name"]), str(members["host"]))
