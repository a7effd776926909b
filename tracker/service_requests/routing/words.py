"""The rules in words: what they ask for, what they give, and what they propose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from babel.dates import get_day_names
from flask_babel import gettext as _
from sqlalchemy import select

from tracker.accounts.models import Grant, Person
from tracker.database import db
from tracker.organisation.models import Area, Category
from tracker.permissions import Role
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.routing.matching import DAYS, Rule
from tracker.service_requests.words import channel_label
from tracker.set_up import until_set_up_changes
from tracker.teams.models import Team
from tracker.web.labels import label
from tracker.web.locale import current_locale, in_locale, localized


@dataclass(frozen=True, slots=True)
class Names:
    """What rules point to is called, by its id, in one language."""

    categories: Mapping[int, str]
    areas: Mapping[int, str]
    teams: Mapping[int, str]
    leaders: Mapping[int, str]
    """Who answers as leader, or once did."""


def names() -> Names:
    """Return the names in the reader's language."""
    return _names(current_locale())


def conditions(rule: Rule) -> Sequence[str]:
    """Return what a rule asks for, a few words for each condition; none when it fits everything."""
    called = names()
    asked = [
        called.categories.get(rule.category_id or 0),
        called.areas.get(rule.area_id or 0),
        label(rule.kind) if rule.kind else None,
        channel_label(rule.channel) if rule.channel else None,
        day_words(rule.weekdays),
        _hours(rule),
        _("outside working time") if rule.is_outside_work else None,
    ]
    return [str(each) for each in asked if each]


def gives(given: tuple[int | None, int | None, Priority | None]) -> Sequence[str]:
    """Return the team, the leader and the priority that a rule gives, without what it leaves open."""
    called, (team_id, leader_id, priority) = names(), given
    return [
        str(each)
        for each in (
            called.teams.get(team_id or 0),
            called.leaders.get(leader_id or 0),
            label(priority) if priority else None,
        )
        if each
    ]


def proposal(rule: Rule) -> str:
    """Return what a rule proposes: “By rule 3: Elder care → North Youth · Wang Jianping”."""
    return str(
        _(
            "By rule %(number)s: %(name)s → %(gives)s",
            number=rule.number,
            name=localized(rule),
            gives=" · ".join(gives(rule.gives)),
        )
    )


def day_words(weekdays: str) -> str:
    """Return the days of the week by name; "" for any day."""
    if not weekdays or set(weekdays) == set(DAYS):
        return ""
    called = get_day_names("abbreviated", locale=current_locale())
    return str(_(", ")).join(called[int(day) - 1] for day in sorted(weekdays))


def _hours(rule: Rule) -> str | None:
    if rule.begins_at is None or rule.ends_at is None:
        return None
    return f"{rule.begins_at:%H:%M}–{rule.ends_at:%H:%M}"


@until_set_up_changes
def _names(locale: str) -> Names:
    with in_locale(locale):
        categories = {each.id: localized(each) for each in db.session.scalars(select(Category))}
        areas = {each.id: localized(each) for each in db.session.scalars(select(Area))}
        teams = {each.id: localized(each) for each in db.session.scalars(select(Team))}
    leading = select(Grant.person_id).where(Grant.role == Role.LEADER)
    rows = db.session.execute(select(Person.id, Person.name).where(Person.id.in_(leading)))
    return Names(categories, areas, teams, dict(rows.all()))
