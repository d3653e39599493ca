"""The inside zone over HTTP: signatures, and submissions whose files are sealed while they arrive."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.ground.house import READER, SENDER
from tests.web.ground import Web, problem
from zegel.errors import Unavailable
from zegel.parcels.identifiers import new_identifier
from zegel.parcels.manifest import statement_of_digest
from zegel.parcels.signature import Signature
from zegel.peers.server import PeerServer

PARCEL = {
    "subject": "Beschikking",
    "text": "Geachte mevrouw,",
    "readers": [{"address": READER, "name": "Mevrouw De Jong", "proof": "mail"}],
    "class": 1,
    "expires": "14d",
    "language": "nl",
}
FIELD = 'Content-Disposition: form-data; name="{name}"\r\nContent-Type: application/json\r\n\r\n'
FILE = 'Content-Disposition: form-data; name="{name}"; filename="{file}"\r\nContent-Type: {type}\r\n\r\n'


def part(head: str, data: bytes | str, **facts: str) -> bytes:
    return head.format(**facts).encode() + (data if isinstance(data, bytes) else data.encode())


def body_of(*parts: bytes, boundary: str = "grens", end: bytes = b"--\r\n") -> bytes:
    line = f"--{boundary}".encode()
    return b"".join(line + b"\r\n" + item + b"\r\n" for item in parts) + line + end


def parcel_part(**facts: Any) -> bytes:
    return part(FIELD, json.dumps({**PARCEL, **facts}), name="parcel")


def file_part(data: bytes, file: str = "brief.pdf", kind: str = "application/pdf") -> bytes:
    return part(FILE, data, name="file", file=file, type=kind)


def post(web: Web, body: bytes, boundary: str = "grens", **headers: str) -> httpx.Response:
    kind = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
    return web.inside.post("/inside/v1/parcels", content=body, headers={**web.bearer, **kind, **headers})


def blobs(web: Web) -> list[str]:
    return [
        path.name
        for path in (web.ground.folder / "store").rglob("*")
        if path.is_file() and path.parent.name != "journal"
    ]


def read(web: Web) -> tuple[Any, list[bytes]]:
    """The newest parcel as its reader sees it."""
    web.ground.announce()
    opened = web.ground.reading.open(web.ground.links()[-1], "")
    assert not opened.unverified
    return opened.manifest, [b"".join(opened.attachment(item)) for item in opened.manifest.attachments]


def test_a_submission_is_sealed_and_reaches_its_reader(web: Web) -> None:
    files = [b"%PDF" * 100_000, b"", b"\r\n--gren\r\n--\r\n" * 5000]
    answer = post(
        web,
        body_of(
            file_part(files[0]),
            parcel_part(readers=[
                {"address": READER, "proof": "mail"},
                {"address": "cc@example.net", "name": "Mee", "proof": "mail", "show": "cc", "language": "en"},
                {"address": "bcc@example.net", "proof": "sms:+31612345642", "show": "bcc"},
            ]),
            file_part(files[1], "leeg.txt", "text/plain"),
            file_part(files[2], "C:\\\\tmp\\\\..\\\\gek\u202efdp.exe", ""),
        ),
    )  # fmt: skip
    assert answer.status_code == 201, answer.text
    parcel = answer.json()["parcel"]
    assert answer.json()["url"] == f"http://127.0.0.1:8025/sent/{parcel}"

    web.ground.announce()
    # Notices of one parcel leave side by side: hers is not always the first.
    [hers] = [mail for mail in web.ground.mails() if mail["To"] == READER]
    opened = web.ground.reading.open(web.ground.link_in(hers), "")

    manifest = opened.manifest
    assert (manifest.parcel, manifest.class_, manifest.text) == (parcel, 1, "Geachte mevrouw,")
    assert [person.address for person in manifest.to] == [READER]
    assert [(person.name, person.address) for person in manifest.cc] == [("Mee", "cc@example.net")]
    assert manifest.expires == datetime(2026, 12, 4, 9, 14, tzinfo=UTC)
    assert [(item.name, item.type) for item in manifest.attachments] == [
        ("brief.pdf", "application/pdf"), ("leeg.txt", "text/plain"), ("gekfdp.exe", "application/octet-stream"),
    ]  # fmt: skip
    assert [b"".join(opened.attachment(item)) for item in manifest.attachments] == files
    assert len(web.ground.house.follow.parcel(web.ground.actor, parcel).readers) == 3


def test_what_ordinary_clients_send(web: Web) -> None:
    files: list[Any] = [
        ("file", ("één.pdf", b"1", "application/pdf")),
        ("file", ("één.pdf", b"2", "application/pdf")),
        ("parcel", ("parcel.json", json.dumps(PARCEL).encode(), "application/json")),
    ]
    answer = web.inside.post("/inside/v1/parcels", files=files, headers=web.bearer)
    assert answer.status_code == 201, answer.text
    manifest, contents = read(web)
    assert [item.name for item in manifest.attachments] == ["één.pdf", "één.pdf"]
    assert contents == [b"1", b"2"]


@pytest.mark.parametrize("first", ["field", "file", "later", "rubbish"])
def test_the_store_is_told_the_class_when_it_is_known(quick: Web, first: str, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int | None] = []
    sink: Any = quick.ground.house.inside_submit().sink
    real = type(sink).open_write

    def open_write(self: Any, blob: str, class_: int | None = None) -> Any:
        told.append(class_)
        return real(self, blob, class_)

    monkeypatch.setattr(type(sink), "open_write", open_write)
    message = part(FILE, json.dumps(PARCEL), name="parcel", file="p.json", type="application/json")
    parts = {
        "field": [parcel_part(), file_part(b"1"), file_part(b"2")],
        "file": [message, file_part(b"1")],
        "later": [file_part(b"1"), parcel_part()],
        "rubbish": [part(FIELD, "[", name="parcel"), file_part(b"1")],
    }[first]
    assert post(quick, body_of(*parts)).status_code == (400 if first == "rubbish" else 201)
    attachments = told if first == "rubbish" else told[:-1]
    assert set(attachments) == ({1} if first in ("field", "file") else {None})


def test_a_file_in_base64(quick: Web) -> None:
    head = FILE.replace("\r\n\r\n", "\r\nContent-Transfer-Encoding: base64\r\n\r\n")
    answer = post(quick, body_of(parcel_part(), part(head, b"aGFs\r\nbG8=", name="f", file="a.txt", type="text/plain")))
    assert answer.status_code == 201, answer.text
    assert read(quick)[1] == [b"hallo"]


def test_without_attachments(quick: Web) -> None:
    assert post(quick, body_of(parcel_part())).status_code == 201
    assert read(quick)[0].attachments == ()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (body_of(file_part(b"x")), 400, "no-parcel"),
        (body_of(), 400, "no-parcel"),
        (body_of(part(FIELD, "{", name="parcel")), 400, "bad-json"),
        (body_of(part(FIELD, "[]", name="parcel")), 422, "bad-schema"),
        (body_of(parcel_part(subject=7), file_part(b"x")), 422, "bad-schema"),
        (body_of(parcel_part(verrassing=1), file_part(b"x")), 422, "bad-schema"),
        (body_of(parcel_part(readers=[]), file_part(b"x")), 400, "no-reader"),
        (body_of(parcel_part(readers=[{"address": "x", "proof": "mail"}]), file_part(b"x")), 400, "bad-address"),
        (body_of(parcel_part(readers=[{"address": READER, "proof": "eid"}]), file_part(b"x")), 400, "unknown-proof"),
        (body_of(parcel_part(readers=[{"address": READER}]), file_part(b"x")), 422, "bad-schema"),
        (body_of(parcel_part(readers=[{"address": READER, "proof": "mail"}] * 501)), 400, "too-many-readers"),
        (body_of(parcel_part(expires="2026-11-01"), file_part(b"x")), 400, "expiry-past"),
        (body_of(parcel_part(expires="ooit"), file_part(b"x")), 400, "bad-date"),
        (body_of(parcel_part(subject="x" * 999), file_part(b"x")), 400, "long-subject"),
        (body_of(parcel_part(language="fy"), file_part(b"x")), 400, "bad-language"),
        (body_of(parcel_part(text="x" * (17 << 20)), file_part(b"x")), 400, "long-message"),
        (body_of(parcel_part(), *[file_part(b"x")] * 501), 400, "too-many-attachments"),
        # The parser is content with all of these; then a file would be cut short or left out, and nobody told.
        (body_of(parcel_part(), file_part(b"x" * 99_999))[:-50_000], 400, "cut-upload"),
        (body_of(parcel_part(), file_part(b"x"), end=b""), 400, "cut-upload"),
        (body_of(parcel_part(), file_part(b"x"), end=b"\r\n"), 400, "cut-upload"),
        (body_of(parcel_part(), b"Content-Type: application/pdf\r\n\r\nx"), 400, "bad-multipart"),
        (body_of(parcel_part(), b"Content-Disposition: form-data; filename=a.pdf\r\n\r\nx"), 400, "bad-multipart"),
        (body_of(parcel_part(), b'Content-Disposition: form-data; name="file"\r\n\r\nx'), 400, "bad-multipart"),
        (body_of(parcel_part(), file_part(b"x", file="")), 400, "bad-multipart"),
        (body_of(parcel_part(), *[parcel_part()] * 300), 400, "bad-multipart"),
        (b"geen multipart", 400, "cut-upload"),
    ],
)
def test_a_broken_submission_keeps_nothing(quick: Web, body: bytes, status: int, code: str) -> None:
    problem(post(quick, body), status, code)
    assert blobs(quick) == []
    assert quick.peer().parcels() == []


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "multipart/form-data; boundary=", "",
                                  "multipart/mixed; boundary=grens", "multipart/form-data; boundary=é"])  # fmt: skip
def test_another_content_type(quick: Web, kind: str) -> None:
    answer = post(quick, body_of(parcel_part()), **{"Content-Type": kind.encode("latin-1").decode("ascii", "ignore")})
    assert answer.status_code in (400, 415)
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_a_parcel_that_becomes_too_large_is_stopped_on_the_way(quick: Web) -> None:
    limits = quick.ground.house.inside_submit().limits
    object.__setattr__(limits, "parcel_bytes", 1_000_000)
    problem(post(quick, body_of(parcel_part(), file_part(b"x" * 3_000_000))), 413, "too-large")
    assert blobs(quick) == []


def test_without_a_token(quick: Web) -> None:
    for path in ("/inside/v1/parcels", "/inside/v1/signatures"):
        problem(quick.inside.post(path, content=b"x"), 401, "bad-token")


def test_a_signature_for_the_account_of_the_token(web: Web) -> None:
    parcel, digest = new_identifier(), "ab" * 32
    answer = web.inside.post("/inside/v1/signatures", json={"parcel": parcel, "sha256": digest}, headers=web.bearer)
    assert answer.status_code == 200
    members = answer.json()
    assert (members["zegel"], members["suite"]) == ("signature v1", "Ed25519+ML-DSA-65")
    signature: Signature = web.peer().vouch(None, parcel, digest)
    assert signature.sender == members["sender"] == SENDER
    signed = statement_of_digest("post.voorbeeld.example", parcel, SENDER, digest, signature.time)
    key = web.ground.house.profile.signing[0]
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    Ed25519PublicKey.from_public_bytes(key.ed25519).verify(signature.ed25519, signed)


@pytest.mark.parametrize("digest", ["AB" * 32, "ab" * 32 + "\n", "ab" * 31, ""])
@pytest.mark.parametrize("parcel", ["x", "k3mt3zmvwvuqrppbmm5mvjdu4q"])
def test_what_is_not_signed(quick: Web, parcel: str, digest: str) -> None:
    members = {"parcel": parcel, "sha256": digest}
    answer = quick.inside.post("/inside/v1/signatures", json=members, headers=quick.bearer)
    assert answer.status_code in (400, 422)


def test_each_zone_has_only_its_own_doors(quick: Web) -> None:
    for path in ("/sent", "/api/v1/parcels", "/api/v1/reader/slips/x", "/o/x", "/patchwork", "/demo/catcher"):
        assert quick.inside.get(path).status_code == 404
    assert quick.inside.get("/healthz").status_code == 200
    for path in ("/inside/v1/parcels", "/inside/v1/signatures", "/inside/v1/openapi.json"):
        assert quick.get(path).status_code == 404
        assert quick.post(path).status_code == 404


def test_a_peer_that_only_has_the_outside_cannot_sign(quick: Web) -> None:
    """What the outside does not have it cannot be made to do: the journeys are simply not there."""
    from dataclasses import replace

    from zegel.doors.web.installed import install

    install(replace(quick.ground.house, submit=None, vouch=None))
    peer: PeerServer = quick.peer()
    with pytest.raises(Unavailable):
        peer.vouch(None, new_identifier(), "ab" * 32)
