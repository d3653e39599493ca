"""EHLO, STARTTLS and the small commands (RFC 5321, 3207, 2034)."""

from zegel.doors.smtp.session import Goodbye, Session


async def ehlo(session: Session, argument: str) -> None:
    if not argument:
        await session.reply("501 5.5.4 Syntax: EHLO hostname")
        return
    session.transaction = None
    session.greeted = "EHLO"
    lines = [session.hostname, f"SIZE {session.limits.message_bytes}", "8BITMIME", "SMTPUTF8", "PIPELINING"]
    lines.append("ENHANCEDSTATUSCODES")
    if session.listener.kind != "incoming":
        lines.append("DSN")
    if session.offers_tls:
        lines.append("STARTTLS")
    if session.offers_login:
        lines.append("AUTH " + " ".join(session.desk.mechanisms))
    lines.append("HELP")
    await session.reply("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))


async def helo(session: Session, argument: str) -> None:
    if not argument:
        await session.reply("501 5.5.4 Syntax: HELO hostname")
        return
    session.transaction = None
    session.greeted = "HELO"
    await session.reply(f"250 {session.hostname}")


async def starttls(session: Session, argument: str) -> None:
    if argument:
        await session.reply("501 5.5.4 Syntax: STARTTLS")
        return
    if not session.stream.empty:
        # RFC 3207 §4: nothing may follow STARTTLS in the clear. Whoever sends it tries to inject commands.
        raise Goodbye("554 5.5.1 Nothing may follow STARTTLS before TLS is on.")
    if session.stream.tls is not None:
        await session.reply("503 5.5.1 TLS is already on.")
        return
    if session.post.tls is None:
        await session.reply("502 5.5.1 TLS is not offered here.")
        return
    context = session.post.tls.context()
    await session.stream.start_tls(context, session.limits.handshake_seconds, b"220 2.0.0 Ready for TLS\r\n")
    session.forget()


async def noop(session: Session, argument: str) -> None:
    await session.reply("250 2.0.0 OK")


async def rset(session: Session, argument: str) -> None:
    if argument:
        await session.reply("501 5.5.4 Syntax: RSET")
        return
    session.transaction = None
    await session.reply("250 2.0.0 OK")


async def quit_(session: Session, argument: str) -> None:
    if argument:
        await session.reply("501 5.5.4 Syntax: QUIT")
        return
    raise Goodbye("221 2.0.0 Bye")


async def help_(session: Session, argument: str) -> None:
    await session.reply("214 2.0.0 Commands: EHLO HELO STARTTLS AUTH MAIL RCPT DATA RSET NOOP QUIT")


async def vrfy(session: Session, argument: str) -> None:
    await session.reply("252 2.5.0 Send the mail and we shall see.")


async def expn(session: Session, argument: str) -> None:
    await session.reply("502 5.5.1 EXPN is not offered.")
