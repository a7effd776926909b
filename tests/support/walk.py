"""A random walk over every step of the life cycle, through the actions, by people who may and may not.

And who come and go: they leave their team, join it again, and are checked or no more.

One walk in a test's own process, or many at once on one database: what the rules refuse is
counted and passed over, everything else is an error.
"""

import random
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Final, TypeAlias

import psycopg
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm.exc import StaleDataError

from tests.support.builders import Builders
from tests.support.pictures import small_jpeg
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.errors import ShishiError
from tracker.permissions import Action, Actor, resident
from tracker.service_requests import judging, parts as parts_queries, queries
from tracker.service_requests.actions import (
    answers,
    approvals,
    claims,
    dispatch,
    drafts,
    handling,
    intake,
    parts,
    private_links,
    reaching,
    time_passing,
    visiting,
)
from tracker.service_requests.actions.photos import add_photos, add_to_draft
from tracker.service_requests.lifecycle import TRANSITIONS, Outcome, Priority, Solved, Status, Step
from tracker.service_requests.models import Approval, Claim, Part, ReachableBy, ServiceRequest
from tracker.service_requests.photos import StoredPhoto, delete_photo, save_photo
from tracker.teams import actions as teams
from tracker.teams.actors import actor_for
from tracker.teams.models import Membership, Team
from tracker.visits.models import ContactWay, Visit, VisitStatus

POOL: Final = 25
"""So many of the newest requests are worked on: few enough that people meet."""


@dataclass(frozen=True)
class Cast:
    """Who takes part, as ids: it can be handed to other processes."""

    category_id: int
    evidence_category_id: int
    teams: tuple[int, ...]
    coordinators: tuple[int, ...]
    leaders: tuple[int, ...]
    supervisors: tuple[int, ...]
    team_leaders: tuple[int, ...]
    volunteers: tuple[int, ...]
    administrators: tuple[int, ...]


def cast_of(a: Builders) -> Cast:
    """Make a small organisation in which every step can be taken, and time passes at once."""
    a.organisation(reminder_days=0, question_days=0, claim_limit=50, no_contact_tries=1)
    all_teams = [a.team() for _ in range(3)]
    return Cast(
        category_id=a.any_category.id,
        evidence_category_id=a.category(needs_evidence=True).id,
        teams=tuple(team.id for team in all_teams),
        coordinators=tuple(a.coordinator().id for _ in range(3)),
        leaders=tuple(a.leader().id for _ in range(2)),
        supervisors=tuple(a.supervisor().id for _ in range(3)),
        team_leaders=tuple(a.team_leader(team).id for team in all_teams),
        volunteers=tuple(a.volunteer(team).id for team in all_teams for _ in range(4)),
        administrators=tuple(a.administrator().id for _ in range(2)),
    )


