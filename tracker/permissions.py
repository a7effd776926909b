"""Who may do what: the one matrix.

There is no second copy of it. The permissions page and docs/permissions.md render it,
`tracker.visibility` says it in SQL, and tests walk every cell. This module imports no
framework and no model.

A right comes from a grant: a person holds a role in a unit, and the right reaches down the
unit tree. Volunteers and team leaders hold theirs in teams. A resident is whoever holds the
private link of one request.
"""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Final, Protocol

from tracker.errors import NotPermittedError


class Role(StrEnum):
    """What a person is to the organisation."""

    RESIDENT = "resident"
    VOLUNTEER = "volunteer"
    TEAM_LEADER = "team_leader"
    LEADER = "leader"
    COORDINATOR = "coordinator"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"


UNIT_ROLES: Final = (
    Role.LEADER,
    Role.COORDINATOR,
    Role.SUPERVISOR,
    Role.ADMINISTRATOR,
    Role.AUDITOR,
)
"""The roles that are granted in a unit; the others come from a link or from a team."""


class Action(StrEnum):
    """Everything that somebody can do, named `resource:verb`. Kept in life-cycle order."""

    SUBMIT_SERVICE_REQUEST = "service-request:submit"
    TAKE_IN_SERVICE_REQUEST = "service-request:take-in"
    VIEW_SERVICE_REQUEST = "service-request:view"
    VIEW_CONTACT = "service-request:view-contact"
    CHANGE_REACHING = "service-request:change-reaching"
    VIEW_QUEUE = "service-request:view-queue"
    VIEW_BOARD = "service-request:view-board"
    ACCEPT_SERVICE_REQUEST = "service-request:accept"
    DECLINE_SERVICE_REQUEST = "service-request:decline"
    MERGE_SERVICE_REQUEST = "service-request:merge"
    ASSIGN_SERVICE_REQUEST = "service-request:assign"
    RETURN_SERVICE_REQUEST = "service-request:return"
    SIGN_FOR_SERVICE_REQUEST = "service-request:sign-for"
    GIVE_PART = "service-request:give-part"
    END_PART = "service-request:end-part"
    CLAIM_SERVICE_REQUEST = "service-request:claim"
    LEAD_TEAM = "team:lead"
    HAND_OVER = "service-request:hand-over"
    RELEASE_CLAIM = "service-request:release"
    RECORD_VISIT = "service-request:record-visit"
    ADD_NOTE = "service-request:add-note"
    ASK_REQUESTER = "service-request:ask-requester"
    RESUME_SERVICE_REQUEST = "service-request:resume"
    ASK_EXTENSION = "service-request:ask-extension"
    DECIDE_EXTENSION = "service-request:decide-extension"
    ASK_PARKING = "service-request:ask-parking"
    DECIDE_PARKING = "service-request:decide-parking"
    UNPARK_SERVICE_REQUEST = "service-request:unpark"
    REFER_SERVICE_REQUEST = "service-request:refer"
    RESOLVE_SERVICE_REQUEST = "service-request:resolve"
    CONFIRM_OWN_REQUEST = "service-request:confirm"
    CALL_BACK = "service-request:call-back"
    CALL_REQUESTER = "service-request:call"
    DISPUTE_OWN_REQUEST = "service-request:dispute"
    DECIDE_REOPENING = "service-request:decide-reopening"
    ANSWER_SUPERVISION = "service-request:answer-supervision"
    WITHDRAW_OWN_REQUEST = "service-request:withdraw"
    URGE_OWN_REQUEST = "service-request:urge"
    ADD_TO_OWN_REQUEST = "service-request:add-word"
    EXPORT_SERVICE_REQUESTS = "service-request:export"
    VIEW_REPORTS = "reports:view"
    VIEW_ROUTING = "routing:view"
    EDIT_ROUTING = "routing:edit"
    IMPORT_SERVICE_REQUESTS = "service-request:import"
    MANAGE_PEOPLE = "people:manage"
    MANAGE_GRANTS = "grants:manage"
    MANAGE_UNITS = "units:manage"
    MANAGE_AREAS = "areas:manage"
    MANAGE_CATEGORIES = "categories:manage"
    MANAGE_TEAMS = "teams:manage"
    MANAGE_ORGANISATION = "organisation:manage"
    MANAGE_ENDPOINTS = "endpoints:manage"
    EDIT_TEXTS = "texts:edit"
    VIEW_OUTBOX = "outbox:view"
    VIEW_AUDIT_TRAIL = "audit-trail:view"
    VIEW_PERMISSIONS = "permissions:view"


