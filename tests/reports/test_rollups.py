"""What the kept cells say is what the requests say: whatever is asked, whatever happened."""

import random
from array import array
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from hypothesis import assume, given, strategies as st
from sqlalchemy import delete, func, insert, select, text, update

from tests.support.builders import Builders
from tests.support.walk import Walk, cast_of
from tests.torture.size import IS_FULL, takes_its_time
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.integrity.invariants import snapshot_of
from tracker.organisation.models import Organisation
from tracker.permissions import SYSTEM, Actor
from tracker.reports import answers, statistics
from tracker.reports.definitions import Dimension, Figure, Scope
from tracker.reports.models import FigureCell, FigureChange
from tracker.reports.rollups import folding, reading, totals
from tracker.reports.rollups.remembered import LARGEST, Remembered
from tracker.reports.rollups.tally import Tally
from tracker.reports.values import Summary
from tracker.service_requests.lifecycle import HANDLED_STATUSES, Kind, Outcome, Solved, Status
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.reference import with_check_digit
from tracker.teams.actors import actor_for

pytestmark = takes_its_time
SHANGHAI: Final = ZoneInfo("Asia/Shanghai")
FILTERS: Final = 300 if IS_FULL else 45
REQUESTS: Final = 3_000 if IS_FULL else 250
STEPS: Final = 5_000 if IS_FULL else 80
CHANNELS: Final = ("web", "phone", "counter", "")


@dataclass(frozen=True)
class World:
    """The ids that requests and filters are made of."""

    units: tuple[int, ...]
    teams: tuple[int, ...]
    leaders: tuple[int, ...]
    categories: tuple[int, ...]
    areas: tuple[int, ...]
    actors: tuple[Actor, ...]
    now: datetime


@pytest.fixture
def world(a: Builders) -> World:
    branches = [a.unit(), a.unit()]
    units = [a.bureau, *branches, a.unit(parent=branches[0])]
    top = a.category().parent
    assert top is not None
    leaves = [a.category(parent=top), a.category(parent=top), a.category()]
    street = a.area(unit=branches[0])
    areas = [street, a.area(parent=street), a.area(unit=branches[1])]
    teams = [a.team(unit) for unit in units[:3]]
    leaders = [a.leader(), a.leader(branches[0])]
    readers = [a.supervisor(), a.supervisor(branches[0]), leaders[0]]
    return World(
        units=tuple(unit.id for unit in units),
        teams=tuple(team.id for team in teams),
        leaders=tuple(each.id for each in leaders),
        categories=tuple(leaf.id for leaf in leaves),
        areas=tuple(area.id for area in areas),
        actors=(SYSTEM, *(actor_for(reader) for reader in readers)),
        now=utc_now(),
    )


