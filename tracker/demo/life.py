"""Four months in the town, lived through the same actions that the pages use."""

import heapq
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum
from itertools import cycle
from pathlib import Path
from typing import Final, TypedDict
from zoneinfo import ZoneInfo

from tracker.database import db
from tracker.demo import stories
from tracker.demo.categories import CATEGORIES, Leaf, Top
from tracker.demo.ladder_runs import Watch
from tracker.demo.pictures import picture
from tracker.demo.settling import Town
from tracker.demo.stories import STORIES, Story
from tracker.demo.town import AREAS
from tracker.errors import RefusedError
from tracker.organisation.models import AreaKind
from tracker.permissions import Action, Actor, resident
from tracker.service_requests.actions import (
    answers,
    approvals,
    claims,
    dispatch,
    handling,
    intake,
    parts,
    photos as photo_actions,
    supervision,
    time_passing,
    visiting,
)
from tracker.service_requests.actions.intake import NewRequest
from tracker.service_requests.actions.visiting import VisitReport
from tracker.service_requests.lifecycle import Kind, Outcome, Priority, Solved, Status
from tracker.service_requests.models import (
    Approval,
    BuiltInChannel,
    ForWhom,
    Part,
    ReachableBy,
    ServiceRequest,
)
from tracker.service_requests.photos import save_photo
from tracker.visits.models import ContactWay, Group

ZONE: Final = ZoneInfo("Asia/Shanghai")
DAYS: Final = 120
REQUESTS: Final = 140
LEAVES: Final = {leaf.key: (top, leaf) for top in CATEGORIES for leaf in top.leaves}
PLACES: Final = tuple(plan for plan in AREAS if plan.kind is AreaKind.GRID)
PICTURED: Final = frozenset({"pothole", "rubbish", "stream", "leak", "street-light", "ramp"})
BRANCH_LEADERS: Final = {"north-bank": "wang", "south-bank": "liu", "new-town": "zhao"}
PARTS: Final = {
    "repairs": ("请带上工具，把松动的扶手和灯一并修好。", "扶手已加固，楼道灯换了两盏。"),
    "advice": ("请说明能申请哪些补贴，并帮忙把表填好。", "政策讲清了，申请表已帮忙填好递交。"),
}
"""What a helping team is to do, and what it then did."""
BRANCH_TEAMS: Final = {
    "north-bank": "north-youth",
    "south-bank": "south-neighbours",
    "new-town": "new-pioneers",
}


class Fate(StrEnum):
    """What becomes of a request, as far as the time until the present allows."""

    SMOOTH = "smooth"
    SLOW = "slow"
    STUCK = "stuck"
    DECLINED = "declined"
    MERGED = "merged"
    WITHDRAWN = "withdrawn"
    REFERRED = "referred"
    PARKED = "parked"
    ASKED_BACK = "asked_back"
    EXTENDED = "extended"
    NO_CONTACT = "no_contact"
    EXPLAINED = "explained"
    DISPUTED = "disputed"
    DISPUTED_LATE = "disputed_late"
    RETURNED = "returned"
    UNCLAIMED = "unclaimed"
    SITS = "sits"
    """Begun, and left: see `vigils`."""


TAKES_LONG: Final = frozenset({Fate.SLOW, Fate.STUCK, Fate.ASKED_BACK, Fate.EXTENDED})
"""Fates of what nobody must hurry with."""

FATES: Final = (
    (Fate.SMOOTH, 58),
    (Fate.SLOW, 12),
    (Fate.DECLINED, 4),
    (Fate.MERGED, 2),
    (Fate.WITHDRAWN, 3),
    (Fate.REFERRED, 3),
    (Fate.PARKED, 3),
    (Fate.ASKED_BACK, 4),
    (Fate.EXTENDED, 4),
    (Fate.NO_CONTACT, 2),
    (Fate.EXPLAINED, 4),
    (Fate.DISPUTED, 4),
    (Fate.DISPUTED_LATE, 2),
    (Fate.RETURNED, 3),
)

