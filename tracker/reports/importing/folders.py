"""Where the files of each import lie, which nobody else on the machine reads, and for how long."""

import json
import shutil
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

from flask import current_app

from tracker import private_files
from tracker.config import Settings
from tracker.reports.importing.mapping import Creatable
from tracker.reports.importing.rows import Reason
from tracker.reports.importing.running import Summary

KEPT_FOR: Final = timedelta(days=30)
"""After this, nothing of what was handed in is left, nor of the rows that were rejected."""
MOST_NOTED: Final = 50


@dataclass(frozen=True, slots=True)
class Details:
    """What a run's page shows beside the counts of `ImportRun`."""

    unit_id: int | None = None
    locale: str | None = None
    """Which language the pages spoke to whoever began it: the run speaks it, too."""
    imported_by_id: int | None = None
    """Of a trial: the run that took its file over."""
    made: Counter[Creatable] = field(default_factory=Counter)
    problems: Counter[tuple[str, Reason]] = field(default_factory=Counter)

    def with_what(self, summary: Summary) -> Self:
        """Return the same with what a run has done so far."""
        return replace(self, made=summary.made, problems=summary.problems)


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
            found.get("imported_by_id"),
            Counter({Creatable(kind): number for kind, number in found.get("made", {}).items()}),
            Counter(
                {
                    (column, Reason(reason)): number
                    for column, reason, number in found.get("problems", [])
                }
            ),
        )

    def note(self, details: Details) -> None:
        """Note how the run stands; a reader sees the old or the new, never half."""
        found: dict[str, Any] = {
            "unit_id": details.unit_id,
            "locale": details.locale,
            "imported_by_id": details.imported_by_id,
            "made": dict(details.made),
            "problems": [
                [column, reason, number]
                for (column, reason), number in details.problems.most_common(MOST_NOTED)
            ],
        }
        fresh = self.notes.with_suffix(".new")
        with private_files.opened(fresh, "w", encoding="utf-8") as file:
            json.dump(found, file, ensure_ascii=False)
        fresh.replace(self.notes)

    def forget_table(self) -> None:
        """Delete what was handed in."""
        self.table.unlink(missing_ok=True)
        self.mapping.unlink(missing_ok=True)

    def forget_people(self) -> None:
        """Delete whatever may tell of people. How many rows there were is not among it."""
        for path in self._of_people:
            path.unlink(missing_ok=True)

    def people_since(self) -> datetime | None:
        """Return when the last was written of what may tell of people; None when nothing is left."""
        moments = []
        for path in self._of_people:
            with suppress(FileNotFoundError):
                moments.append(path.stat().st_mtime)
        return datetime.fromtimestamp(max(moments), UTC) if moments else None

    @property
    def _of_people(self) -> Sequence[Path]:
        return (self.table, self.mapping, self.rejects, self.fault)

    def noted_at(self) -> datetime:
        """Return when the run last noted anything."""
        return datetime.fromtimestamp(self.notes.stat().st_mtime, UTC)


def folder_of(settings: Settings, run_id: int) -> Folder:
    """Return where a run's files lie."""
    return Folder(settings.instance_path / "imports" / str(run_id))


def new_folder(settings: Settings, run_id: int) -> Folder:
    """Make the folder of a new run, with nothing in it."""
    folder = folder_of(settings, run_id)
    # Numbers come again where an older backup was restored.
    shutil.rmtree(folder.path, ignore_errors=True)
    private_files.folder(folder.path.parent)
    private_files.folder(folder.path)
    return folder


def clear_old(now: datetime) -> str:
    """Delete what imports older than `KEPT_FOR` have left of people; say of how many.

    For the daily job. Folders of runs that nobody knows go the same way.
    """
    settings: Settings = current_app.config["SETTINGS"]
    cleared = 0
    for path in settings.instance_path.glob("imports/[0-9]*"):
        folder = Folder(path)
        since = folder.people_since()
        if since is not None and since <= now - KEPT_FOR:
            folder.forget_people()
            cleared += 1
    return f"{cleared} old imports cleared"
