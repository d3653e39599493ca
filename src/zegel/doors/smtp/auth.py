"""AUTH: who sends (RFC 4954, 4616, 7628; LOGIN as mail programs do it)."""

import base64
import binascii
import logging
from collections.abc import Callable
from functools import partial

from zegel.doors.smtp.desk import Bearer
from zegel.doors.smtp.oauthbearer import read_bearer, refusal
from zegel.doors.smtp.session import Goodbye, Session
from zegel.errors import Denied, Mistake, NotFound, ZegelError
from zegel.journeys.ports.people import Actor

log = logging.getLogger(__name__)


async def auth(session: Session, argument: str) -> None:
    if session.listener.kind != "submission":
        await session.reply("502 5.5.1 AUTH is not offered here.")
        return
    if session.greeted != "EHLO":
        await session.reply("503 5.5.1 Say EHLO first.")
        return
    if not session.offers_login:
        await session.reply("538 5.7.11 Encryption is required first: use STARTTLS.")
        return
    if session.actor or session.transaction:
        # RFC 4954 §4: once per session, and not during a mail transaction.
        await session.reply("503 5.5.1 You have already logged in.")
        return
    mechanism, _, initial = argument.partition(" ")
    try:
        if mechanism.upper() == "OAUTHBEARER" and session.desk.journeys.bearer:
            await _bearer(session, session.desk.journeys.bearer, initial.strip())
            return
        login, secret = await _credentials(session, mechanism.upper(), initial.strip())
    except Mistake as error:
        await session.reply(f"501 5.5.2 {error}")
        return
    if await _judge(session, partial(session.desk.journeys.authenticate, login, secret)):
        await session.reply("535 5.7.8 Address or password is wrong.")


async def _credentials(session: Session, mechanism: str, initial: str) -> tuple[str, str]:
    if mechanism == "PLAIN":
        parts = (decoded(initial) if initial else await challenge(session, "")).split("\0")
        if len(parts) != 3 or parts[0] not in ("", parts[1]):
            raise Mistake("The credentials are not as RFC 4616 says.", code="bad-auth")
        return parts[1], parts[2]
    if mechanism == "LOGIN":
        login = decoded(initial) if initial else await challenge(session, "Username:")
        return login, await challenge(session, "Password:")
    raise Mistake("AUTH knows {mechanisms} here.", code="bad-auth", mechanisms=", ".join(session.desk.mechanisms))


async def _bearer(session: Session, bearer: Bearer, initial: str) -> None:
    message = read_bearer(decoded(initial) if initial else await challenge(session, ""))

    def check() -> Actor:
        actor = bearer(message.token)
        if message.address and message.address.lower() != actor.address.lower():
            raise Denied("This token is not valid.", code="bad-token")
        return actor

    if await _judge(session, check):
        # RFC 7628 §3.2.3: the reason comes as a challenge; whatever the client answers, the login has failed.
        await session.reply(f"334 {_encoded(refusal('invalid_token', bearer.configuration))}")
        await session.command()
        await session.reply("535 5.7.8 This token is not valid.")


async def challenge(session: Session, text: str) -> str:
    """Ask, and return what is answered; raises Mistake when the client breaks off or answers no base64."""
    await session.reply(f"334 {_encoded(text)}")
    line = await session.command()
    if line is None or line == "*":
        raise Mistake("AUTH was broken off.", code="bad-auth")
    return decoded(line)


async def _judge(session: Session, check: Callable[[], Actor]) -> bool:
    """Log in if the check says who it is. True: it was refused, and how is still to be said.

    Raises Goodbye for a client that has tried too often.
    """
    gate = session.post.gate
    pause = gate.pause(session.client)
    if pause:
        raise Goodbye(f"421 4.7.0 Too many wrong logins; try again in {int(pause) + 1} seconds.")
    try:
        session.actor = await session.desk.work(check)
    except (Denied, Mistake, NotFound) as error:
        gate.failed(session.client)
        session.failed_logins += 1
        log.info("login refused for a client at %s", session.client)
        if session.failed_logins >= session.limits.failed_logins:
            raise Goodbye("421 4.7.0 Too many wrong logins.") from error
        if error.retry_after:
            await session.reply("454 4.7.0 Too many tries; wait.")
        return not error.retry_after
    except ZegelError:
        # RFC 4954 §6: a failure of ours must not make the program forget its user's password.
        await session.reply("454 4.7.0 We cannot check logins now; please try again later.")
        return False
    gate.succeeded(session.client)
    session.known_since = session.desk.loop.time()
    await session.reply("235 2.7.0 You have logged in.")
    return False


def decoded(text: str) -> str:
    """Text out of base64; ``=`` is the empty one (RFC 4954 §4). Raises Mistake."""
    try:
        return base64.b64decode(text if text != "=" else "", validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise Mistake("This is not base64 of UTF-8 text.", code="bad-auth") from None


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
