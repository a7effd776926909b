"""The tables of a service request and everything that hangs on it."""

import enum
import secrets
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, WriteOnlyMapped, mapped_column, relationship

from tracker.accounts.models import Person
from tracker.database import Model, enum_column
from tracker.organisation.models import Area, Category, Unit
from tracker.service_requests.ladder import Rung
from tracker.service_requests.lifecycle import (
    ConfirmationWay,
    Kind,
    Outcome,
    Priority,
    Solved,
    Status,
    Step,
)
from tracker.service_requests.limits import Clock
from tracker.teams.models import Team


class ReachableBy(enum.StrEnum):
    """How the requester wants to be reached."""

    PHONE = "phone"
    EMAIL = "email"
    NEIGHBOUR = "neighbour"
    NOBODY = "nobody"
    TEXT_MESSAGE = "text_message"
    """Offered where there is a gateway for them."""

    @property
    def is_written(self) -> bool:
        """Tell whether messages go this way; the others are told by voice, or not at all."""
        return self in (ReachableBy.EMAIL, ReachableBy.TEXT_MESSAGE)

    @property
    def tells_only_needed(self) -> bool:
        """Tell what is usual for who wishes nothing else: nobody wants ten text messages."""
        return self is ReachableBy.TEXT_MESSAGE


class ForWhom(enum.StrEnum):
    """Whether the requester asks for themselves."""

    SELF = "self"
    SOMEONE_ELSE = "someone_else"


class BuiltInChannel(enum.StrEnum):
    """The ways in that the product itself has. Imports may bring others, kept as they are."""

    WEB = "web"
    PHONE = "phone"
    COUNTER = "counter"
    VISIT = "visit"


def new_salt() -> str:
    """Return what makes one request's link and code; a new one revokes them."""
    return secrets.token_urlsafe(16)


