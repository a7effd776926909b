"""A word without end in what people wrote, a pasted address say, makes no page wider than a phone."""

import pytest
from playwright.sync_api import Page
from sqlalchemy import select

from tests.support import links
from tests.support.builders import Builders
from tests.support.chromium import Windows
from tests.support.letters import letter_of
from tracker.database import db, transaction
from tracker.notifications.models import Message
from tracker.permissions import resident
from tracker.service_requests.actions import answers, handling
from tracker.service_requests.lifecycle import Outcome, Status
from tracker.service_requests.models import ReachableBy, ServiceRequest

pytestmark = [
    pytest.mark.browser,
    pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True),
]

PHONE = 390
WIDE = """() => [...document.querySelectorAll('body *')]
    .filter(it => !it.closest('.tabs')) // rolls by itself
    .filter(it => it.getBoundingClientRect().right > window.innerWidth + 1)
    .map(it => it.tagName + '.' + it.className)"""


@pytest.fixture(params=["n" * 120, "https://example.org/" + "a1b2c3d4e5" * 11])
def word(request: pytest.FixtureRequest) -> str:
    """Return what has no place to break."""
    return str(request.param)


@pytest.fixture
def said(a: Builders, word: str) -> ServiceRequest:
    """Return a request of which everybody wrote such a word, waiting for its requester."""
    helping = a.team()
    made = a.service_request(
        status=Status.IN_PROGRESS,
        need=f"Look {word}",
        email="a@example.org",
        reachable_by=ReachableBy.EMAIL,
    )
    worker = a.worker_on(made)
    a.part(made, helping, task=word)
    a.visit(made, by=worker, findings=word, needs_found=word, next_step=word)
    by = a.actor(worker)
    with transaction():
        answers.add_word(made, word=word, actor=resident(made.id), now=a.now)
        handling.add_note(made, public_note=word, actor=by, now=a.now)
        handling.add_note(made, internal_note=word, actor=by, now=a.now)
        handling.ask_requester(made, question=word, actor=by, now=a.now)
    return made


def fits(window: Page) -> bool:
    """Tell whether nothing is wider than the window; fails with the names of what is."""
    assert window.evaluate(WIDE) == [], window.url
    return bool(window.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_what_people_wrote_wraps_on_the_pages_of_a_request(
    a: Builders, windows: Windows, said: ServiceRequest, word: str
) -> None:
    staff = windows.sign_in(windows.open(width=PHONE), a.coordinator())
    here = f"/requests/{said.id}"
    for place in (here, f"{here}/note", f"{here}/resumption", f"{here}/parts", "/queue"):
        answer = staff.goto(place)
        assert answer is not None, place
        assert answer.ok, place
        assert word[:40] in staff.content(), place
        assert fits(staff)

    visitor = windows.open(links.address(said), width=PHONE)
    assert visitor.get_by_text(word).count() == 5  # the need, two words, the question twice
    assert fits(visitor)


def test_the_answer_wraps_for_who_asked_and_for_staff(
    a: Builders, windows: Windows, said: ServiceRequest, word: str
) -> None:
    with transaction():
        answers.add_word(said, word="Here", actor=resident(said.id), now=a.now)
        handling.resolve(
            said,
            outcome=Outcome.SOLVED,
            answer=word,
            ends_parts={part.id for part in said.parts},
            actor=a.actor(a.worker_on(said)),
            now=a.now,
        )

    staff = windows.sign_in(windows.open(width=PHONE), a.coordinator())
    staff.goto(f"/requests/{said.id}")
    assert fits(staff)
    visitor = windows.open(links.address(said), width=PHONE)
    assert fits(visitor)


def test_a_letter_with_such_a_word_is_no_wider_than_a_phone(
    windows: Windows, said: ServiceRequest, word: str
) -> None:
    written = db.session.scalars(select(Message).where(Message.kind == "requester_step"))
    letters = [letter_of(one) for one in written if one.payload["step"] == "wait"]
    window = windows.open(width=PHONE)

    assert letters
    for each in letters:
        assert word in each.html
        window.set_content(each.html)
        assert fits(window)
