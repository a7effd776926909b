"""Volunteer teams and who is in them."""

from datetime import datetime
from typing import Final

from sqlalchemy import Column, ForeignKey, Index, String, Table, and_, or_, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from tracker.accounts.models import Person
from tracker.database import Model
from tracker.organisation.models import Area, Category, Unit

team_area = Table(
    "team_area",
    Model.metadata,
    Column("team_id", ForeignKey("team.id"), primary_key=True),
    Column("area_id", ForeignKey("area.id"), primary_key=True),
)
team_category = Table(
    "team_category",
    Model.metadata,
    Column("team_id", ForeignKey("team.id"), primary_key=True),
    Column("category_id", ForeignKey("category.id"), primary_key=True),
)


class Team(Model):
    """Volunteers of a unit who take requests together."""

    __tablename__ = "team"

    id: Mapped[int] = mapped_column(primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    name: Mapped[str] = mapped_column(String(120), index=True)
    name_en: Mapped[str | None] = mapped_column(String(120))
    description: Mapped[str] = mapped_column(String(500), default="")
    description_en: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    unit: Mapped[Unit] = relationship()
    areas: Mapped[list[Area]] = relationship(secondary=team_area)
    categories: Mapped[list[Category]] = relationship(secondary=team_category)
    memberships: Mapped[list["Membership"]] = relationship(back_populates="team")


class Membership(Model):
    """A person's place in a team."""

    __tablename__ = "membership"
    __table_args__ = (
        Index(
            "uq_membership_holds_now",
            "team_id",
            "person_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    leads: Mapped[bool] = mapped_column(default=False)
    is_vetted: Mapped[bool] = mapped_column(default=False)
    """Whether the organisation checked this volunteer; only vetted ones may claim."""
    joined_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]

    team: Mapped[Team] = relationship(back_populates="memberships")
    person: Mapped[Person] = relationship()


AT_WORK: Final = and_(Membership.ended_at.is_(None), or_(Membership.is_vetted, Membership.leads))
"""Who works on what their team has, and may stand at somebody's door: who was checked, or leads it."""
