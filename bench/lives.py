"""Whole lives of requests as rows, made quickly: what the product's own steps would have written.

A block of lives depends on its number alone, so that any number of processes make the same
data. Times are text, as SQLite keeps them and PostgreSQL reads them (UTC).
"""

import json
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Final

from bench.world import CategoryFacts, TeamFacts, World
from tracker.demo.categories import CATEGORIES
from tracker.demo.stories import STORIES, Story
from tracker.integrity.invariants import TOLD
from tracker.organisation.calendar import WorkingCalendar, working_calendar
from tracker.search_text import index_text
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limits import (
    DEFAULT_LIMITS,
    Clock,
    Limit,
    LimitUnit,
    due_at,
    near_at,
)
from tracker.service_requests.reference import REFERENCE_DIGITS, with_check_digit

BLOCK: Final = 2_000
YEARS: Final = timedelta(days=3 * 365)
ROOM: Final = 32
"""No request has more rows of a kind: ids of a block never reach into the next one's."""
MINUTE, HOUR, DAY = 60, 3_600, 86_400
ENGLISH_SHARE: Final = 0.25

COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "requester": (
        *("id", "name", "reachable_by", "phone", "email", "neighbour", "locale", "created_at"),
    ),
    "service_request": (
        *("id", "reference", "link_salt", "submission_key", "version", "kind", "category_id"),
        *("unit_id", "area_id", "address", "need", "preferred_time", "channel", "priority"),
        *("requester_id", "for_whom", "beneficiary_name", "beneficiary_relation"),
        *("beneficiary_consents", "status", "outcome", "is_spam", "lead_team_id", "leader_id"),
        *("board_note", "volunteers_needed", "places_taken", "submitted_at", "accepted_at"),
        *("assigned_at", "signed_for_at", "first_response_at", "resolved_at", "closed_at"),
        *("seconds_to_close", "due_at", "near_at", "resolved_on_time", "waiting_for"),
        *("question_turn_at", "parked_until", "public_answer", "referred_to", "survivor_id"),
        "confirmation",
        *("confirmed_at", "solved", "satisfaction", "reminders_sent", "reminded_at", "urged_at"),
        *("times_urged", "times_returned", "times_reopened", "extension_working_days"),
    ),
    "helping_team": ("service_request_id", "team_id", "is_closed"),
    "handler": ("service_request_id", "person_id"),
    "history_entry": (
        *("id", "service_request_id", "taken_at", "step", "from_status", "to_status", "actor_id"),
        *("team_id", "public_note", "internal_note", "detail"),
    ),
    "claim": (
        "id",
        "service_request_id",
        "person_id",
        "claimed_at",
        "released_at",
        "release_reason",
        "is_over",
    ),
    "clock_stop": ("id", "service_request_id", "reason", "stopped_at", "resumed_at"),
    "approval": (
        *("id", "service_request_id", "kind", "reason", "working_days", "until", "asked_by_id"),
        *("asked_at", "decided_by_id", "decided_at", "granted", "decision_note"),
    ),
    "visit": (
        *("id", "service_request_id", "status", "planned_from", "planned_to", "started_at"),
        *("ended_at", "place", "met", "group", "contact_made", "way", "findings", "needs_found"),
        *("next_step", "next_step_on", "recorded_by_id", "recorded_at", "version"),
    ),
    "visit_visitor": ("visit_id", "person_id"),
    "message": (
        *("id", "channel", "kind", "address", "locale", "payload", "subject", "body"),
        *("message_key", "service_request_id", "created_at", "run_at", "attempts", "last_error"),
        *("sent_at",),
    ),
    "contact_look": ("id", "service_request_id", "person_id", "at", "where"),
    "service_request_search": ("id", "body"),
}
"""Tables in an order in which no row refers to a later one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What all blocks have in common."""

    world: World
    now: int
    """In seconds since 1970."""
    requests: int
    seed: int = 1


Rows = dict[str, list[tuple[Any, ...]]]


