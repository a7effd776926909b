"""What the world published agrees with what the product says of the same rows."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from flask import Flask
from sqlalchemy import func, select

from tracker.config import ROOT
from tracker.database import db
from tracker.organisation.models import Area, Category, Unit
from tracker.service_requests.models import HistoryEntry, ServiceRequest
from tracker.teams.models import Team

DATA: Final = ROOT.parent / "shared" / "data"
BOSTON: Final = DATA / "boston311_2011"
PINGSHAN: Final = DATA / "pingshan_12345"
MAPPINGS: Final = ROOT / "mappings"
PRECISION: Final = 5e-7
"""The references are rounded to six digits."""


def reference(folder: Path) -> dict[str, Any]:
    """Return what was published of a data set; skips where it is absent."""
    path = folder / "reference.json"
    if not path.exists():
        pytest.skip(f"The data set {folder.name} is not beside the project.")
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def bring_in(app: Flask, file: Path, mapping: str) -> str:
    """Import a file by the command, and return what it printed."""
    arguments = ["requests", "import", str(file), "--mapping", str(MAPPINGS / mapping)]
    result = app.test_cli_runner().invoke(args=arguments)
    assert result.exit_code == 0, result.output
    return result.output


def figures(app: Flask, *arguments: str) -> dict[str, Any]:
    """Return what the command prints."""
    result = app.test_cli_runner().invoke(args=["figures", "--json", *arguments])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def near(value: float | None) -> object:
    """Return what equals a rounded value of a reference; None equals None."""
    return None if value is None else pytest.approx(value, abs=PRECISION)


def assert_groups(
    found: Sequence[Mapping[str, Any]],
    expected: Sequence[Mapping[str, Any]],
    *,
    blank: str = "",
    blank_reads: str = "",
) -> None:
    """Compare every group with the reference's, whatever their order."""
    ours = {group["value"]: group for group in found}
    blanks = [group for group in expected if group["value"].strip() in ("", blank)]
    named = {group["value"]: group for group in expected if group not in blanks}
    assert ours.keys() == {*named, *([blank_reads] if blanks else [])}
    for value, group in named.items():
        mine = ours[value]
        assert (mine["received"], mine["closed"]) == (group["received"], group["closed"]), value
        assert mine["closure_rate"] == near(group["rate"]), value
        assert mine["median_days"] == near(group["median_days"]), value
        assert mine["p90_days"] == near(group["p90_days"]), value
    if blanks:
        # Boston has two ways to leave the neighborhood out, nothing and one space: one group here.
        mine = ours[blank_reads]
        assert mine["received"] == sum(group["received"] for group in blanks)
        assert mine["closed"] == sum(group["closed"] for group in blanks)


def everything() -> dict[str, Any]:
    """Return the end state of an import, as far as it must not depend on how often it ran."""
    columns = [
        column
        for column in ServiceRequest.__table__.columns
        if column.name not in ("id", "reference", "link_salt", "import_id", "version")
    ]
    foreign = {"category_id", "unit_id", "area_id", "lead_team_id"}
    plain = [column for column in columns if column.name not in foreign]
    rows = db.session.execute(
        select(*plain, Category.name, Unit.name, Area.name, Team.name)
        .select_from(ServiceRequest)
        .join(Category, Category.id == ServiceRequest.category_id)
        .join(Unit, Unit.id == ServiceRequest.unit_id)
        .outerjoin(Area, Area.id == ServiceRequest.area_id)
        .outerjoin(Team, Team.id == ServiceRequest.lead_team_id)
        .order_by(ServiceRequest.source_id)
    ).all()
    counts = {
        kind.__name__: db.session.scalar(select(func.count()).select_from(kind))
        for kind in (ServiceRequest, HistoryEntry, Category, Unit, Area, Team)
    }
    return {"rows": [tuple(row) for row in rows], "counts": counts}


@pytest.mark.slow
def test_boston_agrees_with_its_reference(app: Flask) -> None:
    expected = reference(BOSTON)
    file = BOSTON / "requests.csv.gz"

    first = bring_in(app, file, "boston_311.toml")
    again = bring_in(app, file, "boston_311.toml")

    assert f"{expected['rows']} created" in first
    assert f"{expected['rows']} unchanged" in again
    found = figures(app)
    assert found["received"] == found["counted"] == expected["rows"]
    assert found["closed"] == expected["closed_by_status"]
    assert found["closure_rate"] == near(expected["closure_rate_by_status"])
    days = expected["days_to_close"]
    assert found["days_to_close"] == {
        "n": days["n"],
        "median": near(days["median"]),
        "p90": near(days["p90"]),
    }
    assert found["monthly"] == [
        {key: month[key] for key in ("month", "received", "closed")}
        for month in expected["monthly"]
    ]
    for by, theirs in (
        ("category", "by_category"),
        ("team", "by_team"),
        ("channel", "by_channel"),
        ("area", "by_district"),
    ):
        assert_groups(figures(app, "--by", by)["by"], expected[theirs])


@pytest.mark.slow
def test_pingshan_agrees_with_its_reference_in_both_encodings(app: Flask) -> None:
    expected = reference(PINGSHAN)

    bring_in(app, PINGSHAN / "requests_gb18030.csv", "pingshan_12345.toml")
    once = everything()
    again = bring_in(app, PINGSHAN / "requests.csv", "pingshan_12345.toml")

    assert f"{expected['rows']} unchanged" in again
    assert everything() == once
    found = figures(app)
    assert found["received"] == expected["rows"]
    assert found["closed"] == expected["closed_by_status"]
    assert found["days_to_close"] == {"n": 0, "median": None, "p90": None}
    on_time = expected["on_time"]["on_time_rate_of_closed"]
    assert found["on_time"] == {"n": expected["closed_by_status"], "rate": near(on_time)}
    top = db.session.scalars(select(Unit.name).where(Unit.parent_id.is_(None))).one()
    assert_groups(figures(app, "--by", "category")["by"], expected["by_category"], blank="-")
    assert_groups(figures(app, "--by", "channel")["by"], expected["by_channel"], blank="-")
    assert_groups(figures(app, "--by", "team")["by"], expected["by_team"], blank="-")
    # What names no unit lies on the desk of the whole organisation.
    by_unit = figures(app, "--by", "unit")["by"]
    assert_groups(by_unit, expected["by_team"], blank="-", blank_reads=top)
