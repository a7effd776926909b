"""The machine's clock jumps: nobody sees an error, nothing typed is lost, and all goes on."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.clock import utc_now
from tracker.database import db
from tracker.integrity.invariants import snapshot_of, violations
from tracker.notifications import jobs
from tracker.service_requests import links
from tracker.service_requests.lifecycle import Solved, Status
from tracker.service_requests.models import ServiceRequest

WORDS = "下午三点打过电话,没有人接"
JUMPS = [timedelta(minutes=-5), timedelta(days=-3), timedelta(days=-400)]


def _broken(app: Flask) -> set[str]:
    db.session.rollback()
    with snapshot_of(db.engine, app.config["SETTINGS"].uploads_path) as snapshot:
        return {found.invariant for found in violations(snapshot)}


@pytest.mark.parametrize("jump", JUMPS, ids=str)
def test_work_goes_on_when_the_clock_jumps_back(
    app: Flask, a: Builders, browser: Browser, clock: time_machine.Traveller, jump: timedelta
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    leads = a.team_leader(db.session.get_one(ServiceRequest, it.id).lead_team)
    browser.sign_in(leads)
    supervisor = Browser(app).sign_in(a.supervisor())
    clock.shift(jump)

    for page in ("/queue", f"/requests/{it.id}", "/board"):
        assert browser.open(page).path == page
    assert supervisor.open("/figures?period=all").path.startswith("/figures")
    browser.send(
        f"/requests/{it.id}/resolution",
        press="Report the result",
        outcome="explained",
        answer="讲清楚了。",
    )
    assert it.resolved_at is not None
    resident = Browser(app)
    resident.open("/track/" + links.token_for(it.id, it.link_salt))
    resident.click("Rate it and close it")
    resident.send(solved=Solved.YES, satisfaction=5)

    assert it.status is Status.CLOSED
    # An administrator is told which times are impossible, and nothing else is wrong.
    assert _broken(app) <= {"times"}


def test_a_clock_that_jumped_ahead_and_back_signs_nobody_out_for_good(
    a: Builders, browser: Browser, clock: time_machine.Traveller
) -> None:
    it = a.service_request(status=Status.IN_PROGRESS)
    leads = a.team_leader(db.session.get_one(ServiceRequest, it.id).lead_team)
    browser.sign_in(leads)
    page = browser.open(f"/requests/{it.id}/note")
    data = page.form("internal_note").filled({"internal_note": WORDS})

    clock.shift(timedelta(days=800))
    ahead = browser.request("POST", page.path, data=data, headers={"Referer": page.url})
    assert ahead.status_code in (401, 400)
    assert WORDS in ahead.text
    clock.shift(timedelta(days=-800))
    browser.sign_in(leads)
    data = browser.open(page.path).form("internal_note").filled({"internal_note": WORDS})
    back = browser.request("POST", page.path, data=data, headers={"Referer": page.url})

    assert back.status_code == 303
    assert WORDS in browser.open(f"/requests/{it.id}").text


def test_the_daily_job_runs_once_a_day_whatever_the_clock_does(
    app: Flask, a: Builders, now: datetime, clock: time_machine.Traveller
) -> None:
    zone = ZoneInfo("Asia/Shanghai")
    ran: list[date] = []
    for shift in (timedelta(0), timedelta(hours=-6), timedelta(days=1), timedelta(days=-1)):
        clock.shift(shift)
        if "daily" in jobs.run_due(zone, now=utc_now()):
            ran.append(utc_now().astimezone(zone).date())

    assert len(ran) == len(set(ran))
    assert ran
