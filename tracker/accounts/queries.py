"""Who there is."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, exists, select

from tracker.accounts.models import Grant, Person
from tracker.database import Model, db
from tracker.errors import NotFoundError, Refusal, RefusedError
from tracker.permissions import Role
from tracker.privacy import normalise_email, normalise_phone


def sign_in_name(typed: str) -> str:
    """Return what was typed as an e-mail address or telephone number, in its one spelling.

    Something that is neither comes back in lower case: it will match nobody.
    """
    typed = typed.strip()
    if "@" in typed:
        return normalise_email(typed) or typed.lower()
    return normalise_phone(typed) or typed.lower()


def person_named(name: str) -> Person | None:
    """Return who signs in with `name` (see `sign_in_name`), unless they were ended."""
    if not name:
        return None
    column = Person.email if "@" in name else Person.phone
    return db.session.scalar(select(Person).where(column == name, Person.ended_at.is_(None)))


def leads_in(person_id: int, unit_ids: Collection[int]) -> ColumnElement[bool]:
    """Return the condition that somebody is here and holds the role of leader in one of the units."""
    return exists().where(
        Grant.person_id == person_id,
        Grant.role == Role.LEADER,
        Grant.unit_id.in_(sorted(unit_ids)),
        Grant.ended_at.is_(None),
        Person.id == Grant.person_id,
        Person.ended_at.is_(None),
    )


def there_is_nobody() -> bool:
    """Tell whether nobody was entered yet: the installation is new."""
    return db.session.scalar(select(Person.id).limit(1)) is None


def everybody_is_invented() -> bool:
    """Tell whether nobody here is real, so that nothing real can be lost or shown to strangers."""
    real = select(Person.id).where(Person.is_demo.is_(False)).limit(1)
    return db.session.scalar(real) is None


def demo_people() -> Sequence[Person]:
    """Return the invented people of the demo town who can be signed in as with one tap."""
    return list(
        db.session.scalars(
            select(Person).where(Person.is_demo, Person.ended_at.is_(None)).order_by(Person.id)
        )
    )


def person(person_id: int | None) -> Person:
    """Return one person, ended ones too. Raises `NotFoundError`."""
    found = db.session.get(Person, person_id) if person_id is not None else None
    if found is None:
        message = "There is no such person."
        raise NotFoundError(message)
    return found


def grants_of(person_id: int) -> Sequence[Grant]:
    """Return the roles that somebody holds now, oldest first."""
    return list(
        db.session.scalars(
            select(Grant)
            .where(Grant.person_id == person_id, Grant.ended_at.is_(None))
            .order_by(Grant.id)
        )
    )


def grant(grant_id: int, *, of: int) -> Grant:
    """Return a role that the person `of` holds now. Raises `NotFoundError`."""
    found = db.session.get(Grant, grant_id)
    if found is None or found.ended_at is not None or found.person_id != of:
        message = "There is no such grant."
        raise NotFoundError(message)
    return found


def hold_unit(unit_id: int) -> None:
    """Let nobody end a unit until the transaction ends, as something will depend on it.

    Raises `RefusedError` when it has ended.
    """
    unit = Model.metadata.tables["unit"]  # it lives above this feature: by name only
    held = select(unit.c.ended_at).where(unit.c.id == unit_id).with_for_update(read=True)
    if db.session.scalar(held) is not None:
        raise RefusedError(Refusal.UNIT_ENDED)
