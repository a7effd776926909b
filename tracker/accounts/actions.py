"""Everything that an administrator changes about people and what they hold.

`held_in` are the units where somebody holds something, teams included: whoever changes a person
must reach all of them, so that nobody takes over a mightier account by editing its address.
"""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import select

from tracker.accounts import audit, links, queries
from tracker.accounts.models import Grant, Person
from tracker.database import db, hold
from tracker.errors import NotFoundError, Refusal, RefusedError
from tracker.permissions import (
    UNIT_ROLES,
    Action,
    Actor,
    Role,
    require,
    require_in_unit,
)


class OnRoleEnded(Protocol):
    """Called when somebody has lost a role: what they were to do by it alone."""

    def __call__(self, *, person_id: int, actor: Actor, now: datetime) -> None: ...  # noqa: D102 - the class says it


on_role_ended: list[OnRoleEnded] = []
"""Filled by `create_app`: the work of people lives above this feature."""


@dataclass(frozen=True, slots=True)
class PersonDetails:
    """What an administrator enters about somebody, checked by a form."""

    name: str
    title: str = ""
    title_en: str | None = None
    email: str | None = None
    phone: str | None = None
    """In E.164."""
    locale: str | None = None


def add_person(details: PersonDetails, *, actor: Actor, now: datetime) -> Person:
    """Enter somebody new, who holds nothing yet.

    Raises `RefusedError` when the address or number is somebody else's.
    """
    require(actor, Action.MANAGE_PEOPLE)
    return _add_person(details, actor=actor, now=now)


def edit_person(
    person: Person,
    details: PersonDetails,
    *,
    held_in: Collection[int],
    actor: Actor,
    now: datetime,
) -> bool:
    """Correct somebody's details. A changed way to sign in ends their sessions and links.

    Another address that somebody else wrote down ends the password too: whoever reads that
    mailbox may choose a new one, and it must not outlive the address. Return whether anything
    ended, so that they are sent a new link.
    """
    require_everywhere(actor, Action.MANAGE_PEOPLE, held_in)
    _refuse_taken(details, except_for=person.id)
    changes = audit.apply(person, asdict(details) | {"sort_key": sort_key(details.name)})
    changes.pop("sort_key", None)
    is_reached_otherwise = bool({"email", "phone"} & changes.keys())
    if is_reached_otherwise:
        links.end_every_way_in(person.id, now=now)
    if "email" in changes and actor.person_id != person.id:
        person.password_hash = None
    if changes:
        audit.record("person:edit", person, changes, unit_id=_only(held_in), actor=actor, now=now)
    return is_reached_otherwise


def end_person(
    person: Person,
    *,
    held_in: Collection[int],
    root_unit_id: int,
    actor: Actor,
    now: datetime,
) -> None:
    """End somebody: they cannot sign in, and every role ends. Their work stays in the records.

    Raises `RefusedError` for the last administrator of the whole. Leaving teams is for the caller.
    Ending somebody twice ends them once.
    """
    require_everywhere(actor, Action.MANAGE_PEOPLE, held_in)
    hold(person)
    if person.ended_at is not None:
        return
    for grant in queries.grants_of(person.id):
        _end_grant(grant, root_unit_id=root_unit_id, actor=actor, now=now)
    person.ended_at = now
    links.end_every_way_in(person.id, now=now)
    audit.record("person:end", person, unit_id=_only(held_in), actor=actor, now=now)


def take_up_person(
    person: Person, *, held_in: Collection[int], actor: Actor, now: datetime
) -> None:
    """Let somebody who was ended sign in again, by a new invitation; their roles are given anew.

    `held_in` are the units of what they held before: their work there is theirs to see again.
    Somebody who is here stays as they are: the password that they chose meanwhile is theirs.
    """
    require_everywhere(actor, Action.MANAGE_PEOPLE, held_in)
    hold(person)
    if person.ended_at is None:
        return
    person.ended_at = None
    person.password_hash = None
    links.end_every_way_in(person.id, now=now)
    audit.record("person:take-up", person, unit_id=_only(held_in), actor=actor, now=now)


def note_invitation(
    person: Person, *, held_in: Collection[int], actor: Actor, now: datetime
) -> None:
    """Write down that somebody was sent a link to choose a password; check that one may."""
    require_everywhere(actor, Action.MANAGE_PEOPLE, held_in)
    hold(person)
    if person.ended_at is not None:
        message = "Somebody who was ended is not invited."
        raise NotFoundError(message)
    audit.record("person:invite", person, unit_id=_only(held_in), actor=actor, now=now)


