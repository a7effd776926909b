"""Imports that a page asked for: they run in a process of their own, and the page reads how far.

A run's file, mapping, rejects and summary lie in a folder of its own: see `folders`. What came to a
halt, because the machine did, is started again and goes on where it was.
"""

import os
import shutil
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tracker import private_files
from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.config import ROOT, Settings
from tracker.database import db, transaction
from tracker.errors import NotFoundError, NotPermittedError, Refusal, RefusedError
from tracker.organisation.models import Unit
from tracker.permissions import Action, Actor, may_in_unit, require, require_in_unit
from tracker.reports.importing.files import FileError, open_table
from tracker.reports.importing.folders import Details, Folder, folder_of, new_folder
from tracker.reports.importing.mapping import Mapping, MappingError, read_mapping
from tracker.reports.importing.running import (
    Rejects,
    Run,
    Summary,
    begin,
    check_columns,
    counts_of,
    note,
)
from tracker.reports.words import problem_text
from tracker.service_requests.models import ImportRun
from tracker.teams.actors import actor_for
from tracker.web.locale import current_locale, in_locale

MAPPINGS: Final = ROOT / "mappings"
SILENT_AFTER: Final = timedelta(minutes=2)
"""A run that has noted nothing for so long has come to a halt."""
MOST_LISTED: Final = 50
MOST_TRIALS: Final = 5
"""So many files that were tried are kept of one person: a newer one takes the oldest one's place."""
THREAD: Final = "import-"
"""How the threads are named that wait for the processes."""


def shipped_mappings() -> Sequence[tuple[str, str]]:
    """Return the mappings that come with the product: file name and title."""
    found = [(path.name, read_mapping(path).title) for path in sorted(MAPPINGS.glob("*.toml"))]
    return sorted(found, key=lambda pair: pair[1])


def visible_runs(actor: Actor, settings: Settings) -> Sequence[ImportRun]:
    """Return the imports that `actor` may see, newest first.

    All of them, or only their own into units that they still bring something into.
    """
    query = select(ImportRun).options(joinedload(ImportRun.started_by))
    query = query.order_by(ImportRun.id.desc()).limit(MOST_LISTED)
    if _reaches_all(actor):
        return list(db.session.scalars(query))
    own = db.session.scalars(query.where(ImportRun.started_by_id == actor.person_id))
    return [run for run in own if _is_in_reach(actor, folder_of(settings, run.id))]


def find(actor: Actor, run_id: int, settings: Settings) -> ImportRun:
    """Return one import; raises `NotFoundError` when there is none that `actor` may see."""
    run = db.session.get(ImportRun, run_id)
    if run is None or not (
        _reaches_all(actor)
        or (
            run.started_by_id == actor.person_id
            and _is_in_reach(actor, folder_of(settings, run_id))
        )
    ):
        message = "There is no such import."
        raise NotFoundError(message)
    return run


def prepare(
    table: Path,
    mapping: Path,
    file_name: str,
    settings: Settings,
    *,
    unit_id: int | None,
    actor: Actor,
    now: datetime,
) -> int:
    """Record a trial over copies of both files, in a transaction of its own; return its id.

    An earlier trial of the same file gives up its own, and so does the oldest of too many. Raises
    `MappingError` or `FileError` when they can't be used or do not fit together, and
    `RefusedError` while another import of the same person is under way.
    """
    require(actor, Action.IMPORT_SERVICE_REQUESTS)
    if unit_id is not None:
        require_in_unit(actor, Action.IMPORT_SERVICE_REQUESTS, unit_id)
    with transaction():
        _refuse_a_second(actor, settings, now)  # to look through a file takes a while
    columns = read_mapping(mapping)
    found = open_table(table, columns.encoding)
    check_columns(found, columns)
    with transaction():
        _refuse_a_second(actor, settings, now)
        run_id = begin(file_name, columns, actor=actor, now=now, is_dry=True).id
        note(run_id, {"rows_total": found.row_count})
        replaced = list(_trials_to_forget(actor, run_id, settings))
    folder = new_folder(settings, run_id)
    for content, copy in ((table, folder.table), (mapping, folder.mapping)):
        with content.open("rb") as source, private_files.opened(copy) as target:
            shutil.copyfileobj(source, target)
    folder.note(Details(unit_id, current_locale()))
    for earlier in replaced:  # not before: the disk may be full
        earlier.forget_table()
    return run_id


