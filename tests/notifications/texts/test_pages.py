"""Administrators write messages in their own words: looked at first, kept safe, taken back."""

from collections.abc import Callable
from typing import Any, Final

import pytest
from sqlalchemy import func, select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.letters import examples, letter_of
from tracker.accounts.models import AuditEntry
from tracker.database import db, transaction
from tracker.notifications import outbox
from tracker.notifications.letters import Letter
from tracker.notifications.texts.models import MessageText
from tracker.permissions import Role

ASSIGN: Final = "/admin/messages/requester_step/assign/en"
WAIT: Final = "/admin/messages/requester_step/wait/en"


@pytest.fixture
def desk(a: Builders, browser: Browser) -> Browser:
    """Give an administrator's browser."""
    a.organisation(name="清溪市便民服务局", name_en="Qingxi Bureau of Services", phone="12345")
    return browser.sign_in(a.administrator())


def sent(a: Builders, name: str, locale: str = "en", **changed: Any) -> Letter:  # noqa: ANN401 - facts
    """Return the letter of an example as it goes out now."""
    kind, payload = next(
        (kind, payload) for kind, step, payload in examples() if f"{kind} {step}".strip() == name
    )
    with transaction():
        message = outbox.enqueue(
            kind, address="x@example.org", locale=locale, payload=payload | changed, now=a.now
        )
    return letter_of(message, locale)


def test_only_administrators_at_the_top_may(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator(a.unit())).open("/admin/messages/", status=403)
    browser.sign_in(a.holder(Role.SUPERVISOR)).open(ASSIGN, status=403)


@pytest.mark.parametrize(
    "address",
    [
        "/admin/messages/requester_step/assign/fr",
        "/admin/messages/requester_step/nothing/en",
        "/admin/messages/ladder/all/en",
        "/admin/messages/news/assigned/en",
    ],
)
def test_what_has_no_words_to_change_is_not_there(desk: Browser, address: str) -> None:
    desk.open(address, status=404)


def test_a_message_goes_out_in_an_administrators_words_in_that_language_alone(
    a: Builders, desk: Browser
) -> None:
    before = sent(a, "requester_step assign", "zh_Hans_CN")
    page = desk.send(
        ASSIGN, subject="{team} helps you", body="Hello!\n\n{team} comes until {due}.", press="Save"
    )
    assert "Saved." in page.text

    written = sent(a, "requester_step assign")
    assert written.subject == "Qingxi volunteers helps you · 202-603-1100017"
    assert "Hello!\n\nQingxi volunteers comes until" in written.text
    assert "takes care of it" not in written.text
    for form in (written.text, written.html):
        assert "Your request 202-603-1100017: Water and power" in form
        assert "/track/" in form
        assert "The page is for you alone. Please do not pass the link on." in form
        assert "Qingxi Bureau of Services" in form
    assert sent(a, "requester_step assign", "zh_Hans_CN") == before
    listed = desk.open("/admin/messages/").text
    assert listed.count("your words") == 1


def test_a_form_opens_with_our_words_and_what_says_the_same_goes_on_following_ours(
    a: Builders, desk: Browser
) -> None:
    desk.send(ASSIGN, subject="Somebody helps you", press="Save")
    text = db.session.scalars(select(MessageText)).one()
    assert (text.subject, text.body) == ("Somebody helps you", "")
    assert "{team} takes care of it." in desk.open(ASSIGN).form("subject").values()["body"][0]
    assert "Qingxi volunteers takes care of it." in sent(a, "requester_step assign").text


