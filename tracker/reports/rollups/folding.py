"""Making the cells, and working changes into them."""

import time
from array import array
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import islice
from typing import Any, Final, TypeAlias, TypeVar
from uuid import uuid4
from zoneinfo import ZoneInfo

from sqlalchemy import delete, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from tracker.database import db, is_taken_already, transaction
from tracker.organisation import queries as organisation
from tracker.reports.definitions import Figure
from tracker.reports.models import MONTH, YEAR, FigureCell, FigureChange, FigureFold
from tracker.reports.rollups.facts import COUNTS, Fact, Kept, facts_of, select_facts
from tracker.reports.rollups.tally import Numbers, Tally
from tracker.service_requests.models import ServiceRequest

FOLDED_AT_ONCE: Final = 2_000
REBUILT_FROM: Final = 30_000
"""So many changes, as after an import, are sooner settled by reading every request once."""
HELD_FOR: Final = timedelta(minutes=5)
"""How long nobody folds after somebody began to make the cells anew, and was never seen again."""
HELD_ON_EVERY: Final = 50_000
_FLOW: Final = COUNTS.index(Figure.CLOSED_IN_PERIOD)

_CellKey: TypeAlias = tuple[str, str, date, int, str]
"""As the primary key of `FigureCell`."""


def fold(*, now: datetime) -> int:
    """Work some changes into the cells; return how many. Opens transactions.

    Makes the cells first where there are none, or those of another time zone. Several workers
    take turns.
    """
    zone_name = organisation.time_zone_name()
    made = db.session.get(FigureFold, 1)
    if _is_held(made, now):
        db.session.rollback()
        return 0
    is_made = made is not None and made.time_zone == zone_name
    oldest: int | None = db.session.scalar(select(func.min(FigureChange.id)))
    newest: int | None = db.session.scalar(select(func.max(FigureChange.id)))
    db.session.rollback()
    if not is_made or (newest or 0) - (oldest or 0) > REBUILT_FROM:
        return rebuild(now=now) or 0
    if newest is None and made is not None and not _lacks_a_year(made, now):
        return 0
    with transaction():
        state = db.session.get(FigureFold, 1, with_for_update=True, populate_existing=True)
        if state is None or _is_held(state, now):
            return 0
        zone = ZoneInfo(state.time_zone)
        changes = FigureChange.__table__
        ids = db.session.scalars(
            select(FigureChange.id).order_by(FigureChange.id).limit(FOLDED_AT_ONCE)
        ).all()
        if ids:
            state.stamp = str(uuid4())
            asked = select_facts(changes).where(changes.c.id.in_(ids))
            years = range(state.years_from, state.years_until)
            _work_in(_gathered(facts_of(asked, zone), years))
            db.session.execute(delete(FigureChange).where(FigureChange.id.in_(ids)))
        _finish_years(state, now)
        return len(ids)


def rebuild(*, now: datetime) -> int | None:
    """Make every cell anew from the requests; return how many changes that settled.

    The requests are read as they are at one moment, while others work; only the writing at the
    end holds them up. Nobody folds meanwhile: what they folded would be lost with the cells that
    are thrown away. None where somebody else makes them anew already. Opens transactions.
    """
    stamp = _hold(now)
    if stamp is None:
        return None
    try:
        return _made_anew(stamp, now)
    except BaseException:
        with db.engine.begin() as beside:  # the next one need not wait
            held = update(FigureFold).where(FigureFold.stamp == stamp)
            beside.execute(held.values(held_until=None))
        raise


def _made_anew(stamp: str, now: datetime) -> int | None:
    """Make every cell anew while `stamp` holds them; None if it took so long that somebody else began."""
    zone_name = organisation.time_zone_name()
    zone = ZoneInfo(zone_name)
    db.session.rollback()
    if db.engine.dialect.name == "postgresql":
        db.session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
    settled = db.session.scalars(select(FigureChange.id)).all()
    facts = facts_of(select_facts(ServiceRequest.__table__), zone)
    cells = _gathered(_held_meanwhile(facts, stamp, now), range(0))
    this_year = now.astimezone(zone).year
    years = range(min((key[2].year for key in cells), default=this_year), this_year)
    with transaction():
        state = db.session.get(FigureFold, 1, with_for_update=True, populate_existing=True)
        if state is None or state.stamp != stamp:
            return None
        db.session.execute(delete(FigureCell))
        for some in _batches(cells.items()):
            _insert(some)
        for ids in _batches(settled):
            db.session.execute(delete(FigureChange).where(FigureChange.id.in_(ids)))
        state.time_zone = zone_name
        state.years_from = state.years_until = years.start
        state.stamp = str(uuid4())
        state.held_until = None
        db.session.flush()
        _finish_years(state, now)
    return len(settled)


def _is_held(state: FigureFold | None, now: datetime) -> bool:
    return state is not None and state.held_until is not None and state.held_until > now