class Requester(Model):
    """Who asks, and how to reach them. No account is needed."""

    __tablename__ = "requester"
    __table_args__ = (Index("ix_requester_phone", "phone", postgresql_include=["id"]),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(80), default="")
    reachable_by: Mapped[ReachableBy]
    phone: Mapped[str | None] = mapped_column(String(32))
    """In E.164."""
    email: Mapped[str | None] = mapped_column(String(254))
    neighbour: Mapped[str] = mapped_column(String(200), default="")
    """Through whom, in the requester's words."""
    locale: Mapped[str] = mapped_column(String(16), default="zh_Hans_CN")
    only_needed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Written to only of what is always told (`messages.ALWAYS_TOLD`), not at every step."""
    told_since: Mapped[datetime | None]
    """Since when they are told in this way and so often, if they were told otherwise before."""
    created_at: Mapped[datetime]


class ServiceRequest(Model):
    """One resident's request for practical help.

    `status` is changed only by `actions`, which also writes `history`.
    """

    __tablename__ = "service_request"
    __table_args__ = (
        # What was imported may not know when or how it ended; it never invents a date.
        CheckConstraint(
            "import_id IS NOT NULL OR (status IN ('resolved', 'closed')) = (outcome IS NOT NULL)",
            "handled_has_outcome",
        ),
        CheckConstraint(
            "CASE WHEN status = 'closed' THEN closed_at IS NOT NULL OR import_id IS NOT NULL"
            " ELSE closed_at IS NULL END",
            "closed_has_date",
        ),
        CheckConstraint("(closed_at IS NULL) = (seconds_to_close IS NULL)", "closed_has_duration"),
        CheckConstraint("places_taken >= 0", "places_not_negative"),
        CheckConstraint("volunteers_needed >= 1", "needs_somebody"),
        CheckConstraint("satisfaction BETWEEN 1 AND 5", "five_levels"),
        CheckConstraint("(status = 'waiting') = (waiting_for <> '')", "waiting_says_for_what"),
        CheckConstraint("(status = 'parked') = (parked_until IS NOT NULL)", "parked_has_review"),
        UniqueConstraint("import_source", "source_id"),
        Index("ix_service_request_unit_status_due", "unit_id", "status", "due_at", "id"),
        Index("ix_service_request_lead_team_status", "lead_team_id", "status", "due_at", "id"),
        Index("ix_service_request_unit_submitted", "unit_id", "submitted_at", "id"),
        Index("ix_service_request_requester_id", "requester_id", postgresql_include=["id"]),
        Index("ix_service_request_area_category", "area_id", "category_id", "status"),
        Index(
            "ix_service_request_ladder_at",
            "ladder_at",
            "id",
            sqlite_where=text("ladder_at IS NOT NULL"),
            postgresql_where=text("ladder_at IS NOT NULL"),
        ),
        Index(
            "ix_service_request_supervised",
            "unit_id",
            "supervised_at",
            "id",
            sqlite_where=text("supervised_at IS NOT NULL"),
            postgresql_where=text("supervised_at IS NOT NULL"),
        ),
        Index(
            "ix_service_request_urged",
            "urged_at",
            "id",
            sqlite_where=text("urged_at IS NOT NULL AND status <> 'closed'"),
            postgresql_where=text("urged_at IS NOT NULL AND status <> 'closed'"),
        ),
        Index(
            "ix_service_request_leader_open",
            "leader_id",
            "id",
            sqlite_where=text("status <> 'closed'"),
            postgresql_where=text("status <> 'closed'"),
        ),
        Index(
            "ix_service_request_question",
            "question_turn_at",
            "id",
            sqlite_where=text("status = 'waiting'"),
            postgresql_where=text("status = 'waiting'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    reference: Mapped[str] = mapped_column(String(10), unique=True)
    link_salt: Mapped[str] = mapped_column(String(32), default=new_salt)
    submission_key: Mapped[str | None] = mapped_column(String(64), unique=True)
    version: Mapped[int] = mapped_column(default=1)

    kind: Mapped[Kind] = mapped_column(default=Kind.HELP)
    category_id: Mapped[int] = mapped_column(ForeignKey("category.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"))
    address: Mapped[str] = mapped_column(String(200), default="")
    need: Mapped[str] = mapped_column(Text)
    """In the requester's own words."""
    preferred_time: Mapped[str] = mapped_column(String(200), default="")
    channel: Mapped[str] = mapped_column(String(60), default=BuiltInChannel.WEB)
    priority: Mapped[Priority] = mapped_column(default=Priority.NORMAL)

    requester_id: Mapped[int | None] = mapped_column(ForeignKey("requester.id"))
    for_whom: Mapped[ForWhom] = mapped_column(default=ForWhom.SELF)
    beneficiary_name: Mapped[str] = mapped_column(String(80), default="")
    beneficiary_relation: Mapped[str] = mapped_column(String(80), default="")
    beneficiary_consents: Mapped[bool | None]

    status: Mapped[Status] = mapped_column(default=Status.SUBMITTED)
    outcome: Mapped[Outcome | None]
    is_spam: Mapped[bool] = mapped_column(default=False)
    """Declined as spam: left out of every figure."""

    lead_team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    leader_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    board_note: Mapped[str] = mapped_column(Text, default="")
    """What volunteers read before they claim: the desk's words, without personal data."""
    volunteers_needed: Mapped[int] = mapped_column(default=1)
    places_taken: Mapped[int] = mapped_column(default=0)

    submitted_at: Mapped[datetime]
    accepted_at: Mapped[datetime | None]
    assigned_at: Mapped[datetime | None]
    signed_for_at: Mapped[datetime | None]
    first_response_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None] = mapped_column(index=True)
    seconds_to_close: Mapped[int | None]
    """From submitting to closing, elapsed; kept so that figures can be read from an index."""

    due_at: Mapped[datetime | None]
    """When it must be resolved; none before acceptance and while the clock stands still, unless it
    was overdue when that stopped."""
    near_at: Mapped[datetime | None]
    """When 80 % of the limit is used."""
    first_response_due_at: Mapped[datetime | None]
    """By when the requester must have a first response; stays as it was once there is one."""
    sign_for_due_at: Mapped[datetime | None]
    """By when the team must sign for it; stays as it was once it has."""
    ladder_at: Mapped[datetime | None]
    """When the next rung of the ladder is reached; none while no clock runs. See `ladder`."""
    rungs_reached: Mapped[int] = mapped_column(default=0, server_default="0")
    """Which rungs of the present round were reached, a bit each: see `ladder.bit_of`."""
    ladder_round: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often the ladder began anew, because a limit did."""
    supervised_at: Mapped[datetime | None]
    """Since when a supervisor's written answer is called for; none once it is given."""
    resolved_on_time: Mapped[bool | None]
    """Set on resolving: by the due time? None while unresolved or when there was no limit."""

    waiting_for: Mapped[str] = mapped_column(String(500), default="")
    """The question to the requester while status is waiting."""
    question_turn_at: Mapped[datetime | None]
    """When time does the next thing to an unanswered question: asks again, or goes on without it.
    None where nobody counts: unless it waits, and of what came from elsewhere."""
    parked_until: Mapped[date | None]
    public_answer: Mapped[str] = mapped_column(Text, default="")
    """What was done, as the requester reads it."""
    referred_to: Mapped[str] = mapped_column(String(200), default="")
    survivor_id: Mapped[int | None] = mapped_column(ForeignKey("service_request.id"), index=True)
    """The request that this duplicate was merged into."""

    confirmation: Mapped[ConfirmationWay | None]
    confirmed_at: Mapped[datetime | None]
    solved: Mapped[Solved | None]
    satisfaction: Mapped[int | None]
    """5 very satisfied … 1 very dissatisfied."""
    reminders_sent: Mapped[int] = mapped_column(default=0)
    """How often the requester was asked again: for the answer to the last question, or about the result."""
    reminded_at: Mapped[datetime | None]
    urged_at: Mapped[datetime | None]
    times_urged: Mapped[int] = mapped_column(default=0)
    times_returned: Mapped[int] = mapped_column(default=0)
    times_reopened: Mapped[int] = mapped_column(default=0)
    extension_working_days: Mapped[int] = mapped_column(default=0)
    """Granted once, on top of the limit."""

    import_id: Mapped[int | None] = mapped_column(ForeignKey("import_run.id"), index=True)
    import_source: Mapped[str | None] = mapped_column(String(60))
    source_id: Mapped[str | None] = mapped_column(String(80))

    category: Mapped[Category] = relationship()
    unit: Mapped[Unit] = relationship()
    area: Mapped[Area | None] = relationship()
    requester: Mapped[Requester | None] = relationship()
    lead_team: Mapped[Team | None] = relationship(foreign_keys=[lead_team_id])
    leader: Mapped[Person | None] = relationship(foreign_keys=[leader_id])
    survivor: Mapped["ServiceRequest | None"] = relationship(remote_side=[id])
    helping_teams: Mapped[list[Team]] = relationship(secondary="helping_team")
    claims: Mapped[list["Claim"]] = relationship(
        back_populates="service_request",
        primaryjoin="and_(Claim.service_request_id == ServiceRequest.id,"
        " Claim.released_at.is_(None))",
        order_by="Claim.id",
        viewonly=True,
    )
    parts: Mapped[list["Part"]] = relationship(
        back_populates="service_request", order_by="Part.id", viewonly=True
    )
    stops: Mapped[list["ClockStop"]] = relationship(order_by="ClockStop.id")
    handlers: Mapped[list["Handler"]] = relationship(viewonly=True)
    history: WriteOnlyMapped["HistoryEntry"] = relationship(back_populates="service_request")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - SQLAlchemy's way to say it

    @property
    def team_ids(self) -> Collection[int]:
        """Return the lead team and the helping teams."""
        lead = {self.lead_team_id} if self.lead_team_id is not None else set()
        return lead | {team.id for team in self.helping_teams}

    @property
    def claimant_ids(self) -> Collection[int]:
        """Return who holds a place now."""
        return {claim.person_id for claim in self.claims}

    @property
    def handler_ids(self) -> Collection[int]:
        """Return who worked on it at any time."""
        return {handler.person_id for handler in self.handlers}


