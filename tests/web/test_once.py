"""A form that is sent twice is taken once; another form, however alike, is another."""

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.pictures import small_jpeg
from tests.support.together import at_once, same_visitor
from tracker.clock import utc_now
from tracker.database import Model, db, transaction
from tracker.organisation.models import Area, Category, Unit
from tracker.service_requests import links
from tracker.service_requests.daily import run_daily
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import HistoryEntry, Photo, ServiceRequest
from tracker.teams.models import Team
from tracker.web.once import TakenForm

pytestmark = pytest.mark.both_databases

TAPS = 8
DONE = "This form had arrived already, and was done once."


def steps() -> Counter[Step]:
    """Return how often each step was taken."""
    return Counter(entry.step for entry in db.session.scalars(select(HistoryEntry)))


def rows(model: type[Model]) -> int:
    """Return how many rows there are."""
    return db.session.scalar(select(func.count()).select_from(model)) or 0


def tapped(
    app: Flask, browser: Browser, address: str, field: str, given: Mapping[str, object]
) -> Counter[int]:
    """Send one form many times at the same moment; return how often which status came back."""
    sent = {**browser.open(address).form(field).values(), **given}

    def act() -> int:
        client = same_visitor(app, browser)
        return client.post(
            address, data=sent, headers={"Referer": f"http://localhost{address}"}
        ).status_code

    return Counter(at_once(app, [act] * TAPS))


# ---------------------------------------------------------------- at the same moment


@pytest.mark.parametrize(
    ("page", "status", "given", "step"),
    [
        ("note", Status.IN_PROGRESS, {"public_note": "明天来"}, Step.NOTE),
        ("question", Status.IN_PROGRESS, {"question": "几楼？"}, Step.WAIT),
        ("resumption", Status.WAITING, {"note": "他打电话来了"}, Step.RESUME),
        (
            "referral",
            Status.IN_PROGRESS,
            {"to_whom": "区自来水公司,96390", "answer": "由自来水公司更换水表"},
            Step.REFER,
        ),
        ("receipt", Status.ASSIGNED, {}, Step.SIGN_FOR),
    ],
)
def test_of_many_taps_at_once_one_is_a_step_and_all_are_answered_as_done(
    app: Flask,
    a: Builders,
    browser: Browser,
    page: str,
    status: Status,
    given: dict[str, object],
    step: Step,
) -> None:
    team = a.team()
    it = a.service_request(team=team, status=status)
    before = steps()[step]
    browser.sign_in(a.coordinator() if page == "referral" else a.team_leader(team))
    field = next(iter(given), "once_key")

    answers = tapped(app, browser, f"/requests/{it.id}/{page}", field, given)

    assert answers == {303: TAPS}
    assert steps()[step] == before + 1


