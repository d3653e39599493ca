"""Well-formed mails."""

import base64
from collections.abc import Iterator
from email import charset as charsets
from email import encoders, policy
from email.header import Header
from email.message import Message
from email.mime.application import MIMEApplication
from email.mime.base import MIMEBase
from email.mime.image import MIMEImage
from email.mime.message import MIMEMessage
from email.mime.multipart import MIMEMultipart
from email.mime.nonmultipart import MIMENonMultipart
from email.mime.text import MIMEText

from tests.mail_corpus.case import HEAD, Case, crlf

WORDS = {
    "us-ascii": "Dear reader, all is plain.",
    "utf-8": "Één brief – “Señor” 你好 🔒 Ελλάδα",
    "iso-8859-1": "Één brief voor señor Müller",
    "iso-8859-15": "Prijs: 25 € (œuvre)",
    "windows-1252": "“Prijs” – 25 € …",
    "iso-8859-2": "Příliš žluťoučký kůň",
    "iso-8859-7": "Καλημέρα σας",
    "iso-8859-8": "שלום רב",
    "iso-8859-9": "İyi günler, güneş",
    "windows-1251": "Добрый день",
    "windows-1256": "مرحبا بكم",
    "koi8-r": "Добрый день",
    "tis-620": "สวัสดีครับ",
    "gb2312": "你好，世界",
    "gbk": "你好，世界，镕",
    "gb18030": "你好，世界，𠀀",
    "big5": "您好，世界",
    "shift_jis": "こんにちは、世界",
    "iso-2022-jp": "こんにちは、世界",
    "euc-jp": "こんにちは、世界",
    "euc-kr": "안녕하세요",
    "utf-16": "Één brief 你好",
    "utf-16-le": "Één brief 你好",
    "utf-7": "Één brief 你好",
}
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(256)) * 40 + b"\r\n%%EOF\r\n"


def _bytes(message: Message, subject: str = "Beschikking") -> bytes:
    message["From"] = "zorg@voorbeeld.example"
    message["To"] = "j.dejong@example.net"
    if "Subject" not in message:
        message["Subject"] = subject
    if message.is_multipart():
        for number, part in enumerate(part for part in message.walk() if part.is_multipart()):
            if part.get_content_maintype() == "multipart":
                part.set_boundary(f"=_grens_{number}")
    return crlf(message.as_bytes())


def _named(part: Message, name: str) -> Message:
    part.add_header("Content-Disposition", "attachment", filename=name)
    return part


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _charsets()
    yield from _bodies()
    yield from _shapes()
    yield from _names()
    yield from _security()
    yield from _programs()


def _charsets() -> Iterator[Case]:
    for name, words in WORDS.items():
        text = f"{words}\n\nTweede regel.\n"
        raw = text.replace("\n", "\r\n").encode(name)
        encodings = ["base64", "quoted-printable"]
        # 16-bit sets hold bytes that look like line ends: they cannot travel as they are.
        encodings += [] if name.startswith("utf-16") else ["8bit"]
        for encoding in encodings:
            part = MIMENonMultipart("text", "plain", charset=name)
            part["Content-Transfer-Encoding"] = encoding
            if encoding == "base64":
                part.set_payload(base64.encodebytes(raw).decode())
            elif encoding == "quoted-printable":
                part.set_payload(_quoted(raw))
            else:
                part.set_payload(raw.decode("ascii", "surrogateescape"))
            yield Case(f"charset-{name}-{encoding}", _bytes(part), text=text.strip(), subject="Beschikking")
        if not name.startswith(("utf-16", "utf-7")):
            yield from _subjects(name, words)


def _quoted(raw: bytes) -> str:
    """Every byte but plain letters escaped, with soft breaks, as a nervous program writes it."""
    out, length = [], 0
    for byte in raw:
        piece = chr(byte) if 65 <= byte < 123 else f"={byte:02X}"
        if length + len(piece) > 70:
            out.append("=\n")
            length = 0
        out.append(piece)
        length += len(piece)
    return "".join(out) + "="


