"""The words for figures and for what is wrong with imported rows."""

from collections.abc import Mapping
from typing import Final

from flask_babel import LazyString, lazy_gettext as _l

from tracker.reports.importing.rows import Problem, Reason

REASONS: Final[Mapping[Reason, LazyString]] = {
    Reason.MISSING: _l("Nothing is filled in here."),
    Reason.NOT_A_TIME: _l("This is not a date and time that can be read."),
    Reason.UNKNOWN_STATUS: _l("The mapping does not say what this status means."),
    Reason.UNKNOWN_KIND: _l("The mapping does not say what this kind means."),
    Reason.UNKNOWN_OUTCOME: _l("The mapping does not say what this outcome means."),
    Reason.TOO_LONG: _l("This is too long."),
    Reason.CLOSED_BEFORE_SUBMITTED: _l("It was closed before it was submitted."),
    Reason.OPEN_WITH_CLOSING_TIME: _l("It has a closing time but is not closed."),
    Reason.IN_THE_FUTURE: _l("This time lies in the future."),
    Reason.NO_SUCH_UNIT: _l("There is no such unit, and the mapping does not create units."),
    Reason.NO_SUCH_TEAM: _l("There is no such team, and the mapping does not create teams."),
    Reason.NO_SUCH_AREA: _l("There is no such area, and the mapping does not create areas."),
    Reason.NO_SUCH_CATEGORY: _l(
        "There is no such category, and the mapping does not create categories."
    ),
    Reason.WORKED_ON_HERE: _l("It was worked on here since; the change was not taken over."),
}


def problem_text(problem: Problem) -> str:
    """Return what is wrong with a row, in the reader's language."""
    words = str(REASONS[problem.reason])
    return f"{words} ({problem.value[:80]})" if problem.value else words
