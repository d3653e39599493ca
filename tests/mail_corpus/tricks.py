"""Mails that two readers would read differently: fields twice, RFC 2231 pieces, boundaries in boundaries."""

from collections.abc import Iterator

from tests.mail_corpus.case import HEAD, Case, crlf
from zegel.parcels.names import safe_name

_MIXED = "Content-Type: multipart/mixed; boundary=g\n"


def cases() -> Iterator[Case]:
    """All of them. Of a field that may stand once, the first counts; nothing of a body is lost whichever counts."""
    yield from _twice()
    yield from _pieces()
    yield from _boundaries()
    yield from _inside()


def _mixed(body: str, head: str = _MIXED) -> bytes:
    return crlf(HEAD + head + "\n" + body)


def _file(disposition: str, type_: str = "application/x") -> bytes:
    return _mixed(f"--g\nContent-Type: {type_}\nContent-Disposition: {disposition}\n\ninhoud\n--g--\n")


def _twice() -> Iterator[Case]:
    yield Case("two-subjects", crlf(HEAD + "Subject: een\nSubject: twee\n\nx\n"), "x", subject="een")
    encoding = "Content-Transfer-Encoding: {}\nContent-Transfer-Encoding: {}\n\n"
    yield Case("two-encodings", crlf(HEAD + encoding.format("7bit", "base64") + "aW5ob3Vk\n"), "aW5ob3Vk")
    yield Case("two-encodings-other", crlf(HEAD + encoding.format("base64", "7bit") + "aW5ob3Vk\n"), "inhoud")
    yield Case(
        "two-boundaries",
        _mixed("--g\n\neen\n--h\n\ntwee\n--g--\n", "Content-Type: multipart/mixed; boundary=g; boundary=h\n"),
        "een\n--h\n\ntwee",
    )
    name = "Content-Disposition: attachment; filename=a.txt\nContent-Disposition: attachment; filename=b.exe\n"
    yield Case(
        "two-dispositions",
        _mixed(f"--g\nContent-Type: application/x\n{name}\ninhoud\n--g--\n"),
        files=(("a.txt", b"inhoud"),),
    )
    yield Case("two-names", _file("attachment; filename=a.txt; filename=b.exe"), files=(("a.txt", b"inhoud"),))
    fields = "To: a@x.example\n" + HEAD + "Cc: b@x.example\nCc: c@x.example\n"
    yield Case("two-recipients-fields", crlf(fields + "\nx\n"), "x")


def _pieces() -> Iterator[Case]:
    for name, text, wanted in (
        ("out-of-order", "filename*1=b.txt; filename*0=a", "ab.txt"),
        ("with-a-gap", "filename*0=a; filename*2=c.txt", "ac.txt"),
        ("twice", "filename*0=a.txt; filename*0=b.exe", "a.txt"),
        ("number-huge", "filename*0=a.txt; filename*99999999999=b.exe", "a.txt"),
        ("percent-broken", "filename*=utf-8''a%ZZ%C3%A9%.txt", "a%ZZé%.txt"),
        ("charset-unknown", "filename*=x-klingon''%C3%A9.txt", "é.txt"),
        ("charset-in-the-second", "filename*0*=''a; filename*1*=utf-8''%C3%A9.txt", "autf-8''é.txt"),
        ("character-over-two", "filename*0*=utf-8''a%C3; filename*1*=%A9.txt", "aé.txt"),
        ("quoted-piece", 'filename*0="a;b"; filename*1=".txt"', "a;b.txt"),
        ("slash-encoded", "filename*=utf-8''..%2F..%2Fetc%2Fpasswd", "passwd"),
        ("newline-encoded", "filename*=utf-8''a%0D%0AX-Kop:%20b.txt", "aX-Kop_ b.txt"),
    ):
        yield Case(f"rfc2231-{name}", _file(f"attachment; {text}"), files=((wanted, b"inhoud"),))
    many = "; ".join(f"filename*{n}=x" for n in range(900))
    yield Case("rfc2231-900-pieces", _file(f"attachment; {many}"), None, files=((safe_name("x" * 900), b"inhoud"),))


def _boundaries() -> Iterator[Case]:
    for outer, inner in (("gg", "g"), ("g", "g-"), ("g-", "g"), ("g", "g g"), ("--g", "g"), ("g", "--g"), ("G", "g")):
        yield Case(
            f"boundaries-{outer}-{inner}".replace(" ", "_"),
            _mixed(
                f'--{outer}\nContent-Type: multipart/mixed; boundary="{inner}"\n\n--{inner}\n\neen\n--{inner}\n\ntwee\n'
                f"--{inner}--\n--{outer}\n\ndrie\n--{outer}--\n",
                f'Content-Type: multipart/mixed; boundary="{outer}"\n',
            ),
            "een\n\ntwee\n\ndrie",
        )
    inner = "--g\nContent-Type: multipart/mixed; boundary=h{n}\n\n" + "--h{n}\n\nx\n" * 18 + "--h{n}--\n"
    tree = "".join(inner.format(n=n) for n in range(50))
    yield Case("wide-and-deep", _mixed(tree + "--g--\n"), "\n\n".join("x" * 900))
    yield Case("wide-and-deep-beyond", _mixed(tree * 2 + "--g--\n"), refused="too-many-parts")


def _inside() -> Iterator[Case]:
    tnef = "--g\n\ntekst\n--g\nContent-Type: application/ms-tnef\n"
    tnef += "Content-Transfer-Encoding: base64\n\neJ8+IgA=\n--g--\n"
    yield Case("tnef-without-a-name", _mixed(tnef), "tekst", files=(("winmail.dat", b"\x78\x9f\x3e\x22\x00"),))
    sealed = "--g\n\ntekst\n--g\nContent-Type: application/pkcs7-mime; smime-type=enveloped-data\n"
    sealed += "Content-Transfer-Encoding: base64\n\nMIIB\n--g--\n"
    yield Case("smime-inside", _mixed(sealed), "tekst", files=(("smime.p7m", b"\x30\x82\x01"),))
    pgp = "-----BEGIN PGP MESSAGE-----\n\nhQEMA\n=abcd\n-----END PGP MESSAGE-----"
    yield Case("pgp-in-the-text", _mixed(f"--g\n\n{pgp}\n--g--\n"), pgp)
