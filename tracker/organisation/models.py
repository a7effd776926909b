"""The organisation: units, areas, categories and its calendar. Nothing in use is deleted."""

import enum
import json
from datetime import date, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.database import Model

_OFFICE_DAY: Final = [["09:00", "12:00"], ["14:00", "18:00"]]
OFFICE_WEEK: Final = [_OFFICE_DAY] * 5 + [[], []]
"""The hours of a Chinese office, where nobody said otherwise."""


class UnitKind(enum.StrEnum):
    """What a unit of the organisation tree is."""

    BUREAU = "bureau"
    BRANCH = "branch"
    STATION = "station"
    OFFICE = "office"


class AreaKind(enum.StrEnum):
    """What an area of the tree is."""

    DISTRICT = "district"
    STREET = "street"
    COMMUNITY = "community"
    GRID = "grid"


class Organisation(Model):
    """What is set once for the whole installation. There is one row, with id 1."""

    __tablename__ = "organisation"
    __table_args__ = (CheckConstraint("id = 1", "is_the_only_one"),)

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    name: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str | None] = mapped_column(String(120))
    time_zone: Mapped[str] = mapped_column(String(64), default="Asia/Shanghai")
    country: Mapped[str] = mapped_column(String(2), default="CN")
    """Whose public holidays and make-up days the calendar knows (ISO 3166-1)."""
    phone: Mapped[str | None] = mapped_column(String(40))
    """The desk's number, as residents dial it."""
    privacy_note: Mapped[str] = mapped_column(Text, default="")
    privacy_note_en: Mapped[str | None] = mapped_column(Text)
    working_week: Mapped[list[list[list[str]]]] = mapped_column(
        JSON, default=OFFICE_WEEK, server_default=json.dumps(OFFICE_WEEK)
    )
    """For each weekday, Monday first, its spans as local times: `[["09:00", "12:00"], …]`. Nothing
    on a weekly day of rest."""
    reminder_days: Mapped[int] = mapped_column(default=3)
    """Days from resolving to the first reminder, and from each to the next step."""
    question_days: Mapped[int] = mapped_column(default=3, server_default="3")
    """Working days from a question to the first reminder, and from each to the next step."""
    no_contact_tries: Mapped[int] = mapped_column(default=3)
    """On how many days somebody must have tried before it may end with “no contact”."""
    claim_limit: Mapped[int] = mapped_column(default=5)
    """How many open claims one volunteer may hold."""
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way to say it


class Unit(Model):
    """A node of the organisation tree: rights and data follow it."""

    __tablename__ = "unit"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    kind: Mapped[UnitKind]
    name: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str | None] = mapped_column(String(120))
    position: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]

    parent: Mapped["Unit | None"] = relationship(remote_side=[id], back_populates="children")
    children: Mapped[list["Unit"]] = relationship(
        back_populates="parent", order_by="Unit.position, Unit.id"
    )


class Area(Model):
    """A node of the tree of places: district, street, community, grid."""

    __tablename__ = "area"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    kind: Mapped[AreaKind]
    name: Mapped[str] = mapped_column(String(120), index=True)
    name_en: Mapped[str | None] = mapped_column(String(120))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    """Whose desk receives what comes from here; none: the unit of the area above, or the root."""
    position: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]

    parent: Mapped["Area | None"] = relationship(remote_side=[id], back_populates="children")
    children: Mapped[list["Area"]] = relationship(
        back_populates="parent", order_by="Area.position, Area.id"
    )
    unit: Mapped[Unit | None] = relationship()


class Category(Model):
    """What a request is about. A tree of two levels; requests hang on the leaves."""

    __tablename__ = "category"

    id: Mapped[int] = mapped_column(primary_key=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"), index=True)
    name: Mapped[str] = mapped_column(String(120), index=True)
    name_en: Mapped[str | None] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(Text, default="")
    description_en: Mapped[str | None] = mapped_column(Text)
    keywords: Mapped[str] = mapped_column(Text, default="")
    """Other words by which residents look for it, in any language, with spaces between."""
    icon: Mapped[str] = mapped_column(String(40), default="chat-square-text")
    shows_emergency_notice: Mapped[bool] = mapped_column(default=False)
    is_sensitive: Mapped[bool] = mapped_column(default=False)
    needs_evidence: Mapped[bool] = mapped_column(default=False)
    is_offered: Mapped[bool] = mapped_column(default=True)
    """Whether residents may choose it; imported ones often are not offered."""
    default_priority: Mapped[str] = mapped_column(String(16), default="normal")
    default_team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id", use_alter=True))
    volunteers_needed: Mapped[int] = mapped_column(default=1)
    position: Mapped[int] = mapped_column(default=0)
    ended_at: Mapped[datetime | None]

    parent: Mapped["Category | None"] = relationship(remote_side=[id], back_populates="children")
    children: Mapped[list["Category"]] = relationship(
        back_populates="parent", order_by="Category.position, Category.id"
    )


class LimitRule(Model):
    """How long requests may take for one thing, where it differs from what is said above.

    Of a category or a group of them, or (without one) of the whole organisation. The values of
    `priority`, `clock` and `unit` belong to the feature above: see `service_requests.limits`.
    """

    __tablename__ = "limit_rule"
    __table_args__ = (
        Index(
            "uq_limit_rule_category",
            "category_id",
            "priority",
            "clock",
            unique=True,
            sqlite_where=text("category_id IS NOT NULL"),
            postgresql_where=text("category_id IS NOT NULL"),
        ),
        Index(
            "uq_limit_rule_organisation",
            "priority",
            "clock",
            unique=True,
            sqlite_where=text("category_id IS NULL"),
            postgresql_where=text("category_id IS NULL"),
        ),
        CheckConstraint("amount >= 1", "at_least_one"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    category_id: Mapped[int | None] = mapped_column(ForeignKey("category.id"))
    priority: Mapped[str] = mapped_column(String(16))
    clock: Mapped[str] = mapped_column(String(16))
    amount: Mapped[int]
    unit: Mapped[str] = mapped_column(String(16))


class CalendarDay(Model):
    """An addition to the public calendar: for all, or for one unit and those below it."""

    __tablename__ = "calendar_day"
    __table_args__ = (
        Index(
            "uq_calendar_day_everywhere",
            "day",
            unique=True,
            sqlite_where=text("unit_id IS NULL"),
            postgresql_where=text("unit_id IS NULL"),
        ),
        Index(
            "uq_calendar_day_unit",
            "unit_id",
            "day",
            unique=True,
            sqlite_where=text("unit_id IS NOT NULL"),
            postgresql_where=text("unit_id IS NOT NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    """Where it holds; None: everywhere."""
    is_working: Mapped[bool]
    name: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str | None] = mapped_column(String(120))

    unit: Mapped[Unit | None] = relationship()