# What a visitor of the demonstration should find at this moment, whatever chance brings.
AT_PRESENT: Final = (
    (Fate.SMOOTH, 0.02),
    (Fate.SMOOTH, 0.04),
    (Fate.SMOOTH, 0.07),
    (Fate.SMOOTH, 0.12),
    (Fate.SMOOTH, 0.3),
    (Fate.SMOOTH, 0.5),
    (Fate.SMOOTH, 0.8),
    (Fate.SMOOTH, 1.1),
    (Fate.SMOOTH, 1.5),
    (Fate.SMOOTH, 2.2),
    (Fate.NO_CONTACT, 2.5),
    (Fate.STUCK, 24),
    (Fate.STUCK, 13),
    (Fate.STUCK, 9),
    (Fate.PARKED, 15),
    (Fate.PARKED, 9),
    (Fate.ASKED_BACK, 4),
    (Fate.ASKED_BACK, 3),
    (Fate.EXTENDED, 4),
    (Fate.EXTENDED, 3),
    (Fate.DISPUTED, 8),
    (Fate.DISPUTED_LATE, 12),
    *((Fate.UNCLAIMED, 0.6 + number / 4) for number in range(12)),
)


class NotYetError(Exception):
    """The next event lies in the future: here the story stands at present."""


def live(
    town: Town,
    *,
    photos: Path,
    seed: int,
    requests: int = REQUESTS,
    others: Iterable["Tale"] = (),
    now: datetime,
) -> None:
    """Let the town ask, help, confirm and grumble until `now`, in the caller's transaction.

    `others`: tales that are told besides, each in its turn.
    """
    its_own = _tales(town, photos=photos, seed=seed, requests=requests, now=now)
    others = sorted(others, key=_begins)
    for tale in heapq.merge(its_own, others, key=_begins):
        tale.tell()


def _begins(tale: "Tale") -> datetime:
    return tale.clock


def _tales(
    town: Town, *, photos: Path, seed: int, requests: int, now: datetime
) -> Iterator["Tale"]:
    """Yield the town's tales, about in the order in which they begin."""
    chance = random.Random(seed)  # noqa: S311 - a play, not a secret
    told, parked = _endless(STORIES, chance), _endless(stories.PARKABLE, chance)
    plots = [
        (chance.choices([f for f, _ in FATES], [w for _, w in FATES])[0], _age(chance))
        for _ in range(requests - len(AT_PRESENT))
    ]
    plots += [(fate, float(age)) for fate, age in AT_PRESENT]
    unclaimed_by = cycle(town.members)
    for fate, age in sorted(plots, key=lambda plot: -plot[1]):
        born = now - timedelta(days=age)
        if age > 1:
            born = _daytime(born, chance)
        story = _story_for(fate, told, parked)
        tale = Tale(town, story, fate, photos=photos, chance=chance, born=born, now=now)
        if fate is Fate.UNCLAIMED:
            tale.team = next(unclaimed_by)  # every board has something on it
        yield tale


def _age(chance: random.Random) -> float:
    """Return days before the present: somewhat more lately than long ago."""
    return DAYS * float(chance.random() ** 1.35) + 0.02


def _endless(told: Sequence[Story], chance: random.Random) -> Iterator[Story]:
    """Yield every story before any comes again, in another order each time."""
    while True:
        yield from chance.sample(told, len(told))


def _story_for(fate: Fate, told: Iterator[Story], parked: Iterator[Story]) -> Story:
    """Return the next story that such a fate fits: what hurries neither waits nor is put off."""
    if fate is Fate.PARKED:
        return next(parked)
    if fate in TAKES_LONG:
        return next(story for story in told if not _hurries(LEAVES[story.leaf][1]))
    return next(told)


def _daytime(moment: datetime, chance: random.Random) -> datetime:
    """Return a time between seven and ten in the evening of the same local day."""
    local = moment.astimezone(ZONE)
    opened = datetime.combine(local.date(), time(7), ZONE)
    return opened + timedelta(minutes=chance.randrange(15 * 60))


