"""Our own scripts, styles and fonts: read once, served from memory under a path that changes with their content.

Whatever is not in the list that was made at the start does not exist, so no path can lead anywhere else.
"""

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from zegel.errors import NotFound

FOLDER = Path(__file__).parent / "static"

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
}
_SHRINKS = (".js", ".css", ".svg", ".txt", ".json", ".webmanifest")
_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file, and what it shrinks to."""

    type: str
    tag: str
    content: bytes = field(repr=False)
    shrunk: bytes = field(repr=False)


@cache
def assets(folder: Path = FOLDER) -> dict[str, Asset]:
    """All files by their path below ``static/``; only of types that we know."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in _TYPES:
            found[path.relative_to(folder).as_posix()] = _asset(path)
    return found


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    shrunk = gzip.compress(content, 9, mtime=0) if path.suffix in _SHRINKS else b""
    return Asset(_TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:32], content, shrunk)


@cache
def build() -> str:
    """A name for exactly these files: it is in their path, so a browser never mixes two versions of our program."""
    digest = hashlib.sha256()
    for name, asset in assets().items():
        digest.update(f"{name} {asset.tag}\n".encode())
    return digest.hexdigest()[:16]


@require_safe
def serve(request: HttpRequest, version: str, path: str) -> HttpResponse:
    """One file; under the path of another version it is the file of today, and not kept."""
    asset = assets().get(path)
    if asset is None:
        raise NotFound("There is nothing at this address.", code="no-such-page")
    tag = f'"{asset.tag}"'
    if request.headers.get("If-None-Match") == tag:
        response = HttpResponse(status=HTTPStatus.NOT_MODIFIED)
    elif asset.shrunk and "gzip" in request.headers.get("Accept-Encoding", ""):
        response = HttpResponse(asset.shrunk, content_type=asset.type)
        response["Content-Encoding"] = "gzip"
    else:
        response = HttpResponse(asset.content, content_type=asset.type)
    response["ETag"] = tag
    response["Cache-Control"] = _YEAR if version == build() else "no-cache"
    patch_vary_headers(response, ("Accept-Encoding",))
    return response
