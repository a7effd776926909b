"""Imports that a page asked for: they run in a process of their own, and the page reads how far.

A run's file, mapping, rejects and summary lie in `imports/<id>/` of the instance folder. What
came to a halt, because the machine did, is started again and goes on where it was.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from flask_babel import gettext
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from tracker.accounts.models import Person
from tracker.clock import utc_now
from tracker.config import ROOT, Settings
from tracker.database import db, transaction
from tracker.errors import NotFoundError, Refusal, RefusedError
from tracker.organisation.models import Unit
from tracker.permissions import Action, Actor, require
from tracker.reports.importing.files import FileError, open_table
from tracker.reports.importing.mapping import Creatable, Mapping, MappingError, read_mapping
from tracker.reports.importing.rows import Reason
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
THREAD: Final = "import-"
"""How the threads are named that wait for the processes."""


@dataclass(frozen=True, slots=True)
class Details:
    """What a run's page shows beside the counts of `ImportRun`."""

    unit_id: int | None = None
    locale: str | None = None
    """Which language the pages spoke to whoever began it: the run speaks it, too."""
    made: Counter[Creatable] = field(default_factory=Counter)
    problems: Counter[tuple[str, Reason]] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the files of one run lie."""

    path: Path

    @property
    def table(self) -> Path:
        """Return the file that was handed in."""
        return self.path / "table"

    @property
    def mapping(self) -> Path:
        """Return the mapping to read it by."""
        return self.path / "mapping.toml"

    @property
    def rejects(self) -> Path:
        """Return the rows that could not be taken over."""
        return self.path / "rejects.csv"

    @property
    def fault(self) -> Path:
        """Return what a fault of ours left behind for those who mend it."""
        return self.path / "fault.txt"

    @property
    def notes(self) -> Path:
        """Return what the run says of itself."""
        return self.path / "notes.json"

    def details(self) -> Details:
        """Return what the run has noted so far."""
        try:
            found = json.loads(self.notes.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return Details()
        return Details(
            found.get("unit_id"),
            found.get("locale"),
            Counter({Creatable(kind): number for kind, number in found.get("made", {}).items()}),
            Counter(
                {
                    (column, Reason(reason)): number
                    for column, reason, number in found.get("problems", [])
                }
            ),
        )

    def note(self, unit_id: int | None, locale: str | None, summary: Summary) -> None:
        """Note how the run stands; a reader sees the old or the new, never half."""
        found: dict[str, Any] = {
            "unit_id": unit_id,
            "locale": locale,
            "made": dict(summary.made),
            "problems": [
                [column, reason, number]
                for (column, reason), number in summary.problems.most_common(MOST_LISTED)
            ],
        }
        fresh = self.notes.with_suffix(".new")
        fresh.write_text(json.dumps(found, ensure_ascii=False), encoding="utf-8")
        fresh.replace(self.notes)

    def noted_at(self) -> datetime:
        """Return when the run last noted anything."""
        return datetime.fromtimestamp(self.notes.stat().st_mtime, UTC)


def folder_of(settings: Settings, run_id: int) -> Folder:
    """Return where a run's files lie."""
    return Folder(settings.instance_path / "imports" / str(run_id))


def shipped_mappings() -> Sequence[tuple[str, str]]:
    """Return the mappings that come with the product: file name and title."""
    found = [(path.name, read_mapping(path).title) for path in sorted(MAPPINGS.glob("*.toml"))]
    return sorted(found, key=lambda pair: pair[1])


def visible_runs(actor: Actor) -> Sequence[ImportRun]:
    """Return the imports that `actor` may see, newest first: all, or only their own in a branch."""
    query = select(ImportRun).options(joinedload(ImportRun.started_by))
    if not _reaches_all(actor):
        query = query.where(ImportRun.started_by_id == actor.person_id)
    return list(db.session.scalars(query.order_by(ImportRun.id.desc()).limit(MOST_LISTED)))


def find(actor: Actor, run_id: int) -> ImportRun:
    """Return one import; raises `NotFoundError` when there is none that `actor` may see."""
    run = db.session.get(ImportRun, run_id)
    if run is None or not (run.started_by_id == actor.person_id or _reaches_all(actor)):
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
    is_dry: bool,
) -> int:
    """Record a run over copies of both files, in a transaction of its own; return its id.

    Raises `MappingError` or `FileError` when they can't be used or do not fit together, and
    `RefusedError` while another import of the same person is under way.
    """
    require(actor, Action.IMPORT_SERVICE_REQUESTS)
    columns = read_mapping(mapping)
    found = open_table(table, columns.encoding)
    check_columns(found, columns)
    with transaction():
        _refuse_a_second(actor, settings, now)
        run_id = begin(file_name, columns, actor=actor, now=now, is_dry=is_dry).id
        note(run_id, {"rows_total": found.row_count})
    folder = folder_of(settings, run_id)
    folder.path.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(table, folder.table)
    shutil.copyfile(mapping, folder.mapping)
    folder.note(unit_id, current_locale(), Summary())
    return run_id


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
            folder.fault.write_text(traceback.format_exc(), encoding="utf-8")
            with in_locale(locale):
                words = gettext(
                    "Something went wrong on our side. What was taken over is safe; please tell"
                    " those who run this system."
                )
        with transaction():
            note(run_id, {"error": words[:500], "finished_at": utc_now()})
        raise
    with transaction():
        note(run_id, {"finished_at": utc_now()})


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
        on_batch=lambda summary: folder.note(details.unit_id, details.locale, summary),
    )
    folder.note(details.unit_id, details.locale, run.go())


def _reaches_all(actor: Actor) -> bool:
    reached = actor.units_where(Action.IMPORT_SERVICE_REQUESTS)
    roots = db.session.scalars(select(Unit.id).where(Unit.parent_id.is_(None)))
    return all(root in reached for root in roots)