def _subjects(name: str, words: str) -> Iterator[Case]:
    for letter, kind in (("b", charsets.BASE64), ("q", charsets.QP)):
        found = charsets.Charset(name)
        found.header_encoding = kind
        found.output_codec = found.input_codec = name if name != "windows-1252" else "cp1252"
        found.output_charset = name
        part = MIMEText("x")
        part["Subject"] = Header(words, charset=found, maxlinelen=60).encode()
        yield Case(f"subject-{name}-{letter}", _bytes(part), text="x", subject=words)


def _bodies() -> Iterator[Case]:
    yield Case("no-body", crlf(HEAD + "Subject: Leeg\n\n"), subject="Leeg")
    yield Case("no-body-no-empty-line", crlf(HEAD + "Subject: Leeg\n"), subject="Leeg")
    yield Case("no-type", crlf("From: zorg@voorbeeld.example\nSubject: kaal\n\nGewoon tekst\n"), text="Gewoon tekst")
    yield Case(
        "html-only", _bytes(MIMEText("<p>Één</p><p>twee</p>", "html", "utf-8")), "Één\n\ntwee", "<p>Één</p><p>twee</p>"
    )
    meta = '<html><head><meta charset="iso-8859-2"></head><body>Příliš</body></html>'
    yield Case(
        "html-names-its-charset",
        crlf(HEAD + "Content-Type: text/html\nContent-Transfer-Encoding: 8bit\n\n") + meta.encode("iso-8859-2"),
        text="Příliš",
        html=meta,
    )
    flowed = "Een lange zin die \nover twee regels \nloopt.\n\n> aangehaald \n> en verder\n>> dieper\n\n From hier\n"
    joined = "Een lange zin die over twee regels loopt.\n\n> aangehaald en verder\n>> dieper\n\nFrom hier\n"
    yield Case(
        "format-flowed",
        crlf(HEAD + "Content-Type: text/plain; charset=us-ascii; format=flowed\n\n" + flowed + "-- \nAfdeling\n"),
        text=joined + "-- \nAfdeling",
    )
    yield Case(
        "format-flowed-delsp",
        crlf(HEAD + "Content-Type: text/plain; charset=us-ascii; format=flowed; delsp=yes\n\naan \neen \n stuk\n"),
        text="aaneenstuk",
    )
    long = "woord " * 2000
    yield Case("long-line", crlf(HEAD + "Content-Type: text/plain\n\n" + long + "\n"), text=long)
    dots = "..\n.\n.x\n...\neinde\n"
    yield Case("dots", crlf(HEAD + "Content-Type: text/plain\n\n" + dots), text=dots.strip("\n"))
    white = "regel met staart=20\n  ingesprongen =\n verder\ntab=09\n"
    yield Case(
        "quoted-printable-white-space",
        crlf(HEAD + "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable\n\n" + white),
        text="regel met staart \n  ingesprongen  verder\ntab\t",
    )


