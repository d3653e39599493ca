"""AUTH OAUTHBEARER (RFC 7628) with tokens of an OpenID provider that we did not write, and with forged ones."""

import base64
import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import KeySet, OctKey, RSAKey

from tests.ground.databases import missing
from tests.ground.smtp_door import Server
from tests.smtp.ground import CLOSED, NOW, SENDER, Accounts, Door, House, authenticate
from tests.smtp.wire import Wire
from zegel.doors.smtp.config import DoorConfig, Listener
from zegel.doors.smtp.desk import Journeys
from zegel.doors.smtp.oauthbearer import read_bearer
from zegel.errors import Mistake
from zegel.people.bearer import OpenIdBearer, Provider

FOLDER = Path(__file__).parents[1] / "openid"
AUDIENCE = "urn:zegel"


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    """A running provider."""
    if not shutil.which("node") or not (FOLDER / "node_modules/oidc-provider").exists():
        missing("node, and `npm ci --ignore-scripts` in tests/openid")
    command = ["node", "provider.mjs"]
    with subprocess.Popen(
        command, cwd=FOLDER, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as provider:
        try:
            assert provider.stdout
            yield next(line.strip() for line in provider.stdout if line.startswith("http"))
        finally:
            provider.kill()


def _token(issuer: str, client: str = "zorg", resource: str = AUDIENCE) -> str:
    form = {"grant_type": "client_credentials", "scope": "mail", "resource": resource}
    answer = httpx.post(f"{issuer}/token", data=form, auth=(client, "geheimgeheimgeheimgeheimgeheim12"), timeout=60)
    return str(answer.json()["access_token"])


@contextmanager
def _door(provider: Provider, later: timedelta = timedelta()) -> Iterator[Door]:
    house = House()
    bearer = OpenIdBearer(Accounts(), provider, lambda: datetime.now(UTC) + later)
    config = DoorConfig("post.voorbeeld.example", (Listener(port=0),), default_proof="mail")
    limits = replace(config.limits, failed_logins=50)
    journeys = Journeys(house.submit, authenticate, house.authors, lambda: NOW, bearer=bearer)
    server = Server(replace(config, limits=limits), journeys)
    server.start()
    try:
        yield Door(server.ports, house, server)
    finally:
        server.stop()


def _message(token: str, address: str = SENDER) -> str:
    text = f"n,a={address},\x01host=post.voorbeeld.example\x01port=587\x01auth=Bearer {token}\x01\x01"
    return base64.b64encode(text.encode()).decode()


def _log_in(door: Door, token: str, address: str = SENDER) -> str:
    with Wire(door.port) as wire:
        assert "AUTH PLAIN LOGIN OAUTHBEARER" in wire.say("EHLO x")
        reply = wire.say(f"AUTH OAUTHBEARER {_message(token, address)}")
        if reply.startswith("334"):
            told = json.loads(base64.b64decode(reply[4:]))
            assert told["status"] == "invalid_token"
            assert told["openid-configuration"].endswith("/.well-known/openid-configuration")
            reply = wire.say("AQ==")
            assert wire.say(f"MAIL FROM:<{SENDER}>").startswith("530")
        return reply


@pytest.mark.slow
@pytest.mark.node
def test_a_token_of_the_provider_logs_in(issuer: str) -> None:
    with _door(Provider(issuer, AUDIENCE)) as door:
        token = _token(issuer)
        with Wire(door.port) as wire:
            wire.say("EHLO x")
            assert wire.say("AUTH OAUTHBEARER") == "334 "
            assert wire.say(_message(token)).startswith("235")
            raw = f"From: {SENDER}\r\nSubject: s\r\n\r\nx\r\n"
            assert wire.deliver(raw.encode()).startswith("250 2.0.0")
        assert _log_in(door, token, "").startswith("235")


@pytest.mark.slow
@pytest.mark.node
def test_no_other_token_does(issuer: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    good = _token(issuer)
    head, body, signature = good.split(".")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    kid = json.loads(base64.urlsafe_b64decode(head + "=="))["kid"]
    claims = json.loads(base64.urlsafe_b64decode(body + "=="))
    changed = json.dumps({**claims, "sub": "x"}).encode()
    own = RSAKey.generate_key(2048, {"kid": kid})
    jwks = httpx.get(f"{issuer}/jwks", timeout=60).text
    bad = {
        "changed": f"{head}.{base64.urlsafe_b64encode(changed).rstrip(b'=').decode()}.{signature}",
        "alg none": f"{none}.{body}.",
        "alg none with a signature": f"{none}.{body}.{signature}",
        "another's key under the same name": jwt.encode({"alg": "RS256", "kid": kid}, claims, own),
        "the public key as a secret": jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(jwks)),
        "for another": _token(issuer, resource="urn:ander"),
        "of another": jwt.encode({"alg": "RS256", "kid": kid}, {**claims, "iss": "https://evil.example"}, own),
        "nobody's": _token(issuer, "vreemd"),
        "unconfirmed": _token(issuer, "onbevestigd"),
        "no token": "x.y.z",
        "empty": "..",
        "huge": "a" * 8000,
    }
    with _door(Provider(issuer, AUDIENCE)) as door:
        for name, token in list(bad.items())[:4]:
            assert _log_in(door, token).startswith("535 5.7.8"), name
    # Another door for the rest: five wrong tries make a client wait.
    for at in (4, 8):
        with _door(Provider(issuer, AUDIENCE)) as door:
            for name, token in list(bad.items())[at : at + 4]:
                assert _log_in(door, token).startswith("535 5.7.8"), name
            assert _log_in(door, good, "ander@voorbeeld.example").startswith(("535", "421")), "for somebody else"
    with _door(Provider(issuer, AUDIENCE), timedelta(hours=2)) as door:
        assert _log_in(door, good).startswith("535 5.7.8"), "expired"
    with _door(Provider(issuer, AUDIENCE, algorithms=("ES256",))) as door:
        assert _log_in(door, good).startswith("535 5.7.8"), "an algorithm that is not allowed"
    for token in (good, *bad.values()):
        assert token not in caplog.text


@pytest.mark.slow
@pytest.mark.node
def test_wrong_tokens_make_a_client_wait(issuer: str) -> None:
    with _door(Provider(issuer, AUDIENCE)) as door:
        replies = [_log_in(door, "x.y.z")[:3] for _ in range(6)]
        assert replies == ["535"] * 5 + ["421"]


# A provider of our own, which misbehaves ------------------------------------------------------------------------------


class Issuer:
    """Keys and tokens as a provider would have them; ``fetch`` counts how often it is asked."""

    def __init__(self) -> None:
        self.keys = [RSAKey.generate_key(2048, {"kid": "a"})]
        self.asked = 0
        self.away = False
        self.provider = Provider("https://login.voorbeeld.example", AUDIENCE)

    def token(self, **facts: Any) -> str:
        key = self.keys[-1]
        moment = int(datetime.now(UTC).timestamp())
        claims = {"iss": self.provider.issuer, "aud": AUDIENCE, "exp": moment + 600, "email": SENDER, **facts}
        claims = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode({"alg": "RS256", "kid": key.kid}, claims, key)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        if self.away:
            raise httpx.ConnectError("away")
        if request.url.path.endswith("openid-configuration"):
            facts = {"issuer": self.provider.issuer, "jwks_uri": f"{self.provider.issuer}/keys"}
            return httpx.Response(200, json=facts)
        return httpx.Response(200, json=KeySet(list(self.keys)).as_dict(private=False))


@pytest.fixture
def login(monkeypatch: pytest.MonkeyPatch) -> Issuer:
    made = Issuer()
    client = httpx.Client

    def patched(**facts: Any) -> httpx.Client:
        return client(transport=httpx.MockTransport(made.answer), **facts)

    monkeypatch.setattr("zegel.people.bearer.httpx.Client", patched)
    return made


def test_keys_are_kept_and_a_new_one_is_found(login: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = [1000.0]
    monkeypatch.setattr("zegel.people.bearer.time.monotonic", lambda: seconds[0])
    bearer = OpenIdBearer(Accounts(), login.provider, lambda: datetime.now(UTC))
    for _ in range(5):
        assert bearer(login.token()).address == SENDER
    assert login.asked == 2
    login.keys.append(RSAKey.generate_key(2048, {"kid": "b"}))
    seconds[0] += 40
    assert bearer(login.token()).address == SENDER
    assert login.asked == 4
    login.away = True
    seconds[0] += 700
    assert bearer(login.token()).address == SENDER


def test_a_provider_that_is_away_is_454_and_asked_again_later(login: Issuer) -> None:
    login.away = True
    with _door(login.provider) as door:
        assert _log_in(door, login.token()).startswith("454 4.7.0")
        assert _log_in(door, login.token()).startswith("454 4.7.0")
        assert login.asked == 1
        with Wire(door.port) as wire:
            wire.login()


def test_unknown_key_names_do_not_make_us_ask_each_time(login: Issuer) -> None:
    bearer = OpenIdBearer(Accounts(), login.provider, lambda: datetime.now(UTC))
    bearer(login.token())
    login.keys.append(RSAKey.generate_key(2048, {"kid": "unknown"}))
    before = login.asked
    for _ in range(10):
        with pytest.raises(Exception, match="not valid"):
            bearer(login.token())
    assert login.asked == before


@pytest.mark.parametrize(
    "facts",
    [
        {"iss": "https://evil.example"}, {"iss": None}, {"aud": "urn:ander"}, {"aud": None}, {"aud": []},
        {"exp": None}, {"exp": 1}, {"exp": "morgen"}, {"nbf": 99999999999}, {"email": None}, {"email": 7},
        {"email": "x"}, {"email": "niemand@voorbeeld.example"}, {"email": CLOSED.address}, {"email_verified": False},
    ],
)  # fmt: skip
def test_claims_that_are_not_right(login: Issuer, facts: dict[str, Any]) -> None:
    bearer = OpenIdBearer(Accounts(), login.provider, lambda: datetime.now(UTC))
    with pytest.raises(Exception, match="not valid") as refused:
        bearer(login.token(**facts))
    assert getattr(refused.value, "kind", "") == "bad-token"
    assert bearer(login.token(aud=[AUDIENCE, "urn:ander"])).address == SENDER


# Spelling -------------------------------------------------------------------------------------------------------------


def test_what_a_client_says_is_read() -> None:
    assert read_bearer("n,a=a=2Cb@x.example,\x01auth=Bearer t.t.t\x01\x01").address == "a,b@x.example"
    assert read_bearer("n,,\x01auth=bearer  t\x01\x01").token == "t"


@pytest.mark.parametrize(
    "text",
    [
        "", "n,,", "n,,\x01\x01", "n,,\x01auth=Bearer t\x01", "n,,\x01auth=Basic t\x01\x01",
        "n,,\x01auth=Bearer\x01\x01",
        "p=x,,\x01auth=Bearer t\x01\x01", "n,a=x\x01auth=Bearer t\x01\x01",
        "n,,\x01auth=Bearer a\x01auth=Bearer b\x01\x01",
        "n,,\x01host=a\nb\x01auth=Bearer t\x01\x01", "n,,auth=Bearer t\x01\x01", "user=a\x01auth=Bearer t\x01\x01",
    ],
)  # fmt: skip
def test_what_is_not_rfc_7628_is_refused(text: str) -> None:
    with pytest.raises(Mistake):
        read_bearer(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for message in (text, f"n,,\x01auth=Bearer {text}\x01\x01", f"n,a={text},\x01auth=Bearer t\x01\x01"):
        try:
            read_bearer(message)
        except Mistake:
            continue
