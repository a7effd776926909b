"""The transition table: complete, closed, and as product.md draws it."""

import pytest

from tracker.errors import StepNotAllowedError
from tracker.permissions import MATRIX, Reach
from tracker.service_requests.lifecycle import (
    OPEN_STATUSES,
    RIGHT_FOR,
    TRANSITIONS,
    Status,
    Step,
    may_take,
    status_after,
)

BEGINNINGS = {Step.SUBMIT, Step.IMPORT}


@pytest.mark.parametrize("step", Step)
def test_every_step_can_be_taken_from_somewhere(step: Step) -> None:
    assert step in BEGINNINGS or any(of is step for _, of in TRANSITIONS)


@pytest.mark.parametrize("step", Step)
def test_every_step_asks_for_a_right_that_somebody_holds_or_is_the_systems(step: Step) -> None:
    right = RIGHT_FOR[step]
    if right is None:
        assert step in {Step.REMIND, Step.TIME_OUT}
    else:
        assert any(reach is not Reach.NOWHERE for reach in MATRIX[right].values())


@pytest.mark.parametrize("status", Status)
def test_every_status_can_be_reached_and_left_to_the_end(status: Status) -> None:
    reachable, frontier = {Status.SUBMITTED}, [Status.SUBMITTED]
    while frontier:
        here = frontier.pop()
        for (before, _), after in TRANSITIONS.items():
            if before is here and after not in reachable:
                reachable.add(after)
                frontier.append(after)
    assert status in reachable


@pytest.mark.parametrize("status", OPEN_STATUSES)
def test_a_requester_can_always_withdraw_what_is_open(status: Status) -> None:
    assert status_after(status, Step.WITHDRAW) is Status.CLOSED


@pytest.mark.parametrize("status", [s for s in Status if s is not Status.RESOLVED])
def test_only_a_resolved_request_is_confirmed_or_times_out(status: Status) -> None:
    assert not may_take(status, Step.CONFIRM)
    assert not may_take(status, Step.TIME_OUT)


def test_nothing_leaves_closed_but_a_reopening_and_what_was_merged_into_a_withdrawn_one() -> None:
    leaving = {
        (step, after)
        for (before, step), after in TRANSITIONS.items()
        if before is Status.CLOSED and after is not Status.CLOSED
    }
    assert leaving == {
        (Step.REOPEN, Status.IN_PROGRESS),
        (Step.RECEIVE_MERGED, Status.SUBMITTED),
    }


def test_a_step_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(StepNotAllowedError, match="closed cannot take step claim"):
        status_after(Status.CLOSED, Step.CLAIM)