class Tale:
    """One request, from asking to the present."""

    def __init__(
        self,
        town: Town,
        story: Story,
        fate: Fate,
        *,
        photos: Path,
        chance: random.Random,
        born: datetime,
        now: datetime,
    ) -> None:
        self.town = town
        self.story = story
        self.fate = fate
        self.photos = photos
        self.chance = chance
        self.clock = born
        self.now = now
        self.place = chance.choice(PLACES)
        self.branch = _branch_of(self.place.key)
        top_and_leaf: tuple[Top, Leaf] = LEAVES[story.leaf]
        self.top, self.leaf = top_and_leaf
        self.team = self.top.team or BRANCH_TEAMS[self.branch]
        self.desk = town.actors["lin" if self.branch == "south-bank" else "zhou"]
        self.leader = BRANCH_LEADERS[self.branch] if chance.random() < 0.8 else "sun"
        self.pace = _pace(self.leaf)
        self.volunteers: list[str] = []
        self.part: Part | None = None
        self.request: ServiceRequest
        self.ladder = Watch(chance, answer=self._answer_supervision)

    def tell(self) -> None:
        """Take the steps one by one, until the fate is met or the present is reached."""
        try:
            self._ask()
            self._triage()
            self._claim()
            self._work()
            self._answer()
        except NotYetError:
            pass
        self.ladder.run(self.request, self.part, until=self.now)
        db.session.flush()

    # --- the chapters

    def _ask(self) -> None:
        channel = self.chance.choices(
            [
                BuiltInChannel.WEB,
                BuiltInChannel.PHONE,
                BuiltInChannel.COUNTER,
                BuiltInChannel.VISIT,
            ],
            [100, 0, 0, 0] if self.now - self.clock < timedelta(hours=14) else [60, 26, 9, 5],
        )[0]
        content = self._content(channel)
        key = f"demo-{self.chance.getrandbits(64):016x}"
        if channel is BuiltInChannel.WEB:
            self.request = intake.submit(
                content, submission_key=key, actor=resident(), now=self.clock
            )
        else:
            self.request = intake.take_in(
                content, submission_key=key, actor=self.desk, now=self.clock
            )
        if self.leaf.key in PICTURED and self.chance.random() < 0.5:
            self._photo(mended=False)

    def _triage(self) -> None:
        if self.fate is Fate.DECLINED and self.request.status is Status.SUBMITTED:
            self._later(1, 6)
            reason, where = self.chance.choice(stories.DECLINES)
            dispatch.decline(
                self.request, reason=reason, where_to_turn=where, actor=self.desk, now=self.clock
            )
            raise NotYetError
        if self.request.status is Status.SUBMITTED:
            self._later(0.3, 5)
            self._accept(self.request)
        if self.fate is Fate.MERGED:
            self._later(2, 20)
            self._merge_another()
        self._later(0.4, 5)
        self._assign(self.team)
        if self.fate is Fate.RETURNED:
            self._later(1, 4)
            dispatch.return_(
                self.request,
                reason="人手不够，且不是本队擅长的事项，请改派。",
                actor=self._team_leader(),
                now=self.clock,
            )
            self._later(0.5, 3)
            self.team = "advice" if self.team == "repairs" else "repairs"
            self._assign(self.team)
        if self.fate is Fate.WITHDRAWN:
            self._later(3, 30)
            answers.withdraw(
                self.request,
                reason="家里人已经帮忙解决了，谢谢。",
                actor=self._requester(),
                now=self.clock,
            )
            raise NotYetError

    def _claim(self) -> None:
        if self.fate is Fate.UNCLAIMED:
            raise NotYetError
        self._later(1, 14)
        if self.chance.random() < 0.3:
            dispatch.sign_for(self.request, actor=self._team_leader(), now=self.clock)
            self._later(1, 10)
        candidates = list(self.town.members[self.team])
        self.chance.shuffle(candidates)
        for key in candidates:
            if len(self.volunteers) >= self.request.volunteers_needed:
                break
            try:
                claims.claim(self.request, actor=self.town.actors[key], now=self.clock)
            except RefusedError:
                continue  # that one's hands are full
            self.volunteers.append(key)
            self._later(0.2, 4)
        if not self.volunteers:
            if self.request.status is Status.ASSIGNED:
                dispatch.sign_for(self.request, actor=self._team_leader(), now=self.clock)
            self.volunteers = [self.town.members[self.team][0]]
        self.handler = self._actor(self.volunteers[0])

    @property
    def _helper(self) -> str:
        return "advice" if self.team == "repairs" else "repairs"

    def _split(self) -> None:
        """Let another team help with a part of its own."""
        self.part = parts.give(
            self.request,
            self.town.teams[self._helper],
            task=PARTS[self._helper][0],
            actor=self.desk,
            now=self.clock,
        )

    def _end_part(self) -> None:
        leader = self.town.actors[self.town.members[self._helper][0]]
        if self.part is not None and self.part.ended_at is None:
            parts.end(self.part, result=PARTS[self._helper][1], actor=leader, now=self.clock)

    def _work(self) -> None:
        if self.fate in (Fate.STUCK, Fate.SLOW):
            self._split()
        if self.fate is Fate.STUCK:
            self._later(96, 120)
            answers.urge(
                self.request,
                word="已经好几天了，什么时候能来？",
                actor=self._requester(),
                now=self.clock,
            )
            handling.add_note(
                self.request,
                internal_note="队里最近人手紧，已请队长协调。",
                actor=self.handler,
                now=self.clock,
            )
            raise NotYetError
        self._visit()
        if self.fate is Fate.ASKED_BACK:
            self._ask_back()
        if self.fate is Fate.SLOW:
            self._later(60, 240)
            self._visit(plan=False)
        if self.fate is Fate.EXTENDED:
            self._extend()
        if self.fate is Fate.PARKED:
            self._park()
        if self.fate is Fate.NO_CONTACT:
            for _ in range(3):
                self._later(24 / self.pace, 30 / self.pace)  # tries of one day count once
                self._visit(plan=False, reached=False)
        self._later(1, 16)
        self._resolve()

    def _answer(self) -> None:
        if self.fate is Fate.DISPUTED:
            self._later(5, 40)
            answers.dispute(
                self.request,
                reason=self.chance.choice(stories.DISPUTES),
                actor=self._requester(),
                now=self.clock,
            )
            self._visit(plan=False)
            self._later(8, 40)
            self._resolve()
        draw = self.chance.random()
        if draw < 0.6 and self.fate is not Fate.NO_CONTACT:
            self._later(1, 60)
            self._confirm()
        elif draw < 0.76:
            self._later(20, 60)
            self._call_back()
        else:
            self._stay_silent()
        if self.fate is Fate.DISPUTED_LATE:
            self._later(30, 120)
            answers.dispute(
                self.request,
                reason=self.chance.choice(stories.DISPUTES),
                actor=self._requester(),
                now=self.clock,
            )
            if self.clock < self.now - timedelta(days=8):
                self._later(4, 20)
                self._decide(
                    granted=False, note="已电话核实，属于新的问题，请另行提交，我们优先处理。"
                )

    # --- the steps

    def _accept(self, request: ServiceRequest) -> None:
        dispatch.accept(
            request,
            category_id=request.category_id,
            priority=request.priority,
            area_id=request.area_id,
            note=self.chance.choice(("", "已受理，正在为您安排队伍。")),
            actor=self.desk,
            now=self.clock,
        )

    def _assign(self, team: str) -> None:
        dispatch.assign(
            self.request,
            lead_team=self.town.teams[team],
            leader=self.town.people[self.leader],
            volunteers_needed=self.leaf.volunteers,
            board_note=_without_name(self.story.need),
            actor=self.desk,
            now=self.clock,
        )

    def _merge_another(self) -> None:
        other = intake.submit(
            self._content(BuiltInChannel.WEB, need=f"和邻居说的是同一件事：{self.story.need}"),
            submission_key=f"demo-{self.chance.getrandbits(64):016x}",
            actor=resident(),
            now=self.clock,
        )
        self._later(0.5, 3)
        dispatch.merge(other, self.request, actor=self.desk, now=self.clock)

    def _visit(self, *, plan: bool = True, reached: bool = True) -> None:
        people = [self.town.people[key] for key in self.volunteers[:2]]
        planned = None
        if plan and self.chance.random() < 0.7:
            self._later(0.5, 6)
            start = _daytime(self.clock + timedelta(days=1), self.chance)
            planned = visiting.plan_visit(
                self.request,
                planned_from=start,
                planned_to=start + timedelta(hours=2),
                visitors=people,
                place=self.request.address,
                submission_key=f"demo-{self.chance.getrandbits(64):016x}",
                actor=self.handler,
                now=self.clock,
            )
            self.clock = start + timedelta(minutes=self.chance.randrange(50, 130))
            self._arrive()
        else:
            self._later(1, 14)
        visiting.record_visit(
            self.request,
            VisitReport(
                started_at=self.clock - timedelta(minutes=self.chance.randrange(40, 110)),
                ended_at=self.clock - timedelta(minutes=10),
                visitors=people,
                contact_made=reached,
                way=ContactWay.IN_PERSON if self.chance.random() < 0.85 else ContactWay.PHONE,
                place=self.request.address,
                met="本人" if reached else "",
                group=self.chance.choice((None, None, *Group))
                if self.top.key in {"elders", "hardship", "children"}
                else None,
                findings=self.chance.choice(stories.FINDINGS)
                if reached
                else "敲门无人应答，已留便条。",
                needs_found="家里还缺一个扶手。" if reached and self.chance.random() < 0.1 else "",
                public_note="志愿者已上门了解情况。"
                if reached and self.chance.random() < 0.4
                else "",
            ),
            visit=planned,
            submission_key=f"demo-{self.chance.getrandbits(64):016x}",
            actor=self.handler,
            now=self.clock,
        )

    def _ask_back(self) -> None:
        self._later(0.5, 3)
        handling.ask_requester(
            self.request,
            question=self.chance.choice(stories.QUESTIONS),
            actor=self.handler,
            now=self.clock,
        )
        self._later(60, 130)
        answers.add_word(
            self.request,
            word="三号楼二单元，家里一直有人。",
            actor=self._requester(),
            now=self.clock,
        )

    def _extend(self) -> None:
        self._later(0.2, 2)
        try:
            handling.ask_extension(
                self.request,
                working_days=self.chance.choice((2, 3, 5)),
                reason=self.chance.choice(stories.EXTENSIONS),
                actor=self.handler,
                now=self.clock,
            )
        except RefusedError:
            return  # the time was over before they thought of it
        if self.clock > self.now - timedelta(days=3):
            raise NotYetError
        self._later(4, 20)
        self._decide(granted=self.chance.random() < 0.8, note="同意，请按期完成。")

    def _park(self) -> None:
        self._later(1, 5)
        handling.ask_parking(
            self.request,
            until=(self.clock + timedelta(days=self.chance.randrange(18, 40))).date(),
            reason=self.story.parking,
            actor=self.handler,
            now=self.clock,
        )
        if self.clock > self.now - timedelta(days=6):
            raise NotYetError
        self._later(4, 20)
        self._decide(granted=True, note="情况属实，同意挂账。")
        assert self.request.parked_until is not None  # noqa: S101 - it was just granted
        self.clock = datetime.combine(self.request.parked_until, time(9, 10), ZONE)
        self._arrive()
        time_passing.end_parking(self.request, now=self.clock)

    def _decide(self, *, granted: bool, note: str) -> None:
        waiting = db.session.query(Approval).filter_by(
            service_request_id=self.request.id, decided_at=None
        )
        approvals.decide(
            waiting.one(),
            granted=granted,
            note=note,
            actor=self.town.actors["chen"],
            now=self.clock,
        )

    def _resolve(self) -> None:
        self._end_part()
        if self.fate is Fate.REFERRED:
            handling.refer(
                self.request,
                to_whom="县供水公司抢修热线 0000-8899999",
                answer="问题出在主管网，已转供水公司处理，工单号已发给您。",
                actor=self.desk,
                now=self.clock,
            )
            return
        if self.leaf.marks & {"evidence"} and not handling.has_evidence(self.request):
            self._photo(mended=True)
        match self.fate:
            case Fate.NO_CONTACT:
                outcome, answer = (
                    Outcome.NO_CONTACT,
                    "三次上门和去电都没有联系上您，已留便条。需要时请再联系我们。",
                )
            case Fate.EXPLAINED:
                outcome, answer = (
                    Outcome.EXPLAINED,
                    "按现行规定暂时办不了，已上门把原因讲清，并列入明年计划。",
                )
            case _ if self.chance.random() < 0.1:
                outcome, answer = Outcome.PARTLY_SOLVED, self.story.answer
            case _:
                outcome, answer = Outcome.SOLVED, self.story.answer
        handling.resolve(
            self.request, outcome=outcome, answer=answer, actor=self.handler, now=self.clock
        )

    def _confirm(self) -> None:
        answers.confirm(self.request, **self._verdict(), actor=self._requester(), now=self.clock)

    def _call_back(self) -> None:
        supervisor = self._supervisor()
        answers.record_call_back(self.request, **self._verdict(), actor=supervisor, now=self.clock)

    def _stay_silent(self) -> None:
        for _ in range(time_passing.REMINDERS + 1):
            self.clock = _at_ten_past_nine(self.clock + timedelta(days=4))
            self._arrive()
            time_passing.take_turn(self.request, now=self.clock)

    # --- who, what, when

    def _verdict(self) -> "_Verdict":
        good = self.request.outcome is Outcome.SOLVED
        solved = self.chance.choices(
            [Solved.YES, Solved.PARTLY, Solved.NO], [92, 6, 2] if good else [30, 45, 25]
        )[0]
        levels = {Solved.YES: (5, 5, 5, 4, 4, 3), Solved.PARTLY: (4, 3, 3, 2), Solved.NO: (3, 2, 1)}
        rated = self.chance.random() < 0.88
        return {
            "solved": solved,
            "satisfaction": self.chance.choice(levels[solved]) if rated else None,
            "word": self.chance.choice(stories.WORDS_AFTER) if solved is Solved.YES else "",
        }

    def _content(self, channel: BuiltInChannel, *, need: str | None = None) -> NewRequest:
        way = self.chance.choices(
            [ReachableBy.PHONE, ReachableBy.EMAIL, ReachableBy.NEIGHBOUR, ReachableBy.NOBODY],
            [60, 18, 8, 14] if channel is BuiltInChannel.WEB else [88, 0, 8, 4],
        )[0]
        named = way is not ReachableBy.NOBODY
        for_other = named and self.top.key == "elders" and self.chance.random() < 0.5
        name = self.chance.choice(stories.SURNAMES) + self.chance.choice(stories.GIVEN)
        english = self.story.locale == "en"
        closing = "" if english else self.chance.choice(stories.CLOSINGS)
        return NewRequest(
            category_id=self.town.categories[self.leaf.key].id,
            need=need or self.story.need + closing,
            kind=self._kind(),
            area_id=self.town.areas[self.place.key].id,
            address=f"{self.chance.choice(stories.STREETS)}{self.chance.randrange(1, 188)}号",
            preferred_time="" if english else self.chance.choice(stories.TIMES),
            for_whom=ForWhom.SOMEONE_ELSE if for_other else ForWhom.SELF,
            beneficiary_name=name if for_other else "",
            beneficiary_relation="邻居" if for_other else "",
            beneficiary_consents=True if for_other else None,
            requester_name=(("Jamie Reed" if english else name) if named else ""),
            reachable_by=way,
            phone=self._phone() if way is ReachableBy.PHONE else None,
            email=f"resident{self.chance.randrange(100, 999)}@mail.example"
            if way is ReachableBy.EMAIL
            else None,
            neighbour="隔壁小卖部，找老板娘" if way is ReachableBy.NEIGHBOUR else "",
            locale=self.story.locale,
            channel=channel,
        )

    def _kind(self) -> Kind:
        if self.leaf.key in {"noise", "parking", "caretaker"}:
            return Kind.COMPLAINT
        if self.leaf.key in {"bus", "other", "lecture"}:
            return Kind.SUGGESTION
        return Kind.HELP

    def _phone(self) -> str:
        """Return a number that no network has given to anybody."""
        return f"+86100000{self.chance.randrange(10**5):05d}"

    def _photo(self, *, mended: bool) -> None:
        drawn = picture(self.leaf.key, self.chance, mended=mended)
        stored = save_photo(drawn, "demo.png", self.photos)
        photo_actions.add_photos(
            self.request,
            [stored],
            Action.RESOLVE_SERVICE_REQUEST if mended else Action.ADD_TO_OWN_REQUEST,
            is_evidence=mended,
            actor=self.handler if mended else self._requester(),
            now=self.clock,
        )

    def _requester(self) -> Actor:
        return resident(self.request.id)

    def _supervisor(self) -> Actor:
        return self.town.actors["zheng" if self.branch == "new-town" else "chen"]

    def _actor(self, key: str) -> Actor:
        return self.town.actors[key]

    def _team_leader(self) -> Actor:
        return self.town.actors[self.town.members[self.team][0]]

    def _later(self, least_hours: float, most_hours: float) -> None:
        """Let some hours pass, and the night with them. Stops the tale at the present."""
        hours = self.chance.uniform(least_hours, most_hours)
        self.clock += timedelta(hours=hours * self.pace)
        local = self.clock.astimezone(ZONE)
        if not 8 <= local.hour < 21:
            morning = local.date() + timedelta(days=1 if local.hour >= 21 else 0)
            self.clock = datetime.combine(morning, time(8, self.chance.randrange(60)), ZONE)
        self._arrive()

    def _arrive(self) -> None:
        """Let happen what happened meanwhile. Stops the tale at the present."""
        self.ladder.run(self.request, self.part, until=min(self.clock, self.now))
        if self.clock >= self.now:
            raise NotYetError

    def _answer_supervision(self, now: datetime) -> None:
        supervision.answer(
            self.request,
            words=self.chance.choice(stories.SUPERVISIONS),
            actor=self._supervisor(),
            now=now,
        )


def _without_name(need: str) -> str:
    """Return the first sentence of a need as a desk would put it on the board: nobody is named."""
    first = re.split(r"(?<=[。！？])|(?<=[.!?]) ", need)[0]
    return re.sub(r"[\u4e00-\u9fff](?=奶奶|爷爷|阿姨|大爷|大妈|叔叔|老伯|师傅)", "一位", first)


def _hurries(leaf: Leaf) -> bool:
    return leaf.priority in (Priority.URGENT, Priority.EMERGENCY)


def _pace(leaf: Leaf) -> float:
    """Return how long everything takes, compared to an ordinary matter: what hurries goes fast."""
    if _hurries(leaf):
        return 0.2
    return 0.45 if leaf.days else 0.85


def _branch_of(key: str) -> str:
    parents = {plan.key: plan.parent for plan in AREAS}
    while key not in BRANCH_TEAMS:
        key = parents[key] or ""
    return key


def _at_ten_past_nine(moment: datetime) -> datetime:
    return datetime.combine(moment.astimezone(ZONE).date(), time(9, 10), ZONE)


class _Verdict(TypedDict):
    """What a requester says of the result."""

    solved: Solved
    satisfaction: int | None
    word: str
