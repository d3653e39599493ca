"""More mail programs that we did not write: curl, msmtp, s-nail and aiosmtplib, over STARTTLS and implicit TLS."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest

from tests.ground.databases import missing
from tests.outbox.sink import Certificate, make_certificate
from tests.smtp.ground import PASSWORD, READER, SENDER, Door, listening, open_door

SUBJECT = "Beschikking – 2026"
TEXT = "Geachte mevrouw De Jong,\n\n.punt vooraan\nGroet één"
FILE = bytes(range(256)) * 200


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("server"))


@pytest.fixture(params=["starttls", "implicit"])
def secure(request: pytest.FixtureRequest, certificate: Certificate) -> Iterator[tuple[Door, bool]]:
    """A door with TLS, and whether it begins with it."""
    config = listening(tls=request.param, certificate=certificate.certificate, private_key=certificate.key)
    with open_door(config) as door:
        yield door, request.param == "implicit"


@pytest.fixture
def mail(tmp_path: Path) -> Path:
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = SENDER, READER, SUBJECT
    made["Message-ID"] = "<1@voorbeeld.example>"
    made.set_content(TEXT + "\n")
    made.add_attachment(FILE, maintype="application", subtype="pdf", filename="a.pdf")
    path = tmp_path / "mail.eml"
    path.write_bytes(made.as_bytes().replace(b"\n", b"\r\n"))
    return path


def _program(name: str) -> str:
    found = shutil.which(name)
    if not found:
        missing(name)
    return found


def _run(command: list[str], given: bytes = b"", **environment: str) -> str:
    done = subprocess.run(
        command, input=given, capture_output=True, timeout=120, check=False, env={**os.environ, **environment}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.decode()


def _check(door: Door) -> None:
    (received,) = door.house.received
    assert received.manifest.subject == SUBJECT
    assert received.manifest.text == TEXT
    assert received.file("a.pdf") == FILE
    assert received.readers[0].address == READER


def test_curl(secure: tuple[Door, bool], certificate: Certificate, mail: Path) -> None:
    door, implicit = secure
    scheme = "smtps" if implicit else "smtp"
    _run(
        [_program("curl"), "--silent", "--show-error", f"{scheme}://localhost:{door.port}/client.example", "--ssl-reqd",
         "--cacert", str(certificate.certificate), "--user", f"{SENDER}:{PASSWORD}", "--mail-from", SENDER,
         "--mail-rcpt", READER, "--upload-file", str(mail)]
    )  # fmt: skip
    _check(door)


def test_msmtp(secure: tuple[Door, bool], certificate: Certificate, mail: Path, tmp_path: Path) -> None:
    door, implicit = secure
    settings = tmp_path / "msmtprc"
    settings.write_text(
        f"account zegel\nhost localhost\nport {door.port}\nfrom {SENDER}\nauth plain\nuser {SENDER}\n"
        f'password "{PASSWORD}"\ntls on\ntls_starttls {"off" if implicit else "on"}\n'
        f"tls_trust_file {certificate.certificate}\naccount default : zegel\n"
    )
    settings.chmod(0o600)
    _run([_program("msmtp"), "-C", str(settings), READER], mail.read_bytes().replace(b"\r\n", b"\n"))
    _check(door)


def test_s_nail(secure: tuple[Door, bool], certificate: Certificate, tmp_path: Path) -> None:
    door, implicit = secure
    attached = tmp_path / "a.pdf"
    attached.write_bytes(FILE)
    user, password = SENDER.replace("@", "%40"), PASSWORD.replace(" ", "%20")
    url = f"{'smtps' if implicit else 'smtp'}://{user}:{password}@localhost:{door.port}"
    given = [
        "-S",
        "v15-compat",
        "-S",
        f"mta={url}",
        "-S",
        "smtp-auth=login",
        "-S",
        f"from={SENDER}",
        "-S",
        "tls-verify=strict",
    ]
    given += ["-S", f"tls-ca-file={certificate.certificate}", "-S", "tls-ca-no-defaults", "-S", "ttycharset=utf-8"]
    given += [] if implicit else ["-S", "smtp-use-starttls"]
    command = [_program("s-nail"), "-:/", *given, "-a", str(attached), "-s", SUBJECT, "-.", READER]
    _run(command, (TEXT + "\n").encode(), HOME=str(tmp_path), LC_ALL="C.UTF-8", SOCKETS="", MAILRC="/dev/null")
    _check(door)


def test_aiosmtplib_with_many_connections_at_once(secure: tuple[Door, bool], certificate: Certificate) -> None:
    door, implicit = secure

    async def send(number: int) -> None:
        client = aiosmtplib.SMTP(
            hostname="localhost", port=door.port, use_tls=implicit, start_tls=not implicit,
            cert_bundle=str(certificate.certificate), username=SENDER, password=PASSWORD, timeout=60,
        )  # fmt: skip
        async with client:
            for more in range(3):
                made = EmailMessage()
                made["From"], made["To"], made["Subject"] = SENDER, READER, f"{number}.{more}"
                made.set_content("tekst")
                await client.send_message(made)

    async def send_all() -> None:
        await asyncio.gather(*(send(number) for number in range(10)))

    asyncio.run(send_all())
    subjects = {one.manifest.subject for one in door.house.received}
    assert subjects == {f"{number}.{more}" for number in range(10) for more in range(3)}
