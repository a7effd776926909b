"""Each figure is what its definition says, on both databases."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, strategies as st
from sqlalchemy import func, select, update

from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.permissions import SYSTEM, Action, may
from tracker.reports import listing, statistics
from tracker.reports.definitions import CONDITIONS, PARTS, Dimension, Figure, Scope
from tracker.reports.periods import Choice, Period, before, months_later, period_for
from tracker.reports.values import Share
from tracker.service_requests.lifecycle import Outcome, Solved, Status
from tracker.service_requests.models import ServiceRequest

pytestmark = pytest.mark.both_databases

SHANGHAI = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def scope(now: datetime) -> Scope:
    """Return everything up to a year after the test's now."""
    return Scope(as_of=now + timedelta(days=365))


def change(made: ServiceRequest, **values: object) -> None:
    """Change columns behind the actions' back, for what would take long to live through."""
    with transaction():
        db.session.execute(
            update(ServiceRequest).where(ServiceRequest.id == made.id).values(**values)
        )


def closed_after(a: Builders, days: float, **more: object) -> ServiceRequest:
    """Make a request that was closed so many days after it came."""
    made = a.service_request(status=Status.CLOSED)
    seconds = int(days * 86_400)
    change(
        made,
        closed_at=made.submitted_at + timedelta(seconds=seconds),
        seconds_to_close=seconds,
        **more,
    )
    return made


def test_closure_leaves_out_what_was_not_for_us(a: Builders, scope: Scope) -> None:
    a.service_request()
    a.service_request(status=Status.RESOLVED)
    a.service_request(status=Status.CLOSED)
    for outcome in (Outcome.DUPLICATE, Outcome.WITHDRAWN, Outcome.OUT_OF_SCOPE):
        change(a.service_request(status=Status.CLOSED), outcome=outcome)
    change(a.service_request(), is_spam=True)

    found = statistics.summary(SYSTEM, scope)

    assert (found.received, found.counted, found.closed, found.handled) == (6, 3, 1, 2)
    assert found.closure.rate == 1 / 3
    assert found.handling.rate == 2 / 3
    assert found.closed_in_period == 1


def test_nothing_has_no_rate(scope: Scope) -> None:
    assert Share(0, 0).rate is None


@pytest.mark.usefixtures("app")
def test_an_empty_organisation_has_figures_too(scope: Scope) -> None:
    found = statistics.summary(SYSTEM, scope)

    assert found.received == 0
    assert found.closure.rate is None
    assert found.solved.coverage is None
    assert found.days_to_close.median is None
    assert statistics.monthly(SYSTEM, scope, SHANGHAI) == []
    assert [statistics.groups(SYSTEM, scope, by) for by in Dimension] == [[]] * len(Dimension)


def test_a_young_open_request_is_not_on_time(a: Builders, scope: Scope, now: datetime) -> None:
    a.service_request(status=Status.IN_PROGRESS)
    on_time = a.service_request(status=Status.CLOSED)
    late = a.service_request(status=Status.CLOSED)
    change(on_time, resolved_on_time=True)
    change(late, resolved_on_time=False)

    assert statistics.summary(SYSTEM, replace(scope, as_of=now)).on_time == Share(2, 1)
    # A year later its due time has passed as well.
    assert statistics.summary(SYSTEM, scope).on_time == Share(3, 1)


@pytest.mark.parametrize("status", [Status.WAITING, Status.PARKED])
def test_what_was_late_before_its_clock_stopped_stays_late(
    a: Builders, scope: Scope, now: datetime, status: Status
) -> None:
    late = a.service_request(status=status)
    change(late, due_at=now - timedelta(days=1))
    a.service_request(status=status)

    assert statistics.summary(SYSTEM, replace(scope, as_of=now)).on_time == Share(1, 0)
    assert statistics.how_many(SYSTEM, scope, Figure.NOT_ON_TIME) == 1


