"""What the load run serves: the product, and beside it the floor that it is measured against.

The floor is as little as a useful page can be on the same server, the same database and the
same framework: Flask, one indexed query, 25 rows, one template. Its POST writes two rows and
answers when they are durable; another writes every row that sending a request writes, with nothing
around them.
"""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, cast

from flask import Flask, g, has_request_context, render_template_string
from sqlalchemy import Table, create_engine, delete, event, insert, literal, select, text
from sqlalchemy.engine import Connection, Engine
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tracker import create_app
from tracker.clock import utc_now
from tracker.database import Model
from tracker.search_text import index_text
from tracker.service_requests import search
from tracker.service_requests.models import (
    HistoryEntry,
    Requester,
    ServiceRequest,
    SubmissionDraft,
)
from tracker.web.throttle import Attempt

FLOOR: Final = "/bench-floor"
COPY: Final = "b"
"""How the references begin of requests that only the floor wrote; no real one begins so."""
STATEMENTS: Final = "X-Statements"

_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Floor</title>
<table>{% for row in rows %}<tr><td>{{ row.reference }}</td><td>{{ row.need }}</td>
<td>{{ row.address }}</td><td>{{ row.status }}</td><td>{{ row.submitted_at }}</td></tr>
{% endfor %}</table></html>"""
_ROWS: Final = text(
    "SELECT reference, need, address, status, submitted_at FROM service_request"
    " WHERE id > :after ORDER BY id LIMIT 25"
)
_LATEST: Final = text(
    "SELECT service_request.id, requester_id, history_entry.id AS entry_id, need, address"
    " FROM service_request JOIN history_entry ON history_entry.service_request_id = service_request.id"
    " WHERE history_entry.step = 'submit' AND service_request.status = 'submitted'"
    " ORDER BY service_request.id DESC LIMIT 1"
)
_TABLES: Final = (
    "CREATE TABLE IF NOT EXISTS bench_floor_parent (id {key}, note text NOT NULL)",
    (
        "CREATE TABLE IF NOT EXISTS bench_floor_child (id {key},"
        " parent_id integer NOT NULL REFERENCES bench_floor_parent (id), note text NOT NULL)"
    ),
)


def make_floor(database: str) -> Flask:
    """Return the bare page, on `database`."""
    floor = Flask("bench_floor")
    # The listeners of `tracker.database` hold for every engine: journal, durability, locks.
    engine = create_engine(database)

    @floor.get("/rows/<int:after>")
    def rows(after: int) -> str:
        with engine.connect() as connection:
            found = connection.execute(_ROWS, {"after": after}).all()
        return render_template_string(_PAGE, rows=found)

    @floor.post("/rows")
    def insert_two() -> str:
        with _writing(engine) as connection:
            parent = connection.execute(
                text("INSERT INTO bench_floor_parent (note) VALUES ('parent') RETURNING id")
            ).scalar_one()
            connection.execute(
                text("INSERT INTO bench_floor_child (parent_id, note) VALUES (:id, 'child')"),
                {"id": parent},
            )
        return "ok"

    @floor.post("/requests")
    def insert_request() -> str:
        with _writing(engine) as connection:
            source, now = connection.execute(_LATEST).one(), utc_now()
            attempt = {"scope": "bench", "key_hash": secrets.token_hex(32), "at": now}
            connection.execute(insert(Attempt), attempt)
            requester_id = _copied(connection, Requester, source.requester_id)
            reference = f"{COPY}{secrets.randbelow(10**9):09}"
            request_id = _copied(
                connection,
                ServiceRequest,
                source.id,
                requester_id=requester_id,
                reference=reference,
                submission_key=None,
            )
            _copied(connection, HistoryEntry, source.entry_id, service_request_id=request_id)
            draft = {"key": secrets.token_urlsafe(24), "content": {}, "created_at": now}
            connection.execute(insert(SubmissionDraft), {**draft, "service_request_id": request_id})
            words = index_text(f"{reference} {source.need} {source.address}")
            added = {"id": request_id, "body": words}
            connection.execute(search.ADD_TEXT[engine.dialect.name], added)
        return "ok"

    return floor


@contextmanager
def _writing(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that writes, and make it durable."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        yield connection
        connection.commit()


def _copied(connection: Connection, model: type[Model], row_id: int, **others: object) -> int:
    """Write a row like another one; return its id."""
    table = cast("Table", model.__table__)
    names = [column.name for column in table.columns if column.name != "id"]
    values = [literal(others[n], table.c[n].type) if n in others else table.c[n] for n in names]
    row = select(*values).where(table.c.id == row_id)
    made = connection.execute(insert(table).from_select(names, row).returning(table.c.id))
    return int(made.scalar_one())


def forget_copies(engine: Engine) -> None:
    """Take away the requests that only the floor wrote. Their requesters stay, nobody's."""
    copies = select(ServiceRequest.id).where(ServiceRequest.reference.between(COPY, f"{COPY}~"))
    with engine.begin() as connection:
        written = connection.scalars(copies).all()
        # Nobody else deletes a request: each would look through all claims for its own.
        connection.execute(text("CREATE INDEX bench_claim ON claim (service_request_id)"))
        for start in range(0, len(written), 500):
            some = written[start : start + 500]
            removed = [{"id": each} for each in some]
            connection.execute(search.REMOVE_TEXT[engine.dialect.name], removed)
            connection.execute(
                delete(SubmissionDraft).where(SubmissionDraft.service_request_id.in_(some))
            )
            connection.execute(
                delete(HistoryEntry).where(HistoryEntry.service_request_id.in_(some))
            )
            connection.execute(delete(ServiceRequest).where(ServiceRequest.id.in_(some)))
        connection.execute(text("DROP INDEX bench_claim"))


def make_tables(engine: Engine) -> None:
    """Make the two tables that the floor writes to."""
    is_sqlite = engine.dialect.name == "sqlite"
    key = "integer PRIMARY KEY" if is_sqlite else "serial PRIMARY KEY"
    with engine.begin() as connection:
        for table in _TABLES:
            connection.execute(text(table.format(key=key)))


def _count_statements(product: Flask) -> None:
    """Answer with how many statements a page cost, beginnings and ends of transactions apart."""

    @event.listens_for(Engine, "before_cursor_execute")
    def count(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        if has_request_context() and not statement.startswith(("BEGIN", "COMMIT", "ROLLBACK")):
            g.statements = g.get("statements", 0) + 1

    @product.after_request
    def tell(response: Any) -> Any:  # noqa: ANN401 - Flask's
        response.headers[STATEMENTS] = str(g.get("statements", 0))
        return response


def make_app() -> Flask:
    """Return the product with the floor beside it."""
    product = create_app()
    _count_statements(product)
    floor = make_floor(os.environ["DATABASE_URL"])
    product.wsgi_app = DispatcherMiddleware(product.wsgi_app, {FLOOR: floor})  # type: ignore[method-assign]
    return product


app = make_app() if os.environ.get("BENCH_SERVED") else None