@dataclass
class Walk:
    """Somebody who does something at random, again and again. `now` says when each step is."""

    cast: Cast
    uploads: Path
    now: Callable[[], datetime]
    chance: random.Random
    aim: int = 0
    status: Status | None = None
    team_id: int | None = None
    has_asked: bool = False
    has_part: bool = False
    kept: list[str] = field(default_factory=list)
    """Photos whose files were written in this step."""
    gone: list[str] = field(default_factory=list)
    """Photos whose files go after it."""
    taken: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def go(self, steps: int) -> None:
        """Try so many steps."""
        for _ in range(steps):
            self.step()

    def step(self) -> None:
        """Try one step, whole or not at all: mostly one that can be taken where a request stands."""
        self._aim()
        acts = [act for act in _STEPS if self._fits(act)] if self.chance.random() < 0.9 else []
        weights = [_WEIGHTS.get(act, 3) for act in acts or _STEPS]
        act = self.chance.choices(acts or list(_STEPS), weights)[0]
        if not self._try(act):
            self._try(act)  # as the pages do

    def _try(self, act: "Act") -> bool:
        """Try one step; return False if it gave way to somebody who waited for it, in a ring."""
        name = act.__name__.strip("_")
        self.kept, self.gone = [], []
        try:
            with transaction():
                act(self)
        except OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                raise
            self.refused[f"{name}: gave way"] += 1
            self.gone = self.kept
            return False
        except (ShishiError, StaleDataError, _NothingToDoError, IntegrityError) as refused:
            self.refused[f"{name}: {type(refused).__name__}"] += 1
            self.gone = self.kept  # as the pages do
        else:
            self.taken[name] += 1
        finally:
            db.session.remove()
            for key in self.gone:
                delete_photo(self.uploads, key)
        return True

    # ---------------------------------------------------------------- who and what

    def _aim(self) -> None:
        """Choose the request that the step is about, and see where it stands."""
        self.aim, self.status, self.team_id = 0, None, None
        newest = db.session.scalar(select(func.max(ServiceRequest.id))) or 0
        for _try in range(3 if newest else 0):
            self.aim = self.chance.randint(max(1, newest - POOL), newest)
            it = db.session.get(ServiceRequest, self.aim)
            if it is not None:
                self.status, self.team_id = it.status, it.lead_team_id
            if self.status is not Status.CLOSED:
                break
        waiting = select(Approval.id).where(Approval.decided_at.is_(None)).limit(1)
        self.has_asked = db.session.scalar(waiting) is not None
        part = select(Part.id).where(Part.service_request_id == self.aim, Part.ended_at.is_(None))
        self.has_part = db.session.scalar(part.limit(1)) is not None
        db.session.remove()

    def photo(self) -> StoredPhoto:
        """Keep a photo."""
        stored = save_photo(BytesIO(small_jpeg()), "photo.jpg", self.uploads)
        self.kept.append(stored.key)
        return stored

    def _fits(self, act: "Act") -> bool:
        steps = _STEPS[act]
        if act is _decide:
            return self.has_asked
        if act in (_change_part, _end_part) and not self.has_part:
            return False
        return not steps or any((self.status, step) in TRANSITIONS for step in steps)

    def anybody(self, *groups: tuple[int, ...]) -> Actor:
        """Return one of these people, mostly of the team that has it; now and then anybody."""
        chosen = [each for group in groups for each in group]
        if self.chance.random() < 0.05:
            chosen = [*self.cast.coordinators, *self.cast.supervisors, *self.cast.volunteers]
        elif self.team_id in self.cast.teams and self.chance.random() < 0.9:
            at = self.cast.teams.index(self.team_id)
            theirs = {self.cast.team_leaders[at], *self.cast.volunteers[4 * at : 4 * at + 4]}
            chosen = [each for each in chosen if each in theirs] or chosen
        return actor_for(db.session.get_one(Person, self.chance.choice(chosen)))

    def worker(self) -> Actor:
        """Return somebody of a team."""
        everyone = (self.cast.volunteers, self.cast.team_leaders)
        return self.anybody(self.chance.choice(everyone))

    def request_id(self) -> int:
        """Return the request that the step is about."""
        if not self.aim:
            raise _NothingToDoError
        return self.aim

    def found(self, actor: Actor, action: Action = Action.VIEW_SERVICE_REQUEST) -> ServiceRequest:
        """Return a request, locked, that the actor sees; raises `NotFoundError` else."""
        return queries.find_for_change(actor, self.request_id(), action)

    def own(self) -> tuple[ServiceRequest, Actor]:
        """Return a request, locked, and the resident whose it is."""
        found = db.session.scalar(
            select(ServiceRequest)
            .where(ServiceRequest.id == self.request_id())
            .with_for_update(of=ServiceRequest, key_share=True)
            .execution_options(populate_existing=True)
        )
        if found is None:
            raise _NothingToDoError
        return found, resident(found.id)


Act: TypeAlias = Callable[[Walk], None]


class _NothingToDoError(Exception):
    """There is nothing yet that this step could be taken on."""


# -------------------------------------------------------------------- what can be done


def _submit(walk: Walk) -> None:
    key = secrets.token_urlsafe(24)
    draft = drafts.save(key, {}, actor=resident(), now=walk.now())
    if walk.chance.random() < 0.3:
        add_to_draft(draft, [walk.photo()], actor=resident(), now=walk.now())
    if walk.chance.random() < 0.2:
        return  # it is never sent
    intake.submit(_content(walk), submission_key=key, actor=resident(), now=walk.now())


