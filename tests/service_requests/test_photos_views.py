"""Photos are served to whoever may see the request, and to nobody else."""

from io import BytesIO

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.pictures import small_jpeg
from tracker.config import Settings
from tracker.database import db
from tracker.service_requests import links
from tracker.service_requests.models import Photo, SubmissionDraft
from tracker.service_requests.photos import delete_photo


def test_staff_who_may_see_the_request_get_the_photo(a: Builders, browser: Browser) -> None:
    photo = a.photo(a.service_request())
    browser.sign_in(a.coordinator())

    with browser.request("GET", f"/photos/{photo.key}") as answer:
        assert answer.status_code == 200
        assert answer.mimetype == "image/webp"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        whole = len(answer.data)
    with browser.request("GET", f"/photos/{photo.key}?size=small") as answer:
        assert 0 < len(answer.data) <= whole


def test_what_a_browser_kept_of_a_photo_is_of_no_use_after_signing_out(
    a: Builders, browser: Browser
) -> None:
    photo = a.photo(a.service_request())
    browser.sign_in(a.coordinator())
    with browser.request("GET", f"/photos/{photo.key}") as answer:
        assert answer.headers["Cache-Control"] == "private, no-cache"
        kept = {"If-None-Match": answer.headers["ETag"]}
    with browser.request("GET", f"/photos/{photo.key}", headers=kept) as answer:
        assert answer.status_code == 304
        assert answer.headers["Cache-Control"] == "private, no-cache"

    answer = browser.sign_out().request("GET", f"/photos/{photo.key}", headers=kept)

    assert answer.status_code == 303


def test_staff_who_may_not_see_the_request_find_no_photo(a: Builders, browser: Browser) -> None:
    photo = a.photo(a.service_request(unit=a.unit()))
    browser.sign_in(a.coordinator(a.unit()))

    browser.open(f"/photos/{photo.key}", status=404)


def test_volunteers_who_only_look_for_a_task_find_no_photo(a: Builders, browser: Browser) -> None:
    team = a.team()
    photo = a.photo(a.service_request(team=team))
    browser.sign_in(a.volunteer(team))

    browser.open(f"/photos/{photo.key}", status=404)


def test_a_visitor_is_asked_to_sign_in(a: Builders, browser: Browser) -> None:
    photo = a.photo(a.service_request())

    assert browser.open(f"/photos/{photo.key}").path == "/sign-in"


@pytest.mark.parametrize("key", ["0" * 32, "x", ".."])
def test_a_key_that_names_no_photo_is_not_there(a: Builders, browser: Browser, key: str) -> None:
    browser.sign_in(a.coordinator())

    browser.open(f"/photos/{key}", status=404)


def test_the_holder_of_a_link_gets_no_photo_of_another_request(
    a: Builders, browser: Browser
) -> None:
    mine, other = a.service_request(), a.service_request()
    photo = a.photo(other)
    token = links.token_for(mine.id, mine.link_salt)

    browser.open(f"/track/{token}/photos/{photo.key}", status=404)


def test_the_holder_of_a_link_gets_no_photo_that_staff_took_for_themselves(
    a: Builders, browser: Browser
) -> None:
    mine = a.service_request()
    own = a.photo(mine)
    internal = a.photo(mine, added_by_id=a.coordinator().id)
    token = links.token_for(mine.id, mine.link_salt)

    with browser.request("GET", f"/track/{token}/photos/{own.key}?size=small") as answer:
        assert answer.status_code == 200
    browser.open(f"/track/{token}/photos/{internal.key}", status=404)


def test_a_photo_of_a_draft_shows_only_beside_that_draft(a: Builders, browser: Browser) -> None:
    category = a.category()
    browser.open(f"/requests/new/form?category={category.id}")
    browser.send(need="", photos=[(BytesIO(small_jpeg()), "tap.jpg")])
    photo = db.session.scalars(select(Photo)).one()
    draft = db.session.scalars(select(SubmissionDraft)).one()

    with browser.request("GET", f"/requests/new/{draft.key}/photos/{photo.key}") as answer:
        assert answer.status_code == 200
    browser.open(f"/requests/new/{'y' * 32}/photos/{photo.key}", status=404)
    browser.sign_in(a.coordinator()).open(f"/photos/{photo.key}", status=404)


def test_a_photo_whose_file_is_lost_is_not_there(a: Builders, browser: Browser) -> None:
    photo = a.photo(a.service_request())
    settings: Settings = browser.app.config["SETTINGS"]
    delete_photo(settings.uploads_path, photo.key)
    browser.sign_in(a.coordinator())

    browser.open(f"/photos/{photo.key}", status=404)


def test_a_browser_that_has_the_photo_is_not_sent_it_again(a: Builders, browser: Browser) -> None:
    photo = a.photo(a.service_request())
    browser.sign_in(a.coordinator())
    with browser.request("GET", f"/photos/{photo.key}") as answer:
        tag = answer.headers["ETag"]

    with browser.request("GET", f"/photos/{photo.key}", headers={"If-None-Match": tag}) as answer:
        assert answer.status_code == 304


def test_what_no_photo_can_be_called_is_not_there(a: Builders, browser: Browser) -> None:
    mine = a.service_request()
    token = links.token_for(mine.id, mine.link_salt)

    for key in ("%00", "a" * 31 + "%00", "..%5C..", "x" * 500):
        browser.open(f"/track/{token}/photos/{key}", status=404)
        browser.open(f"/requests/new/{'y' * 32}/photos/{key}", status=404)
    browser.sign_in(a.coordinator()).open("/photos/%00", status=404)
