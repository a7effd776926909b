"""E-mail: over an SMTP server, or on to the page of a demonstration."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, getaddresses, parseaddr
from typing import Final
from urllib.parse import unquote, urlsplit

import idna

from tracker.accounts import demonstration
from tracker.config import Settings
from tracker.notifications.channels.carrier import Delayed, Line, Refused
from tracker.notifications.letters import Envelope, Letter, without_private_links

TIMEOUT_S: Final = 20
PERMANENT: Final = range(500, 600)
"""SMTP answers that no second try changes."""
NOT_ONE_MAILBOX: Final = "not_one_mailbox"
"""Why a message is given up whose address nobody can write to; the page says it in words."""


class Email:
    """Mail. A demonstration without a server lays it on a page instead."""

    def is_ready(self, settings: Settings) -> bool:
        """Tell whether there is a server, or a page to lay mail on."""
        return bool(settings.smtp_url) or demonstration.is_on()

    @contextmanager
    def line(self, settings: Settings) -> Iterator[Line]:
        """Open a connection for one batch. Raises `Delayed` when the server does not answer."""
        if not settings.smtp_url:
            yield _OntoThePage()
            return
        try:
            server = _connected(settings.smtp_url, own_name=_domain(settings))
        except (OSError, smtplib.SMTPException) as error:
            raise Delayed(_summary(error)) from error
        try:
            yield _OverServer(server, settings)
        finally:
            try:
                server.quit()
            except (OSError, smtplib.SMTPException):
                server.close()


class _OntoThePage:
    """What a demonstration sends stands on a page, with links that work."""

    def deliver(self, envelope: Envelope, letter: Letter, *, now: datetime) -> None:
        """Leave it where it is: the page shows what was sent."""

    def kept(self, letter: Letter) -> str:
        """Return its plain text, with its links."""
        return letter.text


class _OverServer:
    """One connection to a server."""

    def __init__(self, server: smtplib.SMTP, settings: Settings) -> None:
        self._server = server
        self._settings = settings

    def deliver(self, envelope: Envelope, letter: Letter, *, now: datetime) -> None:
        """Give the mail to the server. Raises `Refused`, `Delayed`."""
        mail = written(envelope, letter, self._settings, now=now)
        try:
            _hand_over(self._server, mail)
        except (OSError, smtplib.SMTPException) as error:
            raise Delayed(_summary(error)) from error

    def kept(self, letter: Letter) -> str:
        """Return its plain text."""
        return without_private_links(letter.text)


def written(
    envelope: Envelope, letter: Letter, settings: Settings, *, now: datetime
) -> EmailMessage:
    """Return a message as the mail that goes out. Raises `Refused` for what is not one mailbox."""
    mail = EmailMessage()
    mail["From"] = formataddr(parseaddr(settings.mail_from))
    mail["To"] = _mailbox(envelope.address)
    mail["Subject"] = letter.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{envelope.message_key}@{_domain(settings)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(letter.text)
    mail.add_alternative(letter.html, subtype="html")
    return mail


def _mailbox(address: str) -> Address:
    """Return whom to write to; raise `Refused` when that is nobody, or more than one."""
    name, _at, domain = address.rpartition("@")
    try:
        mailbox = Address(addr_spec=f"{name}@{_spelt_for_servers(domain)}")
    except (ValueError, IndexError, HeaderParseError) as error:
        raise Refused(NOT_ONE_MAILBOX) from error
    # What is written into a header is read by others: to them, too, it must be one mailbox.
    if "=?" in address or getaddresses([str(mailbox)]) != [("", mailbox.addr_spec)]:
        raise Refused(NOT_ONE_MAILBOX)
    return mailbox


def _spelt_for_servers(domain: str) -> str:
    """Return a domain in ASCII, by the rules (IDNA 2008) of what checked the address.

    Python's own older ones make another domain of some: strasse.de of straße.de.
    """
    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode()


def _domain(settings: Settings) -> str:
    return parseaddr(settings.mail_from)[1].partition("@")[2] or "localhost"


def _hand_over(server: smtplib.SMTP, mail: EmailMessage) -> None:
    """Give the mail to the server; raise `Refused` when it will never take it."""
    try:
        server.send_message(mail, to_addrs=[mail["To"].addresses[0].addr_spec])
    except smtplib.SMTPRecipientsRefused as refused:
        code, words = next(iter(refused.recipients.values()))
        if code in PERMANENT:
            raise Refused(_said(code, words)) from refused
        raise
    except smtplib.SMTPNotSupportedError as refused:  # letters that the server cannot write
        raise Refused(NOT_ONE_MAILBOX) from refused
    except smtplib.SMTPResponseException as answer:
        if answer.smtp_code in PERMANENT and not isinstance(
            answer, smtplib.SMTPAuthenticationError | smtplib.SMTPConnectError
        ):
            raise Refused(_said(answer.smtp_code, answer.smtp_error)) from answer
        raise


def _said(code: int, words: bytes | str) -> str:
    said = words.decode(errors="replace") if isinstance(words, bytes) else words
    return f"{code} {said}"[:500]


def _summary(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"[:500]


def _connected(smtp_url: str, *, own_name: str) -> smtplib.SMTP:
    """Return a connection: `smtps` encrypted from the start, `smtp` by STARTTLS when offered.

    `own_name` is how we greet; otherwise Python asks the resolver for this machine's name.
    """
    address = urlsplit(smtp_url)
    host, secure = address.hostname or "localhost", ssl.create_default_context()
    if address.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, address.port or 465, own_name, timeout=TIMEOUT_S, context=secure
        )
    else:
        server = smtplib.SMTP(host, address.port or 587, own_name, timeout=TIMEOUT_S)
        server.ehlo()
        if server.has_extn("starttls"):
            server.starttls(context=secure)
            server.ehlo()
    if address.username:
        server.login(unquote(address.username), unquote(address.password or ""))
    return server
