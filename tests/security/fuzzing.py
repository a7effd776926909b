"""What every fuzzing test is made of: how many examples, what is typed, and what must hold."""

from datetime import timedelta
from typing import Final

import pytest
from hypothesis import HealthCheck, settings, strategies as st
from werkzeug.test import TestResponse

from tests.torture.size import IS_FULL

NASTY: Final = (
    *("", "0", "-1", "9" * 30, "1e9", "NaN", "null", "\x00", "\ud7ff", "％", "'", '"', "'; --"),
    *("=1+1", "<script>", "{{ 7*7 }}", "../../x", "2026-02-30", "0000-00-00", "9999-12-31"),
    *("水" * 300, "a" * 9000, "\u202e", "😀", "closed", "open", "1", "2", "last_year", "team"),
)
words = st.one_of(st.sampled_from(NASTY), st.text(max_size=40), st.integers().map(str))

on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def fuzzed(examples: int) -> settings:
    """Return how a test is fuzzed: by so many examples, by 25,000 with TORTURE=1."""
    return settings(
        max_examples=25_000 if IS_FULL else examples,
        deadline=timedelta(seconds=60),
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
        database=None,
    )


def holds(answer: TestResponse, what: object) -> None:
    """Assert that `answer` is no error of ours; `what` was sent."""
    assert answer.status_code < 500, what
