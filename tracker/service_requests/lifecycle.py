"""The life of a service request: statuses, steps, outcomes and the one transition table.

Pure: imports nothing but the standard library, `tracker.errors` and `tracker.permissions`.
docs/domain.md is drawn from these tables. Source: product.md, section 3.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from tracker.errors import StepNotAllowedError
from tracker.permissions import Action


class Kind(StrEnum):
    """What somebody brings."""

    HELP = "help"
    SUGGESTION = "suggestion"
    COMPLAINT = "complaint"
    THANKS = "thanks"


class Priority(StrEnum):
    """How fast a request must move; each has its limits."""

    EMERGENCY = "emergency"
    URGENT = "urgent"
    NORMAL = "normal"
    COMPLEX = "complex"


class Status(StrEnum):
    """Where a request stands."""

    SUBMITTED = "submitted"
    ACCEPTED = "accepted"
    ASSIGNED = "assigned"
    IN_PROGRESS = "in_progress"
    WAITING = "waiting"
    PARKED = "parked"
    RESOLVED = "resolved"
    CLOSED = "closed"


class Outcome(StrEnum):
    """How a request ended. Never confused with its status."""

    SOLVED = "solved"
    PARTLY_SOLVED = "partly_solved"
    EXPLAINED = "explained"
    REFERRED = "referred"
    NO_CONTACT = "no_contact"
    WITHDRAWN = "withdrawn"
    OUT_OF_SCOPE = "out_of_scope"
    DUPLICATE = "duplicate"


class ConfirmationWay(StrEnum):
    """How the requester's word came, or that none came."""

    LINK = "link"
    CALL_BACK = "call_back"
    NONE = "none"


class Solved(StrEnum):
    """What the requester says of the result."""

    YES = "yes"
    PARTLY = "partly"
    NO = "no"


class Step(StrEnum):
    """Everything that can happen to a request. Each writes one row of history."""

    SUBMIT = "submit"
    IMPORT = "import"
    ACCEPT = "accept"
    DECLINE = "decline"
    MERGE = "merge"
    RECEIVE_MERGED = "receive_merged"
    ASSIGN = "assign"
    RETURN = "return"
    SIGN_FOR = "sign_for"
    GIVE_PART = "give_part"
    CHANGE_PART = "change_part"
    END_PART = "end_part"
    RETURN_PART = "return_part"
    TAKE_PART_BACK = "take_part_back"
    CLAIM = "claim"
    RELEASE = "release"
    PLAN_VISIT = "plan_visit"
    VISIT = "visit"
    NOTE = "note"
    ADD_WORD = "add_word"
    WAIT = "wait"
    RESUME = "resume"
    ASK_EXTENSION = "ask_extension"
    EXTEND = "extend"
    REFUSE_EXTENSION = "refuse_extension"
    ASK_PARKING = "ask_parking"
    PARK = "park"
    REFUSE_PARKING = "refuse_parking"
    UNPARK = "unpark"
    REFER = "refer"
    RESOLVE = "resolve"
    REMIND = "remind"
    CONFIRM = "confirm"
    DISPUTE = "dispute"
    ASK_REOPENING = "ask_reopening"
    REOPEN = "reopen"
    REFUSE_REOPENING = "refuse_reopening"
    TIME_OUT = "time_out"
    WITHDRAW = "withdraw"
    URGE = "urge"


S = Status
OPEN_STATUSES: Final = (
    S.SUBMITTED,
    S.ACCEPTED,
    S.ASSIGNED,
    S.IN_PROGRESS,
    S.WAITING,
    S.PARKED,
    S.RESOLVED,
)
"""A request is open until it is closed."""
UNRESOLVED_STATUSES: Final = OPEN_STATUSES[:-1]
"""Nobody has reported a result yet."""
STOPPED_STATUSES: Final = (S.WAITING, S.PARKED)
"""The clock stands still."""
HANDLED_STATUSES: Final = (S.RESOLVED, S.CLOSED)
"""Counted by the handled rate."""
CLAIMABLE_STATUSES: Final = (S.ASSIGNED, S.IN_PROGRESS, S.WAITING)

UNCOUNTED_OUTCOMES: Final = (Outcome.DUPLICATE, Outcome.WITHDRAWN, Outcome.OUT_OF_SCOPE)
"""What `counted` leaves out of `received`."""
RESULT_OUTCOMES: Final = (
    Outcome.SOLVED,
    Outcome.PARTLY_SOLVED,
    Outcome.EXPLAINED,
    Outcome.NO_CONTACT,
)
"""What a handler may choose on resolving; the others come from steps of their own."""


