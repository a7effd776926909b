"""After any walk of real actions everything holds; whatever is planted against it is found."""

import os
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import pytest
from flask import Flask
from sqlalchemy import Connection, select, text

from tests.support.builders import Builders
from tests.support.walk import STEPS, Cast, Walk, cast_of
from tracker.config import Settings
from tracker.database import db
from tracker.integrity.invariants import INVARIANTS, Snapshot, snapshot_of, violations
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import (
    ApprovalKind,
    HistoryEntry,
    Photo,
    ReachableBy,
)
from tracker.service_requests.photos import photo_path
from tracker.service_requests.strays import sweep_strays


def uploads_of(app: Flask) -> Path:
    settings: Settings = app.config["SETTINGS"]
    return settings.uploads_path


def broken(app: Flask) -> list[str]:
    """Return the violations, each as `invariant: words`."""
    db.session.rollback()
    # The clock stands still, but files are of the day on which the test runs.
    with snapshot_of(db.engine, uploads_of(app), swept_after=-timedelta(days=9999)) as snapshot:
        return [f"{each.invariant}: {each.words}" for each in violations(snapshot)]


def walked(app: Flask, a: Builders, *, steps: int, seed: int) -> tuple[Cast, Walk]:
    """Let one walk go by, a few minutes to a step."""
    cast = cast_of(a)
    moments = iter(a.now + timedelta(minutes=7 * number) for number in range(10**6))
    walk = Walk(cast, uploads_of(app), lambda: next(moments), random.Random(seed))  # noqa: S311 - chance, no secret
    walk.go(steps)
    return cast, walk


@pytest.mark.parametrize("seed", [1, 2])
def test_after_a_random_walk_everything_holds(app: Flask, a: Builders, seed: int) -> None:
    _cast, walk = walked(app, a, steps=1500, seed=seed)

    assert broken(app) == []
    taken = set(db.session.scalars(select(HistoryEntry.step).distinct()))
    assert len(STEPS - taken) <= 4, (STEPS - taken, walk.taken, walk.refused)


def test_an_empty_database_is_as_it_must_be(app: Flask) -> None:
    assert broken(app) == []


# -------------------------------------------------------------------- planted faults


@dataclass(frozen=True)
class World:
    """Requests to plant faults in."""

    submitted: int
    working: int
    parked: int
    closed: int
    claimant: int
    photo: int


@pytest.fixture
def world(app: Flask, a: Builders) -> World:
    team = a.team()
    claimant = a.volunteer(team)
    working = a.service_request(team=team, claimed_by=[claimant], volunteers_needed=1)
    a.visit(working, by=claimant)
    a.approval(working, ApprovalKind.EXTENSION)
    a.part(working, a.team())
    written = a.service_request(reachable_by=ReachableBy.EMAIL, email="li@example.org")
    closed = a.service_request(team=team, helping_teams=[a.team()], status=Status.CLOSED)
    photo = a.photo(working)
    made = World(
        written.id,
        working.id,
        a.service_request(
            team=team,
            status=Status.PARKED,
            reachable_by=ReachableBy.PHONE,
            phone="+8613812345678",
        ).id,
        closed.id,
        claimant.id,
        photo.id,
    )
    assert broken(app) == []
    return made