def _take_in(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.coordinators)
    key = secrets.token_urlsafe(24)
    intake.take_in(_content(walk), submission_key=key, actor=actor, now=walk.now())


def _content(walk: Walk) -> intake.NewRequest:
    number = walk.chance.randrange(1000)
    category = walk.chance.choice(
        [walk.cast.category_id, walk.cast.category_id, walk.cast.evidence_category_id]
    )
    return intake.NewRequest(
        category_id=category,
        need=f"厨房水龙头滴水 {number}",
        requester_name="李明",
        reachable_by=walk.chance.choice(list(ReachableBy)),
        phone=f"+861381234{number:04}",
        email=f"resident{number}@example.org",
    )


def _accept(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.coordinators)
    it = walk.found(actor)
    priority = walk.chance.choice(list(Priority))
    dispatch.accept(
        it, category_id=it.category_id, priority=priority, area_id=None, actor=actor, now=walk.now()
    )


def _decline(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.coordinators)
    is_spam = walk.chance.random() < 0.5
    dispatch.decline(
        walk.found(actor),
        reason="不属于本单位",
        where_to_turn="12345",
        is_spam=is_spam,
        actor=actor,
        now=walk.now(),
    )


def _merge(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.coordinators)
    it, survivor = queries.find_both_for_change(
        actor,
        walk.request_id(),
        walk.request_id() + walk.chance.randint(-5, 5),
        Action.MERGE_SERVICE_REQUEST,
    )
    dispatch.merge(it, survivor, actor=actor, now=walk.now())


def _assign(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.coordinators, walk.cast.team_leaders)
    lead, helping = walk.chance.sample(walk.cast.teams, 2)
    tasks = {helping: "搬家具"} if walk.chance.random() < 0.5 else {}
    leader = walk.chance.choice(walk.cast.leaders)
    it = walk.found(actor)
    if it.lead_team_id and it.leader_id and walk.chance.random() < 0.5:
        lead, leader = it.lead_team_id, it.leader_id
    dispatch.assign(
        it,
        lead_team=db.session.get_one(Team, lead),
        helping_teams=[db.session.get_one(Team, helping)] if walk.chance.random() < 0.3 else (),
        leader=db.session.get_one(Person, leader),
        volunteers_needed=walk.chance.randint(1, 3),
        tasks=tasks,
        actor=actor,
        now=walk.now(),
    )


def _give_part(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.coordinators, walk.cast.team_leaders)
    it = walk.found(actor, Action.GIVE_PART)
    team = db.session.get_one(Team, walk.chance.choice(walk.cast.teams))
    days = walk.chance.choice((None, 1, 3))
    parts.give(it, team, task="修灯", working_days=days, actor=actor, now=walk.now())


def _change_part(walk: Walk) -> None:
    part, actor = _open_part(walk), walk.anybody(walk.cast.coordinators, walk.cast.team_leaders)
    if walk.chance.random() < 0.3:
        parts.take_back(part, actor=actor, now=walk.now())
    else:
        days = walk.chance.choice((None, 1, 2))
        parts.change(part, task="修灯和开关", working_days=days, actor=actor, now=walk.now())


def _end_part(walk: Walk) -> None:
    part = _open_part(walk)
    own = walk.cast.team_leaders[walk.cast.teams.index(part.team_id)]
    leads = walk.anybody((own,)) if walk.chance.random() < 0.9 else walk.worker()
    if walk.chance.random() < 0.3:
        parts.return_(part, reason="我们没有电工", actor=leads, now=walk.now())
    else:
        parts.end(part, result="换了灯", actor=leads, now=walk.now())


def _open_part(walk: Walk) -> Part:
    """Return a part that has not ended, its request locked as on every page."""
    found = parts_queries.open_parts(walk.own()[0])
    if not found:
        raise _NothingToDoError
    return walk.chance.choice(found)


def _return(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.team_leaders)
    dispatch.return_(walk.found(actor), reason="人手不足", actor=actor, now=walk.now())


