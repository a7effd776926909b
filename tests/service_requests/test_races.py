"""Many people at the same moment: real threads, a real database, and nothing counted twice."""

from collections import Counter
from collections.abc import Callable
from io import BytesIO
from threading import Thread
from time import sleep
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import func, select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.pictures import small_jpeg
from tests.support.together import at_once, same_visitor
from tracker.database import db, hold, transaction
from tracker.errors import Refusal, RefusedError, StepNotAllowedError
from tracker.permissions import Action, Actor
from tracker.service_requests import judging, queries
from tracker.service_requests.actions import approvals, claims, handling, intake
from tracker.service_requests.lifecycle import Outcome, Status, Step
from tracker.service_requests.models import Approval, ApprovalKind, Claim, Photo, ServiceRequest
from tracker.service_requests.photos import photo_path

TO_CLAIM: Final = Action.CLAIM_SERVICE_REQUEST
TOLD: Final = {
    "need": "厨房水龙头滴水,关不紧",
    "address": "幸福路5号",
    "reachable_by": "phone",
    "requester_name": "李明",
    "phone": "13800138000",
}


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


# ---------------------------------------------------------------- submissions


def test_twenty_double_submissions_make_one_request(app: Flask, a: Builders) -> None:
    _ = a.bureau
    browser = Browser(app)
    check = browser.send(f"/requests/new/form?category={a.any_category.id}", fields=TOLD)
    sent = check.form(press="Send it now").values()

    def act() -> tuple[int, str]:
        answer = same_visitor(app, browser).post(check.path, data=sent)
        return answer.status_code, answer.headers["Location"]

    answers = at_once(app, [act] * 20)

    assert len(set(answers)) == 1
    assert answers[0][0] == 303
    assert rows(ServiceRequest) == 1
    made = db.session.scalars(select(ServiceRequest)).one()
    assert steps_of(made.id) == {Step.SUBMIT: 1}


