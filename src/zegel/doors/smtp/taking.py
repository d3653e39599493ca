"""DATA: one mail off the wire, into whoever takes it, and the reply that it earns (RFC 5321 §4.1.1.4)."""

import asyncio
from functools import partial

from zegel.doors.smtp.data import DataReader
from zegel.doors.smtp.intake import Envelope
from zegel.doors.smtp.session import Goodbye, Session, Transaction
from zegel.doors.smtp.slot import BounceSlot, MailSlot, Slot

_FAULTS = {
    "bare-line-end": "554 5.6.0 A line of this mail ends with a bare CR or LF; only CRLF is allowed.",
    "long-line": "554 5.6.0 A line of this mail is longer than {line} bytes.",
    "too-large": "552 5.3.4 A mail has at most {message} bytes.",
}


async def data(session: Session, argument: str) -> None:
    transaction = session.transaction
    if argument:
        await session.reply("501 5.5.4 Syntax: DATA")
        return
    if transaction is None or not transaction.recipients:
        await session.reply("503 5.5.1 Say MAIL and RCPT first.")
        return
    if not session.stream.empty:
        # RFC 2920 §3.1: DATA is the last command of a group. What follows would be read as mail by one server
        # and as commands by another.
        raise Goodbye("554 5.5.1 Wait for 354 before you send the mail.")
    session.transaction = None
    session.taking = True
    try:
        await session.reply("354 End the mail with CRLF.CRLF")
        await _take(session, _slot(session, transaction))
    finally:
        session.taking = False


def _slot(session: Session, transaction: Transaction) -> Slot:
    asked = transaction.mail
    if transaction.bounce:
        return BounceSlot(session.desk, asked.address, tuple(transaction.recipients))
    journeys, listener = session.desk.journeys, session.listener.kind
    author = partial(journeys.authors.author, session.actor)
    if listener == "incoming" and journeys.incoming:
        author = partial(journeys.incoming.author, asked.address)
    envelope = Envelope(
        author=author,
        recipients=tuple(transaction.recipients.values()),
        listener=listener,
        size=asked.size or None,
    )
    return MailSlot(session.desk, envelope)


async def _take(session: Session, slot: Slot) -> None:
    limits = session.limits
    reader = DataReader(limits.message_bytes, limits.line_bytes)
    try:
        await _read(session, reader, slot)
    except TimeoutError:
        slot.break_off()
        raise Goodbye("421 4.4.2 This mail takes too long; please try again later.") from None
    except BaseException:
        slot.break_off()
        raise
    if reader.fault:
        slot.break_off()
        await session.reply(_FAULTS[reader.fault].format(line=limits.line_bytes, message=limits.message_bytes))
        return
    session.finishing = True
    try:
        reply = await slot.finish()
    finally:
        session.finishing = False
    await session.reply(reply)


async def _read(session: Session, reader: DataReader, slot: Slot) -> None:
    """Read to the end of the mail; raises TimeoutError for one that drips, Gone, Goodbye.

    A mail may take ``data_grace_seconds`` and, for all that has come, the time of the slowest allowed line; no more
    than ``data_seconds`` in all, and no silence of ``idle_seconds``.
    """
    limits, loop = session.limits, session.desk.loop
    began = loop.time()
    pieces: list[bytes] = []
    waiting = 0
    async with asyncio.timeout_at(began) as deadline:
        while not reader.done:
            allowed = limits.data_grace_seconds + reader.size / limits.data_bytes_per_second
            until = min(began + min(allowed, limits.data_seconds), loop.time() + limits.idle_seconds)
            deadline.reschedule(until)
            piece = reader.feed(await session.stream.piece())
            if reader.fault == "too-large" and reader.size > 2 * limits.message_bytes:
                raise Goodbye(_FAULTS["too-large"].format(message=limits.message_bytes))
            pieces.append(piece)
            waiting += len(piece)
            if waiting >= limits.chunk_bytes or reader.fault:
                await slot.feed(b"".join(pieces))
                pieces, waiting = [], 0
    session.stream.put_back(reader.rest)
    slot.last = b"".join(pieces)
