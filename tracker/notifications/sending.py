"""Sending what the outbox holds: leased, rendered in the reader's language, retried, given up."""

import logging
import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, formataddr, getaddresses, parseaddr
from time import monotonic
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import idna
from flask import current_app, render_template
from sqlalchemy import or_, select, update

from tracker.accounts import demonstration
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.notifications.models import Message
from tracker.web.locale import in_locale

LEASE: Final = timedelta(minutes=5)
"""How long a worker may take over a batch before another one takes it up."""
PAUSES: Final = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 20, 40, 80, 160))
"""Before the second try, the third, …; then the last of them again and again."""
GIVEN_UP_AFTER: Final = timedelta(days=1)
TIMEOUT_S: Final = 20
PERMANENT: Final = range(500, 600)
"""SMTP answers that no second try changes."""
NOT_ONE_MAILBOX: Final = "not_one_mailbox"
"""Why a message is given up whose address nobody can write to; the page says it in words."""
SECRETS: Final = ("token", "link_salt")
"""What a payload forgets once it was sent."""
TIMES: Final = ("due_at", "answer_by", "visit_from", "visit_to", "expires_at")
DAYS: Final = ("parked_until",)
_PRIVATE = re.compile(r"(/(?:track|invitation|reset)/)[^\s/?#]+")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Letter:
    """A message as it is sent."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True, slots=True)
class Envelope:
    """What sending needs of a row, so that no session stays open while a server answers."""

    id: int
    kind: str
    address: str
    locale: str
    payload: dict[str, Any]
    message_key: str
    created_at: datetime
    wanted_at: datetime | None = None


class Refused(Exception):  # noqa: N818 - it is not an error of ours
    """The server says that it will never take this message."""


def send_due(*, now: datetime, limit: int = 20) -> int:
    """Send up to `limit` messages whose time has come; return how many were taken up.

    Two workers never take the same one: rows are leased. A lease that runs out means that the
    worker died; the message may then go out twice, with the same Message-ID.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if not settings.smtp_url and not demonstration.is_on():
        return 0  # nothing to send with: the outbox page says so
    envelopes = _lease(now=now, limit=limit)
    if not envelopes:
        return 0
    # By a clock that never jumps: a slow server must not outlast the lease.
    ends = monotonic() + LEASE.total_seconds() / 2
    with _server(settings) as server:
        for place, envelope in enumerate(envelopes):
            if monotonic() > ends:
                _give_back(envelopes[place:], now=now)
                return place
            _send(envelope, server, settings, now=now)
    return len(envelopes)


def letter(envelope: Envelope) -> Letter:
    """Return the message as its reader gets it. The first line of the template is the subject."""
    settings: Settings = current_app.config["SETTINGS"]
    # A request's context, so that links can be made; a worker has none of its own.
    with (
        current_app.test_request_context(base_url=settings.public_url),
        in_locale(envelope.locale),
    ):
        text = render_template(
            f"mail/{envelope.kind}.txt",
            public_url=settings.public_url,
            **{name: _thawed(name, value) for name, value in envelope.payload.items()},
        )
        subject, _, body = text.strip().partition("\n")
        paragraphs = [part.strip() for part in body.strip().split("\n\n") if part.strip()]
        html = render_template("mail/letter.html", subject=subject, paragraphs=paragraphs)
    # One line, whatever a name in it holds: what follows a line break would be a header of its own.
    return Letter(" ".join(subject.split()), "\n\n".join(paragraphs) + "\n", html)


