"""A file becomes requests: every row is taken over, or rejected with a reason."""

import csv
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import pytest
from flask import Flask
from openpyxl import Workbook
from sqlalchemy import func, insert, select, update

from tests.support.builders import Builders
from tests.support.together import at_once, until_others_wait
from tracker.accounts.models import Person
from tracker.database import Model, db, transaction
from tracker.errors import NotPermittedError
from tracker.organisation.models import Area, AreaKind, Category, Unit
from tracker.permissions import SYSTEM, Action, Actor, Role
from tracker.reports.formulas import unquoted
from tracker.reports.importing import names, running
from tracker.reports.importing.files import FileError, open_table
from tracker.reports.importing.mapping import (
    Creatable,
    Mapping,
    MappingError,
    parse_mapping,
    read_mapping,
)
from tracker.reports.importing.rows import Reason
from tracker.reports.importing.running import Rejects, Run, Summary, begin
from tracker.service_requests import queries, search
from tracker.service_requests.actions import dispatch, handling
from tracker.service_requests.lifecycle import Kind, Priority, Status, Step
from tracker.service_requests.models import HistoryEntry, ServiceRequest
from tracker.service_requests.reference import parse_reference
from tracker.teams.models import Team

MAPPING = """
source = "book"
time_zone = "Asia/Shanghai"
missing = ["-"]
create = ["category", "team", "area", "unit"]
[columns]
source_id = "no"
submitted_at = "came"
due_at = "due"
closed_at = "done"
category = ["what", "exactly"]
area = ["district", "street"]
unit = "office"
team = "team"
channel = "way"
address = "where"
need = ["text", "more"]
answer = "answer"
[kind]
column = "kind"
values = { "投诉" = "complaint" }
[status]
column = "state"
values = { open = "in_progress", done = "closed" }
"""
HEADER = "no,came,due,done,what,exactly,district,street,office,team,way,where,text,more,answer,kind,state"
OPEN = "1,2026-01-05 09:00,2026-01-12 09:00,,环卫,垃圾,坪山区,龙田街道,城管局,二队,热线,坪山路1号,楼下垃圾没人收,-,-,投诉,open"
DONE = "2,2026-01-05 09:00,2026-01-12 09:00,2026-01-07 21:00,环卫,路灯,坪山区,龙田街道,城管局,二队,热线,-,路灯不亮,-,修好了,-,done"

BringIn = Callable[..., Summary]


@pytest.fixture
def bring_in(app: Flask, tmp_path: Path, now: datetime) -> BringIn:
    """Return what imports some lines, and tells what became of them."""

    def run(
        *lines: str,
        mapping: str = MAPPING,
        actor: Actor = SYSTEM,
        is_dry: bool = False,
        encoding: str = "utf-8",
        header: str = HEADER,
    ) -> Summary:
        file = tmp_path / "book.csv"
        file.write_text("\n".join([header, *lines]) + "\n", encoding=encoding)
        return go(file, parse_mapping(mapping.encode()), actor=actor, is_dry=is_dry)

    def go(file: Path, mapping: Mapping, *, actor: Actor, is_dry: bool) -> Summary:
        table = open_table(file, mapping.encoding)
        run_id = None
        if not is_dry:
            with transaction():
                run_id = begin(file.name, mapping, actor=actor, now=now).id
        rejects = Rejects(tmp_path / "rejects.csv", table.header)
        return Run(table, mapping, actor, now, rejects, run_id).go()

    return run


def only_request() -> ServiceRequest:
    """Return the only request there is."""
    db.session.rollback()
    return db.session.scalars(select(ServiceRequest)).one()


def reasons(summary: Summary) -> set[Reason]:
    """Return why rows were rejected."""
    return {reason for _column, reason in summary.problems}


def test_a_row_is_taken_over_with_everything_it_says(bring_in: BringIn) -> None:
    summary = bring_in(DONE)

    assert (summary.read, summary.created, summary.rejected) == (1, 1, 0)
    it = only_request()
    assert it.status is Status.CLOSED
    assert it.outcome is None
    assert it.submitted_at == datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
    assert it.closed_at == it.resolved_at == datetime(2026, 1, 7, 13, 0, tzinfo=UTC)
    assert it.seconds_to_close == 60 * 3600
    assert it.resolved_on_time is True
    assert it.kind is Kind.HELP
    assert (it.need, it.address, it.public_answer) == ("路灯不亮", "", "修好了")
    assert it.category.name == "路灯"
    assert it.category.parent is not None
    assert it.category.parent.name == "环卫"
    assert not it.category.is_offered
    assert it.area is not None
    assert it.area.parent is not None
    assert (it.area.parent.name, it.area.name) == ("坪山区", "龙田街道")
    assert it.unit.name == "城管局"
    assert it.lead_team is not None
    assert (it.lead_team.name, it.lead_team.unit_id) == ("二队", it.unit_id)
    assert it.channel == "热线"
    assert parse_reference(it.reference) == it.reference


