"""One raw mail to servers that prove themselves, that do not, and that misbehave at every step."""

import hashlib
import ssl
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ground.mail_peer import CUT, EXTENSIONS, STALL, TRICKLE, MailPeer, mail_peer
from tests.ground.patience import TooSlow, with_time
from tests.ground.ports import free_port
from tests.transport.made import Made, make
from zegel.errors import Mistake, Unavailable, ZegelError
from zegel.outbox.direct import DirectRoute, FixedRoute, MailServer
from zegel.outbox.wire import stuffed
from zegel.parcels.notify import SILENT, Notify
from zegel.transport.certificates import public_key
from zegel.transport.delivery import Delivered, RawMail
from zegel.transport.tlsa import Tlsa
from zegel.transport.way import Choice, Proven

FROM, TO = "a.bakker@gemeente.example", "j.dejong@example.nl"
MAIL = RawMail(lambda: [b"Subject: x\r\n\r\nhello\r\n"])
YESTERDAY = datetime.now(UTC) - timedelta(days=1)
NAME = "mx.example.nl"


def ee(made: Made) -> Tlsa:
    return Tlsa(3, 1, 1, hashlib.sha256(public_key(made.der) or b"").digest())


class Desk:
    """Certificates in files, and choices that lead to peers."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.root = make(authority=True, common_name="root", start=YESTERDAY)
        self.leaf = make((NAME,), by=self.root, start=YESTERDAY)
        self.key = folder / "leaf.key"
        self.key.write_bytes(self.leaf.key_pem)
        self.chain = self.write("chain.pem", self.leaf, self.root)
        self.authorities = self.write("root.pem", self.root)

    def write(self, name: str, *certificates: Made) -> Path:
        path = self.folder / name
        path.write_bytes(b"".join(one.pem for one in certificates))
        return path

    def dane(self, *records: Tlsa, name: str = NAME, preference: int = 10, address: str = "127.0.0.1") -> Proven:
        return Proven(name, preference, (address,), "dane", name, (name, "example.nl"), records or (ee(self.leaf),))

    def sts(self, name: str = NAME) -> Proven:
        return Proven(name, 10, ("127.0.0.1",), "mta-sts", name, (name,))


def choice(*servers: Proven, domain: str = "example.nl") -> Choice:
    return Choice(domain, servers[0].proof if servers else "none", servers, ())


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    return Desk(tmp_path_factory.mktemp("desk"))


@pytest.fixture
def peer(desk: Desk) -> Iterator[MailPeer]:
    with mail_peer(desk.chain, desk.key, port=free_port()) as found:
        yield found


def send(
    desk: Desk, peer: MailPeer, *servers: Proven, mail: RawMail = MAIL, to: str = TO, notify: Notify = SILENT
) -> Delivered:
    route = DirectRoute("out.example", port=peer.port, authorities=desk.authorities, patience=60, final_patience=60)
    domain = "xn--grn-ioa.example" if to.endswith("@grün.example") else "example.nl"
    try:
        return route.deliver(choice(*(servers or (desk.dane(),)), domain=domain), mail, FROM, to, notify)
    finally:
        route.close()


def test_a_mail_arrives_whole_and_what_happened_is_told(desk: Desk, peer: MailPeer) -> None:
    found = send(desk, peer)
    (mail,) = peer.mails
    assert mail.content == b"Subject: x\r\n\r\nhello\r\n"
    assert (mail.mail, mail.rcpt) == (f"MAIL FROM:<{FROM}> BODY=8BITMIME RET=HDRS", f"RCPT TO:<{TO}>")
    assert (found.server, found.address, found.proof, found.fits) == (NAME, "127.0.0.1", "dane", "3 1 1")
    assert (found.tls, found.cipher) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    # Python's server has no hybrid groups where its OpenSSL is older than 3.5; then it is the classic half alone.
    assert found.group.upper() in ("X25519MLKEM768", "X25519")
    # Codes only: the peer's words may quote anything.
    assert found.reply == "250 2.0.0"
    assert peer.asked_for == [NAME]


def refused(
    desk: Desk, peer: MailPeer, *servers: Proven, mail: RawMail = MAIL, to: str = TO
) -> tuple[type[ZegelError], str, object]:
    """The family, the code and the peer's reply of the error; nothing of the peer's words may be in it."""
    with pytest.raises(ZegelError) as error:
        send(desk, peer, *servers, mail=mail, to=to)
    assert "words" not in str(error.value) + repr(error.value.facts)
    return type(error.value), error.value.kind, error.value.facts.get("reply")


# The proof comes first ------------------------------------------------------------------------------------------------


def nothing_was_told(peer: MailPeer) -> None:
    """A server that proved nothing heard no address and no mail."""
    assert peer.mails == []
    assert not [line for line in peer.said if FROM in line or TO in line]


def test_a_certificate_that_does_not_fit_is_an_alarm(desk: Desk, peer: MailPeer) -> None:
    assert refused(desk, peer, desk.dane(ee(make()))) == (Unavailable, "proof-failed", None)
    nothing_was_told(peer)


def test_one_of_several_records_is_enough(desk: Desk, peer: MailPeer) -> None:
    found = send(desk, peer, desk.dane(Tlsa(1, 1, 1, b"x" * 32), ee(make()), ee(desk.leaf)))
    assert found.fits == "3 1 1"


def test_an_anchor_proves_a_server_by_its_name(desk: Desk, peer: MailPeer) -> None:
    anchor = Tlsa(2, 0, 1, hashlib.sha256(desk.root.der).digest())
    assert send(desk, peer, desk.dane(anchor)).fits == "2 0 1"
    other = Proven("mx.other.nl", 10, ("127.0.0.1",), "dane", "mx.other.nl", ("mx.other.nl", "other.nl"), (anchor,))
    assert refused(desk, peer, other)[1] == "proof-failed"


def test_an_expired_certificate_is_well_for_an_end_entity_record_only(desk: Desk, tmp_path: Path) -> None:
    old = make((NAME,), by=desk.root, start=YESTERDAY - timedelta(days=9), days=2)
    chain = tmp_path / "old.pem"
    chain.write_bytes(old.pem + desk.root.pem)
    (tmp_path / "old.key").write_bytes(old.key_pem)
    with mail_peer(chain, tmp_path / "old.key") as peer:
        assert send(desk, peer, desk.dane(ee(old))).fits == "3 1 1"
        anchor = Tlsa(2, 0, 1, hashlib.sha256(desk.root.der).digest())
        assert refused(desk, peer, desk.dane(anchor))[1] == "proof-failed"
        assert refused(desk, peer, desk.sts())[1] == "proof-failed"


def test_mta_sts_wants_an_authority_and_the_name(desk: Desk, peer: MailPeer) -> None:
    found = send(desk, peer, desk.sts())
    assert (found.proof, found.fits) == ("mta-sts", "")
    peer.mails.clear()
    peer.said.clear()
    assert refused(desk, peer, desk.sts("mx.other.nl"))[1] == "proof-failed"
    route = DirectRoute("out.example", port=peer.port, patience=60)
    with pytest.raises(Unavailable) as error:
        # Without our own authority there: the system's do not know it.
        route.deliver(choice(desk.sts()), MAIL, FROM, TO)
    assert error.value.kind == "proof-failed"
    nothing_was_told(peer)


def test_without_starttls_nothing_is_said(desk: Desk) -> None:
    with mail_peer() as peer:
        assert refused(desk, peer)[1] == "tls-failed"
        nothing_was_told(peer)


def test_words_in_the_clear_that_wait_for_tls_end_it(desk: Desk, peer: MailPeer) -> None:
    """A man in the middle could so put his answers into the mouth of the proven server."""
    peer.injected = b"250-peer.test\r\n250 SIZE 1\r\n"
    assert refused(desk, peer)[1] == "tls-failed"
    nothing_was_told(peer)


def test_what_was_offered_in_the_clear_is_forgotten(desk: Desk, peer: MailPeer) -> None:
    send(desk, peer)
    assert [line.split()[0] for line in peer.said[:4]] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]


def test_old_tls_is_no_tls(desk: Desk) -> None:
    with mail_peer(desk.chain, desk.key, newest=ssl.TLSVersion.TLSv1_1) as peer:
        assert refused(desk, peer)[1] == "tls-failed"
        nothing_was_told(peer)
    with mail_peer(desk.chain, desk.key, newest=ssl.TLSVersion.TLSv1_2) as peer:
        found = send(desk, peer)
        assert (found.tls, found.cipher) == ("TLSv1.2", "ECDHE-ECDSA-AES256-GCM-SHA384")


def test_a_choice_without_servers_or_for_another_domain_goes_nowhere(desk: Desk, peer: MailPeer) -> None:
    for made, to in (
        (choice(), TO),
        (choice(desk.dane(), domain="example.org"), TO),
        (choice(desk.dane()), "j@sub.example.nl"),
        (choice(desk.dane()), ""),
    ):
        with pytest.raises(Mistake) as error:
            DirectRoute("out.example", port=peer.port).deliver(made, MAIL, FROM, to)
        assert error.value.kind == "no-proof"
    assert peer.connections == 0


# Misbehaviour at every step -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "code"),
    [
        ("connect", "direct-away"), ("ehlo", "direct-away"), ("starttls", "tls-failed"), ("ehlo-again", "direct-away"),
        ("mail", "direct-away"), ("rcpt", "direct-away"), ("data", "direct-away"), ("end", "direct-away"),
    ],
)  # fmt: skip
def test_not_now(desk: Desk, peer: MailPeer, step: str, code: str) -> None:
    peer.steps[step] = "451 4.7.1 words of a stranger"
    found = refused(desk, peer)
    assert found[:2] == (Unavailable, code)
    if code == "direct-away":
        assert found[2] == "451 4.7.1"


@pytest.mark.parametrize("step", ["mail", "rcpt", "data", "end"])
def test_never(desk: Desk, peer: MailPeer, step: str) -> None:
    peer.steps[step] = "550-5.1.1 words\r\n550 5.1.1 of a stranger"
    assert refused(desk, peer) == (Mistake, "mail-refused", "550 5.1.1")


@pytest.mark.parametrize("step", ["connect", "ehlo"])
def test_a_server_that_wants_nobody_says_nothing_of_the_mail(desk: Desk, peer: MailPeer, step: str) -> None:
    peer.steps[step] = "554 words"
    assert refused(desk, peer) == (Unavailable, "direct-away", "554")


STEPS = [
    ("connect", "direct-away"), ("ehlo", "direct-away"), ("starttls", "direct-away"), ("handshake", "tls-failed"),
    ("ehlo-again", "direct-away"), ("mail", "direct-away"), ("rcpt", "direct-away"), ("data", "direct-away"),
    ("middle", "direct-away"), ("end", "mail-uncertain"),
]  # fmt: skip
BIG = RawMail(lambda: (b"Subject: x\r\n\r\n", *(b"x" * 998 + b"\r\n" for _ in range(20_000))))


@pytest.mark.parametrize(("step", "code"), STEPS)
def test_the_connection_is_cut(desk: Desk, peer: MailPeer, step: str, code: str) -> None:
    peer.steps[step] = CUT
    family, kind, _ = refused(desk, peer, mail=BIG if step == "middle" else MAIL)
    assert (family, kind) == (Unavailable, code)
    assert len(peer.mails) == (step == "end")


@pytest.mark.slow
@pytest.mark.parametrize("act", [STALL, TRICKLE])
@pytest.mark.parametrize(("step", "code"), STEPS)
def test_a_server_that_stalls_does_not_hold_us(desk: Desk, peer: MailPeer, step: str, code: str, act: str) -> None:
    peer.steps[step] = act
    # Short only where it must pass, so that a slow machine does not stall where the peer does not.
    nonsense = step == "handshake" and act == TRICKLE
    patience = 60 if nonsense or step == "end" else 0.4
    route = DirectRoute("out.example", port=peer.port, patience=patience, final_patience=0.4)
    with pytest.raises(Unavailable) as error:
        route.deliver(choice(desk.dane()), BIG if step == "middle" else MAIL, FROM, TO)
    # A server that sends nonsense in place of a handshake has no TLS; one that is silent is away.
    assert error.value.kind == ("direct-away" if step == "handshake" and act == STALL else code)


def test_an_endless_answer_ends(desk: Desk, peer: MailPeer) -> None:
    peer.steps["ehlo-again"] = "\r\n".join(["250-more words"] * 20_000)
    assert refused(desk, peer)[1] == "direct-away"


@pytest.mark.parametrize(("code", "kind"), [("552", "mail-refused"), ("452", "direct-away"), ("250", "direct-away")])
def test_a_server_that_has_heard_enough(desk: Desk, peer: MailPeer, code: str, kind: str) -> None:
    peer.steps["middle"] = f"{code} words"

    def attempt(patience: float) -> None:
        route = DirectRoute("out.example", port=peer.port, patience=patience)
        with pytest.raises(ZegelError) as error:
            route.deliver(choice(desk.dane()), BIG, FROM, TO)
        found = (error.value.kind, error.value.facts.get("reply", ""))
        if found != (kind, code if code != "250" else ""):
            raise TooSlow(found)

    with_time(attempt, 1)


@pytest.mark.parametrize("step", ["mail", "rcpt", "data"])
def test_an_answer_too_many_is_not_taken_for_the_next(desk: Desk, peer: MailPeer, step: str) -> None:
    usual = {"mail": "250 ok", "rcpt": "250 ok", "data": "354 go on"}[step]
    peer.steps[step] = f"{usual}\r\n250 2.0.0 taken"
    assert refused(desk, peer)[1] == "direct-away"
    assert peer.mails == []


def test_a_mail_that_cannot_be_read_to_its_end_is_not_delivered(desk: Desk, peer: MailPeer) -> None:
    def broken() -> Iterator[bytes]:
        yield b"Subject: x\r\n\r\nhalf of it"
        raise Unavailable("The store is away.", code="store-away")

    assert refused(desk, peer, mail=RawMail(broken))[1] == "store-away"
    assert peer.mails == []


# Several servers ------------------------------------------------------------------------------------------------------


@pytest.fixture
def second(desk: Desk, peer: MailPeer) -> Iterator[MailPeer]:
    """On the same port of another address, as two servers of one domain are."""
    with mail_peer(desk.chain, desk.key, address="127.0.0.2", port=peer.port) as found:
        yield found


def test_the_next_server_takes_over(desk: Desk, peer: MailPeer, second: MailPeer) -> None:
    both = (desk.dane(), desk.dane(name="mx2.example.nl", preference=20, address="127.0.0.2"))
    assert send(desk, peer, *both).server == NAME
    for step, act in (("connect", CUT), ("mail", "451 no"), ("rcpt", "451 no"), ("middle", CUT), ("end", "451 no")):
        peer.steps = {step: act}
        found = send(desk, peer, *both, mail=BIG if step == "middle" else MAIL)
        assert (found.server, found.address, found.distrusted) == ("mx2.example.nl", "127.0.0.2", ())
    assert len(second.mails) == 5


def test_a_mail_that_may_have_arrived_is_not_given_to_the_next(desk: Desk, peer: MailPeer, second: MailPeer) -> None:
    peer.steps["end"] = CUT
    both = (desk.dane(), desk.dane(name="mx2.example.nl", preference=20, address="127.0.0.2"))
    assert refused(desk, peer, *both)[1] == "mail-uncertain"
    assert second.connections == 0


def test_a_refusal_is_not_asked_again_elsewhere(desk: Desk, peer: MailPeer, second: MailPeer) -> None:
    peer.steps["rcpt"] = "550 5.1.1 nobody"
    both = (desk.dane(), desk.dane(name="mx2.example.nl", preference=20, address="127.0.0.2"))
    assert refused(desk, peer, *both)[1] == "mail-refused"
    assert second.connections == 0


def test_a_false_server_is_told_also_when_the_mail_arrived_elsewhere(
    desk: Desk, peer: MailPeer, second: MailPeer
) -> None:
    false = desk.dane(ee(make()))
    true = desk.dane(name="mx2.example.nl", preference=20, address="127.0.0.2")
    assert send(desk, peer, false, true).distrusted == (NAME,)
    # And when it did not arrive, the false one speaks, not the one that is merely away.
    second.steps["connect"] = CUT
    assert refused(desk, peer, false, true)[1] == "proof-failed"


def test_all_addresses_of_a_server_are_tried(desk: Desk, peer: MailPeer) -> None:
    server = Proven(NAME, 10, ("127.0.0.3", "127.0.0.4", "127.0.0.1"), "dane", NAME, (NAME,), (ee(desk.leaf),))
    assert send(desk, peer, server).address == "127.0.0.1"


def test_nobody_there(desk: Desk, peer: MailPeer) -> None:
    assert refused(desk, peer, desk.dane(address="127.0.0.9"))[1] == "direct-away"


# One connection, many mails -------------------------------------------------------------------------------------------


def test_a_connection_serves_several_mails(desk: Desk, peer: MailPeer) -> None:
    route = DirectRoute("out.example", port=peer.port, patience=60)
    for _ in range(3):
        assert route.deliver(choice(desk.dane()), MAIL, FROM, TO).fits == "3 1 1"
    peer.steps["rcpt"] = "550 5.1.1 nobody"
    with pytest.raises(Mistake):
        route.deliver(choice(desk.dane()), MAIL, FROM, TO)
    del peer.steps["rcpt"]
    route.deliver(choice(desk.dane()), MAIL, FROM, TO)
    assert (len(peer.mails), peer.connections) == (4, 1)
    route.close()


def test_a_kept_connection_is_for_those_who_ask_the_same_proof(desk: Desk, peer: MailPeer) -> None:
    """The domain may have published another key meanwhile; what was shown before then counts no more."""
    route = DirectRoute("out.example", port=peer.port, patience=60)
    route.deliver(choice(desk.dane()), MAIL, FROM, TO)
    with pytest.raises(Unavailable) as error:
        route.deliver(choice(desk.dane(ee(make()))), MAIL, FROM, TO)
    assert error.value.kind == "proof-failed"
    assert len(peer.mails) == 1
    route.close()


def test_a_kept_connection_that_has_died_is_replaced(desk: Desk, peer: MailPeer) -> None:
    route = DirectRoute("out.example", port=peer.port, patience=60)
    route.deliver(choice(desk.dane()), MAIL, FROM, TO)
    peer.steps["noop"] = CUT
    route.deliver(choice(desk.dane()), MAIL, FROM, TO)
    assert (len(peer.mails), peer.connections) == (2, 2)
    route.close()


# What the server can do -----------------------------------------------------------------------------------------------


def test_what_the_sender_wants_to_hear_is_passed_on(desk: Desk, peer: MailPeer) -> None:
    wants = Notify(success=True, delay=True, failure=False, asked=True, envid="A+2B1", orcpt="rfc822;a+2Bb@example.nl")
    send(desk, peer, mail=RawMail(MAIL.open, size=20), notify=wants)
    (mail,) = peer.mails
    assert mail.mail == f"MAIL FROM:<{FROM}> SIZE=20 BODY=8BITMIME RET=HDRS ENVID=A+2B1"
    assert mail.rcpt == f"RCPT TO:<{TO}> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;a+2Bb@example.nl"
    send(desk, peer, notify=Notify(failure=False, asked=True, envid="x y", orcpt="rfc822;\r\nRCPT TO:<evil>"))
    assert peer.mails[1].rcpt == f"RCPT TO:<{TO}> NOTIFY=NEVER"
    assert "ENVID" not in peer.mails[1].mail
    peer.extensions = ("8BITMIME",)
    send(desk, peer, notify=wants)
    assert (peer.mails[2].mail, peer.mails[2].rcpt) == (f"MAIL FROM:<{FROM}> BODY=8BITMIME", f"RCPT TO:<{TO}>")


@pytest.mark.parametrize(
    ("lacking", "mail", "to", "code"),
    [
        ("8BITMIME", MAIL, TO, "mail-needs-8bit"),
        ("SMTPUTF8", MAIL, "jürgen@example.nl", "mail-needs-utf8"),
        ("SMTPUTF8", RawMail(MAIL.open, utf8=True), TO, "mail-needs-utf8"),
        ("SIZE 50000000", RawMail(MAIL.open, size=50_000_001), TO, "mail-too-big"),
    ],
)
def test_what_a_server_cannot_carry_it_does_not_get(
    desk: Desk, peer: MailPeer, lacking: str, mail: RawMail, to: str, code: str
) -> None:
    if lacking.startswith("SIZE"):
        assert refused(desk, peer, mail=mail, to=to)[1] == code
    peer.extensions = tuple(one for one in EXTENSIONS if one != lacking)
    if not lacking.startswith("SIZE"):
        assert refused(desk, peer, mail=mail, to=to)[:2] == (Mistake, code)
    assert peer.mails == []


def test_other_scripts(desk: Desk, peer: MailPeer) -> None:
    send(desk, peer, to="jürgen@grün.example")
    assert peer.mails[0].mail == f"MAIL FROM:<{FROM}> BODY=8BITMIME SMTPUTF8 RET=HDRS"
    assert peer.mails[0].rcpt == "RCPT TO:<jürgen@xn--grn-ioa.example>"
    # A domain alone needs no SMTPUTF8.
    peer.extensions = ("8BITMIME",)
    send(desk, peer, to="j@grün.example")
    assert peer.mails[1].rcpt == "RCPT TO:<j@xn--grn-ioa.example>"


def test_seven_bits_are_enough_for_seven_bits(desk: Desk, peer: MailPeer) -> None:
    peer.extensions = ()
    send(desk, peer, mail=RawMail(MAIL.open, eight_bit=False))
    assert peer.mails[0].mail == f"MAIL FROM:<{FROM}>"


@pytest.mark.parametrize("address", ["a\r\nRCPT TO:<evil@example.nl", "a> SIZE=1@example.nl", "a b@example.nl"])
def test_an_address_cannot_become_a_command(desk: Desk, peer: MailPeer, address: str) -> None:
    assert refused(desk, peer, to=address)[:2] == (Mistake, "bad-address")
    assert peer.mails == []


def test_the_empty_sender_of_reports(desk: Desk, peer: MailPeer) -> None:
    route = DirectRoute("out.example", port=peer.port, patience=60)
    route.deliver(choice(desk.dane()), MAIL, "", TO)
    route.close()
    assert peer.mails[0].mail.startswith("MAIL FROM:<> ")


def test_looking_without_sending(desk: Desk, peer: MailPeer) -> None:
    route = DirectRoute("out.example", port=peer.port, patience=60)
    away = desk.dane(name="mx2.example.nl", address="127.0.0.9")
    good, false, gone = route.probe(choice(desk.dane(), desk.dane(ee(make())), away))
    assert (good.server, good.trouble, good.tls, good.fits) == (NAME, "", "TLSv1.3", "3 1 1")
    assert (false.trouble, gone.trouble) == ("proof-failed", "direct-away")
    nothing_was_told(peer)


# Bytes ----------------------------------------------------------------------------------------------------------------


def unstuffed(data: bytes) -> bytes:
    """As a strict server reads it: CRLF ends lines, the first line that is one dot ends the mail."""
    lines = []
    rest = data
    while True:
        line, end, rest = rest.partition(b"\r\n")
        assert end, "the mail has no end"
        assert b"\r" not in line
        assert b"\n" not in line
        if line == b".":
            assert rest == b"", "something follows the end"
            return b"".join(lines)
        lines.append(line.removeprefix(b".") + b"\r\n")


BITS = st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"x", b"\xff", b"\0"])
PIECE = st.lists(BITS, max_size=12).map(b"".join)


@given(st.lists(PIECE, max_size=6))
def test_whatever_is_sent_arrives_and_nothing_ends_it_early(pieces: list[bytes]) -> None:
    whole = b"".join(pieces)
    lines = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    if lines and not lines.endswith(b"\n"):
        lines += b"\n"
    assert unstuffed(b"".join(stuffed(pieces))) == lines.replace(b"\n", b"\r\n")
    # However it is cut into pieces.
    assert b"".join(stuffed(pieces)) == b"".join(stuffed([bytes([byte]) for byte in whole]))


def test_a_smuggled_end_is_none(desk: Desk, peer: MailPeer) -> None:
    """CVE-2023-51764 and its kin: a lone LF around the dot must not be passed on as it is."""
    content = b"Subject: x\r\n\r\nhi\n.\r\nMAIL FROM:<evil@example.nl>\r\n\r.\r\nQUIT\r\n"
    send(desk, peer, mail=RawMail(lambda: [content]))
    (mail,) = peer.mails
    assert mail.content.startswith(b"Subject: x\r\n\r\nhi\r\n.\r\nMAIL FROM")


@pytest.mark.slow
def test_memory_stays_flat(desk: Desk, peer: MailPeer) -> None:
    peer.keep = False
    size = 48 * 1024 * 1024
    line = b"x" * 998 + b"\r\n"
    mail = RawMail(lambda: (line * 64 for _ in range(size // 64_000)))
    tracemalloc.start()
    try:
        send(desk, peer, mail=mail)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peer.size == size // 64_000 * 64_000
    assert most < 8 * 1024 * 1024


# Own mailboxes --------------------------------------------------------------------------------------------------------


def own(server: MailServer) -> FixedRoute:
    return FixedRoute(server, "out.example", patience=60, final_patience=60)


def test_a_fixed_server_is_verified_too(desk: Desk, peer: MailPeer) -> None:
    mine = MailServer("127.0.0.1", peer.port, authorities=desk.authorities, name=NAME)
    found = own(mine).deliver(MAIL, FROM, TO)
    assert (found.server, found.proof, found.tls) == ("127.0.0.1", "authority", "TLSv1.3")
    for wrong in (
        MailServer("127.0.0.1", peer.port, authorities=desk.authorities, name="other.example"),
        MailServer("127.0.0.1", peer.port, name=NAME),
    ):
        with pytest.raises(Unavailable) as error:
            own(wrong).deliver(MAIL, FROM, TO)
        assert error.value.kind == "proof-failed"
    assert len(peer.mails) == 1


def test_implicit_tls_and_lmtp(desk: Desk) -> None:
    with mail_peer(desk.chain, desk.key, implicit=True) as peer:
        server = MailServer("127.0.0.1", peer.port, "lmtp", "implicit", desk.authorities, NAME)
        assert own(server).deliver(MAIL, FROM, TO).proof == "authority"
        assert [line.split()[0] for line in peer.said] == ["LHLO", "MAIL", "RCPT", "DATA"]


def test_on_this_machine_no_tls_is_needed(tmp_path: Path) -> None:
    path = str(tmp_path / "lmtp")
    with mail_peer(address=path) as peer:
        found = own(MailServer(path, protocol="lmtp", tls="none")).deliver(MAIL, FROM, TO)
        assert (found.proof, found.tls, found.reply) == ("local", "", "250 2.0.0")
        assert len(peer.mails) == 1
    with mail_peer() as peer:
        assert own(MailServer("127.0.0.1", peer.port, tls="none")).deliver(MAIL, FROM, TO).proof == "local"


def test_elsewhere_it_is() -> None:
    with pytest.raises(Mistake) as error:
        own(MailServer("192.0.2.1", tls="none"))
    assert error.value.kind == "mail-needs-tls"


def test_a_fixed_server_that_has_no_address() -> None:
    with pytest.raises(Unavailable) as error:
        own(MailServer("nowhere.invalid")).deliver(MAIL, FROM, TO)
    assert error.value.kind == "direct-away"


def test_without_a_file_of_authorities_nobody_is_trusted(desk: Desk, peer: MailPeer, tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as error:
        own(MailServer("127.0.0.1", peer.port, authorities=tmp_path / "none.pem", name=NAME)).deliver(MAIL, FROM, TO)
    assert error.value.kind == "no-authorities"
    assert peer.mails == []