def prepare_tried(trial: ImportRun, settings: Settings, *, actor: Actor, now: datetime) -> int:
    """Record the run of what was tried, which takes the trial's files over; return its id.

    Raises `NotFoundError` when it cannot be run, or was already, and `RefusedError` while another
    import of the same person is under way.
    """
    require(actor, Action.IMPORT_SERVICE_REQUESTS)
    tried = folder_of(settings, trial.id)
    if (unit_id := tried.details().unit_id) is not None:
        require_in_unit(actor, Action.IMPORT_SERVICE_REQUESTS, unit_id)
    folder: Folder | None = None
    try:
        with transaction():
            _refuse_a_second(actor, settings, now)
            trial = _locked_trial(trial.id, tried)
            run_id = begin(trial.file_name, read_mapping(tried.mapping), actor=actor, now=now).id
            note(run_id, {"rows_total": trial.rows_total})
            folder = new_folder(settings, run_id)
            _hand_over(tried, folder)  # while whoever asks for the same waits for the trial's row
    except BaseException:
        if folder is not None:  # files know no transaction
            _hand_over(folder, tried)
        raise
    details = tried.details()
    folder.note(Details(details.unit_id, current_locale()))
    tried.note(replace(details, imported_by_id=run_id))
    return run_id


def _locked_trial(run_id: int, tried: Folder) -> ImportRun:
    trial = db.session.get_one(ImportRun, run_id, with_for_update=True, populate_existing=True)
    if not may_run(trial, tried):
        message = "This run was not a trial, or its file is gone."
        raise NotFoundError(message)
    return trial


def _hand_over(giver: Folder, taker: Folder) -> None:
    for given, taken in ((giver.table, taker.table), (giver.mapping, taker.mapping)):
        if given.exists():
            given.rename(taken)


def may_go_on(run: ImportRun, folder: Folder, now: datetime) -> bool:
    """Tell whether a run has come to a halt, and its file is still there."""
    return is_silent(run, folder, now) and folder.table.exists()


def take_up_again(run_id: int, settings: Settings, *, actor: Actor, now: datetime) -> bool:
    """Let a run that came to a halt go on, once; tell whether it does.

    Raises `RefusedError` while another import of whoever began it is under way.
    """
    require(actor, Action.IMPORT_SERVICE_REQUESTS)
    folder = folder_of(settings, run_id)
    with transaction():
        run = db.session.get_one(ImportRun, run_id)
        _refuse_a_second(actor_for(_starter(run)), settings, now)
        if not may_go_on(run, folder, now):
            return False
        folder.notes.touch()
    return True


def may_run(run: ImportRun, folder: Folder) -> bool:
    """Tell whether a run was a trial that went well, and something would come of its file."""
    return (
        run.is_dry
        and run.finished_at is not None
        and not run.error
        and run.rows_created + run.rows_updated > 0
        and folder.table.exists()
    )


def _trials_to_forget(actor: Actor, new_id: int, settings: Settings) -> Iterator[Folder]:
    """Yield where the trials lie whose place the new one takes."""
    new = db.session.get_one(ImportRun, new_id)
    trials = select(ImportRun).where(
        ImportRun.started_by_id == actor.person_id, ImportRun.is_dry, ImportRun.id != new_id
    )
    kept = 1
    for run in db.session.scalars(trials.order_by(ImportRun.id.desc()).limit(MOST_LISTED)):
        folder = folder_of(settings, run.id)
        if folder.table.exists():
            is_same = (run.file_name, run.source) == (new.file_name, new.source)
            kept += not is_same
            if is_same or kept > MOST_TRIALS:
                yield folder


def under_way(actor: Actor, settings: Settings, now: datetime) -> ImportRun | None:
    """Return the import of `actor` that is running now, if there is one."""
    unfinished = select(ImportRun).where(
        ImportRun.started_by_id == actor.person_id, ImportRun.finished_at.is_(None)
    )
    for run in db.session.scalars(unfinished.order_by(ImportRun.id.desc()).limit(MOST_LISTED)):
        if not is_silent(run, folder_of(settings, run.id), now):
            return run
    return None


def _refuse_a_second(actor: Actor, settings: Settings, now: datetime) -> None:
    # Each takes a process, and two of the same file would write the same rows.
    db.session.get(Person, actor.person_id, with_for_update=True)
    if under_way(actor, settings, now) is not None:
        raise RefusedError(Refusal.IMPORT_UNDER_WAY)