def test_looking_at_it_first_keeps_nothing(a: Builders, desk: Browser) -> None:
    before = sent(a, "requester_step assign")
    page = desk.send(
        ASSIGN, subject="Good news", body="{team} rings you up.", press="Look at it first"
    )
    assert "Qingxi volunteers rings you up." in page.text
    assert "Good news · 482-109-3749" in page.text
    assert "Nothing is saved yet." in page.text
    assert page.form("subject").values()["body"] == ["{team} rings you up."]
    assert db.session.scalar(select(func.count()).select_from(MessageText)) == 0
    assert sent(a, "requester_step assign") == before


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("subject", "{tema}", "{tema}"),
        ("body", "{% include 'mail/reset.txt' %}", "{% include"),
        ("body", "{team.__class__.__mro__}", "{team.__class__.__mro__}"),
        ("body", "{question}", "{question}"),
        ("body", "<a href=x>here</a>", "HTML"),
        ("body", "See https://evil.example/x", "Leave out addresses"),
        ("body", "Hello \u202egnp.exe", "nobody can see"),
        ("subject", "Hello \u2066you", "nobody can see"),
        ("subject", "x" * 101, "100"),
        ("body", "x" * 2001, "2000"),
    ],
)
def test_more_than_words_is_refused_beside_its_field_and_nothing_typed_is_lost(
    desk: Browser, field: str, typed: str, said: str
) -> None:
    page = desk.send(ASSIGN, fields={field: typed}, press="Save")
    assert list(page.errors) == [field]
    assert said in page.errors[field]
    assert page.form("subject").values()[field] == [typed]
    assert db.session.scalar(select(func.count()).select_from(MessageText)) == 0


def test_code_of_a_template_is_refused_and_not_run(desk: Browser) -> None:
    filled = desk.open(ASSIGN).form("subject").filled({"body": "{{ 7*7 }}"}, press="Save")
    answer = desk.request("POST", ASSIGN, data=filled)
    assert answer.status_code == 200
    assert "There is no such variable here: { 7*7 }." in answer.text
    assert db.session.scalar(select(func.count()).select_from(MessageText)) == 0


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ("请拨打｛phone｝", "Variables stand in the plain braces { }. Type these anew: ｛ ｝"),
        ("请打开 ｅｖｉｌ．ｃｏｍ/pay", "Leave out addresses"),
    ],
)
def test_what_an_input_method_writes_is_refused_as_its_plain_form_is(
    desk: Browser, typed: str, says: str
) -> None:
    page = desk.send(ASSIGN, body=typed, press="Save")
    assert says in page.errors["body"]
    assert page.form("subject").values()["body"] == [typed]
    assert db.session.scalar(select(func.count()).select_from(MessageText)) == 0


def test_a_line_break_in_a_subject_makes_no_header(a: Builders, desk: Browser) -> None:
    desk.send(ASSIGN, subject="Hello\r\nBcc: somebody", press="Save")
    subject = sent(a, "requester_step assign").subject
    assert "\n" not in subject
    assert subject.startswith("Hello Bcc: somebody")


def test_why_it_takes_longer_must_be_said_and_is_set_off_as_it_was_written(
    a: Builders, desk: Browser
) -> None:
    extend = "/admin/messages/requester_step/extend/en"
    page = desk.send(extend, body="By {due}.", press="Save")
    assert "{reason}" in page.errors["body"]
    desk.send(body="It takes until {due}:\n{reason}", press="Save")

    written = sent(a, "requester_step extend, with its reason", reason="{due} <b>")

    assert "It takes until Thu 12 Mar 2026, 09:30:\n\n> {due} <b>" in written.text
    assert "{due} &lt;b&gt;" in written.html


def test_what_people_wrote_is_not_looked_at_for_variables(a: Builders, desk: Browser) -> None:
    desk.send(WAIT, body="We ask you:\n{question}\n\nThank you.", press="Save")
    written = sent(a, "requester_step wait, with a question", question="{due} {{ 7*7 }} <b>")
    assert "We ask you:\n\n> {due} {{ 7*7 }} <b>\n\nThank you." in written.text
    assert "&lt;b&gt;" in written.html


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("Please answer.", "{question}"),
        ("We ask {question} today.", "needs a line of its own"),
    ],
)
def test_what_the_reader_must_know_stays(desk: Browser, body: str, said: str) -> None:
    assert said in desk.send(WAIT, body=body, press="Save").errors["body"]


def test_what_somebody_wrote_stands_in_no_subject(desk: Browser) -> None:
    page = desk.send(WAIT, subject="{question}", short="{question}", press="Save")
    assert set(page.errors) == {"subject", "short"}


