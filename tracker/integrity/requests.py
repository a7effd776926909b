"""What must hold of each request: its history leads to what it is now, and all that hangs on it agrees.

Every rule looks at one request with its history, claims, approvals, visits and stops, and says
in words what is wrong: ids, statuses and times, never personal data. An imported request knows
less of itself (docs/decisions/0004): of what its source said nothing is asked, of what was done
here everything. Pure: whoever reads the rows hands them in.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final

from tracker.service_requests.lifecycle import (
    CLAIMABLE_STATUSES,
    STAYS_INSIDE,
    STOPPED_STATUSES,
    TRANSITIONS,
    UNRESOLVED_STATUSES,
    ConfirmationWay,
    Outcome,
    Status,
    Step,
)
from tracker.service_requests.models import ApprovalKind, PartEnd
from tracker.service_requests.parts import WITH_OPEN_PARTS
from tracker.visits.models import VisitStatus

SKEW: Final = timedelta(minutes=1)
"""By so much may the clocks of two machines differ, or one be set back."""
NO_PLACES: Final = (Status.SUBMITTED, Status.ACCEPTED)
WITH_A_TEAM: Final = (*CLAIMABLE_STATUSES, Status.PARKED, Status.RESOLVED)
ASKED_BY: Final = {
    ApprovalKind.EXTENSION: Step.ASK_EXTENSION,
    ApprovalKind.PARKING: Step.ASK_PARKING,
    ApprovalKind.REOPENING: Step.ASK_REOPENING,
}
GRANTED_BY: Final = {
    ApprovalKind.EXTENSION: Step.EXTEND,
    ApprovalKind.PARKING: Step.PARK,
    ApprovalKind.REOPENING: Step.REOPEN,
}
REFUSED_BY: Final = {
    ApprovalKind.EXTENSION: Step.REFUSE_EXTENSION,
    ApprovalKind.PARKING: Step.REFUSE_PARKING,
    ApprovalKind.REOPENING: Step.REFUSE_REOPENING,
}
_FORGOTTEN: Final = {
    "outcome": None,
    "resolved_at": None,
    "resolved_on_time": None,
    "confirmation": None,
    "confirmed_at": None,
    "solved": None,
    "satisfaction": None,
    "reminders_sent": 0,
    "reminded_at": None,
}
"""What reopening takes back."""
_NOT_BEGUN: Final = {
    "accepted_at": None,
    "assigned_at": None,
    "signed_for_at": None,
    "lead_team_id": None,
}
_AT_FIRST: Final = {**_FORGOTTEN, **_NOT_BEGUN, "first_response_at": None, "closed_at": None}
_COUNTED: Final = {
    Step.RETURN: "times_returned",
    Step.DISPUTE: "times_reopened",
    Step.REOPEN: "times_reopened",
    Step.URGE: "times_urged",
    Step.REMIND: "reminders_sent",
}
_DATED: Final = {Step.ACCEPT: "accepted_at", Step.REMIND: "reminded_at"}
_ALWAYS: Final[Mapping[str, Mapping[str, Any]]] = {
    Step.WAIT: {"reminders_sent": 0, "reminded_at": None},
    Step.RETURN: {"assigned_at": None, "lead_team_id": None},
    Step.DISPUTE: _FORGOTTEN,
    Step.REOPEN: _FORGOTTEN,
    Step.TIME_OUT: {"confirmation": ConfirmationWay.NONE},
}
"""What a step sets, whatever it says of itself."""
_ENDS: Final = {
    Step.DECLINE: Outcome.OUT_OF_SCOPE,
    Step.MERGE: Outcome.DUPLICATE,
    Step.WITHDRAW: Outcome.WITHDRAWN,
}


@dataclass(frozen=True, slots=True)
class Case:
    """One request as rows, the history in order. Statuses and steps are plain texts."""

    request: Any
    history: Sequence[Any]
    claims: Sequence[Any]
    approvals: Sequence[Any]
    visits: Sequence[Any]
    stops: Sequence[Any]
    parts: Sequence[Any]

    @property
    def is_imported(self) -> bool:
        """Tell whether it came from another system."""
        return self.request.import_id is not None

    @property
    def steps(self) -> Counter[str]:
        """Return how often each step was taken."""
        return Counter(entry.step for entry in self.history)


def life_cycle(case: Case) -> Iterator[str]:
    """Check that every step is in the table, follows from the one before, and ends at the status."""
    begins = Step.IMPORT if case.is_imported else Step.SUBMIT
    if not case.history:
        yield "has no history"
        return
    first = case.history[0]
    if first.step != begins or first.from_status is not None:
        yield f"begins with {first.step} (entry {first.id}), not with {begins}"
    elif not case.is_imported and first.to_status != Status.SUBMITTED:
        yield f"is {first.to_status} after its first step (entry {first.id})"
    for before, entry in pairwise(case.history):
        if entry.from_status != before.to_status:
            yield f"goes from {entry.from_status} at entry {entry.id}, but was {before.to_status}"
        if not _is_in_table(case, before, entry):
            yield (
                f"took {entry.step} from {entry.from_status} to {entry.to_status} "
                f"(entry {entry.id}), which the life cycle does not have"
            )
    if case.history[-1].to_status != case.request.status:
        yield f"is {case.request.status}, but its history ends at {case.history[-1].to_status}"


def present_state(case: Case) -> Iterator[str]:
    """Check that what the request says of itself is what its history leads to."""
    for name, value in _state_by_history(case).items():
        found = getattr(case.request, name)
        if found != value:
            yield f"has {name} {_said(found)}, but its history says {_said(value)}"
    request = case.request
    if request.closed_at is not None:
        seconds = int((request.closed_at - request.submitted_at).total_seconds())
        if request.seconds_to_close != seconds:
            yield f"took {seconds} s to close, but says {request.seconds_to_close}"
    if case.is_imported:
        return
    if case.history and request.submitted_at != case.history[0].taken_at:
        yield "was submitted at another time than its history begins"
    if request.resolved_at is not None:
        on_time = None if request.due_at is None else request.resolved_at <= request.due_at
        if request.resolved_on_time != on_time:
            yield f"was resolved on time: {on_time}, but says {request.resolved_on_time}"


def places(case: Case) -> Iterator[str]:
    """Check that places are counted as they are held, by whom they may be, and never too many."""
    request = case.request
    held = [claim.person_id for claim in case.claims if claim.released_at is None]
    if request.places_taken != len(held):
        yield f"counts {request.places_taken} places, but {len(held)} claims hold one"
    if len(held) > request.volunteers_needed:
        yield f"has {request.volunteers_needed} places, but {len(held)} claims hold one"
    if len(held) != len(set(held)):
        yield "has somebody who holds two places"
    ended_without = request.status == Status.CLOSED and request.outcome in _ENDS.values()
    if held and (request.status in NO_PLACES or ended_without):
        yield f"is {request.status} ({request.outcome}), but {len(held)} claims hold a place"
    is_over = request.status in ("resolved", "closed")
    if wrong := [claim.id for claim in case.claims if bool(claim.is_over) != is_over]:
        yield f"is {request.status}, but claims {wrong} say otherwise"
    claimed, released = case.steps[Step.CLAIM], case.steps[Step.RELEASE]
    if claimed != len(case.claims):
        yield f"was claimed {claimed} times by its history, but has {len(case.claims)} claims"
    if released > len(case.claims) - len(held):
        yield f"was released {released} times by its history, but fewer claims are"


def assignment(case: Case) -> Iterator[str]:
    """Check that who works on it has it: a team and a leader from assigning on, none before."""
    request = case.request
    if case.is_imported:
        return
    if request.status in WITH_A_TEAM and None in (request.lead_team_id, request.leader_id):
        yield f"is {request.status} without a team or a leader"
    if request.status in NO_PLACES and (request.lead_team_id or request.leader_id):
        yield f"is {request.status}, but has a team or a leader"


def asked_and_answered(case: Case) -> Iterator[str]:
    """Check that approvals and the steps that ask, grant and refuse them agree."""
    status = case.request.status
    for kind in ApprovalKind:
        of_kind = [each for each in case.approvals if each.kind == kind]
        granted = sum(each.granted is True for each in of_kind)
        refused = sum(each.granted is False and each.decided_by_id is not None for each in of_kind)
        for step, number in (
            (ASKED_BY[kind], len(of_kind)),
            (GRANTED_BY[kind], granted),
            (REFUSED_BY[kind], refused),
        ):
            if case.steps[step] != number:
                yield f"took {step} {case.steps[step]} times, but its approvals say {number}"
        waiting = [each.id for each in of_kind if each.decided_at is None]
        if len(waiting) > 1:
            yield f"waits for {len(waiting)} decisions of the same kind ({kind})"
        may_wait = (Status.CLOSED,) if kind is ApprovalKind.REOPENING else UNRESOLVED_STATUSES
        if waiting and status not in may_wait:
            yield f"is {status}, but approval {waiting[0]} ({kind}) still waits"
        if kind is ApprovalKind.EXTENSION:
            days = sum(each.working_days or 0 for each in of_kind if each.granted)
            if days != case.request.extension_working_days:
                yield f"has {case.request.extension_working_days} days more, granted are {days}"


def visited(case: Case) -> Iterator[str]:
    """Check that visits and their steps agree, and nobody is to visit what is settled."""
    done = sum(each.status == VisitStatus.DONE for each in case.visits)
    planned = sum(each.planned_from is not None for each in case.visits)
    for step, number in ((Step.VISIT, done), (Step.PLAN_VISIT, planned)):
        if case.steps[step] != number:
            yield f"took {step} {case.steps[step]} times, but has {number} such visits"
    if case.request.status not in UNRESOLVED_STATUSES:
        for each in case.visits:
            if each.status == VisitStatus.PLANNED:
                yield f"is {case.request.status}, but visit {each.id} is still planned"


def parts(case: Case) -> Iterator[str]:
    """Check that parts and their steps agree, that what ended says who and when, and nothing is left open."""
    ended = Counter(each.ended_as for each in case.parts)
    for step, number in (
        (Step.GIVE_PART, len(case.parts)),
        (Step.END_PART, ended[PartEnd.DONE]),
        (Step.RETURN_PART, ended[PartEnd.RETURNED]),
    ):
        if case.steps[step] != number:
            yield f"took {step} {case.steps[step]} times, but its parts say {number}"
    if case.steps[Step.TAKE_PART_BACK] > ended[PartEnd.TAKEN_BACK]:
        yield "took back more parts by its history than it has"
    for each in case.parts:
        if (each.ended_at is None) != (each.ended_as is None):
            yield f"has part {each.id}, of which only when or only how it ended is known"
        elif each.ended_at is None and case.request.status not in WITH_OPEN_PARTS:
            yield f"is {case.request.status}, but part {each.id} has not ended"
        elif each.ended_as not in (None, PartEnd.WITH_REQUEST) and each.ended_by_id is None:
            yield f"has part {each.id}, which nobody ended"


def clock(case: Case) -> Iterator[str]:
    """Check that the clock stands still exactly while the status says so."""
    standing = [stop for stop in case.stops if stop.resumed_at is None]
    wanted = 1 if case.request.status in STOPPED_STATUSES else 0
    if len(standing) != wanted:
        yield f"is {case.request.status}, but {len(standing)} stops of its clock have not ended"
    elif standing and standing[0].reason != case.request.status:
        yield f"is {case.request.status}, but its clock stands still for {standing[0].reason}"
    elif case.request.status != Status.WAITING and case.request.question_turn_at is not None:
        yield f"is {case.request.status}, but a question still waits for an answer"
    elif standing and not case.is_imported:
        due_at = case.request.due_at
        if due_at is not None and due_at >= standing[0].stopped_at:
            yield "was in time when its clock stopped, but has a due time"


def order_of_times(case: Case) -> Iterator[str]:
    """Check that nothing ends before it begins, give or take what clocks differ."""
    for before, after in pairwise(case.history):
        if after.taken_at < before.taken_at - SKEW:
            yield f"took entry {after.id} before entry {before.id}"
    spans = [
        *(("claim", each.id, each.claimed_at, each.released_at) for each in case.claims),
        *(("approval", each.id, each.asked_at, each.decided_at) for each in case.approvals),
        *(("part", each.id, each.given_at, each.ended_at) for each in case.parts),
        *(("stop", each.id, each.stopped_at, each.resumed_at) for each in case.stops),
    ]
    for what, number, begun, ended in spans:
        if ended is not None and ended < begun - SKEW:
            yield f"has {what} {number}, which ends before it begins"
    request = case.request
    happened = {
        "accepted": request.accepted_at,
        "answered": request.first_response_at,
        "resolved": request.resolved_at,
        "closed": request.closed_at,
    }
    for what, at in happened.items():
        if at is not None and at < request.submitted_at - SKEW:
            yield f"was {what} before it was submitted"


RULES: Final[Mapping[str, tuple[str, Callable[[Case], Iterator[str]]]]] = {
    "life-cycle": ("Each step is in the table and follows from the one before.", life_cycle),
    "present-state": ("What a request says of itself is what its history says.", present_state),
    "places": ("Places are held as they are counted, and never too many.", places),
    "assignment": ("From assigning on a request has a team and a leader.", assignment),
    "approvals": ("What was asked, granted and refused agrees with the steps.", asked_and_answered),
    "visits": ("Visits agree with the steps; none is planned for what is settled.", visited),
    "parts": ("Parts agree with the steps; an open one is only of what is worked on.", parts),
    "clock": ("The clock stands still while a request waits or is parked.", clock),
    "times": ("Nothing ends before it begins.", order_of_times),
}
"""Name → (the rule in words, what finds breaches of it)."""


def _is_in_table(case: Case, before: Any, entry: Any) -> bool:  # noqa: ANN401 - rows
    """Tell whether a step can be; an import may say anew what nobody worked on yet."""
    if entry.step == Step.IMPORT:
        return bool(case.is_imported and before.step == Step.IMPORT)
    if (entry.detail or {}).get("inside") and (entry.from_status, entry.step) in STAYS_INSIDE:
        return bool(entry.from_status == entry.to_status)
    return bool(TRANSITIONS.get((entry.from_status, entry.step)) == entry.to_status)


def _state_by_history(case: Case) -> dict[str, Any]:
    """Return column → value for all that the history tells."""
    state: dict[str, Any] = {} if case.is_imported else dict(_AT_FIRST)
    state |= dict.fromkeys(_COUNTED.values(), 0)
    for entry in case.history:
        at, step = entry.taken_at, entry.step
        if entry.to_status == Status.CLOSED and entry.from_status != Status.CLOSED:
            if step != Step.IMPORT:
                state["closed_at"] = at
        elif entry.from_status == Status.CLOSED and entry.to_status != Status.CLOSED:
            state["closed_at"] = None
            if entry.to_status == Status.SUBMITTED:
                state |= {**_NOT_BEGUN, **_FORGOTTEN}
        if not case.is_imported and state["first_response_at"] is None and _answers(entry):
            state["first_response_at"] = at
        state |= _set_by(entry, at)
        if step in _COUNTED:
            state[_COUNTED[step]] += 1
    if case.is_imported:
        state.pop("resolved_on_time", None)
    elif state["resolved_at"] is not None:
        del state["resolved_on_time"]  # it hangs on the due time
    return state


def _set_by(entry: Any, at: datetime) -> Mapping[str, Any]:  # noqa: ANN401 - a row
    """Return the columns that a step sets."""
    if entry.step in _ENDS:
        return {"outcome": _ENDS[entry.step]}
    if entry.step in _DATED:
        return {_DATED[entry.step]: at}
    if entry.step in _ALWAYS:
        return _ALWAYS[entry.step]
    detail = entry.detail or {}
    match entry.step:
        case Step.ASSIGN:
            anew = {"assigned_at": at, "signed_for_at": None, "lead_team_id": entry.team_id}
            return {} if detail.get("inside") else anew
        case Step.SIGN_FOR | Step.CLAIM if entry.from_status == Status.ASSIGNED:
            return {"signed_for_at": at}
        case Step.RESOLVE | Step.REFER:
            outcome = Outcome.REFERRED if entry.step == Step.REFER else detail.get("outcome")
            return {"outcome": outcome, "resolved_at": at, "reminders_sent": 0, "reminded_at": None}
        case Step.CONFIRM:
            said = {name: detail.get(name) for name in ("solved", "satisfaction")}
            return {"confirmation": detail.get("way"), "confirmed_at": at, **said}
    return {}


def _answers(entry: Any) -> bool:  # noqa: ANN401 - a row
    """Tell whether a step is a first response, as `actions.steps` does."""
    return entry.actor_id is not None and (
        entry.step == Step.VISIT or (bool(entry.has_public_note) and entry.step != Step.SUBMIT)
    )


def _said(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds")
    return "none" if value is None else str(value)
