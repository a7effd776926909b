"""What a machine may lack, and how loudly that is said."""

import os
from typing import Final, NoReturn

import pytest

MARK: Final = "NOT TESTED: "


def is_ci() -> bool:
    """Tell whether nothing may be left out."""
    return os.environ.get("CI", "").lower() in ("1", "true", "yes")


def missing(what: str, *, why: object) -> NoReturn:
    """Skip the test because the machine lacks `what`; fail it under CI=true."""
    text = f"{MARK}{what} can't be had here ({why})"
    if is_ci():
        pytest.fail(f"{text}, and CI=true leaves nothing out.", pytrace=False)
    pytest.skip(text)


def reason_in(report: pytest.TestReport | pytest.CollectReport) -> str | None:
    """Return what was missing when `report` is of a test that was skipped for it."""
    if not isinstance(report.longrepr, tuple):
        return None
    _before, mark, reason = report.longrepr[2].partition(MARK)
    return reason if mark else None
