"""One connection from its greeting to its end: the command loop (RFC 5321 §4).

Only CRLF ends a command, replies say nothing of our inside, and no line of a client is ever logged: it may be a
password that came too early.
"""

import logging
from collections.abc import Awaitable, Callable

from zegel.doors.smtp import auth, greeting, taking, transaction
from zegel.doors.smtp.desk import Post
from zegel.doors.smtp.replies import TRY_LATER, reply_to
from zegel.doors.smtp.session import Goodbye, Session
from zegel.doors.smtp.stream import Gone, Stream
from zegel.errors import ZegelError

log = logging.getLogger(__name__)

_COMMANDS: dict[str, Callable[[Session, str], Awaitable[None]]] = {
    "EHLO": greeting.ehlo,
    "HELO": greeting.helo,
    "STARTTLS": greeting.starttls,
    "AUTH": auth.auth,
    "MAIL": transaction.mail,
    "RCPT": transaction.rcpt,
    "DATA": taking.data,
    "RSET": greeting.rset,
    "NOOP": greeting.noop,
    "QUIT": greeting.quit_,
    "HELP": greeting.help_,
    "VRFY": greeting.vrfy,
    "EXPN": greeting.expn,
}


async def converse(post: Post, stream: Stream) -> None:
    """Serve one client on one listener until it or we have had enough."""
    session = Session(post, stream)
    if not post.gate.enter(session.client):
        stream.last_words(b"421 4.7.0 Too many sessions; please try again later.\r\n")
        return
    post.desk.sessions.add(session)
    deadline = post.desk.loop.call_later(session.limits.session_seconds, session.say_goodbye, "the session is too long")
    try:
        await _commands(session)
    except Goodbye as goodbye:
        stream.last_words(goodbye.reply.encode() + b"\r\n")
    except Gone:
        pass
    finally:
        deadline.cancel()
        post.desk.sessions.discard(session)
        post.gate.leave(session.client)


async def _commands(session: Session) -> None:
    if session.listener.tls == "implicit" and session.post.tls is not None:
        await session.stream.start_tls(session.post.tls.context(), session.limits.handshake_seconds)
    if session.desk.stopping:
        raise Goodbye("421 4.3.2 This server is stopping; please try again later.")
    await session.reply(f"220 {session.hostname} ESMTP Zegel")
    for _ in range(session.limits.commands):
        line = await session.command()
        if line is None:
            await session.reply("500 5.5.2 This is no command: its end, its length or its characters are wrong.")
        else:
            command, _, argument = line.partition(" ")
            await _run(session, command.upper(), argument.strip())
        if session.desk.stopping:
            raise Goodbye("421 4.3.2 This server is stopping; please try again later.")
    raise Goodbye("421 4.7.0 Too many commands in one session.")


async def _run(session: Session, command: str, argument: str) -> None:
    handler = _COMMANDS.get(command)
    if handler is None:
        # The word is not repeated or logged: it may be a password that came too early.
        await session.reply("500 5.5.1 This command is unknown.")
        return
    try:
        await handler(session, argument)
    except ZegelError as error:
        await session.reply(reply_to(error))
    except (Goodbye, Gone):
        raise
    except Exception:
        log.exception("an SMTP command failed")
        await session.reply(TRY_LATER)
