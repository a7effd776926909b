"""Following a request by its private link, as somebody without JavaScript does it."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO
from threading import Thread
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select

from tests.support.browser import CHINESE, ENGLISH, Browser
from tests.support.builders import Builders
from tests.support.links import address
from tests.support.pictures import photos_worked_on, small_jpeg
from tests.support.together import at_once, same_visitor
from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.notifications.models import Message
from tracker.permissions import resident
from tracker.service_requests import links, queries
from tracker.service_requests.actions import (
    answers,
    approvals,
    dispatch,
    handling,
    intake,
    time_passing,
)
from tracker.service_requests.lifecycle import Outcome, Solved, Status, Step
from tracker.service_requests.models import (
    Approval,
    ApprovalKind,
    HistoryEntry,
    Photo,
    ReachableBy,
    ServiceRequest,
)
from tracker.service_requests.reference import format_reference
from tracker.service_requests.views import track

SPEAKING = ("words", "urging", "withdrawal", "link", "confirmation", "dispute")
WRONG = "Reference and code do not go together"


def other_code(service_request: ServiceRequest) -> str:
    """Return a code that is not the request's."""
    return f"{(int(links.code_for(service_request)) + 1) % 10**6:06}"


# ---------------------------------------------------------------- reference and code


def test_reference_and_code_lead_to_the_private_page(a: Builders, browser: Browser) -> None:
    mine = a.service_request()

    page = browser.send(
        "/track",
        reference=format_reference(mine.reference).replace("-", " "),
        code=links.code_for(mine),
    )

    assert page.path == address(mine)
    assert format_reference(mine.reference) in page.heading


def test_a_wrong_code_and_an_unknown_reference_are_answered_alike(
    a: Builders, browser: Browser
) -> None:
    mine = a.service_request()

    wrong = browser.send("/track", reference=mine.reference, code=other_code(mine))
    unknown = browser.send("/track", reference="4821093749", code="123456")
    mistyped = browser.send("/track", reference="4821093740", code="123456")

    for page in (wrong, unknown, mistyped):
        assert WRONG in page.text
    token = re.compile(r'name="(?:csrf_token|once_key)" value="[^"]+"|\d{10}|value="\d{6}"')
    assert token.sub("", wrong.html) == token.sub("", unknown.html)


