"""Trees stay trees, whoever moves what at the same moment; and where one is none, nothing hangs."""

import signal
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event
from types import FrameType
from typing import Any, Final

import pytest
import sqlalchemy as sa
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.together import (
    at_once,
    held_until_all_wait,
    same_visitor,
    until_others_wait,
)
from tracker.database import db, transaction
from tracker.errors import Refusal, RefusedError
from tracker.organisation import actions, queries
from tracker.organisation.models import Area, AreaKind, Category, Unit
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


def test_what_was_ended_meanwhile_is_not_moved_up_or_down(a: Builders, browser: Browser) -> None:
    area = a.area()
    a.area()
    address = f"/admin/areas/{area.id}/move"
    sent = browser.sign_in(a.administrator()).open("/admin/areas/").form(action=address).values()
    with transaction():
        db.session.merge(area).ended_at = a.now

    assert browser.request("POST", address, data=sent).status_code == 409


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


@pytest.mark.parametrize("kind", ["units", "areas", "categories"])
def test_nothing_begins_below_what_ends_at_the_same_moment(
    app: Flask, a: Builders, browser: Browser, kind: str
) -> None:
    made: dict[str, Callable[[], Unit | Area | Category]] = {
        "units": a.unit,
        "areas": lambda: a.area(unit=a.bureau),
        "categories": a.top_category,
    }
    above = made[kind]()
    model: Any = type(above)
    above_id, now = above.id, a.now
    page = browser.sign_in(a.administrator()).open(f"/admin/{kind}/new")
    form = page.form("parent_id")
    of_kind = {"units": {"kind": "branch"}, "areas": {"kind": "community"}}.get(kind, {})
    sent = form.filled({"name": "新的", "parent_id": str(above_id), **of_kind})
    client, is_held, answers = same_visitor(app, browser), Event(), list[Any]()

    def end() -> None:
        with transaction():
            queries.hold_trees()
            is_held.set()
            until_others_wait(1)
            db.session.get_one(model, above_id).ended_at = now

    def begin() -> None:
        is_held.wait(5)
        answers.append(client.post(page.path, data=sent, headers={"Accept-Language": "en"}))

    at_once(app, [end, begin])

    assert [answer.status_code for answer in answers] == [200]
    assert "What it would hang below is ended." in answers[0].text
    assert not queries.has_open_children(model, above_id)


@pytest.mark.parametrize("kind", ["units", "areas", "categories"])
def test_nothing_is_taken_up_below_what_has_ended(a: Builders, browser: Browser, kind: str) -> None:
    gone: dict[str, Any] = {"ended_at": a.now}
    made: dict[str, Callable[[], Unit | Area | Category]] = {
        "units": lambda: a.unit(parent=a.unit(**gone), **gone),
        "areas": lambda: a.area(parent=a.area(unit=a.bureau, **gone), **gone),
        "categories": lambda: a.category(parent=a.top_category(**gone), **gone),
    }
    thing = made[kind]()
    browser.sign_in(a.administrator()).open(f"/admin/{kind}/?ended=1")
    sent = browser.page.form(press="Large text").filled({})

    answer = browser.request("POST", f"/admin/{kind}/{thing.id}/take-up", data=sent)

    assert answer.status_code == 303
    assert "What it would hang below is ended." in browser.open(f"/admin/{kind}/").text
    db.session.expire_all()
    assert thing.ended_at is not None


def test_no_area_is_given_to_the_desk_of_a_unit_that_has_ended(a: Builders) -> None:
    unit, boss = a.unit(ended_at=a.now), a.actor(a.administrator())
    area, gone = a.area(unit=a.bureau), a.area(unit=unit, ended_at=a.now)
    words: dict[str, Any] = {"name": "新的", "kind": AreaKind.COMMUNITY, "unit_id": unit.id}
    of_ours: dict[str, Any] = {"actor": boss, "now": a.now}

    for give in (
        partial(actions.add_area, words, parent=None, **of_ours),
        partial(actions.edit_area, area, words, parent=None, **of_ours),
        partial(actions.take_up_area, gone, **of_ours),
    ):
        with pytest.raises(RefusedError) as refused, transaction():
            give()
        assert refused.value.refusal is Refusal.UNIT_ENDED
