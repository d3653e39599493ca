"""The requests that carry blobs, GET, PUT and UploadPart: signed by botocore's signer, sent over urllib3.

boto3 is for everything else. It spends 1.5 ms of processor time on a request (endpoint rules, models, hooks, parsers)
and, where the bytes are not under TLS, hashes them once more for the signature; this spends 0.6 ms
(docs/decisions/0015-s3-data-path.md). What counts is as with boto3: timeouts, one more try, the proxy and the
certificates of the environment, ``Content-MD5`` under the signature.
"""

import os
import random
import re
import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import urllib3
from botocore.auth import UNSIGNED_PAYLOAD, S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import ProxyConfiguration, get_cert_path
from botocore.utils import get_environ_proxies
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from zegel.stores.drivers.driver import PIECE
from zegel.stores.drivers.s3_errors import Answer, translated

Body = Sequence[bytes | bytearray]

_TRIES: Final = 2
_AGAIN: Final = {429, 500, 502, 503, 504}
_CODE: Final = re.compile(rb"<Code>([A-Za-z0-9_.]{1,64})</Code>")
_MOST_OF_A_WORD: Final = 65_536
"""Bytes of an answer that is not a blob that are read at most."""


class Wire:
    """A pool of connections to one bucket; threads share it."""

    def __init__(
        self,
        address: str,
        region: str,
        access_key: str,
        secret_key: str,
        timeout: tuple[float, float],
        connections: int,
    ):
        """``address`` is the URL of the bucket, ``timeout`` the seconds to connect and to wait for bytes."""
        connect, read = timeout
        self._address = address.rstrip("/")
        self._signer = _Signer(Credentials(access_key, secret_key), "s3", region)
        pool: dict[str, Any] = {
            "maxsize": connections,
            # By name: the first without one is for all together, and a part that takes long to send would have no time
            # left for its answer.
            "timeout": urllib3.Timeout(connect=connect, read=read),
            "retries": False,
            "cert_reqs": "CERT_REQUIRED",
            "ca_certs": get_cert_path(os.environ.get("AWS_CA_BUNDLE") or os.environ.get("REQUESTS_CA_BUNDLE") or True),
        }
        # botocore's own reading of the environment: a proxy without a scheme, one with a name and a password.
        proxies = ProxyConfiguration(get_environ_proxies(address))
        if proxy := proxies.proxy_url_for(address):
            known = proxies.proxy_headers_for(proxy)
            self._manager: urllib3.PoolManager = urllib3.ProxyManager(proxy, proxy_headers=known, **pool)
        else:
            self._manager = urllib3.PoolManager(**pool)
        self._manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def get(self, key: str, wanted: str = "") -> Iterator[bytes]:
        """Yield the object, or its range ``wanted``, in pieces of 256 KiB; raises :class:`Answer` at once."""
        return _pieces(self._ask("GET", key, {}, {"Range": wanted} if wanted else {}, ()))

    def put(self, key: str, body: Body, md5: str, headers: Mapping[str, str] | None = None, **query: str | int) -> str:
        """Send an object, or with ``partNumber`` and ``uploadId`` a part of one; return the ETag.

        ``md5`` is the body's, in Base64: the storage refuses other bytes, and it is under the signature.
        """
        answer = self._ask("PUT", key, query, {**(headers or {}), "Content-MD5": md5}, body)
        answer.read(_MOST_OF_A_WORD)
        answer.close()
        return str(answer.headers.get("ETag", ""))

    def _ask(
        self, method: str, key: str, query: Mapping[str, str | int], headers: Mapping[str, str], body: Body
    ) -> urllib3.BaseHTTPResponse:
        url = f"{self._address}/{quote(key, safe='/~')}" + (f"?{urlencode(query)}" if query else "")
        for left in reversed(range(_TRIES)):
            try:
                answer = self._send(method, url, headers, body)
                if answer.status < 300:
                    return answer
                if not left or answer.status not in _AGAIN:
                    raise _answer(answer)
                answer.close()
            except HTTPError:
                if not left:
                    raise
            time.sleep(random.uniform(0, 0.5))  # noqa: S311  # so that not all of us come again together
        raise AssertionError("unreachable")

    def _send(self, method: str, url: str, headers: Mapping[str, str], body: Body) -> urllib3.BaseHTTPResponse:
        signed = AWSRequest(method=method, url=url, headers=headers)
        self._signer.add_auth(signed)
        sent = dict(signed.headers.items())
        if method == "PUT":
            sent["Content-Length"] = str(sum(map(len, body)))
        pieces: Any = body or None  # urllib3 sends each as it is; its types forget bytearrays
        return self._manager.request(
            method, url, body=pieces, headers=sent, preload_content=False, decode_content=False, redirect=False
        )


class _Signer(S3SigV4Auth):  # type: ignore[misc]  # botocore has no types
    """Signs the headers, and for the body its ``Content-MD5``: as boto3 does over TLS, and a bucket demands TLS."""

    def payload(self, request: AWSRequest) -> str:
        return str(UNSIGNED_PAYLOAD)


class _Prompt:
    """Acknowledge the head of an answer at once.

    Some gateways (Ceph's) send head and body apart, and hold back the body until the head is acknowledged, which Linux
    otherwise delays by 40 ms.
    """

    sock: socket.socket | None

    def getresponse(self) -> Any:
        if self.sock is not None and hasattr(socket, "TCP_QUICKACK"):
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().getresponse()  # type: ignore[misc]


class _Plain(_Prompt, HTTPConnection):
    pass


class _Tls(_Prompt, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Plain


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _Tls


def address(endpoint: str, bucket: str, path_style: bool) -> str:
    """The URL of a bucket."""
    parts = urlsplit(endpoint)
    if path_style:
        return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{bucket}"))
    return urlunsplit(parts._replace(netloc=f"{bucket}.{parts.netloc}"))


def _answer(answer: urllib3.BaseHTTPResponse) -> Answer:
    try:
        found = _CODE.search(answer.read(_MOST_OF_A_WORD))
    finally:
        answer.close()
    return Answer(found[1].decode() if found else str(answer.status), answer.status)


def _pieces(answer: urllib3.BaseHTTPResponse) -> Iterator[bytes]:
    try:
        with translated():
            while piece := answer.read(PIECE):
                yield piece
    finally:
        # Whole: its connection is back in the pool already. Left in the middle: the connection goes.
        answer.close()
