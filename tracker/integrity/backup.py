"""One file that holds everything: the database at one moment, and the photos that it knows.

Layout, a tar (gzipped when its name ends so), in this order so that it can be written and read
as a stream: `manifest.json` (of which kind, schema and tables), `database/…`, `photos/…`,
`end.json` (checksums; without it the file was cut off). The server's secret is not in it: see
docs/operations.md. Memory stays small however much there is.
"""

import hashlib
import json
import os
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import IO, Any, Final

from sqlalchemy import Engine

from tracker import private_files
from tracker.integrity import postgresql, sqlite
from tracker.integrity.tables import BackupError, Photo, Source
from tracker.service_requests.photos import photo_path

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
END: Final = "end.json"
_PHOTO: Final = re.compile(r"photos/([0-9a-f]{32})(\.small)?\.webp")
_CHUNK: Final = 1024 * 1024
KINDS: Final = {"sqlite": sqlite, "postgresql": postgresql}


@dataclass
class Report:
    """What was backed up or restored."""

    kind: str
    revision: str
    taken_at: str
    secret_mark: str
    rows: dict[str, int] = field(default_factory=dict)
    photos: int = 0
    lost: list[int] = field(default_factory=list)
    """Ids of photos of requests that had no file when the backup was made."""


def secret_mark(secret_key: str) -> str:
    """Return what tells whether two servers have the same secret, and nothing else of it."""
    return hashlib.sha256(f"backup of {secret_key}".encode()).hexdigest()[:16]


def back_up(
    engine: Engine, uploads: Path, target: Path, *, secret_key: str, now: datetime
) -> Report:
    """Write everything into `target`, whole or not at all; the server may go on working.

    Raises `BackupError` when there is such a file already.
    """
    if target.exists():
        message = f"{target} exists already."
        raise BackupError(message)
    part = target.with_name(f".{target.name}.part")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".backup-") as work:
        Path(work).chmod(0o700)
        kind = KINDS[engine.dialect.name]
        try:
            with kind.opened(engine, Path(work)) as source, _writing(part, target) as archive:
                report = Report(
                    engine.dialect.name,
                    source.revision,
                    now.isoformat(),
                    secret_mark(secret_key),
                    dict(source.rows),
                )
                _write_all(archive, source, uploads, report)
            part.replace(target)
            _flush(target.parent)
        finally:
            part.unlink(missing_ok=True)
    return report


def restore(engine: Engine, uploads: Path, source: Path, *, replaces: bool = False) -> Report:
    """Put everything from `source` into the database and the uploads folder.

    The database is then at the schema that it had; whoever calls brings it up to date. Raises
    `BackupError` when something is there already (unless it `replaces` that), and when the file
    is of the other kind of database, was cut off, or is not a backup. Then nothing has changed.
    """
    with _reading(source) as archive:
        manifest = _json(archive, _next(archive, MANIFEST))
        report = _checked(manifest, engine)
        private_files.folder(uploads)
        kind = KINDS[report.kind]
        if not replaces:
            _refuse_what_is_there(kind.is_empty(engine), uploads)
        # Inside of the folder, which may be another disk's.
        with tempfile.TemporaryDirectory(dir=uploads, prefix=".restore-") as work:
            photos = Path(work) / "photos"
            photos.mkdir()
            with kind.receiving(engine, manifest, Path(work)) as receiver:
                sums: dict[str, str] = {}
                while (member := _next(archive)).name != END:
                    sums |= _take(archive, member, receiver, photos, report)
                end = _json(archive, member)
                if end["checksums"] != sums or end["photos"] != report.photos:
                    message = f"{source.name} is damaged: it holds something else than was written."
                    raise BackupError(message)
                receiver.finish(end)
            _put_in_place(photos, uploads)
    report.lost = end["lost"]
    return report


# -------------------------------------------------------------------- writing


def _write_all(archive: tarfile.TarFile, source: Source, uploads: Path, report: Report) -> None:
    manifest = {"format": FORMAT, **asdict(report), "tables": source.columns}
    _add_json(archive, MANIFEST, manifest)
    sums = {}
    for name, path in source.files():
        sums[name] = _checksum(path)
        archive.add(path, f"database/{name}")
        _forget_members(archive)
        path.unlink()
    discarded: list[str] = []
    for photo in source.photos():
        if _add_photo(archive, uploads, photo.key):
            report.photos += 1
        elif photo.is_of_draft:
            discarded.append(photo.key)  # thrown away while the backup was written
        else:
            report.lost.append(photo.id)
    _add_json(
        archive,
        END,
        {
            "checksums": sums,
            "photos": report.photos,
            "discarded": discarded,
            "lost": report.lost,
            "sequences": source.sequences(),
        },
    )


def _add_photo(archive: tarfile.TarFile, uploads: Path, key: str) -> bool:
    """Add both files of a photo; tell whether the photo itself was there."""
    found = False
    for thumbnail in (True, False):
        with (
            suppress(FileNotFoundError),
            photo_path(uploads, key, thumbnail=thumbnail).open("rb") as file,
        ):
            member = tarfile.TarInfo(f"photos/{key}{'.small' if thumbnail else ''}.webp")
            member.size = os.fstat(file.fileno()).st_size
            archive.addfile(member, file)
            _forget_members(archive)
            found = not thumbnail
    return found