def _shapes() -> Iterator[Case]:
    alternative = MIMEMultipart("alternative")
    alternative.attach(MIMEText("Platte tekst é", "plain", "utf-8"))
    alternative.attach(MIMEText("<p>HTML é</p>", "html", "utf-8"))
    yield Case("alternative", _bytes(alternative), "Platte tekst é", "<p>HTML é</p>")

    related = MIMEMultipart("related")
    body = MIMEMultipart("alternative")
    body.attach(MIMEText("plat", "plain"))
    body.attach(MIMEText('<img src="cid:logo@voorbeeld">', "html"))
    related.attach(body)
    image = MIMEImage(PNG, "png")
    image["Content-ID"] = "<logo@voorbeeld>"
    image.add_header("Content-Disposition", "inline", filename="logo.png")
    related.attach(image)
    mixed = MIMEMultipart("mixed")
    mixed.attach(related)
    mixed.attach(_named(MIMEApplication(PDF, "pdf"), "Beschikking.pdf"))
    yield Case(
        "mixed-related-alternative",
        _bytes(mixed),
        "plat",
        '<img src="cid:logo@voorbeeld">',
        (("logo.png", PNG), ("Beschikking.pdf", PDF)),
    )

    inner = MIMEMultipart("mixed")
    inner["Subject"] = "Het doorgestuurde"
    inner["From"] = "burger@example.net"
    inner.attach(MIMEText("Binnenste tekst", "plain", "utf-8"))
    inner.attach(_named(MIMEApplication(PDF, "pdf"), "binnen.pdf"))
    inner.set_boundary("=_binnen")
    outer = MIMEMultipart("mixed")
    outer.attach(MIMEText("Zie bijgaand", "plain", "utf-8"))
    outer.attach(MIMEMessage(inner))
    forwarded = crlf(inner.as_bytes())
    raw = _bytes_keeping(outer)
    yield Case("forwarded", raw, "Zie bijgaand", files=(("bericht 2.eml", forwarded),))
    coded = MIMEMultipart("mixed")
    coded.attach(MIMEText("gecodeerd", "plain"))
    part = MIMEBase("message", "rfc822")
    part.set_payload(forwarded)
    encoders.encode_base64(part)
    coded.attach(_named(part, "brief.eml"))
    yield Case("forwarded-in-base64", _bytes_keeping(coded), "gecodeerd", files=(("brief.eml", forwarded),))

    several = MIMEMultipart("mixed")
    several.attach(MIMEText("Eerst dit", "plain"))
    several.attach(_named(MIMEApplication(b"1"), "een.bin"))
    several.attach(MIMEText("dan dat", "plain"))
    yield Case("text-between-attachments", _bytes(several), "Eerst dit\n\ndan dat", files=(("een.bin", b"1"),))

    footer = MIMEMultipart("mixed")
    footer.attach(MIMEText("<p>Hallo</p>", "html"))
    footer.attach(MIMEText("Voettekst <x>", "plain"))
    yield Case(
        "html-then-plain-footer",
        _bytes(footer),
        "Hallo\n\nVoettekst <x>",
        '<p>Hallo</p>\n<pre style="white-space:pre-wrap;font:inherit">Voettekst &lt;x&gt;</pre>',
    )

    same = MIMEMultipart("mixed")
    same.attach(MIMEText("dubbel", "plain"))
    for content in (b"a", b"b", b""):
        same.attach(_named(MIMEApplication(content), "zelfde.bin"))
    yield Case(
        "same-name-and-empty",
        _bytes(same),
        "dubbel",
        files=(("zelfde.bin", b"a"), ("zelfde.bin", b"b"), ("zelfde.bin", b"")),
    )

    text = MIMEMultipart("mixed")
    text.attach(MIMEText("zie bijlage", "plain"))
    text.attach(_named(MIMEText("a;b\nc;d\n", "csv"), "lijst.csv"))
    text.attach(_named(MIMEText("los\n", "plain"), "notitie.txt"))
    yield Case(
        "text-as-attachment",
        _bytes(text),
        "zie bijlage",
        files=(("lijst.csv", b"a;b\r\nc;d\r\n"), ("notitie.txt", b"los\r\n")),
    )
    only = _named(MIMEApplication(PDF, "pdf"), "alleen.pdf")
    yield Case("only-an-attachment", _bytes(only), files=(("alleen.pdf", PDF),))


def _bytes_keeping(message: Message) -> bytes:
    """Like :func:`_bytes`, leaving the boundaries of inner mails alone."""
    message["From"] = "zorg@voorbeeld.example"
    message["Subject"] = "Beschikking"
    if message.is_multipart():
        message.set_boundary("=_buiten")
    return crlf(message.as_bytes())


def _with_name(header: str, type_: str = "application/octet-stream") -> bytes:
    return crlf(
        HEAD + "Content-Type: multipart/mixed; boundary=g\n\n--g\n\ntekst\n--g\n"
        f"Content-Type: {type_}\n{header}\n\ninhoud\n--g--\n"
    )


