"""Who is told of which step. Writes into the outbox and the inbox, in the transaction of the step."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import and_, or_, select

from tracker.accounts.models import Grant, Person
from tracker.database import db
from tracker.errors import Refusal, RefusedError
from tracker.notifications import inbox, wishes
from tracker.notifications.models import Channel
from tracker.notifications.outbox import count_since, enqueue, is_waiting
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, Role, may
from tracker.service_requests import calls, parts, queries, unanswered
from tracker.service_requests.blotting import blotted
from tracker.service_requests.lifecycle import Priority, Solved, Status, Step
from tracker.service_requests.models import (
    HistoryEntry,
    Part,
    ReachableBy,
    Requester,
    ServiceRequest,
)
from tracker.teams.actors import actor_for
from tracker.teams.models import Membership
from tracker.visits.models import Visit

AN_HOUR: Final = timedelta(hours=1)
MOST_AN_HOUR: Final = 20
"""More mails than that about one request come from somebody who makes them come."""
MOST_NAMED: Final = 30
"""A mail about many requests names so many; the pages list the rest."""
REPEATED: Final = frozenset(
    {Step.ASSIGN, Step.NOTE, Step.CLAIM, Step.RELEASE, Step.VISIT, Step.GIVE_PART, Step.CHANGE_PART}
)
"""Steps that whoever works on it can take again and again. Of too many the page alone tells."""
RELIED_ON: Final = frozenset({Step.PLAN_VISIT, Step.WAIT})
"""Those that the requester must know of. No mail of them is left out: too many are refused."""
MOST_RELIED_ON: Final = 10
"""More questions and visits than that within an hour are agreed on the telephone."""
FOR_ONE: Final = frozenset(
    {
        Step.SUBMIT,
        Step.MERGE,
        Step.WAIT,
        Step.RESUME,
        Step.PLAN_VISIT,
        Step.RECEIVE_MERGED,
        Step.REMIND,
    }
)
"""Steps that are told to the requester alone, not to those whose requests were merged into it.

