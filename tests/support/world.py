"""A few requests in every relation to one person: the world of the permission tests."""

import secrets
from dataclasses import dataclass
from datetime import datetime

from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.organisation.models import Category, Organisation, Unit, UnitKind
from tracker.service_requests.models import Claim, Handler, HelpingTeam, ServiceRequest
from tracker.teams.models import Team


@dataclass(frozen=True, slots=True)
class World:
    """Ids of what was made."""

    person_id: int
    own_unit_id: int
    other_unit_id: int
    own_team_id: int
    other_team_id: int
    request_ids: tuple[int, ...]


def small_world(now: datetime) -> World:
    """Make requests of the own and another unit: bare, led, helped, claimed, once handled…"""
    with transaction():
        if db.session.get(Organisation, 1) is None:
            db.session.add(Organisation(name="云溪", name_en="Yunxi"))
        own_unit = Unit(kind=UnitKind.BUREAU, name="本单位")
        other_unit = Unit(kind=UnitKind.BUREAU, name="外单位")
        category = Category(name="家政维修")
        me = Person(name="我", email="me@example.org", created_at=now)
        other = Person(name="别人", email="other@example.org", created_at=now)
        db.session.add_all([own_unit, other_unit, category, me, other])
        db.session.flush()
        own_team = Team(unit_id=own_unit.id, name="本队", created_at=now)
        other_team = Team(unit_id=other_unit.id, name="外队", created_at=now)
        db.session.add_all([own_team, other_team])
        db.session.flush()
        requests = []
        for unit in (own_unit, other_unit):
            for lead in (None, own_team, other_team):
                for leader in (None, me, other):
                    request = ServiceRequest(
                        reference=f"{secrets.randbelow(10**10):010}",
                        category_id=category.id,
                        unit_id=unit.id,
                        need="水龙头坏了",
                        lead_team_id=lead.id if lead else None,
                        leader_id=leader.id if leader else None,
                        submitted_at=now,
                    )
                    requests.append(request)
        db.session.add_all(requests)
        db.session.flush()
        helped, claimed, released, handled = requests[0], requests[9], requests[3], requests[1]
        db.session.add_all(
            [
                HelpingTeam(service_request_id=helped.id, team_id=own_team.id),
                Claim(service_request_id=claimed.id, person_id=me.id, claimed_at=now),
                Claim(service_request_id=helped.id, person_id=other.id, claimed_at=now),
                Claim(
                    service_request_id=released.id,
                    person_id=me.id,
                    claimed_at=now,
                    released_at=now,
                ),
                Handler(service_request_id=handled.id, person_id=me.id),
            ]
        )
        return World(
            person_id=me.id,
            own_unit_id=own_unit.id,
            other_unit_id=other_unit.id,
            own_team_id=own_team.id,
            other_team_id=other_team.id,
            request_ids=tuple(request.id for request in requests),
        )