def some_values(world: World, chance: random.Random) -> dict[str, Any]:
    """Return the columns of a request at some point of some life, as the CHECKs allow."""
    came = world.now - timedelta(seconds=chance.randrange(3 * 365 * 86_400))
    if chance.random() < 0.1:  # the first and last moments of months
        came = came.astimezone(SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        came = came.astimezone(UTC) - timedelta(microseconds=chance.randrange(2))
    status = chance.choice([*Status, Status.CLOSED, Status.CLOSED, Status.RESOLVED])
    took = timedelta(seconds=chance.choice((0, 60, chance.randrange(60 * 86_400))))
    ended = min(came + took, world.now)
    is_closed, is_handled = status is Status.CLOSED, status in HANDLED_STATUSES
    stands_still = status in (Status.WAITING, Status.PARKED)
    has_due = status is not Status.SUBMITTED and not (stands_still and chance.random() < 0.5)
    was_in_time = chance.choice((True, False, None))
    return {
        "kind": chance.choice(list(Kind)),
        "category_id": chance.choice(world.categories),
        "unit_id": chance.choice(world.units),
        "area_id": chance.choice((*world.areas, None)),
        "channel": chance.choice(CHANNELS),
        "status": status,
        "outcome": chance.choice(list(Outcome)) if is_handled else None,
        "is_spam": chance.random() < 0.05,
        "lead_team_id": chance.choice((*world.teams, None)),
        "leader_id": chance.choice((*world.leaders, None)),
        "submitted_at": came,
        "assigned_at": came if chance.random() < 0.8 else None,
        "resolved_at": ended if is_handled and chance.random() < 0.9 else None,
        "closed_at": ended if is_closed else None,
        "seconds_to_close": int((ended - came).total_seconds()) if is_closed else None,
        "due_at": came + timedelta(days=chance.randrange(40)) if has_due else None,
        "resolved_on_time": was_in_time if is_handled else None,
        "waiting_for": "?" if status is Status.WAITING else "",
        "parked_until": world.now.date() if status is Status.PARKED else None,
        "solved": chance.choice((*Solved, None)) if is_closed else None,
        "satisfaction": chance.choice((1, 2, 3, 4, 5, None)) if is_closed else None,
        "times_reopened": chance.choice((0, 0, 0, 1)),
        "times_returned": chance.choice((0, 0, 0, 1)),
    }


def make_requests(world: World, chance: random.Random, count: int) -> None:
    first = (db.session.scalar(select(func.max(ServiceRequest.id))) or 0) + 1
    with transaction():
        db.session.execute(
            insert(ServiceRequest),
            [
                {
                    "id": one,
                    "reference": with_check_digit(str(100_000_000 + one)),
                    "need": "水管漏水。",
                    **some_values(world, chance),
                }
                for one in range(first, first + count)
            ],
        )
        if db.engine.dialect.name == "postgresql":
            db.session.execute(
                text(f"SELECT setval('service_request_id_seq', {first + count}, false)")
            )


def change_requests(world: World, chance: random.Random, count: int) -> None:
    """Change, and now and then remove, requests as an import or an administrator might."""
    ids = db.session.scalars(select(ServiceRequest.id)).all()
    with transaction():
        for one in chance.choices(ids, k=count):
            if chance.random() < 0.05:
                db.session.execute(delete(ServiceRequest).where(ServiceRequest.id == one))
            else:
                values = some_values(world, chance)
                db.session.execute(
                    update(ServiceRequest).where(ServiceRequest.id == one).values(**values)
                )


def some_scope(world: World, chance: random.Random) -> Scope:
    def some(ids: tuple[int, ...]) -> frozenset[int] | None:
        return frozenset(chance.sample(ids, chance.randint(1, 2)))

    def month(years: float) -> datetime:
        local = (world.now - timedelta(days=365 * years)).astimezone(SHANGHAI)
        return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)

    ends = sorted((month(chance.random() * 3.2), month(chance.random() * 3.2)))
    match chance.randrange(6):
        case 0:
            start, end = None, None
        case 1:
            start, end = None, ends[1]
        case 2:
            start, end = ends[0], None
        case 3:  # days, not whole months
            start, end = ends[0] - timedelta(days=3), ends[1] + timedelta(days=11)
        case 4:
            year = chance.randint(world.now.year - 3, world.now.year)
            start = datetime(year, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)
            end = datetime(year + 1, 1, 1, tzinfo=SHANGHAI).astimezone(UTC)
        case _:
            start, end = ends
    narrowed: dict[str, Any] = {}
    for _filter in range(chance.choice((0, 0, 1, 1, 1, 2))):
        name, value = chance.choice(
            (
                ("team_id", chance.choice(world.teams)),
                ("leader_id", chance.choice(world.leaders)),
                ("category_ids", some(world.categories)),
                ("area_ids", some(world.areas)),
                ("channel", chance.choice(CHANNELS)),
                ("kind", chance.choice(list(Kind))),
                (
                    "blank",
                    frozenset({chance.choice((Dimension.TEAM, Dimension.LEADER, Dimension.AREA))}),
                ),
            )
        )
        narrowed[name] = value
    as_of = (
        world.now if chance.random() < 0.85 else world.now - timedelta(days=chance.randrange(900))
    )
    units = some(world.units) if chance.random() < 0.3 else None
    return Scope(as_of=as_of, start=start, end=end, unit_ids=units, **narrowed)