def block_of(plan: Plan, number: int) -> Rows:
    """Return every row of one block of lives, by table."""
    return _Block(plan, number).rows()


@dataclass(slots=True)
class _Life:
    """One request on its way, and what it is to become."""

    id: int
    submitted: int
    status: str = "submitted"
    outcome: str | None = None
    is_spam: bool = False
    at: dict[str, int] = field(default_factory=dict)
    due: int | None = None
    near: int | None = None
    stops: list[tuple[int, int | None]] = field(default_factory=list)
    helping: list[int] = field(default_factory=list)
    claims: list[int] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    """Where its claims stand among those that the block has made."""
    last: int = 0
    """When the latest step was taken."""


class _Block:
    def __init__(self, plan: Plan, number: int) -> None:
        self.plan, self.number = plan, number
        self.chance = random.Random(plan.seed * 1_000_003 + number)  # noqa: S311 - not a secret
        self.made: Rows = defaultdict(list)
        self.first = number * BLOCK + 1
        self.count = min(BLOCK, plan.requests - number * BLOCK)
        self.next_id: dict[str, int] = defaultdict(lambda: number * BLOCK * ROOM + 1)
        begins = plan.now - int(YEARS.total_seconds())
        self.step_s = YEARS.total_seconds() / max(plan.requests, 1)
        self.begins = begins

    def rows(self) -> Rows:
        merge_into: _Life | None = None
        for place in range(self.count):
            request_id = self.first + place
            life = _Life(request_id, self._submitted(request_id))
            merge_into = self._live(life, merge_into)
        return self.made

    # ------------------------------------------------------------ one life

    def _live(self, life: _Life, survivor: _Life | None) -> _Life | None:
        """Live one life; return it when the next request may be merged into it."""
        chance, plan = self.chance, self.plan
        world = plan.world
        category: CategoryFacts = chance.choices(
            world.categories, cum_weights=world.category_weights
        )[0]
        area = chance.choices(world.areas, cum_weights=world.area_weights)[0]
        team = world.teams[area.teams[min(int(chance.expovariate(0.6)), len(area.teams) - 1)]]
        story = chance.choice(_stories()[category.key])
        is_english = story.locale == "en"
        priority = category.priority
        if chance.random() < 0.06:
            priority = chance.choice(("urgent", "complex"))
        fate = chance.random()
        life.values = {
            "category": category,
            "area": area,
            "team": None,
            "leader": None,
            "needed": category.volunteers,
        }
        channel = chance.choices(("web", "phone", "counter"), (60, 30, 10))[0]
        desk = None if channel == "web" else team.coordinator_id
        self._requester(life, is_english)
        self._step(life, "submit", life.submitted, desk)
        limit = _limit(priority, category.days)
        busy = self._after_submit(life, survivor, team, limit, fate, desk)
        if busy:
            self._work(life, team, limit, story)
        self._write(life, category, area, story, priority, channel)
        return life if life.status == "accepted" and chance.random() < 0.3 else None

    def _after_submit(
        self,
        life: _Life,
        survivor: _Life | None,
        team: TeamFacts,
        limit: Limit,
        fate: float,
        desk: int | None,
    ) -> bool:
        """Take what happens at the desk; return whether a team gets to work on it."""
        chance, now = self.chance, self.plan.now
        at = life.submitted + (0 if desk else int(chance.expovariate(1 / (3 * HOUR))))
        if at >= now:
            return False
        if fate < 0.03:
            life.outcome, life.is_spam = "out_of_scope", fate < 0.01
            life.at["response"] = at
            self._close(life, "decline", at, team.coordinator_id, public="请拨打市民热线。")
            return False
        if fate < 0.05:
            life.outcome = "withdrawn"
            self._close(life, "withdraw", at, None)
            return False
        if survivor is not None:
            life.outcome = "duplicate"
            life.values["survivor"] = survivor.id
            life.at["response"] = at
            self._close(life, "merge", at, team.coordinator_id, public="已并入较早的一件。")
            return False
        life.at["accepted"] = at
        self._clock(life, limit)
        self._step(life, "accept", at, team.coordinator_id, to="accepted", public="已受理。")
        life.at["response"] = at
        at += int(chance.expovariate(1 / HOUR))
        if at >= now or (fate < 0.054 and now - at > 30 * DAY):
            return False  # nobody ever took it up: every desk has some of those
        if fate > 0.97:
            other = chance.choice(self.plan.world.teams)
            self._step(life, "assign", at, team.coordinator_id, to="assigned", team=other.id)
            returned = at + 2 * HOUR
            if returned + 2 * HOUR >= now:
                life.values |= {"team": other.id, "leader": other.leader_ids[0], "unit": None}
                life.at["assigned"] = at
                return False
            note = "不在本队服务范围。"
            self._step(life, "return", returned, other.team_leader_id, to="accepted", internal=note)
            life.values["returned"] = 1
            at = returned + HOUR
        life.values |= {"team": team.id, "leader": chance.choice(team.leader_ids)}
        if chance.random() < 0.05:
            helper = chance.choice(self.plan.world.teams)
            life.helping = [helper.id] if helper.id != team.id else []
        life.at["assigned"] = at
        self._step(life, "assign", at, team.coordinator_id, to="assigned", team=team.id)
        self._handler(life, life.values["leader"])
        return True

    def _work(self, life: _Life, team: TeamFacts, limit: Limit, story: Story) -> None:
        chance, now = self.chance, self.plan.now
        at = self._take_places(life, team)
        if at is None:
            return
        at += int(chance.expovariate(1 / (30 * HOUR)))
        if at >= now or (chance.random() < 0.012 and now - at > 20 * DAY):
            return
        mood = chance.random()
        if mood < 0.06:
            at = self._wait(life, at, limit)
        elif mood < 0.066:
            at = self._park(life, at, team, limit)
        if at >= now or life.status != "in_progress":
            return
        self._visit(life, at, story)
        at += int(chance.expovariate(1 / (6 * HOUR))) + 2 * HOUR
        if at >= now:
            return
        self._resolve(life, at, story)
        if chance.random() < 0.03:
            again = self._reopen(life, at, limit)
            if again is None:
                return
            if again != at:
                self._resolve(life, again, story)
            at = again
        self._answer(life, at, team)

    def _take_places(self, life: _Life, team: TeamFacts) -> int | None:
        """Let volunteers claim; return when they had, None when nobody did yet."""
        chance, now = self.chance, self.plan.now
        at = life.at["assigned"] + int(chance.expovariate(1 / (8 * HOUR)))
        # A few volunteers carry most of it, in every team.
        places = [min(int(chance.expovariate(0.35)), len(team.volunteer_ids) - 1)]
        if life.values["needed"] > 1 and chance.random() < 0.9:
            places.append((places[0] + 1) % len(team.volunteer_ids))
        for place in places:
            volunteer = team.volunteer_ids[place]
            if at + 2 * HOUR < now and chance.random() < 0.04:
                self._claim(life, volunteer, at, released=at + HOUR)
                volunteer = team.volunteer_ids[(place + 5) % len(team.volunteer_ids)]
                at += 2 * HOUR
            if at >= now:
                break
            self._claim(life, volunteer, at)
            at += int(chance.expovariate(1 / (2 * HOUR)))
        return at if at < now and life.claims else None

    def _reopen(self, life: _Life, at: int, limit: Limit) -> int | None:
        """Let the requester say that it is not solved; return when it is done again, if it is."""
        chance, now = self.chance, self.plan.now
        again = at + int(chance.expovariate(1 / DAY))
        if again + HOUR >= now:
            return at
        life.outcome = None
        life.values["reopened"] = 1
        self._step(life, "dispute", again, None, to="in_progress", public="还是没修好。")
        self._stop(life, "resolved", at, again)
        del life.at["resolved"]
        self._clock(life, limit)
        done = again + int(chance.expovariate(1 / (20 * HOUR))) + 1
        return done if done < now else None

    def _answer(self, life: _Life, at: int, team: TeamFacts) -> None:
        """Let the requester say what they think; or somebody calls back, or nobody answers."""
        chance, now = self.chance, self.plan.now
        how = chance.random()
        if how < 0.55:
            solved = chance.choices(("yes", "partly"), (92, 8))[0]
            rating = chance.choices((5, 4, 3, 2, 1, None), (50, 25, 8, 3, 2, 12))[0]
            when = at + int(chance.expovariate(1 / (18 * HOUR)))
            way, who = ("link", None) if how < 0.4 else ("call_back", team.supervisor_id)
            if when < now:
                life.values |= {"way": way, "solved": solved, "rating": rating, "confirmed": when}
                detail = {"way": way, "solved": solved, "satisfaction": rating}
                self._close(life, "confirm", when, who, public="谢谢！", detail=detail)
            return
        for number in (1, 2):
            remind = at + number * 3 * DAY
            if remind >= now:
                return
            self._step(life, "remind", remind, None)
            life.values |= {"reminders": number, "reminded": remind}
        if at + 9 * DAY < now:
            life.values["way"] = "none"
            self._close(life, "time_out", at + 9 * DAY, None)

    # ------------------------------------------------------------ steps

    def _step(
        self,
        life: _Life,
        step: str,
        at: int,
        actor: int | None,
        *,
        to: str | None = None,
        team: int | None = None,
        public: str = "",
        internal: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        before = None if step == "submit" else life.status
        life.status = to or life.status
        life.last = at
        self._row(
            "history_entry",
            life.id,
            _text(at),
            step,
            before,
            life.status,
            actor,
            team,
            public,
            internal,
            json.dumps(detail) if detail else "{}",
        )
        if step in TOLD and life.values["email"]:
            self._message(life, step, at)

    def _close(self, life: _Life, step: str, at: int, actor: int | None, **said: Any) -> None:  # noqa: ANN401 - handed on
        life.at["closed"] = at
        self._step(life, step, at, actor, to="closed", **said)

    def _claim(self, life: _Life, person: int, at: int, released: int | None = None) -> None:
        is_first = life.status == "assigned"
        self._step(life, "claim", at, person, to="in_progress")
        if is_first:
            life.at["signed"] = at
        self._handler(life, person)
        reason = "临时有事" if released else ""
        life.places.append(len(self.made["claim"]))
        self._row("claim", life.id, person, _text(at), _text(released), reason, False)
        if released:
            detail = {"person_id": person}
            self._step(life, "release", released, person, internal=reason, detail=detail)
        else:
            life.claims.append(person)

    def _wait(self, life: _Life, at: int, limit: Limit) -> int:
        self._step(
            life, "wait", at, life.claims[0], to="waiting", public="请问哪天在家？", detail={}
        )
        resumed = at + int(self.chance.expovariate(1 / (2 * DAY))) + HOUR
        if resumed >= self.plan.now:
            self._stop(life, "waiting", at, None)
            life.values["waiting"] = "请问哪天在家？"
            life.values["question_turn"] = at + 4 * DAY
            return resumed
        self._stop(life, "waiting", at, resumed)
        self._step(life, "resume", resumed, None, to="in_progress", public="周六上午在家。")
        self._clock(life, limit)
        return resumed + HOUR

    def _park(self, life: _Life, at: int, team: TeamFacts, limit: Limit) -> int:
        until = datetime.fromtimestamp(at + 60 * DAY, UTC).date()
        decided = at + 5 * HOUR
        if decided >= self.plan.now:
            return decided
        reason = "需等待管网改造。"
        self._step(life, "ask_parking", at, life.claims[0], detail={"until": until.isoformat()})
        self._row(
            "approval",
            life.id,
            "parking",
            reason,
            None,
            until.isoformat(),
            life.claims[0],
            _text(at),
            team.supervisor_id,
            _text(decided),
            True,
            "",
        )
        self._step(life, "park", decided, team.supervisor_id, to="parked", public=reason)
        resumed = decided + 40 * DAY
        if resumed >= self.plan.now:
            self._stop(life, "parked", decided, None)
            life.values["parked"] = until.isoformat()
            return resumed
        self._stop(life, "parked", decided, resumed)
        self._step(life, "unpark", resumed, team.coordinator_id, to="in_progress")
        self._clock(life, limit)
        return resumed + HOUR

    def _visit(self, life: _Life, at: int, story: Story) -> None:
        chance = self.chance
        visit_id = self.next_id["visit"]
        planned = max(at - int(chance.expovariate(1 / (10 * HOUR))), life.last + 1)
        is_planned = planned < at
        if is_planned:
            detail = {"visit_id": visit_id}
            self._step(life, "plan_visit", planned, life.claims[0], detail=detail)
        self._row(
            "visit",
            life.id,
            "done",
            _text(at) if is_planned else None,
            _text(at + 2 * HOUR) if is_planned else None,
            _text(at),
            _text(at + 50 * MINUTE),
            "",
            chance.choice(("本人", "家属", "邻居")),
            chance.choice(("elder_living_alone", "disabled_person", "other", None, None)),
            True,
            chance.choice(("in_person", "in_person", "phone")),
            story.answer,
            "",
            "",
            None,
            life.claims[0],
            _text(at + HOUR),
            1,
        )
        for person in life.claims:
            self.made["visit_visitor"].append((visit_id, person))
        if chance.random() < 0.4:
            self._row("contact_look", life.id, life.claims[0], _text(at - 5 * MINUTE), "request")
        detail = {"visit_id": visit_id, "contact_made": True}
        self._step(life, "visit", at + HOUR, life.claims[0], detail=detail)

    def _resolve(self, life: _Life, at: int, story: Story) -> None:
        outcome = self.chance.choices(
            ("solved", "partly_solved", "explained", "no_contact"), (86, 7, 5, 2)
        )[0]
        life.outcome = outcome
        life.at["resolved"] = at
        life.values["answer"] = story.answer
        detail = {"outcome": outcome}
        self._step(
            life, "resolve", at, life.claims[0], to="resolved", public=story.answer, detail=detail
        )

    def _clock(self, life: _Life, limit: Limit) -> None:
        start = life.at["accepted"]
        if not life.stops:
            life.due, life.near = _due(limit, start)
            return
        stops = [(_moment(begin), _moment(end) if end else None) for begin, end in life.stops]
        due = due_at(_calendar(), limit, _moment(start), stops)
        near = near_at(_calendar(), limit, _moment(start), stops)
        life.due = int(due.timestamp()) if due else None
        life.near = int(near.timestamp()) if near else None

    def _stop(self, life: _Life, reason: str, begin: int, end: int | None) -> None:
        life.stops.append((begin, end))
        if end is None and not (life.due and life.due < begin):
            life.due = life.near = None  # what was overdue stays so
        self._row("clock_stop", life.id, reason, _text(begin), _text(end))

    # ------------------------------------------------------------ rows

    def _row(self, table: str, *values: Any) -> None:  # noqa: ANN401 - what databases take
        row_id = self.next_id[table]
        self.next_id[table] = row_id + 1
        self.made[table].append((row_id, *values))

    def _handler(self, life: _Life, person: int) -> None:
        known = life.values.setdefault("handlers", set())
        if person not in known:
            known.add(person)
            self.made["handler"].append((life.id, person))

    def _message(self, life: _Life, step: str, at: int) -> None:
        self._row(
            "message",
            "email",
            "requester_step",
            life.values["email"],
            life.values["locale"],
            json.dumps({"step": step}),
            "您的诉求有新进展",
            "您的诉求有新进展，请点开链接查看。",
            f"{self.plan.seed:x}-{life.id:x}-{self.next_id['message']:x}",
            life.id,
            _text(at),
            _text(at),
            1,
            "",
            _text(at + MINUTE),
        )

    def _requester(self, life: _Life, is_english: bool) -> None:  # noqa: FBT001 - of one's own
        chance = self.chance
        # Invented numbers (see `tracker.privacy`): there are 100,000, and a few call often.
        often = chance.random() < 0.1
        caller = min(int(chance.paretovariate(0.5)), 99_999) if often else chance.randrange(100_000)
        phone = f"+86100000{caller:05}"
        has_mail = chance.random() < 0.25
        email = f"resident{caller}@example.org" if has_mail else None
        locale = "en" if is_english else "zh_Hans_CN"
        name = _names()[caller % len(_names())]
        self.made["requester"].append(
            (
                life.id,
                name,
                "email" if has_mail else "phone",
                None if has_mail else phone,
                email,
                "",
                locale,
                _text(life.submitted),
            )
        )
        life.values |= {"email": email, "locale": locale, "name": name}

    def _write(
        self,
        life: _Life,
        category: CategoryFacts,
        area: Any,  # noqa: ANN401 - AreaFacts
        story: Story,
        priority: str,
        channel: str,
    ) -> None:
        chance, at, values = self.chance, life.at, life.values
        address = f"{area.address}{chance.randrange(1, 60)}号{chance.randrange(101, 1800)}室"
        reference = _reference(life.id)
        for_other = chance.random() < 0.2
        resolved, closed = at.get("resolved"), at.get("closed")
        kind = chance.choices(("help", "complaint", "suggestion", "thanks"), (80, 12, 6, 2))[0]
        self.made["service_request"].append(
            (
                life.id,
                reference,
                f"salt{chance.getrandbits(64):016x}",
                None,
                1,
                kind,
                category.id,
                area.unit_id,
                area.id,
                address,
                story.need,
                "工作日上午",
                channel,
                priority,
                life.id,
                "someone_else" if for_other else "self",
                "家中老人" if for_other else "",
                "子女" if for_other else "",
                True if for_other else None,
                life.status,
                life.outcome,
                life.is_spam,
                values["team"],
                values["leader"],
                "请自带工具。" if values["team"] else "",
                max(values["needed"], len(life.claims), 1),
                len(life.claims),
                _text(life.submitted),
                _text(at.get("accepted")),
                _text(at.get("assigned")),
                _text(at.get("signed")),
                _text(at.get("response")),
                _text(resolved),
                _text(closed),
                closed - life.submitted if closed else None,
                _text(life.due),
                _text(life.near),
                resolved <= life.due if resolved and life.due else None,
                values.get("waiting", ""),
                _text(values.get("question_turn")),
                values.get("parked"),
                values.get("answer", ""),
                "",
                values.get("survivor"),
                values.get("way"),
                _text(values.get("confirmed")),
                values.get("solved"),
                values.get("rating"),
                values.get("reminders", 0),
                _text(values.get("reminded")),
                None,
                0,
                values.get("returned", 0),
                values.get("reopened", 0),
                0,
            )
        )
        if life.status in ("resolved", "closed"):
            for place in life.places:
                self.made["claim"][place] = (*self.made["claim"][place][:-1], True)
        is_closed = life.status == "closed"
        self.made["helping_team"] += [(life.id, each, is_closed) for each in life.helping]
        words = f"{reference} {_indexed(story.need)} {_indexed_place(address)} {_indexed(values['name'])}"
        self.made["service_request_search"].append((life.id, words))

    def _submitted(self, request_id: int) -> int:
        """Spread over three years, mostly by day, in the order of the ids."""
        at = self.begins + (request_id - 1) * self.step_s
        midnight = (at + 8 * HOUR) // DAY * DAY - 8 * HOUR
        share = (at - midnight) / DAY
        hours = next(
            hour + (share - below) / (above - below) * (until - hour)
            for (hour, below), (until, above) in pairwise(_RUSH)
            if share < above
        )
        return min(int(midnight + hours * HOUR), self.plan.now - 1)


# ---------------------------------------------------------------- what is worked out once

_RUSH: Final = ((0, 0.0), (7, 0.04), (9, 0.12), (12, 0.45), (14, 0.55), (18, 0.85), (24, 1.0))
"""By which hour of the day which share of it has come in."""


def _reference(request_id: int) -> str:
    """Scatter the ids over all references: none comes twice, as the factor shares no divisor."""
    lowest = 10 ** (REFERENCE_DIGITS - 2)
    return with_check_digit(str(lowest + request_id * 391_939_403 % (9 * lowest)))


def _text(moment: int | None) -> str | None:
    if moment is None:
        return None
    return _day_text(moment // DAY) + _TIMES[moment % DAY]


_TIMES: Final = tuple(
    f" {second // HOUR:02}:{second // MINUTE % 60:02}:{second % 60:02}.000000"
    for second in range(DAY)
)


@lru_cache(maxsize=4096)
def _day_text(day: int) -> str:
    return date.fromordinal(date(1970, 1, 1).toordinal() + day).isoformat()


def _moment(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _limit(priority: str, days: int | None) -> Limit:
    if days and priority in ("normal", "complex"):
        return Limit(days, LimitUnit.WORKING_DAYS)
    return DEFAULT_LIMITS[Clock.RESOLVE][Priority(priority)]


@lru_cache(maxsize=1)
def _calendar() -> WorkingCalendar:
    this_year = datetime.now(UTC).year
    return working_calendar("CN", "Asia/Shanghai", range(this_year - 4, this_year + 3), {})


def _due(limit: Limit, start: int) -> tuple[int | None, int | None]:
    """Return when a limit ends; one in days does at the same moment whenever in the day it began."""
    if limit.unit is LimitUnit.HOURS:
        length = limit.amount * HOUR
        return start + length, start + length * 4 // 5
    local_day = (start + 8 * HOUR) // DAY
    return _due_of_day(limit, local_day)


@lru_cache(maxsize=100_000)
def _due_of_day(limit: Limit, local_day: int) -> tuple[int | None, int | None]:
    start = _moment(local_day * DAY + 4 * HOUR)
    due, near = due_at(_calendar(), limit, start), near_at(_calendar(), limit, start)
    return (
        int(due.timestamp()) if due else None,
        int(near.timestamp()) if near else None,
    )


@lru_cache(maxsize=1)
def _stories() -> Mapping[str, Sequence[Story]]:
    """Return what people say of each kind of help, each thing in many ways."""
    found: dict[str, list[Story]] = defaultdict(list)
    chinese = [story for story in STORIES if story.locale != "en"]
    english = [story for story in STORIES if story.locale == "en"]
    more = ("", "麻烦尽快。", "家里没有年轻人。", "我白天都在家。", "谢谢你们！", "已经三天了。")
    more_en = ("", " As soon as you can, please.", " I am home all day.", " Thank you!")
    for leaf in _all_leaves():
        own = [story for story in chinese if story.leaf == leaf] or chinese
        own_english = [story for story in english if story.leaf == leaf] or english
        found[leaf] = [
            Story(leaf, story.need + extra, story.answer) for story in own for extra in more
        ]
        wanted = int(len(found[leaf]) * ENGLISH_SHARE / (1 - ENGLISH_SHARE))
        every = [
            Story(leaf, story.need + extra, story.answer, "en")
            for story in own_english
            for extra in more_en
        ]
        found[leaf] += [every[at % len(every)] for at in range(wanted)] if every else []
    return found


def _all_leaves() -> Sequence[str]:
    return [leaf.key for top in CATEGORIES for leaf in top.leaves]


@lru_cache(maxsize=1)
def _names() -> Sequence[str]:
    surnames = "王李张刘陈杨黄赵周吴徐孙马朱胡林郭何高罗"
    given = "安宁小雨子墨静怡浩然欣悦建国志强桂芳秀兰海燕"
    pairs = [first + second for first, second in pairwise(given)]
    return [surname + name for surname in surnames for name in pairs]


@lru_cache(maxsize=50_000)
def _indexed(text: str) -> str:
    return index_text(text)


_indexed_place: Callable[[str], str] = index_text
