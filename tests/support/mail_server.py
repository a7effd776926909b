"""A small SMTP server, for tests that want to see what arrives."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage


@dataclass
class MailServer:
    """A small SMTP server in a thread; it keeps what it took and can refuse."""

    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[bytes] = field(default_factory=list)
    answer_to_recipient: str = "250 OK"
    port: int = 0

    def talk(self, client: socket.socket) -> None:
        """Speak with one client until it leaves."""
        with suppress(OSError), client, client.makefile("rb") as lines:
            client.sendall(b"220 here\r\n")
            while line := lines.readline():
                word = line[:4].upper()
                if word == b"DATA":
                    client.sendall(b"354 go on\r\n")
                    content = b""
                    while (part := lines.readline()) != b".\r\n":
                        if not part:
                            return  # cut off: not taken
                        content += part
                    parsed = message_from_bytes(content, policy=policy.default)
                    assert isinstance(parsed, EmailMessage)
                    self.mails.append(parsed)
                    client.sendall(b"250 taken\r\n")
                elif word == b"RCPT":
                    self.recipients.append(line.strip())
                    client.sendall(self.answer_to_recipient.encode() + b"\r\n")
                elif word == b"QUIT":
                    client.sendall(b"221 bye\r\n")
                    return
                else:
                    client.sendall(b"250 OK\r\n")


@contextmanager
def running(server: MailServer) -> Iterator[MailServer]:
    """Let a server answer, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]

        def serve() -> None:
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                server.talk(client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)