def test_history_says_imported_and_the_words_can_be_found(bring_in: BringIn) -> None:
    bring_in(OPEN)

    it = only_request()
    entry = db.session.scalars(select(HistoryEntry)).one()
    assert (entry.step, entry.from_status, entry.to_status) == (
        Step.IMPORT,
        None,
        Status.IN_PROGRESS,
    )
    assert entry.taken_at == it.submitted_at
    assert search.matching("垃圾", [it.id]) == {it.id}


def test_the_same_file_again_changes_nothing(bring_in: BringIn) -> None:
    bring_in(OPEN, DONE)
    before = [(row.id, row.version) for row in db.session.scalars(select(ServiceRequest))]

    again = bring_in(OPEN, DONE)

    assert (again.created, again.updated, again.unchanged) == (0, 0, 2)
    assert again.made == {}
    db.session.rollback()
    assert before == [(row.id, row.version) for row in db.session.scalars(select(ServiceRequest))]
    assert db.session.scalar(select(func.count(HistoryEntry.id))) == 2


def test_what_the_source_says_anew_is_taken_over_and_remembered(bring_in: BringIn) -> None:
    bring_in(OPEN)

    changed = OPEN.replace("12 09:00,,", "12 09:00,2026-01-20 09:00,").replace("open", "done")
    summary = bring_in(changed.replace("没人收", "收走了"))

    assert summary.updated == 1
    it = only_request()
    assert it.status is Status.CLOSED
    assert it.resolved_on_time is False
    steps = db.session.scalars(select(HistoryEntry).order_by(HistoryEntry.id)).all()
    assert [(one.from_status, one.to_status) for one in steps] == [
        (None, Status.IN_PROGRESS),
        (Status.IN_PROGRESS, Status.CLOSED),
    ]
    assert search.matching("收走", [it.id]) == {it.id}
    assert not search.matching("没人收", [it.id])


def test_what_was_worked_on_here_is_not_undone(bring_in: BringIn, a: Builders) -> None:
    bring_in(OPEN)
    it = only_request()
    actor = a.actor(a.coordinator(it.unit))
    with transaction():
        handling.add_note(
            db.session.get_one(ServiceRequest, it.id),
            internal_note="Called.",
            actor=actor,
            now=a.now,
        )

    same = bring_in(OPEN)
    assert (same.unchanged, same.rejected) == (1, 0)
    changed = bring_in(OPEN.replace("热线", "微信"))

    assert reasons(changed) == {Reason.WORKED_ON_HERE}
    assert only_request().channel == "热线"


def test_what_a_desk_did_a_moment_before_is_not_undone(
    app: Flask, bring_in: BringIn, a: Builders
) -> None:
    mapping = MAPPING.replace('"in_progress"', '"submitted"')
    bring_in(OPEN, mapping=mapping)
    it = only_request()
    request_id, category_id, area_id, now = it.id, it.category_id, it.area_id, a.now
    desk = a.actor(a.coordinator(it.unit))
    is_accepted = Event()

    def accept() -> None:
        with transaction():
            found = queries.find_for_change(desk, request_id, Action.ACCEPT_SERVICE_REQUEST)
            dispatch.accept(
                found,
                category_id=category_id,
                priority=Priority.NORMAL,
                area_id=area_id,
                actor=desk,
                now=now,
            )
            db.session.flush()
            is_accepted.set()
            until_others_wait(1)  # the import has read what was there before

    def bring_in_meanwhile() -> Summary:
        is_accepted.wait()
        return bring_in(OPEN.replace("热线", "微信"), mapping=mapping)

    (summary,) = filter(None, at_once(app, [accept, bring_in_meanwhile]))

    assert (summary.updated, reasons(summary)) == (0, {Reason.WORKED_ON_HERE})
    after = only_request()
    assert (after.status, after.accepted_at, after.channel) == (Status.ACCEPTED, now, "热线")
    entries = db.session.scalars(select(HistoryEntry).order_by(HistoryEntry.id)).all()
    assert [entry.step for entry in entries] == [Step.IMPORT, Step.ACCEPT]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\u2028", "\x85"])
