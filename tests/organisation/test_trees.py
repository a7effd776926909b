"""Trees stay trees, whoever moves what at the same moment; and where one is none, nothing hangs."""

import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

import sqlalchemy as sa
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.together import at_once, held_until_all_wait, same_visitor
from tracker.database import db, transaction
from tracker.organisation import queries
from tracker.organisation.models import Area, Category, Unit
from tracker.permissions import SYSTEM
from tracker.reports.importing.mapping import parse_mapping
from tracker.reports.importing.names import Names
from tracker.set_up import SetUpStamp

LONGEST_S: Final = 5
MAPPING: Final = b"""
source = "book"
create = ["area"]
[columns]
source_id = "no"
submitted_at = "came"
area = ["where"]
[status]
column = "state"
default = "in_progress"
"""


def moving(app: Flask, browser: Browser, address: str, parent_id: int) -> Callable[[], int]:
    """Return what sends the form at `address` with another parent; it answers with the status."""
    sent = browser.open(address).form("parent_id").values() | {"parent_id": [str(parent_id)]}

    def act() -> int:
        return same_visitor(app, browser).post(address, data=sent).status_code

    return act


def parents_of(kind: type[Unit | Area | Category]) -> dict[int, int | None]:
    """Return the parent of each."""
    rows = db.session.execute(sa.select(kind.id, kind.parent_id)).all()
    return {row.id: row.parent_id for row in rows}


def is_tree(parents: dict[int, int | None]) -> bool:
    """Tell whether everything hangs below a root."""
    reached = {here for here, above in parents.items() if above is None}
    while below := {here for here, above in parents.items() if above in reached} - reached:
        reached |= below
    return reached == set(parents)


def test_two_areas_moved_at_once_make_no_ring(app: Flask, a: Builders, browser: Browser) -> None:
    five, six = a.area(unit=a.bureau), a.area(unit=a.bureau)
    fourteen, seventeen = a.area(parent=five), a.area(parent=six)
    browser.sign_in(a.administrator())
    moves = [
        moving(app, browser, f"/admin/areas/{five.id}", seventeen.id),
        moving(app, browser, f"/admin/areas/{six.id}", fourteen.id),
    ]

    answers = at_once(app, [*moves, held_until_all_wait(SetUpStamp, waiting=2)])

    assert Counter(answers) == {303: 1, 200: 1, None: 1}
    assert is_tree(parents_of(Area))


def test_two_units_moved_at_once_make_no_ring(app: Flask, a: Builders, browser: Browser) -> None:
    two, three = a.unit(), a.unit()
    five, six = a.unit(parent=two), a.unit(parent=three)
    browser.sign_in(a.administrator())
    moves = [
        moving(app, browser, f"/admin/units/{two.id}", six.id),
        moving(app, browser, f"/admin/units/{three.id}", five.id),
    ]

    answers = at_once(app, [*moves, held_until_all_wait(SetUpStamp, waiting=2)])

    assert Counter(answers) == {303: 1, 200: 1, None: 1}
    assert is_tree(parents_of(Unit))


def test_two_categories_moved_at_once_make_no_third_level(
    app: Flask, a: Builders, browser: Browser
) -> None:
    one, two, three = a.top_category(), a.top_category(), a.top_category()
    browser.sign_in(a.administrator())
    moves = [
        moving(app, browser, f"/admin/categories/{one.id}", two.id),
        moving(app, browser, f"/admin/categories/{two.id}", three.id),
    ]

    answers = at_once(app, [*moves, held_until_all_wait(SetUpStamp, waiting=2)])

    assert Counter(answers) == {303: 1, 200: 1, None: 1}
    parents = parents_of(Category)
    assert not [above for above in parents.values() if above and parents[above] is not None]


# ---------------------------------------------------------------- where there is a ring


def test_every_question_about_a_ring_has_an_answer(a: Builders, browser: Browser) -> None:
    units = [a.unit(), a.unit(), a.unit()]
    areas = [a.area(name=f"Ring {number}") for number in range(3)]
    ring_of_units, ring_of_areas = {unit.id for unit in units}, {area.id for area in areas}
    make_ring(Unit, [unit.id for unit in units])
    make_ring(Area, [area.id for area in areas])
    browser.sign_in(a.administrator())

    with within(LONGEST_S):
        assert queries.units_below(units[0].id) == ring_of_units
        assert queries.units_above(units[0].id) == ring_of_units
        assert queries.areas_below(areas[0].id) == ring_of_areas
        assert queries.unit_for_area(areas[0].id) == a.bureau.id
        names = Names(parse_mapping(MAPPING), actor=SYSTEM, is_dry=True, now=a.now)
        assert names._unit_of_area(areas[0].id) == a.bureau.id
        assert names._desk_of(areas[0].id) == a.bureau.id
        browser.open(f"/admin/areas/{areas[0].id}")
        similar = f"/requests/new/similar?category={a.any_category.id}&area={areas[0].id}"
        assert browser.request("GET", similar).status_code == 200


def test_whoever_mends_a_ring_sees_it(a: Builders, browser: Browser) -> None:
    areas = [a.area(name=f"Ring {number}", name_en=None) for number in range(3)]
    make_ring(Area, [area.id for area in areas])
    browser.sign_in(a.administrator())

    with within(LONGEST_S):
        page = browser.open("/admin/areas/")
        assert all(page.text.count(area.name) for area in areas)
        browser.send(f"/admin/areas/{areas[1].id}", parent_id="")

    assert is_tree(parents_of(Area))


def make_ring(kind: type[Unit | Area], ids: list[int]) -> None:
    """Hang each below the one before, and the first below the last."""
    with transaction():
        for here, above in zip(ids, [ids[-1], *ids], strict=False):
            db.session.execute(sa.update(kind).where(kind.id == here).values(parent_id=above))


@contextmanager
def within(seconds: int) -> Iterator[None]:
    """Raise `TimeoutError` when what happens inside does not end, in Python or in a database."""

    def give_up(_signal: int, _frame: FrameType | None) -> None:
        message = f"It goes on after {seconds} seconds."
        raise TimeoutError(message)

    def bound(connection: Any, *_rest: object) -> None:  # noqa: ANN401 - either driver's
        if isinstance(connection, sqlite3.Connection):
            # It asks between steps; where there is a signal, it is then heard.
            connection.set_progress_handler(lambda: 0, 100_000)

    sa.event.listen(db.engine, "checkout", bound)
    db.session.rollback()
    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        sa.event.remove(db.engine, "checkout", bound)
        db.session.rollback()
