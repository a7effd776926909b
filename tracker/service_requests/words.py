"""The words for statuses, steps, outcomes and everything else of a request."""

from collections.abc import Sequence
from enum import Enum
from typing import Final, assert_never

from flask_babel import LazyString, gettext, lazy_gettext as _l, ngettext

from tracker.service_requests.due import DueState
from tracker.service_requests.lifecycle import (
    ConfirmationWay,
    Kind,
    Outcome,
    Priority,
    Solved,
    Status,
    Step,
)
from tracker.service_requests.limits import ELAPSED_UNITS, Clock, Limit, LimitUnit
from tracker.service_requests.models import (
    ApprovalKind,
    BuiltInChannel,
    ForWhom,
    PartEnd,
    ReachableBy,
)
from tracker.service_requests.photos import PhotoError, PhotoReason
from tracker.service_requests.routing.matching import Problem
from tracker.web.labels import label

# Pairs, not a dict: members of different enums can be equal texts.
LABELS: Final[Sequence[tuple[Enum, LazyString]]] = (
    (Kind.HELP, _l("Help")),
    (Kind.SUGGESTION, _l("Suggestion")),
    (Kind.COMPLAINT, _l("Complaint")),
    (Kind.THANKS, _l("Thanks")),
    (Priority.EMERGENCY, _l("Emergency")),
    (Priority.URGENT, _l("Urgent")),
    (Priority.NORMAL, _l("Normal")),
    (Priority.COMPLEX, _l("Complex")),
    (Status.SUBMITTED, _l("Waiting to be accepted")),
    (Status.ACCEPTED, _l("Accepted")),
    (Status.ASSIGNED, _l("Assigned")),
    (Status.IN_PROGRESS, _l("In progress")),
    (Status.WAITING, _l("Waiting for an answer")),
    (Status.PARKED, _l("Parked")),
    (Status.RESOLVED, _l("Resolved, to be confirmed")),
    (Status.CLOSED, _l("Closed")),
    (Outcome.SOLVED, _l("Solved")),
    (Outcome.PARTLY_SOLVED, _l("Partly solved")),
    (Outcome.EXPLAINED, _l("Not feasible, explained")),
    (Outcome.REFERRED, _l("Referred")),
    (Outcome.NO_CONTACT, _l("Could not be reached")),
    (Outcome.WITHDRAWN, _l("Withdrawn")),
    (Outcome.OUT_OF_SCOPE, _l("Out of scope")),
    (Outcome.DUPLICATE, _l("Merged")),
    (ConfirmationWay.LINK, _l("By the requester, on the link")),
    (ConfirmationWay.CALL_BACK, _l("By call-back")),
    (ConfirmationWay.NONE, _l("No answer came")),
    (Solved.YES, _l("Yes, solved")),
    (Solved.PARTLY, _l("Partly")),
    (Solved.NO, _l("No, not solved")),
    (Step.SUBMIT, _l("Sent in")),
    (Step.IMPORT, _l("Imported")),
    (Step.ACCEPT, _l("Accepted")),
    (Step.DECLINE, _l("Declined")),
    (Step.MERGE, _l("Merged into another request")),
    (Step.RECEIVE_MERGED, _l("Another request was merged into this one")),
    (Step.ASSIGN, _l("Assigned")),
    (Step.RETURN, _l("Returned to the desk")),
    (Step.SIGN_FOR, _l("Signed for")),
    (Step.GIVE_PART, _l("Part given to a helping team")),
    (Step.CHANGE_PART, _l("Part changed")),
    (Step.END_PART, _l("Part done")),
    (Step.RETURN_PART, _l("Part given back")),
    (Step.TAKE_PART_BACK, _l("Part taken back")),
    (Step.CLAIM, _l("Claimed by a volunteer")),
    (Step.RELEASE, _l("Claim released")),
    (Step.PLAN_VISIT, _l("Visit planned")),
    (Step.VISIT, _l("Visited")),
    (Step.NOTE, _l("Note")),
    (Step.ADD_WORD, _l("Word from the requester")),
    (Step.WAIT, _l("Question to the requester")),
    (Step.RESUME, _l("Resumed")),
    (Step.ASK_EXTENSION, _l("Extension asked for")),
    (Step.EXTEND, _l("Extended")),
    (Step.REFUSE_EXTENSION, _l("Extension refused")),
    (Step.ASK_PARKING, _l("Parking asked for")),
    (Step.PARK, _l("Parked")),
    (Step.REFUSE_PARKING, _l("Parking refused")),
    (Step.UNPARK, _l("Taken up again")),
    (Step.REFER, _l("Referred")),
    (Step.RESOLVE, _l("Resolved")),
    (Step.REMIND, _l("Reminded to confirm")),
    (Step.CONFIRM, _l("Confirmed")),
    (Step.DISPUTE, _l("Reported as not solved")),
    (Step.ASK_REOPENING, _l("Reopening asked for")),
    (Step.REOPEN, _l("Reopened")),
    (Step.REFUSE_REOPENING, _l("Reopening refused")),
    (Step.TIME_OUT, _l("Closed without an answer")),
    (Step.WITHDRAW, _l("Withdrawn")),
    (Step.URGE, _l("Urged")),
    (ApprovalKind.EXTENSION, _l("Extension")),
    (ApprovalKind.PARKING, _l("Parking")),
    (ApprovalKind.REOPENING, _l("Reopening")),
    (PartEnd.DONE, _l("Done")),
    (PartEnd.RETURNED, _l("Given back")),
    (PartEnd.TAKEN_BACK, _l("Taken back")),
    (PartEnd.WITH_REQUEST, _l("Ended with the request")),
    (ForWhom.SELF, _l("For myself")),
    (ForWhom.SOMEONE_ELSE, _l("For someone else")),
    (ReachableBy.PHONE, _l("By phone")),
    (ReachableBy.EMAIL, _l("By e-mail")),
    (ReachableBy.TEXT_MESSAGE, _l("By text message")),
    (ReachableBy.NEIGHBOUR, _l("Through a neighbour or relative")),
    (ReachableBy.NOBODY, _l("Not at all: I stay anonymous")),
    (BuiltInChannel.WEB, _l("Web form")),
    (BuiltInChannel.PHONE, _l("Phone")),
    (BuiltInChannel.COUNTER, _l("Counter")),
    (BuiltInChannel.VISIT, _l("On a visit")),
    (Clock.ACCEPT, _l("Until it is accepted")),
    (Clock.SIGN_FOR, _l("Signing for it")),
    (Clock.FIRST_RESPONSE, _l("First response")),
    (Clock.RETURN, _l("Returning it to the desk")),
    (Clock.RESOLVE, _l("Result")),
    (LimitUnit.MINUTES, _l("minutes")),
    (LimitUnit.HOURS, _l("hours, day and night")),
    (LimitUnit.WORKING_HOURS, _l("working hours")),
    (LimitUnit.WORKING_DAYS, _l("working days")),
    (LimitUnit.CALENDAR_DAYS, _l("calendar days")),
    (DueState.ON_TIME, _l("In time")),
    (DueState.NEAR, _l("Due soon")),
    (DueState.OVERDUE, _l("Overdue")),
    (DueState.STOPPED, _l("Clock stopped")),
    (DueState.DONE, _l("Done in time")),
    (DueState.DONE_LATE, _l("Done late")),
    (Problem.CATEGORY_ENDED, _l("Its category has ended.")),
    (Problem.AREA_ENDED, _l("Its area has ended.")),
    (Problem.TEAM_ENDED, _l("Its team has ended.")),
    (Problem.LEADER_ENDED, _l("Its leader is no longer a leader anywhere.")),
    (Problem.LEADER_ELSEWHERE, _l("Its leader does not answer there.")),
    (PhotoReason.TOO_LARGE, _l("It is larger than 10 MB.")),
    (PhotoReason.NOT_AN_IMAGE, _l("Only photos can be added: JPEG, PNG, WebP or HEIC.")),
    (PhotoReason.TOO_MANY_PIXELS, _l("It has more than 50 megapixels.")),
    (PhotoReason.BROKEN, _l("The file is damaged and cannot be read.")),
)

