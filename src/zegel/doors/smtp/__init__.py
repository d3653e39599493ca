"""The SMTP door (inside zone): takes mail from programs that cannot seal and hands it, part by part, to ``submit``.

``serve``         listens, and stops cleanly
``config``        what an organisation can set: listeners, and the limits on everything a stranger can send
``desk``          what sessions share: journeys and threads; and per listener, a gate and TLS
``stream``        the octets of one connection, in the clear or under TLS
``conversation``  one connection: the command loop
``session``       what is known of one client, and how it is answered
``greeting``      EHLO, STARTTLS and the small commands
``auth``          AUTH; ``oauthbearer`` is how a token is spelled
``logins``        passwords and tokens → an actor
``transaction``   MAIL and RCPT; ``parameters`` reads their arguments
``taking``        DATA; ``data`` is the octets up to the final dot (RFC 5321 §4.5.2), strict about line ends
``trust``         which servers may relay
``tls``           versions, ciphers, certificates
``slot``          one mail's place in the thread pool
``once``          a mail's name, by which one that is sent again is known
``intake``        one mail on its way in: feeds the MIME parser, then finishes or aborts the submission
``mime``          decides what of a mail is message, and what is attachment (``zegel.mime`` reads it)
``replies``       errors into SMTP replies
``gate``          how much one client may do at once

Nothing of a mail is written to disk unsealed: parts are decoded and sealed while they arrive.
"""
