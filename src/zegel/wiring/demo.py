"""``zegel demo``: an organisation to try on this machine alone; it starts again where it was.

Notices and SMS codes leave into the data folder, where the catcher page shows them: nothing leaves the machine.
"""

import secrets
import socket
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

from zegel.errors import Mistake, Unavailable
from zegel.journeys.submit import Message, ReaderWish
from zegel.parcels.addresses import Person
from zegel.parcels.proofs import parse_proof
from zegel.wiring.build import build
from zegel.wiring.config.file import FILE
from zegel.wiring.founding import found
from zegel.wiring.ground import Ground, configure_django, open_ground
from zegel.wiring.serve import run_group

_SENDER = "zorg@voorbeeld.example"
_READER = "j.dejong@example.net"
_TELEPHONE = "+31612345642"
_PATIENCE = 60
_TEXT = """\
Geachte mevrouw De Jong,

In de bijlage vindt u de beschikking op uw aanvraag voor huishoudelijke ondersteuning. U kunt binnen zes weken bezwaar
maken.

Met vriendelijke groet,
Afdeling Zorg en Welzijn
"""
_HTML = """\
<p>Geachte mevrouw De Jong,</p>
<p>In de bijlage vindt u de beschikking op uw aanvraag voor <b>huishoudelijke ondersteuning</b>. U kunt binnen zes weken
bezwaar maken.</p>
<p>Met vriendelijke groet,<br>Afdeling Zorg en Welzijn</p>
"""


def run_demo(data: Path, port: int) -> None:
    """Make the trial if it is not there, send its first parcel, and serve until Ctrl-C."""
    data = data.resolve()
    if not (data / FILE).exists():
        _found(data, port)
    ground = open_ground(data)
    for listen in (ground.config.web.listen, ground.config.inside.listen, ground.config.smtp.listen):
        _check_free(listen)
    _prepare(ground)
    run_group(ground.data, ready=lambda stopping: _tell(ground, stopping))


def _found(data: Path, port: int) -> None:
    found(
        data,
        organisation="Gemeente Voorbeeld",
        url=f"http://127.0.0.1:{port}",
        sender="post@voorbeeld.example",
        port=port,
        demo=True,
    )


def _prepare(ground: Ground) -> None:
    """Account and first parcel; each step is skipped when it is there, so a demo that was killed halfway goes on."""
    configure_django(ground, "inside")
    house = build(ground, "inside")
    login = ground.data / "login.txt"
    if not login.exists():
        password = "-".join(secrets.token_hex(2) for _ in range(3))
        if _SENDER not in {actor.address for actor in house.people.accounts()}:
            house.welcome.add(_SENDER, "Afdeling Zorg en Welzijn", password)
            login.touch(mode=0o600)
            login.write_text(f"{_SENDER} {password}\n")
    actor = house.people.find(_SENDER)
    if house.follow.parcels(actor):
        return
    packing = house.inside_submit().begin(actor)
    attachment = packing.attachment("Beschikking-2026-11834.pdf", "application/pdf")
    attachment.write(_pdf(["Gemeente Voorbeeld", "", "Beschikking 2026-11834", "", "Uw aanvraag is toegekend."]))
    attachment.close()
    packing.finish(
        Message(
            subject="Beschikking Wmo-aanvraag 2026-11834",
            text=_TEXT,
            html=_HTML,
            readers=(ReaderWish(_READER, parse_proof(f"sms:{_TELEPHONE}")),),
            to=(Person("", _READER),),
        )
    )


def _tell(ground: Ground, stopping: threading.Event) -> None:
    url = ground.config.web.url
    deadline = time.monotonic() + _PATIENCE
    while not _answers(f"{url}/healthz"):
        if time.monotonic() > deadline:
            raise Unavailable("The web door did not start.", code="no-start")
        if stopping.wait(0.1):
            return
    login = (ground.data / "login.txt").read_text().split()
    print(
        f"""
Zegel runs. This is a trial on this machine; nothing leaves it.

  1. You are the citizen: see the mail arrive, click the link    {url}/demo/catcher
     (the SMS code arrives on the same page)
  2. You are the sender: see what became of it                   {url}/login
     {login[0]}  {login[1]}
  3. Send one yourself, from this folder's command line:
     zegel send --data {ground.data.name} --from {_SENDER} --to you@example.net \\
       --proof sms:{_TELEPHONE} --subject Test --body Hallo --attach README.md
     or with a mail program: SMTP on {ground.config.smtp.listen} with the same login.

Ctrl-C ends it; `make demo` goes on where it was. Everything is in {ground.data}.
""",
        flush=True,
    )


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _check_free(listen: str) -> None:
    host, _, port = listen.rpartition(":")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, int(port)))
        except OSError:
            raise Mistake(
                "{address} is in use. Is another demo running? Choose other ports with --port and another --data.",
                code="port-taken",
                address=listen,
            ) from None


def _pdf(lines: list[str]) -> bytes:
    """A one-page PDF with these lines, as plain as PDF 1.4 allows (ISO 32000-1 §7.5)."""
    shown = "".join(f"({line}) Tj 0 -22 Td " for line in lines)
    stream = f"BT /F1 16 Tf 72 760 Td {shown}ET".encode("ascii")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    trailer = b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % len(out)
    return out + b"xref\n0 6\n0000000000 65535 f \n" + table + trailer
