"""An administrator brings in a file: tried first, then for real."""

import os
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from io import BytesIO

import pytest
from flask import Flask
from openpyxl import Workbook
from sqlalchemy import Select, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.support.together import at_once, same_visitor
from tracker.accounts.models import Grant, Person
from tracker.database import db, transaction
from tracker.errors import NotPermittedError
from tracker.notifications import jobs
from tracker.organisation.models import Area, Category
from tracker.permissions import Role
from tracker.reports.importing import background, folders, running
from tracker.reports.importing.rows import ImportedRow
from tracker.reports.importing.writing import Batch, Writer
from tracker.service_requests import links
from tracker.service_requests.models import ImportRun, ServiceRequest

MAPPING = b"""
source = "old-book"
title = "The old book"
create = ["category", "team", "area"]
[columns]
source_id = "no"
submitted_at = "came"
closed_at = "done"
category = "what"
team = "who"
need = "text"
[status]
column = "state"
values = { open = "in_progress", done = "closed" }
"""
TABLE = b"""no,came,done,what,who,state,text
1,2026-01-05 09:00,2026-01-07 10:00,Lamps,East,done,The lamp is out
2,2026-01-06 09:00,,Lamps,East,open,Another one
3,yesterday,,Lamps,East,open,When?
"""


@pytest.fixture
def _at_once(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an import run within the request instead of a process of its own."""
    monkeypatch.setattr(background, "start", background.run_prepared)


def hand_in(
    browser: Browser,
    table: bytes = TABLE,
    mapping: bytes = MAPPING,
    *,
    file_name: str = "old-book.csv",
    **chosen: object,
) -> None:
    """Fill in the page as a browser would, with both files."""
    page = browser.open("/admin/imports/new")
    data = {
        **page.form("mapping").filled({"mapping": "own", **chosen}),
        "file": (BytesIO(table), file_name),
        "own_mapping": (BytesIO(mapping), "old.toml"),
    }
    answer = browser.request("POST", "/admin/imports/new", data=data, headers={"Referer": page.url})
    if answer.status_code == 303:
        browser.open(answer.headers["Location"])
        return
    pytest.fail(answer.get_data(as_text=True))


@pytest.mark.usefixtures("_at_once")
def test_a_file_is_tried_before_it_is_imported(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator(locale="en"))

    hand_in(browser)
    assert "This was a trial" in browser.page.text
    assert db.session.query(ServiceRequest).count() == 0

    browser.click("Import now")
    assert "Done" in browser.page.text
    assert {row.need for row in db.session.query(ServiceRequest)} == {
        "The lamp is out",
        "Another one",
    }
    with browser.request("GET", browser.page.link("Download these rows with reasons")) as rejected:
        lines = rejected.get_data(as_text=True)
    assert "This is not a date and time" in lines
    assert "3,yesterday,,Lamps,East,open,When?" in lines


@pytest.mark.usefixtures("_at_once")
def test_staff_read_from_where_a_request_came_and_who_asked_does_not(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator(locale="en"))
    hand_in(browser, TABLE.replace(b"\n2,", b"\nN-77,"))
    browser.click("Import now")
    it = db.session.query(ServiceRequest).filter_by(source_id="N-77").one()

    page = browser.sign_in(a.coordinator()).open(f"/requests/{it.id}")
    public = browser.sign_out().open(f"/track/{links.token_for(it.id, it.link_salt)}")

    assert "Source: old-book · Number at the source: N-77" in page.text
    assert "old-book" not in public.text
    assert "N-77" not in public.text


@pytest.mark.usefixtures("_at_once")
def test_a_number_that_a_file_has_twice_is_told_in_the_trial_and_in_the_result(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator(locale="en"))
    twice = TABLE.replace(b"\n2,", b"\n1,").replace(b"yesterday", b"2026-01-05")

    hand_in(browser, twice)
    for press in ("Import now", None):
        assert "This number stands in the file more than once" in browser.page.text
        rejected_at = browser.page.link("Download these rows with reasons")
        with browser.request("GET", rejected_at) as rejected:
            assert "the first is on line 2." in rejected.get_data(as_text=True)
        if press:
            browser.click(press)


@pytest.mark.usefixtures("_at_once")
def test_a_file_may_have_any_name(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator(locale="en"))

    hand_in(browser, file_name="\x00old\x01 旧.csv")

    assert "Trial of old 旧.csv" in browser.page.text


def _workbook() -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for line in TABLE.decode().splitlines():
        sheet.append(line.split(","))
    sheet["B2"] = datetime(2026, 1, 5, 9, 0)  # noqa: DTZ001 - workbooks know no zones
    content = BytesIO()
    book.save(content)
    book.close()
    return content.getvalue()


@pytest.mark.usefixtures("_at_once")
def test_a_workbook_is_tried_imported_and_its_rejects_come_back(
    a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator(locale="en"))

    hand_in(browser, _workbook(), file_name="old-book.xlsx")
    assert "Would be new 2" in browser.page.text
    browser.click("Import now")

    assert "Done" in browser.page.text
    assert {row.need for row in db.session.query(ServiceRequest)} == {
        "The lamp is out",
        "Another one",
    }
    with browser.request("GET", browser.page.link("Download these rows with reasons")) as rejected:
        assert "3,yesterday,,Lamps,East,open,When?" in rejected.get_data(as_text=True)


@pytest.mark.parametrize("table", [b"", b"PK\x03\x04nonsense", b"no,no\n1,2\n", b"\xff\x81"])
def test_what_is_wrong_with_a_file_is_said_in_the_readers_language(
    a: Builders, chinese_browser: Browser, table: bytes
) -> None:
    chinese_browser.sign_in(a.administrator())
    page = chinese_browser.open("/admin/imports/new")
    shipped = page.form("mapping").filled({})

    answer = chinese_browser.request(
        "POST", page.url, data={**shipped, "file": (BytesIO(table), "a.csv")}
    )

    assert answer.status_code == 200
    said = " ".join(
        re.findall(r'id="file-error"[^>]*>(.*?)</p>', answer.get_data(as_text=True), re.DOTALL)
    )
    assert "文件" in said
    assert "file" not in re.sub(r"<[^>]*>", "", said)


@pytest.mark.usefixtures("_at_once")
def test_rejects_speak_the_language_in_which_the_import_was_begun(
    a: Builders, browser: Browser
) -> None:
    # Letters go out in Chinese to them; their pages are English.
    browser.sign_in(a.administrator(locale="zh_Hans_CN"))
    hand_in(browser)

    with browser.request("GET", browser.page.link("Download these rows with reasons")) as rejected:
        assert "This is not a date and time" in rejected.get_data(as_text=True)


def test_a_fault_of_ours_is_no_text_for_readers(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, app: Flask
) -> None:
    browser.sign_in(a.administrator(locale="en"))
    monkeypatch.setattr(background, "start", lambda *_: None)
    hand_in(browser)
    run = db.session.query(ImportRun).one()
    monkeypatch.setattr(background, "Run", None)

    with pytest.raises(TypeError):
        background.run_prepared(run.id, app.config["SETTINGS"])

    page = browser.open(f"/admin/imports/{run.id}")
    assert "Something went wrong on our side." in page.text
    assert "TypeError" not in page.text
    fault = folders.folder_of(app.config["SETTINGS"], run.id).fault
    assert "TypeError" in fault.read_text(encoding="utf-8")


def test_the_import_runs_in_a_process_of_its_own(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator())

    hand_in(browser)

    for thread in threading.enumerate():
        if thread.name.startswith(background.THREAD):
            thread.join(60)
    run = db.session.query(ImportRun).one()
    assert (run.error, run.rows_read, run.rows_created, run.rows_rejected) == ("", 3, 2, 1)


@pytest.mark.usefixtures("_at_once")
def test_a_branch_administrator_imports_into_their_branch_only(
    a: Builders, browser: Browser
) -> None:
    branch = a.unit(name_en="East")
    a.unit(name_en="West")
    a.top_category(name="Lamps")
    browser.sign_in(a.administrator(branch))

    page = browser.open("/admin/imports/new")
    assert "East" in page.html
    assert "West" not in page.html
    hand_in(browser)
    browser.click("Import now")

    assert {row.unit_id for row in db.session.query(ServiceRequest)} == {branch.id}


@pytest.mark.usefixtures("_at_once")
def test_an_import_makes_nothing_that_its_administrator_could_not_make(
    a: Builders, browser: Browser
) -> None:
    branch, other = a.unit(), a.unit()
    a.area(unit=other, name="Southside")
    a.area(unit=branch, name="Northside")
    places = MAPPING.replace(b'need = "text"', b'need = "text"\narea = ["where", "street"]')
    table = b"""no,came,done,what,who,state,text,where,street
1,2026-01-05 09:00,,Lamps,East,open,A new kind of help,Northside,Mill Lane
2,2026-01-05 09:00,,Repairs,East,open,A new place at the top,Eastside,
3,2026-01-05 09:00,,Repairs,East,open,A new place of others,Southside,Mill Lane
4,2026-01-05 09:00,,Repairs,East,open,One of ours,Northside,Mill Lane
"""
    a.top_category(name="Repairs")
    browser.sign_in(a.administrator(branch))

    hand_in(browser, table, places)
    browser.click("Import now")

    made = db.session.scalars(select(ServiceRequest)).one()
    assert (made.source_id, made.unit_id, made.area and made.area.name) == (
        "4",
        branch.id,
        "Mill Lane",
    )
    assert db.session.scalars(select(Category.name).where(Category.name == "Lamps")).all() == []
    assert set(db.session.scalars(select(Area.name))) == {"Southside", "Northside", "Mill Lane"}


@pytest.mark.usefixtures("_at_once")
def test_no_import_touches_what_another_branch_brought_in(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    south, north = a.unit(), a.unit()
    a.top_category(name="Lamps")
    hand_in(browser.sign_in(a.administrator(south)))
    browser.click("Import now")
    before = {
        row.source_id: (row.unit_id, row.need, row.status)
        for row in db.session.scalars(select(ServiceRequest))
    }

    stranger = new_browser().sign_in(a.administrator(north))
    for text in (b"Another one", b"Overwritten"):
        hand_in(stranger, TABLE.replace(b"Another one", text))
        assert "Would change 0 Unchanged 0 Rejected 3" in stranger.page.text
        # Whom to ask is said, and of what is there nothing: changed or not, it reads the same.
        words = "Another unit's import holds this number of this source. Ask an administrator"
        assert words in stranger.page.text
        assert "worked on here" not in stranger.page.text
        if "Import now" in stranger.page.buttons:
            stranger.click("Import now")

    db.session.expire_all()
    assert before == {
        row.source_id: (row.unit_id, row.need, row.status)
        for row in db.session.scalars(select(ServiceRequest))
    }
    assert {unit_id for unit_id, *_rest in before.values()} == {south.id}


@pytest.mark.usefixtures("_at_once")
def test_who_was_moved_to_another_branch_takes_none_of_the_rows_along(
    a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    south, north = a.unit(), a.unit()
    a.top_category(name="Lamps")
    person = a.administrator(south, locale="en")
    hand_in(browser.sign_in(person))
    trial = browser.page.path
    token = browser.page.form("csrf_token").values()["csrf_token"]
    browser.open(f"{trial}/rejects.csv")

    with transaction():
        db.session.scalars(select(Grant).where(Grant.person_id == person.id)).one().ended_at = a.now
    a.grant(person, Role.ADMINISTRATOR, north)

    browser.open(trial, status=404)
    browser.open(f"{trial}/rejects.csv", status=404)
    answer = browser.request("POST", f"{trial}/run", data={"csrf_token": token})
    assert answer.status_code == 404
    assert "old-book.csv" not in browser.open("/admin/imports").text
    assert db.session.scalars(ids()).all() == [int(trial.rpartition("/")[2])]
    whole = new_browser().sign_in(a.administrator(locale="en"))
    assert "old-book.csv" in whole.open("/admin/imports").text
    assert whole.request("GET", f"{trial}/rejects.csv").status_code == 200


@pytest.mark.parametrize("way", ["is ended", "loses the role"])
def test_an_import_ends_with_the_right_of_who_began_it(
    app: Flask, a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    person = a.administrator(locale="en")
    person_id = person.id
    browser.sign_in(person)
    monkeypatch.setattr(background, "start", lambda *_: None)
    hand_in(browser)
    run = db.session.query(ImportRun).one()
    write = Writer.write

    def lose_it_first(self: Writer, rows: Sequence[ImportedRow]) -> Batch:
        with transaction():
            if way == "is ended":
                db.session.get_one(Person, person_id).ended_at = a.now
            else:
                held = select(Grant).where(Grant.person_id == person_id)
                db.session.scalars(held).one().ended_at = a.now
        return write(self, rows)

    monkeypatch.setattr(running, "BATCH_SIZE", 1)
    monkeypatch.setattr(Writer, "write", lose_it_first)
    with pytest.raises(NotPermittedError):
        background.run_prepared(run.id, app.config["SETTINGS"])

    browser.sign_in(a.administrator(locale="en"))
    page = browser.open(f"/admin/imports/{run.id}")
    assert "Who began it may not import there any more." in page.text


def test_only_administrators_import(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.supervisor())
    browser.open("/admin/imports", status=403)


def test_an_import_that_came_to_a_halt_goes_on_where_it_was(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.sign_in(a.administrator(locale="en"))
    with monkeypatch.context() as halted:
        # The process dies before it has done anything.
        halted.setattr(background, "start", lambda *_: None)
        hand_in(browser)
    run = db.session.query(ImportRun).one()
    monkeypatch.setattr(background, "SILENT_AFTER", timedelta.min)
    monkeypatch.setattr(background, "start", background.run_prepared)

    browser.open(f"/admin/imports/{run.id}")
    browser.click("Go on")

    assert run.finished_at is not None
    assert (run.rows_read, run.rows_created, run.rows_rejected) == (3, 2, 1)


def test_one_import_at_a_time_for_each_administrator(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "start", background.run_prepared)
    browser.sign_in(a.administrator(locale="en"))
    hand_in(browser, file_name="other.csv")
    other = browser.page.path
    hand_in(browser)
    monkeypatch.setattr(background, "start", lambda *_: None)

    browser.click("Import now")
    running = browser.page.path
    browser.open(other)
    page = browser.click("Import now")

    assert page.path == running
    assert "An import that you began is still running." in page.text
    assert db.session.query(ImportRun).count() == 3


def test_what_came_to_a_halt_goes_on_once_and_beside_no_other(
    app: Flask, a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    monkeypatch.setattr(background, "start", lambda run_id, _settings: started.append(run_id))
    browser.sign_in(a.administrator(locale="en"))
    settings = app.config["SETTINGS"]

    def halt(run_id: int) -> None:
        os.utime(folders.folder_of(settings, run_id).notes, (0, 0))

    hand_in(browser)
    halted = db.session.scalars(ids()).one()
    halt(halted)
    token = {"csrf_token": browser.page.form("csrf_token").values()["csrf_token"]}
    act = partial(same_visitor(app, browser).post, f"/admin/imports/{halted}/continuation")
    at_once(app, [lambda: act(data=token).status_code] * 4)
    assert started == [halted] * 2  # as it was handed in, and once more

    halt(halted)
    hand_in(browser, file_name="other.csv")
    page = browser.open(f"/admin/imports/{halted}")
    page = browser.click("Go on")
    assert "An import that you began is still running." in page.text
    assert started.count(halted) == 2


@pytest.mark.usefixtures("_at_once")
def test_a_trial_keeps_its_file_until_its_import_is_there(
    a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.sign_in(a.administrator(locale="en"))
    hand_in(browser)

    def be_lost(*_given: object) -> None:
        raise OperationalError(None, {}, Exception("gone"))

    sent = browser.page.form(press="Import now").values()
    with monkeypatch.context() as full:
        full.setattr(Session, "commit", be_lost)
        answer = browser.request("POST", f"{browser.page.path}/run", data=sent)
    assert answer.status_code == 503
    browser.open(browser.page.path)
    browser.click("Import now")

    assert "Done" in browser.page.text
    assert db.session.query(ServiceRequest).count() == 2


# ---------------------------------------------------------------- what is kept


def kept(app: Flask) -> dict[int, set[str]]:
    """Return which files that may tell of people are left of each run."""
    found = (app.config["SETTINGS"].instance_path / "imports").glob("[0-9]*/*")
    runs: dict[int, set[str]] = {run_id: set() for run_id in db.session.scalars(ids())}
    for path in found:
        if int(path.parent.name) in runs and path.name != "notes.json":
            runs[int(path.parent.name)].add(path.name)
    return runs


def ids() -> Select[int]:
    """Return the question for the ids of all runs."""
    return select(ImportRun.id).order_by(ImportRun.id)


@pytest.fixture
def _loose_umask() -> Iterator[None]:
    """Let everybody read what says nothing else, as is usual."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.mark.usefixtures("_at_once", "_loose_umask")
def test_nobody_else_on_the_machine_reads_what_was_handed_in(
    app: Flask, a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator(locale="en"))
    hand_in(browser)

    folder = folders.folder_of(app.config["SETTINGS"], db.session.scalars(ids()).one())
    files = {path.name: path for path in folder.path.iterdir()}
    assert set(files) == {"table", "mapping.toml", "notes.json", "rejects.csv"}
    for path in (folder.path.parent, folder.path, *files.values()):
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.usefixtures("_at_once")
def test_a_file_goes_when_it_was_imported(app: Flask, a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator(locale="en"))
    hand_in(browser)
    tried = browser.page.path
    assert list(kept(app).values()) == [{"table", "mapping.toml", "rejects.csv"}]

    imported = browser.click("Import now").path

    assert list(kept(app).values()) == [{"rejects.csv"}, {"rejects.csv"}]
    page = browser.open(tried)
    assert "The file was imported afterwards." in page.text
    assert "Import now" not in page.buttons
    assert page.link("See what became of it") == imported


@pytest.mark.usefixtures("_at_once")
def test_a_file_of_which_nothing_would_come_goes_at_once(
    app: Flask, a: Builders, browser: Browser
) -> None:
    browser.sign_in(a.administrator(locale="en"))

    hand_in(browser, TABLE.replace(b"2026-01-0", b"yesterday"))

    assert "There is nothing in this file" in browser.page.text
    assert list(kept(app).values()) == [{"rejects.csv"}]


def test_a_file_is_imported_once_however_often_it_is_asked_for(
    app: Flask,
    a: Builders,
    browser: Browser,
    new_browser: Callable[[], Browser],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(background, "start", background.run_prepared)
    hand_in(browser.sign_in(a.administrator(locale="en")))
    tried = browser.page.path
    other = new_browser().sign_in(a.administrator(locale="en"))
    monkeypatch.setattr(background, "start", lambda *_: None)
    asks = [asking(app, each, tried) for each in (browser, browser, other)]

    at_once(app, asks)

    assert db.session.query(ImportRun).filter_by(is_dry=False).count() == 1
    assert asks[0]() == 303


def asking(app: Flask, browser: Browser, tried: str) -> Callable[[], int]:
    """Return what presses "Import now" on the page of a trial; it answers with the status."""
    token = browser.open(tried).form("csrf_token").values()["csrf_token"]

    def act() -> int:
        client = same_visitor(app, browser)
        return client.post(f"{tried}/run", data={"csrf_token": token}).status_code

    return act


@pytest.mark.usefixtures("_at_once")
def test_a_trial_takes_the_place_of_the_one_before_and_few_are_kept(
    app: Flask, a: Builders, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    hand_in(new_browser().sign_in(a.administrator(locale="en")))
    browser.sign_in(a.administrator(locale="en"))
    hand_in(browser)
    replaced = browser.page.path

    hand_in(browser)
    assert ["table" in files for files in kept(app).values()] == [True, False, True]
    page = browser.open(replaced)
    assert "The file is not kept any longer: hand it in again." in page.text
    assert "Import now" not in page.buttons

    for number in range(background.MOST_TRIALS):
        hand_in(browser, file_name=f"{number}.csv")
    assert ["table" in files for files in kept(app).values()] == [
        True,  # somebody else's
        False,
        False,
        *[True] * background.MOST_TRIALS,
    ]


@pytest.mark.usefixtures("_at_once")
def test_after_a_month_only_the_counts_are_left(app: Flask, a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator(locale="en"))
    hand_in(browser)
    assert "The rows themselves are kept for 30 days." in browser.page.text
    folder = folders.folder_of(app.config["SETTINGS"], db.session.scalars(ids()).one())
    since = folder.people_since()
    assert since is not None

    jobs.run_now("imports", now=since + folders.KEPT_FOR - timedelta(minutes=1))
    assert list(kept(app).values()) == [{"table", "mapping.toml", "rejects.csv"}]
    said = jobs.run_now("imports", now=since + folders.KEPT_FOR)

    assert said.endswith("old imports cleared")
    assert list(kept(app).values()) == [set()]
    page = browser.open(browser.page.path)
    assert "Would be new 2 Would change 0 Unchanged 0 Rejected 1" in page.text
    assert "The rows themselves are not kept any longer." in page.text
    assert "The file is not kept any longer: hand it in again." in page.text
    assert "Import now" not in page.buttons


def test_an_import_that_came_to_a_halt_long_ago_is_handed_in_again(
    app: Flask, a: Builders, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.sign_in(a.administrator(locale="en"))
    monkeypatch.setattr(background, "start", lambda *_: None)
    hand_in(browser)
    folder = folders.folder_of(app.config["SETTINGS"], db.session.scalars(ids()).one())
    monkeypatch.setattr(background, "SILENT_AFTER", timedelta.min)

    folder.forget_people()

    page = browser.open(browser.page.path)
    assert "The file is not kept any longer: hand it in again." in page.text
    assert "Go on" not in page.buttons


@pytest.mark.usefixtures("_at_once")
def test_no_branch_makes_a_top_category_for_rows_without_one(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator(a.unit(), locale="en"))
    bare = MAPPING.replace(b'category = "what"\n', b"")

    for key in (b"uncategorised", b"uncategorised_en"):
        hand_in(browser, mapping=bare + b"[category]\n" + key + b' = "Evil"\n')
        assert "There is no such category, and this import may not make it." in browser.page.text
        assert "Import now" not in browser.page.buttons
    hand_in(browser, mapping=bare)
    browser.click("Import now")

    assert db.session.scalars(select(Category.name)).all() == ["未分类"]


@pytest.mark.usefixtures("_at_once")
def test_what_the_desk_moved_to_another_unit_is_known_again(a: Builders, browser: Browser) -> None:
    browser.sign_in(a.administrator(locale="en"))
    home, other = a.unit(), a.unit()
    hand_in(browser, unit=home.id)
    browser.click("Import now")
    with transaction():
        moved = db.session.scalars(select(ServiceRequest)).first()
        assert moved is not None
        moved.unit_id = other.id

    hand_in(browser, unit=home.id)

    assert "Unchanged 2 Rejected 1" in browser.page.text