def test_twenty_double_submissions_of_the_desk_make_one_request(app: Flask, a: Builders) -> None:
    browser = Browser(app).sign_in(a.coordinator())
    given = {**TOLD, "category_id": a.any_category.id}
    page = browser.open("/intake")
    sent = page.form("need").filled(given, press="Take in")

    def act() -> tuple[int, str]:
        answer = same_visitor(app, browser).post(page.path, data=sent)
        return answer.status_code, answer.headers["Location"]

    answers = at_once(app, [act] * 20)

    assert len(set(answers)) == 1
    assert rows(ServiceRequest) == 1


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_a_sending_of_the_desk_that_comes_between_is_what_the_other_is_led_to(
    app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = Browser(app).sign_in(a.coordinator())
    given = {**TOLD, "category_id": a.any_category.id}
    page = browser.open("/intake")
    sent = page.form("need").filled(given, press="Take in")
    asked, others = intake.submitted_with, list[str]()

    def send() -> str:
        return str(same_visitor(app, browser).post(page.path, data=sent).headers["Location"])

    def asked_just_before(key: str) -> ServiceRequest | None:
        found = asked(key)
        monkeypatch.setattr(intake, "submitted_with", asked)
        other = Thread(target=lambda: others.append(send()))
        other.start()
        other.join()
        return found

    monkeypatch.setattr(intake, "submitted_with", asked_just_before)

    assert [send()] == others
    assert rows(ServiceRequest) == 1


def test_ten_taps_on_a_need_that_was_found_make_one_request_and_lead_to_the_same(
    app: Flask, a: Builders
) -> None:
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    visit = a.visit(it, by=me, needs_found="楼道的灯也坏了")
    browser = Browser(app).sign_in(me)
    post = posting(app, browser, f"/requests/{it.id}", f"/requests/{it.id}/visits/{visit.id}/need")

    assert at_once(app, [post] * 10) == [f"/requests/{it.id}"] * 10

    assert rows(ServiceRequest) == 2


@pytest.mark.parametrize("is_sent_first", [True, False], ids=["sent first", "thrown away first"])
def test_what_is_sent_and_thrown_away_at_the_same_moment_is_one_of_both_with_its_photos(
    app: Flask, a: Builders, *, is_sent_first: bool
) -> None:
    _ = a.bureau
    browser = Browser(app)
    told = {**TOLD, "photos": [(BytesIO(small_jpeg()), "tap.jpg")]}
    check = browser.send(f"/requests/new/form?category={a.any_category.id}", fields=told)
    sent = check.form(press="Send it now").values()
    thrown_away = check.path.removesuffix("/check") + "/discard"
    photo = db.session.scalars(select(Photo)).one()
    file = photo_path(app.config["SETTINGS"].uploads_path, photo.key)
    answers: dict[str, int] = {}

    def post(address: str) -> None:
        answers[address] = same_visitor(app, browser).post(address, data=sent).status_code

    both = [Thread(target=post, args=(address,)) for address in (check.path, thrown_away)]
    with transaction():
        hold(photo)  # both begin, and wait for it
        for thread in both if is_sent_first else reversed(both):
            thread.start()
            sleep(0.3)
    for thread in both:
        thread.join()

    db.session.expire_all()
    made = db.session.scalars(select(ServiceRequest)).all()
    photos = db.session.scalars(select(Photo)).all()
    assert answers == {check.path: 303 if made else 404, thrown_away: 303}
    assert [photo.service_request_id for photo in photos] == [it.id for it in made]
    assert file.exists() is bool(made)


# ---------------------------------------------------------------- results and decisions


def test_two_handlers_resolving_at_once_report_one_result(app: Flask, a: Builders) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    request_id, now = it.id, a.now
    handlers = [a.actor(a.team_leader(team)) for _ in range(6)]

    def resolving(actor: Actor) -> Callable[[], bool]:
        def act() -> bool:
            try:
                with transaction():
                    handling.resolve(
                        queries.find_for_change(actor, request_id),
                        outcome=Outcome.SOLVED,
                        answer="换了垫片。",
                        actor=actor,
                        now=now,
                    )
            except StepNotAllowedError:
                return False
            return True

        return act

    assert Counter(at_once(app, [resolving(one) for one in handlers])) == {True: 1, False: 5}
    assert steps_of(request_id)[Step.RESOLVE] == 1


def test_two_supervisors_deciding_at_once_make_one_decision(app: Flask, a: Builders) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    asked_id = a.approval(it, ApprovalKind.EXTENSION).id
    judges = [a.actor(a.supervisor()) for _ in range(6)]
    now = a.now

    def deciding(judge: Actor, *, granted: bool) -> Callable[[], Refusal | None]:
        def act() -> Refusal | None:
            try:
                with transaction():
                    asked = judging.find_approval(judge, asked_id, lock=True)
                    approvals.decide(asked, granted=granted, actor=judge, now=now)
            except RefusedError as refused:
                return refused.refusal
            return None

        return act

    acts = [deciding(judge, granted=index % 2 == 0) for index, judge in enumerate(judges)]
    assert Counter(at_once(app, acts)) == {None: 1, Refusal.ALREADY_ANSWERED: 5}

    steps = steps_of(it.id)
    assert steps[Step.EXTEND] + steps[Step.REFUSE_EXTENSION] == 1
    asked = db.session.get_one(Approval, asked_id)
    assert asked.granted is (steps[Step.EXTEND] == 1)


# ---------------------------------------------------------------- below


def posting(app: Flask, browser: Browser, page: str, address: str) -> Callable[[], str]:
    """Return what sends the empty form of `page` to `address`, and says where it leads."""
    token = browser.open(page).form("csrf_token").values()["csrf_token"]

    def act() -> str:
        client = same_visitor(app, browser)
        return client.post(address, data={"csrf_token": token}).headers["Location"]

    return act
