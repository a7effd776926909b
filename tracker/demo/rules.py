"""The town's dispatch rules: three in force, and a draft that waits to be tried."""

from datetime import datetime
from typing import Final

from tracker.demo.settling import Town
from tracker.service_requests.actions import routing
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.routing import queries

IN_FORCE: Final = 3
"""How many of them are; those below wait to be tried."""


def make_rules(town: Town, *, now: datetime) -> None:
    """Make the rules, through the actions: the administrator puts three in force and goes on with a fourth."""
    actor = town.actors["su"]
    for number, values in enumerate(_rules(town)):
        rule = routing.add_rule(values, actor=actor, now=now)
        routing.switch_rule(rule, on=True, actor=actor, now=now)
        if number == IN_FORCE - 1:
            draft = queries.draft(queries.rules())
            routing.put_in_force(
                tried=queries.stamp(draft),
                instead_of=queries.in_force().id,
                actor=actor,
                now=now,
            )


def _rules(town: Town) -> list[dict[str, object]]:
    return [
        {
            "name": "溪北助老",
            "name_en": "Elder care, North Bank",
            "category_id": town.categories["top:elders"].id,
            "area_id": town.areas["north-bank"].id,
            "lead_team_id": town.teams["north-youth"].id,
            "leader_id": town.people["wang"].id,
        },
        {
            "name": "溪北儿童陪伴",
            "name_en": "Children, North Bank",
            "category_id": town.categories["top:children"].id,
            "area_id": town.areas["north-bank"].id,
            "lead_team_id": town.teams["north-youth"].id,
            "leader_id": town.people["wang"].id,
            "priority": Priority.NORMAL,
        },
        {
            "name": "全镇家庭小修",
            "name_en": "Small repairs, whole town",
            "category_id": town.categories["top:repairs"].id,
            "lead_team_id": town.teams["repairs"].id,
            "leader_id": town.people["sun"].id,
        },
        {
            "name": "溪南助老",
            "name_en": "Elder care, South Bank",
            "category_id": town.categories["top:elders"].id,
            "area_id": town.areas["south-bank"].id,
            "lead_team_id": town.teams["south-neighbours"].id,
            "leader_id": town.people["liu"].id,
        },
    ]
