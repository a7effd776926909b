"""Named builders: each makes one thing, through the actions where there are some.

A test names only what matters to it; everything else is made up, and the same every time.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from io import BytesIO
from itertools import count
from typing import Any, Final, TypeVar, cast

from flask import current_app
from sqlalchemy import select

from tests.support.pictures import small_jpeg
from tracker import database
from tracker.accounts.models import Grant, Person
from tracker.accounts.passwords import Passwords
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.organisation.models import (
    Area,
    AreaKind,
    CalendarDay,
    Category,
    LimitRule,
    Organisation,
    Unit,
    UnitKind,
)
from tracker.permissions import Actor, Role, resident
from tracker.service_requests.actions import (
    answers,
    approvals,
    claims,
    dispatch,
    handling,
    intake,
    parts,
    routing,
    visiting,
)
from tracker.service_requests.lifecycle import Kind, Outcome, Priority, Solved, Status
from tracker.service_requests.limits import Clock, LimitUnit
from tracker.service_requests.models import (
    Approval,
    ApprovalKind,
    Part,
    Photo,
    ReachableBy,
    ServiceRequest,
)
from tracker.service_requests.photos import save_photo
from tracker.service_requests.routing import queries as routing_queries
from tracker.service_requests.routing.models import RoutingEdition, RoutingRule
from tracker.teams.actors import actor_for
from tracker.teams.models import Membership, Team
from tracker.visits.models import ContactWay, Visit

Thing = TypeVar("Thing", bound=database.Model)
PASSWORD: Final = "correct horse battery"


@dataclass
class Builders:
    """`a.team()`, `a.service_request(status=…)`, …: everything is saved when it comes back.

    `now` is when it happened. What is not named is shared: one bureau, one category, one desk.
    """

    now: datetime
    invented: bool = False
    """Whether the people are a demonstration's."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _shared: dict[str, int] = field(default_factory=dict)

    # ---------------------------------------------------------------- the organisation

    def organisation(self, **values: object) -> Organisation:
        """Make the row of the organisation's settings."""
        return self._saved(Organisation(id=1, **{"name": "实事市民服务中心", **values}))

    @property
    def bureau(self) -> Unit:
        """Return the top of the organisation tree."""
        return self._the(Unit, lambda: self.unit(kind=UnitKind.BUREAU, name="市局", parent=None))

    def unit(self, *, parent: Unit | str | None = "bureau", **values: object) -> Unit:
        """Make a branch below the bureau, or below `parent` (None: a root)."""
        above = self.bureau if isinstance(parent, str) else parent
        number = next(self._numbers)
        return self._saved(
            Unit(
                **{
                    "parent_id": above.id if above else None,
                    "kind": UnitKind.BRANCH,
                    "name": f"第{number}分局",
                    "name_en": f"Branch {number}",
                    **values,
                }
            )
        )

    def area(
        self, *, unit: Unit | None = None, parent: Area | None = None, **values: object
    ) -> Area:
        """Make a community that `unit` answers for (none: as the area above, or the bureau)."""
        number = next(self._numbers)
        return self._saved(
            Area(
                **{
                    "parent_id": parent.id if parent else None,
                    "unit_id": unit.id if unit else None,
                    "kind": AreaKind.COMMUNITY,
                    "name": f"第{number}社区",
                    "name_en": f"Community {number}",
                    **values,
                }
            )
        )

    @property
    def any_category(self) -> Category:
        """Return a leaf that any request may hang on."""
        return self._the(Category, lambda: self.category(name="居家维修", name_en="Home repairs"))

    def category(self, *, parent: Category | None = None, **values: object) -> Category:
        """Make a category of the second level, with one above it."""
        number = next(self._numbers)
        above = parent or self._saved(
            Category(name=f"第{number}大类", name_en=f"Group {number}", position=number)
        )
        return self.top_category(
            **{
                "parent_id": above.id,
                "name": f"第{number}类事项",
                "name_en": f"Category {number}",
                **values,
            }
        )

    def top_category(self, **values: object) -> Category:
        """Make a category of the first level."""
        number = next(self._numbers)
        names = {"name": f"第{number}大类", "name_en": f"Group {number}", "position": number}
        return self._saved(Category(**{**names, **values}))

    def limit(
        self,
        amount: int,
        unit: LimitUnit = LimitUnit.WORKING_DAYS,
        *,
        clock: Clock = Clock.RESOLVE,
        priority: Priority = Priority.NORMAL,
        category: Category | None = None,
    ) -> LimitRule:
        """Make a limit of a category, or of the whole organisation."""
        return self._saved(
            LimitRule(
                category_id=category.id if category else None,
                priority=priority.value,
                clock=clock.value,
                amount=amount,
                unit=unit.value,
            )
        )

    def calendar_day(
        self, day: date, *, is_working: bool, name: str = "停水日", unit: Unit | None = None
    ) -> CalendarDay:
        """Make an addition to the public calendar, everywhere or in one unit."""
        unit_id = unit.id if unit else None
        return self._saved(CalendarDay(day=day, unit_id=unit_id, is_working=is_working, name=name))

    def routing_rule(self, *, is_on: bool = True, **values: Any) -> RoutingRule:  # noqa: ANN401
        """Make a rule below all others, switched on. Without anything that it gives, it says urgent."""
        given = {"name": f"第{next(self._numbers)}条", **values}
        if not given.keys() & {"lead_team_id", "leader_id", "priority"}:
            given["priority"] = Priority.URGENT
        by = self.actor(self._the(Person, self.administrator, "administrator"))
        with self._saving():
            rule = routing.add_rule(given, actor=by, now=self.now)
            routing.switch_rule(rule, on=is_on, actor=by, now=self.now)
        return rule

    def rules_in_force(self) -> RoutingEdition:
        """Put the rules in force, as they stand."""
        by = self.actor(self._the(Person, self.administrator, "administrator"))
        with self._saving():
            return routing.put_in_force(
                tried=routing_queries.stamp(routing_queries.draft(routing_queries.rules())),
                instead_of=routing_queries.in_force().id,
                actor=by,
                now=self.now,
            )

    # ---------------------------------------------------------------- people

    def person(self, name: str = "", *, password: str | None = None, **values: object) -> Person:
        """Make somebody who holds nothing. Without `password` nobody can sign in as them."""
        number = next(self._numbers)
        return self._saved(
            Person(
                **{
                    "name": name or f"人员{number}",
                    "sort_key": f"person {number:04}",
                    "email": f"person{number}@example.org",
                    "password_hash": _hashed(password) if password else None,
                    "is_demo": self.invented,
                    "created_at": self.now,
                    **values,
                }
            )
        )

    def grant(
        self, person: Person, role: Role, unit: Unit | None = None, **values: object
    ) -> Grant:
        """Grant `role` in `unit` (the bureau)."""
        return self._saved(
            Grant(
                **{
                    "person_id": person.id,
                    "role": role,
                    "unit_id": (unit or self.bureau).id,
                    "granted_at": self.now,
                    **values,
                }
            )
        )

    def holder(self, role: Role, unit: Unit | None = None, **values: Any) -> Person:  # noqa: ANN401 - passed on
        """Make somebody who holds `role` in `unit` (the bureau)."""
        person = self.person(**values)
        self.grant(person, role, unit)
        return person

    def coordinator(self, unit: Unit | None = None, **values: Any) -> Person:  # noqa: ANN401
        """Make a coordinator of `unit` (the bureau)."""
        return self.holder(Role.COORDINATOR, unit, **values)

    def supervisor(self, unit: Unit | None = None, **values: Any) -> Person:  # noqa: ANN401
        """Make a supervisor of `unit` (the bureau)."""
        return self.holder(Role.SUPERVISOR, unit, **values)

    def leader(self, unit: Unit | None = None, **values: Any) -> Person:  # noqa: ANN401
        """Make a leader of `unit` (the bureau)."""
        return self.holder(Role.LEADER, unit, **values)

    def administrator(self, unit: Unit | None = None, **values: Any) -> Person:  # noqa: ANN401
        """Make an administrator of `unit` (the bureau)."""
        return self.holder(Role.ADMINISTRATOR, unit, **values)

    def auditor(self, unit: Unit | None = None, **values: Any) -> Person:  # noqa: ANN401
        """Make an auditor of `unit` (the bureau)."""
        return self.holder(Role.AUDITOR, unit, **values)

    def actor(self, person: Person) -> Actor:
        """Return `person` with everything that they hold now."""
        return actor_for(person)

    # ---------------------------------------------------------------- teams

    def team(self, unit: Unit | None = None, **values: object) -> Team:
        """Make a team of `unit` (the bureau), without members."""
        number = next(self._numbers)
        return self._saved(
            Team(
                **{
                    "unit_id": (unit or self.bureau).id,
                    "name": f"第{number}志愿服务队",
                    "name_en": f"Team {number}",
                    "created_at": self.now,
                    **values,
                }
            )
        )

    def membership(self, team: Team, person: Person, **values: object) -> Membership:
        """Put `person` into `team`, vetted."""
        known = {"team_id": team.id, "person_id": person.id, "joined_at": self.now}
        return self._saved(Membership(**{**known, "is_vetted": True, **values}))

    def volunteer(
        self,
        team: Team | None = None,
        *,
        is_vetted: bool = True,
        **values: Any,  # noqa: ANN401
    ) -> Person:
        """Make a volunteer of `team` (a team of their own)."""
        person = self.person(**values)
        self.membership(team or self.team(), person, is_vetted=is_vetted)
        return person

    def worker_on(self, service_request: ServiceRequest) -> Person:
        """Return a team leader of the request's team, who signs in with "open sesame please"."""
        assert service_request.lead_team is not None
        return self.team_leader(service_request.lead_team, password="open sesame please")

    def team_leader(self, team: Team | None = None, **values: Any) -> Person:  # noqa: ANN401
        """Make the team leader of `team` (a team of their own)."""
        person = self.person(**values)
        self.membership(team or self.team(), person, leads=True)
        return person

    # ---------------------------------------------------------------- service requests

    def service_request(
        self,
        *,
        status: Status = Status.SUBMITTED,
        outcome: Outcome = Outcome.SOLVED,
        team: Team | None = None,
        helping_teams: Sequence[Team] = (),
        leader: Person | None = None,
        claimed_by: Sequence[Person] = (),
        unit: Unit | None = None,
        area: Area | None = None,
        category: Category | None = None,
        priority: Priority = Priority.NORMAL,
        volunteers_needed: int | None = None,
        solved: Solved = Solved.YES,
        satisfaction: int | None = 5,
        at: datetime | None = None,
        **content: Any,  # noqa: ANN401 - the fields of NewRequest
    ) -> ServiceRequest:
        """Make a request and take it to `status` by the steps that lead there, all at `at` (now).

        Naming a team, a leader, claimants or places takes it to `assigned` at least. `unit`
        puts it before that unit's desk. The rest are fields of `intake.NewRequest`.
        """
        when = at or self.now
        if unit is not None and area is None:
            area = self.area(unit=unit)
        if status is Status.SUBMITTED and (team or leader or claimed_by or helping_teams):
            status = Status.IN_PROGRESS if claimed_by else Status.ASSIGNED
        made = self._submitted(category, area, priority, content, when)
        if status is Status.SUBMITTED:
            return made
        desk = self._desk()
        with self._saving():
            dispatch.accept(
                made,
                category_id=made.category_id,
                priority=priority,
                area_id=made.area_id,
                actor=desk,
                now=when,
            )
        if status is Status.ACCEPTED:
            return made
        team = team or self._the(Team, self.team)
        answering = leader or self._the(Person, self.leader, "leader")
        places = volunteers_needed or max(1, len(claimed_by))
        with self._saving():
            dispatch.assign(
                made,
                lead_team=team,
                helping_teams=helping_teams,
                leader=answering,
                volunteers_needed=places,
                actor=desk,
                now=when,
            )
        if status is Status.ASSIGNED:
            return made
        for person in claimed_by:
            self.claim(made, person, at=when)
        self._take_on_to(made, status, when, outcome, solved, satisfaction)
        return made

    def claim(
        self, service_request: ServiceRequest, person: Person, *, at: datetime | None = None
    ) -> None:
        """Let `person` claim a place on the request."""
        with self._saving():
            claims.claim(service_request, actor=self.actor(person), now=at or self.now)

    def visit(
        self,
        service_request: ServiceRequest,
        *,
        by: Person,
        findings: str = "水龙头滴水,换了垫片。",
        at: datetime | None = None,
        **report: Any,  # noqa: ANN401 - the fields of VisitReport
    ) -> Visit:
        """Record that `by` visited, ten minutes before `at` (now)."""
        when = at or self.now
        facts: dict[str, Any] = {
            "started_at": when - timedelta(minutes=10),
            "ended_at": when,
            "visitors": [by],
            "contact_made": True,
            "way": ContactWay.IN_PERSON,
            "findings": findings,
            **report,
        }
        with self._saving():
            return visiting.record_visit(
                service_request,
                visiting.VisitReport(**facts),
                submission_key=self._key("visit"),
                actor=self.actor(by),
                now=when,
            )

    def planned_visit(
        self,
        service_request: ServiceRequest,
        *,
        by: Person,
        planned_from: datetime | None = None,
        hours: float = 1,
    ) -> Visit:
        """Plan that `by` goes tomorrow at the same hour, or at `planned_from`."""
        begins = planned_from or self.now + timedelta(days=1)
        with self._saving():
            return visiting.plan_visit(
                service_request,
                planned_from=begins,
                planned_to=begins + timedelta(hours=hours),
                visitors=[by],
                submission_key=self._key("visit"),
                actor=self.actor(by),
                now=self.now,
            )

    def part(
        self,
        service_request: ServiceRequest,
        team: Team,
        *,
        task: str = "把旧衣柜搬下楼",
        working_days: int | None = None,
        at: datetime | None = None,
    ) -> Part:
        """Let the desk give a part of the request to `team`, which helps from then on."""
        with self._saving():
            return parts.give(
                service_request,
                team,
                task=task,
                working_days=working_days,
                actor=self._desk(),
                now=at or self.now,
            )

    def approval(
        self, service_request: ServiceRequest, kind: ApprovalKind, *, by: Person | None = None
    ) -> Approval:
        """Let a handler (the team's leader) ask for an extension or a parking; it waits.

        A reopening the requester asks for, on the telephone with `by`, or on their page.
        """
        actor = self.actor(by or self._team_leader_of(service_request))
        with self._saving():
            if kind is ApprovalKind.EXTENSION:
                return handling.ask_extension(
                    service_request,
                    working_days=3,
                    reason="等待配件到货",
                    actor=actor,
                    now=self.now,
                )
            if kind is ApprovalKind.PARKING:
                return handling.ask_parking(
                    service_request,
                    until=(self.now + timedelta(days=30)).date(),
                    reason="道路施工,暂时无法进场",
                    actor=actor,
                    now=self.now,
                )
            if by is None:
                answers.dispute(
                    service_request,
                    reason="又漏水了",
                    actor=resident(service_request.id),
                    now=self.now,
                )
            else:
                answers.record_call_back(
                    service_request,
                    solved=Solved.NO,
                    satisfaction=None,
                    wants_it_reopened=True,
                    word="又漏了",
                    actor=actor,
                    now=self.now,
                )
        return db.session.scalars(
            select(Approval).where(
                Approval.service_request_id == service_request.id,
                Approval.kind == kind,
                Approval.decided_at.is_(None),
            )
        ).one()

    def photo(self, service_request: ServiceRequest, **values: object) -> Photo:
        """Put a photo on the request: the row, and a small picture in the uploads folder."""
        settings = cast("Settings", current_app.config["SETTINGS"])
        kept = save_photo(BytesIO(small_jpeg()), "photo.jpg", settings.uploads_path)
        facts = {**asdict(kept), "service_request_id": service_request.id, "added_at": self.now}
        return self._saved(Photo(**{**facts, **values}))

    # ---------------------------------------------------------------- below

    def _submitted(
        self,
        category: Category | None,
        area: Area | None,
        priority: Priority,
        content: dict[str, Any],
        when: datetime,
    ) -> ServiceRequest:
        _ = self.bureau  # a request belongs to some unit
        number = next(self._numbers)
        facts: dict[str, Any] = {
            "category_id": (category or self.any_category).id,
            "area_id": area.id if area else None,
            "kind": Kind.HELP,
            "need": f"厨房水龙头滴水({number})",
            "address": f"幸福路{number}号",
            "priority": priority,
            "requester_name": f"诉求人{number}",
            "reachable_by": ReachableBy.PHONE,
            "phone": f"+8613800{number:06}",
            **content,
        }
        with self._saving():
            return intake.submit(
                intake.NewRequest(**facts),
                submission_key=self._key("request"),
                actor=resident(),
                now=when,
            )

    def _take_on_to(
        self,
        made: ServiceRequest,
        status: Status,
        when: datetime,
        outcome: Outcome,
        solved: Solved,
        satisfaction: int | None,
    ) -> None:
        handler = self.actor(self._team_leader_of(made))
        if made.status is Status.ASSIGNED:
            with self._saving():
                dispatch.sign_for(made, actor=handler, now=when)
        with self._saving():
            match status:
                case Status.WAITING:
                    handling.ask_requester(made, question="请问哪天在家?", actor=handler, now=when)
                case Status.RESOLVED | Status.CLOSED:
                    handling.resolve(
                        made, outcome=outcome, answer="换了垫片,不再滴水。", actor=handler, now=when
                    )
                case _:
                    pass
        if status is Status.PARKED:
            self._park(made, when)
        if status is Status.CLOSED:
            with self._saving():
                answers.confirm(
                    made,
                    solved=solved,
                    satisfaction=satisfaction,
                    actor=resident(made.id),
                    now=when,
                )

    def _park(self, made: ServiceRequest, when: datetime) -> None:
        waiting = self.approval(made, ApprovalKind.PARKING)
        judge = self._the(Person, self.supervisor, "judge")
        with self._saving():
            approvals.decide(waiting, granted=True, actor=self.actor(judge), now=when)

    def _desk(self) -> Actor:
        """Return somebody at the desk of the bureau, which reaches every unit below it."""
        return self.actor(self._the(Person, self.coordinator, "desk"))

    def _team_leader_of(self, made: ServiceRequest) -> Person:
        assert made.lead_team_id is not None, "the request has no team yet"
        team = db.session.get_one(Team, made.lead_team_id)
        for membership in team.memberships:
            if membership.leads and membership.ended_at is None:
                return membership.person
        return self.team_leader(team)

    def _key(self, kind: str) -> str:
        return f"{kind}-{next(self._numbers):06}"

    def _the(self, model: type[Thing], make: Callable[[], Thing], name: str = "") -> Thing:
        """Return the one thing of its kind that tests share without naming it."""
        key = name or model.__name__
        if key not in self._shared:
            self._shared[key] = cast("Any", make()).id
        return db.session.get_one(model, self._shared[key])

    def _saved(self, thing: Thing) -> Thing:
        with self._saving():
            db.session.add(thing)
            db.session.flush()
        return thing

    def _saving(self) -> AbstractContextManager[None]:
        """Open a transaction, or take part in the one that the test has opened."""
        return nullcontext() if database._writing.get() else transaction()


def at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    """Return the moment at which clocks in China show that hour of that day."""
    return datetime.combine(day, time(hour, minute), UTC) - timedelta(hours=8)


def _hashed(password: str) -> str:
    settings = cast("Settings", current_app.config["SETTINGS"])
    hasher = Passwords(time_cost=settings.argon2_time_cost, memory_kib=settings.argon2_memory_kib)
    return hasher.hashed(password)


__all__ = ["PASSWORD", "Builders", "at"]
