"""The words for figures and for what is wrong with imported rows."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Final

from flask_babel import LazyString, gettext, lazy_gettext as _l

from tracker.reports.definitions import Dimension, Figure
from tracker.reports.importing.mapping import Creatable
from tracker.reports.importing.rows import Problem, Reason
from tracker.reports.periods import Choice

# Pairs, not a dict: members of different enums can be equal texts.
LABELS: Final[Sequence[tuple[Enum, LazyString]]] = (
    (Choice.THIS_MONTH, _l("This month")),
    (Choice.LAST_MONTH, _l("Last month")),
    (Choice.THIS_QUARTER, _l("This quarter")),
    (Choice.LAST_QUARTER, _l("Last quarter")),
    (Choice.THIS_YEAR, _l("This year")),
    (Choice.LAST_YEAR, _l("Last year")),
    (Choice.LAST_12_MONTHS, _l("The last 12 months")),
    (Choice.ALL, _l("All time")),
    (Choice.CUSTOM, _l("Days of your choice")),
    (Dimension.CATEGORY, _l("Category")),
    (Dimension.LEAF, _l("Detailed category")),
    (Dimension.TEAM, _l("Team")),
    (Dimension.CHANNEL, _l("Way in")),
    (Dimension.AREA, _l("Area")),
    (Dimension.UNIT, _l("Unit")),
    (Dimension.LEADER, _l("Leader")),
    (Figure.RECEIVED, _l("Received")),
    (Figure.COUNTED, _l("Counted")),
    (Figure.NOT_COUNTED, _l("Not counted in the rates")),
    (Figure.CLOSED, _l("Closed")),
    (Figure.NOT_CLOSED, _l("Still open")),
    (Figure.HANDLED, _l("With a result")),
    (Figure.NOT_HANDLED, _l("Without a result yet")),
    (Figure.CLOSED_TIMES, _l("Closed, with known times")),
    (Figure.CLOSED_IN_PERIOD, _l("Closed in the period")),
    (Figure.ON_TIME, _l("Resolved on time")),
    (Figure.NOT_ON_TIME, _l("Late")),
    (Figure.TIMED, _l("With a known due time")),
    (Figure.SOLVED, _l("Solved, says the requester")),
    (Figure.NOT_SOLVED, _l("Partly or not solved")),
    (Figure.ANSWERED, _l("Answered by the requester")),
    (Figure.SATISFIED, _l("Satisfied")),
    (Figure.NOT_SATISFIED, _l("Not satisfied")),
    (Figure.RATED, _l("Rated by the requester")),
    (Figure.REOPENED, _l("Reopened")),
    (Figure.REOPENABLE, _l("With a result, or reopened")),
    (Figure.RETURNED, _l("Returned to the desk")),
    (Figure.RETURNABLE, _l("Assigned to a team")),
    (Creatable.CATEGORY, _l("Categories")),
    (Creatable.TEAM, _l("Teams")),
    (Creatable.AREA, _l("Areas")),
    (Creatable.UNIT, _l("Units")),
)

DEFINITIONS: Final[Mapping[Figure, LazyString]] = {
    Figure.RECEIVED: _l(
        "Requests sent in during the period. Spam is left out; what still waits to be accepted counts."
    ),
    Figure.COUNTED: _l(
        "Received, without merged duplicates, withdrawn requests and those outside our scope."
    ),
    Figure.NOT_COUNTED: _l("Merged duplicates, withdrawn requests and those outside our scope."),
    Figure.CLOSED: _l("Counted requests that are closed now."),
    Figure.NOT_CLOSED: _l("Counted requests that are not closed yet."),
    Figure.HANDLED: _l("Counted requests with a reported result, resolved or closed."),
    Figure.NOT_HANDLED: _l("Counted requests without a reported result."),
    Figure.CLOSED_TIMES: _l("Closed requests of which it is known how long they took."),
    Figure.CLOSED_IN_PERIOD: _l(
        "Closed during the period, whenever they were sent in. A flow: never divided by received."
    ),
    Figure.ON_TIME: _l("Counted requests resolved by their due time."),
    Figure.NOT_ON_TIME: _l("Resolved after the due time, or open past it."),
    Figure.TIMED: _l("Resolved with a limit, or open past the due time."),
    Figure.SOLVED: _l("Closed requests whose requester said “solved”."),
    Figure.NOT_SOLVED: _l("Closed requests whose requester said “partly” or “not solved”."),
    Figure.ANSWERED: _l("Closed requests whose requester said whether the need was met."),
    Figure.SATISFIED: _l("Closed requests rated with one of the top three of five levels."),
    Figure.NOT_SATISFIED: _l("Closed requests rated with one of the lowest two of five levels."),
    Figure.RATED: _l("Closed requests that the requester rated on five levels."),
    Figure.REOPENED: _l("Counted requests that were reopened at least once."),
    Figure.REOPENABLE: _l("Counted requests with a result now, or reopened since they had one."),
    Figure.RETURNED: _l("Counted requests that a team returned to the desk at least once."),
    Figure.RETURNABLE: _l("Counted requests that a team has, or returned."),
}
"""What is counted, for people; the functions of `definitions` say the same for engineers."""

RATES: Final[Mapping[Figure, LazyString]] = {
    Figure.CLOSED: _l(
        "Closed requests ÷ counted requests. A reopened request counts where it is now."
    ),
    Figure.HANDLED: _l("Requests with a reported result, resolved or closed ÷ counted requests."),
    Figure.ON_TIME: _l(
        "Resolved by the due time ÷ (resolved with a limit, or due time passed)."
        " A young open request does not count as on time."
    ),
    Figure.SOLVED: _l(
        "Requesters who said “solved” ÷ those who answered. Coverage: answers ÷ closed requests."
    ),
    Figure.SATISFIED: _l(
        "The top three of five levels ÷ those who rated. Coverage: ratings ÷ closed requests."
    ),
    Figure.REOPENED: _l("Reopened at least once ÷ requests with a result now, or reopened since."),
    Figure.RETURNED: _l("Returned to the desk at least once ÷ requests assigned to a team."),
}
"""The shares that are taken of them."""

DAYS_TO_CLOSE: Final = _l(
    "Days from sending in to closing, elapsed. Half of the closed requests took no longer than the"
    " median, nine in ten no longer than P90."
)

REASONS: Final[Mapping[Reason, LazyString]] = {
    Reason.MISSING: _l("Nothing is filled in here."),
    Reason.NOT_A_TIME: _l("This is not a date and time that can be read."),
    Reason.UNKNOWN_STATUS: _l("The mapping does not say what this status means."),
    Reason.UNKNOWN_KIND: _l("The mapping does not say what this kind means."),
    Reason.UNKNOWN_OUTCOME: _l("The mapping does not say what this outcome means."),
    Reason.TOO_LONG: _l("This is too long."),
    Reason.CLOSED_BEFORE_SUBMITTED: _l("It was closed before it was submitted."),
    Reason.BEFORE_SUBMITTED: _l("This happened before it was submitted."),
    Reason.OPEN_WITH_CLOSING_TIME: _l("It has a closing time but is not closed."),
    Reason.IN_THE_FUTURE: _l("This time lies in the future."),
    Reason.NO_SUCH_UNIT: _l("There is no such unit, and this import may not make it."),
    Reason.NO_SUCH_TEAM: _l("There is no such team, and this import may not make it."),
    Reason.NO_SUCH_AREA: _l("There is no such area, and this import may not make it."),
    Reason.NO_SUCH_CATEGORY: _l("There is no such category, and this import may not make it."),
    Reason.WORKED_ON_HERE: _l("It was worked on here since; the change was not taken over."),
    Reason.ANOTHER_UNITS_NUMBER: _l(
        "Another unit's import holds this number of this source. Ask an administrator of the whole"
        " organisation: they see every import."
    ),
    Reason.NOT_COMPUTED: _l(
        "The workbook has a formula here and does not say what it comes to. Open it in a spreadsheet"
        " program, save it there, and hand it in again."
    ),
    Reason.TWICE_IN_THE_FILE: _l(
        "This number stands in the file more than once: the first line with it counts."
    ),
}


def problem_text(problem: Problem) -> str:
    """Return what is wrong with a row, in the reader's language."""
    if problem.reason is Reason.TWICE_IN_THE_FILE:
        return str(
            gettext(
                "This number stands in the file more than once; the first is on line %(line)s.",
                line=problem.value,
            )
        )
    words = str(REASONS[problem.reason])
    return f"{words} ({problem.value[:80]})" if problem.value else words