def _sign_for(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.team_leaders)
    dispatch.sign_for(walk.found(actor), actor=actor, now=walk.now())


def _claim(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.volunteers)
    it = walk.found(actor, Action.CLAIM_SERVICE_REQUEST)
    claims.claim(it, actor=actor, now=walk.now())


def _enter(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.team_leaders)
    person = db.session.get_one(Person, walk.chance.choice(walk.cast.volunteers))
    claims.enter(walk.found(actor), person, actor=actor, now=walk.now())


def _release(walk: Walk) -> None:
    held = list(
        db.session.execute(
            select(Claim.service_request_id, Claim.person_id).where(Claim.released_at.is_(None))
        )
    )
    if not held:
        raise _NothingToDoError
    request_id, person_id = walk.chance.choice(held)
    actor = actor_for(db.session.get_one(Person, person_id))
    it = queries.find_for_change(actor, request_id)
    claims.release(it, person_id=person_id, reason="生病", actor=actor, now=walk.now())


def _plan_visit(walk: Walk) -> None:
    actor = walk.worker()
    it = walk.found(actor)
    person = db.session.get_one(Person, actor.person_id)
    visiting.plan_visit(
        it,
        planned_from=walk.now() + timedelta(hours=1),
        planned_to=walk.now() + timedelta(hours=2),
        visitors=[person],
        submission_key=secrets.token_hex(16),
        actor=actor,
        now=walk.now(),
    )


def _visit(walk: Walk) -> None:
    actor = walk.worker()
    it = walk.found(actor)
    person = db.session.get_one(Person, actor.person_id)
    planned = db.session.scalars(
        select(Visit).where(Visit.service_request_id == it.id, Visit.status == VisitStatus.PLANNED)
    ).first()
    visit = visiting.record_visit(
        it,
        visiting.VisitReport(
            started_at=walk.now() - timedelta(minutes=10),
            ended_at=walk.now(),
            visitors=[person],
            contact_made=walk.chance.random() < 0.6,
            way=ContactWay.IN_PERSON,
            public_note="换了垫片" if walk.chance.random() < 0.5 else "",
        ),
        visit=planned,
        submission_key=secrets.token_hex(16),
        actor=actor,
        now=walk.now(),
    )
    if walk.chance.random() < 0.3:
        right = Action.RECORD_VISIT
        add_photos(it, [walk.photo()], right, visit_id=visit.id, actor=actor, now=walk.now())


def _cancel_visit(walk: Walk) -> None:
    actor = walk.worker()
    it = walk.found(actor)
    planned = db.session.scalars(select(Visit).where(Visit.service_request_id == it.id)).first()
    if planned is None:
        raise _NothingToDoError
    visiting.cancel_visit(it, planned, reason="改期", actor=actor, now=walk.now())


def _note(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.coordinators, walk.cast.team_leaders)
    public = "已联系" if walk.chance.random() < 0.5 else ""
    it = walk.found(actor)
    handling.add_note(it, public_note=public, internal_note="内部", actor=actor, now=walk.now())


def _wait(walk: Walk) -> None:
    actor = walk.worker()
    handling.ask_requester(walk.found(actor), question="哪天在家?", actor=actor, now=walk.now())


def _resume(walk: Walk) -> None:
    actor = walk.worker()
    handling.resume(walk.found(actor), actor=actor, now=walk.now())


def _ask_extension(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.team_leaders)
    it = walk.found(actor)
    handling.ask_extension(it, working_days=3, reason="等配件", actor=actor, now=walk.now())


def _ask_parking(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.team_leaders)
    until = (walk.now() + timedelta(days=30)).date()
    handling.ask_parking(walk.found(actor), until=until, reason="施工", actor=actor, now=walk.now())


def _decide(walk: Walk) -> None:
    waiting = list(db.session.scalars(select(Approval.id).where(Approval.decided_at.is_(None))))
    if not waiting:
        raise _NothingToDoError
    judge = walk.anybody(walk.cast.supervisors)
    asked_id = walk.chance.choice(waiting)
    request_id = judging.find_approval(judge, asked_id).service_request_id
    queries.find_for_change(judge, request_id)  # first, as the page does
    asked = judging.find_approval(judge, asked_id, lock=True)
    granted = walk.chance.random() < 0.6
    approvals.decide(asked, granted=granted, note="同意", actor=judge, now=walk.now())


