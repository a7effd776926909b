"""What is to be sent, written with the change that causes it; and what ran when."""

import enum
from datetime import datetime, time
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import Model
from tracker.notifications.timing import Rhythm, Wishes


class Channel(enum.StrEnum):
    """How a message travels."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"
    TEXT_MESSAGE = "text_message"


class Message(Model):
    """One message to one recipient: the transactional outbox.

    Sent when `sent_at` is set; given up when `failed_at` is set; otherwise due at `run_at`, and
    being sent by some worker while `leased_until` lies ahead.
    """

    __tablename__ = "message"
    __table_args__ = (
        Index(
            "ix_message_to_send",
            "channel",
            "run_at",
            sqlite_where=text("sent_at IS NULL AND failed_at IS NULL"),
            postgresql_where=text("sent_at IS NULL AND failed_at IS NULL"),
        ),
        Index(
            "ix_message_given_up",
            "id",
            sqlite_where=text("failed_at IS NOT NULL"),
            postgresql_where=text("failed_at IS NOT NULL"),
        ),
        Index(
            "ix_message_sent_with_id",
            "sent_with_id",
            sqlite_where=text("sent_with_id IS NOT NULL"),
            postgresql_where=text("sent_with_id IS NOT NULL"),
        ),
        Index(
            "ix_message_same_reader",
            "address",
            sqlite_where=text("sent_at IS NULL AND failed_at IS NULL"),
            postgresql_where=text("sent_at IS NULL AND failed_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    channel: Mapped[Channel] = mapped_column(default=Channel.EMAIL)
    kind: Mapped[str] = mapped_column(String(40))
    """Which template, e.g. `invitation`, `service_request_step`."""
    address: Mapped[str] = mapped_column(String(254))
    """Of an endpoint, its id: its own address is nobody's to read."""
    locale: Mapped[str] = mapped_column(String(16))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What the template is filled with when it is sent; never more than the reader may see."""
    subject: Mapped[str] = mapped_column(String(200), default="")
    body: Mapped[str] = mapped_column(Text, default="")
    """As sent, plain text; empty until then, and where another one's mail told of it."""
    message_key: Mapped[str] = mapped_column(String(64), unique=True)
    """Goes out as Message-ID, so that a receiver recognises a second delivery."""
    service_request_id: Mapped[int | None] = mapped_column(
        ForeignKey("service_request.id"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(index=True)
    run_at: Mapped[datetime]
    wanted_at: Mapped[datetime | None]
    """Until when it had to wait, by the calendar and its reader's wishes; none: not at all. From then
    on it is tried for a day."""
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(String(500), default="")
    sent_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    sent_with_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"))
    """In whose mail it goes: whatever happens to that one happens to it, at the same moment. Written as
    both are taken up, so that the same ones go again, under the same Message-ID."""
    bound_at: Mapped[datetime | None]
    """Since when it may have arrived: it then goes again as it went, with the same ones. None while
    nobody took it up, and again where whoever did could not even open a line."""


class InboxEntry(Model):
    """One of the staff was told of a step of a request, on their page of messages.

    Nothing of the request is kept beside: the page says what its reader may see when they open it.
    """

    __tablename__ = "inbox_entry"
    __table_args__ = (
        Index("ix_inbox_entry_person_id_id", "person_id", "id"),
        Index("ix_inbox_entry_service_request_id_person_id", "service_request_id", "person_id"),
        Index(
            "ix_inbox_entry_unread",
            "person_id",
            "id",
            sqlite_where=text("read_at IS NULL"),
            postgresql_where=text("read_at IS NULL"),
        ),
        Index(
            "ix_inbox_entry_read",
            "created_at",
            sqlite_where=text("read_at IS NOT NULL"),
            postgresql_where=text("read_at IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"))
    step: Mapped[str] = mapped_column(String(32))
    created_at: Mapped[datetime]
    read_at: Mapped[datetime | None]


class MessageWish(Model):
    """How one of the staff wants to be written to. Who chose nothing has no row."""

    __tablename__ = "message_wish"
    __table_args__ = (
        CheckConstraint("(quiet_from IS NULL) = (quiet_until IS NULL)", "quiet_has_both_ends"),
        CheckConstraint("NOT by_text OR text_number IS NOT NULL", "texts_have_a_number"),
    )

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    by_mail: Mapped[bool] = mapped_column(default=True)
    """Their page of messages has everything, however they are written to besides."""
    by_text: Mapped[bool] = mapped_column(default=False, server_default=false())
    text_number: Mapped[str | None] = mapped_column(String(32))
    """Their own, in E.164. Here once they proved it (see `web.proving`); several may share one."""
    rhythm: Mapped[Rhythm] = mapped_column(default=Rhythm.AT_ONCE)
    quiet_from: Mapped[time | None]
    quiet_until: Mapped[time | None]
    """On the organisation's clock."""

    @property
    def wishes(self) -> Wishes:
        """Return what decides when something goes out."""
        return Wishes(self.rhythm, self.quiet_from, self.quiet_until)


class ScheduledRun(Model):
    """One run of a scheduled job. The unique slot makes it run once, however many workers."""

    __tablename__ = "scheduled_run"
    __table_args__ = (
        UniqueConstraint("name", "slot"),
        Index("ix_scheduled_run_name_id", "name", "id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64))
    slot: Mapped[str] = mapped_column(String(32))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    """When it last failed; it is tried again."""
    failure: Mapped[str] = mapped_column(String(200), default="", server_default="")
    """What kind of error that was; the log has it whole."""
    result: Mapped[str] = mapped_column(String(500), default="")
