"""The full-text index of service requests, kept in the same transaction as the request.

SQLite has an FTS5 table, PostgreSQL a tsvector with a GIN index; both are fed with the same
words and pairs of Chinese characters from `tracker.search_text`, so that two-character words
are found on both.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    String,
    TextClause,
    and_,
    any_,
    bindparam,
    column,
    exists,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    text,
    union_all,
)
from sqlalchemy.orm import joinedload

from tracker.accounts.models import Grant, Person
from tracker.database import among, db, read, transaction
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area, Category, Unit
from tracker.permissions import Role
from tracker.search_text import index_text, postgres_phrases, sqlite_match, whole_word
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.models import Requester, ServiceRequest
from tracker.service_requests.narrow import Remembered
from tracker.set_up import until_set_up_changes
from tracker.teams.models import Team

MOST_TERMS: Final = 8
SHORTEST_NAME: Final = 2
BATCH: Final = 1000
MOST_OF_FEW: Final = 2_000
CLEARLY_MANY: Final = 10 * MOST_OF_FEW

REMOVE_TEXT: Final = {
    "sqlite": text("DELETE FROM service_request_search WHERE rowid = :id"),
    "postgresql": text("DELETE FROM service_request_search WHERE service_request_id = :id"),
}
ADD_TEXT: Final = {
    "sqlite": text("INSERT INTO service_request_search (rowid, body) VALUES (:id, :body)"),
    "postgresql": text(
        "INSERT INTO service_request_search (service_request_id, body)"
        " VALUES (:id, to_tsvector('simple', :body))"
    ),
}


_known_as_many: Final = Remembered()
_INDEX = table("service_request_search", column("service_request_id"), column("body"))
_ROWID: ColumnElement[int] = literal_column("rowid", Integer)


def searchable_text(service_request: ServiceRequest, requester: Requester | None) -> str:
    """Return what a request can be found by: its words, place, people and numbers."""
    return " ".join(
        filter(
            None,
            (
                service_request.reference,
                service_request.source_id,
                service_request.need,
                service_request.address,
                service_request.beneficiary_name,
                requester.name if requester else None,
            ),
        )
    )


def add(service_request: ServiceRequest) -> None:
    """Make a new request findable. It must have been flushed."""
    add_many({service_request.id: searchable_text(service_request, service_request.requester)})


def add_many(texts: Mapping[int, str]) -> None:
    """Index many new requests at once: request id → text."""
    rows = [{"id": key, "body": index_text(value)} for key, value in texts.items()]
    if rows:
        db.session.execute(ADD_TEXT[db.session.connection().dialect.name], rows)


def remove_many(ids: Iterable[int]) -> None:
    """Take requests out of the index, e.g. before they are indexed again."""
    rows = [{"id": key} for key in ids]
    if rows:
        db.session.execute(REMOVE_TEXT[db.session.connection().dialect.name], rows)


def index_missing() -> int:
    """Make every request findable that is not, batch by batch; return how many there were.

    After migrations that made the index anew: they do not know how words are cut.
    """
    dialect = db.session.connection().dialect.name
    row = "rowid" if dialect == "sqlite" else "service_request_id"
    done = last = 0
    while True:
        with transaction():
            found = db.session.scalars(
                select(ServiceRequest)
                .where(
                    ServiceRequest.id > last,
                    ~exists()
                    .where(literal_column(f"service_request_search.{row}") == ServiceRequest.id)
                    .select_from(_INDEX),
                )
                .options(joinedload(ServiceRequest.requester))
                .order_by(ServiceRequest.id)
                .limit(BATCH)
            ).all()
            add_many({each.id: searchable_text(each, each.requester) for each in found})
            done += len(found)
            last = found[-1].id if found else last
        db.session.expunge_all()
        if len(found) < BATCH:
            return done


class Ways(NamedTuple):
    """The ids of what a request can be listed with that a word is part of the name of."""

    categories: tuple[int, ...] = ()
    """With all below them."""
    areas: tuple[int, ...] = ()
    units: tuple[int, ...] = ()
    teams: tuple[int, ...] = ()
    leaders: tuple[int, ...] = ()


class _Shape(NamedTuple):
    """All that a statement about words hangs on, besides the words."""

    dialect: str
    first: int
    """Where the numbers of its phrases begin."""
    phrases: int


class _Part(NamedTuple):
    """What must fit: one of the ways, or the phrases; no shape where no text can have them."""

    ways: Ways
    shape: _Shape | None


@dataclass(frozen=True, slots=True)
class Asked:
    """Words that are looked for. Two are equal where the same statement asks for them."""

    parts: tuple[_Part, ...]
    """All of them must fit."""
    given: Mapping[str, str] = field(compare=False)
    """The parameters."""

    @property
    def are_names(self) -> bool:
        """Tell whether a word is part of a name."""
        return any(any(part.ways) for part in self.parts)


def asked_for(words: str) -> str:
    """Return the words that are looked for, of all that were typed: the first `MOST_TERMS`.

    Whatever is asked of each word, such as whether it stands in the open, is asked of these.
    """
    return " ".join(words.split()[:MOST_TERMS])


def asked(query: str) -> Asked:
    """Return what is asked of the index, and which names the words are part of.

    Names of categories (or the group of one), areas (or one above), units, teams and leaders.
    """
    named = {term: _ways(term) for term in query.split()}
    if not any(any(ways) for ways in named.values()):
        named = {query: Ways()}  # a phrase may reach from one word into the next
    parts: list[_Part] = []
    given: dict[str, str] = {}
    for term, ways in named.items():
        words = _words(term, first=len(given))
        parts.append(_Part(ways, words.shape if words else None))
        given |= words.given if words else {}
    return Asked(tuple(parts), given)


def fits(words: Asked) -> ColumnElement[bool]:
    """Return the condition that every word is in the text of a request, or in a name of it.

    Words without a letter or digit fit nothing. Its parameters are `words.given`.
    """
    # Names first: the long list of texts is gathered only where they do not settle it.
    return and_(*(or_(*_listed_with(ways), _in_text(shape)) for ways, shape in words.parts))


def _in_text(shape: _Shape | None) -> ColumnElement[bool]:
    return false() if shape is None else ServiceRequest.id.in_(_all_with(shape))


def _listed_with(ways: Ways) -> list[ColumnElement[bool]]:
    """Return the conditions that a request is listed with one of some things."""
    one_of_these = (
        (ServiceRequest.category_id, ways.categories),
        (ServiceRequest.area_id, ways.areas),
        (ServiceRequest.unit_id, ways.units),
        (ServiceRequest.leader_id, ways.leaders),
    )
    found = [among(column, ids) for column, ids in one_of_these if ids]
    return [*found, CASEWORK.in_teams(ways.teams)] if ways.teams else found


def _ways(term: str) -> Ways:
    """Return what a request can be listed with that `term` is part of the name of."""
    if len(term) < SHORTEST_NAME:
        return Ways()
    found = _things_named(term)
    kinds = map(organisation.categories_below, found["category"])
    areas = map(organisation.areas_below, found["area"])
    return Ways(
        categories=tuple(sorted(frozenset[int]().union(*kinds))),
        areas=tuple(sorted(frozenset[int]().union(*areas))),
        units=tuple(found["unit"]),
        teams=tuple(found["team"]),
        leaders=tuple(found["leader"]),
    )


def _things_named(term: str) -> Mapping[str, list[int]]:
    """Return the ids of what `term` is part of the name of: category, area, unit, team, leader."""
    wanted = term.casefold()
    found: defaultdict[str, list[int]] = defaultdict(list)
    for kind, thing_id, name, name_en in _names():
        if wanted in name or wanted in name_en:
            found[kind].append(thing_id)
    return found


@until_set_up_changes
def _names() -> Sequence[tuple[str, int, str, str]]:
    """Return what a request can be listed with: its kind, its id, its names in small letters."""
    leading = select(Grant.person_id).where(Grant.role == Role.LEADER, Grant.ended_at.is_(None))
    leaders = select(literal("leader"), Person.id, Person.name, literal(""))
    rows: Iterable[Any] = db.session.execute(
        union_all(
            *(
                select(literal(kind.__tablename__), kind.id, kind.name, kind.name_en)
                for kind in (Category, Area, Unit, Team)
            ),
            leaders.where(Person.id.in_(leading)),
        )
    )
    return [
        (kind, thing_id, name.casefold(), (name_en or "").casefold())
        for kind, thing_id, name, name_en in rows
    ]


def is_in_the_open(term: str) -> ColumnElement[bool]:
    """Return the condition that a word stands where everybody reads it who reads the request.

    In its own words, in a number of its own, or in a name that it is listed with. As a whole word:
    of a part of one, the index would tell whether it is a word of a name or an address.
    """
    return or_(
        ServiceRequest.need.regexp_match(whole_word(term)),
        ServiceRequest.reference == term,
        ServiceRequest.source_id == term,
        *_listed_with(_ways(term)),
    )


def matching(query: str, some: Sequence[int]) -> frozenset[int]:
    """Return which of some requests contain every word of `query`, and perhaps others that do."""
    words = _words(query)
    if words is None or not some:
        return frozenset()
    narrowed = {"these": list(some), "first": min(some), "last": max(some)}
    return frozenset(read(_some_with(words.shape), {**words.given, **narrowed}).scalars())


def ids_with(words: Asked, *others: Select[int]) -> CompoundSelect[int]:
    """Select the ids of the requests that contain the words, whatever they are listed with, and the others.

    They must be few: however frequent a word is, it is looked up.
    """
    found = [_few_with(part.shape) for part in words.parts if part.shape is not None]
    return union_all(*found, *others)


def are_few(query: str) -> bool:
    """Tell whether so few requests contain the words that each can be looked at."""
    words = _words(query)
    if words is None:
        return True
    asked = (words.shape, *words.given.values(), MOST_OF_FEW)
    if asked in _known_as_many:
        return False
    few = not _are_clearly_many(words) and _count(words) <= MOST_OF_FEW
    if not few:
        _known_as_many.add(asked)
    return few


class _Words(NamedTuple):
    """What is looked for, as a database wants it."""

    shape: _Shape
    given: Mapping[str, str]


def _words(query: str, first: int = 0) -> _Words | None:
    """Return what is asked of the index; None for a query without a letter or digit."""
    dialect = db.session.connection().dialect.name
    if dialect == "sqlite":
        expression = sqlite_match(query)
        phrases = [expression] if expression else []
    else:
        phrases = postgres_phrases(query)
    given = {f"phrase_{n}": phrase for n, phrase in enumerate(phrases, first)}
    return _Words(_Shape(dialect, first, len(phrases)), given) if phrases else None


# Each is made once: making a statement takes longer than running it.


@cache
def _all_with(shape: _Shape) -> Select[int]:
    """Select the ids of the requests that contain the words."""
    return _with(shape, _phrases(shape))


@cache
def _few_with(shape: _Shape) -> Select[int]:
    """Select them as if nothing was known of the words: PostgreSQL may plan it once for all words."""
    phrases = _phrases(shape)
    if shape.dialect == "sqlite":
        return _with(shape, phrases)
    return _with(shape, [select(phrase).scalar_subquery() for phrase in phrases])


def _phrases(shape: _Shape) -> Sequence[ColumnElement[str]]:
    numbers = range(shape.first, shape.first + shape.phrases)
    return [bindparam(f"phrase_{n}", type_=String) for n in numbers]


def _with(shape: _Shape, phrases: Sequence[ColumnElement[str]]) -> Select[int]:
    if shape.dialect == "sqlite":
        [expression] = phrases
        words = literal_column("service_request_search").op("MATCH")(expression)
        return select(_ROWID).select_from(_INDEX).where(words)
    body = _INDEX.c.body.op("@@")
    fits = (body(func.phraseto_tsquery("simple", phrase)) for phrase in phrases)
    return select(_INDEX.c.service_request_id).where(*fits)


@cache
def _some_with(shape: _Shape) -> Select[int]:
    """Select them among some, and perhaps others: each index is narrowed in the way that it can be."""
    found = _all_with(shape)
    if shape.dialect == "sqlite":
        return found.where(_ROWID.between(bindparam("first"), bindparam("last")))
    these = bindparam("these", type_=ARRAY(Integer))  # one parameter, not four hundred
    return found.where(_INDEX.c.service_request_id == any_(these))


@cache
def _how_many_with(shape: _Shape) -> Select[int]:
    some = _all_with(shape).limit(MOST_OF_FEW + 1).subquery()
    return select(func.count()).select_from(some)


def _count(words: _Words) -> int:
    """Return how many requests contain the words, as far as they are few."""
    return read(_how_many_with(words.shape), words.given).scalar() or 0


@cache
def _plan_of(shape: _Shape) -> TextClause:
    fits = (f"body @@ phraseto_tsquery('simple', :phrase_{n})" for n in range(shape.phrases))
    asked = " AND ".join(fits)
    return text(f"EXPLAIN (FORMAT JSON) SELECT 1 FROM service_request_search WHERE {asked}")  # noqa: S608 - of our own words only


def _are_clearly_many(words: _Words) -> bool:
    """Tell whether PostgreSQL, which gathers all of them before it counts some, thinks so.

    It knows how frequent the frequent words are. Of a phrase it knows its rarest word at most.
    """
    if words.shape.dialect != "postgresql":
        return False
    told = read(_plan_of(words.shape), words.given).scalar_one()
    rows: float = told[0]["Plan"]["Plan Rows"]
    return rows > CLEARLY_MANY
