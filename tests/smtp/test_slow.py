"""Clients that drip: no octet that comes late moves a deadline."""

import contextlib
import socket
import ssl
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.ground.patience import TooSlow, with_time
from tests.outbox.sink import make_certificate
from tests.smtp.ground import READER, SENDER, House, listening, open_door
from tests.smtp.wire import Wire
from zegel.doors.smtp import stream
from zegel.doors.smtp.config import DoorConfig, DoorLimits

MAIL = f"From: {SENDER}\r\nTo: {READER}\r\n\r\n".encode()


def _limits(**facts: float) -> DoorConfig:
    return replace(listening(), limits=replace(DoorLimits(), **facts))  # type: ignore[arg-type]


def _drip(wire: Wire, octet: bytes) -> str:
    """Send octets, each as soon as the last was taken, until the door has had enough; returns what it said."""
    wire.socket.settimeout(0.05)
    end = time.monotonic() + 300
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            wire.send(octet)
        try:
            return wire.reply()
        except TimeoutError:
            continue
        except OSError:
            return ""
    raise AssertionError("still listened to")


@pytest.mark.slow
def test_a_command_that_drips_in_is_not_waited_for() -> None:
    with open_door(_limits(idle_seconds=0.5)) as door, Wire(door.port) as wire:
        assert _drip(wire, b"N") in ("", "421 4.4.2 post.voorbeeld.example closes the connection: too long silent.")


@pytest.mark.slow
def test_a_login_that_drips_in_is_not_waited_for() -> None:
    def attempt(seconds: float) -> None:
        with open_door(_limits(idle_seconds=seconds)) as door, Wire(door.port) as wire:
            wire.say("EHLO x")
            if not wire.say("AUTH PLAIN").startswith("334"):
                raise TooSlow
            assert _drip(wire, b"A").startswith("421 4.4.2")

    with_time(attempt, 0.5)


@pytest.mark.slow
def test_a_mail_that_drips_in_is_broken_off_though_it_is_never_silent() -> None:
    house = House()
    limits = _limits(data_grace_seconds=0.5, data_bytes_per_second=1000)
    with open_door(limits, house) as door, Wire(door.port) as wire:
        wire.login().begin()
        wire.send(MAIL)
        assert _drip(wire, b"x\r\n") == "421 4.4.2 This mail takes too long; please try again later."
    assert not house.deposits
    assert not house.store.blobs


@pytest.mark.slow
def test_a_mail_that_keeps_up_is_taken_after_the_grace() -> None:
    def attempt(grace: float) -> None:
        with open_door(_limits(data_grace_seconds=grace, data_bytes_per_second=100)) as door, Wire(door.port) as wire:
            wire.login().begin()
            end = time.monotonic() + 2 * grace
            wire.send(MAIL)
            wire.socket.settimeout(grace / 8)
            while time.monotonic() < end:
                wire.send(b"x" * 900 + b"\r\n")
                with contextlib.suppress(TimeoutError):
                    wire.reply()
                    raise TooSlow
            wire.socket.settimeout(60)
            wire.send(b".\r\n")
            if not wire.reply().startswith("250 2.0.0"):
                raise TooSlow

    with_time(attempt, 0.3)


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_a_handshake_that_never_ends_is_ended_and_counted(tmp_path: Path, tls: str) -> None:
    made = make_certificate(tmp_path)

    def attempt(seconds: float) -> None:
        limits = replace(DoorLimits(), handshake_seconds=seconds, client_sessions=2)
        config = listening(tls=tls, certificate=made.certificate, private_key=made.key, limits=limits)
        with open_door(config) as door:
            held = [socket.create_connection(("127.0.0.1", door.port), 60) for _ in range(2)]
            if tls == "starttls":
                for one in held:
                    one.sendall(b"EHLO x\r\nSTARTTLS\r\n")
            with socket.create_connection(("127.0.0.1", door.port), 60) as extra:
                # In the clear also on the implicit port: no handshake is spent on whoever comes too often.
                counted = extra.recv(100).startswith(b"421 4.7.0")
            for one in held:
                with contextlib.suppress(OSError):
                    while one.recv(1000):
                        pass
                one.close()
            assert _served(door.port, tls)
        if not counted:
            raise TooSlow

    with_time(attempt, 0.5)


def _served(port: int, tls: str) -> bool:
    """Until the places are free again."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.create_connection(("127.0.0.1", port), 60) as plain, contextlib.suppress(OSError):
            if tls == "starttls":
                if plain.recv(100).startswith(b"220"):
                    return True
            else:
                with context.wrap_socket(plain) as secure:
                    return secure.recv(100).startswith(b"220")
    return False


@pytest.mark.slow
def test_a_client_that_reads_nothing_is_held_back_and_then_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """TCP holds its commands back once our answers fill its buffers; the session's deadline ends it."""
    monkeypatch.setattr(stream, "LINGER_SECONDS", 0.2)
    config = _limits(session_seconds=1, commands=10_000_000)
    with open_door(config) as door, Wire(door.port, timeout=60) as wire, pytest.raises(ConnectionError):
        _flood(wire)


def _flood(wire: Wire) -> None:
    while True:
        wire.send(b"NOOP\r\n" * 1000)
