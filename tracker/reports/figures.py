"""The figures of a scope as one document, for the command line and other programs."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import or_, select

from tracker.database import db
from tracker.errors import NotFoundError
from tracker.organisation.models import Unit
from tracker.organisation.queries import units_below
from tracker.permissions import Actor
from tracker.reports import answers
from tracker.reports.definitions import Dimension, Scope
from tracker.reports.values import Answers, Group, Month, Share, Summary


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the moment at which a day begins in `zone`, in UTC."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def find_unit(name_or_id: str) -> int:
    """Return the id of the one unit that has this id or name; raises `NotFoundError`."""
    wanted = or_(Unit.name == name_or_id, Unit.name_en == name_or_id)
    if name_or_id.isascii() and name_or_id.isdecimal():
        wanted = or_(wanted, Unit.id == int(name_or_id))
    found = db.session.scalars(select(Unit.id).where(wanted)).all()
    if len(found) != 1:
        how_many = "no unit" if not found else f"{len(found)} units"
        message = f"There is {how_many} named {name_or_id!r}."
        raise NotFoundError(message)
    return found[0]


def unit_ids(name_or_id: str | None) -> frozenset[int] | None:
    """Return a unit and all below it, None for no unit; raises `NotFoundError`."""
    return units_below(find_unit(name_or_id)) if name_or_id else None


def document(actor: Actor, scope: Scope, zone: ZoneInfo, by: Dimension | None) -> dict[str, Any]:
    """Return every figure: shares from 0 to 1 and not rounded, times in decimal days.

    `monthly` has the calendar months of `zone`; `by` is there when a dimension is asked for.
    """
    figures = _summary(answers.summary(actor, scope))
    figures["monthly"] = [_month(one) for one in answers.monthly(actor, scope, zone)]
    if by is not None:
        figures["by"] = _groups(answers.groups(actor, scope, by))
    return figures


def _summary(summary: Summary) -> dict[str, Any]:
    spread = summary.days_to_close
    return {
        "received": summary.received,
        "counted": summary.counted,
        "closed": summary.closed,
        "closure_rate": summary.closure.rate,
        "handled_rate": summary.handling.rate,
        "closed_in_period": summary.closed_in_period,
        "on_time": _share(summary.on_time),
        "days_to_close": {"n": spread.n, "median": spread.median, "p90": spread.p90},
        "solved": _answers(summary.solved),
        "satisfaction": _answers(summary.satisfaction),
        "reopened": _share(summary.reopened),
        "returned": _share(summary.returned),
    }


def _share(share: Share) -> dict[str, Any]:
    return {"n": share.n, "rate": share.rate}


def _answers(answers: Answers) -> dict[str, Any]:
    return {"n": answers.n, "coverage": answers.coverage, "rate": answers.rate}


def _month(month: Month) -> dict[str, Any]:
    return {"month": month.name, "received": month.received, "closed": month.closed}


def _groups(groups: Sequence[Group]) -> list[dict[str, Any]]:
    return [
        {
            "value": group.name,
            "received": group.received,
            "closed": group.closed,
            "closure_rate": group.closure.rate,
            "median_days": group.days_to_close.median,
            "p90_days": group.days_to_close.p90,
        }
        for group in groups
    ]