When it is sent, none has been.
"""
ALWAYS_TOLD: Final = calls.MUST_KNOW | {
    Step.SUBMIT,
    Step.WAIT,
    Step.RESOLVE,
    Step.REFER,
    Step.REMIND,
}
"""Steps that are told also to who wishes to hear of no others, as most readers of text messages do: the
first has the private link, the others what they must know, what is asked of them, and the end. That
nobody comes (`calls_off`) is one more."""
OF_OURS: Final = frozenset({Step.REMIND, Step.TIME_OUT})
"""Steps that nobody took: whoever hears of them sleeps, or rests, perhaps. All others tell the requester
at once, as they may stand at the door."""
TO_BE_SEEN_TO: Final = frozenset(
    {
        Step.RELEASE,
        Step.ADD_WORD,
        Step.RESUME,
        Step.URGE,
        Step.UNPARK,
        Step.DISPUTE,
        Step.REOPEN,
    }
)
"""Steps after which somebody must do something."""
STAFF_STEP: Final = "staff_step"
LINK_RENEWED: Final = "link_renewed"
"""The message that a new private link was made: of no step."""
LOST: Final = "lost"
"""What a team is told that has a request no longer: no step of its own."""
TO_KNOW_OF: Final = frozenset({Step.RESOLVE, Step.REFER, Step.CONFIRM, LOST})
"""What of also those hear who took part, but may not open it any more."""


def tell_requester(
    service_request: ServiceRequest,
    step: Step,
    *,
    now: datetime,
    visit: Visit | None = None,
    calls_off: bool = False,
    reason: str = "",
) -> None:
    """Tell the requester, and those whose requests were merged into this one, as they chose.

    Who wishes to hear only of what they must know or do is told of that alone (`ALWAYS_TOLD`). Who is
    not written to at all is called (`calls`).

    What is for the requester alone, a question or who comes to their door, others do not hear;
    nor that nobody comes (`calls_off`: of which `visit`). `reason` is why, in words meant for them.
    Of what is `REPEATED` nobody gets more than `MOST_AN_HOUR` about one request: their page tells
    the rest. That nobody comes is always told; visits are as many as `refuse_too_many` lets be.
    """
    family = [service_request]
    if step not in FOR_ONE and not calls_off:
        family += db.session.scalars(
            select(ServiceRequest).where(ServiceRequest.survivor_id == service_request.id)
        ).all()
    for told in family:
        requester = told.requester
        if requester is None:
            continue
        facts = _facts(told, service_request, step) | _visit_facts(visit)
        if calls_off:
            facts["calls_off"] = True
        if calls_off or reason:
            facts["reason"] = reason.strip()
        if written_way(requester) is None:
            calls.ask_for(told, step, facts, now=now)
            continue
        if requester.only_needed and not is_needed(step, facts):
            continue
        if (
            step in REPEATED
            and not calls_off
            and _written_to(told, REPEATED, now=now) >= MOST_AN_HOUR
        ):
            continue
        write(told, step, facts, now=now)


def write(
    told: ServiceRequest, step: Step, facts: Mapping[str, Any] | None = None, *, now: datetime
) -> None:
    """Write to the requester of `told` alone about a step, in the way in which they are told now.

    `facts`: what a message says of it, with or without the link; without any, how it stands now. Who
    is not written to hears nothing by it.
    """
    requester = told.requester
    written_to = written_way(requester) if requester else None
    if requester is None or written_to is None:
        return
    channel, address = written_to
    said = _facts(told, told, step) if facts is None else facts
    enqueue(
        "requester_step",
        channel=channel,
        address=address,
        locale=requester.locale,
        payload={**said, "link_salt": told.link_salt},
        now=now,
        service_request_id=told.id,
        run_at=goes_at(step, channel, said, now=now),
    )


def is_needed(step: Step, facts: Mapping[str, Any]) -> bool:
    """Tell whether also those are told of a step who wish to hear only of what they must know or do."""
    return step in ALWAYS_TOLD or bool(facts.get("calls_off"))


def goes_at(
    step: Step, channel: Channel, facts: Mapping[str, Any], *, now: datetime
) -> datetime | None:
    """Return when the next day begins for what need not wake anybody; None: it goes at once.

    Who sends a request, or expects a visit, waits for it.
    """
    is_expected = step is Step.SUBMIT or "visit_from" in facts
    waits = step in OF_OURS or (channel is Channel.TEXT_MESSAGE and not is_expected)
    return wishes.by_day(now) if waits else None


def written_way(requester: Requester) -> tuple[Channel, str] | None:
    """Return how a requester is written to, and where; None for who is not."""
    if requester.reachable_by is ReachableBy.EMAIL and requester.email:
        return Channel.EMAIL, requester.email
    if requester.reachable_by is ReachableBy.TEXT_MESSAGE and requester.phone:
        return Channel.TEXT_MESSAGE, requester.phone
    return None


def refuse_too_many(service_request: ServiceRequest, *, now: datetime) -> None:
    """Refuse to ask or to plan once more where so many mails of that went to the requester."""
    if _written_to(service_request, RELIED_ON, now=now) >= MOST_RELIED_ON:
        raise RefusedError(Refusal.TOO_MANY_MAILS)


def _written_to(service_request: ServiceRequest, steps: Collection[Step], *, now: datetime) -> int:
    """Return how many mails about some steps were written to the requester within the hour."""
    return count_since(
        "requester_step",
        service_request_id=service_request.id,
        steps=[step.value for step in steps],
        since=now - AN_HOUR,
    )


def tell_team(
    service_request: ServiceRequest, step: Step, *, by: Actor | None = None, now: datetime
) -> None:
    """Tell who holds it: the team leaders of the lead team, those who claimed, the leader.

    What somebody must see to is told to the desk, too, where nobody else would. `by`: who took the
    step, and need not be told of it.
    """
    told = list(_holders(service_request))
    if step in TO_BE_SEEN_TO and _is_left_to_desk(service_request, step, told):
        told += [person for person in _desk(service_request) if person not in told]
    _tell_each(service_request, told, step, by=by, now=now)


def tell_of_result(
    service_request: ServiceRequest, step: Step, *, by: Actor, now: datetime
) -> None:
    """Tell who holds it, and who took the call, that there is a result: the caller may ring again."""
    told = {person.id: person for person in _holders(service_request)}
    told |= {person.id: person for person in _called(service_request)}
    _tell_each(service_request, told.values(), step, by=by, now=now)


def tell_of_end(service_request: ServiceRequest, *, thanks: str, by: Actor, now: datetime) -> None:
    """Tell who holds it how the requester confirmed; that it is solved, everybody who took part.

    That is also whoever took the call, and who worked on it at any time: each of them once. `thanks`
    are the requester's words: mail gives them without whom they are of, and where.
    """
    told = {person.id: person for person in _holders(service_request)}
    if service_request.solved is Solved.YES:
        told |= {person.id: person for person in _called(service_request)}
        told |= {person.id: person for person in _here(service_request.handler_ids)}
    _tell_each(service_request, told.values(), Step.CONFIRM, by=by, thanks=thanks, now=now)


def _tell_each(
    service_request: ServiceRequest,
    people: Iterable[Person],
    step: Step,
    *,
    by: Actor | None,
    thanks: str = "",
    now: datetime,
) -> None:
    for person in people:
        if by is None or person.id != by.person_id:
            tell_person(service_request, person, step, thanks=thanks, now=now)


def tell_desk(
    service_request: ServiceRequest, step: Step, *, by: Actor | None = None, now: datetime
) -> None:
    """Tell the coordinators in whose units the request lies, but for `by`."""
    _tell_each(service_request, _desk(service_request), step, by=by, now=now)


def tell_person(
    service_request: ServiceRequest,
    person: Person,
    step: Step,
    *,
    thanks: str = "",
    part: Part | None = None,
    told_as: str = "",
    now: datetime,
) -> None:
    """Tell one of the staff: on their page of messages, and in the ways that they chose.

    `told_as`: what the step means to them, if not what it means to all.

    A message goes when they want it, by day on working days: of emergencies, and when the requester
    urges, at once.

    Of several words in a row they are told once, while they have not read that, and while that mail
    has not gone yet; of what is done again and again `MOST_AN_HOUR` times: the request's page tells
    the rest.
    """
    about: dict[str, Any] = {
        "service_request_id": service_request.id,
        "step": told_as or step.value,
    }
    if step in REPEATED and (
        inbox.count_since(person.id, since=now - AN_HOUR, **about) >= MOST_AN_HOUR
    ):
        return
    if step is not Step.ADD_WORD or not inbox.is_unread(person.id, **about):
        inbox.tell(person.id, now=now, **about)
    is_urgent = step is Step.URGE or service_request.priority is Priority.EMERGENCY
    ways = wishes.ways_to(person, is_urgent=is_urgent, now=now)
    if step is Step.ADD_WORD:
        ways = [way for way in ways if not _is_waiting(way, about, now=now)]
    if not ways:
        return
    payload = (
        _facts(service_request, service_request, step)
        | _end_facts(service_request, about["step"], person, thanks)
        | _part_facts(part)
        | {"step": about["step"]}
    )
    for way in ways:
        wishes.write(
            person, way, STAFF_STEP, payload, now=now, service_request_id=service_request.id
        )


def _is_waiting(way: wishes.Way, about: Mapping[str, Any], *, now: datetime) -> bool:
    """Tell whether the same still waits to go the same way to the same person."""
    return is_waiting(STAFF_STEP, address=way.address, facts=way.whose, now=now, **about)


def tell_team_of_part(part: Part, step: Step, *, by: Actor, now: datetime) -> None:
    """Tell those who lead a helping team of its part, but for `by`; a mail says when the part is due."""
    for person in _leaders_of(part.team_id):
        if person.id != by.person_id:
            tell_person(part.service_request, person, step, part=part, now=now)


def tell_of_part(part: Part, step: Step, *, by: Actor, now: datetime) -> None:
    """Tell whose request it is that a helping team did its part; of one given back, the desk as well."""
    service_request = part.service_request
    told = {person.id: person for person in _holders(service_request)}
    if step is Step.RETURN_PART:
        told |= {person.id: person for person in _desk(service_request)}
    _tell_each(service_request, told.values(), step, by=by, now=now)


def tell_former_team(service_request: ServiceRequest, team_id: int, *, now: datetime) -> None:
    """Tell those who lead a team that a request is no longer theirs; they cannot open it now."""
    for person in _leaders_of(team_id):
        tell_person(service_request, person, Step.ASSIGN, told_as=LOST, now=now)


def who_leads(team_id: int | None, *, except_for: int) -> Sequence[Person]:
    """Return the people who lead a team, but for one."""
    if team_id is None:
        return []
    return [person for person in _leaders_of(team_id) if person.id != except_for]


def tell_handed_over(
    person: Person,
    service_requests: Sequence[ServiceRequest],
    *,
    giver: Person,
    to_desk: bool = False,
    now: datetime,
) -> None:
    """Tell somebody, once, of all that was handed over to them; or (`to_desk`) to the team they lead."""
    payload = {
        "giver": giver.name,
        "count": len(service_requests),
        "to_desk": to_desk,
        "requests": [
            {
                "reference": it.reference,
                "request_id": it.id,
                "category": it.category.name,
                "category_en": it.category.name_en,
            }
            for it in service_requests[:MOST_NAMED]
        ],
    }
    # Their page of messages does not tell it.
    for way in wishes.ways_to(person, is_urgent=False, in_any_case=True, now=now):
        wishes.write(person, way, "handed_over", payload, now=now)


def _leaders_of(team_id: int) -> Iterable[Person]:
    return db.session.scalars(
        select(Person)
        .join(Membership, Membership.person_id == Person.id)
        .where(
            Membership.team_id == team_id,
            Membership.leads,
            Membership.ended_at.is_(None),
            Person.ended_at.is_(None),
        )
    ).all()


def _called(service_request: ServiceRequest) -> Iterable[Person]:
    """Return whoever of the staff took it in, on the telephone say: one, or nobody."""
    taken_in_by = db.session.scalars(
        select(HistoryEntry.actor_id).where(
            HistoryEntry.service_request_id == service_request.id,
            HistoryEntry.step == Step.SUBMIT,
            HistoryEntry.actor_id.is_not(None),
        )
    )
    return _here({one for one in taken_in_by if one is not None})


def _here(ids: Collection[int]) -> Iterable[Person]:
    """Return those of some people who have not left."""
    here = select(Person).where(Person.id.in_(sorted(ids)), Person.ended_at.is_(None))
    return db.session.scalars(here.order_by(Person.id)).all()


def _is_left_to_desk(
    service_request: ServiceRequest, step: Step, holders: Sequence[Person]
) -> bool:
    """Tell whether no team has it, or only one that has ended, or in which nobody holds it."""
    team = service_request.lead_team
    if team is None:
        return step is not Step.ADD_WORD  # the desk reads words in its queue
    return team.ended_at is not None or not holders


def _desk(service_request: ServiceRequest) -> Iterable[Person]:
    units = organisation.units_above(service_request.unit_id)
    return db.session.scalars(
        select(Person)
        .join(Grant, Grant.person_id == Person.id)
        .where(
            Grant.role == Role.COORDINATOR,
            Grant.unit_id.in_(sorted(units)),
            Grant.ended_at.is_(None),
            Person.ended_at.is_(None),
        )
        .distinct()
    ).all()


def _holders(service_request: ServiceRequest) -> Iterable[Person]:
    ids = {claim.person_id for claim in service_request.claims}
    # A leader whose role has ended answers for it no more, though it still stands with them.
    leader_id = service_request.leader_id
    is_its_leader = and_(
        Person.id == leader_id, queries.answers_still(leader_id, service_request.unit_id)
    )
    if service_request.lead_team_id is not None:
        ids |= set(
            db.session.scalars(
                select(Membership.person_id).where(
                    Membership.team_id == service_request.lead_team_id,
                    Membership.leads,
                    Membership.ended_at.is_(None),
                )
            )
        )
    return db.session.scalars(
        select(Person).where(
            or_(Person.id.in_(sorted(ids)), is_its_leader), Person.ended_at.is_(None)
        )
    ).all()


def _facts(told: ServiceRequest, about: ServiceRequest, step: Step) -> dict[str, Any]:
    """Return what a template may print: nothing that its reader may not see."""
    until = unanswered.answer_by(about) if told is about else None
    return {
        "step": step.value,
        "reference": told.reference,
        "request_id": told.id,
        "link_salt": told.link_salt,
        "category": told.category.name,
        "category_en": told.category.name_en,
        "status": about.status.value,
        "outcome": about.outcome.value if about.outcome else None,
        "answer": about.public_answer if about.status in (Status.RESOLVED, Status.CLOSED) else "",
        "question": about.waiting_for if told is about else "",
        "answer_by": until.isoformat() if until else None,
        "is_asked": told is about,
        "due_at": about.due_at.isoformat() if about.due_at else None,
        "parked_until": about.parked_until.isoformat() if about.parked_until else None,
        "team": about.lead_team.name if about.lead_team else None,
        "team_en": about.lead_team.name_en if about.lead_team else None,
    }


def _end_facts(
    service_request: ServiceRequest, step: str, person: Person, thanks: str
) -> dict[str, Any]:
    """Return what a mail of the end may say to `person`, who may not be able to open it any more."""
    if step not in TO_KNOW_OF:
        return {}
    may_open = step != LOST and may(actor_for(person), Action.VIEW_SERVICE_REQUEST, service_request)
    return {
        "may_open": may_open,
        "solved": service_request.solved.value if service_request.solved else None,
        "thanks": _without_whose(thanks, service_request),
    }


def _without_whose(words: str, service_request: ServiceRequest) -> str:
    """Return what the requester wrote as the board would show it: to those who may not know them."""
    requester = service_request.requester
    return blotted(
        words.strip(),
        organisation.organisation().country,
        requester.name if requester else None,
        service_request.beneficiary_name,
        service_request.address,
        requester.phone if requester else None,
        requester.neighbour if requester else None,
    )


def _part_facts(part: Part | None) -> dict[str, Any]:
    """Return when a part is due, in place of its request."""
    if part is None:
        return {}
    due = parts.clock_of(part).due_at
    return {"due_at": due.isoformat() if due else None}


def _visit_facts(visit: Visit | None) -> dict[str, Any]:
    if visit is None or visit.planned_from is None or visit.planned_to is None:
        return {}
    return {
        "visit_from": visit.planned_from.isoformat(),
        "visit_to": visit.planned_to.isoformat(),
        "visitors": [person.name for person in visit.visitors],
    }
