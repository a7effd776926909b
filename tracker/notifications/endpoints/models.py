"""An address of another program, or of a robot in a group of a messenger."""

import enum
from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from tracker.database import Model
from tracker.notifications.models import Channel


class EndpointKind(enum.StrEnum):
    """What listens there. Each travels by the channel of the same name."""

    WEBHOOK = "webhook"
    """A program of the organisation's own."""
    WECOM = "wecom"
    DINGTALK = "dingtalk"
    FEISHU = "feishu"

    @property
    def channel(self) -> Channel:
        """Return how messages to it travel."""
        return Channel(self.value)


class News(enum.StrEnum):
    """What an endpoint can be told of. The values are part of what is sent: they never change."""

    SUBMITTED = "submitted"
    ASSIGNED = "assigned"
    NEAR = "near"
    OVERDUE = "overdue"
    PRESSED = "pressed"
    SUPERVISED = "supervised"
    URGED = "urged"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    CLOSED = "closed"


class Endpoint(Model):
    """Where some news goes. Nobody reads its address or its secret again once they are saved.

    Of one that was deleted the name stays, as the outbox and the trail say where things went.
    """

    __tablename__ = "endpoint"
    __table_args__ = (CheckConstraint("deleted_at IS NULL OR NOT is_on", "deleted_is_off"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[EndpointKind]
    name: Mapped[str] = mapped_column(String(120))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"), index=True)
    """Of which team's requests it hears; none: of all."""
    locale: Mapped[str] = mapped_column(String(16))
    news: Mapped[list[str]] = mapped_column(JSON)
    """The values of `News` that it is told of."""
    is_on: Mapped[bool] = mapped_column(default=True)
    address_shown: Mapped[str] = mapped_column(String(200))
    """The address as pages may show it: without what lets anybody write there."""
    sealed: Mapped[str] = mapped_column(Text)
    """Address and secret, see `endpoints.sealed`."""
    succeeded_at: Mapped[datetime | None]
    failed_at: Mapped[datetime | None]
    failure: Mapped[str] = mapped_column(String(500), default="")
    """Why it failed last."""
    created_at: Mapped[datetime]
    deleted_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way to say it
