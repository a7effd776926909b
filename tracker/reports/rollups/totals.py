"""Whether the cells, with what is not folded yet, add up to the requests; for `flask verify`."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, FromClause, Select, func, select

from tracker.reports.models import MONTH, FigureCell, FigureChange, FigureFold
from tracker.reports.rollups.facts import COUNTS, Kept, select_facts
from tracker.service_requests.models import ServiceRequest


def differences(connection: Connection) -> Iterator[str]:
    """Return, in words, each unit and count of which the cells say something else.

    Nothing while there are no cells: then figures are read from the requests.
    """
    if not connection.scalar(select(FigureFold.time_zone)):
        return
    should = _sums(connection, ServiceRequest.__table__)
    nothing = [0] * len(COUNTS)
    for kept in Kept:
        have = _cells(connection, kept)
        for unit_id, counts in _sums(connection, FigureChange.__table__).items():
            before = have.get(unit_id, nothing)
            have[unit_id] = [one + other for one, other in zip(before, counts, strict=True)]
        for unit_id in sorted({*have, *should}):
            pairs = zip(
                COUNTS, have.get(unit_id, nothing), should.get(unit_id, nothing), strict=True
            )
            for figure, is_said, is_so in pairs:
                if is_said != is_so:
                    yield (
                        f"The cells by {kept} of unit {unit_id} say {figure} is {is_said}; it is"
                        f" {is_so}. Make them anew: flask rebuild-figures."
                    )


def _cells(connection: Connection, kept: Kept) -> dict[int, Sequence[int]]:
    sums = [func.sum(getattr(FigureCell, figure.value)) for figure in COUNTS]
    rows = connection.execute(
        select(FigureCell.unit_id, *sums)
        .where(FigureCell.dimension == kept.value, FigureCell.span == MONTH)
        .group_by(FigureCell.unit_id)
    )
    return {unit_id: [int(one) for one in counts] for unit_id, *counts in rows}


def _sums(connection: Connection, source: FromClause) -> Mapping[int, Sequence[int]]:
    facts = select_facts(source).subquery()
    signs, counts = facts.c.sign, list(facts.c)[-len(COUNTS) :]
    query: Select[Any] = select(
        facts.c.unit_id, *(func.sum(signs * one) for one in counts)
    ).group_by(facts.c.unit_id)
    return {row[0]: [int(one) for one in row[1:]] for row in connection.execute(query)}
