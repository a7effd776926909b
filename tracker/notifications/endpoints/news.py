"""Writing news for endpoints into the outbox, in the transaction of what they tell."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from tracker.notifications import wishes
from tracker.notifications.endpoints.models import EndpointKind, News
from tracker.notifications.endpoints.queries import Listener
from tracker.notifications.outbox import enqueue

KIND: Final = "news"
TEST: Final = "test"
OVER: Final = frozenset({News.RESOLVED, News.CLOSED})
"""After these it is not due any more."""
MOST_AT_ONCE: Final = 50
"""One message names so many requests; more go as several."""


def write(
    listener: Listener,
    news: News,
    items: Sequence[Mapping[str, Any]],
    *,
    is_urgent: bool = False,
    service_request_id: int | None = None,
    now: datetime,
) -> None:
    """Tell an endpoint of some requests.

    A program is told at once. A robot speaks to people, by day on working days, unless it
    `is_urgent`.
    """
    # Of one request the text says when it is due; of many, nobody reads that in a group.
    due_at = items[0]["due_at"] if len(items) == 1 and news not in OVER else None
    waits = listener.kind is not EndpointKind.WEBHOOK and not is_urgent
    for start in range(0, len(items), MOST_AT_ONCE):
        enqueue(
            KIND,
            channel=listener.kind.channel,
            address=str(listener.id),
            locale=listener.locale,
            payload={
                "news": news.value,
                "requests": list(items[start : start + MOST_AT_ONCE]),
                "due_at": due_at,
            },
            now=now,
            service_request_id=service_request_id,
            run_at=wishes.by_day(now) if waits else None,
        )


def write_test(listener: Listener, *, now: datetime) -> None:
    """Tell an endpoint of nothing, so that somebody sees whether it arrives."""
    enqueue(
        KIND,
        channel=listener.kind.channel,
        address=str(listener.id),
        locale=listener.locale,
        payload={"news": TEST, "requests": [], "due_at": None},
        now=now,
    )