def test_a_name_is_one_line_and_an_answer_has_as_many_as_it_was_given(
    bring_in: BringIn, end: str
) -> None:
    line = DONE.replace("路灯,", f'"路{end}灯",').replace("二队", f'"二{end}队"')
    line = line.replace("热线,-", f'"热{end}线","坪山路{end}1号"').replace("修好了", '"修好\n了"')

    assert bring_in(line).created == 1

    it = only_request()
    assert it.lead_team is not None
    names = it.category.name, it.lead_team.name, it.channel, it.address
    assert names == ("路 灯", "二 队", "热 线", "坪山路 1号")
    assert it.public_answer == "修好\n了"


@pytest.mark.parametrize("what", ["accepted_at", "assigned_at", "first_response_at", "resolved_at"])
@pytest.mark.parametrize(
    ("at", "reason"),
    [
        ("2026-01-05 08:59", Reason.BEFORE_SUBMITTED),
        ("2031-01-05 09:00", Reason.IN_THE_FUTURE),
        ("2026-01-05 09:00", None),
    ],
)
def test_what_happened_to_a_request_happened_after_it_came(
    bring_in: BringIn, what: str, at: str, reason: Reason | None
) -> None:
    mapping = MAPPING.replace('closed_at = "done"', f'closed_at = "done"\n{what} = "then"')

    summary = bring_in(f"{DONE},{at}", mapping=mapping, header=f"{HEADER},then")

    assert reasons(summary) == ({reason} if reason else set())


def test_a_dry_run_counts_the_same_and_writes_nothing(bring_in: BringIn) -> None:
    tried = bring_in(OPEN, DONE, is_dry=True)

    assert db.session.scalar(select(func.count(ServiceRequest.id))) == 0
    done = bring_in(OPEN, DONE)
    assert (tried.created, tried.made) == (done.created, done.made)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (OPEN.replace("1,2026-01-05 09:00", ",2026-01-05 09:00"), Reason.MISSING),
        (OPEN.replace("2026-01-05 09:00", "-", 1), Reason.MISSING),
        (OPEN.replace("2026-01-05 09:00", "last week"), Reason.NOT_A_TIME),
        (OPEN.replace("2026-01-05 09:00", "2031-01-05 09:00"), Reason.IN_THE_FUTURE),
        (OPEN.replace("open", "lost"), Reason.UNKNOWN_STATUS),
        (OPEN.replace("投诉", "吐槽"), Reason.UNKNOWN_KIND),
        (DONE.replace("2026-01-07", "2026-01-04"), Reason.CLOSED_BEFORE_SUBMITTED),
        (DONE.replace("done", "open"), Reason.OPEN_WITH_CLOSING_TIME),
        (OPEN.replace("坪山路1号", "x" * 201), Reason.TOO_LONG),
        (OPEN.replace("楼下垃圾没人收,-", f"{'x' * 10_000},{'y' * 10_000}"), Reason.TOO_LONG),
        (DONE.replace("修好了", "x" * 20_001), Reason.TOO_LONG),
        (DONE.replace("2026-01-05 09:00", "1900-01-05 09:00"), Reason.NOT_A_TIME),
    ],
)
def test_a_bad_row_is_rejected_with_its_reason_and_nothing_else_is_lost(
    bring_in: BringIn, tmp_path: Path, line: str, reason: Reason
) -> None:
    summary = bring_in(DONE, line)

    assert (summary.created, summary.rejected) == (1, 1)
    assert reasons(summary) == {reason}
    with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as stream:
        rejected = list(csv.DictReader(stream))
    assert [(row["line"], row["reason"]) for row in rejected] == [("3", reason.value)]
    assert [unquoted(rejected[0][name]) for name in HEADER.split(",")] == line.split(",")


def test_what_was_rejected_is_no_formula_and_comes_in_when_it_is_mended(
    bring_in: BringIn, tmp_path: Path
) -> None:
    bad = DONE.replace("路灯不亮", "=cmd|' /C calc'!A1").replace("2026-01-05", "yesterday")
    bring_in(bad)

    path = tmp_path / "rejects.csv"
    with path.open(encoding="utf-8-sig", newline="") as stream:
        header, rejected = list(csv.reader(stream))
    assert not [cell for cell in rejected if cell.startswith(("=", "+", "-", "@"))]
    lines = path.read_text(encoding="utf-8-sig").replace("yesterday", "2026-01-05").splitlines()
    summary = bring_in(*lines[1:], header=",".join(header))

    assert summary.created == 1
    assert "=cmd|' /C calc'!A1" in only_request().need


