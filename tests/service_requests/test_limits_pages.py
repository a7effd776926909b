"""The pages on which limits are set."""

from sqlalchemy import delete, select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.accounts.models import AuditEntry
from tracker.database import db, transaction
from tracker.organisation.models import LimitRule
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limit_rules import limit_of
from tracker.service_requests.limits import DEFAULT_LIMITS, Clock, Limit, LimitUnit


def test_a_limit_is_set_for_all_requests_and_taken_out_again(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())

    page = browser.open("/admin/limits")
    assert "Empty: 5 working days." in page.text
    browser.send(resolve_normal_amount="30", resolve_normal_unit="calendar_days")

    assert limit_of(None, Priority.NORMAL) == Limit(30, LimitUnit.CALENDAR_DAYS)
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "limits:set")).one()
    assert entry.changes == {"resolve normal": [None, "30 calendar_days"]}
    page = browser.open("/admin/limits")
    assert page.form("resolve_normal_amount").values()["resolve_normal_amount"] == ["30"]

    browser.send(resolve_normal_amount="")

    assert limit_of(None, Priority.NORMAL) == DEFAULT_LIMITS[Clock.RESOLVE][Priority.NORMAL]


def test_a_category_says_only_what_differs(a: Builders, browser: Browser) -> None:
    group = a.top_category(name_en="Repairs")
    leaf = a.category(parent=group, name_en="Broken light")
    browser.sign_in(a.administrator())
    browser.open(f"/admin/limits/{group.id}")
    browser.send(sign_for_urgent_amount="90", sign_for_urgent_unit="minutes")

    page = browser.open(f"/admin/limits/{leaf.id}")

    assert "Empty: 90 minutes, as its group." in page.text
    assert "Empty: 5 working days." in page.text
    listed = browser.open("/admin/limits")
    assert "Repairs" in listed.text
    assert "Broken light" not in listed.text


def test_a_number_out_of_bounds_is_said_beside_it_and_kept(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())

    browser.open("/admin/limits")
    page = browser.send(resolve_normal_amount="0", return_urgent_amount="7")

    assert page.errors["resolve_normal_amount"] == "Enter a number from 1 to 999."
    summary = page.find_all("div", **{"class": "error-summary"})[0]
    assert "Result · Normal Enter a number from 1 to 999." in " ".join(
        "".join(summary.itertext()).split()
    )
    assert page.form("resolve_normal_amount").values()["return_urgent_amount"] == ["7"]


def test_what_somebody_set_meanwhile_is_not_overwritten_unseen(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator())
    browser.open("/admin/limits")
    with transaction():
        a.limit(8, LimitUnit.WORKING_HOURS)

    page = browser.send(resolve_normal_amount="9")

    told = "Somebody changed this since you opened it: Result · Normal: 8 working hours."
    assert told in page.text
    assert limit_of(None, Priority.NORMAL).amount == 8
    browser.send()
    # The unit that was read beside the amount is meant with it.
    assert limit_of(None, Priority.NORMAL) == Limit(9, LimitUnit.WORKING_DAYS)


def test_what_only_the_other_touched_stays_as_they_set_it(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())
    browser.open("/admin/limits")
    with transaction():
        a.limit(7, LimitUnit.CALENDAR_DAYS)

    page = browser.send(sign_for_urgent_amount="50")

    shown = page.form("resolve_normal_amount").values()
    assert shown["resolve_normal_amount"] == ["7"]
    assert shown["resolve_normal_unit"] == ["calendar_days"]
    browser.send()
    assert limit_of(None, Priority.NORMAL) == Limit(7, LimitUnit.CALENDAR_DAYS)
    assert limit_of(None, Priority.URGENT, Clock.SIGN_FOR).amount == 50


def test_what_the_other_took_out_is_said_to_be_unset(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())
    with transaction():
        a.limit(8)
    browser.open("/admin/limits")
    with transaction():
        db.session.execute(delete(LimitRule))

    page = browser.send(sign_for_urgent_amount="50")

    assert "Result · Normal: not set here." in page.text
    assert page.form("resolve_normal_amount").values()["resolve_normal_amount"] == [""]
