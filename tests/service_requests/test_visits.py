"""Visits at a browser: planned, recorded, called off, and what is being typed, kept."""

import json
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.pictures import small_jpeg
from tests.support.together import at_once
from tracker.accounts import sessions
from tracker.accounts.models import Grant, Person
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.permissions import Role
from tracker.service_requests import links
from tracker.service_requests.actions import dispatch, handling, visiting
from tracker.service_requests.lifecycle import Outcome, Status
from tracker.service_requests.models import BuiltInChannel, ContactLook, Photo, ServiceRequest
from tracker.service_requests.photos import StoredPhoto, save_photo
from tracker.service_requests.views import uploads
from tracker.teams.models import Membership, Team
from tracker.visits.models import NoteDraft, Visit, VisitStatus

WHAT: dict[str, object] = {"way": "in_person", "contact_made": "yes", "findings": "龙头换了垫片"}
TYPED: dict[str, object] = {**WHAT, "started_at": "2026-03-11T09:00"}


@pytest.fixture
def team(a: Builders) -> Team:
    """Return the team of `volunteer`."""
    return a.team()


@pytest.fixture
def volunteer(a: Builders, team: Team) -> Person:
    """Return who claimed `it`."""
    return a.volunteer(team, name="林小雨")


@pytest.fixture
def it(a: Builders, team: Team, volunteer: Person) -> ServiceRequest:
    """Return a request in progress that `volunteer` claimed."""
    return a.service_request(team=team, claimed_by=[volunteer], area=a.area())


@pytest.fixture
def at_work(browser: Browser, volunteer: Person) -> Browser:
    """Return the browser of `volunteer`."""
    return browser.sign_in(volunteer)


def visits() -> list[Visit]:
    """Return every visit in the database, oldest first."""
    return list(db.session.scalars(select(Visit).order_by(Visit.id)))


def below(it: ServiceRequest, page: str) -> str:
    """Return the address of a page below the request's visits."""
    return f"/requests/{it.id}/visits/{page}"


# ---------------------------------------------------------------- planning


def test_a_planned_visit_stands_on_the_requesters_page(
    at_work: Browser, it: ServiceRequest
) -> None:
    page = at_work.send(
        below(it, "new"), planned_from="2026-03-12T09:00", planned_to="2026-03-12T11:00"
    )

    assert page.path == f"/requests/{it.id}"
    assert "The visit is planned." in page.text
    token = links.token_for(it.id, it.link_salt)
    requesters = at_work.sign_out().open(f"/track/{token}")
    assert "Thu 12 Mar 2026, 09:00" in requesters.text
    assert "林小雨" in requesters.text


@pytest.mark.parametrize(
    ("begins", "ends", "field", "words"),
    [
        ("2026-03-10T09:00", "2026-03-10T10:00", "planned_from", "This time has passed."),
        ("2026-03-12T09:00", "2026-03-12T09:00", "planned_to", "must come after the beginning"),
        ("2026-03-12T09:00", "2026-03-12T08:00", "planned_to", "must come after the beginning"),
        ("2026-03-12T08:00", "2026-03-12T20:01", "planned_to", "at most 12 hours"),
        ("", "2026-03-12T20:01", "planned_from", "Choose day and time."),
        ("9999-12-31T09:00", "9999-12-31T10:00", "planned_from", "check the year"),
        ("0001-01-01T00:00", "0001-01-01T01:00", "planned_from", "check the year"),
        ("2026-03-12T09:00", "9999-12-31T23:59", "planned_to", "check the year"),
        ("2027-03-13T09:00", "2027-03-13T10:00", "planned_from", "more than a year ahead"),
        ("2026-03-12T08:00", "", "planned_to", "Choose day and time."),
    ],
)
def test_a_time_that_cannot_be_is_refused_beside_its_field(
    at_work: Browser, it: ServiceRequest, begins: str, ends: str, field: str, words: str
) -> None:
    page = at_work.send(
        below(it, "new"), planned_from=begins, planned_to=ends, place="在社区办公室见"
    )

    assert words in page.errors[field]
    assert page.form("place").values()["place"] == ["在社区办公室见"]
    assert visits() == []


def test_somebody_must_go(at_work: Browser, it: ServiceRequest) -> None:
    page = at_work.send(
        below(it, "new"),
        planned_from="2026-03-12T09:00",
        planned_to="2026-03-12T11:00",
        visitors=[],
    )

    assert "Choose at least one visitor." in page.text
    assert visits() == []


def test_sending_the_plan_twice_plans_one_visit(at_work: Browser, it: ServiceRequest) -> None:
    page = at_work.open(below(it, "new"))
    times = {"planned_from": "2026-03-12T09:00", "planned_to": "2026-03-12T11:00"}
    sent = {**page.form("place").values(), **times}
    for _ in range(2):
        assert at_work.request("POST", page.path, data=sent).status_code == 303

    assert len(visits()) == 1