def assert_same(world: World, chance: random.Random, count: int = FILTERS) -> None:
    """Ask both ways for the figures of random scopes, as different readers."""
    from_cells = 0
    for _ in range(count):
        scope, actor = some_scope(world, chance), chance.choice(world.actors)
        by = chance.choice(list(Dimension))
        from_cells += reading.read(actor, scope, by) is not None
        assert answers.summary(actor, scope) == statistics.summary(actor, scope), scope
        assert list(answers.groups(actor, scope, by)) == list(
            statistics.groups(actor, scope, by)
        ), (scope, by)
        both = answers.summary_and_groups(actor, scope, by)
        assert both[0] == statistics.summary(actor, scope), (scope, by)
        assert list(answers.monthly(actor, scope, SHANGHAI)) == list(
            statistics.monthly(actor, scope, SHANGHAI)
        ), scope
        for figure in chance.sample(list(Figure), 5):
            assert answers.how_many(actor, scope, figure) == statistics.how_many(
                actor, scope, figure
            ), (scope, figure)
        assert list(answers.channels(actor)) == list(statistics.channels(actor))
        db.session.rollback()
    assert from_cells > count / 8, "nearly nothing was read from the cells: this compares nothing"


def test_the_cells_say_what_the_requests_say(a: Builders, world: World, tmp_path: Path) -> None:
    chance = random.Random(20_261_123)  # noqa: S311 - not a secret
    make_requests(world, chance, REQUESTS)
    folding.fold(now=utc_now())
    assert_same(world, chance)

    change_requests(world, chance, STEPS)
    make_requests(world, chance, STEPS // 4)
    assert_same(world, chance, FILTERS // 3)  # nothing of that is folded yet

    walk = Walk(cast_of(a), tmp_path, utc_now, chance)
    walk.go(STEPS)
    world = World(**{**vars(world), "now": utc_now()})
    assert_same(world, chance, FILTERS // 3)
    while folding.fold(now=utc_now()):
        pass
    assert db.session.scalar(select(func.count()).select_from(FigureChange)) == 0
    assert_same(world, chance, FILTERS // 3)

    folded = cells()
    folding.rebuild(now=utc_now())
    assert cells() == folded


def cells() -> dict[tuple[object, ...], tuple[object, ...]]:
    """Return every cell, by its key."""
    names = [column.name for column in FigureCell.__table__.columns if column.name != "latest"]
    rows = db.session.execute(select(*(getattr(FigureCell, name) for name in names))).all()
    db.session.rollback()
    return {tuple(row[:5]): tuple(row[5:]) for row in rows}


def test_a_year_that_ended_gets_cells_of_its_own(world: World) -> None:
    chance = random.Random(5)  # noqa: S311 - not a secret
    make_requests(world, chance, 100)
    folding.fold(now=utc_now())
    spans = set(db.session.scalars(select(FigureCell.span)))
    assert spans == {"month", "year"}
    year = world.now.astimezone(SHANGHAI).year - 1
    scope = Scope(
        as_of=world.now,
        start=datetime(year, 1, 1, tzinfo=SHANGHAI),
        end=datetime(year + 1, 1, 1, tzinfo=SHANGHAI),
    )
    found = reading.reading_for(SYSTEM, scope)
    assert found is not None
    assert year in found.years


def test_another_time_zone_makes_other_months(a: Builders, world: World) -> None:
    a.organisation()
    make_requests(world, random.Random(6), 100)  # noqa: S311 - not a secret
    folding.fold(now=utc_now())
    with transaction():
        db.session.get_one(Organisation, 1).time_zone = "Europe/London"
    assert reading.read(SYSTEM, Scope(as_of=world.now)) is None
    folding.fold(now=utc_now())
    assert reading.read(SYSTEM, Scope(as_of=world.now)) is not None
    db.session.rollback()


def test_what_came_in_the_same_moment_does_not_send_the_page_to_the_requests(
    world: World,
) -> None:
    make_requests(world, random.Random(7), 20)  # noqa: S311 - not a secret
    folding.fold(now=utc_now())
    just_before = world.now - timedelta(seconds=1)
    assert reading.read(SYSTEM, Scope(as_of=just_before)) is not None
    assert reading.read(SYSTEM, Scope(as_of=world.now - timedelta(days=900))) is None
    db.session.rollback()


def test_nobody_folds_between_the_statements_of_a_reader(
    world: World, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_requests(world, random.Random(8), 40)  # noqa: S311 - not a secret
    folding.fold(now=utc_now())
    make_requests(world, random.Random(9), 40)  # noqa: S311 - not a secret
    read_changes = reading._loose

    def fold_elsewhere() -> None:
        with app.app_context():
            folding.fold(now=utc_now())

    with ThreadPoolExecutor(1) as elsewhere:

        def fold_and_read_changes(reading: reading.Reading) -> object:
            wait([elsewhere.submit(fold_elsewhere)], timeout=0.5)
            return read_changes(reading)

        monkeypatch.setattr(reading, "_loose", fold_and_read_changes)
        said = answers.summary(SYSTEM, Scope(as_of=world.now))
        db.session.rollback()

    assert said == statistics.summary(SYSTEM, Scope(as_of=world.now))
    assert db.session.scalar(select(func.count()).select_from(FigureChange)) == 0


@pytest.mark.parametrize("while_it", ["reads", "has read"])
def test_what_comes_while_the_cells_are_made_anew_is_in_the_figures(
    world: World, app: Flask, monkeypatch: pytest.MonkeyPatch, while_it: str
) -> None:
    make_requests(world, random.Random(11), 40)  # noqa: S311 - not a secret
    folding.fold(now=utc_now())
    gathered = folding._gathered
    folded: list[int] = []

    def come_and_be_folded() -> None:
        with app.app_context():
            make_requests(world, random.Random(12), 10)  # noqa: S311 - not a secret
            folded.append(folding.fold(now=utc_now()))

    def gather(*given: Any) -> Any:  # noqa: ANN401 - as it is
        with ThreadPoolExecutor(1) as elsewhere:
            if while_it == "reads":
                elsewhere.submit(come_and_be_folded).result()
            found = gathered(*given)
            if while_it == "has read":
                elsewhere.submit(come_and_be_folded).result()
        return found

    with monkeypatch.context() as patched:
        patched.setattr(folding, "_gathered", gather)
        assert folding.rebuild(now=utc_now()) is not None
    while folding.fold(now=utc_now()):
        pass

    assert folded == [0], "nobody folds what would be thrown away"
    scope = Scope(as_of=utc_now())
    assert answers.summary(SYSTEM, scope) == statistics.summary(SYSTEM, scope)
    db.session.rollback()
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        assert list(totals.differences(snapshot.connection)) == []


def test_two_do_not_make_the_cells_anew_at_once(world: World, app: Flask) -> None:
    make_requests(world, random.Random(13), 40)  # noqa: S311 - not a secret
    first = [folding.rebuild(now=utc_now()), folding.rebuild(now=utc_now())]
    assert None not in first

    with ThreadPoolExecutor(1) as elsewhere:

        def rebuild() -> int | None:
            with app.app_context():
                return folding.rebuild(now=utc_now())

        with pytest.MonkeyPatch.context() as patched:
            gathered, second = folding._gathered, list[int | None]()

            def gather(*given: Any) -> Any:  # noqa: ANN401 - as it is
                second.append(elsewhere.submit(rebuild).result())
                return gathered(*given)

            patched.setattr(folding, "_gathered", gather)
            assert folding.rebuild(now=utc_now()) is not None
    assert second == [None]


def test_who_began_and_was_never_seen_again_holds_nobody_up_for_long(world: World) -> None:
    make_requests(world, random.Random(14), 10)  # noqa: S311 - not a secret
    folding.fold(now=utc_now())
    assert folding._hold(utc_now()) is not None  # and then the machine was switched off
    make_requests(world, random.Random(15), 10)  # noqa: S311 - not a secret

    assert folding.fold(now=utc_now()) == 0
    later = utc_now() + folding.HELD_FOR + timedelta(seconds=1)
    assert folding.fold(now=later) > 0


def test_who_fails_to_make_the_cells_anew_holds_nobody_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_requests(world, random.Random(16), 10)  # noqa: S311 - not a secret
    folding.fold(now=utc_now())

    def fail(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(folding, "_gathered", fail)
        with pytest.raises(KeyboardInterrupt):
            folding.rebuild(now=utc_now())
    db.session.rollback()

    make_requests(world, random.Random(17), 10)  # noqa: S311 - not a secret
    assert folding.fold(now=utc_now()) > 0
    assert folding.rebuild(now=utc_now()) is not None


def test_what_was_read_is_forgotten_once_anybody_folds(world: World) -> None:
    scope = Scope(as_of=world.now)

    def both() -> tuple[Summary, Summary]:
        said = answers.summary(SYSTEM, scope), statistics.summary(SYSTEM, scope)
        db.session.rollback()
        return said

    chance = random.Random(10)  # noqa: S311 - not a secret
    seen = set()
    for _ in range(3):
        make_requests(world, chance, 20)
        said, is_so = both()
        assert said == is_so  # what is not folded is added to what is remembered, each time anew
        assert both() == (is_so, is_so)
        folding.fold(now=utc_now())
        said, is_so = both()
        assert said == is_so
        seen.add(said.received)
    folding.rebuild(now=utc_now())
    said, is_so = both()
    assert said == is_so
    assert len(seen) == 3


def test_a_process_keeps_no_more_than_it_should() -> None:
    kept, asked = Remembered(), list[int]()

    def read(number: int, size: int, stamp: str = "a") -> int:
        def load() -> int:
            asked.append(number)
            return number

        return kept.answer(stamp, number, load, lambda _found: size)

    assert [read(1, 10), read(1, 10), read(2, LARGEST // 2)] == [1, 1, 2]
    assert asked == [1, 2]
    read(3, LARGEST // 2 + 1)
    read(3, LARGEST // 2 + 1)
    assert asked == [1, 2, 3, 3], "more than half of it is not kept"
    read(1, 10)
    read(4, LARGEST // 2)
    assert kept.size <= LARGEST
    read(1, 10)
    assert asked == [1, 2, 3, 3, 4], "what was asked for last is kept"
    read(2, LARGEST // 2)
    assert asked[-1] == 2, "what was asked for longest ago is not"
    read(1, 10, stamp="b")
    assert asked[-1] == 1
    assert kept.size == 10


@given(
    lists=st.lists(st.lists(st.integers(0, 10**6), max_size=400), max_size=12),
    added=st.lists(st.integers(0, 10**6), max_size=40),
    data=st.data(),
)
def test_a_place_is_found_without_putting_everything_in_order(
    lists: list[list[int]], added: list[int], data: st.DataObject
) -> None:
    everything = [*chain.from_iterable(lists), *added]
    assume(everything)
    number = data.draw(st.integers(0, min(30, len(everything) - 1)))
    taken = data.draw(st.permutations(everything))[:number] if number else []
    tally = Tally(
        seconds=[array("q", sorted(one)) for one in lists],
        seconds_added=sorted(added),
        seconds_taken=sorted(taken),
    )
    left = Counter(everything) - Counter(taken)

    for tenths in (0, 1, 5, 9, 10):
        n, value = tally.percentile(tenths)
        assert n == left.total()
        assert value == pytest.approx(percentile_of(sorted(left.elements()), tenths))


def percentile_of(values: list[int], tenths: int) -> float:
    """Return it as numpy does by default, from values in order."""
    place, rest = divmod((len(values) - 1) * tenths, 10)
    after = values[min(place + 1, len(values) - 1)]
    return values[place] + (after - values[place]) * rest / 10


def test_a_place_is_found_among_many_that_are_the_same() -> None:
    tally = Tally(
        seconds=[array("q", [7] * 3000), array("q", [7] * 900 + [8])], seconds_taken=[7, 7]
    )

    assert tally.percentile(5) == (3899, 7)
    assert tally.percentile(10) == (3899, 8)
