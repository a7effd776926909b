"""The steps that one person may take on one request at this moment, for every page's buttons.

What the life cycle has from here (`lifecycle.may_take`), what the matrix gives
(`permissions.may`), and the rules of the moment that a person can see beforehand: a button that
would be refused is not offered.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from flask_babel import LazyString, lazy_gettext as _l

from tracker.permissions import Action, Actor, may
from tracker.service_requests.actions import claims, dispatch
from tracker.service_requests.lifecycle import (
    RIGHT_FOR,
    Step,
    may_take,
)
from tracker.service_requests.limits import is_overdue
from tracker.service_requests.models import ApprovalKind, ServiceRequest


@dataclass(frozen=True, slots=True)
class Button:
    """How a step is offered: its words, and the page that takes it."""

    step: Step
    endpoint: str
    words: LazyString
    icon: str
    right: Action | None = None
    """Where the page asks for another right than the step."""
    at_once: bool = False
    """Taken by the button itself, without a page in between."""
    is_grave: bool = False
    """Ends the request: never the button that stands out."""

    @property
    def action(self) -> Action | None:
        """Return the right that it takes."""
        return self.right or RIGHT_FOR[self.step]


BUTTONS: Final = (
    Button(Step.ACCEPT, "dispatch.accept", _l("Accept"), "check2-square"),
    Button(Step.ASSIGN, "dispatch.assign", _l("Assign"), "send"),
    Button(Step.SIGN_FOR, "dispatch.sign_for", _l("Sign for it"), "person-check", at_once=True),
    Button(Step.CLAIM, "board.claim", _l("Claim"), "hand-thumbs-up", at_once=True),
    Button(
        Step.CONFIRM,
        "call_backs.call",
        _l("Call back"),
        "telephone-outbound",
        right=Action.CALL_BACK,
    ),
    Button(Step.VISIT, "visits.record", _l("Record a visit"), "journal-check"),
    Button(Step.PLAN_VISIT, "visits.plan", _l("Plan a visit"), "calendar-plus"),
    Button(Step.RESOLVE, "handling.resolve", _l("Report the result"), "patch-check"),
    Button(Step.RESUME, "handling.resume", _l("Take up again"), "play-circle"),
    Button(Step.UNPARK, "handling.unpark", _l("Take up again"), "play-circle"),
    Button(Step.WAIT, "handling.ask", _l("Ask the requester"), "question-circle"),
    Button(Step.NOTE, "handling.note", _l("Add a note"), "pencil-square"),
    Button(Step.ASK_EXTENSION, "handling.extension", _l("Ask for more time"), "hourglass-split"),
    Button(Step.ASK_PARKING, "handling.parking", _l("Ask to park it"), "pause-circle"),
    Button(Step.GIVE_PART, "parts.index", _l("Split it among helping teams"), "diagram-2"),
    Button(Step.REFER, "handling.refer", _l("Refer"), "signpost-split"),
    Button(
        Step.CLAIM, "own_team.enter", _l("Enter a volunteer"), "person-plus", right=Action.LEAD_TEAM
    ),
    Button(Step.RELEASE, "board.release", _l("Release a claim"), "box-arrow-left"),
    Button(Step.RETURN, "dispatch.return_", _l("Return to the desk"), "arrow-return-left"),
    Button(Step.MERGE, "dispatch.merge", _l("Merge"), "files", is_grave=True),
    Button(Step.DECLINE, "dispatch.decline", _l("Decline"), "slash-circle", is_grave=True),
)
"""Every button there is, the most natural next step first."""


_NEVER_FIRST: Final = frozenset({Step.NOTE, Step.GIVE_PART, Step.REFER, Step.RELEASE, Step.RETURN})
"""Steps that are there when nothing natural is: none of them stands out."""


@dataclass(frozen=True, slots=True)
class _Moment:
    """What the rules of the moment look at."""

    service_request: ServiceRequest
    actor: Actor
    now: datetime
    asked: Collection[ApprovalKind] = field(default_factory=frozenset)


def steps_offered(
    service_request: ServiceRequest,
    *,
    actor: Actor,
    now: datetime,
    asked: Collection[ApprovalKind] = (),
) -> list[Button]:
    """Return what `actor` may do now, the most natural next step first.

    `asked`: what waits for a supervisor's decision already (`queries.waiting_approvals`).
    """
    moment = _Moment(service_request, actor, now, asked)
    return [button for button in BUTTONS if _is_offered(button, moment)]


def next_step(buttons: Sequence[Button], service_request: ServiceRequest) -> Button | None:
    """Return the step that stands out on the page; None where nothing is the actor's turn."""
    is_assigned = service_request.lead_team_id is not None
    first = next(
        (each for each in buttons if each.step is not Step.ASSIGN or not is_assigned), None
    )
    return None if first is None or first.is_grave or first.step in _NEVER_FIRST else first


def _is_offered(button: Button, moment: _Moment) -> bool:
    action = button.action
    if action is None or not may_take(moment.service_request.status, button.step):
        return False
    # The cheap rules come first: some of the others ask the database.
    return may(moment.actor, action, moment.service_request) and _RULES.get(
        button.endpoint, _always
    )(moment)


def _always(_moment: _Moment) -> bool:
    return True


def _can_claim(moment: _Moment) -> bool:
    return claims.why_not(moment.service_request, actor=moment.actor) is None


def _has_free_places(moment: _Moment) -> bool:
    return moment.service_request.places_taken < moment.service_request.volunteers_needed


def _has_something_to_release(moment: _Moment) -> bool:
    return bool(claims.may_free(moment.service_request, moment.actor))


def _can_return(moment: _Moment) -> bool:
    if moment.service_request.places_taken:
        return False
    limit = dispatch.return_limit_at(moment.service_request)
    return limit is None or moment.now <= limit


def _can_give_parts(moment: _Moment) -> bool:
    """Tell whether there is a team to give one to: a desk may name any, a lead team those that help."""
    it = moment.service_request
    return dispatch.is_its_desk(moment.actor, it) or bool(it.helping_teams)


def _can_ask_extension(moment: _Moment) -> bool:
    return (
        not moment.service_request.extension_working_days
        and ApprovalKind.EXTENSION not in moment.asked
        and moment.service_request.due_at is not None
        and not is_overdue(moment.service_request.due_at, moment.now)
    )


def _can_ask_parking(moment: _Moment) -> bool:
    return ApprovalKind.PARKING not in moment.asked


_RULES: Final[Mapping[str, Callable[[_Moment], bool]]] = {
    "board.claim": _can_claim,
    "own_team.enter": _has_free_places,
    "board.release": _has_something_to_release,
    "dispatch.return_": _can_return,
    "parts.index": _can_give_parts,
    "handling.extension": _can_ask_extension,
    "handling.parking": _can_ask_parking,
}
