"""`python -m bench.ladder --database URL --open N`: how long the ladder's run takes over N open requests.

Fills an empty database with a small world, adds N requests under way to it that were all accepted
at once, and counts their clocks as after a change of the calendar. Then the ladder runs four times,
each when all of them have just reached the next rung, and once more when there is nothing to do.
"""

import argparse
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select, text, update

from bench.generate import app_on, generate
from tracker.database import db, refresh_statistics, transaction
from tracker.organisation import queries as organisation
from tracker.permissions import SYSTEM
from tracker.service_requests import climbing, recounting
from tracker.service_requests.ladder import Rung
from tracker.service_requests.models import Escalation, ServiceRequest

LIVES = 2_000
NUMBERS = {
    "postgresql": "SELECT n FROM generate_series(1, :open) AS n",
    "sqlite": "WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < :open)"
    " SELECT n FROM t",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.ladder", description=__doc__)
    parser.add_argument("--database", required=True, help="sqlite:///… or postgresql://…; empty")
    parser.add_argument("--open", type=int, default=100_000)
    asked = parser.parse_args(arguments)
    now = datetime.now(UTC)
    generate(asked.database, LIVES)
    with app_on(asked.database).app_context():
        _open(asked.open, now)
        _say("counted anew", asked.open, _count_anew(now))
        for rung in Rung:
            _run(rung.value, asked.open)
        _run("nothing", asked.open, later=timedelta(minutes=5))
        written = db.session.scalar(select(func.count(Escalation.id)))
        print(f"{written:,} rungs written", flush=True)
    return 0


def _run(reached: str, requests: int, *, later: timedelta = timedelta()) -> None:
    """Let the ladder run when the last of the requests has come to its next rung, in working time."""
    of_these = ServiceRequest.reference.startswith("L")
    last = db.session.scalar(select(func.max(ServiceRequest.ladder_at)).where(of_these))
    now = _next_hour_at_work(last or _RAN[-1]) + later
    _RAN.append(now)
    begun = time.monotonic()
    done = climbing.climb(now)
    _say(f"{reached}: {done}", requests, time.monotonic() - begun)


_RAN: list[datetime] = []


def _say(what: str, requests: int, took: float) -> None:
    print(f"{what}: {took:.1f} s ({requests / took:,.0f} requests a second)", flush=True)


def _open(requests: int, now: datetime) -> None:
    """Add open requests: copies of those that are under way, of all teams."""
    columns = [column.name for column in ServiceRequest.__table__.columns]
    changed = {
        "id": "(SELECT max(id) FROM service_request) + numbers.n",
        "reference": "'L' || substr('00000000' || numbers.n, -8)",
        "link_salt": "'salt' || numbers.n",
        "submission_key": "NULL",
        "import_id": "NULL",
        "import_source": "NULL",
        "source_id": "NULL",
        "first_response_at": "kind.accepted_at",
        "priority": "'normal'",
        "category_id": "(SELECT min(id) FROM category WHERE parent_id IS NOT NULL AND id NOT IN"
        " (SELECT category_id FROM limit_rule WHERE category_id IS NOT NULL))",
        "places_taken": "0",
    }
    dialect = db.engine.dialect.name
    if dialect == "postgresql":
        changed["reference"] = "'L' || lpad(numbers.n::text, 8, '0')"
    chosen = ", ".join(changed.get(name, f"kind.{name}") for name in columns)
    with transaction():
        db.session.execute(
            text(
                f"INSERT INTO service_request ({', '.join(columns)})"
                f" SELECT {chosen} FROM ({NUMBERS[dialect]}) AS numbers"
                " JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place,"
                " count(*) OVER () AS kinds FROM service_request WHERE status = 'in_progress'"
                " AND import_id IS NULL AND accepted_at IS NOT NULL) AS kind"
                " ON kind.place = numbers.n % kind.kinds"
            ),
            {"open": requests},
        )
        db.session.execute(
            update(ServiceRequest)
            .where(ServiceRequest.reference.startswith("L"))
            .values(accepted_at=now, submitted_at=now, ladder_at=None)
        )
    refresh_statistics()


def _count_anew(now: datetime) -> float:
    with transaction():
        recounting.ask(actor=SYSTEM, now=now)
    begun = time.monotonic()
    while recounting.is_under_way():
        recounting.go_on(now=now)
    return time.monotonic() - begun


def _next_hour_at_work(moment: datetime) -> datetime:
    calendar = organisation.calendar(moment)
    return calendar.next_working_time(moment + timedelta(seconds=1)) + timedelta(minutes=30)


if __name__ == "__main__":
    raise SystemExit(main())