def _stays(step: Step, *statuses: Status) -> dict[tuple[Status, Step], Status]:
    return {(status, step): status for status in statuses}


def _moves(step: Step, to: Status, *statuses: Status) -> dict[tuple[Status, Step], Status]:
    return {(status, step): to for status in statuses}


_WORKING: Final = (S.ASSIGNED, S.IN_PROGRESS, S.WAITING)

# Every step that exists. A pair that is not a key is a step that cannot be taken.
TRANSITIONS: Final[Mapping[tuple[Status, Step], Status]] = {
    **_moves(Step.ACCEPT, S.ACCEPTED, S.SUBMITTED),
    **_moves(Step.DECLINE, S.CLOSED, S.SUBMITTED, S.ACCEPTED),
    **_moves(Step.MERGE, S.CLOSED, *OPEN_STATUSES),
    **_stays(Step.RECEIVE_MERGED, *OPEN_STATUSES),
    # What it was merged into was taken back by another: it stands for itself, and the others, again.
    **_moves(Step.RECEIVE_MERGED, S.SUBMITTED, S.CLOSED),
    **_moves(Step.ASSIGN, S.ASSIGNED, S.ACCEPTED, S.ASSIGNED, S.IN_PROGRESS),
    **_moves(Step.RETURN, S.ACCEPTED, S.ASSIGNED),
    **_moves(Step.SIGN_FOR, S.IN_PROGRESS, S.ASSIGNED),
    **_stays(Step.GIVE_PART, *_WORKING),
    **_stays(Step.CHANGE_PART, *_WORKING),
    **_stays(Step.END_PART, *_WORKING, S.PARKED),
    **_stays(Step.RETURN_PART, *_WORKING, S.PARKED),
    **_stays(Step.TAKE_PART_BACK, *_WORKING, S.PARKED),
    **_moves(Step.CLAIM, S.IN_PROGRESS, S.ASSIGNED),
    **_stays(Step.CLAIM, S.IN_PROGRESS, S.WAITING),
    **_stays(Step.RELEASE, *OPEN_STATUSES),
    **_stays(Step.PLAN_VISIT, *_WORKING),
    **_stays(Step.VISIT, *_WORKING),
    **_stays(Step.NOTE, *Status),
    **_stays(Step.ADD_WORD, *OPEN_STATUSES),
    **_moves(Step.WAIT, S.WAITING, S.IN_PROGRESS),
    **_moves(Step.RESUME, S.IN_PROGRESS, S.WAITING),
    **_stays(Step.ASK_EXTENSION, S.ASSIGNED, S.IN_PROGRESS),
    **_stays(Step.EXTEND, S.ASSIGNED, S.IN_PROGRESS, S.WAITING),
    **_stays(Step.REFUSE_EXTENSION, *OPEN_STATUSES),
    **_stays(Step.ASK_PARKING, S.IN_PROGRESS),
    **_moves(Step.PARK, S.PARKED, S.IN_PROGRESS),
    **_stays(Step.REFUSE_PARKING, *OPEN_STATUSES),
    **_moves(Step.UNPARK, S.IN_PROGRESS, S.PARKED),
    **_moves(Step.REFER, S.RESOLVED, S.IN_PROGRESS),
    **_moves(Step.RESOLVE, S.RESOLVED, S.IN_PROGRESS, S.WAITING),
    **_stays(Step.REMIND, S.WAITING, S.RESOLVED),
    **_moves(Step.CONFIRM, S.CLOSED, S.RESOLVED),
    **_moves(Step.DISPUTE, S.IN_PROGRESS, S.RESOLVED),
    **_stays(Step.ASK_REOPENING, S.CLOSED),
    **_moves(Step.REOPEN, S.IN_PROGRESS, S.CLOSED),
    **_stays(Step.REFUSE_REOPENING, S.CLOSED),
    **_moves(Step.TIME_OUT, S.CLOSED, S.RESOLVED),
    **_moves(Step.WITHDRAW, S.CLOSED, *OPEN_STATUSES),
    **_stays(Step.URGE, *OPEN_STATUSES),
}