NEW_ENTRY: Final = (
    "INSERT INTO history_entry (service_request_id, taken_at, step, from_status, to_status,"
    " public_note, internal_note, detail) SELECT service_request_id, taken_at, {step}, {before},"
    " {after}, '', '', '{{}}' FROM history_entry WHERE service_request_id = :{request} ORDER BY id"
    " DESC LIMIT 1"
)
FAULTS: Final = {
    "life-cycle: a step that is not in the table": NEW_ENTRY.format(
        step="'confirm'", before="'submitted'", after="'submitted'", request="submitted"
    ),
    "life-cycle: a step that begins elsewhere": NEW_ENTRY.format(
        step="'note'", before="'accepted'", after="'accepted'", request="submitted"
    ),
    "life-cycle: a second beginning": NEW_ENTRY.format(
        step="'submit'", before="NULL", after="'submitted'", request="submitted"
    ),
    "life-cycle: a status that nobody moved it to": (
        "UPDATE service_request SET status = 'accepted' WHERE id = :submitted"
    ),
    "life-cycle: no history": ("DELETE FROM history_entry WHERE service_request_id = :submitted"),
    "ladder: an answer that nobody calls for": (
        "UPDATE service_request SET supervised_at = submitted_at WHERE id = :working"
    ),
    "ladder: a rung that its request does not know": (
        "INSERT INTO escalation (service_request_id, round, clock, rung, due_at, reached_at, told,"
        " answer) SELECT id, ladder_round, 'resolve', 'near', submitted_at, submitted_at, '[]', ''"
        " FROM service_request WHERE id = :working"
    ),
    "ladder: a rung that its part does not know": (
        "INSERT INTO part_escalation (part_id, round, rung, due_at, reached_at, told)"
        " SELECT id, ladder_round, 'near', given_at, given_at, '[]' FROM part"
    ),
    "ladder: a rung that no part reaches": (
        "INSERT INTO part_escalation (part_id, round, rung, due_at, reached_at, told)"
        " SELECT id, ladder_round + 1, 'pressed', given_at, given_at, '[]' FROM part"
    ),
    "ladder: a part that has ended climbs": (
        "UPDATE part SET ended_at = given_at, ended_as = 'with_request', ladder_at = given_at"
    ),
    "ladder: a part climbs while its clock stands still": (
        "UPDATE part SET ladder_at = given_at, service_request_id = :parked"
    ),
    "present-state: a result that history does not tell": (
        "UPDATE service_request SET outcome = 'explained' WHERE id = :closed"
    ),
    "present-state: another closing time": (
        "UPDATE service_request SET closed_at = submitted_at, resolved_at = accepted_at,"
        " seconds_to_close = 7 WHERE id = :closed"
    ),
    "present-state: on time, or not": (
        "UPDATE service_request SET resolved_on_time = NOT resolved_on_time WHERE id = :closed"
    ),
    "present-state: counted too often": (
        "UPDATE service_request SET times_reopened = 3 WHERE id = :closed"
    ),
    "present-state: a rating that nobody gave": (
        "UPDATE service_request SET satisfaction = 1 WHERE id = :closed"
    ),
    "places: counted, but held by nobody": (
        "UPDATE service_request SET places_taken = 0 WHERE id = :working"
    ),
    "places: one more than there are": (
        "INSERT INTO claim (service_request_id, person_id, claimed_at, release_reason)"
        " SELECT id, leader_id, submitted_at, '' FROM service_request WHERE id = :working"
    ),
    "places: a claim that history does not tell": (
        "INSERT INTO claim (service_request_id, person_id, claimed_at, released_at,"
        " release_reason) SELECT id, :claimant, submitted_at, submitted_at, ''"
        " FROM service_request WHERE id = :working"
    ),
    "volunteers: a place that somebody holds who is checked no more": (
        "UPDATE membership SET is_vetted = :no WHERE person_id = :claimant"
    ),
    "volunteers: somebody who was ended is still in a team": (
        "UPDATE person SET ended_at = created_at WHERE id = :claimant"
    ),
    "assignment: work without a team": (
        "UPDATE service_request SET lead_team_id = NULL WHERE id = :working"
    ),
    "approvals: granted, but nothing followed": (
        "UPDATE approval SET granted = :yes, decided_at = asked_at WHERE decided_at IS NULL"
    ),
    "approvals: more time than was granted": (
        "UPDATE service_request SET extension_working_days = 5 WHERE id = :working"
    ),
    "visits: a visit that history does not tell": (
        "INSERT INTO visit (service_request_id, status, started_at, contact_made, place, met,"
        " findings, needs_found, next_step, recorded_by_id, recorded_at, version)"
        " SELECT service_request_id, status, started_at, contact_made, '', '', '', '', '',"
        " recorded_by_id, recorded_at, 1 FROM visit LIMIT 1"
    ),
    "visits: planned for what is settled": (
        "INSERT INTO visit (service_request_id, status, place, met, findings, needs_found,"
        " next_step, recorded_by_id, recorded_at, version) SELECT :closed, 'planned', '', '', '',"
        " '', '', recorded_by_id, recorded_at, 1 FROM visit LIMIT 1"
    ),
    "parts: one that history does not tell": (
        "INSERT INTO part (service_request_id, team_id, task, given_by_id, given_at, counted_from,"
        " ended_at, ended_as, result) SELECT service_request_id, team_id, 'x', given_by_id, given_at,"
        " given_at, given_at, 'with_request', '' FROM part LIMIT 1"
    ),
    "parts: open, of what is closed": (
        "UPDATE part SET service_request_id = :closed; UPDATE history_entry SET service_request_id ="
        " :closed WHERE step = 'give_part'"
    ),
    "parts: ended by nobody": (
        "UPDATE part SET ended_at = given_at, ended_as = 'taken_back', ended_by_id = NULL"
    ),
    "parts: ended, and nobody knows how": "UPDATE part SET ended_at = given_at",
    "teams: a part of a team that does not help": (
        "DELETE FROM helping_team WHERE service_request_id = :working"
    ),
    "clock: it runs while it is parked": (
        "UPDATE clock_stop SET resumed_at = stopped_at WHERE service_request_id = :parked"
    ),
    "clock: it is due while it is parked": (
        "UPDATE service_request SET due_at = '2099-01-01 00:00:00+00' WHERE id = :parked"
    ),
    "times: a claim that ends before it begins": (
        "UPDATE claim SET released_at = '2001-01-01 00:00:00+00' WHERE released_at IS NULL"
    ),
    "times: an answer from before it came": (
        "UPDATE service_request SET first_response_at = '2001-01-01 00:00:00+00' WHERE id = :closed"
    ),
    "drafts: it leads to another request": (
        "INSERT INTO submission_draft (key, content, created_at, service_request_id)"
        " SELECT 'k', '{}', submitted_at, id FROM service_request WHERE id = :working"
    ),
    "merged: into nothing": ("UPDATE service_request SET outcome = 'duplicate' WHERE id = :closed"),
    "merged: but at work": ("UPDATE service_request SET survivor_id = :parked WHERE id = :working"),
    "handlers: somebody is forgotten": "DELETE FROM handler WHERE person_id = :claimant",
    "teams: it helps itself": (
        "INSERT INTO helping_team (service_request_id, team_id)"
        " SELECT id, lead_team_id FROM service_request WHERE id = :working"
    ),
    "references: one requester of several requests": (
        "UPDATE service_request SET requester_id = (SELECT min(requester_id) FROM service_request)"
    ),
    "teams: what it helps with is open": (
        "UPDATE helping_team SET is_closed = (1 = 0) WHERE service_request_id = :closed"
    ),
    "messages: nobody was told": ("DELETE FROM message WHERE service_request_id = :submitted"),
    "messages: about nothing": (
        "UPDATE message SET created_at = '2001-01-01 00:00:00+00'"
        " WHERE service_request_id = :submitted"
    ),
    "messages: sent and given up": (
        "UPDATE message SET sent_at = created_at, failed_at = created_at"
    ),
    "messages: in the mail of somebody else": (
        "UPDATE message SET sent_with_id = (SELECT min(id) FROM message)"
        " WHERE address <> (SELECT m.address FROM message m ORDER BY m.id LIMIT 1)"
    ),
    "messages: sent without the mail that it goes in": (
        "UPDATE message SET sent_with_id = (SELECT min(m.id) FROM message m"
        " WHERE m.address = message.address AND m.id <> message.id);"
        " UPDATE message SET sent_with_id = NULL WHERE id IN (SELECT sent_with_id FROM message);"
        " UPDATE message SET body = 'sent', payload = '{}', sent_at = created_at"
        " WHERE sent_with_id IS NULL"
    ),
    "calls: nobody was asked to call": "UPDATE call_reason SET step = 'note'",
    "calls: nothing to tell": "DELETE FROM call_reason",
    "calls: nobody can be called": (
        "UPDATE requester SET reachable_by = 'nobody' WHERE id ="
        " (SELECT requester_id FROM service_request WHERE id = :parked)"
    ),
    "figures: the cells were not kept up": (
        "DELETE FROM figure_change; INSERT INTO figure_fold (id, time_zone, years_from, years_until)"
        " VALUES (1, 'Asia/Shanghai', 2026, 2026)"
    ),
    "photos: of nothing": "UPDATE photo SET service_request_id = NULL",
    "photos: of another's visit": (
        "UPDATE photo SET service_request_id = :closed, visit_id = (SELECT min(id) FROM visit)"
    ),
    "photos: another size": "UPDATE photo SET size_bytes = 7",
    "photos: another content": "UPDATE photo SET sha256 = 'x'",
}
ONLY_ON_POSTGRESQL: Final = {
    "references: two requests of one number": (
        "ALTER TABLE service_request DROP CONSTRAINT uq_service_request_reference;"
        " UPDATE service_request SET reference = '1'"
    ),
    "search: a request cannot be found": (
        "DELETE FROM service_request_search WHERE service_request_id = :closed"
    ),
}
ONLY_ON_SQLITE: Final = {
    "search: a request cannot be found": (
        "DELETE FROM service_request_search WHERE rowid = :closed"
    ),
    "search: what is not there is found": (
        "INSERT INTO service_request_search (rowid, body) VALUES (999, 'x')"
    ),
    "database: a row refers to nothing": "UPDATE claim SET person_id = 999",
}


