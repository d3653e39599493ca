"""The door's manners, one command at a time (RFC 5321, 2034, 2920, 3207, 4954, 6409)."""

import asyncio
import base64
import contextlib
import re
import socket
import ssl
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.outbox.sink import make_certificate
from tests.smtp.ground import NOW, PASSWORD, READER, SENDER, Door, House, authenticate, listening, open_door
from tests.smtp.wire import Wire
from zegel.doors.smtp.config import DoorConfig, DoorLimits
from zegel.doors.smtp.desk import Desk, Journeys
from zegel.doors.smtp.serve import serve
from zegel.errors import Mistake, Unavailable

MAIL = f"From: {SENDER}\r\nTo: {READER}\r\nSubject: s\r\n\r\ntekst\r\n".encode()
_ENDS = ["\n.\n", "\r\n.\n", "\n.\r\n", "\r.\r", "\r\n.\r", "\r.\r\n", "\n.\r", "\r\n\0.\r\n", "\r\r\n.\r\n"]
_NO_ADDRESSES = ["", "x", "a@b c", '"a b"@x.example', "a@[127.0.0.1]", "@a:b@c.example", "a" * 65 + "@x.example"]
CONFIG = DoorConfig(hostname="post.voorbeeld.example", default_proof="mail")


def _limits(**facts: float) -> DoorConfig:
    return replace(CONFIG, limits=replace(DoorLimits(), **facts))  # type: ignore[arg-type]


def test_what_is_offered(door: Door) -> None:
    with Wire(door.port) as wire:
        assert wire.greeting == "220 post.voorbeeld.example ESMTP Zegel"
        offered = wire.say("EHLO x").split("\n")
        words = {line[4:] for line in offered}
        assert words == {
            "post.voorbeeld.example", f"SIZE {DoorLimits().message_bytes}", "8BITMIME", "SMTPUTF8", "PIPELINING",
            "ENHANCEDSTATUSCODES", "DSN", "AUTH PLAIN LOGIN", "HELP",
        }  # fmt: skip


