"""Malformed and hostile mails, written by hand."""

from collections.abc import Iterator

from tests.mail_corpus.case import HEAD, Case, crlf

_MIXED = "Content-Type: multipart/mixed; boundary=g\n"
_A = b"\xff\x00\x01"


def _mixed(body: str, head: str = _MIXED) -> bytes:
    return crlf(HEAD + head + "\n" + body)


def cases() -> Iterator[Case]:
    """All of them."""
    yield from _boundaries()
    yield from _headers()
    yield from _encodings()
    yield from _bombs()
    yield from _lines()


def _boundaries() -> Iterator[Case]:
    yield Case("no-final-boundary", _mixed("--g\n\neen\n--g\n\ntwee\n"), "een\n\ntwee")
    yield Case("no-final-boundary-cut", _mixed("--g\n\neen\n--g\n\ntwee").removesuffix(b"\r\n"), "een\n\ntwee")
    yield Case("parts-after-the-end", _mixed("--g\n\neen\n--g--\nnaloop\n--g\n\ntwee\n--g--\n"), "een\n\ntwee")
    yield Case("preamble-and-epilogue", _mixed("vooraf\n--g\n\neen\n--g--\nna afloop\n"), "een")
    yield Case(
        "no-boundary-parameter",
        _mixed("--g\n\neen\n--g--\n", "Content-Type: multipart/mixed\n"),
        files=(("onleesbaar deel 0.txt", crlf("--g\n\neen\n--g--\n")),),
    )
    yield Case(
        "boundary-never-comes",
        _mixed("--h\n\neen\n--h--\n"),
        files=(("onleesbaar deel 0.txt", crlf("--h\n\neen\n--h--\n")),),
    )
    yield Case("boundary-never-comes-and-long", _mixed("regel\n" * 20_000), refused="no-boundary")
    yield Case(
        "boundary-is-prefix-of-another",
        _mixed("--g\nContent-Type: multipart/mixed; boundary=gg\n\n--gg\n\neen\n--gg--\n--g\n\ntwee\n--g--\n"),
        "een\n\ntwee",
    )
    yield Case(
        "boundary-with-dashes",
        _mixed('--g\nContent-Type: multipart/mixed; boundary="g--"\n\n--g--\n\neen\n--g----\n--g\n\ntwee\n--g--\n'),
        "een\n\ntwee",
    )
    yield Case(
        "same-boundary-inside",
        _mixed("--g\nContent-Type: multipart/mixed; boundary=g\n\n--g\n\neen\n--g--\n--g\n\ntwee\n--g--\n"),
        "een\n\ntwee",
    )
    yield Case(
        "boundary-like-lines",
        _mixed("--g\n\n--gx\n--\n---g\n --g\n--G\n--g-\n--g--x\n--g--\n"),
        "--gx\n--\n---g\n --g\n--G\n--g-\n--g--x",
    )
    yield Case("boundary-with-white-space", _mixed("--g  \t\n\neen\n--g-- \n"), "een")
    yield Case(
        "boundary-empty",
        _mixed("--\n\neen\n----\n", 'Content-Type: multipart/mixed; boundary=""\n'),
        files=(("onleesbaar deel 0.txt", crlf("--\n\neen\n----\n")),),
    )
    many = "b" * 400
    yield Case(
        "boundary-too-long",
        _mixed(f"--{many}\n\neen\n--{many}--\n", f"Content-Type: multipart/mixed; boundary={many}\n"),
        files=(("onleesbaar deel 0.txt", crlf(f"--{many}\n\neen\n--{many}--\n")),),
    )
    yield Case(
        "boundary-special-characters",
        _mixed("--a.*(b)[\n\neen\n--a.*(b)[--\n", 'Content-Type: multipart/mixed; boundary="a.*(b)["\n'),
        "een",
    )
    yield Case(
        "inner-ends-with-outer",
        _mixed("--g\nContent-Type: multipart/mixed; boundary=h\n\n--h\n\neen\n--g\n\ntwee\n--g--\n"),
        "een\n\ntwee",
    )
    yield Case("part-without-empty-line", _mixed("--g\nContent-Type: text/plain\n--g\n\ntwee\n--g--\n"), "twee")
    yield Case(
        "part-without-headers-or-empty-line", _mixed("--g\nzomaar tekst\nnog wat\n--g--\n"), "zomaar tekst\nnog wat"
    )
    yield Case("empty-parts", _mixed("--g\n--g\n--g\n\n--g--\n"), "")
    yield Case("only-boundaries", _mixed("--g--\n"), "")


