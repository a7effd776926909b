"""Files with people's data: for the account that the product runs as, and no other of the machine."""

import os
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

FOLDER_MODE: Final = 0o700
FILE_MODE: Final = 0o600


def folder(path: Path) -> Path:
    """Make a folder that nobody else looks into; one that is ours already becomes so."""
    path.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    with suppress(PermissionError):
        path.chmod(FOLDER_MODE)
    return path


def opened(path: Path, mode: str = "wb", **how: Any) -> IO[Any]:  # noqa: ANN401 - as `open`
    """Open a file to be written anew, which nobody else reads."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, FILE_MODE)
    with suppress(PermissionError):  # a disk without modes, as a stick
        os.fchmod(descriptor, FILE_MODE)
    return os.fdopen(descriptor, mode, **how)


def tighten(path: Path) -> None:
    """Let nobody else read a file of an earlier version, nor what SQLite writes beside it."""
    for each in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
        with suppress(FileNotFoundError, PermissionError):
            each.chmod(FILE_MODE)


def make(path: Path) -> None:
    """Make an empty file that nobody else reads; one that is there stays as it is."""
    os.close(os.open(path, os.O_RDONLY | os.O_CREAT, FILE_MODE))