def test_a_text_message_has_words_of_its_own_and_its_length_counted_with_the_link(
    a: Builders, desk: Browser
) -> None:
    page = desk.send(WAIT, short="Please answer us today", press="Look at it first")
    assert "Please answer us today · 482-109-3749 http" in page.text
    assert "160 places fit into one" not in page.text  # the brackets make it UCS-2
    assert "70 places fit into one, 67 into each of several." in page.text

    desk.send(WAIT, short="Please answer us today", press="Save")
    short = sent(a, "requester_step wait, with a question").short
    assert short.startswith(
        "【Qingxi Bureau of Services】Please answer us today · 202-603-1100017 http"
    )
    assert "【" in desk.send(WAIT, short="【Bank】Hello", press="Save").errors["short"]


def test_a_text_to_the_staff_has_words_of_its_own_too(a: Builders, desk: Browser) -> None:
    desk.send("/admin/messages/staff_step/urge/en", short="Hurry, please", press="Save")

    short = sent(a, "staff_step urge").short

    assert "】Hurry, please · 202-603-1100017 http" in short
    assert short.endswith("/requests/17")


def test_a_message_that_never_goes_as_text_has_no_words_for_it(desk: Browser) -> None:
    assert "short" not in desk.open(ASSIGN).form("subject").names


def test_back_to_our_words_and_the_last_change_back_and_the_trail_says_who(
    a: Builders, desk: Browser
) -> None:
    before = sent(a, "requester_step assign")
    desk.send(ASSIGN, subject="First words", press="Save")
    desk.send(ASSIGN, subject="Second words", press="Save")

    desk.click("Take the last change back")
    assert sent(a, "requester_step assign").subject.startswith("First words")
    desk.click("Back to our words")
    assert sent(a, "requester_step assign") == before
    desk.click("Take the last change back")
    assert sent(a, "requester_step assign").subject.startswith("First words")

    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    changes = [(it.action, it.changes.get("subject")) for it in entries if it.action[:5] == "text:"]
    assert changes == [
        ("text:edit", ["", "First words"]),
        ("text:edit", ["First words", "Second words"]),
        ("text:undo", ["Second words", "First words"]),
        ("text:reset", ["First words", ""]),
        ("text:undo", ["", "First words"]),
    ]
    assert "Subject: First words → Second words" in desk.open("/admin/audit").text


def test_of_two_who_change_the_same_words_the_second_has_a_choice(
    a: Builders, desk: Browser, new_browser: Callable[[], Browser]
) -> None:
    other = new_browser().sign_in(a.administrator())
    mine, theirs = desk.open(ASSIGN), other.open(ASSIGN)
    other.send(ASSIGN, subject="Theirs", press="Save")

    late = mine.form("subject").filled({"subject": "Mine"}, press="Save")
    answer = desk.request("POST", ASSIGN, data=late)
    assert answer.status_code == 200
    assert "Theirs" in answer.text
    assert "Mine" in answer.text
    assert theirs.path == ASSIGN
    assert sent(a, "requester_step assign").subject.startswith("Theirs")


def test_what_was_changed_meanwhile_is_not_taken_back_unseen(
    a: Builders, desk: Browser, new_browser: Callable[[], Browser]
) -> None:
    desk.send(ASSIGN, subject="First words", press="Save")
    new_browser().sign_in(a.administrator()).send(ASSIGN, subject="Theirs", press="Save")
    page = desk.click("Back to our words")
    assert "Somebody changed the words meanwhile." in page.text
    assert sent(a, "requester_step assign").subject.startswith("Theirs")


def test_changed_words_go_into_the_letter_of_several(a: Builders, desk: Browser) -> None:
    desk.send(ASSIGN, subject="Somebody comes", body="Soon!", press="Save")
    messages = []
    for kind, step, payload in examples():
        if kind == "requester_step" and step in ("accept", "assign"):
            with transaction():
                messages.append(
                    outbox.enqueue(
                        kind, address="x@example.org", locale="en", payload=payload, now=a.now
                    )
                )
    written = letter_of(messages[0], with_others=messages[1:])
    assert "Somebody comes\n\nSoon!" in written.text
