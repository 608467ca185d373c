"""A mail server of a few lines that keeps what it is sent."""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import default
from typing import TypeVar

Server = TypeVar("Server", bound=socketserver.TCPServer)


class Mailbox(socketserver.ThreadingTCPServer):
    """A mail server (RFC 5321, without TLS): who was written to, and subject, recipient and text of each mail."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, str]] = []
        self.commands: list[str] = []
        super().__init__(("127.0.0.1", 0), _Session)
        self.address = f"127.0.0.1:{self.server_address[1]}"
        self.url = f"smtp://{self.address}"


class _Session(socketserver.StreamRequestHandler):
    server: Mailbox

    def handle(self) -> None:
        recipient = ""
        self.wfile.write(b"220 here\r\n")
        while line := self.rfile.readline():
            command = line.decode().strip().upper()
            self.server.commands.append(command)
            if command == "DATA":
                self.wfile.write(b"354 go on\r\n")
                lines = list(iter(self.rfile.readline, b".\r\n"))
                mail = message_from_bytes(b"".join(lines), policy=default)
                body = mail.get_body(("plain", "html"))
                assert body is not None
                self.server.mails.append((recipient, f"{mail['Subject']}\nTo: {mail['To']}\n{body.get_content()}"))
            elif command.startswith("RCPT"):
                recipient = command.lower()
            self.wfile.write(b"221 bye\r\n" if command == "QUIT" else b"250 ok\r\n")


@contextmanager
def served(server: Server) -> Iterator[Server]:
    """Let a server of the standard library serve in the background while the block runs."""
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    with server:
        yield server
        server.shutdown()