class HelpingTeam(Model):
    """A team that helps the lead team."""

    __tablename__ = "helping_team"
    __table_args__ = (
        Index("ix_helping_team_ever", "team_id", "service_request_id"),
        Index(
            "ix_helping_team_open",
            "team_id",
            "service_request_id",
            sqlite_where=text("NOT is_closed"),
            postgresql_where=text("NOT is_closed"),
        ),
    )

    service_request_id: Mapped[int] = mapped_column(
        ForeignKey("service_request.id"), primary_key=True
    )
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"), primary_key=True)
    is_closed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the request is. Kept with its status, as a team has helped with thousands."""


class PartEnd(enum.StrEnum):
    """How a part of a request ended."""

    DONE = "done"
    """A leader of its team said what was done."""
    RETURNED = "returned"
    """A leader of its team gave it back, with the reason."""
    TAKEN_BACK = "taken_back"
    """Whoever gives parts took it back, or gave the request to others."""
    WITH_REQUEST = "with_request"
    """The request had a result, or was closed, before it was done."""


class Part(Model):
    """What one helping team is to do for a request, until it ends. An ended part stays."""

    __tablename__ = "part"
    __table_args__ = (
        Index(
            "uq_part_open",
            "team_id",
            "service_request_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(
            "ix_part_ladder_at",
            "ladder_at",
            "id",
            sqlite_where=text("ladder_at IS NOT NULL"),
            postgresql_where=text("ladder_at IS NOT NULL"),
        ),
        CheckConstraint("task <> ''", "says_what"),
        CheckConstraint("(ended_at IS NULL) = (ended_as IS NULL)", "ended_says_how"),
        CheckConstraint(
            "ended_as IS NULL OR ended_as = 'with_request' OR ended_by_id IS NOT NULL",
            "ended_says_who",
        ),
        CheckConstraint(
            "(result <> '') = (ended_as IS NOT NULL AND ended_as IN ('done', 'returned'))",
            "told_by_its_team",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"), index=True)
    team_id: Mapped[int] = mapped_column(ForeignKey("team.id"))
    task: Mapped[str] = mapped_column(Text)
    """What the team is to do, for staff."""
    given_by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    given_at: Mapped[datetime]
    working_days: Mapped[int | None]
    """How many the team has, from `counted_from`; None: as long as the whole request."""
    counted_from: Mapped[datetime]
    """When these days were said."""
    due_at: Mapped[datetime | None]
    """By when it must be done where it has days of its own; None while the clock stands still."""
    near_at: Mapped[datetime | None]
    """When 80 % of these days are used."""
    ladder_at: Mapped[datetime | None]
    """When its next rung of the ladder is reached; none once it ended, and while no clock runs."""
    rungs_reached: Mapped[int] = mapped_column(default=0, server_default="0")
    """Which rungs of the present round were reached, a bit each: see `ladder.bit_of`."""
    ladder_round: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often the ladder began anew, because its time did."""
    ended_at: Mapped[datetime | None]
    ended_as: Mapped[PartEnd | None]
    ended_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """None: the requester or the system closed the request."""
    result: Mapped[str] = mapped_column(Text, default="")
    """What its team says was done, or why it gave the part back; for staff."""

    service_request: Mapped[ServiceRequest] = relationship(back_populates="parts")
    team: Mapped[Team] = relationship()
    given_by: Mapped[Person] = relationship(foreign_keys=[given_by_id])
    ended_by: Mapped[Person | None] = relationship(foreign_keys=[ended_by_id])


