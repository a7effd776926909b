"""Taking a place and giving it back: every reason to be refused, and what remains in the books."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import select

from tests.support.builders import Builders
from tests.support.steps import steps_of
from tracker.accounts.models import Person
from tracker.database import db, transaction
from tracker.errors import NotFoundError, NotPermittedError, Refusal, RefusedError
from tracker.notifications.models import Message
from tracker.permissions import Role, resident
from tracker.service_requests import queries
from tracker.service_requests.actions import claims, handling
from tracker.service_requests.lifecycle import CLAIMABLE_STATUSES, Status, Step
from tracker.service_requests.models import Claim, ReachableBy, ServiceRequest
from tracker.teams.models import Team


def refusal_of(act: Callable[[], object]) -> Refusal:
    """Return why `act` was refused."""
    with pytest.raises(RefusedError) as refused:
        act()
    return refused.value.refusal


def release(
    a: Builders, it: ServiceRequest, person: Person, *, by: Person, reason: str = "出差"
) -> None:
    """Give back the place of `person`."""
    with transaction():
        claims.release(it, person_id=person.id, reason=reason, actor=a.actor(by), now=a.now)


# ---------------------------------------------------------------- claiming


def test_the_first_claim_signs_for_the_team(a: Builders, team: Team) -> None:
    it, me = a.service_request(team=team, volunteers_needed=2), a.volunteer(team)

    a.claim(it, me)

    assert it.status is Status.IN_PROGRESS
    assert it.signed_for_at == a.now
    assert it.claimant_ids == {me.id}
    assert me.id in it.handler_ids
    assert steps_of(it)[-1] is Step.CLAIM


def test_the_second_claim_changes_no_status_and_no_time(a: Builders, team: Team) -> None:
    it = a.service_request(team=team, claimed_by=[a.volunteer(team)], volunteers_needed=2)

    a.claim(it, a.volunteer(team), at=a.now + timedelta(hours=1))

    assert it.signed_for_at == a.now
    assert it.places_taken == 2


@pytest.mark.parametrize("status", CLAIMABLE_STATUSES)
def test_places_are_open_while_work_can_be_done(a: Builders, team: Team, status: Status) -> None:
    it = a.service_request(team=team, status=status)

    a.claim(it, a.volunteer(team))

    assert it.status is (Status.IN_PROGRESS if status is Status.ASSIGNED else status)


def test_a_volunteer_of_a_helping_team_may_claim(a: Builders, team: Team) -> None:
    helping = a.team()
    it = a.service_request(team=team, helping_teams=[helping])

    a.claim(it, a.volunteer(helping))

    assert it.places_taken == 1


def test_a_requester_with_an_address_is_told_that_somebody_comes(a: Builders, team: Team) -> None:
    it = a.service_request(team=team, reachable_by=ReachableBy.EMAIL, email="li@example.org")
    before = len(mails_to("li@example.org"))

    a.claim(it, a.volunteer(team))

    assert len(mails_to("li@example.org")) == before + 1


# ---------------------------------------------------------------- refused


@pytest.mark.parametrize("status", [Status.PARKED, Status.RESOLVED, Status.CLOSED])
def test_what_is_not_being_worked_on_takes_no_claims(
    a: Builders, team: Team, status: Status
) -> None:
    it = a.service_request(team=team, status=status, volunteers_needed=3)

    assert refusal_of(partial(a.claim, it, a.volunteer(team))) is Refusal.NOT_OPEN_FOR_CLAIMS
    assert rows() == 0


def test_nobody_holds_two_places_on_one_request(a: Builders, team: Team) -> None:
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me], volunteers_needed=2)

    assert refusal_of(partial(a.claim, it, me)) is Refusal.ALREADY_CLAIMED
    assert it.places_taken == 1


def test_the_last_place_is_the_last(a: Builders, team: Team) -> None:
    it = a.service_request(team=team, claimed_by=[a.volunteer(team)])

    assert refusal_of(partial(a.claim, it, a.volunteer(team))) is Refusal.FULL


def test_whom_nobody_vetted_waits(a: Builders, team: Team) -> None:
    it = a.service_request(team=team)
    new = a.volunteer(team, is_vetted=False)

    assert refusal_of(partial(a.claim, it, new)) is Refusal.NOT_VETTED


def test_vetted_elsewhere_is_not_vetted_here(a: Builders, team: Team) -> None:
    it = a.service_request(team=team)
    new = a.volunteer(team, is_vetted=False)
    a.membership(a.team(), new)

    assert refusal_of(partial(a.claim, it, new)) is Refusal.NOT_VETTED


def test_open_claims_have_a_limit_and_finished_ones_do_not_count(a: Builders, team: Team) -> None:
    a.organisation(claim_limit=2)
    me = a.volunteer(team)
    a.service_request(team=team, claimed_by=[me], status=Status.RESOLVED)
    a.service_request(team=team, claimed_by=[me], status=Status.CLOSED)
    for _ in range(2):
        a.service_request(team=team, claimed_by=[me])
    it = a.service_request(team=team)

    assert claims.open_claims(me.id) == 2
    assert refusal_of(partial(a.claim, it, me)) is Refusal.CLAIM_LIMIT


def test_a_member_of_another_team_may_not_claim(a: Builders, team: Team) -> None:
    it = a.service_request(team=team)

    with pytest.raises(NotPermittedError):
        a.claim(it, a.volunteer())


def test_whoever_left_the_team_may_not_claim(a: Builders, team: Team) -> None:
    it, me = a.service_request(team=team), a.person()
    a.membership(team, me, ended_at=a.now)

    with pytest.raises(NotPermittedError):
        a.claim(it, me)


@pytest.mark.parametrize(
    "role", [Role.LEADER, Role.COORDINATOR, Role.SUPERVISOR, Role.ADMINISTRATOR, Role.AUDITOR]
)
def test_no_role_of_a_unit_claims(a: Builders, team: Team, role: Role) -> None:
    it = a.service_request(team=team)

    with pytest.raises(NotPermittedError):
        a.claim(it, a.holder(role))


def test_a_refused_claim_leaves_nothing_behind(a: Builders, team: Team) -> None:
    it = a.service_request(team=team)
    before = steps_of(it)

    refusal_of(partial(a.claim, it, a.volunteer(team, is_vetted=False)))

    assert (steps_of(it), it.status, it.places_taken) == (before, Status.ASSIGNED, 0)


def test_the_reason_on_the_board_is_the_reason_of_the_claim(a: Builders, team: Team) -> None:
    a.organisation(claim_limit=1)
    me, busy, new = a.volunteer(team), a.volunteer(team), a.volunteer(team, is_vetted=False)
    a.service_request(team=team, claimed_by=[busy])
    here = a.service_request(team=team)
    full = a.service_request(team=team, claimed_by=[a.volunteer(team)])
    mine = a.service_request(team=team, claimed_by=[me], volunteers_needed=2)

    for person in (me, busy, new):
        for it in (here, full, mine):
            expected = claims.why_not(it, actor=a.actor(person))
            if expected is not None:
                assert refusal_of(partial(a.claim, it, person)) is expected


# ---------------------------------------------------------------- giving back


def test_a_place_that_was_given_back_is_free_again(a: Builders, team: Team) -> None:
    me, next_one = a.volunteer(team), a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])

    release(a, it, me, by=me, reason=" 临时出差 ")

    assert it.places_taken == 0
    assert it.status is Status.IN_PROGRESS
    last = queries.history_of(it)[-1]
    assert (last.step, last.internal_note) == (Step.RELEASE, "临时出差")
    a.claim(it, next_one)
    assert it.claimant_ids == {next_one.id}


def test_whoever_gave_back_may_claim_again(a: Builders, team: Team) -> None:
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    release(a, it, me, by=me)

    a.claim(it, me)

    assert it.claimant_ids == {me.id}
    assert rows() == 2


def test_whoever_gave_back_stays_a_handler(a: Builders, team: Team) -> None:
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])

    release(a, it, me, by=me)

    assert me.id in it.handler_ids


def test_a_team_leader_gives_back_any_place_of_the_team(a: Builders, team: Team) -> None:
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])

    release(a, it, me, by=a.team_leader(team))

    assert it.places_taken == 0


def test_a_volunteer_gives_back_nobody_elses_place(a: Builders, team: Team) -> None:
    one, two = a.volunteer(team), a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[one, two])

    with pytest.raises(NotFoundError):
        release(a, it, two, by=one)

    assert it.places_taken == 2


def test_a_team_leader_of_another_team_gives_nothing_back(a: Builders, team: Team) -> None:
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])

    with pytest.raises(NotPermittedError):
        release(a, it, me, by=a.team_leader())


def test_a_place_is_given_back_once(a: Builders, team: Team) -> None:
    me, other = a.volunteer(team), a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me, other])
    leader = a.team_leader(team)
    release(a, it, me, by=leader)

    with pytest.raises(NotFoundError):
        release(a, it, me, by=leader)

    assert it.places_taken == 1


def test_the_team_leader_is_told_of_a_free_place(a: Builders, team: Team) -> None:
    leader, me = a.team_leader(team), a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    assert leader.email is not None
    before = len(mails_to(leader.email))

    release(a, it, me, by=me)

    assert len(mails_to(leader.email)) == before + 1


def test_nobody_who_lost_their_place_works_on(a: Builders, team: Team) -> None:
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    release(a, it, me, by=me)

    with pytest.raises(NotPermittedError), transaction():
        handling.add_note(it, internal_note="x", actor=a.actor(me), now=a.now)


def test_a_resident_claims_and_releases_nothing(a: Builders, team: Team) -> None:
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me], volunteers_needed=2)
    requester = resident(it.id)

    with pytest.raises(NotPermittedError), transaction():
        claims.claim(it, actor=requester, now=a.now)
    with pytest.raises(NotPermittedError), transaction():
        claims.release(it, person_id=me.id, reason="x", actor=requester, now=a.now)


# ---------------------------------------------------------------- below


def rows() -> int:
    """Return how many places were ever taken."""
    return len(db.session.scalars(select(Claim)).all())


def mails_to(address: str) -> list[Message]:
    """Return what waits in the outbox for an address."""
    return list(db.session.scalars(select(Message).where(Message.address == address)))
