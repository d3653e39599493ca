"""SMS through a real HTTP server that answers as suppliers do, and into a file."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zegel.errors import Mistake, Unavailable
from zegel.outbox.sms import FileSms, HttpSms, NoSms, fill, read_request, write_sms

_PHONE = "+31612345678"


@dataclass
class Supplier:
    port: int = 0
    status: int = 201
    answer: bytes = b""
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def supplier() -> Iterator[Supplier]:
    found = Supplier()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.requests.append((self.path, dict(self.headers.items()), body))
            self.send_response(found.status)
            self.send_header("Location", f"http://127.0.0.1:{found.port}/elsewhere")
            self.send_header("Content-Length", str(len(found.answer)))
            self.end_headers()
            self.wfile.write(found.answer)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def _driver(tmp_path: Path, url: str, more: str = "") -> Path:
    (tmp_path / "sms.secret").write_text("Bearer Zeer-Geheim\n")
    path = tmp_path / "sms.toml"
    path.write_text(
        f"""url = "{url}"
        body = '{{"to": "{{telephone}}", "message": "{{text}}", "from": "Gemeente"}}'
        {more}
        [secret_headers]
        Authorization = "sms.secret"
        """
    )
    return path


def _http(tmp_path: Path, supplier: Supplier, more: str = "") -> HttpSms:
    return HttpSms(read_request(_driver(tmp_path, f"http://127.0.0.1:{supplier.port}/send", more)))


def test_the_supplier_gets_number_text_and_credentials(tmp_path: Path, supplier: Supplier) -> None:
    _http(tmp_path, supplier).send(_PHONE, 'Uw code is 123456 "nu"', "m1")
    ((path, headers, body),) = supplier.requests
    assert path == "/send"
    assert headers["Authorization"] == "Bearer Zeer-Geheim"
    assert headers["Content-Type"] == "application/json"
    assert json.loads(body) == {"to": _PHONE, "message": 'Uw code is 123456 "nu"', "from": "Gemeente"}


def test_a_form_is_filled_and_escaped(tmp_path: Path, supplier: Supplier) -> None:
    path = tmp_path / "form.toml"
    path.write_text(
        f"""url = "http://127.0.0.1:{supplier.port}/"
        content_type = "application/x-www-form-urlencoded"
        body = "msisdn={{telephone_digits}}&body={{text}}"
        """
    )
    HttpSms(read_request(path)).send(_PHONE, "a&b=c +é", "m1")
    assert parse_qs(supplier.requests[0][2].decode()) == {"msisdn": ["31612345678"], "body": ["a&b=c +é"]}


@pytest.mark.parametrize("status", [400, 404, 422])
def test_what_the_supplier_refuses_is_final(tmp_path: Path, supplier: Supplier, status: int) -> None:
    supplier.status = status
    with pytest.raises(Mistake):
        _http(tmp_path, supplier).send(_PHONE, "123456", "m1")


@pytest.mark.parametrize("status", [301, 307, 401, 403, 429, 500, 503])
def test_everything_else_is_tried_again(tmp_path: Path, supplier: Supplier, status: int) -> None:
    supplier.status = status
    with pytest.raises(Unavailable):
        _http(tmp_path, supplier).send(_PHONE, "123456", "m1")
    assert len(supplier.requests) == 1  # and a redirect is not followed


def test_a_supplier_that_is_away_is_unavailable(tmp_path: Path) -> None:
    route = HttpSms(read_request(_driver(tmp_path, "http://127.0.0.1:9/")), patience=2)
    with pytest.raises(Unavailable) as caught:
        route.send(_PHONE, "code 123456", "m1")
    assert "123456" not in repr(caught.value)


_JSON = """
[answer]
json = "messages.0.status"
values = ["queued", 0]
refused = '"(4|9)"|blacklist'
"""


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (b'{"messages": [{"status": "queued"}]}', None),
        (b'{"messages": [{"status": 0}]}', None),
        (b'{"messages": [{"status": "0"}]}', None),
        (b'{"messages": [{"status": "9"}]}', Mistake),
        (b'{"messages": [{"status": "throttled"}]}', Unavailable),
        (b'{"messages": []}', Unavailable),
        (b'{"messages": {"0": {"status": "blacklist"}}}', Mistake),
        (b"<html>OK</html>", Unavailable),
        (b"", Unavailable),
        (b"[" * 60000, Unavailable),
        (b"\xff", Unavailable),
    ],
)
def test_a_supplier_that_always_says_200_is_read(
    tmp_path: Path, supplier: Supplier, answer: bytes, outcome: type[Exception] | None
) -> None:
    supplier.status, supplier.answer = 200, answer
    route = _http(tmp_path, supplier, _JSON)
    if outcome is None:
        route.send(_PHONE, "123456", "m1")
        return
    with pytest.raises(outcome) as caught:
        route.send(_PHONE, "123456", "m1")
    assert "messages" not in repr(caught.value)


@pytest.mark.parametrize(
    ("answer", "taken"), [(b"ID: 17\r\n", True), (b"ERR 301", False), (b"x" * 99999 + b"ID: 1", False)]
)
def test_an_answer_in_text_is_matched(tmp_path: Path, supplier: Supplier, answer: bytes, taken: bool) -> None:
    supplier.status, supplier.answer = 200, answer
    route = _http(tmp_path, supplier, "[answer]\npattern = '^ID: \\d+'")
    if taken:
        route.send(_PHONE, "123456", "m1")
    else:
        with pytest.raises(Unavailable):
            route.send(_PHONE, "123456", "m1")


def test_a_repeat_says_that_it_is_one(tmp_path: Path, supplier: Supplier) -> None:
    path = tmp_path / "sms.toml"
    path.write_text(
        f"""url = "http://127.0.0.1:{supplier.port}/"
        body = '{{"to": "{{telephone}}", "message": "{{text}}", "reference": "{{id}}"}}'
        [headers]
        Idempotency-Key = "zegel-{{id}}"
        """
    )
    for _ in range(2):
        HttpSms(read_request(path)).send(_PHONE, "123456 {id}", "m1")
    assert [headers["Idempotency-Key"] for _, headers, _ in supplier.requests] == ["zegel-m1"] * 2
    assert json.loads(supplier.requests[0][2]) == {"to": _PHONE, "message": "123456 {id}", "reference": "m1"}


def test_secrets_show_nowhere(tmp_path: Path) -> None:
    assert "Geheim" not in repr(read_request(_driver(tmp_path, "https://sms.example/")))


@pytest.mark.parametrize(
    "text",
    [
        'url = "http://sms.example/"\nbody = "{telephone} {text}"',
        'url = "https://sms.example/"\nbody = "{telephone}"',
        'url = "https://sms.example/"\nbody = "{telephone} {text}"\nmethod = "GET"',
        'url = "https://sms.example/"\nbody = "{telephone} {text}"\nurll = "x"',
        'url = "https://sms.example/"\nbody = "{telephone} {text}"\n[secret_headers]\nA = "missing"',
        'url = "https://sms.example/"\nbody = "{telephone} {text}"\n[answer]\njson = "a"',
        'url = "https://sms.example/"\nbody = "{telephone} {text}"\n[answer]\npattern = "("',
        'url = "https://sms.example/"\nbody = "{telephone} {text}"\n[answer]\nmatch = "x"',
        "url = ",
        'body = "{telephone} {text}"',
    ],
)
def test_a_wrong_driver_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "sms.toml"
    path.write_text(text)
    with pytest.raises(Mistake):
        read_request(path)


@given(text=st.text(max_size=200), telephone=st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True))
def test_no_text_escapes_its_place(text: str, telephone: str) -> None:
    body = fill('{"to":"{telephone}","text":"{text}"}', "application/json", telephone, text)
    assert json.loads(body) == {"to": telephone, "text": text}


def test_the_file_gets_one_line_per_sms(tmp_path: Path) -> None:
    route = FileSms(tmp_path / "deep" / "sms.jsonl")
    route.send(_PHONE, "een\ntwee", "m1")
    route.send(_PHONE, "drie", "m1")
    lines = [json.loads(line) for line in (tmp_path / "deep" / "sms.jsonl").read_text().splitlines()]
    assert [(line["to"], line["text"]) for line in lines] == [(_PHONE, "een\ntwee"), (_PHONE, "drie")]
    assert (tmp_path / "deep" / "sms.jsonl").stat().st_mode & 0o777 == 0o600


def test_no_sms_is_a_clear_answer() -> None:
    with pytest.raises(Mistake):
        NoSms().send(_PHONE, "x", "m1")


@pytest.mark.parametrize("language", ["nl", "en"])
def test_the_text_holds_code_and_time_and_fits(language: str) -> None:
    text = write_sms("123456", language, "Gemeente Voorbeeld aan de Zeer Lange Waterkant")
    assert "123456" in text
    assert "10" in text
    assert len(text) <= 160
