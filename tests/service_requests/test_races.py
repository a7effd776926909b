"""Many people at the same moment: real threads, a real database, and nothing counted twice."""

from collections import Counter
from collections.abc import Callable, Sequence
from threading import Barrier, Thread
from typing import Final, TypeVar

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db, transaction
from tracker.errors import Refusal, RefusedError
from tracker.permissions import Action, Actor
from tracker.service_requests import judging, queries
from tracker.service_requests.actions import approvals, claims, handling
from tracker.service_requests.lifecycle import Outcome, Status, Step
from tracker.service_requests.models import Approval, ApprovalKind, Claim, ServiceRequest

Result = TypeVar("Result")
TO_CLAIM: Final = Action.CLAIM_SERVICE_REQUEST
FIELDS: Final = {
    "kind": "help",
    "need": "厨房水龙头滴水,关不紧",
    "address": "幸福路5号",
    "for_whom": "self",
    "reachable_by": "phone",
    "requester_name": "李明",
    "phone": "13800138000",
}


def at_once(app: Flask, acts: Sequence[Callable[[], Result]]) -> list[Result]:
    """Let each act begin in a thread of its own at the same moment; return what each returned.

    Raises the first error that an act raised.
    """
    results: list[Result] = []
    errors: list[BaseException] = []
    start = Barrier(len(acts))
    # The test's own session gives back its connection: it must not hold up the others.
    db.session.rollback()

    def run(act: Callable[[], Result]) -> None:
        with app.app_context():
            start.wait()
            try:
                results.append(act())
            except BaseException as error:  # noqa: BLE001 - handed to the test below
                errors.append(error)
            finally:
                db.session.remove()

    threads = [Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    db.session.expire_all()
    if errors:
        raise errors[0]
    return results


def rows(model: type[ServiceRequest] | type[Claim]) -> int:
    """Return how many rows there are."""
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def steps_of(service_request_id: int) -> Counter[Step]:
    """Return how often each step was taken."""
    it = db.session.get_one(ServiceRequest, service_request_id, populate_existing=True)
    return Counter(entry.step for entry in queries.history_of(it))


# ---------------------------------------------------------------- places


@pytest.mark.parametrize("waits_its_turn", [True, False], ids=["as the page does", "bare"])
def test_fifty_threads_claiming_ten_places_make_exactly_ten_claims(
    app: Flask, a: Builders, *, waits_its_turn: bool
) -> None:
    team = a.team()
    it = a.service_request(team=team, volunteers_needed=10)
    request_id, now = it.id, a.now
    actors = [a.actor(a.volunteer(team)) for _ in range(50)]

    def claiming(actor: Actor) -> Callable[[], Refusal | None]:
        def act() -> Refusal | None:
            find = queries.find_for_change if waits_its_turn else queries.find
            try:
                with transaction():
                    claims.claim(find(actor, request_id, TO_CLAIM), actor=actor, now=now)
            except RefusedError as refused:
                return refused.refusal
            return None

        return act

    answers = Counter(at_once(app, [claiming(actor) for actor in actors]))

    assert answers == {None: 10, Refusal.FULL: 40}
    after = db.session.get_one(ServiceRequest, request_id)
    assert after.places_taken == len(after.claimant_ids) == rows(Claim) == 10
    assert after.status is Status.IN_PROGRESS
    assert steps_of(request_id)[Step.CLAIM] == 10


def test_twelve_browsers_racing_for_three_places_leave_three_claims(
    app: Flask, a: Builders
) -> None:
    team = a.team()
    it = a.service_request(team=team, volunteers_needed=3)
    address = f"/requests/{it.id}/claim"
    posts = [
        posting(app, Browser(app).sign_in(a.volunteer(team)), "/board", address) for _ in range(12)
    ]

    places = Counter(at_once(app, posts))

    assert places == {f"/requests/{it.id}": 3, "/board": 9}
    assert rows(Claim) == 3


def test_one_volunteer_tapping_ten_times_holds_one_place(app: Flask, a: Builders) -> None:
    team = a.team()
    it = a.service_request(team=team, volunteers_needed=5)
    browser = Browser(app).sign_in(a.volunteer(team))
    post = posting(app, browser, "/board", f"/requests/{it.id}/claim")

    assert set(at_once(app, [post] * 10)) == {f"/requests/{it.id}"}

    assert rows(Claim) == 1
    assert steps_of(it.id)[Step.CLAIM] == 1


def test_claiming_many_tasks_at_once_stays_under_the_limit(app: Flask, a: Builders) -> None:
    a.organisation(claim_limit=2)
    team = a.team()
    me = a.actor(a.volunteer(team))
    now = a.now

    def claiming(request_id: int) -> Callable[[], Refusal | None]:
        def act() -> Refusal | None:
            try:
                with transaction():
                    it = queries.find_for_change(me, request_id, TO_CLAIM)
                    claims.claim(it, actor=me, now=now)
            except RefusedError as refused:
                return refused.refusal
            return None

        return act

    tasks = [a.service_request(team=team, volunteers_needed=1).id for _ in range(8)]
    answers = Counter(at_once(app, [claiming(task) for task in tasks]))

    assert answers == {None: 2, Refusal.CLAIM_LIMIT: 6}
    assert rows(Claim) == 2


def posting(app: Flask, browser: Browser, page: str, address: str) -> Callable[[], str]:
    """Return what sends the empty form of `page` to `address`, and says where it leads."""
    token = browser.open(page).form("csrf_token").values()["csrf_token"]

    def act() -> str:
        client = same_visitor(app, browser)
        return client.post(address, data={"csrf_token": token}).headers["Location"]

    return act


def same_visitor(app: Flask, browser: Browser) -> FlaskClient:
    """Return another tab of the same browser."""
    client = app.test_client()
    name = app.config["SESSION_COOKIE_NAME"]
    cookie = browser.client.get_cookie(name)
    assert cookie is not None
    client.set_cookie(name, cookie.value)
    return client