def _unpark(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.team_leaders)
    handling.unpark(walk.found(actor), actor=actor, now=walk.now())


def _refer(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.coordinators)
    handling.refer(
        walk.found(actor), to_whom="水务集团", answer="请拨打", actor=actor, now=walk.now()
    )


def _resolve(walk: Walk) -> None:
    actor = walk.worker()
    it = walk.found(actor)
    if walk.chance.random() < 0.5 and it.category.needs_evidence:
        right = Action.RESOLVE_SERVICE_REQUEST
        add_photos(it, [walk.photo()], right, is_evidence=True, actor=actor, now=walk.now())
    outcome = walk.chance.choice([Outcome.SOLVED, Outcome.PARTLY_SOLVED, Outcome.NO_CONTACT])
    handling.resolve(
        it,
        outcome=outcome,
        answer="换了垫片",
        ends_parts=[part.id for part in parts_queries.open_parts(it)][walk.chance.randint(0, 1) :],
        actor=actor,
        now=walk.now(),
    )


def _confirm(walk: Walk) -> None:
    it, actor = walk.own()
    solved = walk.chance.choice(list(Solved))
    answers.confirm(
        it, solved=solved, satisfaction=walk.chance.randint(1, 5), actor=actor, now=walk.now()
    )


def _dispute(walk: Walk) -> None:
    it, actor = walk.own()
    answers.dispute(it, reason="又漏了", actor=actor, now=walk.now())


def _call_back(walk: Walk) -> None:
    actor = walk.anybody(walk.cast.supervisors)
    answers.record_call_back(
        walk.found(actor),
        solved=Solved.YES,
        satisfaction=4,
        wants_it_reopened=walk.chance.random() < 0.3,
        word="谢谢",
        actor=actor,
        now=walk.now(),
    )


def _withdraw(walk: Walk) -> None:
    it, actor = walk.own()
    answers.withdraw(it, reason="自己修好了", actor=actor, now=walk.now())


def _urge(walk: Walk) -> None:
    it, actor = walk.own()
    answers.urge(it, word="急", actor=actor, now=walk.now())


def _add_word(walk: Walk) -> None:
    it, actor = walk.own()
    answers.add_word(it, word="周三下午在家", actor=actor, now=walk.now())


def _renew_link(walk: Walk) -> None:
    it, actor = walk.own()
    private_links.renew(it, salt="another", actor=actor, now=walk.now())


def _reach_otherwise(walk: Walk) -> None:
    it, actor = walk.own()
    change = reaching.change
    if walk.chance.random() < 0.7:  # they tell one of the staff
        actor = walk.anybody(walk.cast.coordinators, walk.cast.supervisors, walk.cast.team_leaders)
        it, change = walk.found(actor, Action.CHANGE_REACHING), reaching.change_for_caller
    number = walk.chance.randrange(1000)
    way = walk.chance.choice(list(ReachableBy))
    address = {
        ReachableBy.EMAIL: f"resident{number}@example.org",
        ReachableBy.NEIGHBOUR: f"隔壁小店 {number}",
        ReachableBy.NOBODY: "",
    }.get(way, f"+861381234{number:04}")
    wish = reaching.Reaching(way, address, way.is_written and walk.chance.random() < 0.5)
    stood, now = reaching.mark_of(it.requester), walk.now()
    change(it, wish, stood=stood, locale="en", texts=True, actor=actor, now=now)


def _take_turn(walk: Walk) -> None:
    it, _actor = walk.own()
    if time_passing.take_turn(it, now=walk.now()) is None:
        raise _NothingToDoError


def _question_turn(walk: Walk) -> None:
    it, _actor = walk.own()
    if time_passing.take_question_turn(it, now=walk.now()) is None:
        raise _NothingToDoError


def _end_parking(walk: Walk) -> None:
    it, _actor = walk.own()
    time_passing.end_parking(it, now=walk.now())