def start(run_id: int, settings: Settings) -> None:
    """Run a prepared import in a process of its own."""
    environment = {
        **os.environ,
        "SECRET_KEY": settings.secret_key,
        "DATABASE_URL": settings.database_url,
        "INSTANCE_PATH": str(settings.instance_path),
        "SHISHI_ENV": settings.environment,
    }
    command = [sys.executable, "-m", "flask", "--app", "app", "requests", "run-import", str(run_id)]
    process = subprocess.Popen(  # noqa: S603 - our own command, a number
        command,
        cwd=ROOT,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    # Somebody must take notice of its end, or it stays in the list of processes.
    threading.Thread(target=process.wait, name=f"{THREAD}{run_id}", daemon=True).start()


def is_silent(run: ImportRun, folder: Folder, now: datetime) -> bool:
    """Tell whether an unfinished run has come to a halt."""
    if run.finished_at is not None:
        return False
    try:
        return now - folder.noted_at() > SILENT_AFTER
    except OSError:
        return now - run.started_at > SILENT_AFTER


def run_prepared(run_id: int, settings: Settings) -> None:
    """Do a prepared import, from beginning to end; what fails is written into its record."""
    folder = folder_of(settings, run_id)
    locale = folder.details().locale
    try:
        with transaction():
            run = db.session.get(ImportRun, run_id)
            if run is None or run.finished_at is not None:
                return
            person = _starter(run)
            actor, is_dry = actor_for(person), run.is_dry
            locale = locale or person.locale
            note(run_id, counts_of(Summary()))
        with in_locale(locale):
            _go(run_id, folder, actor, is_dry=is_dry)
    except Exception as error:
        words = str(error)
        if not isinstance(error, FileError | MappingError):
            with private_files.opened(folder.fault, "w", encoding="utf-8") as file:
                file.write(traceback.format_exc())
            with in_locale(locale):
                words = gettext(
                    "Something went wrong on our side. What was taken over is safe; please tell"
                    " those who run this system."
                )
            if isinstance(error, NotPermittedError):
                with in_locale(locale):
                    words = gettext(
                        "Who began it may not import there any more. What was taken over stays."
                    )
        _finish(run_id, folder, error=words[:500])
        raise
    _finish(run_id, folder)


def _finish(run_id: int, folder: Folder, *, error: str = "") -> None:
    """Note that a run has ended. Only a trial that may be run needs its file any longer."""
    with transaction():
        note(run_id, {"error": error, "finished_at": utc_now()})
    if not may_run(db.session.get_one(ImportRun, run_id), folder):
        folder.forget_table()


def _starter(run: ImportRun) -> Person:
    person = db.session.get(Person, run.started_by_id or 0)
    if person is None:
        message = "Nobody asked for this import."
        raise NotFoundError(message)
    return person


def _go(run_id: int, folder: Folder, actor: Actor, *, is_dry: bool) -> None:
    mapping: Mapping = read_mapping(folder.mapping)
    table = open_table(folder.table, mapping.encoding)
    details = folder.details()
    run = Run(
        table,
        mapping,
        actor,
        utc_now(),
        Rejects(folder.rejects, table.header, problem_text),
        None if is_dry else run_id,
        recorded_run_id=run_id,
        home_unit_id=details.unit_id,
        actor_now=partial(_actor_now, actor),
        on_batch=lambda summary: folder.note(details.with_what(summary)),
    )
    folder.note(details.with_what(run.go()))


def _actor_now(actor: Actor) -> Actor:
    """Return who began it with what they hold by now: nothing, once they were ended."""
    person = db.session.get(Person, actor.person_id, populate_existing=True)
    return Actor(None) if person is None or person.ended_at is not None else actor_for(person)


def _is_in_reach(actor: Actor, folder: Folder) -> bool:
    """Tell whether `actor` still imports into the unit for which a run was begun."""
    unit_id = folder.details().unit_id
    return unit_id is not None and may_in_unit(actor, Action.IMPORT_SERVICE_REQUESTS, unit_id)


def _reaches_all(actor: Actor) -> bool:
    reached = actor.units_where(Action.IMPORT_SERVICE_REQUESTS)
    roots = db.session.scalars(select(Unit.id).where(Unit.parent_id.is_(None)))
    return all(root in reached for root in roots)
