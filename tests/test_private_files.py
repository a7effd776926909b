"""Files with people's data are read by the product's own account alone."""

import os
from pathlib import Path

import pytest

from tracker import private_files


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_a_file_of_an_earlier_version_is_closed_to_others(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("shishi.db", "shishi.db-wal", "shishi.db-shm")]
    for file in files[:2]:
        file.write_bytes(b"x")
        file.chmod(0o644)

    private_files.tighten(files[0])
    private_files.tighten(tmp_path / "none.db")

    assert [mode(file) for file in files[:2]] == [0o600, 0o600]
    assert not files[2].exists()


def test_a_disk_without_modes_takes_files_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "fchmod", refuse)
    with private_files.opened(tmp_path / "backup") as file:
        file.write(b"all of it")

    assert (tmp_path / "backup").read_bytes() == b"all of it"