def test_trying_codes_of_one_reference_ends_soon(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    mine = a.service_request()
    for _ in range(track.TRIES_OF_A_REFERENCE_FROM_AN_ADDRESS):
        browser.send("/track", reference=mine.reference, code=other_code(mine))

    page = browser.send("/track", reference=mine.reference, code=links.code_for(mine), status=429)
    assert "Too many tries" in page.text

    clock.shift(timedelta(hours=1, minutes=1))
    browser.send("/track", reference=mine.reference, code=links.code_for(mine))
    assert browser.page.path == address(mine)


def test_a_stranger_elsewhere_locks_nobody_out(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    mine, stranger = a.service_request(), new_browser()
    stranger.address = "2001:db8:1:2::1"
    for _ in range(track.TRIES_OF_A_REFERENCE_FROM_AN_ADDRESS):
        stranger.send("/track", reference=mine.reference, code=other_code(mine))
    stranger.address = "2001:db8:1:2:ffff::9"  # another address of the same household
    stranger.send("/track", reference=mine.reference, code=other_code(mine), status=429)

    browser.send("/track", reference=mine.reference, code=links.code_for(mine))

    assert browser.page.path == address(mine)


def test_many_strangers_together_wait_as_one(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    mine, strangers = a.service_request(), new_browser()
    for number in range(track.TRIES_OF_A_REFERENCE):
        strangers.address = f"192.0.2.{number + 1}"
        strangers.send("/track", reference=mine.reference, code=other_code(mine))

    browser.send("/track", reference=mine.reference, code=links.code_for(mine), status=429)


def test_trying_references_from_one_address_ends_soon(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(track, "TRIES_OF_AN_ADDRESS", 2)
    for reference in ("4821093749", "1000000008"):
        browser.send("/track", reference=reference, code="1")

    browser.send("/track", reference="1000000016", code="1", status=429)


@pytest.mark.parametrize("page", ["", "receipt", "slip", "qr.svg", "words", "link"])
def test_a_guessed_link_is_not_there(a: Builders, browser: Browser, page: str) -> None:
    mine = a.service_request()
    guessed = address(mine, page).replace(address(mine)[-4:], "aaaa")

    assert "This link leads nowhere" in browser.open(guessed, status=404).text


def test_private_pages_are_kept_from_search_engines_and_caches(
    a: Builders, browser: Browser
) -> None:
    page = browser.open(address(a.service_request()))

    assert page.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert page.headers["Cache-Control"] == "no-store"


# ---------------------------------------------------------------- the receipt


def test_the_receipt_and_the_slip_show_the_numbers_the_link_and_what_happens_next(
    a: Builders, browser: Browser
) -> None:
    mine = a.service_request()
    code = links.code_for(mine)

    for page in (browser.open(address(mine, "receipt")), browser.open(address(mine, "slip"))):
        assert format_reference(mine.reference) in page.text
        assert f"{code[:3]} {code[3:]}" in page.text
        assert "By Thu 12 Mar 2026, 18:00 at the latest." in page.text
    assert mine.need not in browser.page.text  # a slip lies about


def test_the_qr_code_is_a_picture(a: Builders, browser: Browser) -> None:
    answer = browser.request("GET", address(a.service_request(), "qr.svg"))

    assert answer.mimetype == "image/svg+xml"
    assert "style=" not in answer.text


# ---------------------------------------------------------------- where it stands


@pytest.mark.parametrize(
    ("status", "stands", "next_step"),
    [
        (Status.SUBMITTED, "We have received your request", "The desk reads it"),
        (Status.ACCEPTED, "The desk has accepted", "gives it to a volunteer team"),
        (Status.ASSIGNED, "was given to Team", "The team confirms"),
        (Status.IN_PROGRESS, "is working on it", "The team does the work"),
        (Status.WAITING, "We need your answer", "It is your turn: please answer"),
        (Status.PARKED, "It cannot be done at the moment", "We look at it again"),
        (Status.RESOLVED, "We think it is done. Is it?", "tell us whether it is solved"),
        (Status.CLOSED, "you have told us how it went", "Nothing more."),
    ],
)
def test_every_status_says_where_it_stands_and_what_happens_next(
    a: Builders, browser: Browser, status: Status, stands: str, next_step: str
) -> None:
    mine = a.service_request(status=status)

    page = browser.open(address(mine))

    assert stands in page.text
    assert next_step in page.text


def test_who_is_asked_reads_what_happens_without_an_answer(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.WAITING)

    assert "If no answer comes by Tue 24 Mar 2026, we go on without it" in (
        browser.open(address(mine)).text
    )
    for week in (1, 2, 3):
        with transaction():
            time_passing.take_question_turn(mine, now=a.now + timedelta(days=7 * week))

    page = browser.open(address(mine))
    assert "We asked you once more" in page.text
    assert "We go on without your answer" in page.text
    assert "whether it is solved" not in page.text


@pytest.mark.parametrize("status", Status)
def test_every_status_has_its_page_in_chinese(
    a: Builders, chinese_browser: Browser, status: Status
) -> None:
    page = chinese_browser.open(address(a.service_request(status=status)))

    assert page.language == "zh-Hans"
    assert "What happens" not in page.text


def test_when_we_are_late_we_say_so(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    mine = a.service_request(status=Status.IN_PROGRESS)
    clock.shift(timedelta(days=30))

    assert "We are late, and we are sorry." in browser.open(address(mine)).text


def test_public_notes_show_and_internal_ones_never_do(
    a: Builders, browser: Browser, now: datetime
) -> None:
    team = a.team()
    leader = a.team_leader(team, name="欧阳修")
    mine = a.service_request(status=Status.IN_PROGRESS, team=team)
    with transaction():
        handling.add_note(
            mine,
            public_note="The part is ordered.",
            internal_note="SECRET REMARK",
            actor=a.actor(leader),
            now=now,
        )
        handling.add_note(mine, internal_note="SECRET TOO", actor=a.actor(leader), now=now)

    page = browser.open(address(mine))

    assert "The part is ordered." in page.text
    assert "SECRET" not in page.html
    assert "欧阳修" not in page.html


def test_who_comes_and_when_is_told_by_name(a: Builders, browser: Browser) -> None:
    team = a.team()
    volunteer = a.volunteer(team, name="林小雨")
    mine = a.service_request(team=team, claimed_by=[volunteer])
    a.planned_visit(mine, by=volunteer)

    page = browser.open(address(mine))

    assert "Who comes and when" in page.text
    assert "林小雨" in page.text
    assert "Thu 12 Mar 2026, 10:00" in page.text


def test_looking_changes_nothing(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.RESOLVED)
    before = (mine.version, len(list(db.session.scalars(select(HistoryEntry)))))

    for page in ("", "receipt", "slip", "words", "urging", "withdrawal", "confirmation", "dispute"):
        browser.open(address(mine, page), status=None)

    assert (mine.version, len(list(db.session.scalars(select(HistoryEntry))))) == before


def test_a_long_history_asks_no_more_of_the_database(
    a: Builders,
    browser: Browser,
    now: datetime,
    count_queries: Callable[[Callable[[], object]], int],
) -> None:
    mine = a.service_request(status=Status.IN_PROGRESS)
    private = address(mine)
    few = count_queries(lambda: browser.open(private))
    with transaction():
        for number in range(8):
            answers.add_word(mine, word=f"Word {number}", actor=resident(mine.id), now=now)
    for _ in range(3):
        a.photo(mine)

    assert count_queries(lambda: browser.open(private)) == few


# ---------------------------------------------------------------- what one can do


def test_the_answer_to_our_question_starts_the_clock_again(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.WAITING)
    page = browser.open(address(mine))
    assert "请问哪天在家?" in page.text

    browser.click("Answer")
    page = browser.send(word="On Thursday.")

    assert mine.status is Status.IN_PROGRESS
    assert "On Thursday." in page.text


def test_a_word_with_a_photo_is_added(a: Builders, browser: Browser) -> None:
    mine = a.service_request()

    page = browser.send(
        address(mine, "words"), word="It got worse.", photos=[(BytesIO(small_jpeg()), "a.jpg")]
    )

    assert "It got worse." in page.text
    [photo] = db.session.scalars(select(Photo))
    assert (photo.service_request_id, photo.added_by_id) == (mine.id, None)


@pytest.mark.parametrize("word", ["It got worse.", ""])
def test_a_word_with_a_photo_that_is_sent_twice_is_added_once(
    a: Builders, browser: Browser, word: str
) -> None:
    mine = a.service_request()
    form = browser.open(address(mine, "words")).form("word").values()

    def send(colour: str) -> None:
        photos = [(BytesIO(small_jpeg(colour)), "a.jpg")]
        given = {**form, "word": word, "photos": photos}
        assert browser.request("POST", address(mine, "words"), data=given).status_code == 303

    send("red")
    send("red")
    is_word = select(HistoryEntry).where(HistoryEntry.step == Step.ADD_WORD)
    assert (
        len(db.session.scalars(is_word).all()) == len(db.session.scalars(select(Photo)).all()) == 1
    )

    send("blue")
    assert (
        len(db.session.scalars(is_word).all()) == len(db.session.scalars(select(Photo)).all()) == 2
    )


@pytest.mark.parametrize("status", [Status.IN_PROGRESS, Status.WAITING])
def test_photos_without_a_word_are_told_to_each_in_their_language(
    a: Builders, browser: Browser, status: Status
) -> None:
    mine = a.service_request(status=status)
    photos = [(BytesIO(small_jpeg()), f"{name}.jpg") for name in "ab"]

    browser.speak(CHINESE).send(address(mine, "words"), photos=photos)

    assert "补充了 2 张照片。" in browser.open(address(mine)).text
    english = browser.speak(ENGLISH).open(address(mine)).text
    assert "Added 2 photos." in english
    assert "照片" not in english
    staff = browser.sign_in(a.supervisor()).open(f"/requests/{mine.id}").text
    assert "Added 2 photos." in staff


def test_a_double_tap_adds_a_word_once(a: Builders, browser: Browser) -> None:
    mine = a.service_request()
    form = browser.open(address(mine, "words")).form("word").values()
    for word in ("It got worse.", "It got worse.", "It stopped."):
        browser.request("POST", address(mine, "words"), data={**form, "word": word})
    browser.send(address(mine, "words"), word="It stopped.")

    notes = [entry.public_note for entry in db.session.scalars(select(HistoryEntry))]
    assert notes.count("It got worse.") == 1
    assert notes.count("It stopped.") == 2, "said once more, from a page opened anew"


@pytest.mark.parametrize("word", [" ", "\u200b"])
def test_nothing_at_all_cannot_be_added(a: Builders, browser: Browser, word: str) -> None:
    page = browser.send(address(a.service_request(), "words"), word=word)

    assert "word" in page.errors


def test_many_words_in_a_row_are_told_once_and_in_the_end_have_to_wait(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    team = a.team()
    a.team_leader(team)
    mine = a.service_request(status=Status.IN_PROGRESS, team=team)
    is_told = select(Message).where(Message.payload["step"].as_string() == "add_word")
    for number in range(track.WORDS_AN_HOUR):
        browser.send(address(mine, "words"), word=f"Word {number}.")
        clock.shift(timedelta(minutes=1))
    told = db.session.scalars(is_told).all()
    assert told
    assert len(told) == len({message.address for message in told})

    page = browser.send(address(mine, "words"), word="One more.")

    assert "Please wait a while" in page.text
    assert page.form("word").values()["word"] == ["One more."]
    assert "One more." not in browser.open(address(mine)).text
    clock.shift(timedelta(hours=1))
    assert "One more." in browser.send(address(mine, "words"), word="One more.").text


def test_a_word_after_the_message_about_the_last_has_gone_is_told_again(
    a: Builders, browser: Browser, now: datetime
) -> None:
    team = a.team()
    a.team_leader(team)
    mine = a.service_request(status=Status.IN_PROGRESS, team=team)
    is_told = select(Message).where(Message.payload["step"].as_string() == "add_word")
    browser.send(address(mine, "words"), word="It got worse.")
    first = db.session.scalars(is_told).all()
    with transaction():
        for message in first:
            message.sent_at = now

    browser.send(address(mine, "words"), word="Much worse.")

    assert len(db.session.scalars(is_told).all()) == 2 * len(first) > 0


def test_a_broken_photo_is_named_and_the_word_is_kept(a: Builders, browser: Browser) -> None:
    mine = a.service_request()

    page = browser.send(
        address(mine, "words"),
        word="Look.",
        photos=[(BytesIO(b"nothing"), "a.jpg"), (BytesIO(b"<html>"), "b.jpg")],
    )

    assert "a.jpg: Only photos" in page.errors["photos"]
    assert "b.jpg: Only photos" in page.errors["photos"]
    assert page.form("word").values()["word"] == ["Look."]


@pytest.mark.parametrize(
    ("why", "status"), [("made up", 404), ("handled", 403), ("withdrawn", 409), ("too often", 200)]
)
def test_photos_that_cannot_be_taken_are_not_worked_on(
    app: Flask,
    a: Builders,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    why: str,
    status: int,
) -> None:
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", value=False)
    worked_on = photos_worked_on(monkeypatch)
    team = a.team()
    mine = a.service_request(status=Status.IN_PROGRESS, team=team)
    where = address(mine, "words")
    match why:
        case "made up":
            where = f"/track/{'0' * 40}/words"
        case "handled":
            browser.sign_in(a.team_leader(team))
        case "withdrawn":
            browser.send(address(mine, "withdrawal"))
        case _:
            monkeypatch.setattr(track, "WORDS_AN_HOUR", 0)
    photo = (BytesIO(small_jpeg()), "a.jpg")

    answer = browser.request("POST", where, data={"word": "Look.", "photos": photo})

    assert answer.status_code == status
    assert worked_on == []
    assert list(db.session.scalars(select(Photo))) == []


def test_more_photos_than_a_request_has_room_for_are_not_worked_on(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_on = photos_worked_on(monkeypatch)
    mine = a.service_request()

    colours = (f"hsl({hue}, 90%, 50%)" for hue in range(0, 360, 11))

    def photos(number: int) -> list[tuple[BytesIO, str]]:
        return [(BytesIO(small_jpeg(next(colours))), f"{each}.jpg") for each in range(number)]

    assert "photos" in browser.send(address(mine, "words"), photos=photos(6)).errors
    assert worked_on == []
    for _ in range(4):
        browser.send(address(mine, "words"), photos=photos(5))
    assert len(worked_on) == 20
    assert "photos" in browser.send(address(mine, "words"), photos=photos(1)).errors
    assert len(worked_on) == 20


def test_one_can_urge_once_a_day(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    mine = a.service_request(status=Status.IN_PROGRESS)

    form = browser.open(address(mine, "urging")).form().filled({"word": "Hurry."})
    browser.send(address(mine, "urging"), word="The water rises.")
    refused = browser.request("POST", address(mine, "urging"), data=form)
    assert "You urged today already" in refused.get_data(as_text=True)
    assert "You urged today already" in browser.open(address(mine, "urging"), status=409).text

    clock.shift(timedelta(days=1))
    browser.send(address(mine, "urging"))
    assert mine.times_urged == 2


def test_withdrawing_closes_it(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.IN_PROGRESS)

    page = browser.send(address(mine, "withdrawal"), reason="My son did it.")

    assert (mine.status, mine.outcome) == (Status.CLOSED, Outcome.WITHDRAWN)
    assert "You have withdrawn this request." in page.text


def test_confirming_closes_it_with_the_rating(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.RESOLVED)

    browser.open(address(mine))
    browser.click("Rate it and close it")
    page = browser.send(solved=Solved.PARTLY, satisfaction=4, word="Thank you all.")

    assert (mine.status, mine.solved, mine.satisfaction) == (Status.CLOSED, Solved.PARTLY, 4)
    assert "Thank you all." in page.text


@pytest.mark.parametrize("solved", [Solved.YES, Solved.PARTLY])
def test_the_requester_reads_whom_their_word_goes_to(
    a: Builders, browser: Browser, solved: Solved
) -> None:
    mine = a.service_request(status=Status.RESOLVED)

    page = browser.send(address(mine, "confirmation"), solved=solved, satisfaction=4)

    goes_to_all = "It goes to everyone who helped." in page.text
    assert goes_to_all is (solved is Solved.YES)
    assert ("It goes to those who have your request." in page.text) is not goes_to_all


@pytest.mark.parametrize("page", ["confirmation", "dispute"])
def test_whoever_worked_on_it_does_not_judge_it_by_the_link_either(
    a: Builders, browser: Browser, chinese_browser: Browser, page: str
) -> None:
    mine = a.service_request(status=Status.RESOLVED)
    handler = db.session.get_one(Person, min(mine.handler_ids))
    typed = {"solved": "yes", "satisfaction": "5", "word": "All well.", "reason": "All well."}
    visitor = browser.open(address(mine, page)).form().filled({})
    assert "Rate it and close it" in browser.open(address(mine)).text

    browser.sign_in(handler)
    chinese_browser.sign_in(handler)

    own = browser.open(address(mine, page), status=403)
    assert "You worked on this request, so somebody else has to judge the result." in own.text
    assert "Rate it and close it" not in browser.open(address(mine)).text
    assert "您参与了办理" in chinese_browser.open(address(mine, page), status=403).text
    token = browser.open("/track").form("reference").values()["csrf_token"]
    answer = browser.request(
        "POST",
        address(mine, page),
        data={**visitor, **typed, "csrf_token": token},
        headers={"Referer": own.url},
    )
    assert answer.status_code == 403
    assert "All well." in answer.text
    db.session.refresh(mine)
    assert (mine.status, mine.confirmation) == (Status.RESOLVED, None)


def test_staff_who_did_not_work_on_it_judge_their_own_request(
    a: Builders, browser: Browser
) -> None:
    mine = a.service_request(status=Status.RESOLVED)
    browser.sign_in(a.volunteer())

    browser.send(address(mine, "confirmation"), solved="yes", satisfaction="5")

    assert mine.status is Status.CLOSED


@pytest.mark.parametrize("page", ["words", "urging", "withdrawal", "link"])
def test_whoever_works_on_it_does_not_speak_for_its_requester(
    a: Builders, browser: Browser, chinese_browser: Browser, page: str
) -> None:
    mine = a.service_request(status=Status.IN_PROGRESS)
    handler = db.session.get_one(Person, min(mine.handler_ids))
    private = address(mine)
    visitor = browser.open(address(mine, page)).form().filled({})
    assert "Withdraw it" in browser.open(private).text

    browser.sign_in(handler)

    why = "so only its requester speaks here"
    own = browser.open(address(mine, page), status=403)
    assert why in own.text
    assert "只有诉求人自己" in chinese_browser.sign_in(handler).open(own.path, status=403).text
    shown = browser.open(private)
    assert why in shown.text
    assert not {each.href for each in shown.links} & {f"{private}/{each}" for each in SPEAKING}
    token = browser.open("/track").form("reference").values()["csrf_token"]
    answer = browser.request(
        "POST",
        address(mine, page),
        data={**visitor, "word": "再等等", "reason": "不要了", "csrf_token": token},
        headers={"Referer": own.url},
    )
    assert answer.status_code == 403
    db.session.refresh(mine)
    assert (mine.status, mine.times_urged, address(mine)) == (Status.IN_PROGRESS, 0, private)


def test_whoever_leads_a_team_that_helps_does_not_speak_for_its_requester(
    a: Builders, browser: Browser
) -> None:
    helping = a.team()
    mine = a.service_request(status=Status.RESOLVED, team=a.team(), helping_teams=[helping])
    browser.sign_in(a.team_leader(helping))

    for page in ("confirmation", "dispute", "words", "withdrawal"):
        browser.open(address(mine, page), status=403)
    browser.sign_in(a.team_leader()).open(address(mine, "confirmation"))


def test_whoever_took_the_call_is_no_handler_and_may_withdraw_it(
    a: Builders, browser: Browser
) -> None:
    desk = a.coordinator()
    with transaction():
        mine = intake.take_in(
            intake.NewRequest(
                category_id=a.any_category.id,
                need="水龙头坏了",
                reachable_by=ReachableBy.PHONE,
                phone="+8613800138000",
            ),
            submission_key="call-1",
            actor=a.actor(desk),
            now=a.now,
        )

    browser.sign_in(desk).send(address(mine, "withdrawal"), reason="来电说不需要了")

    db.session.refresh(mine)
    assert mine.outcome is Outcome.WITHDRAWN


def test_confirming_needs_both_answers(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.RESOLVED)

    page = browser.send(address(mine, "confirmation"), word="Thanks.")

    assert "Choose whether it is solved." in page.text
    assert "Choose how satisfied you are." in page.text
    assert mine.status is Status.RESOLVED


def test_not_solved_before_closing_takes_it_up_again(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.RESOLVED)

    browser.open(address(mine))
    browser.click("Not done: please go on")
    browser.send(reason="It drips again.")

    assert (mine.status, mine.times_reopened) == (Status.IN_PROGRESS, 1)


def test_each_choice_says_what_follows_from_it(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.RESOLVED)

    browser.open(address(mine))
    page = browser.click("Rate it and close it")
    assert "It is closed as not solved; nobody works on it any more." in page.text
    page = browser.click("Please go on with it")

    assert page.heading == "Please go on with it"
    assert "Send, so that work goes on" in page.buttons
    closed = a.service_request(status=Status.CLOSED)
    browser.open(address(closed))
    page = browser.click("Ask to have it taken up again")
    assert page.heading == "Ask to have it taken up again"
    assert "Send to the supervisor" in page.buttons


def test_not_solved_after_closing_asks_a_supervisor(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.CLOSED)

    page = browser.send(address(mine, "dispute"), reason="It drips again.")

    assert mine.status is Status.CLOSED
    assert "A supervisor who did not work on it decides" in page.text
    [asked] = db.session.scalars(select(Approval))
    assert asked.kind is ApprovalKind.REOPENING
    assert "This is not possible" in browser.open(address(mine, "dispute"), status=409).text


def test_the_supervisors_decision_shows(a: Builders, browser: Browser, now: datetime) -> None:
    mine = a.service_request(status=Status.CLOSED)
    asked = a.approval(mine, ApprovalKind.REOPENING)
    with transaction():
        approvals.decide(asked, granted=True, actor=a.actor(a.supervisor()), now=now)

    assert "is working on it" in browser.open(address(mine)).text


def test_after_thirty_days_it_is_too_late_to_dispute(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    mine = a.service_request(status=Status.CLOSED)
    clock.shift(timedelta(days=31))

    assert "taken up again" not in browser.open(address(mine)).text
    browser.open(address(mine, "dispute"), status=409)


@pytest.mark.parametrize("page", ["words", "urging", "withdrawal", "confirmation", "dispute"])
def test_what_is_withdrawn_takes_no_more_steps(
    a: Builders, browser: Browser, now: datetime, page: str
) -> None:
    mine = a.service_request()
    with transaction():
        answers.withdraw(mine, actor=resident(mine.id), now=now)

    assert "You have withdrawn this request." in browser.open(address(mine, page), status=409).text


def test_a_step_that_came_too_late_says_how_it_stands(
    a: Builders, browser: Browser, now: datetime
) -> None:
    mine = a.service_request()
    page = browser.open(address(mine, "withdrawal"))
    with transaction():
        dispatch.decline(
            mine,
            reason="Please ask the water works.",
            where_to_turn="Water works, 96390",
            actor=a.actor(a.coordinator()),
            now=now,
        )

    browser._follow(
        browser.request("POST", page.path, data=page.form("reason").values()), status=409
    )

    assert mine.outcome is Outcome.OUT_OF_SCOPE


def test_a_new_link_revokes_the_old_one_and_the_code(a: Builders, browser: Browser) -> None:
    mine = a.service_request()
    old, old_code = address(mine), links.code_for(mine)

    page = browser.send(address(mine, "link"), press="Make a new link")

    assert page.path == address(mine, "receipt")
    browser.open(old, status=404)
    assert WRONG in browser.send("/track", reference=mine.reference, code=old_code).text
    browser.open(address(mine))


def test_of_those_who_renew_a_link_at_the_same_moment_one_does(
    app: Flask, a: Builders, browser: Browser
) -> None:
    mine = a.service_request()
    forms = [browser.open(address(mine, "link")).form("csrf_token").values() for _ in range(4)]
    page = address(mine, "link")

    def act(sent: Mapping[str, list[str]]) -> tuple[int, str]:
        answer = same_visitor(app, browser).post(page, data=sent)
        return answer.status_code, answer.headers.get("Location", "")

    given = sorted(at_once(app, [partial(act, sent) for sent in forms]))

    assert [status for status, _ in given] == [303, 404, 404, 404]
    assert given[0][1] == address(mine, "receipt")


@pytest.mark.parametrize("taps", ["at once", "one after the other"])
def test_a_new_link_asked_for_by_a_double_tap_is_one_and_reaches_who_asked(
    app: Flask, a: Builders, browser: Browser, taps: str
) -> None:
    mine = a.service_request()
    page = browser.open(address(mine, "link"))
    sent = page.form("csrf_token").values()

    def act() -> tuple[int, str]:
        answer = same_visitor(app, browser).post(page.path, data=sent)
        return answer.status_code, answer.headers.get("Location", "")

    given = at_once(app, [act] * 4) if taps == "at once" else [act() for _ in range(3)]

    db.session.rollback()
    assert set(given) == {(303, address(mine, "receipt"))}


def test_nobody_else_who_had_the_old_link_learns_the_new_one(a: Builders, browser: Browser) -> None:
    mine = a.service_request()
    page = browser.open(address(mine, "link"))
    sent = page.form("csrf_token").values()
    browser.request("POST", page.path, data=sent)

    for key in ("", "x" * 32, sent["key"][0].swapcase()):
        answer = browser.request("POST", page.path, data={**sent, "key": key})
        assert answer.status_code == 404


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
@pytest.mark.parametrize("page", ["words", "withdrawal", "link"])
def test_who_waited_while_the_link_was_renewed_is_nobody(
    app: Flask, a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    mine = a.service_request()
    form = browser.open(address(mine, page))
    sent = form.form("csrf_token").filled({"word": "It got worse."} if page == "words" else {})
    theirs = browser.open(address(mine, "link")).form("csrf_token").values()
    renewed, find, mine_id = address(mine, "link"), queries.find_for_change, mine.id

    def find_and_be_overtaken(*given: Any) -> ServiceRequest:  # noqa: ANN401 - passed on
        monkeypatch.setattr(queries, "find_for_change", find)
        other = same_visitor(app, browser)
        at_other = Thread(target=lambda: other.post(renewed, data=theirs))
        at_other.start()
        at_other.join()
        return find(*given)

    monkeypatch.setattr(queries, "find_for_change", find_and_be_overtaken)
    answer = same_visitor(app, browser).post(form.path, data=sent)

    assert answer.status_code == 404
    steps = db.session.scalars(select(HistoryEntry.step)).all()
    assert not {Step.ADD_WORD, Step.WITHDRAW} & set(steps)
    assert db.session.get_one(ServiceRequest, mine_id).status is Status.SUBMITTED


# ---------------------------------------------------------------- photos


def test_the_holder_of_the_link_sees_their_own_photos_and_those_of_the_result(
    a: Builders, browser: Browser
) -> None:
    volunteer = a.volunteer()
    mine = a.service_request(status=Status.RESOLVED)
    own = a.photo(mine)
    evidence = a.photo(mine, is_evidence=True, added_by_id=volunteer.id)
    internal = a.photo(mine, added_by_id=volunteer.id)

    page = browser.open(address(mine))

    assert own.key in page.html
    assert evidence.key in page.html
    assert internal.key not in page.html


def test_an_urge_before_a_team_has_it_reaches_the_desk(a: Builders, browser: Browser) -> None:
    desk, elsewhere = a.coordinator(email="desk@example.org"), a.unit()
    a.coordinator(elsewhere, email="other@example.org")
    it = a.service_request(status=Status.SUBMITTED)

    browser.send(address(it, "urging"))

    told = db.session.scalars(select(Message.address).where(Message.kind == "staff_step")).all()
    assert told == [desk.email]
    assert "Ask us to hurry" not in browser.open(address(it)).text


def test_a_dispute_that_comes_after_closing_says_who_decides(
    a: Builders, browser: Browser, now: datetime
) -> None:
    mine = a.service_request(status=Status.RESOLVED)
    browser.open(address(mine, "dispute"))
    with transaction():
        answers.confirm(mine, solved=Solved.YES, satisfaction=5, actor=resident(mine.id), now=now)

    page = browser.send(reason="It drips again.")

    assert "a supervisor who did not work on it decides" in page.text


def test_an_urge_that_reaches_the_desk_says_so(a: Builders, browser: Browser) -> None:
    mine = a.service_request(status=Status.SUBMITTED)
    browser.open(address(mine, "urging"))

    assert "We have told the desk." in browser.send(word="Please.").text


def test_what_was_not_done_shows_no_way_that_it_did_not_go(
    a: Builders, browser: Browser, now: datetime
) -> None:
    withdrawn, declined = a.service_request(), a.service_request(status=Status.SUBMITTED)
    with transaction():
        answers.withdraw(withdrawn, actor=resident(withdrawn.id), now=now)
        dispatch.decline(
            declined,
            reason="",
            where_to_turn="",
            is_spam=True,
            actor=a.actor(a.coordinator()),
            now=now,
        )

    for one in (withdrawn, declined):
        page = browser.open(address(one))
        assert "Helpers found" not in page.text
        assert "Below it says" not in page.text


@pytest.mark.parametrize(
    ("page", "status", "given", "step"),
    [
        ("dispute", Status.CLOSED, {"reason": "It drips again."}, Step.ASK_REOPENING),
        ("dispute", Status.RESOLVED, {"reason": "It drips again."}, Step.DISPUTE),
        (
            "confirmation",
            Status.RESOLVED,
            {"solved": "yes", "satisfaction": "5", "word": "Thanks."},
            Step.CONFIRM,
        ),
        ("withdrawal", Status.IN_PROGRESS, {"reason": "Done myself."}, Step.WITHDRAW),
        ("urging", Status.IN_PROGRESS, {"word": "Please."}, Step.URGE),
    ],
)
def test_the_same_step_sent_twice_is_taken_once(
    a: Builders, browser: Browser, page: str, status: Status, given: dict[str, str], step: Step
) -> None:
    mine = a.service_request(status=status)
    form = browser.open(address(mine, page)).form(next(iter(given))).values()

    answers_given = [
        browser.request("POST", address(mine, page), data={**form, **given}) for _ in range(2)
    ]

    assert [answer.status_code for answer in answers_given] == [303, 303]
    assert sum(entry.step is step for entry in queries.history_of(mine)) == 1
    other = browser.request(
        "POST", address(mine, page), data={**form, **given} | dict.fromkeys(given, "no")
    )
    assert other.status_code in (200, 409)
    assert sum(entry.step is step for entry in queries.history_of(mine)) == 1


def test_the_same_words_after_another_step_are_another_step(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    team = a.team()
    handler = a.actor(a.team_leader(team))
    mine = a.service_request(team=team, status=Status.RESOLVED)

    def dispute() -> list[Step]:
        clock.shift(timedelta(seconds=5))
        browser.send(address(mine, "dispute"), reason="It drips.")
        return [entry.step for entry in queries.history_of(mine)]

    assert dispute().count(Step.DISPUTE) == 1
    with transaction():
        clock.shift(timedelta(seconds=5))
        handling.resolve(
            db.session.merge(mine),
            outcome=Outcome.SOLVED,
            answer="Done.",
            actor=handler,
            now=utc_now(),
        )

    assert dispute().count(Step.DISPUTE) == 2


def test_the_same_answer_to_another_question_is_another_answer(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    team = a.team()
    handler = a.actor(a.team_leader(team))
    mine = a.service_request(team=team, status=Status.IN_PROGRESS)
    for question in ("Is it the kitchen?", "Is it cold water?"):
        with transaction():
            clock.shift(timedelta(seconds=5))
            asked = db.session.merge(mine)
            handling.ask_requester(asked, question=question, actor=handler, now=utc_now())
        clock.shift(timedelta(seconds=5))
        browser.send(address(mine, "words"), word="Yes.")

    assert mine.status is Status.IN_PROGRESS
    assert sum(entry.step is Step.RESUME for entry in queries.history_of(mine)) == 2