class Reach(IntEnum):
    """How far a right extends."""

    NOWHERE = 0
    OWN = 1
    """The resident's own request; the volunteer's own claims; what the leader answers for."""
    LEAD = 2
    """What is assigned to one of the person's teams as lead team: whose request it is."""
    TEAM = 3
    """What is assigned to one of the person's teams, as lead or helping team."""
    UNIT = 4
    """Everything in the unit of the grant and below."""
    WHOLE = 5
    """What belongs to the whole organisation: by a grant in the unit at the top only."""


NOWHERE, OWN, LEAD, TEAM, UNIT, WHOLE = Reach
_ = NOWHERE  # so that the table below shows its rights at a glance

_COLUMNS: Final = (
    Role.RESIDENT,
    Role.VOLUNTEER,
    Role.TEAM_LEADER,
    Role.LEADER,
    Role.COORDINATOR,
    Role.SUPERVISOR,
    Role.ADMINISTRATOR,
    Role.AUDITOR,
)

# fmt: off
_TABLE: Final[Mapping[Action, tuple[Reach, ...]]] = {
    #                                   resident volunt. t.leader leader coord. superv. admin. auditor
    Action.SUBMIT_SERVICE_REQUEST:      (OWN,    OWN,    OWN,     OWN,   OWN,   OWN,    OWN,   OWN),
    Action.TAKE_IN_SERVICE_REQUEST:     (_,      _,      _,       _,     UNIT,  _,      _,     _),
    Action.VIEW_SERVICE_REQUEST:        (OWN,    OWN,    TEAM,    OWN,   UNIT,  UNIT,   _,     UNIT),
    Action.VIEW_CONTACT:                (OWN,    OWN,    TEAM,    OWN,   UNIT,  UNIT,   _,     _),
    Action.CHANGE_REACHING:             (_,      _,      LEAD,    OWN,   UNIT,  UNIT,   _,     _),
    Action.VIEW_QUEUE:                  (_,      _,      TEAM,    OWN,   UNIT,  UNIT,   _,     UNIT),
    Action.VIEW_BOARD:                  (_,      TEAM,   TEAM,    _,     _,     _,      _,     _),
    Action.ACCEPT_SERVICE_REQUEST:      (_,      _,      _,       _,     UNIT,  _,      _,     _),
    Action.DECLINE_SERVICE_REQUEST:     (_,      _,      _,       _,     UNIT,  _,      _,     _),
    Action.MERGE_SERVICE_REQUEST:       (_,      _,      _,       _,     UNIT,  _,      _,     _),
    Action.ASSIGN_SERVICE_REQUEST:      (_,      _,      LEAD,    _,     UNIT,  _,      _,     _),
    Action.RETURN_SERVICE_REQUEST:      (_,      _,      LEAD,    _,     _,     _,      _,     _),
    Action.SIGN_FOR_SERVICE_REQUEST:    (_,      _,      LEAD,    _,     _,     _,      _,     _),
    Action.GIVE_PART:                   (_,      _,      LEAD,    _,     UNIT,  _,      _,     _),
    Action.END_PART:                    (_,      _,      TEAM,    _,     _,     _,      _,     _),
    Action.CLAIM_SERVICE_REQUEST:       (_,      TEAM,   TEAM,    _,     _,     _,      _,     _),
    Action.LEAD_TEAM:                   (_,      _,      TEAM,    _,     _,     _,      _,     _),
    Action.HAND_OVER:                   (_,      _,      TEAM,    _,     UNIT,  _,      _,     _),
    Action.RELEASE_CLAIM:               (_,      OWN,    TEAM,    _,     _,     _,      _,     _),
    Action.RECORD_VISIT:                (_,      OWN,    TEAM,    OWN,   _,     _,      _,     _),
    Action.ADD_NOTE:                    (_,      OWN,    TEAM,    OWN,   UNIT,  UNIT,   _,     _),
    Action.ASK_REQUESTER:               (_,      OWN,    TEAM,    OWN,   _,     _,      _,     _),
    Action.RESUME_SERVICE_REQUEST:      (_,      OWN,    TEAM,    OWN,   UNIT,  _,      _,     _),
    Action.ASK_EXTENSION:               (_,      OWN,    TEAM,    OWN,   _,     _,      _,     _),
    Action.DECIDE_EXTENSION:            (_,      _,      _,       _,     _,     UNIT,   _,     _),
    Action.ASK_PARKING:                 (_,      OWN,    TEAM,    OWN,   _,     _,      _,     _),
    Action.DECIDE_PARKING:              (_,      _,      _,       _,     _,     UNIT,   _,     _),
    Action.UNPARK_SERVICE_REQUEST:      (_,      _,      TEAM,    OWN,   UNIT,  _,      _,     _),
    Action.REFER_SERVICE_REQUEST:       (_,      _,      _,       _,     UNIT,  _,      _,     _),
    Action.RESOLVE_SERVICE_REQUEST:     (_,      OWN,    TEAM,    OWN,   _,     _,      _,     _),
    Action.CONFIRM_OWN_REQUEST:         (OWN,    _,      _,       _,     _,     _,      _,     _),
    Action.CALL_BACK:                   (_,      _,      _,       _,     UNIT,  UNIT,   _,     _),
    Action.CALL_REQUESTER:              (_,      _,      _,       _,     UNIT,  UNIT,   _,     _),
    Action.DISPUTE_OWN_REQUEST:         (OWN,    _,      _,       _,     _,     _,      _,     _),
    Action.DECIDE_REOPENING:            (_,      _,      _,       _,     _,     UNIT,   _,     _),
    Action.ANSWER_SUPERVISION:          (_,      _,      _,       _,     _,     UNIT,   _,     _),
    Action.WITHDRAW_OWN_REQUEST:        (OWN,    _,      _,       _,     _,     _,      _,     _),
    Action.URGE_OWN_REQUEST:            (OWN,    _,      _,       _,     _,     _,      _,     _),
    Action.ADD_TO_OWN_REQUEST:          (OWN,    _,      _,       _,     _,     _,      _,     _),
    Action.EXPORT_SERVICE_REQUESTS:     (_,      _,      _,       OWN,   UNIT,  UNIT,   _,     UNIT),
    Action.VIEW_REPORTS:                (_,      _,      _,       OWN,   UNIT,  UNIT,   _,     UNIT),
    Action.VIEW_ROUTING:                (_,      _,      _,       _,     UNIT,  UNIT,   WHOLE, UNIT),
    Action.EDIT_ROUTING:                (_,      _,      _,       _,     _,     _,      WHOLE, _),
    Action.IMPORT_SERVICE_REQUESTS:     (_,      _,      _,       _,     _,     _,      UNIT,  _),
    Action.MANAGE_PEOPLE:               (_,      _,      _,       _,     _,     _,      UNIT,  _),
    Action.MANAGE_GRANTS:               (_,      _,      _,       _,     _,     _,      UNIT,  _),
    Action.MANAGE_UNITS:                (_,      _,      _,       _,     _,     _,      UNIT,  _),
    Action.MANAGE_AREAS:                (_,      _,      _,       _,     _,     _,      UNIT,  _),
    Action.MANAGE_CATEGORIES:           (_,      _,      _,       _,     _,     _,      WHOLE, _),
    Action.MANAGE_TEAMS:                (_,      _,      _,       _,     _,     _,      UNIT,  _),
    Action.MANAGE_ORGANISATION:         (_,      _,      _,       _,     _,     _,      WHOLE, _),
    Action.MANAGE_ENDPOINTS:            (_,      _,      _,       _,     _,     _,      WHOLE, _),
    Action.EDIT_TEXTS:                  (_,      _,      _,       _,     _,     _,      WHOLE, _),
    Action.VIEW_OUTBOX:                 (_,      _,      _,       _,     _,     _,      WHOLE, _),
    Action.VIEW_AUDIT_TRAIL:            (_,      _,      _,       _,     _,     _,      UNIT,  UNIT),
    Action.VIEW_PERMISSIONS:            (_,      OWN,    OWN,     OWN,   OWN,   OWN,    OWN,   OWN),
}
# fmt: on

