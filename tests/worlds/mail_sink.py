"""A mail server that keeps what it receives, for tests of a Directus that sends mail to it."""

from __future__ import annotations

import email
import html
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email import policy
from email.message import EmailMessage
from socketserver import StreamRequestHandler, ThreadingTCPServer
from urllib.parse import parse_qs, urlsplit

_LINK = re.compile(r"https?://[^\s\"'<>]+")
_PATIENCE = 30.0


class MailSink:
    """Receives mails by SMTP on a loopback port, and lets a test wait for them."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self._arrived = threading.Condition()
        self._server = _Server(("127.0.0.1", 0), _Session)
        self._server.sink = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """The settings with which a Directus sends its mails here."""
        return {
            "EMAIL_TRANSPORT": "smtp",
            "EMAIL_SMTP_HOST": "127.0.0.1",
            "EMAIL_SMTP_PORT": str(self._server.server_address[1]),
            "EMAIL_SMTP_IGNORE_TLS": "true",
        }

    def receive(self, mail: EmailMessage) -> None:
        with self._arrived:
            self.mails.append(mail)
            self._arrived.notify_all()

    def take(self, address: str) -> EmailMessage:
        """Wait for a mail to an address, and take it out."""
        deadline = time.monotonic() + _PATIENCE
        with self._arrived:
            while True:
                for mail in self.mails:
                    if str(mail["To"]).lower() == address.lower():
                        self.mails.remove(mail)
                        return mail
                left = deadline - time.monotonic()
                assert self._arrived.wait(left), f"no mail to {address}; {[str(m['To']) for m in self.mails]}"

    def token(self, address: str, page: str) -> str:
        """Take a mail to an address, and return the token in its link to a page."""
        body = take_body(self.take(address))
        links = [link for link in map(html.unescape, _LINK.findall(body)) if "token=" in link]
        assert links
        assert {link.split("?")[0] for link in links} == {page}
        return parse_qs(urlsplit(links[0]).query)["token"][0]

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@contextmanager
def mail_sink() -> Iterator[MailSink]:
    """A mail server while the block runs."""
    sink = MailSink()
    try:
        yield sink
    finally:
        sink.stop()


def take_body(mail: EmailMessage) -> str:
    """Return the text of a mail, HTML or plain."""
    part = mail.get_body(("html", "plain"))
    assert part is not None
    return str(part.get_content())


class _Server(ThreadingTCPServer):
    daemon_threads = True
    sink: MailSink


class _Session(StreamRequestHandler):
    """As much of SMTP as a client needs that neither encrypts nor logs in."""

    server: _Server

    def handle(self) -> None:
        self._answer("220 sink")
        while line := self.rfile.readline():
            match line.strip().upper().split(b" ")[0]:
                case b"DATA":
                    self._answer("354 go on")
                    self.server.sink.receive(self._message())
                    self._answer("250 kept")
                case b"QUIT":
                    self._answer("221 bye")
                    return
                case _:
                    self._answer("250 fine")

    def _message(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) not in {b".\r\n", b""}:
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return email.message_from_bytes(b"".join(lines), EmailMessage, policy=policy.default)

    def _answer(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())