def _headers() -> Iterator[Case]:
    yield Case(
        "mbox-line", b"From zorg Fri Nov 20 09:14:00 2026\r\n" + crlf(HEAD + "Subject: s\n\nx\n"), "x", subject="s"
    )
    yield Case("no-headers", crlf("\nalleen tekst\n"), "alleen tekst", subject="")
    yield Case(
        "text-where-headers-belong", crlf("gewoon een brief\nzonder kop\n"), "gewoon een brief\nzonder kop", subject=""
    )
    yield Case("empty", b"", "", subject="")
    yield Case("fold-of-nothing", crlf(" \n" + HEAD + "\nx\n"), None, subject="")
    yield Case("folding-abuse", crlf(HEAD + "Subject: a" + "\n " * 3000 + "b\n\nx\n"), "x")
    yield Case("header-too-long", crlf(HEAD + "X-Lang: " + "x" * 300_000 + "\n\nx\n"), refused="long-headers")
    yield Case("headers-too-many", crlf(HEAD + "X-Veel: xxxxxxxxx\n" * 20_000 + "\nx\n"), refused="long-headers")
    yield Case("part-header-too-long", _mixed("--g\nX: " + "x" * 70_000 + "\n\nx\n--g--\n"), refused="long-headers")
    yield Case("nul-in-header", crlf(HEAD + "Subject: a\0b\n\nx\n"), "x", subject="a\ufffdb")
    yield Case(
        "two-types", crlf(HEAD + "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=g\n\n--g\n"), "--g"
    )
    yield Case("broken-type", crlf(HEAD + "Content-Type: ///;;;=\n\nx\n"), "", files=(("bijlage 0.bin", b"x\r\n"),))
    yield Case(
        "type-with-comment", crlf(HEAD + "Content-Type: text/plain (een (geneste) noot); charset=utf-8\n\né\n"), "é"
    )
    yield Case("type-in-capitals", crlf(HEAD + "CONTENT-TYPE: TEXT/PLAIN; CHARSET=UTF-8\n\né\n"), "é")
    yield Case("unclosed-quote", crlf(HEAD + 'Content-Type: text/plain; charset="utf-8\n\né\n'), "é")
    quotes = 'Content-Type: text/plain; x="' + '\\"' * 20_000 + "\n"
    yield Case("quotes-without-end", crlf(HEAD + quotes + "\nx\n"), "x")
    words = "=?utf-8?q?" * 90
    yield Case("encoded-words-without-end", crlf(HEAD + f"Subject: {words}\n\nx\n"), "x", subject=words)
    yield Case("encoded-words-in-cc", crlf(HEAD + "Cc: " + "=?utf-8?q?" * 5000 + "\n\nx\n"), "x")
    yield Case(
        "bad-encoded-words",
        crlf(HEAD + "Subject: =?x?b?!!?= =?utf-8?b?w6k?= =?nope?q?a=ZZ?=\n\nx\n"),
        "x",
        subject="éa=ZZ",
    )
    yield Case("addresses-nested", crlf(HEAD + "Cc: " + "(" * 20_000 + "\n\nx\n"), "x")
    yield Case("addresses-commas", crlf(HEAD + "Cc: " + "," * 60_000 + "\n\nx\n"), "x")