STAYS_INSIDE: Final = frozenset({(S.ASSIGNED, Step.ASSIGN), (S.IN_PROGRESS, Step.ASSIGN)})
"""Steps that leave the status when the request stays with its lead team: what was signed for stays
so, and no limit begins anew."""

# Which right each step asks for. Steps without one are the system's.
RIGHT_FOR: Final[Mapping[Step, Action | None]] = {
    Step.SUBMIT: Action.SUBMIT_SERVICE_REQUEST,
    Step.IMPORT: Action.IMPORT_SERVICE_REQUESTS,
    Step.ACCEPT: Action.ACCEPT_SERVICE_REQUEST,
    Step.DECLINE: Action.DECLINE_SERVICE_REQUEST,
    Step.MERGE: Action.MERGE_SERVICE_REQUEST,
    Step.RECEIVE_MERGED: Action.MERGE_SERVICE_REQUEST,
    Step.ASSIGN: Action.ASSIGN_SERVICE_REQUEST,
    Step.RETURN: Action.RETURN_SERVICE_REQUEST,
    Step.SIGN_FOR: Action.SIGN_FOR_SERVICE_REQUEST,
    Step.GIVE_PART: Action.GIVE_PART,
    Step.CHANGE_PART: Action.GIVE_PART,
    Step.END_PART: Action.END_PART,
    Step.RETURN_PART: Action.END_PART,
    Step.TAKE_PART_BACK: Action.GIVE_PART,
    Step.CLAIM: Action.CLAIM_SERVICE_REQUEST,
    Step.RELEASE: Action.RELEASE_CLAIM,
    Step.PLAN_VISIT: Action.RECORD_VISIT,
    Step.VISIT: Action.RECORD_VISIT,
    Step.NOTE: Action.ADD_NOTE,
    Step.ADD_WORD: Action.ADD_TO_OWN_REQUEST,
    Step.WAIT: Action.ASK_REQUESTER,
    Step.RESUME: Action.RESUME_SERVICE_REQUEST,
    Step.ASK_EXTENSION: Action.ASK_EXTENSION,
    Step.EXTEND: Action.DECIDE_EXTENSION,
    Step.REFUSE_EXTENSION: Action.DECIDE_EXTENSION,
    Step.ASK_PARKING: Action.ASK_PARKING,
    Step.PARK: Action.DECIDE_PARKING,
    Step.REFUSE_PARKING: Action.DECIDE_PARKING,
    Step.UNPARK: Action.UNPARK_SERVICE_REQUEST,
    Step.REFER: Action.REFER_SERVICE_REQUEST,
    Step.RESOLVE: Action.RESOLVE_SERVICE_REQUEST,
    Step.REMIND: None,
    Step.CONFIRM: Action.CONFIRM_OWN_REQUEST,
    Step.DISPUTE: Action.DISPUTE_OWN_REQUEST,
    Step.ASK_REOPENING: Action.DISPUTE_OWN_REQUEST,
    Step.REOPEN: Action.DECIDE_REOPENING,
    Step.REFUSE_REOPENING: Action.DECIDE_REOPENING,
    Step.TIME_OUT: None,
    Step.WITHDRAW: Action.WITHDRAW_OWN_REQUEST,
    Step.URGE: Action.URGE_OWN_REQUEST,
}

HANDLING_STEPS: Final = frozenset(
    {
        Step.SIGN_FOR,
        Step.END_PART,
        Step.CLAIM,
        Step.PLAN_VISIT,
        Step.VISIT,
        Step.WAIT,
        Step.RESUME,
        Step.ASK_EXTENSION,
        Step.ASK_PARKING,
        Step.UNPARK,
        Step.REFER,
        Step.RESOLVE,
    }
)
"""Whoever takes one of these worked on the request, and never judges the result."""


def may_take(status: Status, step: Step) -> bool:
    """Tell whether the life cycle has `step` from `status`."""
    return (status, step) in TRANSITIONS


def status_after(status: Status, step: Step, *, inside: bool = False) -> Status:
    """Return the status that `step` leads to, or raise `StepNotAllowedError`.

    `inside`: the request stays with its lead team, see `STAYS_INSIDE`.
    """
    if inside and (status, step) in STAYS_INSIDE:
        return status
    try:
        return TRANSITIONS[status, step]
    except KeyError:
        message = f"A request that is {status} cannot take step {step}."
        raise StepNotAllowedError(message) from None
