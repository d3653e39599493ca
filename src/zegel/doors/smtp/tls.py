"""TLS of one listener: versions, ciphers, client certificates, and a renewed certificate without a restart.

As the NCSC's guideline asks (ICT-beveiligingsrichtlijnen voor TLS, 2025-05): TLS 1.3, and 1.2 with what it calls good.
Key exchange is what OpenSSL offers by itself: with OpenSSL 3.5 or later that begins with X25519MLKEM768.
"""

import logging
import os
import ssl
from pathlib import Path

from zegel.doors.smtp.config import Listener

log = logging.getLogger(__name__)
_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""For TLS 1.2; those of 1.3 are all good."""


class ServerTls:
    """Gives the context for the next handshake; the files are looked at again each time."""

    def __init__(self, listener: Listener):
        self._listener = listener
        self._stamp = self._look()
        self._context = _context(listener)

    def context(self) -> ssl.SSLContext:
        """The context of now: files that changed are read again, and those that cannot be read change nothing."""
        stamp = self._look()
        if stamp != self._stamp:
            try:
                self._context = _context(self._listener)
            except (OSError, ssl.SSLError) as error:
                # Certificate and key are two files: between the two writes they do not fit, a moment later they do.
                log.warning("the TLS certificate cannot be read again: %s", type(error).__name__)
            else:
                self._stamp = stamp
                log.info("the TLS certificate was read again")
        return self._context

    def _look(self) -> tuple[tuple[int, int, int], ...]:
        found = []
        for path in (self._listener.certificate, self._listener.private_key, self._listener.client_ca):
            try:
                facts = os.stat(path or Path())
                found.append((facts.st_mtime_ns, facts.st_size, facts.st_ino))
            except OSError:
                found.append((0, 0, 0))
        return tuple(found)


def _context(listener: Listener) -> ssl.SSLContext:
    assert listener.certificate is not None  # noqa: S101  (Listener.check)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    # No resumption: every session shows its certificate anew, and no ticket key lives as long as the process.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.options |= ssl.OP_NO_COMPRESSION
    context.num_tickets = 0
    context.set_ciphers(_CIPHERS)
    context.load_cert_chain(listener.certificate, listener.private_key)
    if listener.client_ca:
        # Asked for, not demanded: with ``require = any`` an address may do, and a refusal in SMTP can be understood.
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(listener.client_ca)
    return context


def certified_names(tls: ssl.SSLObject | None) -> frozenset[str] | None:
    """The host names in the client's verified certificate, in lower case; None when it showed none."""
    facts = tls.getpeercert() if tls else None
    if not facts:
        return None
    names = facts.get("subjectAltName", ())
    return frozenset(str(name[1]).lower() for name in names if name[0] == "DNS")
