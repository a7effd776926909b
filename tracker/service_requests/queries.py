"""Reading service requests. Every list begins with what the reader may see."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    inspect,
    or_,
    select,
)
from sqlalchemy.orm import InstrumentedAttribute, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from tracker.accounts.models import Person
from tracker.accounts.queries import leads_in
from tracker.database import db, read
from tracker.errors import NotFoundError
from tracker.organisation import queries as organisation
from tracker.organisation.models import Area
from tracker.permissions import Action, Actor
from tracker.service_requests.casework import CASEWORK
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.lines import Name, team_name
from tracker.service_requests.models import (
    Approval,
    Claim,
    HelpingTeam,
    HistoryEntry,
    Photo,
    ServiceRequest,
    SubmissionDraft,
    answers_supervision,
    calls_off_a_visit,
    changes_reaching,
    goes_on_unanswered,
    photos_told_of,
    renews_link,
)
from tracker.teams.models import AT_WORK, Membership
from tracker.visibility import made_once, within_reach

_ONE_ID: Final = bindparam("id", type_=Integer)


def visible_to(
    actor: Actor, action: Action = Action.VIEW_SERVICE_REQUEST
) -> Select[ServiceRequest]:
    """Select the service requests on which `actor` may take `action`."""
    return select(ServiceRequest).where(within_reach(actor, action, CASEWORK))


def find(
    actor: Actor, service_request_id: int, action: Action = Action.VIEW_SERVICE_REQUEST
) -> ServiceRequest:
    """Return one service request.

    Raises `NotFoundError` both when there is none and when `actor` may not see it, so that an
    id tells a stranger nothing.
    """
    return find_beside(actor, service_request_id, action)[0]


def find_beside(
    actor: Actor,
    service_request_id: int,
    action: Action = Action.VIEW_SERVICE_REQUEST,
    beside: tuple[ColumnElement[Any], ...] = (),
) -> tuple[ServiceRequest, Sequence[Any]]:
    """Return one service request as `find` does, and what else was asked of its row, in one statement."""
    asked = _with_all_it_names(actor, action, beside)
    found = db.session.execute(asked, {"id": service_request_id}).unique().one_or_none()
    if found is None:
        raise _not_found()
    service_request, is_helped, *known = found
    if not is_helped and "helping_teams" in inspect(service_request).unloaded:
        # Hardly any has them: asked beside it, they need not be looked for.
        set_committed_value(service_request, "helping_teams", [])
    return service_request, known


@made_once
def _with_all_it_names(
    actor: Actor, action: Action, beside: tuple[ColumnElement[Any], ...]
) -> Select[*tuple[Any, ...]]:
    is_helped = exists().where(HelpingTeam.service_request_id == ServiceRequest.id)
    return (
        _by_id(actor, action)
        .add_columns(is_helped, *beside)
        .options(
            joinedload(ServiceRequest.category),
            joinedload(ServiceRequest.area).joinedload(Area.parent),
            joinedload(ServiceRequest.unit),
            joinedload(ServiceRequest.lead_team),
            joinedload(ServiceRequest.leader),
            joinedload(ServiceRequest.requester),
            joinedload(ServiceRequest.claims).joinedload(Claim.person),  # a few at most
        )
    )


def find_for_change(
    actor: Actor, service_request_id: int, action: Action = Action.VIEW_SERVICE_REQUEST
) -> ServiceRequest:
    """Return one service request, locked until the transaction ends.

    Whoever comes second waits and then sees what the first one did. Who only refers to it, with
    a message say, does not wait: its key stays. Raises `NotFoundError` as `find` does.
    """
    return _one(_locked(actor, action), service_request_id)


@made_once
def _locked(actor: Actor, action: Action) -> Select[ServiceRequest]:
    return (
        _by_id(actor, action)
        .with_for_update(of=ServiceRequest, key_share=True)
        .execution_options(populate_existing=True)
    )


def _by_id(actor: Actor, action: Action) -> Select[ServiceRequest]:
    return visible_to(actor, action).where(ServiceRequest.id == _ONE_ID)


def answers_still(person_id: int | None, unit_id: int) -> ColumnElement[bool]:
    """Return the condition that somebody is here and holds the role of leader in a unit or above.

    A request stands with its leader when the role has ended; they answer for it no more.
    """
    return leads_in(person_id or 0, organisation.units_above(unit_id))


def works_on(
    person_id: InstrumentedAttribute[int] | ColumnElement[int], service_request: ServiceRequest
) -> ColumnElement[bool]:
    """Return the condition that somebody is at work in one of its teams, or answers for it as leader."""
    leader_id = service_request.leader_id or 0
    members = select(Membership.person_id).where(
        Membership.team_id.in_(sorted(service_request.team_ids)), AT_WORK
    )
    is_its_leader = and_(person_id == leader_id, answers_still(leader_id, service_request.unit_id))
    return or_(person_id.in_(members), is_its_leader)


def who_may_go(service_request: ServiceRequest) -> Sequence[Person]:
    """Return who may be announced at the requester's door, by name."""
    return db.session.scalars(
        select(Person)
        .where(works_on(Person.id, service_request), Person.ended_at.is_(None))
        .order_by(Person.sort_key, Person.id)
    ).all()