def _encodings() -> Iterator[Case]:
    typed = "Content-Type: text/plain; charset={}\nContent-Transfer-Encoding: 8bit\n\n"
    yield Case("charset-unknown", crlf(HEAD + typed.format("x-klingon")) + "één\r\n".encode(), "één")
    yield Case("charset-unknown-latin1", crlf(HEAD + typed.format("x-klingon")) + "één\r\n".encode("latin-1"), "één")
    yield Case("charset-wrong", crlf(HEAD + typed.format("utf-8")) + "één goed é\r\n".encode("latin-1"), "één goed é")
    yield Case(
        "charset-half-wrong", crlf(HEAD + typed.format("utf-8")) + b"goed \xc3\xa9 fout \xe9\r\n", "goed é fout é"
    )
    yield Case("charset-ascii-but-8bit", crlf(HEAD + typed.format("us-ascii")) + "één €\r\n".encode("cp1252"), "één €")
    for name in ("zip", "rot13", "idna", "punycode", "unicode_escape", "hex", "../../x", "utf-8\0", "undefined"):
        yield Case(
            f"charset-is-no-charset-{name.encode().hex()}",
            crlf(HEAD + typed.format(f'"{name}"') + "\\u0041\n"),
            "\\u0041",
        )
    yield Case("nul-in-body", crlf(HEAD + "\na\0b\n"), "a\ufffdb")
    yield Case("utf7-surrogates", crlf(HEAD + typed.format("utf-7") + "a+2D0-b\n"), "a\ufffdb")
    based = "Content-Type: application/x\nContent-Transfer-Encoding: base64\n\n"
    for name, text, wanted in (
        ("spaces", "/w A\nB", _A), ("rubbish", "/*w!A\nB$", _A), ("no-padding", "/wABAg", _A + b"\x02"),
        ("padding-in-the-middle", "/wA=\n/wAB", b"\xff\x00" + _A), ("one-too-many", "/wABA", _A), ("empty", "", b""),
        ("one-long-line", "/wAB" * 15_000, _A * 15_000),
    ):  # fmt: skip
        yield Case(f"base64-{name}", crlf(HEAD + based + text + "\n"), files=(("bijlage 0.bin", wanted),))
    quoted = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n"
    yield Case("quoted-printable-broken", crlf(HEAD + quoted + "a=ZZ =3 b=\n=c3=a9 =x=\n"), "a=ZZ =3 bé =x")
    yield Case("quoted-printable-long-line", crlf(HEAD + quoted + "=C3=A9 " * 9000 + "\n"), "é " * 8999 + "é")
    yield Case(
        "encoding-unknown",
        crlf(HEAD + "Content-Type: application/x\nContent-Transfer-Encoding: x-uuencode\n\nbegin 644 a\n"),
        files=(("bijlage 0.bin", b"begin 644 a\r\n"),),
    )
    yield Case(
        "multipart-in-base64", _mixed("--g\n\neen\n--g--\n", _MIXED + "Content-Transfer-Encoding: base64\n"), "een"
    )


def _bombs() -> Iterator[Case]:
    yield Case("parts-1000", _mixed("--g\n\nx\n" * 999 + "--g--\n"), "\n\n".join("x" * 999))
    yield Case("parts-50000", _mixed("--g\n\nx\n" * 50_000 + "--g--\n"), refused="too-many-parts")
    yield Case("depth-50", _nested(50), "bodem")
    yield Case("depth-51", _nested(51), refused="too-deep")
    yield Case("depth-5000", _nested(5000), refused="too-deep")
    inner = "Content-Type: message/rfc822\n\n" * 5000 + "bodem\n"
    yield Case(
        "forwards-5000-deep",
        crlf(HEAD + inner),
        files=(("bericht 0.eml", crlf("Content-Type: message/rfc822\n\n" * 4999 + "bodem\n")),),
    )


def _nested(depth: int) -> bytes:
    lines = [f"Content-Type: multipart/mixed; boundary=b{n}\n\n--b{n}\n" for n in range(depth)]
    ends = [f"--b{n}--\n" for n in reversed(range(depth))]
    return crlf(HEAD + "".join(lines) + "\nbodem\n" + "".join(ends))


def _lines() -> Iterator[Case]:
    yield Case("bare-lf", (HEAD + "Subject: s\n\neen\ntwee\n").encode(), "een\ntwee", subject="s", door=False)
    yield Case("bare-lf-multipart", (HEAD + _MIXED + "\n--g\n\neen\n--g--\n").encode(), "een", door=False)
    yield Case("bare-cr", crlf(HEAD + "\n") + b"een\rtwee\r\n", "een\ntwee", door=False)
    yield Case("line-of-998", crlf(HEAD + "\n" + "x" * 998 + "\n"), "x" * 998)
    yield Case("line-of-65000", crlf(HEAD + "\n" + "x" * 65_000 + "\n"), "x" * 65_000)
    yield Case("only-boundary-starts", _mixed("--g\n\n" + "--\n" * 60_000 + "--g--\n"), ("--\n" * 60_000).strip("\n"))
