"""Which endpoints hear of which step and rung: written with it, and never anything of a person."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

from sqlalchemy import select

from tracker.database import Model, db
from tracker.notifications.endpoints import news as outgoing, queries as endpoints
from tracker.notifications.endpoints.models import News
from tracker.organisation.models import Category, Unit
from tracker.service_requests.ladder import Rung
from tracker.service_requests.lifecycle import Priority, Step
from tracker.service_requests.models import ServiceRequest
from tracker.teams.models import Team

STEPS: Final[Mapping[Step, News]] = {
    Step.SUBMIT: News.SUBMITTED,
    Step.ASSIGN: News.ASSIGNED,
    Step.URGE: News.URGED,
    Step.RESOLVE: News.RESOLVED,
    Step.REFER: News.RESOLVED,
    Step.DISPUTE: News.REOPENED,
    Step.REOPEN: News.REOPENED,
    Step.CONFIRM: News.CLOSED,
    Step.TIME_OUT: News.CLOSED,
    Step.DECLINE: News.CLOSED,
    Step.MERGE: News.CLOSED,
    Step.WITHDRAW: News.CLOSED,
}
RUNGS: Final[Mapping[Rung, News]] = {
    Rung.NEAR: News.NEAR,
    Rung.OVERDUE: News.OVERDUE,
    Rung.PRESSED: News.PRESSED,
    Rung.SUPERVISED: News.SUPERVISED,
}


class Told(Protocol):
    """What is told of a request."""

    id: int
    reference: str
    unit_id: int
    priority: Priority
    lead_team_id: int | None

    @property
    def category(self) -> Any: ...  # noqa: ANN401, D102 - its id


def tell_of_step(service_request: ServiceRequest, step: Step, *, now: datetime) -> None:
    """Tell the endpoints that listen, and whose team has it, of a step that was just taken."""
    news = STEPS.get(step)
    if news is None or service_request.is_spam:
        return
    team_ids: Collection[int] | None = None
    items: list[dict[str, Any]] = []
    for listener in endpoints.listening_to(news):
        if listener.team_id is not None:
            team_ids = service_request.team_ids if team_ids is None else team_ids
            if listener.team_id not in team_ids:
                continue
        items = items or _items([(service_request, service_request.due_at)])
        outgoing.write(
            listener,
            news,
            items,
            is_urgent=step is Step.URGE or service_request.priority is Priority.EMERGENCY,
            service_request_id=service_request.id,
            now=now,
        )


def tell_of_rungs(
    reached: Sequence[tuple[Told, Sequence[Rung], datetime]], *, now: datetime
) -> None:
    """Tell the endpoints that listen of the rungs that a run found, with the due times passed.

    Of each request the highest that an endpoint wants to hear of; all of one rung is one message.
    """
    listeners = endpoints.listening_to(*RUNGS.values()) if reached else ()
    if not listeners:
        return
    items = _items([(it, due_at) for it, _rungs, due_at in reached])
    for listener in listeners:
        theirs: dict[News, dict[int, int]] = defaultdict(dict)
        for place, (it, rungs, _due_at) in enumerate(reached):
            wanted = [RUNGS[rung] for rung in rungs if RUNGS[rung] in listener.news]
            if wanted and listener.team_id in (None, it.lead_team_id):
                # Several clocks of one request may have run out: it is told once.
                theirs[wanted[-1]].setdefault(it.id, place)
        for news, by_request in theirs.items():
            places = by_request.values()
            outgoing.write(
                listener,
                news,
                [items[place] for place in places],
                is_urgent=any(reached[each][0].priority is Priority.EMERGENCY for each in places),
                now=now,
            )


def _items(found: Sequence[tuple[Told, datetime | None]]) -> list[dict[str, Any]]:
    """Return what is said of each: nothing that only some may know."""
    categories = names_of(Category, {it.category.id for it, _due_at in found})
    units = names_of(Unit, {it.unit_id for it, _due_at in found})
    led = {it.lead_team_id for it, _due_at in found if it.lead_team_id is not None}
    teams = names_of(Team, led)
    return [
        {
            "reference": it.reference,
            "request_id": it.id,
            "priority": it.priority.value,
            "due_at": due_at.isoformat() if due_at else None,
            **_named("category", categories.get(it.category.id)),
            **_named("unit", units.get(it.unit_id)),
            **_named("team", teams.get(it.lead_team_id or 0)),
        }
        for it, due_at in found
    ]


def _named(what: str, names: tuple[str, str | None] | None) -> dict[str, str | None]:
    name, name_en = names or (None, None)
    return {what: name, f"{what}_en": name_en}


def names_of(kind: type[Model], ids: Collection[int]) -> Mapping[int, tuple[str, str | None]]:
    """Return what some units, teams or categories are called, in the main language and in English."""
    table = kind.metadata.tables[kind.__tablename__]
    columns = (table.c.id, table.c.name, table.c.name_en)
    rows = db.session.execute(select(*columns).where(table.c.id.in_(sorted(ids))))
    return {row.id: (row.name, row.name_en) for row in rows}
