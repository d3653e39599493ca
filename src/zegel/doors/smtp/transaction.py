"""MAIL and RCPT: who sends, to whom, and what of it is taken (RFC 5321 §4.1.1, 3461, 6531)."""

from dataclasses import replace

from zegel.doors.smtp.intake import Recipient
from zegel.doors.smtp.parameters import MailParameters, RcptParameters, read_mail, read_rcpt
from zegel.doors.smtp.session import Goodbye, Session, Transaction
from zegel.errors import Denied, Mistake
from zegel.parcels.addresses import checked_address
from zegel.parcels.notify import SILENT, Notify


async def mail(session: Session, argument: str) -> None:
    refusal = _not_now(session)
    if refusal:
        await session.reply(refusal)
        return
    asked = read_mail(argument)
    if asked.size > session.limits.message_bytes:
        await session.reply(f"552 5.3.4 A mail has at most {session.limits.message_bytes} bytes.")
        return
    if asked.address:
        asked = replace(asked, address=checked_address(asked.address))
        _check_characters(asked.address, asked)
    await _look_up_again(session)
    await _check_sender(session, asked)
    if not session.post.gate.mail(session.client):
        await session.reply("451 4.7.1 Too many mails in a minute; please try again later.")
        return
    session.transaction = Transaction(asked)
    await session.reply("250 2.1.0 Sender accepted.")


def _not_now(session: Session) -> str:
    """Why no mail can begin now; empty when it can."""
    if not session.greeted:
        return "503 5.5.1 Say EHLO first."
    if session.transaction:
        return "503 5.5.1 One MAIL at a time."
    if session.listener.kind == "submission" and session.actor is None:
        return "530 5.7.0 Log in first."
    if session.listener.kind == "relay":
        if not session.secure:
            return "530 5.7.0 Use STARTTLS first."
        if not session.trusted:
            return "550 5.7.1 This server relays for its own mail servers only."
    return ""


async def _look_up_again(session: Session) -> None:
    """An account that is closed sends no more, also where it had logged in; the program must ask for a new password."""
    now = session.desk.loop.time()
    if session.actor is None or now - session.known_since < session.limits.login_seconds:
        return
    if not await session.desk.work(session.desk.journeys.authors.is_current, session.actor):
        raise Goodbye("421 4.7.0 Log in again.")
    session.known_since = now


async def _check_sender(session: Session, asked: MailParameters) -> None:
    """An account sends as itself and whom it may stand for. A relayed mail is judged by its header From."""
    actor = session.actor
    if session.listener.kind != "submission" or actor is None or asked.address.lower() == actor.address.lower():
        return
    if not asked.address:
        raise Denied("You may only send as {address}.", code="foreign-sender", address=actor.address)
    await session.desk.work(session.desk.journeys.authors.author, actor, ((" ", asked.address),))


def _check_characters(address: str, asked: MailParameters) -> None:
    """RFC 6531 §3.2: an address beyond ASCII goes with SMTPUTF8 only."""
    if not address.isascii() and not asked.utf8:
        raise Mistake("This address needs SMTPUTF8.", code="needs-smtputf8")


async def rcpt(session: Session, argument: str) -> None:
    transaction = session.transaction
    if transaction is None:
        await session.reply("503 5.5.1 Say MAIL first.")
        return
    asked = read_rcpt(argument)
    address = checked_address(asked.address)
    _check_characters(address, transaction.mail)
    refusal = await _check_bounce(session, transaction, address)
    if refusal:
        await session.reply(refusal)
        return
    if len(transaction.recipients) >= session.limits.recipients:
        # RFC 5321 §4.5.3.1.10: the client sends the mail again to the others.
        await session.reply("452 4.5.3 Too many recipients in one mail.")
        return
    if not session.post.gate.recipient(session.client):
        await session.reply("451 4.7.1 Too many recipients in a minute; please try again later.")
        return
    transaction.recipients.setdefault(address, Recipient(address, _notify(asked, transaction.mail)))
    if session.desk.journeys.ways and not transaction.bounce:
        session.desk.journeys.ways.prepare(address)
    await session.reply("250 2.1.5 Recipient accepted.")


async def _check_bounce(session: Session, transaction: Transaction, address: str) -> str:
    """Bounces and mail do not go together: the client sends the others again. Strangers may send the former only."""
    bounces = session.desk.journeys.bounces
    bounce = False
    if bounces is not None and session.listener.kind != "submission":
        bounce = bounces.is_bounce_address(address)
        if bounce:
            await session.desk.work(bounces.check, address)
    if session.listener.kind == "incoming" and not bounce:
        incoming = session.desk.journeys.incoming
        if incoming is None or not incoming.is_mailbox(address):
            return "550 5.7.1 Relay refused: nobody here has this address."
        await session.desk.work(incoming.check, address)
    if transaction.recipients and transaction.bounce != bounce:
        return "452 4.5.3 Send the mail to this recipient by itself."
    transaction.bounce = bounce
    return ""


def _notify(asked: RcptParameters, mail: MailParameters) -> Notify:
    if not mail.address:
        # Nobody is told what became of a mail without a return address (RFC 5321 §4.5.5).
        return Notify(failure=False, asked=True)
    if not (asked.notify or asked.orcpt or mail.envid):
        return SILENT
    words = asked.notify
    return Notify(
        success="SUCCESS" in words,
        failure="FAILURE" in words or not words,
        delay="DELAY" in words,
        asked=bool(words),
        envid=mail.envid,
        orcpt=asked.orcpt,
    )