def give_role(
    person: Person,
    role: Role,
    *,
    unit_id: int,
    held_in: Collection[int],
    actor: Actor,
    now: datetime,
) -> Grant:
    """Give a role in a unit, from there down. Giving it twice gives it once.

    Raises `NotFoundError` for somebody who was ended: their roles would come back with them; and
    `RefusedError` in a unit that was ended: no role depends on what is not there.
    To somebody whom the actor manages: a role given to another unit's people would take them away.
    Whoever has no address got their link from an administrator's hands, who may have used it: for
    a role in another unit they choose a new password.
    """
    require_everywhere(actor, Action.MANAGE_PEOPLE, held_in)
    require_in_unit(actor, Action.MANAGE_GRANTS, unit_id)
    hold(person)
    if person.ended_at is not None:
        message = "Somebody who was ended is given no role."
        raise NotFoundError(message)
    queries.hold_unit(unit_id)
    if person.email is None and person.password_hash is not None and unit_id not in held_in:
        person.password_hash = None
        links.end_every_way_in(person.id, now=now)
    return _give_role(person, role, unit_id=unit_id, actor=actor, now=now)


def end_role(grant: Grant, *, root_unit_id: int, actor: Actor, now: datetime) -> None:
    """Take a role back. Raises `RefusedError` for the last administrator of the whole."""
    require_in_unit(actor, Action.MANAGE_GRANTS, grant.unit_id)
    hold(grant.person)  # the person before the role; whoever lets them answer for something waits
    _end_grant(grant, root_unit_id=root_unit_id, actor=actor, now=now)
    db.session.flush()
    for take_leave in on_role_ended:
        take_leave(person_id=grant.person_id, actor=actor, now=now)


def require_everywhere(actor: Actor, action: Action, unit_ids: Collection[int]) -> None:
    """Raise `NotPermittedError` unless `actor` may take `action` in every one of the units."""
    require(actor, action)
    for unit_id in unit_ids:
        require_in_unit(actor, action, unit_id)


def sort_key(name: str) -> str:
    """Return by what a name is sorted: pinyin for Chinese, lower case."""
    # Its dictionary takes 58 MB, of which only a process that enters people has need.
    from pypinyin import lazy_pinyin  # noqa: PLC0415

    return " ".join(lazy_pinyin(name)).lower()[:160]


def _add_person(details: PersonDetails, *, actor: Actor, now: datetime) -> Person:
    _refuse_taken(details)
    person = Person(
        **asdict(details),
        sort_key=sort_key(details.name),
        is_demo=_is_invented(actor),
        created_at=now,
    )
    db.session.add(person)
    audit.record("person:add", person, actor=actor, now=now)
    return person


def _only(unit_ids: Collection[int]) -> int | None:
    """Return the unit if there is one: what concerns several is for those who see the whole."""
    return next(iter(unit_ids)) if len(unit_ids) == 1 else None


def _is_invented(actor: Actor) -> bool:
    """Tell whether `actor` is one of a demonstration's people; whom they invite is one too."""
    inviter = db.session.get(Person, actor.person_id) if actor.person_id is not None else None
    return inviter is not None and inviter.is_demo


def _give_role(person: Person, role: Role, *, unit_id: int, actor: Actor, now: datetime) -> Grant:
    if role not in UNIT_ROLES:
        message = f"{role} is not given in a unit."
        raise ValueError(message)
    held = next(
        (g for g in queries.grants_of(person.id) if g.role is role and g.unit_id == unit_id), None
    )
    if held is not None:
        return held
    grant = Grant(
        person_id=person.id,
        role=role,
        unit_id=unit_id,
        granted_at=now,
        granted_by_id=actor.person_id,
    )
    db.session.add(grant)
    audit.record(
        "role:give",
        person,
        {"role": [None, role.value], "unit_id": [None, unit_id]},
        unit_id=unit_id,
        actor=actor,
        now=now,
    )
    return grant


def _end_grant(grant: Grant, *, root_unit_id: int, actor: Actor, now: datetime) -> None:
    is_at_the_top = grant.role is Role.ADMINISTRATOR and grant.unit_id == root_unit_id
    # First, and always in the same order: two who end each other would wait for each other.
    is_the_last = is_at_the_top and _is_the_last(grant)
    hold(grant)
    if grant.ended_at is not None:
        return
    if is_the_last:
        raise RefusedError(Refusal.LAST_ADMINISTRATOR)
    grant.ended_at = now
    audit.record(
        "role:end",
        grant.person,
        {"role": [grant.role.value, None], "unit_id": [grant.unit_id, None]},
        unit_id=grant.unit_id,
        actor=actor,
        now=now,
    )


def _is_the_last(grant: Grant) -> bool:
    """Tell whether nobody else administers that unit; locks those who do until the end."""
    holders = db.session.scalars(
        select(Grant)
        .join(Grant.person)
        .where(
            Grant.role == Role.ADMINISTRATOR,
            Grant.unit_id == grant.unit_id,
            Grant.ended_at.is_(None),
            Person.ended_at.is_(None),
        )
        .order_by(Grant.id)
        .with_for_update(of=Grant)
    ).all()
    return all(holder.person_id == grant.person_id for holder in holders)


def _refuse_taken(details: PersonDetails, *, except_for: int | None = None) -> None:
    for column, value in ((Person.email, details.email), (Person.phone, details.phone)):
        if not value:
            continue
        owner = db.session.scalar(select(Person.id).where(column == value))
        if owner is not None and owner != except_for:
            raise RefusedError(Refusal.ALREADY_TAKEN, column.key)
