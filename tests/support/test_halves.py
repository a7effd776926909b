"""A run of everything tries pages on one database, and all else on both."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.support import halves
from tests.support.databases import KINDS

ROOT = Path(__file__).resolve().parent.parent.parent


def collected(*arguments: str) -> list[str]:
    """Return the names of the tests that pytest would run."""
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only"]
    # A run of its own: nothing of the one that this is part of.
    own = {name: value for name, value in os.environ.items() if "TEST" not in name}
    answer = subprocess.run(
        [*command, *arguments], cwd=ROOT, env=own, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    return [line for line in answer.stdout.splitlines() if "::" in line]


def times_of_each(names: Iterable[str]) -> Counter[str]:
    """Return how often each test is run, whatever the database."""
    for kind in KINDS:
        names = [name.replace(kind, "") for name in names]
    return Counter(names)


def test_tests_of_pages_are_run_once_and_those_of_rules_on_both() -> None:
    pages, rules = "tests/web/test_kept.py", "tests/service_requests/actions/test_parts.py"

    everywhere = collected(pages, rules)
    short = collected(halves.OPTION, pages, rules)

    assert set(short) < set(everywhere)
    times = times_of_each(short)
    assert {times[name] for name in times if name.startswith(pages)} == {1}
    assert times_of_each(everywhere).keys() == times.keys()
    of_rules = [name for name in everywhere if name.startswith(rules)]
    assert of_rules == [name for name in short if name.startswith(rules)]


def test_what_says_itself_where_it_plays_is_never_left_out() -> None:
    chosen = ["tests/journeys/test_notes.py", "tests/test_database.py"]

    assert collected(halves.OPTION, *chosen) == collected(*chosen)


def test_about_half_of_them_play_on_each() -> None:
    played = Counter(halves.database_of(f"test_{number}") for number in range(1000))

    assert set(played) == set(KINDS)
    assert min(played.values()) > 400