def test_silence_is_no_answer(a: Builders, scope: Scope) -> None:
    a.service_request(status=Status.CLOSED, solved=Solved.YES, satisfaction=5)
    a.service_request(status=Status.CLOSED, solved=Solved.PARTLY, satisfaction=3)
    a.service_request(status=Status.CLOSED, solved=Solved.PARTLY, satisfaction=2)
    change(a.service_request(status=Status.CLOSED), solved=None, satisfaction=None)

    found = statistics.summary(SYSTEM, scope)

    assert (found.solved.n, found.solved.hits, found.solved.coverage) == (3, 1, 3 / 4)
    assert (found.satisfaction.n, found.satisfaction.hits) == (3, 2)


def test_reopened_and_returned(a: Builders, scope: Scope) -> None:
    change(a.service_request(status=Status.CLOSED), times_reopened=2)
    change(a.service_request(status=Status.IN_PROGRESS), times_reopened=1, times_returned=1)
    a.service_request(status=Status.CLOSED)
    a.service_request()

    found = statistics.summary(SYSTEM, scope)

    assert found.reopened == Share(3, 2)
    assert found.returned == Share(3, 1)


def test_percentiles_are_interpolated_as_numpy_does(a: Builders, scope: Scope) -> None:
    for days in (1, 2, 4, 8):
        closed_after(a, days)

    spread = statistics.days_to_close(SYSTEM, scope)

    assert spread.n == 4
    assert spread.median == 3
    assert spread.p90 == pytest.approx(4 + 0.7 * 4)


def test_a_closing_time_that_nobody_knows_is_in_no_spread(
    a: Builders, scope: Scope, now: datetime
) -> None:
    closed_after(a, 2)
    spread = statistics.days_to_close(SYSTEM, replace(scope, start=now + timedelta(days=1)))

    assert (spread.n, spread.median, spread.p90) == (0, None, None)


def test_months_are_those_of_the_wall_clock(a: Builders, scope: Scope) -> None:
    # The last second of January in Shanghai, and the first of February: both 31 January in UTC.
    for moment in (datetime(2026, 1, 31, 15, 59, 59), datetime(2026, 1, 31, 16, 0)):  # noqa: DTZ001
        made = a.service_request(status=Status.CLOSED)
        at = moment.replace(tzinfo=UTC)
        change(
            made,
            submitted_at=at,
            closed_at=at + timedelta(days=31),
            seconds_to_close=31 * 86_400,
        )

    months = statistics.monthly(SYSTEM, scope, SHANGHAI)

    assert [(month.name, month.received, month.closed) for month in months] == [
        ("2026-01", 1, 0),
        ("2026-02", 1, 0),
        ("2026-03", 0, 2),
    ]


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(
    a: Builders, scope: Scope, now: datetime
) -> None:
    a.service_request(at=now)

    def received(start: datetime, end: datetime) -> int:
        return statistics.summary(SYSTEM, replace(scope, start=start, end=end)).received

    second = timedelta(seconds=1)
    assert received(now, now + second) == 1
    assert received(now - second, now) == 0


def test_groups_are_by_what_a_request_has_now(a: Builders, scope: Scope) -> None:
    top = a.top_category(name="居家")
    leaf, other = a.category(parent=top), a.category(parent=top)
    for category in (leaf, leaf, other):
        a.service_request(category=category, status=Status.CLOSED)
    a.service_request(category=a.category())

    by_top = statistics.groups(SYSTEM, scope, Dimension.CATEGORY)
    by_leaf = statistics.groups(SYSTEM, scope, Dimension.LEAF)

    assert (by_top[0].name, by_top[0].received, by_top[0].closed) == ("居家", 3, 3)
    assert sorted(group.received for group in by_leaf) == [1, 1, 2]
    teams = statistics.groups(SYSTEM, scope, Dimension.TEAM)
    assert [(group.key is None, group.received) for group in teams] == [(False, 3), (True, 1)]


def test_names_that_are_shared_say_where_they_belong(a: Builders, scope: Scope) -> None:
    north, south = a.area(name="北街道"), a.area(name="南街道")
    for street in (north, south):
        a.service_request(area=a.area(parent=street, name="新村"))

    names = {group.name for group in statistics.groups(SYSTEM, scope, Dimension.AREA)}

    assert names == {"北街道 / 新村", "南街道 / 新村"}


