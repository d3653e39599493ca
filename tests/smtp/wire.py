"""SMTP by hand: what no well-behaved client would send."""

import base64
import re
import socket
import ssl
from types import TracebackType

from tests.smtp.ground import PASSWORD, READER, SENDER


class Wire:
    """A connection; :meth:`say` sends a line and returns the whole reply, one string with LF between lines."""

    def __init__(self, port: int, timeout: float = 60):
        self.socket: socket.socket = socket.create_connection(("127.0.0.1", port), timeout)
        self._in = b""
        self.greeting = self.reply()

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def say(self, line: str) -> str:
        self.send(line.encode() + b"\r\n")
        return self.reply()

    def reply(self) -> str:
        lines: list[str] = []
        while True:
            while b"\n" not in self._in:
                data = self.socket.recv(65536)
                if not data:
                    return "\n".join([*lines, self._in.decode()])
                self._in += data
            line, self._in = self._in.split(b"\n", 1)
            lines.append(line.decode().rstrip("\r"))
            if re.match(r"\d{3} ", lines[-1]):
                return "\n".join(lines)

    def closed(self) -> bool:
        """Wait until the other side has closed; what it still said is dropped."""
        try:
            while self.socket.recv(65536):
                pass
        except ConnectionError:
            pass
        return True

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.socket = context.wrap_socket(self.socket, server_hostname="localhost")

    def login(self) -> "Wire":
        assert self.say("EHLO client.example").startswith("250")
        secret = base64.b64encode(f"\0{SENDER}\0{PASSWORD}".encode()).decode()
        assert self.say(f"AUTH PLAIN {secret}").startswith("235 2.7.0")
        return self

    def begin(self, *readers: str, sender: str = SENDER) -> "Wire":
        """Up to the 354."""
        reply = self.say(f"MAIL FROM:<{sender}>")
        assert reply.startswith("250 2.1.0"), reply
        for reader in readers or (READER,):
            assert self.say(f"RCPT TO:<{reader}>").startswith("250 2.1.5")
        assert self.say("DATA").startswith("354")
        return self

    def deliver(self, raw: bytes, *readers: str, sender: str = SENDER) -> str:
        """Send one whole mail; returns the reply to its final dot."""
        self.begin(*readers, sender=sender)
        stuffed = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
        if not stuffed.endswith(b"\r\n") and stuffed:
            stuffed += b"\r\n"
        self.send(stuffed + b".\r\n")
        return self.reply()