def _remove_old_drafts(walk: Walk) -> None:
    walk.gone = list(drafts.remove_old(now=walk.now()).photo_keys)


def _check(walk: Walk) -> None:
    boss, place = walk.anybody(walk.cast.administrators), _place(walk)
    is_vetted = walk.chance.random() < 0.7
    teams.change_place(place, leads=False, is_vetted=is_vetted, actor=boss, now=walk.now())


def _leave(walk: Walk) -> None:
    boss = walk.anybody(walk.cast.administrators)
    teams.leave(_place(walk), actor=boss, now=walk.now())


def _join(walk: Walk) -> None:
    """Let a volunteer come back into their team."""
    boss = walk.anybody(walk.cast.administrators)
    number = walk.chance.randrange(len(walk.cast.volunteers))
    person = db.session.get_one(Person, walk.cast.volunteers[number])
    team = db.session.get_one(Team, walk.cast.teams[number // 4])
    teams.join(team, person, is_vetted=True, actor=boss, now=walk.now())


def _place(walk: Walk) -> Membership:
    person_id = walk.chance.choice(walk.cast.volunteers)
    held = select(Membership).where(
        Membership.person_id == person_id, Membership.ended_at.is_(None)
    )
    place = db.session.scalars(held).first()
    if place is None:
        raise _NothingToDoError
    return place


_STEPS: Final[dict[Act, tuple[Step, ...]]] = {
    _submit: (),
    _take_in: (),
    _accept: (Step.ACCEPT,),
    _decline: (Step.DECLINE,),
    _merge: (Step.MERGE,),
    _assign: (Step.ASSIGN,),
    _give_part: (Step.GIVE_PART,),
    _change_part: (Step.CHANGE_PART,),
    _end_part: (Step.END_PART,),
    _return: (Step.RETURN,),
    _sign_for: (Step.SIGN_FOR,),
    _claim: (Step.CLAIM,),
    _enter: (Step.CLAIM,),
    _release: (),
    _plan_visit: (Step.PLAN_VISIT,),
    _visit: (Step.VISIT,),
    _cancel_visit: (Step.PLAN_VISIT,),
    _note: (Step.NOTE,),
    _wait: (Step.WAIT,),
    _resume: (Step.RESUME,),
    _ask_extension: (Step.ASK_EXTENSION,),
    _ask_parking: (Step.ASK_PARKING,),
    _decide: (),
    _unpark: (Step.UNPARK,),
    _refer: (Step.REFER,),
    _resolve: (Step.RESOLVE,),
    _confirm: (Step.CONFIRM,),
    _dispute: (Step.DISPUTE, Step.ASK_REOPENING),
    _call_back: (Step.CONFIRM, Step.ASK_REOPENING),
    _withdraw: (Step.WITHDRAW,),
    _urge: (Step.URGE,),
    _add_word: (Step.ADD_WORD, Step.RESUME),
    _renew_link: (),
    _reach_otherwise: (),
    _take_turn: (Step.REMIND, Step.TIME_OUT),
    _question_turn: (Step.REMIND, Step.RESUME),
    _end_parking: (Step.UNPARK,),
    _remove_old_drafts: (),
    _check: (),
    _leave: (),
    _join: (),
}
"""What can be done, and the steps that it takes; without one it does not hang on a status."""
_WEIGHTS: Final[dict[Act, float]] = {
    **dict.fromkeys((_withdraw, _decline, _renew_link, _remove_old_drafts), 0.3),
    **dict.fromkeys((_leave, _check, _join, _reach_otherwise), 0.3),
    **dict.fromkeys((_merge, _note, _urge, _add_word, _return, _submit, _take_in), 0.7),
    **dict.fromkeys((_claim, _dispute, _call_back, _assign), 6),
    **dict.fromkeys((_change_part, _end_part), 8),
    **dict.fromkeys((_accept, _decide, _resolve), 12),
}
"""How often each is done; what is not named: 3."""
STEPS: Final = frozenset(Step) - {Step.IMPORT}
"""What a walk takes, all of it when it is long enough."""