SATISFACTION = {
    5: _l("Very satisfied"),
    4: _l("Satisfied"),
    3: _l("Acceptable"),
    2: _l("Dissatisfied"),
    1: _l("Very dissatisfied"),
}
"""The five levels; the top three count as satisfied."""


def channel_label(channel: str) -> str:
    """Return the words for a way in; one that was imported reads as it was recorded."""
    try:
        return label(BuiltInChannel(channel))
    except ValueError:
        return channel or gettext("Not recorded")


def photo_problem(error: PhotoError) -> str:
    """Return which photo could not be kept, and why."""
    words = label(error.reason)
    return f"{error.filename}: {words}" if error.filename else words


def limit_words(limit: Limit) -> str:
    """Return how long a request may take, as a sentence."""
    if limit.unit in ELAPSED_UNITS:
        return str(gettext("Within %(length)s, day and night.", length=length_words(limit)))
    return str(gettext("Within %(length)s.", length=length_words(limit)))


def length_words(limit: Limit) -> str:
    """Return how long a limit is, such as “5 working days”."""
    match limit.unit:
        case LimitUnit.MINUTES:
            words = ngettext("%(num)s minute", "%(num)s minutes", limit.amount)
        case LimitUnit.HOURS:
            words = ngettext("%(num)s hour", "%(num)s hours", limit.amount)
        case LimitUnit.WORKING_HOURS:
            words = ngettext("%(num)s working hour", "%(num)s working hours", limit.amount)
        case LimitUnit.WORKING_DAYS:
            words = ngettext("%(num)s working day", "%(num)s working days", limit.amount)
        case LimitUnit.CALENDAR_DAYS:
            words = ngettext("%(num)s calendar day", "%(num)s calendar days", limit.amount)
        case _:
            assert_never(limit.unit)
    return str(words)