def test_every_reply_has_an_enhanced_code(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.say("EHLO x")
        lines = [
            "NOOP",
            "RSET",
            "VRFY a@b.example",
            "EXPN list",
            "HELP",
            "FOO",
            "MAIL",
            "RCPT TO:<a@b.example>",
            "DATA",
        ]
        lines += ["AUTH", "AUTH X", "MAIL FROM:<a@b.example>", "STARTTLS", "BDAT 3 LAST", "QUIT"]
        for line in lines:
            reply = wire.say(line)
            assert re.match(r"([245])\d\d \1\.\d+\.\d+ ", reply), (line, reply)


def test_vrfy_tells_nothing(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.say("EHLO x")
        assert wire.say(f"VRFY {SENDER}") == wire.say("VRFY nobody@voorbeeld.example")
        assert wire.say("VRFY x").startswith("252 2.5.0")


def test_nothing_goes_without_login(door: Door) -> None:
    with Wire(door.port) as wire:
        assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("503 5.5.1")
        wire.say("EHLO x")
        assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("530 5.7.0")
        assert wire.say(f"RCPT TO:<{READER}>").startswith("503")
        assert wire.say("DATA").startswith("503")


@pytest.mark.parametrize(
    "sender", ["ander@voorbeeld.example", "zorg@voorbeeld.example.evil.example", "zorg@evil.example"]
)
def test_the_envelope_names_the_account(door: Door, sender: str) -> None:
    with Wire(door.port) as wire:
        wire.login()
        assert wire.say(f"MAIL FROM:<{sender}>").startswith("550 5.7.1")
        assert wire.say("MAIL FROM:<>").startswith("550 5.7.1")


@pytest.mark.parametrize(
    "field",
    [
        "From: directeur@voorbeeld.example",
        f"From: {SENDER}, directeur@voorbeeld.example",
        f"From: {SENDER}\r\nFrom: directeur@voorbeeld.example",
        f"From: {SENDER}\r\nFrom: {SENDER}",
        f'From: "{SENDER}" <directeur@voorbeeld.example>',
        f"From: <directeur@voorbeeld.example> {SENDER}",
        f"From: Zorg <{SENDER}> <directeur@voorbeeld.example>",
        "From: nobody",
    ],
)
def test_the_from_header_names_the_account(door: Door, field: str) -> None:
    with Wire(door.port) as wire:
        wire.login()
        assert wire.deliver(f"{field}\r\n\r\nx\r\n".encode()).startswith("550 5.7.1")
        assert wire.deliver(MAIL).startswith("250 2.0.0")
    assert len(door.house.deposits) == 1
    assert len(door.house.store.blobs) == 1


def test_a_mail_without_from_is_the_accounts(door: Door) -> None:
    with Wire(door.port) as wire:
        assert wire.login().deliver(b"Subject: x\r\n\r\nx\r\n").startswith("250")
    assert door.house.last.manifest.from_.address == SENDER


def test_missing_proof_is_refused_and_told_how(door: Door) -> None:
    with open_door(DoorConfig(hostname="h.example", missing_proof="refuse")) as strict, Wire(strict.port) as wire:
        reply = wire.login().deliver(MAIL)
        assert reply.startswith("550 5.7.1")
        assert "Zegel-Proof" in reply
        assert wire.deliver(b"Zegel-Proof: code:Tulp-2026\r\n" + MAIL).startswith("250")
        assert not strict.house.store.broken
        assert len(strict.house.deposits) == 1


# Login --------------------------------------------------------------------------------------------------------------


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    "secret",
    ["", "\0", f"\0{SENDER}", f"\0{SENDER}\0{PASSWORD}\0x", f"ander@x.example\0{SENDER}\0{PASSWORD}", SENDER],
)
def test_credentials_of_another_shape_are_refused(door: Door, secret: str) -> None:
    with Wire(door.port) as wire:
        wire.say("EHLO x")
        wire.say("AUTH PLAIN")
        assert wire.say(_b64(secret)).startswith("501 5.5.2")
        assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("530")


def test_auth_can_be_broken_off(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.say("EHLO x")
        assert wire.say("AUTH LOGIN") == "334 VXNlcm5hbWU6"
        assert wire.say("*").startswith("501")
        assert wire.say("AUTH PLAIN ====").startswith("501 5.5.2")
        wire.login()
        assert wire.say("AUTH PLAIN").startswith("503")


def test_wrong_passwords_end_the_session_and_then_pause_the_client(door: Door) -> None:
    wrong = f"AUTH PLAIN {_b64(chr(0) + SENDER + chr(0) + 'raad')}"
    for _ in range(2):
        with Wire(door.port) as wire:
            wire.say("EHLO x")
            assert wire.say(wrong).startswith("535 5.7.8")
            assert wire.say(wrong).startswith("535 5.7.8")
            assert wire.say(wrong).startswith("421 4.7.0")
            assert wire.closed()
    with Wire(door.port) as wire:
        wire.say("EHLO x")
        good = f"AUTH PLAIN {_b64(chr(0) + SENDER + chr(0) + PASSWORD)}"
        assert re.match(r"421 4\.7\.0 .*try again in \d+ seconds", wire.say(good))


def test_a_password_sent_too_early_is_not_repeated_or_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with Wire(door.port) as wire:
        wire.say("EHLO x")
        reply = wire.say("AUTH X") + wire.say(_b64(PASSWORD)) + wire.say(PASSWORD.replace(" ", ""))
        wire.login()
    for secret in (_b64(PASSWORD), PASSWORD.replace(" ", ""), PASSWORD, _b64(f"\0{SENDER}\0{PASSWORD}")):
        assert secret not in reply
        assert secret not in caplog.text


# TLS ----------------------------------------------------------------------------------------------------------------


def _with_tls(tmp_path: Path, **facts: object) -> tuple[DoorConfig, ssl.SSLContext]:
    made = make_certificate(tmp_path)
    config = listening(certificate=made.certificate, private_key=made.key, **{"tls": "starttls", **facts})
    return config, ssl.create_default_context(cafile=str(made.certificate))


def test_starttls_then_login_and_mail(tmp_path: Path) -> None:
    config, trust = _with_tls(tmp_path)
    with open_door(config) as door, Wire(door.port) as wire:
        assert "STARTTLS" in wire.say("EHLO x")
        assert wire.say("STARTTLS").startswith("220")
        wire.start_tls(trust)
        assert "STARTTLS" not in wire.say("EHLO x")
        assert wire.say("STARTTLS").startswith("503")
        assert wire.login().deliver(MAIL).startswith("250 2.0.0")


def test_implicit_tls(tmp_path: Path) -> None:
    config, trust = _with_tls(tmp_path, tls="implicit")
    with (
        open_door(config) as door,
        socket.create_connection(("127.0.0.1", door.port), 20) as plain,
        trust.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        assert secure.recv(100).startswith(b"220 ")
        secure.sendall(b"EHLO x\r\n")
        offered = secure.recv(1000)
        assert b"AUTH PLAIN" in offered
        assert b"STARTTLS" not in offered


def test_a_login_before_tls_does_not_count_after_it(tmp_path: Path) -> None:
    config, trust = _with_tls(tmp_path)
    with open_door(config) as door, Wire(door.port) as wire:
        wire.login()
        wire.say("STARTTLS")
        wire.start_tls(trust)
        assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("503")
        wire.say("EHLO x")
        assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("530")


def test_commands_slipped_in_behind_starttls_are_not_heard(tmp_path: Path) -> None:
    config, _ = _with_tls(tmp_path)
    with open_door(config) as door, Wire(door.port) as wire:
        wire.say("EHLO x")
        wire.send(b"STARTTLS\r\nEHLO injected\r\n")
        assert wire.reply().startswith("554 5.5.1")
        assert wire.closed()


def test_without_tls_only_on_loopback() -> None:
    for host in ("0.0.0.0", "192.0.2.1", "::", "post.voorbeeld.example"):
        with pytest.raises(Mistake):
            listening(host=host).check()
    for host in ("127.0.0.1", "::1", "localhost"):
        listening(host=host).check()
    with pytest.raises(Mistake):
        listening(tls="starttls").check()


# Smuggling ----------------------------------------------------------------------------------------------------------

_INNER = f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<slachtoffer@example.net>\r\nDATA\r\nSubject: gesmokkeld\r\n\r\nx\r\n.\r\n"


@pytest.mark.parametrize("end", _ENDS)
def test_only_the_right_end_ends_a_mail(door: Door, end: str) -> None:
    with Wire(door.port) as wire:
        wire.login().begin()
        wire.send(MAIL + end.encode() + _INNER.encode())
        first = wire.reply()
        wire.send(b"NOOP\r\n")
        assert wire.reply().startswith("250") or end == "\r\n\0.\r\n"
        assert len(door.house.deposits) == (1 if first.startswith("250") else 0)
    subjects = [received.manifest.subject for received in door.house.received]
    assert "gesmokkeld" not in subjects
    if "\0" not in end:
        assert first.startswith("554 5.6.0")


def test_pipelining_after_the_dot_is_allowed(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.login().begin()
        wire.send(MAIL + b".\r\n" + f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{READER}>\r\nDATA\r\n".encode())
        assert [wire.reply()[:3] for _ in range(4)] == ["250", "250", "250", "354"]
        wire.send(MAIL + b".\r\nQUIT\r\n")
        assert [wire.reply()[:3] for _ in range(2)] == ["250", "221"]
    assert len(door.house.deposits) == 2


def test_mail_sent_before_354_is_not_taken(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.login()
        wire.send(f"MAIL FROM:<{SENDER}>\r\nRCPT TO:<{READER}>\r\nDATA\r\n".encode() + MAIL + b".\r\n")
        assert [wire.reply()[:3] for _ in range(3)] == ["250", "250", "554"]
        assert wire.closed()
    assert not door.house.deposits


@pytest.mark.parametrize(
    "line", [b"NOOP\n", b"NOOP\rNOOP\r\n", b"NOOP \0\r\n", b"NOOP \xff\r\n", b"N" * 5000 + b"\r\n"]
)
def test_a_line_that_is_no_command(door: Door, line: bytes) -> None:
    with Wire(door.port) as wire:
        wire.login()
        wire.send(line)
        assert wire.reply().startswith("500 5.5.2")
        assert wire.say("NOOP").startswith("250")


def test_dots_come_back(door: Door) -> None:
    with Wire(door.port) as wire:
        assert wire.login().deliver(MAIL + b".\r\n..\r\n.x\r\n...\r\n").startswith("250")
    assert door.house.last.manifest.text == "tekst\n.\n..\n.x\n..."


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_end_is_found_however_it_is_cut(door: Door, size: int) -> None:
    with Wire(door.port) as wire:
        wire.login().begin()
        wire.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        data = MAIL + b"..\r\n.\r\n"
        for start in range(0, len(data), size):
            wire.send(data[start : start + size])
        assert wire.reply().startswith("250")
    assert door.house.last.manifest.text == "tekst\n."


# Limits -------------------------------------------------------------------------------------------------------------


def test_too_large_is_refused_before_and_after(door: Door) -> None:
    with open_door(_limits(message_bytes=10_000)) as small, Wire(small.port) as wire:
        wire.login()
        assert wire.say(f"MAIL FROM:<{SENDER}> SIZE=10001").startswith("552 5.3.4")
        assert wire.deliver(MAIL + b"x\r\n" * 4000).startswith("552 5.3.4")
        assert wire.deliver(MAIL).startswith("250")
        assert len(small.house.deposits) == 1


def test_far_too_large_is_cut_off() -> None:
    with open_door(_limits(message_bytes=100_000)) as small, Wire(small.port) as wire:
        wire.login().begin()
        with contextlib.suppress(OSError):
            for _ in range(2000):
                wire.send(b"x" * 998 + b"\r\n")
        assert wire.closed()


def test_the_last_recipient_too_many_is_asked_to_come_back() -> None:
    with open_door(_limits(recipients=3)) as small, Wire(small.port) as wire:
        wire.login().say(f"MAIL FROM:<{SENDER}>")
        replies = [wire.say(f"RCPT TO:<r{n}@example.net>")[:9] for n in range(5)]
        assert replies == ["250 2.1.5"] * 3 + ["452 4.5.3"] * 2
        wire.say("DATA")
        wire.send(MAIL + b".\r\n")
        assert wire.reply().startswith("250")
        assert len(small.house.deposits[0].readers) == 3


@pytest.mark.parametrize(
    "address",
    _NO_ADDRESSES,
)
def test_a_recipient_that_is_no_address(door: Door, address: str) -> None:
    with Wire(door.port) as wire:
        wire.login().say(f"MAIL FROM:<{SENDER}>")
        assert wire.say(f"RCPT TO:<{address}>")[:3] in ("501", "553")
        assert wire.say(f"RCPT TO:<{READER}>").startswith("250")


def test_a_line_too_long_is_refused(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.login()
        assert wire.deliver(MAIL + b"x" * 70_000 + b"\r\n").startswith("554 5.6.0")
        assert wire.deliver(MAIL + b"x" * 60_000 + b"\r\n").startswith("250")


def test_sessions_are_counted_and_given_back() -> None:
    with open_door(_limits(client_sessions=3)) as small:
        held = [Wire(small.port) for _ in range(3)]
        with Wire(small.port) as extra:
            assert extra.greeting.startswith("421 4.7.0")
            assert extra.closed()
        for wire in held:
            assert wire.say("QUIT").startswith("221")
            assert wire.closed()
            wire.socket.close()
        end = time.monotonic() + 60
        while True:
            with Wire(small.port) as again:
                if again.greeting.startswith("220"):
                    return
            assert time.monotonic() < end, "places were not given back"


def test_mistakes_and_commands_are_counted() -> None:
    with open_door(_limits(mistakes=5)) as small, Wire(small.port) as wire:
        replies = [wire.say("FOO")[:3] for _ in range(5)]
        assert replies == ["500"] * 5
        assert wire.reply().startswith("421 4.7.0")
        assert wire.closed()
    with open_door(_limits(commands=5)) as small, Wire(small.port) as wire:
        for _ in range(5):
            assert wire.say("NOOP").startswith("250")
        assert wire.reply().startswith("421 4.7.0")


def test_the_silent_and_the_slow_are_let_go() -> None:
    with open_door(_limits(idle_seconds=0.2)) as small, Wire(small.port) as wire:
        assert wire.reply().startswith("421 4.4.2")
        assert wire.closed()
    with open_door(_limits(data_seconds=0.3)) as small, Wire(small.port) as wire:
        wire.login().begin()
        wire.send(MAIL)
        assert wire.reply().startswith("421 4.4.2")
        assert wire.closed()
        assert not small.house.deposits
    with open_door(_limits(session_seconds=0.3)) as small, Wire(small.port) as wire:
        with contextlib.suppress(OSError):
            while wire.say("NOOP").startswith("250"):
                pass
        assert wire.closed()


def test_an_account_that_was_closed_sends_no_more_where_it_had_logged_in() -> None:
    with open_door(_limits(login_seconds=0)) as door, Wire(door.port) as wire:
        wire.login()
        assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("250")
        wire.say("RSET")
        door.house.accounts.ended.add("acc")
        assert wire.say(f"MAIL FROM:<{SENDER}>") == "421 4.7.0 Log in again."
        assert wire.closed()


# Faults of ours -----------------------------------------------------------------------------------------------------


def test_a_full_disk_is_451_and_leaves_nothing(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.login()
        door.house.store.broken = True
        assert wire.deliver(MAIL).startswith("451 4.3.0")
        door.house.store.broken = False
        assert wire.deliver(MAIL).startswith("250")
    assert len(door.house.deposits) == len(door.house.store.blobs) == 1


def test_an_unknown_fault_is_451_and_says_nothing(door: Door) -> None:
    def fail() -> None:
        raise RuntimeError("pad /geheim")

    door.house.before_deposit = fail
    with Wire(door.port) as wire:
        reply = wire.login().deliver(MAIL)
    assert reply == "451 4.3.0 We cannot take this mail now; please try again later."


def test_a_deposit_of_unknown_outcome_keeps_its_blobs(door: Door) -> None:
    def away() -> None:
        raise Unavailable("The database cannot be reached.", code="database-away")

    door.house.before_deposit = away
    with Wire(door.port) as wire:
        assert wire.login().deliver(MAIL).startswith("451")
    assert len(door.house.store.blobs) == 1


def test_a_client_that_goes_away_in_data_leaves_nothing(door: Door) -> None:
    for _ in range(5):
        with Wire(door.port) as wire:
            wire.login().begin()
            wire.send(MAIL + b"x" * 60_000 + b"\r\n" * 200_000)
    with Wire(door.port) as wire:
        assert wire.login().deliver(MAIL).startswith("250")
    assert len(door.house.deposits) == len(door.house.store.blobs) == 1


def test_a_client_that_half_closes_gets_its_answer(door: Door) -> None:
    with Wire(door.port) as wire:
        wire.login().begin()
        wire.send(MAIL + b".\r\nQUIT\r\n")
        wire.socket.shutdown(socket.SHUT_WR)
        assert wire.reply().startswith("250 2.0.0")
        assert wire.reply().startswith("221")


def test_a_client_that_goes_away_before_250_does_not_stop_the_deposit(door: Door) -> None:
    gone = threading.Event()

    def wait() -> None:
        assert gone.wait(60)

    door.house.before_deposit = wait
    with Wire(door.port) as wire:
        wire.login().begin()
        wire.send(MAIL + b".\r\n")
    gone.set()
    with door.house.arrived:
        assert door.house.arrived.wait_for(lambda: door.house.deposits, 60)


def test_stopping_lets_a_mail_finish_and_sends_others_away() -> None:
    house = House()
    held, arrived = threading.Event(), threading.Event()

    def wait() -> None:
        arrived.set()
        held.wait(60)

    house.before_deposit = wait
    with open_door(CONFIG, house) as door, Wire(door.port) as busy, Wire(door.port) as idle:
        idle.login()
        busy.login().begin()
        busy.send(MAIL + b".\r\n")
        assert arrived.wait(60)
        stopping = threading.Thread(target=door.server.stop)
        stopping.start()
        assert idle.reply().startswith("421")
        with pytest.raises(OSError):  # noqa: PT011
            Wire(door.port, 2)
        held.set()
        assert busy.reply().startswith("250 2.0.0")
        assert busy.reply().startswith("421")
        stopping.join()
    assert len(house.deposits) == 1


def test_a_client_that_connects_while_the_door_closes_is_not_left_waiting() -> None:
    """asyncio drops a connection that it accepted in the turn before its server closed, and leaves the socket open."""

    async def connect_and_stop() -> bytes:
        house = House()
        desk = Desk(listening(port=0), Journeys(house.submit, authenticate, house.authors, lambda: NOW))
        stop, ports = asyncio.Event(), asyncio.get_running_loop().create_future()
        door = asyncio.create_task(serve(desk, stop, ports.set_result))
        port = (await ports)[0]
        with socket.create_connection(("127.0.0.1", port), 60) as client:
            await asyncio.sleep(0)  # in this turn it is accepted, in the next the door hears that it must stop
            stop.set()
            await door
            with contextlib.suppress(ConnectionResetError):
                return await asyncio.to_thread(client.recv, 100)
        return b""

    assert asyncio.run(connect_and_stop()) in {b"", b"421 4.3.2 This server is stopping; please try again later.\r\n"}


def test_fifty_clients_at_once(door: Door) -> None:
    replies: list[str] = []

    def send() -> None:
        with Wire(door.port) as wire:
            wire.login()
            replies.extend(wire.deliver(MAIL) for _ in range(3))

    threads = [threading.Thread(target=send) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    parcels = {reply.split()[-1] for reply in replies if reply.startswith("250")}
    assert len(parcels) == 150
    assert parcels == {deposit.parcel for deposit in door.house.deposits}
