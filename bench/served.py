"""What the load run serves: the product, and beside it the floor that it is measured against.

The floor is as little as a useful page can be on the same server, the same database and the
same framework: Flask, one indexed query, 25 rows, one template. Its POST writes two rows and
answers when they are durable.
"""

import os
from typing import Any, Final

from flask import Flask, g, has_request_context, render_template_string
from sqlalchemy import create_engine, event, text
from sqlalchemy.engine import Engine
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from tracker import create_app

FLOOR: Final = "/bench-floor"
STATEMENTS: Final = "X-Statements"

_PAGE: Final = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Floor</title>
<table>{% for row in rows %}<tr><td>{{ row.reference }}</td><td>{{ row.need }}</td>
<td>{{ row.address }}</td><td>{{ row.status }}</td><td>{{ row.submitted_at }}</td></tr>
{% endfor %}</table></html>"""
_ROWS: Final = text(
    "SELECT reference, need, address, status, submitted_at FROM service_request"
    " WHERE id > :after ORDER BY id LIMIT 25"
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
    def insert() -> str:
        with engine.connect() as connection:
            if engine.dialect.name == "sqlite":
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            parent = connection.execute(
                text("INSERT INTO bench_floor_parent (note) VALUES ('parent') RETURNING id")
            ).scalar_one()
            connection.execute(
                text("INSERT INTO bench_floor_child (parent_id, note) VALUES (:id, 'child')"),
                {"id": parent},
            )
            connection.commit()
        return "ok"

    return floor


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