def find_both_for_change(
    actor: Actor, one_id: int, other_id: int, action: Action
) -> tuple[ServiceRequest, ServiceRequest]:
    """Return two service requests as `find_for_change` does.

    They are locked in the order of their ids, so that nobody waits for somebody who waits.
    """
    found = {each: find_for_change(actor, each, action) for each in sorted({one_id, other_id})}
    return found[one_id], found[other_id]


def draft_for_change(key: str) -> SubmissionDraft | None:
    """Return what a resident filled in, sent or not, locked until the transaction ends.

    Whoever sends it, or throws it away, finds what happened to it before.
    """
    return db.session.scalar(
        select(SubmissionDraft)
        .where(SubmissionDraft.key == key)
        .with_for_update(key_share=True)
        .execution_options(populate_existing=True)
    )


_PHOTOS: Final = select(Photo).where(Photo.service_request_id == _ONE_ID).order_by(Photo.id)


class Entry(NamedTuple):
    """A step that was taken, as pages tell it: `HistoryEntry` in plain values, with who took it."""

    id: int
    taken_at: datetime
    step: Step
    from_status: Status | None
    to_status: Status
    actor_id: int | None
    team_id: int | None
    public_note: str
    internal_note: str
    detail: Mapping[str, Any]
    actor: str | None
    """The name of the person."""
    team: Name | None

    @property
    def photos_added(self) -> int:
        """Return how many photos came with it."""
        return photos_told_of(self.detail)

    @property
    def rule_number(self) -> int | None:
        """Return which of the rules then in force had filled in the form; None for none."""
        rule = self.detail.get("rule")
        return int(rule["number"]) if rule else None

    @property
    def rule_name(self) -> Name | None:
        """Return what that rule was called then."""
        rule = self.detail.get("rule")
        return Name(rule["name"], rule["name_en"]) if rule else None

    @property
    def import_source(self) -> str:
        """Return from where it came in; "" unless it was imported."""
        return str(self.detail.get("source", "")) if self.step is Step.IMPORT else ""

    @property
    def nobody_answered(self) -> bool:
        """Tell whether it was a call-back that reached nobody."""
        return bool(self.detail.get("nobody_answered"))

    @property
    def told_by_phone(self) -> bool:
        """Tell whether it was a call that told the requester what nobody could write."""
        return bool(self.detail.get("told_by_phone"))

    @property
    def is_unanswered(self) -> bool:
        """Tell whether the waiting ended because no answer came."""
        return goes_on_unanswered(self.step, self.detail)

    @property
    def asks_again(self) -> bool:
        """Tell whether a question was asked once more, and not whether it is solved."""
        return self.step is Step.REMIND and self.to_status is Status.WAITING

    @property
    def is_handed_over(self) -> bool:
        """Tell whether somebody else goes on with it since: as leader, or on a planned visit."""
        return self.step in (Step.ASSIGN, Step.NOTE) and bool(self.detail.get("handed_over"))

    @property
    def calls_off(self) -> bool:
        """Tell whether a planned visit was called off."""
        return calls_off_a_visit(self.step, self.detail)

    @property
    def changes_reaching(self) -> bool:
        """Tell whether how the requester is told was changed."""
        return changes_reaching(self.step, self.detail)

    @property
    def answers_supervision(self) -> bool:
        """Tell whether a supervisor answered in writing for what sat."""
        return answers_supervision(self.step, self.detail)

    @property
    def goes_on_alone(self) -> bool:
        """Tell whether it stands for itself again: what it had been merged into was taken back."""
        return self.step is Step.RECEIVE_MERGED and self.from_status is Status.CLOSED

    @property
    def merged_with(self) -> str | None:
        """Return the reference of the other request of a merge, if it was written down."""
        if self.step not in (Step.MERGE, Step.RECEIVE_MERGED):
            return None
        others = (self.detail.get(name) for name in ("survivor", "duplicate", "withdrawn"))
        return next(filter(None, others), None)

    @property
    def renews_link(self) -> bool:
        """Tell whether the requester, or who has their link, made a new one."""
        return renews_link(self.step, self.detail)


