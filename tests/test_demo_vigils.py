"""What sits in the invented town: on every rung something, whatever the day on which it is built."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random

import pytest
from flask import Flask
from sqlalchemy import select

from tracker.database import db, transaction
from tracker.demo import ladder_runs, stories
from tracker.demo.life import LEAVES, Tale
from tracker.demo.settling import Town, settle
from tracker.demo.vigils import PLOTS, Plot, tales_that_sit
from tracker.organisation import queries as organisation
from tracker.service_requests.due import DueState, due_state
from tracker.service_requests.ladder import Rung
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.limits import Clock
from tracker.service_requests.models import (
    Escalation,
    HistoryEntry,
    PartEscalation,
    ServiceRequest,
)
from tracker.service_requests.parts import state_of

A_WEEK = [datetime(2026, 11, day, 6, 30, tzinfo=UTC) for day in range(23, 30)]
"""Half past two in the afternoon, Monday to Sunday."""
ODD_MOMENTS = [
    datetime(2026, 11, 22, 19, 0, tzinfo=UTC),  # three on Monday morning
    datetime(2026, 11, 23, 1, 0, tzinfo=UTC),  # nobody was told of anything yet that Monday
    datetime(2026, 11, 23, 1, 3, tzinfo=UTC),  # the ladder has run as work began
    datetime(2026, 2, 14, 2, 0, tzinfo=UTC),  # a Saturday that is worked
    datetime(2026, 2, 19, 2, 0, tzinfo=UTC),  # in the Spring Festival
    datetime(2026, 10, 8, 2, 0, tzinfo=UTC),  # the first day after the October holidays
    datetime(2027, 1, 1, 2, 0, tzinfo=UTC),
]


def rungs_of(it: ServiceRequest) -> list[Escalation]:
    found = select(Escalation).where(
        Escalation.service_request_id == it.id, Escalation.clock == Clock.RESOLVE
    )
    return list(db.session.scalars(found.order_by(Escalation.id)))


@pytest.mark.parametrize("moments", [A_WEEK, ODD_MOMENTS], ids=["a week", "odd moments"])
def test_on_whatever_day_something_sits_on_every_rung(
    app: Flask, moments: Sequence[datetime]
) -> None:
    with transaction():
        town = settle(password_hash="x", now=min(moments))
        for now in sorted(moments):
            sits = _let_sit(town, app, now)
            _is_on_its_rungs(sits, now)
            _was_told_in_working_time(sits, now)


def _let_sit(town: Town, app: Flask, now: datetime) -> Mapping[Plot, Tale]:
    """Return what sits in a town in which nothing else happens."""
    photos, chance = app.config["SETTINGS"].uploads_path, Random(str(now))  # noqa: S311 - a play
    tales = list(tales_that_sit(town, photos=photos, chance=chance, now=now))
    for tale in sorted(tales, key=lambda tale: tale.clock):
        tale.tell()
    return dict(zip(PLOTS, tales, strict=True))


def _is_on_its_rungs(sits: Mapping[Plot, Tale], now: datetime) -> None:
    for plot, tale in sits.items():
        it, reached = tale.request, rungs_of(tale.request)
        assert it.status is Status.IN_PROGRESS, now
        if plot.task:
            assert reached == [], now
            assert tale.part is not None
            assert state_of(tale.part, now) is DueState.OVERDUE, now
            of_it = select(PartEscalation).where(PartEscalation.part_id == tale.part.id)
            told = db.session.scalars(of_it.order_by(PartEscalation.id)).all()
            assert [each.rung for each in told] == [Rung.NEAR, Rung.OVERDUE], now
            assert all(each.told for each in told), now
            continue
        assert [each.rung for each in reached] == list(Rung)[: list(Rung).index(plot.rung) + 1], now
        assert all(each.told for each in reached), now
        state = DueState.NEAR if plot.rung is Rung.NEAR else DueState.OVERDUE
        assert due_state(it, now) is state, now
        is_open = plot.rung is Rung.SUPERVISED and not plot.is_answered
        assert (it.supervised_at is not None) == is_open, now
        assert any(each.answer for each in reached) == plot.is_answered, now


def _was_told_in_working_time(sits: Mapping[Plot, Tale], now: datetime) -> None:
    """Check that all of it could be: nothing in the future, and no run of the past is left out."""
    calendar = organisation.calendar(now)
    times = [
        *db.session.scalars(select(Escalation.reached_at)),
        *db.session.scalars(select(PartEscalation.reached_at)),
    ]
    assert all(calendar.is_working_time(at) and at < now for at in times), now
    for tale in sits.values():
        run = ladder_runs.next_run(tale.request, tale.part)
        assert run is None or run >= now
        taken = select(HistoryEntry.taken_at).where(
            HistoryEntry.service_request_id == tale.request.id
        )
        steps = list(db.session.scalars(taken.order_by(HistoryEntry.id)))
        assert steps == sorted(steps), now
        assert steps[-1] < now
        answers = [each.answered_at for each in rungs_of(tale.request) if each.answered_at]
        assert set(answers) <= set(steps), now


@pytest.mark.parametrize("story", stories.PARKABLE, ids=lambda story: story.need[:6])
def test_what_is_parked_hurries_nobody_and_says_why_in_words_of_its_own(
    story: stories.Story,
) -> None:
    assert LEAVES[story.leaf][1].priority in {"normal", "complex"}
    assert not LEAVES[story.leaf][1].marks & {"emergency"}
    assert [one.parking for one in stories.PARKABLE].count(story.parking) == 1


def test_each_of_them_is_another_story() -> None:
    assert len({plot.story.need for plot in PLOTS}) == len(PLOTS)
