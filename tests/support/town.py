"""The demonstration town, as tests of whole pages use it."""

from datetime import datetime
from typing import Final

from flask import Flask
from sqlalchemy import select

from tracker import demo
from tracker.accounts.models import Grant, Person
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.permissions import UNIT_ROLES, Role
from tracker.service_requests.models import Claim, ServiceRequest
from tracker.teams.models import Membership

STAFF: Final = (Role.VOLUNTEER, Role.TEAM_LEADER, *UNIT_ROLES)


def build_town(app: Flask, now: datetime) -> None:
    """Build the town as it stands at `now`. It takes seconds: build one, and only look at it."""
    settings: Settings = app.config["SETTINGS"]
    with transaction():
        demo.build(
            password_hash="nobody signs in by password", photos=settings.uploads_path, now=now
        )


def somebody_who_is(role: Role) -> Person:
    """Return a person of the town with that role: the volunteer with the most open claims."""
    query = select(Person).where(Person.ended_at.is_(None)).order_by(Person.id)
    match role:
        case Role.VOLUNTEER:
            holding = (
                select(Claim.person_id)
                .join(ServiceRequest, ServiceRequest.id == Claim.service_request_id)
                .where(Claim.released_at.is_(None))
            )
            leading = select(Membership.person_id).where(Membership.leads)
            query = query.where(Person.id.in_(holding), Person.id.not_in(leading))
        case Role.TEAM_LEADER:
            query = query.where(Person.id.in_(select(Membership.person_id).where(Membership.leads)))
        case _:
            query = query.where(Person.id.in_(select(Grant.person_id).where(Grant.role == role)))
    person = db.session.scalars(query).first()
    assert person is not None, f"the town has no {role}"
    return person