# ---------------------------------------------------------------- recording


def test_a_planned_visit_is_recorded_on_its_own_page(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    planned = a.planned_visit(it, by=volunteer, planned_from=a.now - timedelta(hours=2))

    page = at_work.send(below(it, f"{planned.id}/record"), fields=WHAT, public_note="已换好垫片")

    assert page.path == below(it, str(planned.id))
    assert "龙头换了垫片" in page.text
    [visit] = visits()
    assert (visit.status, visit.contact_made) == (VisitStatus.DONE, True)
    assert visit.started_at == a.now - timedelta(hours=2)
    token = links.token_for(it.id, it.link_salt)
    assert "已换好垫片" in at_work.sign_out().open(f"/track/{token}").text


def test_a_visit_that_nobody_planned_is_recorded(at_work: Browser, it: ServiceRequest) -> None:
    at_work.send(below(it, "record"), fields=TYPED)

    [visit] = visits()
    assert (visit.status, visit.findings) == (VisitStatus.DONE, "龙头换了垫片")


def test_when_a_visit_began_is_asked_for_and_never_guessed(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    page = at_work.send(below(it, "record"), fields=WHAT)

    assert "Choose day and time." in page.errors["started_at"]
    assert page.form("findings").values()["findings"] == ["龙头换了垫片"]
    assert visits() == []
    ahead = a.planned_visit(it, by=volunteer, planned_from=a.now + timedelta(hours=2))
    page = at_work.open(below(it, f"{ahead.id}/record"))
    assert page.form("findings").values()["started_at"] == [""]


def test_a_try_that_reached_nobody_needs_no_findings(at_work: Browser, it: ServiceRequest) -> None:
    page = at_work.send(below(it, "record"), fields=TYPED, way="phone", contact_made="no")

    assert "The visit is recorded." in page.text
    [visit] = visits()
    assert visit.contact_made is False
    assert "No" in page.text


def test_who_met_somebody_says_what_they_found(at_work: Browser, it: ServiceRequest) -> None:
    page = at_work.send(
        below(it, "record"), way="in_person", contact_made="yes", findings=" ", met="张大爷"
    )

    assert "Write down what you found" in page.errors["findings"]
    assert page.form("met").values()["met"] == ["张大爷"]
    assert visits() == []


@pytest.mark.parametrize(
    ("fields", "field", "words"),
    [
        ({"started_at": "2026-03-12T09:00"}, "started_at", "This lies ahead."),
        (
            {"started_at": "2026-03-11T09:00", "ended_at": "2026-03-11T08:00"},
            "ended_at",
            "must come after the beginning",
        ),
        ({"started_at": "0001-01-01T00:00"}, "started_at", "check the year"),
        ({"started_at": "2026-03-09T09:00"}, "started_at", "came in later than this"),
        ({"ended_at": "9999-12-31T23:59"}, "ended_at", "check the year"),
        ({"ended_at": "2026-03-11T12:00"}, "ended_at", "This lies ahead."),
        ({"next_step_on": "0001-01-01"}, "next_step_on", "check the year"),
        ({"next_step_on": "2027-06-01"}, "next_step_on", "more than a year ahead"),
    ],
)
def test_a_report_that_cannot_be_is_refused_beside_its_field(
    at_work: Browser,
    it: ServiceRequest,
    fields: dict[str, str],
    field: str,
    words: str,
) -> None:
    page = at_work.open(below(it, "record"))
    sent = {**page.form("findings").values(), **TYPED, **fields}

    answer = at_work._follow(at_work.request("POST", page.path, data=sent), 200)

    assert words in answer.errors[field]
    assert answer.form("findings").values()["findings"] == ["龙头换了垫片"]
    assert visits() == []


def test_how_and_whether_one_met_must_be_said(at_work: Browser, it: ServiceRequest) -> None:
    page = at_work.send(below(it, "record"), findings="龙头换了垫片")

    assert "Choose whether you reached somebody." in page.text
    assert page.form("findings").values()["findings"] == ["龙头换了垫片"]
    assert visits() == []


def test_the_same_submission_twice_records_one_visit_with_its_photo(
    at_work: Browser, it: ServiceRequest
) -> None:
    page = at_work.open(below(it, "record"))
    for _ in range(2):
        sent = {
            **page.form("findings").values(),
            **TYPED,
            "has_consent": "y",
            "photos": [(BytesIO(small_jpeg()), "a.jpg")],
        }
        answer = at_work.request("POST", page.path, data=sent)
        assert answer.status_code == 303

    assert len(visits()) == 1
    assert len(list(db.session.scalars(select(Photo)))) == 1


@pytest.mark.parametrize("adds", ["findings", "public_note", "photos"])
def test_what_is_added_after_a_report_was_sent_is_not_taken_for_recorded(
    at_work: Browser, it: ServiceRequest, adds: str
) -> None:
    page = at_work.open(below(it, "record"))
    sent = {**page.form("findings").values(), **TYPED}
    assert at_work.request("POST", page.path, data=sent).status_code == 303
    if adds == "photos":
        sent |= {"has_consent": "y", "photos": [(BytesIO(small_jpeg()), "a.jpg")]}
    else:
        sent[adds] = "第二天又漏了"

    answer = at_work.request("POST", page.path, data=sent)

    assert "This form was sent before" in answer.text
    assert str(sent["findings"]) in answer.text
    assert len(visits()) == 1
    assert list(db.session.scalars(select(Photo))) == []


@pytest.mark.parametrize("way", ["is ended", "leaves the team", "signs out", "takes another role"])
def test_who_loses_it_while_their_photos_are_worked_on_acts_no_more(
    app: Flask,
    a: Builders,
    at_work: Browser,
    it: ServiceRequest,
    volunteer: Person,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    person_id, unit_id = volunteer.id, a.bureau.id
    save = save_photo

    def be_overtaken() -> None:
        with transaction():
            match way:
                case "is ended":
                    db.session.get_one(Person, person_id).ended_at = utc_now()
                case "leaves the team":
                    db.session.query(Membership).filter_by(person_id=person_id).update(
                        {"ended_at": utc_now()}
                    )
                case "signs out":
                    sessions.end_all(person_id)
                case _:
                    db.session.add(
                        Grant(
                            person_id=person_id,
                            role=Role.AUDITOR,
                            unit_id=unit_id,
                            granted_at=utc_now(),
                        )
                    )

    def save_and_be_overtaken(*given: Any, **named: Any) -> StoredPhoto:  # noqa: ANN401 - passed on
        stored = save(*given, **named)
        at_once(app, [be_overtaken])
        return stored

    page = at_work.open(below(it, "record"))
    monkeypatch.setattr(uploads, "save_photo", save_and_be_overtaken)
    sent = {
        **page.form("findings").values(),
        **TYPED,
        "has_consent": "y",
        "photos": [(BytesIO(small_jpeg()), "a.jpg")],
    }
    ours = {"Referer": "http://localhost/"}
    answer = at_work.request("POST", page.path, data=sent, headers=ours)

    gains = way == "takes another role"
    assert answer.status_code == (303 if gains else 403)
    assert len(visits()) == int(gains)
    assert ("龙头换了垫片" in answer.text) is not gains  # what was typed is kept


def test_who_comes_second_to_record_a_planned_visit_reads_what_was_recorded(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    planned = a.planned_visit(it, by=volunteer)
    page = at_work.open(below(it, f"{planned.id}/record"))
    for findings in ("第一次", "第二次"):
        sent = {**page.form("findings").values(), **TYPED, "findings": findings}
        at_work.request("POST", page.path, data=sent)

    assert [visit.findings for visit in visits()] == ["第一次"]
    again = at_work.open(below(it, f"{planned.id}/record"))
    assert again.path == below(it, str(planned.id))
    assert "This visit was recorded already." in again.text


def test_photos_need_the_consent_of_those_shown(at_work: Browser, it: ServiceRequest) -> None:
    photos = [(BytesIO(small_jpeg()), "a.jpg")]

    page = at_work.send(below(it, "record"), fields=TYPED, photos=photos)

    assert "Photos need the consent of the people shown." in page.errors["has_consent"]
    assert visits() == []
    photos = [(BytesIO(small_jpeg()), "a.jpg")]
    at_work.send(fields=TYPED, photos=photos, has_consent="y")
    [photo] = db.session.scalars(select(Photo))
    assert photo.visit_id == visits()[0].id


def test_a_visit_shows_its_own_photos_and_no_others(
    a: Builders, at_work: Browser, volunteer: Person, it: ServiceRequest
) -> None:
    visit, other = a.visit(it, by=volunteer), a.visit(it, by=volunteer)
    own = a.photo(it, visit_id=visit.id)
    others = [a.photo(it), a.photo(it, is_evidence=True), a.photo(it, visit_id=other.id)]

    page = at_work.open(below(it, str(visit.id)))

    assert f"/photos/{own.key}" in page.html
    assert "Photo of the visit, 1" in page.html
    assert not [photo for photo in others if photo.key in page.html]


def test_a_photo_that_is_none_is_named_and_the_report_is_kept(
    at_work: Browser, it: ServiceRequest
) -> None:
    photos = [(BytesIO(b"no"), "a.jpg"), (BytesIO(b"<svg/>"), "b.jpg")]
    page = at_work.send(below(it, "record"), fields=TYPED, photos=photos, has_consent="y")

    assert "a.jpg" in page.errors["photos"]
    assert "b.jpg" in page.errors["photos"]
    assert page.form("findings").values()["findings"] == ["龙头换了垫片"]
    assert visits() == []


# ---------------------------------------------------------------- other needs


def test_needs_that_were_found_become_one_request_in_one_tap(
    at_work: Browser, it: ServiceRequest
) -> None:
    page = at_work.send(below(it, "record"), fields=TYPED, needs_found="想学用手机挂号")
    form = page.form(press="Make a new request of it")
    at_work.click("Make a new request of it")
    assert "A new request was made of it" in at_work.page.text

    at_work.request("POST", form.action, data=form.values())

    made = db.session.scalars(select(ServiceRequest).where(ServiceRequest.id != it.id)).one()
    assert (made.need, made.channel) == ("想学用手机挂号", BuiltInChannel.VISIT)
    assert (made.area_id, made.address) == (it.area_id, it.address)
    assert made.status is Status.SUBMITTED


def test_no_request_of_the_desk_takes_the_place_of_a_need_that_was_found(
    a: Builders, at_work: Browser, it: ServiceRequest, new_browser: Callable[[], Browser]
) -> None:
    desk = new_browser().sign_in(a.coordinator())
    fields = {"need": "水管爆了", "address": "幸福路8号", "phone": "139 1234 5678"}
    sent = desk.open("/intake").form("need").filled({**fields, "category_id": it.category_id})
    at_work.send(below(it, "record"), fields=TYPED, needs_found="想学用手机挂号")
    sent["submission_key"] = [f"visit-{visits()[-1].id}"]
    assert desk.request("POST", "/intake", data=sent).status_code == 303

    at_work.click("Make a new request of it")

    needs = set(db.session.scalars(select(ServiceRequest.need)))
    assert {"水管爆了", "想学用手机挂号"} <= needs


@pytest.mark.parametrize("page", ["record", "new"])
def test_the_key_of_another_requests_visit_loses_nothing(
    a: Builders, at_work: Browser, it: ServiceRequest, team: Team, page: str
) -> None:
    other = a.volunteer(team)
    taken = a.visit(a.service_request(team=team, claimed_by=[other]), by=other)
    planned: dict[str, object] = {
        "planned_from": "2026-03-12T09:00",
        "planned_to": "2026-03-12T10:00",
    }
    form = at_work.open(below(it, page)).form("submission_key")
    sent = form.filled(TYPED if page == "record" else planned) | {
        "submission_key": [taken.submission_key]
    }

    for _ in range(2):
        at_work.request("POST", below(it, page), data=sent)

    assert taken.service_request_id != it.id
    assert {visit.service_request_id for visit in visits()} == {taken.service_request_id, it.id}


def test_a_visit_without_other_needs_makes_no_request(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    visit = a.visit(it, by=volunteer)
    page = at_work.open(below(it, str(visit.id)))
    assert "Make a new request of it" not in page.buttons
    token = page.form("csrf_token").values()["csrf_token"]

    answer = at_work.request("POST", f"{page.path}/need", data={"csrf_token": token})

    assert answer.status_code == 404


# ---------------------------------------------------------------- calling off


def test_calling_off_tells_the_requester_why(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    planned = a.planned_visit(it, by=volunteer)

    for reason in ("", "  "):
        page = at_work.send(below(it, f"{planned.id}/cancellation"), reason=reason)
        assert "write a word" in page.errors["reason"]
    page = at_work.send(below(it, f"{planned.id}/cancellation"), reason="下大雨,改天再来")

    assert "The visit is called off" in page.text
    assert visits()[0].status is VisitStatus.CANCELLED
    token = links.token_for(it.id, it.link_salt)
    assert "下大雨,改天再来" in at_work.sign_out().open(f"/track/{token}").text


def test_what_is_not_planned_cannot_be_called_off(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    done = a.visit(it, by=volunteer)

    page = at_work.open(below(it, f"{done.id}/cancellation"))

    assert page.path == below(it, str(done.id))
    assert "has taken place" in page.text


def test_a_visit_is_called_off_once_however_often_that_is_sent(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    planned = a.planned_visit(it, by=volunteer)
    address = below(it, f"{planned.id}/cancellation")
    form = at_work.open(address).form("reason").values() | {"reason": ["下大雨"]}
    for _ in range(2):
        assert at_work.request("POST", address, data=form).status_code == 303

    staff = at_work.open(f"/requests/{it.id}").text
    assert staff.count("The planned visit does not take place") == 1
    page = at_work.open(below(it, str(planned.id)))
    assert "Who was to go" in page.text
    assert "What was planned" in page.text


def test_a_visit_is_called_off_with_the_words_of_a_note_before_it(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    planned = a.planned_visit(it, by=volunteer)
    at_work.send(f"/requests/{it.id}/note", public_note="下大雨")

    at_work.send(below(it, f"{planned.id}/cancellation"), reason="下大雨")

    assert visits()[0].status is VisitStatus.CANCELLED


def test_why_it_is_called_off_is_shown_to_whom_somebody_was_quicker_than(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    planned = a.planned_visit(it, by=volunteer)
    address = below(it, f"{planned.id}/cancellation")
    form = at_work.open(address).form("reason").values() | {"reason": ["下大雨"]}
    assert at_work.request("POST", address, data=form).status_code == 303

    page = at_work.send(reason="我生病了，去不了", status=409)

    assert "called off, or written down" in page.text
    assert "我生病了，去不了" in page.text


def test_a_visit_over_midnight_names_the_day_of_its_end(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    night = a.now.replace(hour=15) + timedelta(days=1)  # 23:00 in the organisation
    planned = a.planned_visit(it, by=volunteer, planned_from=night, hours=2)

    page = at_work.open(below(it, str(planned.id)))

    assert "Thu 12 Mar 2026, 23:00 – Fri 13 Mar 2026, 01:00" in page.text


# ---------------------------------------------------------------- drafts


def keep(browser: Browser, it: ServiceRequest, content: str, **more: str) -> int:
    """Send what is being typed, as the script does; return the status of the answer."""
    token = browser.open(below(it, "record")).form("findings").values()["csrf_token"]
    sent = {"csrf_token": token, "form_key": f"visit:{it.id}:new", "content": content, **more}
    return browser.request("POST", "/drafts", data=sent).status_code


def test_what_was_typed_is_put_back_and_forgotten_after_saving(
    at_work: Browser, it: ServiceRequest
) -> None:
    typed = json.dumps([["findings", "写到一半"], ["contact_made", "yes"], ["met", "张大爷"]])

    assert keep(at_work, it, typed) == 204

    page = at_work.open(below(it, "record"))
    assert "This is what you were typing" in page.text
    values = page.form("findings").values()
    assert (values["findings"], values["met"]) == (["写到一半"], ["张大爷"])
    assert values["contact_made"] == ["yes"]
    at_work.send(way="in_person", started_at="2026-03-11T09:00", visitors=[it.claims[0].person_id])
    assert visits()[0].findings == "写到一半"
    assert [(draft.content, draft.is_over) for draft in db.session.scalars(select(NoteDraft))] == [
        ("", True)
    ]
    assert "This is what you were typing" not in at_work.open(below(it, "record")).text


ONE, TWO, THREE = (letter * 32 for letter in "abc")
"""Keys of pages."""


def test_what_is_kept_late_is_not_taken_and_nothing_is_overwritten_unseen(
    at_work: Browser, it: ServiceRequest
) -> None:
    def begun() -> list[str]:
        person_id = it.claims[0].person_id
        db.session.rollback()
        drafts = visiting.drafts_of(person_id, f"visit:{it.id}:new")
        return [draft.content for draft in drafts if not draft.is_over]

    keep(at_work, it, "[2]", page=ONE, number="2")
    keep(at_work, it, "[1]", page=ONE, number="1")
    assert begun() == ["[2]"], "it came late"
    keep(at_work, it, "[3]", page=TWO, number="1")
    assert begun() == ["[3]", "[2]"], "it was opened before"
    keep(at_work, it, "[4]", page=THREE, number="1", follows=f"{ONE}:2 nonsense {TWO}:99999999999")
    assert begun() == ["[4]", "[3]"]
    keep(at_work, it, "", follows=f"{THREE}:2 {TWO}:1", discard="shown")
    assert begun() == []
    keep(at_work, it, "[5]", page=THREE, number="2")
    assert begun() == [], "it was on its way"
    keep(at_work, it, "[6]", page=THREE, number="3")
    assert begun() == ["[6]"], "it was typed afterwards"


def test_what_else_was_begun_is_offered_and_can_be_gone_on_with(
    at_work: Browser, it: ServiceRequest
) -> None:
    keep(at_work, it, json.dumps([["findings", "水龙头"]]), page=ONE, number="1", ago="7200")
    keep(at_work, it, json.dumps([["findings", "换了灯"]]), page=TWO, number="1")

    page = at_work.open(below(it, "record"))
    assert page.form("findings").values()["findings"] == ["换了灯"]
    assert "You typed something else here" in page.text
    assert "水龙头" in page.text
    other = page.link("Go on with it: 水龙头")

    page = at_work.open(other)
    assert page.form("findings").values()["findings"] == ["水龙头"]
    at_work.send(
        way="in_person",
        started_at="2026-03-11T09:00",
        visitors=[it.claims[0].person_id],
        contact_made="yes",
    )
    assert visits()[0].findings == "水龙头"
    page = at_work.open(below(it, "record"))
    assert page.form("findings").values()["findings"] == ["换了灯"], "it was not sent"


def test_what_comes_back_with_a_mistake_ends_what_it_went_on_with_and_nothing_else(
    at_work: Browser, it: ServiceRequest
) -> None:
    keep(at_work, it, json.dumps([["findings", "先写的"]]), page=ONE, number="1")
    at_work.open(below(it, "record"))
    keep(at_work, it, json.dumps([["findings", "手机上写的"]]), page=TWO, number="1")
    page = at_work.open(f"{below(it, 'record')}?typed={ONE}")
    page = at_work.send(contact_made="yes")

    assert page.form("findings").values()["findings"] == ["先写的"]
    at_work.send(started_at="2026-03-11T09:00", visitors=[it.claims[0].person_id])
    assert visits()[0].findings == "先写的"
    page = at_work.open(below(it, "record"))
    assert page.form("findings").values()["findings"] == ["手机上写的"]
    assert "先写的" not in page.text


def test_what_was_typed_for_a_visit_that_somebody_else_recorded_is_shown_beside_it(
    a: Builders,
    at_work: Browser,
    new_browser: Callable[[], Browser],
    it: ServiceRequest,
    team: Team,
) -> None:
    leader = a.team_leader(team)
    planned = a.planned_visit(it, by=leader)
    key = f"visit:{it.id}:{planned.id}"
    keep(at_work, it, json.dumps([["findings", "我也去过"]]), form_key=key, page=ONE, number="1")
    address = below(it, str(planned.id))
    assert "我也去过" not in at_work.open(address).text, "its form shows it"
    other = new_browser().sign_in(leader)
    other.open(below(it, f"{planned.id}/record"))
    other.send(started_at="2026-03-11T09:00", contact_made="yes", findings="换好了")

    page = at_work.open(below(it, f"{planned.id}/record"))
    assert page.path == address
    assert "我也去过" in page.text
    page = at_work.send(press="Throw it away")
    assert page.path == address
    assert "我也去过" not in page.text


def test_a_draft_can_be_thrown_away(at_work: Browser, it: ServiceRequest) -> None:
    keep(at_work, it, json.dumps([["findings", "写到一半"]]))
    at_work.open(below(it, "record"))

    page = at_work.send(press="Throw it away")

    assert page.path == below(it, "record")
    assert page.form("findings").values()["findings"] == [""]


def test_a_draft_is_its_owners_only(
    a: Builders, browser: Browser, it: ServiceRequest, volunteer: Person, team: Team
) -> None:
    keep(browser.sign_in(volunteer), it, json.dumps([["findings", "写到一半"]]))

    page = browser.sign_out().sign_in(a.team_leader(team)).open(below(it, "record"))

    assert "写到一半" not in page.html


@pytest.mark.parametrize("content", ["", "no json", "{}", "[1, [2]]", '[["nothing", 1]]'])
def test_a_broken_draft_breaks_no_page(at_work: Browser, it: ServiceRequest, content: str) -> None:
    assert keep(at_work, it, content) == 204

    for address in (below(it, "record"), "/drafts"):
        page = at_work.open(address)
        assert "Throw it away" not in page.buttons


def test_a_draft_without_a_form_or_too_long_is_not_kept(
    at_work: Browser, it: ServiceRequest
) -> None:
    for form_key in ("", "visit:1", "visit:1:old", f"visit:{'9' * 90}:new"):
        assert keep(at_work, it, "[]", form_key=form_key) == 400
    assert keep(at_work, it, "[]", page=f"{ONE}~1", number="1") == 400, "no page has such a key"
    assert keep(at_work, it, "x" * 60_001) == 413
    assert list(db.session.scalars(select(NoteDraft))) == []


def test_what_was_typed_and_not_sent_is_listed_for_its_writer(
    a: Builders, at_work: Browser, it: ServiceRequest, volunteer: Person, team: Team
) -> None:
    assert "Nothing is left" in at_work.open("/drafts").text
    other = a.service_request(team=team, claimed_by=[volunteer], status=Status.IN_PROGRESS)
    keep(
        at_work, it, json.dumps([["findings", "水龙头换了"], ["met", "张大爷"]]), page=ONE, ago="60"
    )
    keep(at_work, other, json.dumps([["findings", "灯还没换"]]), page=TWO)

    at_work.open("/me")
    page = at_work.click("What I typed about visits and did not send")
    assert page.text.index("灯还没换") < page.text.index("水龙头换了")
    assert "张大爷" in page.text
    page = at_work.click("Go on with it: 灯还没换")
    assert page.form("findings").values()["findings"] == ["灯还没换"]

    at_work.open("/drafts")
    page = at_work.send(press="Throw it away: 灯还没换")
    assert page.url.endswith("/drafts")
    assert "灯还没换" not in page.text
    assert "水龙头换了" in page.text
    stranger = at_work.sign_out().sign_in(a.team_leader(team))
    assert "水龙头换了" not in stranger.open("/drafts").html


def test_what_was_typed_into_a_form_that_is_not_shown_again_is_still_found(
    a: Builders, at_work: Browser, it: ServiceRequest, team: Team
) -> None:
    keep(at_work, it, json.dumps([["findings", "写到一半"]]), page=ONE)
    with transaction():
        handling.resolve(
            it,
            outcome=Outcome.SOLVED,
            answer="换好了",
            actor=a.actor(a.team_leader(team)),
            now=a.now,
        )

    page = at_work.open(below(it, "record"))

    assert page.url.endswith("/drafts")
    assert "No visit can be recorded there now" in page.text
    assert "写到一半" in page.text
    assert "Go on with it" not in page.text


def test_what_was_typed_of_a_request_out_of_reach_is_not_listed(
    a: Builders, at_work: Browser, it: ServiceRequest
) -> None:
    theirs = f"visit:{a.service_request().id}:new"
    assert keep(at_work, it, json.dumps([["findings", "写到一半"]]), form_key=theirs) == 204

    assert "写到一半" not in at_work.open("/drafts").html


def test_many_drafts_kept_at_once_are_one_for_each_form_and_no_more_than_may(
    app: Flask, a: Builders, volunteer: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visiting, "MOST_DRAFTS", 4)
    person_id, now = volunteer.id, a.now

    def keeping(form_key: str) -> Callable[[], None]:
        def act() -> None:
            with transaction():
                visiting.keep_draft(person_id, form_key, visiting.Typed("写到一半"), now=now)

        return act

    at_once(app, [keeping("visit:1:new") for _ in range(12)])
    assert len(db.session.scalars(select(NoteDraft)).all()) == 1

    at_once(app, [keeping(f"visit:{number}:new") for number in range(12)])
    assert len(db.session.scalars(select(NoteDraft)).all()) == 4


# ---------------------------------------------------------------- who may


@pytest.mark.parametrize("page", ["new", "record"])
def test_who_may_not_visit_finds_no_page(
    a: Builders, browser: Browser, it: ServiceRequest, team: Team, page: str
) -> None:
    for person in (a.volunteer(), a.volunteer(team), a.coordinator(), a.holder(Role.AUDITOR)):
        browser.sign_out().sign_in(person).open(below(it, page), status=404)


def test_whom_they_met_is_masked_and_each_look_at_the_name_is_logged(
    a: Builders, browser: Browser, it: ServiceRequest, volunteer: Person
) -> None:
    visit = a.visit(it, by=volunteer, met="王秀英")
    address = below(it, str(visit.id))

    for reader in (a.auditor(), a.coordinator(), volunteer):
        page = browser.sign_in(reader).open(address)
        assert "王**" in page.text
        assert "王秀英" not in page.html
        assert ("Show whom they met" in page.buttons) is (Role.AUDITOR not in a.actor(reader).roles)
    assert db.session.scalars(select(ContactLook)).all() == []

    assert "王秀英" in browser.click("Show whom they met").text
    [look] = db.session.scalars(select(ContactLook))
    assert (look.service_request_id, look.person_id, look.where) == (it.id, volunteer.id, "visit")
    assert "王秀英" not in browser.open(f"{address}/contact").html
    auditors = browser.sign_in(a.auditor())
    token = auditors.open("/track").form("reference").values()["csrf_token"]
    answer = auditors.request("POST", f"{address}/contact", data={"csrf_token": token})
    assert answer.status_code == 404


def test_once_it_is_closed_only_its_desk_asks_whom_they_met(
    a: Builders, browser: Browser, team: Team, volunteer: Person
) -> None:
    closed = a.service_request(team=team, claimed_by=[volunteer])
    visit = a.visit(closed, by=volunteer, met="王秀英")
    with transaction():
        dispatch.merge(closed, a.service_request(), actor=a.actor(a.coordinator()), now=a.now)
    address = below(closed, str(visit.id))

    desk = browser.sign_in(a.coordinator()).open(address)
    assert "Show whom they met" in desk.buttons
    leaders = browser.sign_in(a.team_leader(team)).open(address)
    assert "Show whom they met" not in leaders.buttons


def test_a_visit_of_another_request_is_not_below_this_one(
    a: Builders, at_work: Browser, it: ServiceRequest, team: Team, volunteer: Person
) -> None:
    other = a.service_request(team=team, claimed_by=[volunteer])
    visit = a.planned_visit(other, by=volunteer)

    for page in (str(visit.id), f"{visit.id}/record", f"{visit.id}/cancellation", "4711"):
        at_work.open(below(it, page), status=404)


@pytest.mark.parametrize("page", ["new", "record"])
def test_what_is_resolved_takes_no_visits(
    a: Builders, at_work: Browser, team: Team, volunteer: Person, page: str
) -> None:
    done = a.service_request(team=team, claimed_by=[volunteer], status=Status.RESOLVED)

    assert "no longer possible" in at_work.open(below(done, page), status=409).text


def test_a_leader_may_record_too(a: Builders, browser: Browser) -> None:
    leader = a.leader()
    it = a.service_request(status=Status.IN_PROGRESS, leader=leader)

    browser.sign_in(leader).send(below(it, "record"), fields=TYPED)

    assert [visit.visitors[0].id for visit in visits()] == [leader.id]


def test_whoever_releases_does_not_come(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    team = a.team()
    one, two = a.volunteer(team, name="One"), a.volunteer(team, name="Two")
    it = a.service_request(team=team, volunteers_needed=2)
    for person in (one, two):
        a.claim(it, person)
    both, alone = a.planned_visit(it, by=one), a.planned_visit(it, by=one)
    with transaction():
        db.session.get_one(Visit, both.id).visitors.append(db.session.get_one(Person, two.id))
    browser.sign_in(one)

    browser.send(f"/requests/{it.id}/release", reason="I am ill")

    db.session.expire_all()
    assert [person.name for person in db.session.get_one(Visit, both.id).visitors] == ["Two"]
    assert db.session.get_one(Visit, alone.id).status is VisitStatus.CANCELLED
    page = new_browser().open(f"/track/{links.token_for(it.id, it.link_salt)}")
    assert "The planned visit does not take place" in page.text
    assert "I am ill" not in page.text


def test_the_button_of_the_request_leads_to_the_planned_visit(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    leader = a.team_leader(team)
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    visit = a.planned_visit(it, by=leader)
    browser.sign_in(leader)

    page = browser.open(f"/requests/{it.id}/visits/record")
    assert page.path == f"/requests/{it.id}/visits/{visit.id}/record"
    page = browser.open(page.link("It was another one"))

    assert page.path == f"/requests/{it.id}/visits/record"
    assert f"/visits/{visit.id}" in browser.open(f"/requests/{it.id}").html


def test_a_report_that_is_shown_again_asks_for_the_photos_again(
    a: Builders, browser: Browser
) -> None:
    team = a.team()
    it = a.service_request(status=Status.IN_PROGRESS, team=team)
    browser.sign_in(a.team_leader(team))
    page = browser.open(f"/requests/{it.id}/visits/record")
    data = {**page.form("findings").filled(TYPED), "photos": (BytesIO(small_jpeg()), "washer.jpg")}

    answer = browser.request("POST", page.path, data=data, headers={"Referer": page.url})

    assert "Please choose the photos again before you send" in answer.get_data(as_text=True)


@pytest.mark.parametrize("way", ["leaves the team", "assigned elsewhere", "withdrawn"])
def test_whoever_loses_the_task_does_not_come(
    a: Builders, browser: Browser, team: Team, volunteer: Person, it: ServiceRequest, way: str
) -> None:
    visit = a.planned_visit(it, by=volunteer)
    browser.sign_in(a.administrator())
    other, leader = a.team(), a.leader()

    if way == "leaves the team":
        browser.open(f"/admin/people/{volunteer.id}")
        browser.click("End this person")
    elif way == "assigned elsewhere":
        browser.sign_in(a.coordinator()).send(
            f"/requests/{it.id}/assignment", lead_team_id=other.id, leader_id=leader.id
        )
    else:
        browser.send(f"/track/{links.token_for(it.id, it.link_salt)}/withdrawal")

    db.session.expire_all()
    assert db.session.get_one(Visit, visit.id).status is VisitStatus.CANCELLED
    page = browser.open(f"/track/{links.token_for(it.id, it.link_salt)}")
    assert "Who comes and when" not in page.text
    # Whoever withdrew knows it.
    assert ("The planned visit does not take place" in page.text) is (way != "withdrawn")
