"""Rules of mail as the courier writes and reads it: bytes in, bytes or a verdict out. Pure.

``verp``      the envelope sender that every notice gets of its own, and whose notice a bounce is about
``bounce``    what a mail that came back says: failed, delayed, an automatic answer …
``report``    a delivery status notification for the sender (RFC 3461, 3464), in plain words
``request``   asks the sender how readers show who they are
``written``   a mail as it goes over the wire
``moments``   dates in words
``dkim``      what a DKIM signature covers (RFC 6376, RFC 8463), and the header that carries it
"""