def _forget_members(archive: tarfile.TarFile) -> None:
    """Let the archive forget what passed: it would keep a note of each photo."""
    archive.members.clear()  # type: ignore[attr-defined]


def _add_json(archive: tarfile.TarFile, name: str, content: object) -> None:
    body = json.dumps(content).encode()
    member = tarfile.TarInfo(name)
    member.size = len(body)
    archive.addfile(member, BytesIO(body))


@contextmanager
def _writing(part: Path, target: Path) -> Iterator[tarfile.TarFile]:
    """Open the archive for writing: for its owner alone, and on the disk when it is closed."""
    is_packed = target.name.endswith((".gz", ".tgz"))
    with private_files.opened(part) as file:
        with tarfile.open(fileobj=file, mode="w|gz" if is_packed else "w|") as archive:
            yield archive
        file.flush()
        os.fsync(file.fileno())


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


# -------------------------------------------------------------------- reading


@contextmanager
def _reading(source: Path) -> Iterator[tarfile.TarFile]:
    try:
        with source.open("rb") as file, tarfile.open(fileobj=file, mode="r|*") as archive:
            yield archive
    except (tarfile.TarError, EOFError, OSError) as error:
        if isinstance(error, OSError) and not isinstance(error, EOFError) and error.errno:
            raise
        message = f"{source.name} is not a backup, or was cut off."
        raise BackupError(message) from error


def _next(archive: tarfile.TarFile, name: str = "") -> tarfile.TarInfo:
    """Return the next part; raise `BackupError` when there is none, or another than `name`."""
    member = archive.next()
    _forget_members(archive)
    if member is None or (name and member.name != name):
        message = "The file is not a backup, or was cut off."
        raise BackupError(message)
    return member


def _opened(archive: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = archive.extractfile(member)
    if file is None:
        message = f"{member.name} does not belong into a backup."
        raise BackupError(message)
    return file


def _json(archive: tarfile.TarFile, member: tarfile.TarInfo) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(_opened(archive, member).read())
    except ValueError as error:
        message = "The file is not a backup."
        raise BackupError(message) from error
    return found


def _checked(manifest: Mapping[str, Any], engine: Engine) -> Report:
    if manifest.get("format") != FORMAT:
        message = "The backup was made by another version that this one cannot read."
        raise BackupError(message)
    if manifest["kind"] != engine.dialect.name:
        message = (
            f"The backup was made of a {manifest['kind']} database and cannot be restored into "
            f"{engine.dialect.name}: set DATABASE_URL to one of the same kind."
        )
        raise BackupError(message)
    names = ("kind", "revision", "taken_at", "secret_mark", "rows")
    return Report(**{name: manifest[name] for name in names})


def _refuse_what_is_there(is_empty: bool, uploads: Path) -> None:  # noqa: FBT001 - an answer
    if not is_empty:
        message = "The database is not empty: nothing was changed. --replace puts it away."
        raise BackupError(message)
    if _content_of(uploads):
        message = f"{uploads} is not empty: nothing was changed. --replace moves it aside."
        raise BackupError(message)


def _take(
    archive: tarfile.TarFile,
    member: tarfile.TarInfo,
    receiver: Any,  # noqa: ANN401 - of either kind
    photos: Path,
    report: Report,
) -> Mapping[str, str]:
    """Take in one part; return the checksum of a part of the database."""
    content = _opened(archive, member)
    if match := _PHOTO.fullmatch(member.name):
        path = photo_path(photos, match[1], thumbnail=bool(match[2]))
        path.parent.mkdir(parents=True, exist_ok=True)
        with private_files.opened(path) as file:
            shutil.copyfileobj(content, file, _CHUNK)
        report.photos += 0 if match[2] else 1
        return {}
    folder, _slash, name = member.name.partition("/")
    if folder != "database":
        message = f"{member.name} does not belong into a backup."
        raise BackupError(message)
    counted = _Counted(content)
    receiver.take(name, counted)
    return {name: counted.sum.hexdigest()}


class _Counted:
    """A stream that sums up what was read from it."""

    def __init__(self, content: IO[bytes]) -> None:
        self._content = content
        self.sum = hashlib.sha256()

    def read(self, size: int = _CHUNK) -> bytes:
        """Return at most `size` bytes, and none at the end."""
        chunk = self._content.read(size)
        self.sum.update(chunk)
        return chunk


def _put_in_place(photos: Path, uploads: Path) -> None:
    """Let the restored photos be the uploads; what was there is moved aside, below them."""
    os.sync()
    number = 1
    while (aside := uploads / f".replaced-{number}").exists():
        number += 1
    for old in _content_of(uploads):
        private_files.folder(aside)
        old.rename(aside / old.name)
    for folder in photos.iterdir():
        folder.rename(uploads / folder.name)
    _flush(uploads)


def _content_of(uploads: Path) -> list[Path]:
    return [path for path in uploads.iterdir() if not path.name.startswith(".")]


__all__ = ["BackupError", "Photo", "Report", "back_up", "restore", "secret_mark"]