MATRIX: Final[Mapping[Action, Mapping[Role, Reach]]] = {
    action: dict(zip(_COLUMNS, row, strict=True)) for action, row in _TABLE.items()
}

NEVER_ON_OWN_WORK: Final = frozenset(
    {
        Action.CONFIRM_OWN_REQUEST,
        Action.CALL_BACK,
        Action.DISPUTE_OWN_REQUEST,
        Action.DECIDE_EXTENSION,
        Action.DECIDE_PARKING,
        Action.DECIDE_REOPENING,
        Action.ANSWER_SUPERVISION,
        Action.WITHDRAW_OWN_REQUEST,
        Action.URGE_OWN_REQUEST,
        Action.ADD_TO_OWN_REQUEST,
    }
)
"""A handler never confirms, rates or approves their own work, whatever else they hold, and never
speaks for its requester: not by the private link either, where the browser says that they are
signed in. Nor does whoever leads a team that has it, lead team or helping team."""


class Casework(Protocol):
    """What the matrix must know of a service request."""

    @property
    def id(self) -> int: ...  # noqa: D102 - the names say it
    @property
    def unit_id(self) -> int: ...  # noqa: D102
    @property
    def leader_id(self) -> int | None: ...  # noqa: D102
    @property
    def lead_team_id(self) -> int | None: ...  # noqa: D102
    @property
    def team_ids(self) -> Collection[int]: ...  # noqa: D102 - lead team and helping teams
    @property
    def claimant_ids(self) -> Collection[int]: ...  # noqa: D102 - with a claim that holds now
    @property
    def handler_ids(self) -> Collection[int]: ...  # noqa: D102 - who worked on it at any time


