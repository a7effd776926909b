"""The rules as they are worked on, and each set of them that was put in force."""

from datetime import datetime, time
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.accounts.models import Person
from tracker.database import Model
from tracker.organisation.models import Area, Category
from tracker.service_requests.lifecycle import Kind, Priority
from tracker.teams.models import Team


class RoutingRule(Model):
    """A rule as administrators work on it. It proposes nothing until an edition holds it."""

    __tablename__ = "routing_rule"
    __table_args__ = (
        CheckConstraint("(begins_at IS NULL) = (ends_at IS NULL)", "both_times_or_neither"),
        CheckConstraint(
            "lead_team_id IS NOT NULL OR leader_id IS NOT NULL OR priority IS NOT NULL",
            "gives_something",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str | None] = mapped_column(String(120))
    position: Mapped[int] = mapped_column(default=0)
    is_on: Mapped[bool] = mapped_column(default=False)
    """Whether it belongs to the rules that are tried and put in force next."""
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    channel: Mapped[str | None] = mapped_column(String(60))
    kind: Mapped[Kind | None]
    weekdays: Mapped[str] = mapped_column(String(7), default="")
    begins_at: Mapped[time | None]
    ends_at: Mapped[time | None]
    is_outside_work: Mapped[bool] = mapped_column(default=False)
    lead_team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    leader_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    priority: Mapped[Priority | None]
    ended_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)

    category: Mapped[Category | None] = relationship()
    area: Mapped[Area | None] = relationship()
    lead_team: Mapped[Team | None] = relationship()
    leader: Mapped[Person | None] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way to say it


class RoutingEdition(Model):
    """The rules that were put in force together. The newest is in force. Append-only."""

    __tablename__ = "routing_edition"

    id: Mapped[int] = mapped_column(primary_key=True)
    put_in_force_at: Mapped[datetime]
    put_in_force_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    rules: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """Each as `matching.Rule.plain`, in their order."""

    put_in_force_by: Mapped[Person | None] = relationship()
