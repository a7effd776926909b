"""A visit: who went, where, when, whom they met and what they found."""

import enum
from datetime import date, datetime

from sqlalchemy import CheckConstraint, Column, ForeignKey, String, Table, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.accounts.models import Person
from tracker.database import Model

visit_visitor = Table(
    "visit_visitor",
    Model.metadata,
    Column("visit_id", ForeignKey("visit.id"), primary_key=True),
    Column("person_id", ForeignKey("person.id"), primary_key=True, index=True),
)


class VisitStatus(enum.StrEnum):
    """Where a visit stands."""

    PLANNED = "planned"
    DONE = "done"
    CANCELLED = "cancelled"


class ContactWay(enum.StrEnum):
    """How the people were met."""

    IN_PERSON = "in_person"
    PHONE = "phone"
    VIDEO = "video"


class Group(enum.StrEnum):
    """To which group the person met belongs; the yearly report counts by it."""

    ELDER_LIVING_ALONE = "elder_living_alone"
    LEFT_BEHIND_CHILD = "left_behind_child"
    MEMBER_IN_DIFFICULTY = "member_in_difficulty"
    RETIRED_MEMBER = "retired_member"
    BEREAVED_FAMILY = "bereaved_family"
    DISABLED_PERSON = "disabled_person"
    GRASS_ROOTS_STAFF = "grass_roots_staff"
    OTHER = "other"


class Visit(Model):
    """A visit planned or done for a service request."""

    __tablename__ = "visit"
    __table_args__ = (
        CheckConstraint("planned_to > planned_from", "window_has_a_length"),
        CheckConstraint("ended_at >= started_at", "ends_after_it_starts"),
        CheckConstraint(
            "status <> 'done' OR (started_at IS NOT NULL AND contact_made IS NOT NULL)",
            "done_says_what_happened",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"), index=True)
    status: Mapped[VisitStatus]
    planned_from: Mapped[datetime | None]
    planned_to: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    place: Mapped[str] = mapped_column(String(200), default="")
    met: Mapped[str] = mapped_column(String(120), default="")
    """Who was met, in the visitors' words."""
    group: Mapped[Group | None]
    contact_made: Mapped[bool | None]
    way: Mapped[ContactWay | None]
    findings: Mapped[str] = mapped_column(Text, default="")
    needs_found: Mapped[str] = mapped_column(Text, default="")
    next_step: Mapped[str] = mapped_column(String(500), default="")
    next_step_on: Mapped[date | None]
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    recorded_at: Mapped[datetime]
    submission_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    version: Mapped[int] = mapped_column(default=1)

    visitors: Mapped[list[Person]] = relationship(secondary=visit_visitor)
    recorded_by: Mapped[Person] = relationship()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way to say it


class NoteDraft(Model):
    """What somebody is typing, kept on the server so that no time-out loses it.

    One for each page on which something was typed, so that none overwrites another's. It stays for a
    while after the note was sent or thrown away, without the words: what a page keeps too late, or a
    device kept meanwhile, must not bring it back. See docs/decisions/0015-each-page-keeps-its-own-note.md.
    """

    __tablename__ = "note_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    form_key: Mapped[str] = mapped_column(String(80), index=True)
    """Which form, e.g. `visit:42:new`."""
    content: Mapped[str] = mapped_column(Text)
    """The form's fields as JSON."""
    saved_at: Mapped[datetime]
    page: Mapped[str] = mapped_column(String(32), default="")
    """The key of the page on which it was typed."""
    number: Mapped[int] = mapped_column(default=0)
    """How often that page has kept it: what comes late has a lower one."""
    is_over: Mapped[bool] = mapped_column(default=False)
    """It was sent or thrown away, or another page goes on with it: up to this number."""

    @property
    def mark(self) -> str:
        """Return which page's it is, and its number, as pages say what they have shown."""
        return f"{self.page}:{self.number}"
