"""Forms: what must say something is not answered by spaces."""

import pytest
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.database import db
from tracker.organisation.models import Organisation
from tracker.service_requests.lifecycle import Status
from tracker.web.forms import is_blank

BLANK = (" ", " \n\t ", "\u3000", "\u200b\ufeff", "\xa0")


@pytest.mark.parametrize("text", [None, "", *BLANK])
def test_what_nobody_sees_says_nothing(text: str | None) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", " 水 ", "?", "\u200b1"])
def test_a_single_sign_says_something(text: str) -> None:
    assert not is_blank(text)


@pytest.mark.parametrize("blank", [" \n ", "\u200b"])
@pytest.mark.parametrize(
    ("page", "field", "more"),
    [
        ("/requests/{new}/refusal", "reason", {"where_to_turn": "12345"}),
        ("/requests/{new}/refusal", "where_to_turn", {"reason": "不属于本中心职责"}),
        ("/requests/{given}/return", "reason", {}),
        ("/requests/{going}/question", "question", {}),
        ("/admin/teams/new", "name", {"unit_id": "{root}"}),
        ("/admin/units/new", "name", {"kind": "station", "parent_id": "{root}"}),
        ("/admin/people/new", "name", {"email": "li@example.org"}),
    ],
)
def test_spaces_are_no_words(
    a: Builders,
    browser: Browser,
    page: str,
    field: str,
    more: dict[str, str],
    blank: str,
) -> None:
    team = a.team()
    places = {
        "new": a.service_request(status=Status.SUBMITTED).id,
        "given": a.service_request(team=team, status=Status.ASSIGNED).id,
        "going": a.service_request(team=team, status=Status.IN_PROGRESS).id,
        "root": a.bureau.id,
    }
    for person in (a.administrator(), a.coordinator(), a.team_leader(team)):
        browser.sign_in(person)
        address = page.format(**places)
        if browser.open(address, status=None).status != 200:
            continue
        fields = {name: value.format(**places) for name, value in more.items()}
        shown = browser.send(address, fields={**fields, field: blank})
        assert field in shown.errors
        return
    pytest.fail("nobody may open it")


@pytest.mark.parametrize(
    "broken", ["Org\r\nBcc: x@example.org", "Org\u2028Bcc", "Org\x85Bcc", "Org\n"]
)
def test_what_is_typed_into_one_line_stays_one_line(
    a: Builders, browser: Browser, broken: str
) -> None:
    a.organisation()
    browser.sign_in(a.administrator())
    browser.send("/admin/organisation", name=broken)

    name = db.session.scalars(select(Organisation.name)).one()
    assert name.splitlines() == [name]
    assert name.startswith("Org")


def test_what_the_library_says_to_programmers_is_said_in_plain_words(
    a: Builders, browser: Browser, chinese_browser: Browser
) -> None:
    it = a.service_request(team=a.team(), status=Status.IN_PROGRESS)
    pages = (
        (browser, "at most 4000 characters", "Choose one of those that are offered."),
        (chinese_browser, "最多可写 4000 个字", "请从列出的选项中选择。"),
    )
    for reader, too_long, not_offered in pages:
        tap = a.category()
        form = f"/requests/new/form?category={tap.id}"
        assert too_long in reader.send(form, need="x" * 4001).text
        reader.sign_in(a.coordinator())
        sent = reader.open("/intake").form("need").values() | {"category_id": ["9999"]}
        assert not_offered in reader.request("POST", "/intake", data=sent).text
    assert it.id


@pytest.mark.parametrize("typed", ["two", "1.5", "99999999", "0"])
def test_what_is_no_number_is_told_the_bounds_as_one_out_of_them_is(
    a: Builders, browser: Browser, chinese_browser: Browser, typed: str
) -> None:
    _ = a.bureau
    readers = (
        (browser, "Enter a number from 1 to 999.", "Enter a number from 1 to 30."),
        (chinese_browser, "请输入 1 到 999 之间的数。", "请输入 1 到 30 之间的数。"),
    )
    for reader, of_limits, of_settings in readers:
        reader.sign_in(a.administrator())

        limits = reader.send(
            "/admin/limits", resolve_normal_amount=typed, resolve_normal_unit="working_days"
        )
        settings = reader.send("/admin/organisation", reminder_days=typed)

        assert limits.errors["resolve_normal_amount"] == of_limits
        assert settings.errors["reminder_days"] == of_settings
        assert settings.form("reminder_days").values()["reminder_days"] == [typed]