def test_few_requests_of_a_sensitive_category_show_no_rates(a: Builders, scope: Scope) -> None:
    top = a.top_category(is_sensitive=True)
    a.service_request(category=a.category(parent=top))

    (group,) = statistics.groups(SYSTEM, scope, Dimension.CATEGORY)

    assert group.hides_rates


@pytest.mark.parametrize("figure", Figure)
def test_the_list_behind_a_figure_is_as_long_as_the_figure(
    a: Builders, scope: Scope, figure: Figure
) -> None:
    for status in Status:
        a.service_request(status=status)
    change(a.service_request(status=Status.CLOSED), times_reopened=1, resolved_on_time=False)

    rows = listing.behind(SYSTEM, scope, figure).rows
    counted = db.session.scalar(
        select(func.count(ServiceRequest.id)).where(CONDITIONS[figure](scope))
    )

    assert len(rows) == counted == statistics.how_many(SYSTEM, scope, figure)


def test_what_a_rate_is_a_share_of_and_the_rest_add_up(a: Builders, scope: Scope) -> None:
    for status in Status:
        a.service_request(status=status)
    for solved, level in ((Solved.NO, 1), (Solved.PARTLY, 3), (Solved.YES, 5)):
        a.service_request(status=Status.CLOSED, solved=solved, satisfaction=level)
    change(a.service_request(status=Status.CLOSED), times_reopened=1, resolved_on_time=False)
    summary = statistics.summary(SYSTEM, scope)
    shares = {
        Figure.CLOSED: summary.closure,
        Figure.HANDLED: summary.handling,
        Figure.ON_TIME: summary.on_time,
        Figure.SOLVED: summary.solved,
        Figure.SATISFIED: summary.satisfaction,
        Figure.REOPENED: summary.reopened,
        Figure.RETURNED: summary.returned,
    }
    assert shares.keys() == PARTS.keys()

    for figure, (whole, rest) in PARTS.items():
        assert statistics.how_many(SYSTEM, scope, figure) == shares[figure].hits, figure
        assert statistics.how_many(SYSTEM, scope, whole) == shares[figure].n, figure
        if rest is not None:
            others = statistics.how_many(SYSTEM, scope, rest)
            assert others == shares[figure].n - shares[figure].hits, figure
    assert statistics.how_many(SYSTEM, scope, Figure.CLOSED_TIMES) == summary.days_to_close.n
    left_out = statistics.how_many(SYSTEM, scope, Figure.NOT_COUNTED)
    assert left_out == summary.received - summary.counted


def test_everybody_counts_only_what_they_may_report_on(a: Builders, scope: Scope) -> None:
    mine, other = a.unit(), a.unit()
    leader = a.leader(mine)
    for unit in (mine, other, other):
        a.service_request(unit=unit)
    a.service_request(unit=mine, leader=leader)
    everything = db.session.scalars(select(ServiceRequest)).all()

    for person in (
        a.supervisor(),
        a.supervisor(mine),
        a.coordinator(other),
        a.auditor(),
        a.administrator(),
        a.volunteer(),
        leader,
    ):
        actor = a.actor(person)
        allowed = [one for one in everything if may(actor, Action.VIEW_REPORTS, one)]
        assert statistics.summary(actor, scope).received == len(allowed), person.name
        groups = statistics.groups(actor, scope, Dimension.UNIT)
        assert sum(group.received for group in groups) == len(allowed)


def test_every_definition_has_words_for_engineers_and_for_people() -> None:
    for figure in Figure:
        assert CONDITIONS[figure].__doc__


@given(st.dates(date(1980, 1, 1), date(2200, 1, 1)), st.sampled_from(Choice))
def test_the_period_before_ends_where_the_period_begins(today: date, choice: Choice) -> None:
    period = period_for(choice, today)
    earlier = before(period)
    if period.start is None or period.end is None:
        assert earlier is None
        return
    assert earlier is not None
    assert earlier.start is not None
    assert earlier.end == period.start
    assert earlier.start < earlier.end
    assert period.start <= today < period.end or choice.value.startswith("last_")


def test_the_month_before_march_is_february() -> None:
    march = Period(date(2026, 3, 1), date(2026, 4, 1))
    assert march.start is not None
    assert before(march) == Period(months_later(march.start, -1), march.start)
