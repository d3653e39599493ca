"""A resolver that answers anything at all: nothing raises, nothing hangs, and nothing false is signed."""

import random
import socket
import threading
import time
from collections.abc import Callable, Iterator

import dns.exception
import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zegel.domains.lookup import Domains
from zegel.domains.policies import PolicyServers
from zegel.domains.resolver import Resolver


class Liar:
    """Answers each question with what ``reply`` makes of the honest answer."""

    def __init__(self) -> None:
        self.reply: Callable[[bytes], bytes] = lambda honest: honest
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            data, address = self.socket.recvfrom(4096)
            if not data:
                return
            try:
                self.socket.sendto(self.reply(self._honest(data)), address)
            except (OSError, dns.exception.DNSException):
                continue

    @staticmethod
    def _honest(data: bytes) -> bytes:
        query = dns.message.from_wire(data)
        response = dns.message.make_response(query, recursion_available=True)
        response.flags |= dns.flags.AD
        name, kind = query.question[0].name, query.question[0].rdtype
        texts = {"MX": "10 mx.example.nl.", "A": "127.0.0.2", "TLSA": "3 1 1 " + "ab" * 32, "TXT": '"v=STSv1; id=1"'}
        if kind.name in texts:
            response.answer.append(dns.rrset.from_text(name, 300, "IN", kind.name, texts[kind.name]))
        return response.to_wire()

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join(10)
        self.socket.close()


@pytest.fixture(scope="module")
def liar() -> Iterator[Liar]:
    found = Liar()
    yield found
    found.close()


def lookups(liar: Liar, patience: float) -> Domains:
    return Domains(Resolver([f"127.0.0.1:{liar.port}"]), PolicyServers(port=1), patience=patience)


def test_the_honest_answer_is_one(liar: Liar) -> None:
    liar.reply = lambda honest: honest
    offer = lookups(liar, 20).offer("example.nl")
    assert (offer.mx, offer.mx_secure, offer.servers[0].tlsa) == ("found", True, "found")


@pytest.mark.slow
@settings(max_examples=40)
@given(st.sampled_from(["random", "flipped", "cut", "longer"]), st.integers(0, 2**32))
def test_any_bytes_are_an_answer_or_a_failure(liar: Liar, kind: str, seed: int) -> None:
    chance = random.Random(seed)

    def reply(honest: bytes) -> bytes:
        body = bytearray(honest)
        if kind == "random":
            return bytes(body[:2]) + chance.randbytes(chance.randrange(400))
        if kind == "cut":
            return bytes(body[: chance.randrange(2, len(body))])
        if kind == "longer":
            return bytes(body) + chance.randbytes(chance.randrange(1, 50))
        for _ in range(chance.randrange(1, 4)):
            body[chance.randrange(2, len(body))] = chance.randrange(256)
        return bytes(body)

    liar.reply = reply
    # It comes back with an offer, whatever was said.
    assert lookups(liar, 0.05).offer("example.nl").domain == "example.nl"


def test_endless_aliases_end(liar: Liar) -> None:
    def reply(honest: bytes) -> bytes:
        response = dns.message.from_wire(honest)
        name = response.question[0].name
        response.answer = [dns.rrset.from_text(name, 300, "IN", "CNAME", name.to_text())]
        return response.to_wire()

    liar.reply = reply
    assert lookups(liar, 5).offer("example.nl").mx == "failed"


def test_no_such_domain_with_an_answer_is_no_answer(liar: Liar) -> None:
    def reply(honest: bytes) -> bytes:
        response = dns.message.from_wire(honest)
        response.set_rcode(3)
        return response.to_wire()

    liar.reply = reply
    assert lookups(liar, 5).offer("example.nl").mx == "failed"


def test_a_resolver_that_is_slow_each_time_has_one_deadline(liar: Liar) -> None:
    def reply(honest: bytes) -> bytes:
        time.sleep(0.2)
        return honest

    liar.reply = reply
    offer = lookups(liar, 0.5).offer("example.nl")
    # The first answers came in time and the last did not; which is the machine's business, that it ends is ours.
    assert offer.mx == "failed" or offer.servers[0].tlsa == "failed" or offer.servers[0].address == "failed"