class InUnit(Protocol):
    """Anything that belongs to a unit and to nobody in particular: a team, a person's grant."""

    @property
    def unit_id(self) -> int: ...  # noqa: D102


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts, with everything that they hold at this moment.

    `units` maps each role granted in a unit to the ids of that unit and all units below it;
    `at_the_top` are the roles granted in the unit that is above all others; `teams` maps
    VOLUNTEER and TEAM_LEADER to team ids. A resident has no `person_id` and one
    `own_request_id`.
    """

    person_id: int | None
    name: str = ""
    units: Mapping[Role, frozenset[int]] = field(default_factory=dict)
    at_the_top: frozenset[Role] = frozenset()
    teams: Mapping[Role, frozenset[int]] = field(default_factory=dict)
    own_request_id: int | None = None
    signed_in_id: int | None = None
    """Of a resident: who is signed in in the browser that opened the private link."""
    signed_in_leading: frozenset[int] = frozenset()
    """And the teams that they lead."""
    locale: str | None = None

    @property
    def ids(self) -> frozenset[int]:
        """Return who it is, as whom they act or as whom they are signed in beside it."""
        return frozenset(each for each in (self.person_id, self.signed_in_id) if each is not None)

    @property
    def member_of(self) -> frozenset[int]:
        """Return the teams that they are in."""
        return frozenset().union(*self.teams.values())

    @property
    def leading(self) -> frozenset[int]:
        """Return the teams that they lead, as whom they act or as whom they are signed in."""
        return self.teams.get(Role.TEAM_LEADER, frozenset()) | self.signed_in_leading

    @property
    def holdings(self) -> Hashable:
        """Return what decides on all rights: actors whose holdings are equal may do the same."""
        return (
            self.person_id,
            self.signed_in_id,
            self.signed_in_leading,
            self.own_request_id,
            self.at_the_top,
            frozenset(self.units.items()),
            frozenset(self.teams.items()),
        )

    @property
    def roles(self) -> frozenset[Role]:
        """Return every role held anywhere."""
        held = {role for role, ids in (*self.units.items(), *self.teams.items()) if ids}
        if self.person_id is None:
            held.add(Role.RESIDENT)
        return frozenset(held)

    def still_holds(self, now: "Actor | None") -> bool:
        """Tell whether `now`, the same person loaded anew, holds at least what this one holds."""
        return (
            now is not None
            and now.person_id == self.person_id
            and now.at_the_top >= self.at_the_top
            and all(now.units.get(role, frozenset()) >= ids for role, ids in self.units.items())
            and all(now.teams.get(role, frozenset()) >= ids for role, ids in self.teams.items())
        )

    def units_where(self, action: Action) -> frozenset[int]:
        """Return the units in which `action` reaches everything."""
        return frozenset().union(
            *(ids for role, ids in self.units.items() if MATRIX[action][role] is Reach.UNIT)
        )

    def teams_where(self, action: Action, reach: Reach = TEAM) -> frozenset[int]:
        """Return the teams whose requests `action` reaches: with LEAD, those that they lead."""
        return frozenset().union(
            *(ids for role, ids in self.teams.items() if MATRIX[action][role] is reach)
        )

    def may_for_all(self, action: Action) -> bool:
        """Tell whether `action` reaches the whole organisation, whatever belongs to no unit too."""
        return any(MATRIX[action][role] in (Reach.UNIT, Reach.WHOLE) for role in self.at_the_top)

    def own_roles_where(self, action: Action) -> frozenset[Role]:
        """Return the roles by which `action` reaches only what is the actor's own."""
        return frozenset(role for role in self.roles if MATRIX[action][role] is Reach.OWN)


