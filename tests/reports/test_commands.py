"""What the commands say and how they end."""

import json
from pathlib import Path

import pytest
from flask import Flask

from tests.support.builders import Builders
from tracker.database import db
from tracker.reports.importing.rows import Reason
from tracker.reports.words import REASONS
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ImportRun, ServiceRequest

MAPPING = """
source = "book"
create = ["category"]
[columns]
source_id = "no"
submitted_at = "came"
category = "what"
[status]
default = "accepted"
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str, Path]:
    """Return a file with one good row and one bad, its mapping, and where rejects go."""
    table, mapping = tmp_path / "book.csv", tmp_path / "book.toml"
    table.write_text("no,came,what\n1,2026-01-05,Lamps\n2,soon,Lamps\n", encoding="utf-8")
    mapping.write_text(MAPPING, encoding="utf-8")
    return str(table), str(mapping), tmp_path / "rejects.csv"


def test_rejected_rows_are_counted_named_and_kept(app: Flask, files: tuple[str, str, Path]) -> None:
    table, mapping, rejects = files

    result = app.test_cli_runner().invoke(
        args=["requests", "import", table, "--mapping", mapping, "--rejects", str(rejects)]
    )

    assert result.exit_code == 2
    assert "1 created" in result.output
    assert "1 rejected" in result.output
    assert "came: not_a_time" in result.output
    assert "2,soon,Lamps" in rejects.read_text(encoding="utf-8-sig")
    assert rejects.stat().st_mode & 0o077 == 0
    run = db.session.query(ImportRun).one()
    assert (run.rows_read, run.rows_created, run.rows_rejected, run.rows_total) == (2, 1, 1, 2)
    assert run.finished_at is not None


def test_a_dry_run_leaves_no_trace(app: Flask, files: tuple[str, str, Path]) -> None:
    table, mapping, rejects = files

    result = app.test_cli_runner().invoke(
        args=[
            "requests",
            "import",
            table,
            "--mapping",
            mapping,
            "--dry-run",
            "--rejects",
            f"{rejects}",
        ]
    )

    assert "1 would be created" in result.output
    assert db.session.query(ImportRun).count() == db.session.query(ServiceRequest).count() == 0


def test_a_wrong_mapping_ends_with_a_sentence(app: Flask, files: tuple[str, str, Path]) -> None:
    table, mapping, _rejects = files
    Path(mapping).write_text(MAPPING.replace('"came"', '"when"'), encoding="utf-8")

    result = app.test_cli_runner().invoke(args=["requests", "import", table, "--mapping", mapping])

    assert result.exit_code == 1
    assert "lacks columns that the mapping needs: when." in result.output


def test_figures_of_a_unit_and_of_days(app: Flask, a: Builders) -> None:
    unit = a.unit(name="城东")
    a.service_request(unit=unit, status=Status.CLOSED)
    a.service_request()

    def figures(*arguments: str) -> dict[str, object]:
        result = app.test_cli_runner().invoke(args=["figures", "--json", *arguments])
        assert result.exit_code == 0, result.output
        found: dict[str, object] = json.loads(result.stdout)
        return found

    assert figures()["received"] == 2
    assert figures("--unit", "城东")["received"] == 1
    assert figures("--unit", str(unit.id))["received"] == 1
    assert figures("--from", "2026-03-11", "--to", "2026-03-12")["received"] == 2
    assert figures("--from", "2026-03-10", "--to", "2026-03-11")["received"] == 0
    assert "by" not in figures()
    readable = app.test_cli_runner().invoke(args=["figures", "--by", "unit"])
    assert "城东" in readable.output
    unknown = app.test_cli_runner().invoke(args=["figures", "--unit", "Nowhere"])
    assert unknown.exit_code == 1
    assert "no unit named" in unknown.output


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    assert reason in REASONS