_TEAM_ID: Final = Entry._fields.index("team_id")
_HISTORY: Final[Select[*tuple[Any, ...]]] = (
    select(
        *(getattr(HistoryEntry, name) for name in Entry._fields[:-2]),
        # Joined, PostgreSQL reads everybody to find the few who acted.
        select(Person.name).where(Person.id == HistoryEntry.actor_id).scalar_subquery(),
    )
    .where(HistoryEntry.service_request_id == _ONE_ID)
    .order_by(HistoryEntry.id)
)
_WAITING: Final = (
    select(Approval)
    .where(Approval.service_request_id == _ONE_ID, Approval.decided_at.is_(None))
    .options(joinedload(Approval.asked_by))
    .order_by(Approval.id)
)


def history_of(service_request: ServiceRequest) -> Sequence[Entry]:
    """Return every step that was taken and written, oldest first, with who took it."""
    return [_entry(tuple(row)) for row in read(_HISTORY, {"id": service_request.id}).all()]


def last_changed_by_staff(history: Sequence[Entry]) -> Entry | None:
    """Return where one of the staff last changed how the requester is told, if nobody has since."""
    changed = next((entry for entry in reversed(history) if entry.changes_reaching), None)
    return changed if changed is not None and changed.actor_id is not None else None


def _entry(row: Sequence[Any]) -> Entry:
    team_id = row[_TEAM_ID]
    return Entry._make((*row, None if team_id is None else team_name(team_id)))


def photos_of(service_request: ServiceRequest) -> Sequence[Photo]:
    """Return every photo of the request, in the order in which they came."""
    return db.session.scalars(_PHOTOS, {"id": service_request.id}).all()


def photos_from_requester(service_request: ServiceRequest) -> int:
    """Return how many photos came from who asks, and not from somebody who works on it."""
    return sum(photo.added_by_id is None for photo in photos_of(service_request))


def waiting_approvals(service_request: ServiceRequest) -> Sequence[Approval]:
    """Return what was asked of a supervisor and is not decided yet."""
    return db.session.scalars(_WAITING, {"id": service_request.id}).all()


def _one(query: Select[ServiceRequest], service_request_id: int) -> ServiceRequest:
    found = db.session.scalars(query, {"id": service_request_id}).unique()
    service_request = found.one_or_none()
    if service_request is None:
        raise _not_found()
    return service_request


def _not_found() -> NotFoundError:
    return NotFoundError("There is no such service request.")