def resident(service_request_id: int | None = None, *, signed_in: Actor | None = None) -> Actor:
    """Return whoever holds the private link of one request; without an id, any visitor.

    `signed_in`: whose account is open in the same browser, for `NEVER_ON_OWN_WORK`.
    """
    return Actor(
        person_id=None,
        own_request_id=service_request_id,
        signed_in_id=signed_in.person_id if signed_in else None,
        signed_in_leading=signed_in.leading if signed_in else frozenset(),
    )


SYSTEM: Final = Actor(person_id=None, name="system")
"""Who takes the steps that time takes. It holds no role; only system steps accept it."""


def may(actor: Actor, action: Action, thing: Casework | None = None) -> bool:
    """Tell whether `actor` may take `action`, on `thing` when there is one."""
    if thing is None:
        return actor.may_for_all(action) or any(
            MATRIX[action][role] not in (Reach.NOWHERE, Reach.WHOLE) for role in actor.roles
        )
    if action in NEVER_ON_OWN_WORK and _is_own_work(actor, thing):
        return False
    teams = actor.teams_where(action)
    return (
        thing.unit_id in actor.units_where(action)
        or bool(teams and not teams.isdisjoint(thing.team_ids))
        or thing.lead_team_id in actor.teams_where(action, LEAD)
        or any(_is_own(actor, role, thing) for role in actor.own_roles_where(action))
    )


def may_in_unit(actor: Actor, action: Action, unit_id: int) -> bool:
    """Tell whether a grant of `actor` lets them take `action` on what belongs to a unit."""
    return unit_id in actor.units_where(action)


def require(actor: Actor, action: Action, thing: Casework | None = None) -> None:
    """Raise `NotPermittedError` unless `actor` may take `action` on `thing`."""
    if not may(actor, action, thing):
        message = f"{sorted(actor.roles)} may not {action}."
        raise NotPermittedError(message)


def require_in_unit(actor: Actor, action: Action, unit_id: int) -> None:
    """Raise `NotPermittedError` unless `actor` may take `action` in the unit."""
    if not may_in_unit(actor, action, unit_id):
        message = f"{sorted(actor.roles)} may not {action} there."
        raise NotPermittedError(message)


def _is_own_work(actor: Actor, thing: Casework) -> bool:
    # Who is nobody, or leads none, is not compared with those who do: that would be read for it.
    ids, leading = actor.ids, actor.leading
    return bool(ids and not ids.isdisjoint(thing.handler_ids)) or bool(
        leading and not leading.isdisjoint(thing.team_ids)
    )


def _is_own(actor: Actor, role: Role, thing: Casework) -> bool:
    match role:
        case Role.RESIDENT:
            return actor.own_request_id is not None and actor.own_request_id == thing.id
        case Role.VOLUNTEER | Role.TEAM_LEADER:  # by a team of theirs that works on it
            return actor.person_id in thing.claimant_ids and not actor.member_of.isdisjoint(
                thing.team_ids
            )
        case _:  # by their role there
            there = actor.units.get(role, frozenset())
            return thing.leader_id == actor.person_id and thing.unit_id in there