def _names() -> Iterator[Case]:
    spellings = {
        "plain": ('Content-Disposition: attachment; filename="brief.doc"', "brief.doc"),
        "unquoted": ("Content-Disposition: attachment; filename=brief.doc", "brief.doc"),
        "unquoted-space": ("Content-Disposition: attachment; filename=mijn brief.doc", "mijn brief.doc"),
        "semicolon-in-quotes": ('Content-Disposition: attachment; filename="a;b.doc"; size=3', "a;b.doc"),
        "escaped-quote": ('Content-Disposition: attachment; filename="de \\"echte\\".doc"', "de _echte_.doc"),
        "rfc2231": ("Content-Disposition: attachment; filename*=utf-8'nl'%C3%A9%C3%A9n%20brief.doc", "één brief.doc"),
        "rfc2231-latin1": ("Content-Disposition: attachment; filename*=iso-8859-1''%E9%E9n.doc", "één.doc"),
        "rfc2231-pieces": (
            "Content-Disposition: attachment;\n filename*0*=utf-8''%C3%A9%C3;\n filename*1*=%A9n%20;\n"
            ' filename*2="lange brief.doc"',
            "één lange brief.doc",
        ),
        "rfc2231-wins": (
            "Content-Disposition: attachment; filename=\"oud.doc\"; filename*=utf-8''%C3%A9.doc",
            "é.doc",
        ),
        "rfc2047-in-quotes": (
            'Content-Disposition: attachment; filename="=?utf-8?B?w6nDqW4gYnJpZWYuZG9j?="',
            "één brief.doc",
        ),
        "rfc2047-two-words": (
            'Content-Disposition: attachment; filename="=?utf-8?Q?=C3=A9=C3?=\n =?utf-8?Q?=A9n.doc?="',
            "één.doc",
        ),
        "utf8-bytes": ('Content-Disposition: attachment; filename="één brief.doc"', "één brief.doc"),
        "name-only": ("Content-Disposition: attachment\nX-A: b\nContent-Description: x", "bijlage 2.bin"),
        "path": ('Content-Disposition: attachment; filename="C:\\Mijn documenten\\brief.doc"', "brief.doc"),
        "unix-path": ('Content-Disposition: attachment; filename="../../etc/passwd"', "passwd"),
        "bidi": ('Content-Disposition: attachment; filename="factuur\u202efdp.exe"', "factuurfdp.exe"),
        "control": ("Content-Disposition: attachment; filename*=utf-8''a%0D%0Ab%00.doc", "ab�.doc"),
        "dots": ('Content-Disposition: attachment; filename=".."', "attachment"),
        "device": ('Content-Disposition: attachment; filename="CON.txt"', "_CON.txt"),
        "folded": ('Content-Disposition: attachment;\n\tfilename="gevouwen naam.doc"', "gevouwen naam.doc"),
    }
    for name, (header, wanted) in spellings.items():
        yield Case(f"name-{name}", _with_name(header), "tekst", files=((wanted, b"inhoud"),))
    by_type = 'application/pdf; name="uit type.pdf"'
    yield Case("name-in-type", _with_name("X-A: b", by_type), "tekst", files=(("uit type.pdf", b"inhoud"),))
    long = "n" * 300 + ".pdf"
    header = f'Content-Disposition: attachment; filename="{long}"'
    yield Case("name-long", _with_name(header), "tekst", files=(("n" * 146 + ".pdf", b"inhoud"),))