class Handler(Model):
    """Somebody who worked on a request, at any time: they never judge its result."""

    __tablename__ = "handler"

    service_request_id: Mapped[int] = mapped_column(
        ForeignKey("service_request.id"), primary_key=True
    )
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)


class HistoryEntry(Model):
    """One step that was taken. Append-only."""

    __tablename__ = "history_entry"
    __table_args__ = (Index("ix_history_entry_service_request_id_id", "service_request_id", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"))
    taken_at: Mapped[datetime]
    step: Mapped[Step]
    from_status: Mapped[Status | None] = mapped_column(enum_column(Status, name="from_status"))
    to_status: Mapped[Status] = mapped_column(enum_column(Status, name="to_status"))
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    """None: the requester, or the system for its own steps."""
    team_id: Mapped[int | None] = mapped_column(ForeignKey("team.id"))
    """The team that the step is about, e.g. the one assigned to."""
    public_note: Mapped[str] = mapped_column(Text, default="")
    internal_note: Mapped[str] = mapped_column(Text, default="")
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What else the step set, for people who must reconstruct it; no contact data."""

    service_request: Mapped[ServiceRequest] = relationship(back_populates="history")
    actor: Mapped[Person | None] = relationship()
    team: Mapped[Team | None] = relationship()

    @property
    def photos_added(self) -> int:
        """Return how many photos came with it."""
        return photos_told_of(self.detail)


def photos_told_of(detail: Mapping[str, Any]) -> int:
    """Return how many photos came with a step, by its `HistoryEntry.detail`."""
    return int(detail.get("photos", 0))


def calls_off_a_visit(step: Step, detail: Mapping[str, Any]) -> bool:
    """Tell whether a step called a planned visit off, by its `HistoryEntry.detail`."""
    return step is Step.NOTE and bool(detail.get("cancelled"))


def changes_reaching(step: Step, detail: Mapping[str, Any]) -> bool:
    """Tell whether a step changed how the requester is told, by its `HistoryEntry.detail`."""
    return step is Step.NOTE and bool(detail.get("reached_by"))


def answers_supervision(step: Step, detail: Mapping[str, Any]) -> bool:
    """Tell whether a step is a supervisor's written answer, by its `HistoryEntry.detail`."""
    return step is Step.NOTE and bool(detail.get("answers_supervision"))


def renews_link(step: Step, detail: Mapping[str, Any]) -> bool:
    """Tell whether a new private link was made, by its `HistoryEntry.detail`."""
    return step is Step.NOTE and bool(detail.get("link_renewed"))


def goes_on_unanswered(step: Step, detail: Mapping[str, Any]) -> bool:
    """Tell whether a step ended the waiting because no answer came, by its `HistoryEntry.detail`."""
    return step is Step.RESUME and bool(detail.get("unanswered"))


class Claim(Model):
    """A volunteer's place on a request, until released."""

    __tablename__ = "claim"
    __table_args__ = (
        Index(
            "uq_claim_holds_now",
            "service_request_id",
            "person_id",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
        Index("ix_claim_person_id_released_at", "person_id", "released_at"),
        Index(
            "ix_claim_under_way",
            "person_id",
            "service_request_id",
            sqlite_where=text("released_at IS NULL AND NOT is_over"),
            postgresql_where=text("released_at IS NULL AND NOT is_over"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    claimed_at: Mapped[datetime]
    released_at: Mapped[datetime | None]
    release_reason: Mapped[str] = mapped_column(String(500), default="")
    is_over: Mapped[bool] = mapped_column(default=False, server_default=false())
    """The request has a result. Kept with its status, as people hold many such places."""

    service_request: Mapped[ServiceRequest] = relationship(back_populates="claims")
    person: Mapped[Person] = relationship()


class ClockStop(Model):
    """A stretch in which the clock stood still."""

    __tablename__ = "clock_stop"

    id: Mapped[int] = mapped_column(primary_key=True)
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"), index=True)
    reason: Mapped[Status]
    """`waiting`, `parked`, or `resolved` when it was reopened later."""
    stopped_at: Mapped[datetime]
    resumed_at: Mapped[datetime | None]


class Escalation(Model):
    """One rung of the ladder that a request reached: who was told, and for 督办 what was answered.

    Append-only but for the answer, which is given once.
    """

    __tablename__ = "escalation"
    __table_args__ = (
        UniqueConstraint("service_request_id", "round", "clock", "rung"),
        CheckConstraint("(answered_at IS NULL) = (answer = '')", "answered_says_what"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"))
    round: Mapped[int]
    """The `ladder_round` of the request then."""
    clock: Mapped[Clock]
    rung: Mapped[Rung]
    due_at: Mapped[datetime]
    """When what the clock measures was due."""
    reached_at: Mapped[datetime]
    """When the ladder came to it, in working time unless it is an emergency."""
    told: Mapped[list[int]] = mapped_column(JSON, default=list)
    """The ids of the people who were told; nobody where a higher rung was reached at once."""
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    answered_at: Mapped[datetime | None]

    service_request: Mapped[ServiceRequest] = relationship()
    answered_by: Mapped[Person | None] = relationship()


class PartEscalation(Model):
    """One rung of the ladder that a part reached, and who was told. Append-only."""

    __tablename__ = "part_escalation"
    __table_args__ = (UniqueConstraint("part_id", "round", "rung"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    part_id: Mapped[int] = mapped_column(ForeignKey("part.id"))
    round: Mapped[int]
    """The `ladder_round` of the part then."""
    rung: Mapped[Rung]
    due_at: Mapped[datetime]
    """By when it was to be done."""
    reached_at: Mapped[datetime]
    """When the ladder came to it, in working time unless it is an emergency."""
    told: Mapped[list[int]] = mapped_column(JSON, default=list)
    """The ids of the people who were told; nobody where a higher rung was reached at once."""

    part: Mapped[Part] = relationship()


class CallResult(enum.StrEnum):
    """What became of telling a requester on the telephone."""

    TOLD = "told"
    NOT_REACHED = "not_reached"
    """After all tries."""
    LET_BE = "let_be"
    """Whoever called found that there is nobody to call."""
    OTHERWISE = "otherwise"
    """They learnt it another way, or it is over."""


class CallTask(Model):
    """Somebody is to be called, because they read no mail. One at a time is open for a request."""

    __tablename__ = "call_task"
    __table_args__ = (
        CheckConstraint("(done_at IS NULL) = (result IS NULL)", "done_has_result"),
        Index(
            "uq_call_task_open",
            "service_request_id",
            unique=True,
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
        Index(
            "ix_call_task_next",
            "next_at",
            "id",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"), index=True)
    opened_at: Mapped[datetime]
    next_at: Mapped[datetime]
    """From when on to try: by day, on working days."""
    tries: Mapped[int] = mapped_column(default=0)
    """How often nobody answered, since they were to be told of anything new."""
    done_at: Mapped[datetime | None]
    done_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    result: Mapped[CallResult | None]

    service_request: Mapped[ServiceRequest] = relationship()
    reasons: Mapped[list["CallReason"]] = relationship(
        back_populates="task", order_by="CallReason.id"
    )


class CallReason(Model):
    """One step that somebody is to be told of on the telephone."""

    __tablename__ = "call_reason"

    id: Mapped[int] = mapped_column(primary_key=True)
    call_task_id: Mapped[int] = mapped_column(ForeignKey("call_task.id"), index=True)
    step: Mapped[str] = mapped_column(String(32))
    at: Mapped[datetime]
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """What there is to tell, as of a message; forgotten when the call is done."""

    task: Mapped[CallTask] = relationship(back_populates="reasons")


class ClockRecount(Model):
    """One going through all open requests, because limits or the calendar changed."""

    __tablename__ = "clock_recount"
    __table_args__ = (
        Index(
            "ix_clock_recount_under_way",
            "id",
            sqlite_where=text("finished_at IS NULL"),
            postgresql_where=text("finished_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """None: the system, after an upgrade."""
    after_id: Mapped[int] = mapped_column(default=0)
    """The request up to which all are counted."""
    moved: Mapped[int] = mapped_column(default=0)
    """How many got another due time so far."""
    finished_at: Mapped[datetime | None]


class ApprovalKind(enum.StrEnum):
    """What a supervisor is asked to allow."""

    EXTENSION = "extension"
    PARKING = "parking"
    REOPENING = "reopening"


class Approval(Model):
    """Something asked of a supervisor, and the answer."""

    __tablename__ = "approval"
    __table_args__ = (
        Index(
            "uq_approval_waits_now",
            "service_request_id",
            "kind",
            unique=True,
            sqlite_where=text("decided_at IS NULL"),
            postgresql_where=text("decided_at IS NULL"),
        ),
        CheckConstraint("(decided_at IS NULL) = (granted IS NULL)", "decided_says_how"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"), index=True)
    kind: Mapped[ApprovalKind]
    reason: Mapped[str] = mapped_column(Text)
    """Shown to the requester."""
    working_days: Mapped[int | None]
    """How many more an extension gives."""
    until: Mapped[date | None]
    """The review date of a parking."""
    asked_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """None: the requester."""
    asked_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    granted: Mapped[bool | None]
    decision_note: Mapped[str] = mapped_column(Text, default="")

    service_request: Mapped[ServiceRequest] = relationship()
    asked_by: Mapped[Person | None] = relationship(foreign_keys=[asked_by_id])
    decided_by: Mapped[Person | None] = relationship(foreign_keys=[decided_by_id])


class Photo(Model):
    """A photo, re-encoded without metadata. First it belongs to a draft, then to a request."""

    __tablename__ = "photo"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    """Names the file and its address; unguessable."""
    draft_id: Mapped[int | None] = mapped_column(
        ForeignKey("submission_draft.id", ondelete="SET NULL"), index=True
    )
    service_request_id: Mapped[int | None] = mapped_column(
        ForeignKey("service_request.id"), index=True
    )
    visit_id: Mapped[int | None] = mapped_column(ForeignKey("visit.id"), index=True)
    is_evidence: Mapped[bool] = mapped_column(default=False)
    """Shows what was done; given when resolving."""
    media_type: Mapped[str] = mapped_column(String(40))
    width: Mapped[int]
    height: Mapped[int]
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    """None: the requester."""
    added_at: Mapped[datetime]

    @property
    def is_of_need(self) -> bool:
        """Tell whether it shows what was asked for: not what a visit found, nor what was done."""
        return not self.is_evidence and self.visit_id is None


class SubmissionDraft(Model):
    """What a resident filled in and has not sent yet; kept for a day, then gone."""

    __tablename__ = "submission_draft"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64), unique=True)
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(index=True)
    service_request_id: Mapped[int | None] = mapped_column(ForeignKey("service_request.id"))
    """Set when sent, so that sending again leads to the same request."""

    photos: Mapped[list[Photo]] = relationship(order_by="Photo.id")


class ContactLook(Model):
    """Somebody looked at a requester's full contact data. Append-only."""

    __tablename__ = "contact_look"

    id: Mapped[int] = mapped_column(primary_key=True)
    service_request_id: Mapped[int] = mapped_column(ForeignKey("service_request.id"), index=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    at: Mapped[datetime] = mapped_column(index=True)
    where: Mapped[str] = mapped_column(String(40))
    """Which page or export showed it."""

    person: Mapped[Person] = relationship()


class ImportRun(Model):
    """One run of the importer over a file."""

    __tablename__ = "import_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    file_name: Mapped[str] = mapped_column(String(200))
    source: Mapped[str] = mapped_column(String(60))
    """The mapping's name of where the rows come from; with the source's id it is unique."""
    is_dry: Mapped[bool] = mapped_column(default=False)
    started_by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    rows_read: Mapped[int] = mapped_column(default=0)
    rows_created: Mapped[int] = mapped_column(default=0)
    rows_updated: Mapped[int] = mapped_column(default=0)
    rows_unchanged: Mapped[int] = mapped_column(default=0)
    rows_rejected: Mapped[int] = mapped_column(default=0)
    rows_total: Mapped[int | None]
    error: Mapped[str] = mapped_column(String(500), default="")

    started_by: Mapped[Person | None] = relationship()
