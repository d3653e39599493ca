"""The SMTP door (inside zone): takes mail from programs that cannot seal and hands it, part by part, to ``submit``.

``serve``     listens, and stops cleanly
``config``    what an organisation can set, and the limits on everything a stranger can send
``session``   one connection: commands and replies (aiosmtpd, hardened)
``data``      the octets between DATA and the final dot (RFC 5321 §4.5.2), strict about line ends
``intake``    one mail on its way in: feeds the MIME parser, then finishes or aborts the submission
``mime``      decides what of a mail is message, and what is attachment (the room ``zegel.mime`` reads it)
``wishes``    the ``Zegel-…`` headers: who must show what, class, expiry, language
``replies``   errors into SMTP replies
``gate``      how much one client may do at once

Nothing of a mail is written to disk unsealed: parts are decoded and sealed while they arrive.
"""