def _security() -> Iterator[Case]:
    inner = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nOndertekend é\n"
    signed = 'Content-Type: multipart/signed; protocol="application/pkcs7-signature"; micalg=sha-256; boundary="s"\n'
    body = (
        f"--s\n{inner}\n--s\nContent-Type: application/pkcs7-signature; name=smime.p7s\n"
        "Content-Transfer-Encoding: base64\n\nMIIB\n--s--\n"
    )
    kept = "From: zorg@voorbeeld.example\nTo: j.dejong@example.net\nMIME-Version: 1.0\n" + signed + "\n" + body
    yield Case(
        "smime-signed",
        crlf(HEAD + "Zegel-Proof: mail\nBcc: b@example.org\n" + signed + "\n" + body),
        "Ondertekend é",
        files=(("ondertekend bericht.eml", crlf(kept)),),
    )
    nested = "Content-Type: multipart/mixed; boundary=m\n\n--m\n\nervoor\n--m\n" + signed + "\n" + body + "--m--\n"
    yield Case(
        "smime-signed-inside",
        crlf(HEAD + nested),
        "ervoor\n\nOndertekend é",
        files=(("ondertekend bericht.eml", crlf(signed + "\n" + body)),),
    )
    p7m = bytes(range(256)) * 5
    enveloped = MIMEBase("application", "pkcs7-mime", smime_type="enveloped-data", name="smime.p7m")
    enveloped.set_payload(p7m)
    encoders.encode_base64(enveloped)
    yield Case("smime-enveloped", _bytes(enveloped), files=(("smime.p7m", p7m),))
    armour = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n=abcd\n-----END PGP MESSAGE-----\n"
    yield Case(
        "pgp-mime-encrypted",
        crlf(
            HEAD + 'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=e\n\n--e\n'
            "Content-Type: application/pgp-encrypted\n\nVersion: 1\n\n--e\n"
            f'Content-Type: application/octet-stream; name="encrypted.asc"\n\n{armour}\n--e--\n'
        ),
        files=(("bijlage 1.txt", b"Version: 1\r\n"), ("encrypted.asc", crlf(armour))),
    )
    yield Case("pgp-inline", crlf(HEAD + "\n" + armour), armour.strip("\n"))


def _programs() -> Iterator[Case]:
    tnef = b"\x78\x9f\x3e\x22" + bytes(range(200))
    part = MIMEBase("application", "ms-tnef")
    part.set_payload(tnef)
    encoders.encode_base64(part)
    outlook = MIMEMultipart("mixed")
    outlook.attach(MIMEText("Outlook", "plain"))
    outlook.attach(part)
    yield Case("outlook-tnef", _bytes(outlook), "Outlook", files=(("winmail.dat", tnef),))
    invite = MIMEMultipart("alternative")
    invite.attach(MIMEText("U bent uitgenodigd", "plain"))
    invite.attach(MIMEText("<p>U bent uitgenodigd</p>", "html"))
    calendar = MIMEText("BEGIN:VCALENDAR\nEND:VCALENDAR\n", "calendar", "utf-8")
    calendar.set_param("method", "REQUEST")
    invite.attach(calendar)
    yield Case(
        "invitation",
        _bytes(invite),
        "U bent uitgenodigd",
        "<p>U bent uitgenodigd</p>",
        (("bijlage 3.ics", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n"),),
    )
    apple = (
        HEAD + "Content-Type: multipart/alternative; boundary=a\n\n--a\nContent-Type: text/plain; charset=utf-8\n\n"
        "Kijk:\n\n--a\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>Kijk:</p>\n--b\n"
        "Content-Type: application/pdf; name=x.pdf\nContent-Disposition: inline; filename=x.pdf\n\npdf\n--b\n"
        "Content-Type: text/html\n\n<p>Groet</p>\n--b--\n\n--a--\n"
    )
    yield Case("apple-mail", crlf(apple), "Kijk:", "<p>Kijk:</p>\n<p>Groet</p>", (("x.pdf", b"pdf"),))
    utf8 = HEAD.replace("To: j.dejong@example.net", "To: Jürgen <jürgen@exämple.example>")
    yield Case("rfc6532-headers", crlf(utf8 + "Subject: Größe 你好\n\nx\n"), "x", subject="Größe 你好")
    modern = policy.SMTP
    part = MIMEText("met =3D teken", "plain", "utf-8", policy=modern)
    yield Case("equals-signs", _bytes(part), "met =3D teken")
