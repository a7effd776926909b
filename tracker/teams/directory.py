"""The list of people, page by page."""

from sqlalchemy import select

from tracker.accounts.models import Person
from tracker.database import db
from tracker.permissions import Actor
from tracker.teams.queries import found_by, in_reach
from tracker.web.paging import Page, page_of

PAGE_SIZE = 50


def people(
    actor: Actor, *, q: str = "", ended: bool = False, mark: str | None = None
) -> Page[Person]:
    """Return a page of the people that `actor` manages, by name.

    `q` finds a name (also its pinyin), and of those for whom they answer an address or a number.
    """
    query = select(Person).where(in_reach(actor))
    if not ended:
        query = query.where(Person.ended_at.is_(None))
    if q:
        query = query.where(found_by(q, actor))
    return page_of(
        db.session(),
        query,
        [Person.sort_key.expression, Person.id.expression],
        key_of=lambda person: (person.sort_key, person.id),
        mark=mark,
        size=PAGE_SIZE,
    )
