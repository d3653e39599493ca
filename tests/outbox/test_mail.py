"""Notices handed to real mail servers: those that take them, refuse them, drop the line, or are slow."""

import email
import re
import socket
from pathlib import Path

import pytest

from tests.outbox.facts import FROM, NOW, SECRET, notice_facts
from tests.outbox.sink import Sink, make_certificate, sink
from zegel.errors import Mistake, Unavailable, ZegelError
from zegel.outbox.mail import MaildirRoute, Relay, SmtpRoute
from zegel.outbox.notice import write_notice

_TO = "j.dejong@example.net"


def _send(route: SmtpRoute | MaildirRoute, to: str = _TO) -> None:
    route.send(write_notice(notice_facts(to=to), FROM, NOW), FROM.address, to)


def _route(server: Sink, **facts: object) -> SmtpRoute:
    return SmtpRoute(Relay("localhost", server.port, **{"tls": "none", **facts}), patience=60)  # type: ignore[arg-type]


def test_a_notice_arrives_whole() -> None:
    with sink() as server:
        _send(_route(server))
    ((sender, to, content),) = server.mails
    assert (sender, to) == (FROM.address, [_TO])
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert mail["Message-ID"] == "<notice.k3mt3zmvwvuqrppbmm5mvjdu4q@voorbeeld.example>"
    body = mail.get_body(("plain",))
    assert body is not None
    assert SECRET in body.get_content()


def test_one_connection_carries_many() -> None:
    with sink() as server:
        route = _route(server)
        for _ in range(5):
            _send(route)
    assert len(server.mails) == 5
    assert server.sessions == 1


@pytest.mark.parametrize(
    ("step", "reply", "family"),
    [
        ("rcpt", "550 5.1.1 no such user", Mistake),
        ("rcpt", "553 5.1.3 bad address", Mistake),
        ("rcpt", "450 4.2.0 greylisted", Unavailable),
        ("rcpt", "drop", Unavailable),
        ("data", "554 5.7.1 looks like spam", Mistake),
        ("data", "451 4.3.0 later", Unavailable),
        ("data", "drop", Unavailable),
        ("mail", "550 5.7.1 you may not send as this", Unavailable),
        ("mail", "421 4.3.2 closing", Unavailable),
    ],
)
def test_every_refusal_is_permanent_or_not_and_the_next_notice_goes_out(
    step: str, reply: str, family: type[ZegelError]
) -> None:
    with sink() as server:
        route = _route(server)
        setattr(server, step, reply)
        with pytest.raises(family) as caught:
            _send(route)
        assert type(caught.value) is family
        setattr(server, step, "250 OK")
        _send(route)
    assert len(server.mails) == 1


def test_words_of_the_server_are_not_passed_on() -> None:
    with sink() as server:
        server.data = f"554 5.7.1 https://post.voorbeeld.example/o/x#{SECRET} is listed"
        with pytest.raises(Mistake) as caught:
            _send(_route(server))
    assert "554 5.7.1" in str(caught.value)
    assert SECRET not in str(caught.value) + repr(caught.value.facts) + repr(caught.value.__cause__)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


def test_a_connection_closed_meanwhile_is_made_again(tmp_path: Path) -> None:
    with sink() as first:
        route = _route(first)
        _send(route)
        port = first.port
    with pytest.raises(Unavailable):
        _send(route)
    with sink() as second:
        route._relay = Relay("localhost", second.port, "none")
        _send(route)
    assert len(second.mails) == 1
    assert port


def test_nobody_listening_is_unavailable() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        route = SmtpRoute(Relay("127.0.0.1", held.getsockname()[1], "none"), patience=5)
        with pytest.raises(Unavailable):
            _send(route)


def test_a_slow_server_is_given_up() -> None:
    with sink() as server:
        server.data = "hold"
        route = SmtpRoute(Relay("127.0.0.1", server.port, "none"), patience=0.3)
        with pytest.raises(Unavailable):
            _send(route)
        server.hold.set()
        server.data = "250 OK"
        route._patience = 60  # enough for a busy machine
        _send(route)
    assert len(server.mails) == 1


@pytest.mark.parametrize("implicit", [False, True])
def test_tls_with_a_known_certificate(tmp_path: Path, implicit: bool) -> None:
    certificate = make_certificate(tmp_path)
    with sink(certificate, implicit) as server:
        _send(_route(server, tls="implicit" if implicit else "starttls", authorities=certificate.certificate))
    assert len(server.mails) == 1


@pytest.mark.parametrize("implicit", [False, True])
def test_tls_with_a_strange_certificate_sends_nothing(tmp_path: Path, implicit: bool) -> None:
    with sink(make_certificate(tmp_path), implicit) as server, pytest.raises(Unavailable):
        _send(_route(server, tls="implicit" if implicit else "starttls"))
    assert not server.mails


def test_tls_with_a_certificate_of_another_host_sends_nothing(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "mail.example.org")
    with sink(certificate) as server, pytest.raises(Unavailable):
        _send(_route(server, tls="starttls", authorities=certificate.certificate))
    assert not server.mails


def test_a_server_that_offers_no_tls_gets_nothing() -> None:
    with sink() as server, pytest.raises(Unavailable):
        _send(_route(server, tls="starttls"))
    assert not server.mails


def test_login_with_a_password_from_a_file(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    secret = tmp_path / "password"
    secret.write_text("Zeer-Geheim\n")
    facts = {"tls": "starttls", "authorities": certificate.certificate, "user": "zegel"}
    with sink(certificate, login=("zegel", "Zeer-Geheim")) as server:
        _send(_route(server, password_file=secret, **facts))
        assert len(server.mails) == 1
        secret.write_text("verkeerd")
        with pytest.raises(Unavailable):
            _send(_route(server, password_file=secret, **facts))
        with pytest.raises(Unavailable):
            _send(_route(server, password_file=tmp_path / "missing", **facts))


def test_without_tls_only_to_this_machine() -> None:
    with pytest.raises(Mistake):
        SmtpRoute(Relay("mail.example.org", 25, "none"))
    with pytest.raises(Mistake):
        SmtpRoute(Relay("192.0.2.1", 25, "none"))


def test_an_address_in_other_letters_needs_a_server_that_can() -> None:
    with sink() as server:
        _send(_route(server), "björn@example.org")
    assert server.mails[0][1] == ["björn@example.org"]
    with sink(utf8=False) as server, pytest.raises(Mistake):
        _send(_route(server), "björn@example.org")
    assert not server.mails


def test_a_maildir_gets_whole_mails_that_only_we_can_read(tmp_path: Path) -> None:
    route = MaildirRoute(tmp_path / "mail")
    for _ in range(3):
        _send(route)
    found = sorted((tmp_path / "mail" / "new").iterdir())
    assert len(found) == 3
    assert not list((tmp_path / "mail" / "tmp").iterdir())
    for path in found:
        assert re.fullmatch(r"\d+\.P\d+R[0-9a-f]{12}\.zegel", path.name)
        assert path.stat().st_mode & 0o777 == 0o600
        mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
        assert mail["Delivered-To"] == _TO
        assert mail["Subject"] == "Beveiligd bericht van Gemeente Voorbeeld"


def test_a_maildir_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    route = MaildirRoute(tmp_path / "mail")
    (tmp_path / "mail" / "tmp").rmdir()
    with pytest.raises(Unavailable):
        _send(route)