def test_nothing_is_made_for_a_row_that_is_rejected(bring_in: BringIn, a: Builders) -> None:
    mapping = MAPPING.replace(
        'create = ["category", "team", "area", "unit"]', 'create = ["team", "unit"]'
    )

    assert a.bureau.id
    for is_dry in (True, False):
        summary = bring_in(OPEN, mapping=mapping, is_dry=is_dry)
        assert (summary.rejected, summary.made) == (1, {})
    assert db.session.scalars(select(Unit.name).where(Unit.name == "城管局")).all() == []


def test_nothing_is_made_for_a_row_whose_desk_has_ended(
    bring_in: BringIn, a: Builders, now: datetime
) -> None:
    ended = a.unit()
    a.area(name="坪山区", unit=ended)
    with transaction():
        db.session.execute(update(Unit).where(Unit.id == ended.id).values(ended_at=now))

    summary = bring_in(OPEN.replace("城管局", "-"))

    assert (summary.rejected, summary.made) == (1, {})
    assert reasons(summary) == {Reason.NO_SUCH_TEAM}
    assert db.session.scalars(select(Area.name).where(Area.name == "龙田街道")).all() == []


def test_a_run_that_came_to_a_halt_counts_what_it_had_made(
    a: Builders, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH_SIZE", 1)
    table, mapping = tmp_path / "book.csv", parse_mapping(MAPPING.encode())
    lines = [OPEN.replace("1,2026", f"{number},2026", 1) for number in range(4)]
    table.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    with transaction():
        run_id = begin("book.csv", mapping, actor=SYSTEM, now=now).id

    class HaltError(Exception):
        pass

    def halt(summary: Summary) -> None:
        if summary.created == 2:
            raise HaltError

    def run(on_batch: Callable[[Summary], None]) -> Summary:
        rejects = Rejects(tmp_path / "rejects.csv", tuple(HEADER.split(",")))
        opened = open_table(table, "utf-8")
        return Run(opened, mapping, SYSTEM, now, rejects, run_id, on_batch=on_batch).go()

    with pytest.raises(HaltError):
        run(halt)
    summary = run(lambda _summary: None)

    assert (summary.created, summary.unchanged) == (4, 0)


def test_what_the_source_noted_after_closing_does_not_end_it_later(bring_in: BringIn) -> None:
    times = 'closed_at = "done"\naccepted_at = "taken"\nresolved_at = "solved"'
    mapping = MAPPING.replace('closed_at = "done"', times)
    late = "2026-01-09 10:00,2026-01-09 09:00"
    bring_in(
        f"{DONE},{late}",
        f"{OPEN},{late}",
        mapping=mapping.replace("in_progress", "submitted"),
        header=f"{HEADER},taken,solved",
    )

    closed, submitted = db.session.scalars(
        select(ServiceRequest).order_by(ServiceRequest.source_id.desc())
    )
    assert (closed.resolved_at, closed.accepted_at) == (closed.closed_at, closed.closed_at)
    assert submitted.accepted_at is None


OTHER = OPEN.replace("1,2026", "2,2026", 1)


@pytest.mark.parametrize(
    ("model", "name", "line", "reason"),
    [
        (Area, "坪山区", OTHER.replace("龙田街道", "马峦街道"), Reason.NO_SUCH_AREA),
        (Category, "环卫", OTHER.replace("垃圾,", "果皮箱,", 1), Reason.NO_SUCH_CATEGORY),
        (Unit, "城管局", OTHER.replace("二队", "三队"), Reason.NO_SUCH_TEAM),
    ],
)
def test_nothing_begins_below_what_has_ended(
    bring_in: BringIn,
    now: datetime,
    model: type[Area | Category | Unit],
    name: str,
    line: str,
    reason: Reason,
) -> None:
    bring_in(OPEN)
    with transaction():
        db.session.execute(update(model).where(model.name == name).values(ended_at=now))

    summary = bring_in(OTHER.replace("2,2026", "3,2026", 1), line)

    assert (summary.created, summary.rejected) == (1, 1)  # what was there is still known
    assert reasons(summary) == {reason}


def test_nothing_begins_below_what_ends_while_the_file_is_read(
    a: Builders, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH_SIZE", 1)
    table = tmp_path / "book.csv"
    mapping = parse_mapping(MAPPING.encode())
    lines = [HEADER, OPEN, OTHER.replace("龙田街道", "马峦街道")]
    table.write_text("\n".join(lines), encoding="utf-8")

    def end(_summary: Summary) -> None:
        with transaction():
            district = db.session.scalars(select(Area).where(Area.name == "坪山区")).one()
            district.ended_at = now

    with transaction():
        run_id = begin("book.csv", mapping, actor=SYSTEM, now=now).id
    rejects = Rejects(tmp_path / "rejects.csv", tuple(HEADER.split(",")))
    opened = open_table(table, "utf-8")
    summary = Run(opened, mapping, SYSTEM, now, rejects, run_id, on_batch=end).go()

    assert (summary.created, summary.rejected) == (1, 1)
    assert reasons(summary) == {Reason.NO_SUCH_AREA}


def test_two_files_at_the_same_moment_make_what_both_name_once(
    app: Flask, a: Builders, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH_SIZE", 3)
    assert a.bureau.name
    mapping = parse_mapping(MAPPING.encode())

    def bring_in(name: str, numbers: range) -> Summary:
        table = tmp_path / f"{name}.csv"
        lines = [OPEN.replace("1,2026", f"{number},2026", 1) for number in numbers]
        table.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
        with transaction():
            run_id = begin(table.name, mapping, actor=SYSTEM, now=now).id
        rejects = Rejects(tmp_path / f"{name}-rejects.csv", tuple(HEADER.split(",")))
        return Run(open_table(table, "utf-8"), mapping, SYSTEM, now, rejects, run_id).go()

    summaries = at_once(
        app, [lambda: bring_in("one", range(20)), lambda: bring_in("other", range(10, 30))]
    )

    assert sum(summary.created for summary in summaries) == 30
    assert sum(summary.unchanged for summary in summaries) == 10
    for kind, name in ((Category, "垃圾"), (Area, "龙田街道"), (Unit, "城管局"), (Team, "二队")):
        how_many = select(func.count()).select_from(kind).where(kind.name == name)
        assert db.session.scalar(how_many) == 1, kind


@pytest.mark.parametrize("size", [1, 100])
def test_a_name_means_the_same_in_every_batch(
    bring_in: BringIn, a: Builders, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(running, "BATCH_SIZE", size)
    district = a.area(name="坪山区", kind=AreaKind.DISTRICT)
    a.area(name="龙田", parent=district, kind=AreaKind.STREET)
    line = OPEN.replace("坪山区,龙田街道", "龙田,龙田")

    summary = bring_in(
        line, line.replace("1,2026", "2,2026", 1), line.replace("1,2026", "3,2026", 1)
    )

    assert summary.created == 3
    assert summary.made[Creatable.AREA] == 1
    assert len(set(db.session.scalars(select(ServiceRequest.area_id)))) == 1


def bring_into(
    home: Unit,
    table: Path,
    mapping: Mapping,
    a: Builders,
    person: Person,
    *,
    meanwhile: Callable[[Summary], None],
) -> Summary:
    """Import a file into a unit as an administrator does, with something between its batches."""
    with transaction():
        run_id = begin(table.name, mapping, actor=a.actor(person), now=a.now).id
    rejects = Rejects(table.with_name("rejects.csv"), tuple(HEADER.split(",")))
    return Run(
        open_table(table, "utf-8"),
        mapping,
        a.actor(person),
        a.now,
        rejects,
        run_id,
        home_unit_id=home.id,
        actor_now=lambda: a.actor(person),
        on_batch=meanwhile,
    ).go()


def test_what_is_moved_out_of_a_branch_while_its_file_is_read_is_left_alone(
    a: Builders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH_SIZE", 1)
    east, west = a.unit(), a.unit()
    office = a.unit(parent=east, name="城管局")
    a.team(unit=office, name="二队")
    a.category(name="垃圾")
    person = a.administrator(east)
    table = tmp_path / "book.csv"
    mapping = parse_mapping(
        MAPPING.replace('create = ["category", "team", "area", "unit"]', "create = []")
        .replace('["what", "exactly"]', '["exactly"]')
        .replace('area = ["district", "street"]\n', "")
        .encode()
    )
    lines = [OPEN, OPEN.replace("1,2026", "2,2026", 1)]
    table.write_text("\n".join([HEADER, *lines]), encoding="utf-8")

    def move(_summary: Summary) -> None:
        with transaction():
            moved = db.session.get_one(Unit, office.id)
            moved.parent_id = west.id

    summary = bring_into(east, table, mapping, a, person, meanwhile=move)

    assert (summary.created, summary.rejected) == (1, 1)
    assert reasons(summary) == {Reason.NO_SUCH_UNIT}


@pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True)
def test_what_somebody_sets_up_while_a_batch_makes_names_is_known_to_the_next(
    a: Builders, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH_SIZE", 1)
    office = a.unit(name="城管局")
    office_id, person, engine = office.id, a.administrator(), db.engine
    table = tmp_path / "book.csv"
    lines = [OPEN, OPEN.replace("1,2026", "2,2026", 1).replace("二队", "三队")]
    table.write_text("\n".join([HEADER, *lines]), encoding="utf-8")
    save, to_come = names._saved, ["三队"]

    def save_while_another_sets_up(thing: Model) -> int:
        thing_id = save(thing)
        if to_come:
            team = {"unit_id": office_id, "name": to_come.pop(), "created_at": now}
            with engine.begin() as another:
                another.execute(insert(Team).values(**team))
        return thing_id

    monkeypatch.setattr(names, "_saved", save_while_another_sets_up)

    summary = bring_into(
        office, table, parse_mapping(MAPPING.encode()), a, person, meanwhile=lambda _summary: None
    )

    assert summary.made[Creatable.TEAM] == 1


def test_nothing_is_made_by_a_role_that_ended_while_the_file_was_read(
    a: Builders, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH_SIZE", 1)
    north, person = a.unit(name="城管局"), a.person()
    a.grant(person, Role.ADMINISTRATOR, north)
    at_the_top = a.grant(person, Role.ADMINISTRATOR)
    table = tmp_path / "book.csv"
    mapping = parse_mapping(MAPPING.encode())
    lines = [OPEN, OPEN.replace("1,2026", "2,2026", 1).replace("环卫,垃圾", "市政,井盖")]
    table.write_text("\n".join([HEADER, *lines]), encoding="utf-8")

    def end(_summary: Summary) -> None:
        with transaction():
            db.session.merge(at_the_top).ended_at = now

    summary = bring_into(north, table, mapping, a, person, meanwhile=end)

    assert (summary.created, summary.rejected) == (1, 1)
    assert reasons(summary) == {Reason.NO_SUCH_CATEGORY}
    assert summary.made[Creatable.CATEGORY] == 2


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("category", Reason.NO_SUCH_CATEGORY),
        ("team", Reason.NO_SUCH_TEAM),
        ("area", Reason.NO_SUCH_AREA),
        ("unit", Reason.NO_SUCH_UNIT),
    ],
)
def test_what_the_mapping_may_not_create_must_be_there(
    bring_in: BringIn, a: Builders, kind: str, reason: Reason
) -> None:
    a.unit(parent=None)
    wanted = [one for one in ("category", "team", "area", "unit") if one != kind]
    quoted = ", ".join(f'"{one}"' for one in wanted)

    summary = bring_in(
        OPEN,
        mapping=MAPPING.replace('["category", "team", "area", "unit"]', f"[{quoted}]"),
    )

    assert reasons(summary) == {reason}


def test_a_row_without_a_category_is_kept_as_uncategorised(bring_in: BringIn) -> None:
    bring_in(OPEN.replace("环卫,垃圾", "-,"))

    assert only_request().category.name == "未分类"


def test_names_that_are_there_are_used_in_either_language(bring_in: BringIn, a: Builders) -> None:
    unit = a.unit(name="城市管理局", name_en="城管局")
    team = a.team(unit, name="二队")

    bring_in(OPEN)

    it = only_request()
    assert (it.unit_id, it.lead_team_id) == (unit.id, team.id)


def test_a_row_at_the_ends_of_what_is_taken_over_comes_in(bring_in: BringIn) -> None:
    words = " ".join(f"w{number}" for number in range(10_000))[:20_000]
    old = DONE.replace("2026-01-05 09:00", "1970-01-01 08:00").replace("修好了", words)

    summary = bring_in(
        old.replace("路灯不亮", words).replace("2026-01-12 09:00", "9999-12-31 23:59")
    )

    assert (summary.created, summary.rejected) == (1, 0)
    it = only_request()
    assert (it.need, it.public_answer) == (words, words)


def test_a_closed_row_without_a_closing_time_has_none(bring_in: BringIn) -> None:
    bring_in(DONE.replace("2026-01-07 21:00", "-"))

    it = only_request()
    assert it.status is Status.CLOSED
    assert (it.closed_at, it.seconds_to_close, it.resolved_on_time) == (None, None, None)


def test_a_number_that_comes_twice_in_a_file_is_taken_once_and_the_second_rejected(
    bring_in: BringIn, tmp_path: Path
) -> None:
    lines = OPEN, DONE, OPEN.replace("热线", "微信"), DONE

    for is_dry in (True, False):
        summary = bring_in(*lines, is_dry=is_dry)
        assert (summary.created, summary.updated, summary.unchanged) == (2, 0, 0)
        assert summary.problems == {("no", Reason.TWICE_IN_THE_FILE): 2}
        with (tmp_path / "rejects.csv").open(encoding="utf-8-sig", newline="") as stream:
            rejected = list(csv.DictReader(stream))
        assert [(row["line"], row["no"], row["way"]) for row in rejected] == [
            ("4", "1", "微信"),
            ("5", "2", "热线"),
        ]
    assert db.session.scalar(select(ServiceRequest.channel).filter_by(source_id="1")) == "热线"
    again = bring_in(*lines)
    assert (again.updated, again.unchanged, again.rejected) == (0, 2, 2)


def test_a_number_whose_first_line_cannot_be_read_is_taken_from_the_second(
    bring_in: BringIn,
) -> None:
    summary = bring_in(OPEN.replace("2026-01-05", "yesterday"), OPEN.replace("热线", "微信"))

    assert (summary.created, reasons(summary)) == (1, {Reason.NOT_A_TIME})
    assert only_request().channel == "微信"


def test_a_number_is_known_in_the_batches_after_it(
    bring_in: BringIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "BATCH_SIZE", 1)

    summary = bring_in(OPEN, DONE, OPEN)

    assert (summary.created, summary.rejected) == (2, 1)


@pytest.mark.parametrize("column", ["text", "more"])
def test_of_what_is_joined_the_column_that_is_too_long_is_named(
    bring_in: BringIn, column: str
) -> None:
    long, short = "x" * 20_001, "b"
    need = f"{long},{short}" if column == "text" else f"{short},{long}"

    summary = bring_in(OPEN.replace("楼下垃圾没人收,-", need))

    assert summary.problems == {(column, Reason.TOO_LONG): 1}


def test_a_formula_without_its_value_rejects_the_row_and_names_the_column(
    app: Flask, tmp_path: Path, now: datetime
) -> None:
    _ = app
    book = Workbook()
    assert book.active is not None
    for line in (f"{HEADER},aside", f"{OPEN},=1+1", f"{DONE.replace('路灯不亮', '=1+1')},"):
        book.active.append(line.split(","))
    book.save(tmp_path / "book.xlsx")
    table, mapping = open_table(tmp_path / "book.xlsx"), parse_mapping(MAPPING.encode())
    rejects = Rejects(tmp_path / "rejects.csv", table.header)

    summary = Run(table, mapping, SYSTEM, now, rejects, None).go()

    assert (summary.created, summary.rejected) == (1, 1)  # nobody asks for what stands aside
    assert summary.problems == {("text", Reason.NOT_COMPUTED): 1}
    with rejects.path.open(encoding="utf-8-sig", newline="") as stream:
        [rejected] = csv.DictReader(stream)
    assert (rejected["line"], rejected["column"], rejected["text"]) == ("3", "text", "'=1+1")


def test_more_rows_than_one_batch(bring_in: BringIn) -> None:
    lines = [OPEN.replace("1,", f"{number},", 1) for number in range(1, 4502)]

    assert bring_in(*lines).created == 4501
    assert bring_in(*lines).unchanged == 4501


def test_who_may_not_import_there_changes_nothing(bring_in: BringIn, a: Builders) -> None:
    a.unit()
    branch = a.unit()
    supervisor, local = a.actor(a.supervisor()), a.actor(a.administrator(branch))

    for actor in (supervisor, local):
        with pytest.raises(NotPermittedError):
            bring_in(OPEN, actor=actor)
    assert bring_in(OPEN, actor=a.actor(a.administrator())).created == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_every_encoding_reads_alike(bring_in: BringIn, encoding: str) -> None:
    bring_in(OPEN, encoding=encoding)

    assert only_request().need == "楼下垃圾没人收"


# -------------------------------------------------------------------- files and mappings


def test_a_column_that_the_file_lacks_is_named(bring_in: BringIn) -> None:
    with pytest.raises(FileError, match="text"):
        bring_in(header=HEADER.replace("text", "words"))


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (('source = "book"', ""), "source"),
        (('"closed" }', '"gone" }'), "status.values: “gone”"),
        (('source = "book"', 'source = "a\\u0000b"'), "source"),
        (('source = "book"', f'source = "{"x" * 61}"'), "source: at most 60"),
        (("[status]\n", "[status]\nwhen = 5\n"), "status.when: write"),
        (
            (
                "[status]\n",
                '[[status.when]]\ncolumn = "a"\nequals = "b"\nstatus = "closed"\non_time = 1\n[status]\n',
            ),
            "on_time: true or false",
        ),
        (
            ("[status]\n", f'[category]\nuncategorised = "{"x" * 121}"\n[status]\n'),
            "category.uncategorised: at most 120",
        ),
        (("[status]\n", '[unit]\ndefault = "a\\u0000"\n[status]\n'), "unit.default"),
        (("Asia/Shanghai", "Asia/Nowhere"), "time_zone"),
        (("Asia/Shanghai", "Asia"), "time_zone"),
        (('"unit"]', '"planet"]'), "create: “planet”"),
        (('need = ["text"', 'neeed = ["text"'), "columns.neeed"),
        (('["what", "exactly"]', '["a", "b", "c"]'), "columns.category"),
        (("[status]", "[status"), "TOML"),
        (("[status]", "deep = " + "[\n" * 5_000 + "\n[status]"), "nested"),
        (("[columns]", 'encoding = "undefined"\n[columns]'), "encoding"),
        (("[columns]", 'encoding = "base64"\n[columns]'), "encoding"),
        (("[columns]", 'encoding = "unicode_escape"\n[columns]'), "encoding"),
        (("[columns]", 'encoding = "utf-7"\n[columns]'), "encoding"),
        (("[columns]", 'encoding = "U7"\n[columns]'), "encoding"),
        (("[columns]", 'time_formats = ["%Y %Y"]\n[columns]'), "time_formats"),
        (("[columns]", 'time_formats = ["%Q"]\n[columns]'), "time_formats"),
        (("[columns]", f"time_formats = {['%Y'] * 21}\n[columns]"), "at most 20 of them"),
        (("[columns]", f"x = {'9' * 900}\n[columns]"), "there is no such key"),
        (
            (
                "[status]\n",
                '[[status.when]]\ncolumn = "a"\nequals = []\nstatus = "closed"\n[status]\n',
            ),
            "equals: a text",
        ),
        (('"in_progress"', '"waiting"'), "waiting"),
        (("[status]", '[status]\ndefault = "parked"'), "parked"),
    ],
)
def test_a_wrong_mapping_is_refused_by_the_key(change: tuple[str, str], complaint: str) -> None:
    with pytest.raises(MappingError) as caught:
        parse_mapping(MAPPING.replace(*change).encode())
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (".".join(["a"] * 10_000) + " = 1", "Line 1 has more than 1,000 characters"),
        ("a = 1\n" * 6_000, "larger than 32 kB"),
    ],
)
def test_a_mapping_without_end_is_refused_before_it_is_read(
    tmp_path: Path, more: str, complaint: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(more + MAPPING, encoding="utf-8")

    begun = time.process_time()
    with pytest.raises(MappingError, match=complaint):
        read_mapping(path)
    assert time.process_time() - begun < 0.5


def test_a_mapping_names_any_encoding_that_text_is_written_in() -> None:
    for encoding in ("utf-16", "big5", "latin-1"):
        mapping = parse_mapping(
            MAPPING.replace("[columns]", f'encoding = "{encoding}"\n[columns]').encode()
        )
        assert mapping.encoding == encoding


def test_without_a_zone_the_clock_is_the_organisations(bring_in: BringIn, a: Builders) -> None:
    a.organisation(time_zone="America/New_York")

    bring_in(OPEN, mapping=MAPPING.replace('time_zone = "Asia/Shanghai"', ""))

    came = datetime(2026, 1, 5, 9, 0, tzinfo=UTC) + timedelta(hours=5)
    assert only_request().submitted_at == came


def test_requests_hang_on_kinds_never_on_a_group(bring_in: BringIn, a: Builders) -> None:
    group = a.top_category(name="老人关爱")
    kind = a.category(parent=group, name="陪同就医")
    one_column = MAPPING.replace('category = ["what", "exactly"]', 'category = "exactly"')
    assert one_column != MAPPING

    summary = bring_in(OPEN.replace("环卫,垃圾", "x,老人关爱"), mapping=one_column)
    assert reasons(summary) == {Reason.NO_SUCH_CATEGORY}
    bring_in(OPEN.replace("环卫,垃圾", "x,陪同就医"), mapping=one_column)

    assert only_request().category_id == kind.id