def _thawed(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    """Return a time or day of a payload, which JSON keeps as text."""
    if not isinstance(value, str):
        return value
    if name in TIMES:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if name in DAYS else value


def without_private_links(text: str) -> str:
    """Return `text` with every one-time and private link made useless."""
    return _PRIVATE.sub(r"\1…", text)


def _lease(*, now: datetime, limit: int) -> Sequence[Envelope]:
    with transaction():
        messages = db.session.scalars(
            select(Message)
            .where(
                Message.sent_at.is_(None),
                Message.failed_at.is_(None),
                Message.run_at <= now,
                or_(Message.leased_until.is_(None), Message.leased_until <= now),
            )
            .order_by(Message.run_at, Message.id)
            .limit(limit)
            .with_for_update(skip_locked=True)  # SQLite: the transaction holds the only lock
        ).all()
        for message in messages:
            message.leased_until = now + LEASE
            message.attempts += 1
        return [
            Envelope(
                id=message.id,
                kind=message.kind,
                address=message.address,
                locale=message.locale,
                payload=dict(message.payload),
                message_key=message.message_key,
                created_at=message.created_at,
                wanted_at=message.wanted_at,
            )
            for message in messages
        ]


def _give_back(envelopes: Sequence[Envelope], *, now: datetime) -> None:
    """Let whoever comes next take up what was not tried."""
    with transaction():
        db.session.execute(
            update(Message)
            .where(
                Message.id.in_([envelope.id for envelope in envelopes]),
                Message.leased_until == now + LEASE,
            )
            .values(leased_until=None, attempts=Message.attempts - 1)
        )


def _send(
    envelope: Envelope,
    server: smtplib.SMTP | Exception | None,
    settings: Settings,
    *,
    now: datetime,
) -> None:
    try:
        written = letter(envelope)
        mail = _mail(envelope, written, settings, now=now)
        if server is not None:
            _hand_over(server, mail)
    except (OSError, smtplib.SMTPException) as error:
        _postpone(envelope, error, now=now)
    except Refused as refused:
        _give_up(envelope, str(refused), now=now)
    except Exception as error:  # noqa: BLE001 - one template must not stop the others
        _log.exception("Message %s (%s) cannot be written.", envelope.id, envelope.kind)
        _postpone(envelope, error, now=now)
    else:
        _note_sent(envelope, written, keeps_links=server is None, now=now)


def _mail(
    envelope: Envelope, written: Letter, settings: Settings, *, now: datetime
) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = formataddr(parseaddr(settings.mail_from))
    mail["To"] = _mailbox(envelope.address)
    mail["Subject"] = written.subject
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{envelope.message_key}@{_domain(settings)}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(written.text)
    mail.add_alternative(written.html, subtype="html")
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


def _hand_over(server: smtplib.SMTP | Exception, mail: EmailMessage) -> None:
    """Give the mail to the server; raise `Refused` when it will never take it."""
    if isinstance(server, Exception):
        raise server
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


def _note_sent(envelope: Envelope, written: Letter, *, keeps_links: bool, now: datetime) -> None:
    with transaction():
        message = db.session.get_one(Message, envelope.id)
        message.sent_at = now
        message.leased_until = None
        message.last_error = ""
        message.subject = written.subject[:200]
        # On the demonstration's page links must work; elsewhere nobody else may use them.
        message.body = written.text if keeps_links else without_private_links(written.text)
        message.payload = {
            name: value for name, value in envelope.payload.items() if name not in SECRETS
        }


def _postpone(envelope: Envelope, error: Exception, *, now: datetime) -> None:
    if now - (envelope.wanted_at or envelope.created_at) >= GIVEN_UP_AFTER:
        _give_up(envelope, _summary(error), now=now)
        return
    with transaction():
        message = db.session.get_one(Message, envelope.id)
        message.run_at = now + PAUSES[min(message.attempts, len(PAUSES)) - 1]
        message.leased_until = None
        message.last_error = _summary(error)


def _give_up(envelope: Envelope, reason: str, *, now: datetime) -> None:
    with transaction():
        message = db.session.get_one(Message, envelope.id)
        message.failed_at = now
        message.leased_until = None
        message.last_error = reason[:500]
    _log.warning("Message %s (%s) is given up: %s", envelope.id, envelope.kind, reason)


def _summary(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return _said(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"[:500]


@contextmanager
def _server(settings: Settings) -> Iterator[smtplib.SMTP | Exception | None]:
    """Give a connection for one batch; the exception when there is none; None in a demo."""
    if not settings.smtp_url:
        yield None
        return
    try:
        server = _connected(settings.smtp_url, own_name=_domain(settings))
    except (OSError, smtplib.SMTPException) as error:
        yield error
        return
    try:
        yield server
    finally:
        try:
            server.quit()
        except (OSError, smtplib.SMTPException):
            server.close()


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