@pytest.mark.parametrize("fault", [*FAULTS, *ONLY_ON_POSTGRESQL, *ONLY_ON_SQLITE])
def test_each_planted_fault_is_found(
    app: Flask, world: World, database_kind: str, fault: str
) -> None:
    here = ONLY_ON_SQLITE if database_kind == "sqlite" else ONLY_ON_POSTGRESQL
    statements = FAULTS.get(fault) or here.get(fault)
    if statements is None:
        return  # this database cannot have it
    with planting(world, statements) as connection:
        found = {each.invariant for each in violations(Snapshot(connection, uploads_of(app)))}
    assert fault.partition(":")[0] in found


def test_every_invariant_has_a_planted_fault() -> None:
    planted = {fault.partition(":")[0] for fault in (*FAULTS, *ONLY_ON_POSTGRESQL, *ONLY_ON_SQLITE)}
    assert planted == set(INVARIANTS)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path, _small: path.unlink(), "has no file"),
        (lambda _path, small: small.unlink(), "has no small file"),
        (lambda path, _small: path.write_bytes(b"x"), "bytes, not"),
        (
            lambda path, _small: path.rename(path.with_name(f"{path.stem[:4]}{'f' * 28}.webp")),
            "no photo",
        ),
    ],
)
def test_a_photo_whose_file_is_harmed_is_found(
    app: Flask, world: World, harm: Callable[[Path, Path], object], words: str
) -> None:
    key = db.session.get_one(Photo, world.photo).key
    folder = uploads_of(app)
    harm(photo_path(folder, key), photo_path(folder, key, thumbnail=True))
    assert any(each.startswith("photos:") and words in each for each in broken(app))