def test_who_sends_again_what_led_out_of_their_reach_is_led_where_the_first_was(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.ASSIGNED)
    browser.sign_in(a.team_leader(team))
    address = f"/requests/{it.id}/return"
    sent = {**browser.open(address).form("reason").values(), "reason": "不是我们的活"}
    referer = {"Referer": f"http://localhost{address}"}

    answers = [browser.request("POST", address, data=sent, headers=referer) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [303, 303]
    assert answers[1].location == answers[0].location
    assert DONE in browser.open(answers[1].location).text
    assert steps()[Step.RETURN] == 1


def test_many_taps_on_words_with_a_photo_keep_one_of_each(
    app: Flask, a: Builders, browser: Browser
) -> None:
    mine = a.service_request()
    address = f"/track/{links.token_for(mine.id, mine.link_salt)}/words"
    sent = {**browser.open(address).form("word").values(), "word": "又漏了"}

    def act() -> int:
        photos = [(BytesIO(small_jpeg()), "a.jpg")]
        client = same_visitor(app, browser)
        return client.post(
            address,
            data={**sent, "photos": photos},
            headers={"Referer": f"http://localhost{address}"},
        ).status_code

    answers = Counter(at_once(app, [act] * 4))

    assert answers == {303: 4}
    assert (steps()[Step.ADD_WORD], rows(Photo)) == (1, 1)
    uploads = app.config["SETTINGS"].uploads_path
    kept = [each for each in uploads.rglob("*") if each.is_file()]
    assert len({each.stem.split("-")[0].split(".")[0] for each in kept}) == 1


@pytest.mark.parametrize(
    ("address", "given", "model"),
    [
        ("/admin/areas/new", {"name": "青河里", "kind": "community"}, Area),
        ("/admin/units/new", {"name": "东城分局", "kind": "station"}, Unit),
        ("/admin/categories/new", {"name": "修锁"}, Category),
        ("/admin/teams/new", {"name": "青松队"}, Team),
    ],
)
def test_of_many_taps_at_once_one_makes_something(
    app: Flask,
    a: Builders,
    browser: Browser,
    address: str,
    given: dict[str, object],
    model: type[Model],
) -> None:
    if model in (Area, Unit):
        given = {**given, "unit_id" if model is Area else "parent_id": str(a.bureau.id)}
    browser.sign_in(a.administrator())
    before = rows(model)

    answers = tapped(app, browser, address, "name", given)

    assert answers == {303: TAPS}
    assert rows(model) == before + 1


# ---------------------------------------------------------------- one after the other


def test_who_sends_again_what_moved_the_request_on_reads_that_it_is_done(
    a: Builders, browser: Browser
) -> None:
    it = a.service_request(status=Status.SUBMITTED)
    page = browser.sign_in(a.coordinator()).open(f"/requests/{it.id}/acceptance")
    sent = page.form("note").values()
    browser.request("POST", page.path, data=sent)

    again = browser.request("POST", page.path, data=sent)

    assert (again.status_code, again.headers["Location"]) == (303, f"/requests/{it.id}")
    assert DONE in browser.open(f"/requests/{it.id}").text
    assert steps()[Step.ACCEPT] == 1
    other = browser.request("POST", page.path, data={**sent, "note": "x"})
    assert other.status_code == 409, "that one was never taken"


def test_a_volunteer_is_entered_once(a: Builders, browser: Browser) -> None:
    team = a.team()
    volunteer = a.volunteer(team)
    it = a.service_request(team=team, status=Status.IN_PROGRESS, volunteers_needed=2)
    page = browser.sign_in(a.team_leader(team)).open(f"/requests/{it.id}/volunteers")
    sent = {**page.form("person_id").values(), "person_id": str(volunteer.id)}

    answers = [browser.request("POST", page.path, data=sent).status_code for _ in range(2)]

    assert answers == [303, 303]
    assert db.session.get_one(ServiceRequest, it.id, populate_existing=True).places_taken == 1


def test_a_place_given_back_claimed_again_and_given_back_again_is_two_releases(
    a: Builders, browser: Browser
) -> None:
    """The same words for the same place within a minute: what tells them apart is the page."""
    team = a.team()
    me = a.volunteer(team)
    it = a.service_request(team=team, claimed_by=[me])
    browser.sign_in(me)

    for _ in range(2):
        browser.send(f"/requests/{it.id}/release", reason="出差")
        assert db.session.get_one(ServiceRequest, it.id, populate_existing=True).places_taken == 0
        token = browser.open("/board").form("csrf_token").values()
        browser.request("POST", f"/requests/{it.id}/claim", data=token)

    assert steps()[Step.RELEASE] == 2


def test_other_words_from_the_same_page_are_another_form(a: Builders, browser: Browser) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    page = browser.sign_in(a.team_leader(team)).open(f"/requests/{it.id}/note")
    form = page.form("internal_note").values()
    for words in ("明天来", "后天来", "明天来"):
        browser.request("POST", page.path, data={**form, "internal_note": words})

    assert steps()[Step.NOTE] == 2


def test_the_same_words_from_a_page_opened_anew_are_said_again(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    browser.sign_in(a.team_leader(team))
    for _ in range(2):
        browser.send(f"/requests/{it.id}/note", internal_note="没人接电话")

    assert steps()[Step.NOTE] == 2


def test_what_one_person_sent_is_not_what_another_sends(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    for each in (browser, new_browser()):
        page = each.sign_in(a.team_leader(team)).open(f"/requests/{it.id}/note")
        sent = {**page.form("internal_note").values(), "internal_note": "x", "once_key": "k" * 32}
        assert each.request("POST", page.path, data=sent).status_code == 303

    assert steps()[Step.NOTE] == 2


def test_what_was_refused_was_not_taken_and_may_be_sent_again(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    mine = a.service_request(status=Status.IN_PROGRESS)
    address = f"/track/{links.token_for(mine.id, mine.link_salt)}/urging"
    first, second = (
        {**browser.open(address).form("word").values(), "word": "快点"} for _ in range(2)
    )
    browser.request("POST", address, data=first)
    assert browser.request("POST", address, data=second).status_code != 303

    clock.shift(timedelta(days=1))
    assert browser.request("POST", address, data=second).status_code == 303
    assert steps()[Step.URGE] == 2


def test_a_form_that_was_kept_without_its_empty_file_field_is_the_same(
    a: Builders, browser: Browser
) -> None:
    mine = a.service_request()
    address = f"/track/{links.token_for(mine.id, mine.link_salt)}/words"
    sent = {**browser.open(address).form("word").values(), "word": "又漏了"}
    nothing_chosen = {**sent, "photos": [(BytesIO(b""), "")]}
    for given in (nothing_chosen, sent):
        assert browser.request("POST", address, data=given).status_code == 303

    assert steps()[Step.ADD_WORD] == 1


@pytest.mark.parametrize("key", [None, "", "short", "k" * 33, "k" * 31 + "\ud800"])
def test_a_form_without_a_key_of_ours_is_always_the_first(
    a: Builders, browser: Browser, key: str | None
) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    page = browser.sign_in(a.team_leader(team)).open(f"/requests/{it.id}/note")
    sent = {**page.form("internal_note").values(), "internal_note": "x"}
    del sent["once_key"]
    if key is not None:
        sent["once_key"] = [key.encode("utf-8", "replace").decode()]
    for _ in range(2):
        assert browser.request("POST", page.path, data=sent).status_code == 303

    assert steps()[Step.NOTE] == 2


def test_marks_are_forgotten_after_a_day_and_say_nothing(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    team = a.team()
    it = a.service_request(team=team, status=Status.IN_PROGRESS)
    browser.sign_in(a.team_leader(team)).send(f"/requests/{it.id}/note", internal_note="x")
    [taken] = db.session.scalars(select(TakenForm))
    assert len(taken.mark) == 64
    run_daily(utc_now())
    assert rows(TakenForm) == 1

    clock.shift(timedelta(days=1, seconds=1))
    assert "1 forms forgotten" in run_daily(utc_now())
    with transaction():
        assert rows(TakenForm) == 0