def _hold(now: datetime) -> str | None:
    """Keep everybody from folding for a while; return the stamp that says so, None if somebody does."""
    stamp = str(uuid4())
    try:
        with transaction():
            state = db.session.get(FigureFold, 1, with_for_update=True, populate_existing=True)
            if _is_held(state, now):
                return None
            if state is None:
                state = FigureFold(id=1, time_zone="", years_from=0, years_until=0)
                db.session.add(state)
            state.stamp = stamp
            state.held_until = now + HELD_FOR
    except IntegrityError as error:
        if not is_taken_already(error):
            raise
        return None  # somebody else has just begun, with the first cells ever
    return stamp


def _held_meanwhile(facts: Iterable[Fact], stamp: str, now: datetime) -> Iterator[Fact]:
    """Yield facts, and go on holding the cells as long as there are more, by another connection."""
    begun = time.monotonic()
    held = update(FigureFold).where(FigureFold.stamp == stamp)
    for number, fact in enumerate(facts, start=1):
        if number % HELD_ON_EVERY == 0:
            passed = timedelta(seconds=time.monotonic() - begun)
            with db.engine.begin() as beside:
                beside.execute(held.values(held_until=now + passed + HELD_FOR))
        yield fact


def _lacks_a_year(state: FigureFold, now: datetime) -> bool:
    return state.years_until < now.astimezone(ZoneInfo(state.time_zone)).year


def _gathered(facts: Iterable[Fact], years: range) -> dict[_CellKey, Tally]:
    """Return the cells that some facts belong to, with the facts alone."""
    found: defaultdict[_CellKey, Tally] = defaultdict(Tally)
    for fact in facts:
        for month, at_closing in ((fact.submitted_in, False), (fact.closed_in, True)):
            if month is None or not (fact.counts[_FLOW] or not at_closing):
                continue
            spans = [(MONTH, month)]
            if month.year in years:
                spans.append((YEAR, month.replace(month=1)))
            for kept, key in zip(Kept, fact.keys, strict=True):
                for span, starts_on in spans:
                    cell = kept.value, span, starts_on, fact.unit_id, key
                    found[cell].note(fact, at_closing=at_closing)
    return {key: tally.settle() for key, tally in found.items()}


def _work_in(cells: Mapping[_CellKey, Tally]) -> None:
    """Add tallies to the cells as they are."""
    primary = tuple_(
        FigureCell.dimension,
        FigureCell.span,
        FigureCell.starts_on,
        FigureCell.unit_id,
        FigureCell.key,
    )
    for some in _batches(list(cells)):
        for row in db.session.scalars(select(FigureCell).where(primary.in_(some))):
            key = row.dimension, row.span, row.starts_on, row.unit_id, row.key
            _join(cells[key], row)
        db.session.execute(delete(FigureCell).where(primary.in_(some)))
        _insert([(key, cells[key]) for key in some])
    db.session.expire_all()


def _insert(cells: Iterable[tuple[_CellKey, Tally]]) -> None:
    """Write cells; what counts nothing (any more) needs none."""
    if rows := [_row(key, tally) for key, tally in cells if any(tally.counts)]:
        db.session.execute(insert(FigureCell), rows)


def _join(tally: Tally, row: FigureCell) -> None:
    before = [getattr(row, figure.value) for figure in COUNTS]
    tally.counts = [one + other for one, other in zip(before, tally.counts, strict=True)]
    tally.seconds.append(array("q", row.seconds))
    tally.dues.append(array("q", row.dues))
    tally.latest = max(tally.latest, row.latest)


def _row(key: _CellKey, tally: Tally) -> dict[str, Any]:
    dimension, span, starts_on, unit_id, name = key
    return {
        "dimension": dimension,
        "span": span,
        "starts_on": starts_on,
        "unit_id": unit_id,
        "key": name,
        **{figure.value: count for figure, count in zip(COUNTS, tally.counts, strict=True)},
        "latest": tally.latest,
        "seconds": _packed(tally.seconds, tally.seconds_added, tally.seconds_taken),
        "dues": _packed(tally.dues, tally.dues_added, tally.dues_taken),
    }


def _packed(kept: Sequence[Numbers], added: Sequence[int], taken: Sequence[int]) -> bytes:
    numbers = sorted([*(number for some in kept for number in some), *added])
    for number in taken:
        place = bisect_left(numbers, number)
        if place < len(numbers) and numbers[place] == number:
            del numbers[place]
    return array("q", numbers).tobytes()


def _finish_years(state: FigureFold, now: datetime) -> None:
    """Make the cells of whole years out of their months, once a year has ended."""
    this_year = now.astimezone(ZoneInfo(state.time_zone)).year
    for year in range(state.years_until, this_year):
        cells: defaultdict[_CellKey, Tally] = defaultdict(Tally)
        of_year = select(FigureCell).where(
            FigureCell.span == MONTH,
            FigureCell.starts_on >= date(year, 1, 1),
            FigureCell.starts_on < date(year + 1, 1, 1),
        )
        for row in db.session.scalars(of_year):
            key = row.dimension, YEAR, date(year, 1, 1), row.unit_id, row.key
            _join(cells[key], row)
        db.session.expire_all()
        for some in _batches(cells.items()):
            _insert(some)
        state.stamp = str(uuid4())
    state.years_until = max(state.years_until, this_year)


_Item = TypeVar("_Item")


def _batches(items: Iterable[_Item], size: int = 500) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while some := list(islice(iterator, size)):
        yield some