def test_who_was_ended_is_expected_at_no_door(app: Flask, world: World) -> None:
    with planting(
        world,
        "UPDATE person SET ended_at = created_at WHERE id = :claimant;"
        " UPDATE visit SET status = 'planned', planned_from = '2098-01-01 00:00:00+00',"
        " planned_to = '2099-01-01 00:00:00+00'",
    ) as connection:
        found = [each.words for each in violations(Snapshot(connection, uploads_of(app)))]
    assert any(
        each.startswith(f"Person {world.claimant} was ended, but is to make visit")
        for each in found
    )


def test_the_command_says_what_holds_and_what_does_not(app: Flask, world: World) -> None:
    runner = app.test_cli_runner()
    fine = runner.invoke(args=["verify"])
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE service_request SET times_urged = 9"))
    harmed = runner.invoke(args=["verify", "--quick"])

    assert (fine.exit_code, harmed.exit_code) == (0, 1), fine.output
    assert all(name in fine.output for name in INVARIANTS)
    assert f"Request {world.closed} has times_urged 9, but its history says 0." in harmed.output
    assert "+86138" not in fine.output + harmed.output


def test_files_that_a_crash_left_are_swept_when_they_are_old(
    app: Flask, a: Builders, world: World
) -> None:
    folder = uploads_of(app)
    known = db.session.get_one(Photo, world.photo).key
    stray = photo_path(folder, "ab" * 16)
    fresh = photo_path(folder, "cd" * 16)
    half = stray.with_name(".x.part")
    for path in (stray, fresh, half):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    long_ago = (a.now - timedelta(days=3)).timestamp()
    for path in (stray, half, photo_path(folder, known)):
        os.utime(path, (long_ago, long_ago))

    assert sweep_strays(folder, now=a.now) == 1

    assert not stray.exists()
    assert not half.exists()
    assert fresh.exists()
    assert photo_path(folder, known).exists()


@contextmanager
def planting(world: World, statements: str) -> Iterator[Connection]:
    """Break something for as long as it is looked at."""
    db.session.rollback()
    is_sqlite = db.engine.dialect.name == "sqlite"
    with db.engine.connect() as connection:
        if is_sqlite:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute("PRAGMA ignore_check_constraints = ON")
            connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        else:
            dropped = connection.execute(
                text(
                    "SELECT conrelid::regclass, conname FROM pg_constraint WHERE contype = 'c'"
                    " AND conrelid IN ('service_request'::regclass, 'approval'::regclass, 'part'::regclass)"
                )
            ).all()
            for table, name in dropped:
                connection.execute(text(f"ALTER TABLE {table} DROP CONSTRAINT {name}"))
        values = {
            "submitted": world.submitted,
            "working": world.working,
            "parked": world.parked,
            "closed": world.closed,
            "claimant": world.claimant,
            "yes": True,
            "no": False,
        }
        for each in statements.split(";"):
            asked = text(each)
            connection.execute(
                asked, {name: value for name, value in values.items() if f":{name}" in each}
            )
        yield connection
        connection.rollback()
        if is_sqlite:
            raw = connection.connection.driver_connection
            assert raw is not None
            raw.execute("PRAGMA ignore_check_constraints = OFF")
