"""`python -m bench.generate --database URL --requests N`: fills an empty database with N lives.

Several processes make the rows; PostgreSQL takes them by COPY from each of them, SQLite from one
writer. Indexes and triggers are put aside meanwhile and made again at the end, and what the
product derives (figures) is rebuilt by its own command, so that the result is what N requests
through the pages would have left.
"""

import argparse
import multiprocessing
import os
import sqlite3
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psycopg
from sqlalchemy import inspect, make_url, text

from bench import lives
from bench.lives import BLOCK, COLUMNS, Plan, Rows, block_of
from bench.world import settle
from tracker import create_app, schema
from tracker.clock import utc_now
from tracker.config import ROOT, settings_from_environment
from tracker.database import db, refresh_statistics, transaction
from tracker.reports.rollups import folding

PROCESSES: Final = max(os.cpu_count() or 1, 1)
SEARCH: Final = "service_request_search"


class NotEmptyError(Exception):
    """Somebody is in the database already."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Generate as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.generate", description=__doc__)
    parser.add_argument("--database", required=True, help="sqlite:///… or postgresql://…; empty")
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--if-empty", action="store_true", help="leave a full database as it is")
    asked = parser.parse_args(arguments)
    try:
        took = generate(asked.database, asked.requests, seed=asked.seed)
    except NotEmptyError as error:
        if asked.if_empty:
            return 0
        parser.error(str(error))
    print(
        f"{asked.requests:,} requests in {took:.1f} s: {asked.requests / took:,.0f} a second",
        flush=True,
    )
    return 0


def generate(database: str, requests: int, *, seed: int = 1, now: datetime | None = None) -> float:
    """Fill the empty database at `database`; return how many seconds it took, all in all.

    Raises `NotEmptyError` when somebody is in it already.
    """
    begun = time.monotonic()
    now = now or utc_now()
    if make_url(database).get_backend_name() == "sqlite":
        folder_of(database).mkdir(parents=True, exist_ok=True)
    app = app_on(database)
    with app.app_context():
        schema.upgrade()
        if inspect(db.engine).get_table_names() and db.session.scalar(
            text("SELECT count(*) FROM person")
        ):
            message = "The database is not empty: a generator never mixes with what is real."
            raise NotEmptyError(message)
        with transaction():
            world = settle(now)
        plan = Plan(world, int(now.timestamp()), requests, seed)
        db.session.remove()
        with _put_aside():
            if db.engine.dialect.name == "sqlite":
                _fill_sqlite(plan, str(make_url(database).database))
            else:
                _fill_postgres(plan, database)
        folding.rebuild(now=now)
        refresh_statistics()
        if db.engine.dialect.name == "postgresql":
            with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(text("VACUUM ANALYZE"))
        db.session.remove()
        db.engine.dispose()
    return time.monotonic() - begun


def app_on(database: str) -> Any:  # noqa: ANN401 - Flask's
    """Return the product on `database`, with a secret of the bench's own."""
    environment = {
        "INSTANCE_PATH": str(ROOT / "instance" / "bench"),
        **os.environ,
        "DATABASE_URL": database,
        "SECRET_KEY": "bench-" * 8,
        "SHISHI_ENV": "production",
        "DEMO": "0",
    }
    os.environ.update(environment)  # migrations and children read it too
    return create_app(settings_from_environment(environment))


@contextmanager
def _put_aside() -> Iterator[None]:
    """Drop secondary indexes, foreign keys' checks and triggers; make them again afterwards."""
    is_sqlite = db.engine.dialect.name == "sqlite"
    if is_sqlite:
        found = (
            "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL AND"
            " (type = 'trigger' OR (type = 'index' AND name LIKE 'ix_%'))"
        )
    else:
        found = (
            "SELECT 'index', indexname, tablename, indexdef FROM pg_indexes"
            " WHERE schemaname = current_schema() AND indexname LIKE 'ix_%'"
        )
    with db.engine.begin() as connection:
        things = connection.execute(text(found)).all()
        for kind, name, table, _sql in things:
            if table in COLUMNS:
                connection.execute(text(f'DROP {kind} "{name}"'))
    yield
    with db.engine.begin() as connection:
        if is_sqlite:
            connection.execute(text("PRAGMA cache_size = -400000"))
        else:
            connection.execute(text("SET maintenance_work_mem = '512MB'"))
        for _kind, _name, table, sql in things:
            if table in COLUMNS:
                connection.exec_driver_sql(sql)


def _fill_sqlite(plan: Plan, path: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    blocks = range(-(-plan.requests // BLOCK))
    with multiprocessing.get_context("spawn").Pool(PROCESSES, _begin, (plan,)) as pool:
        for number, rows in enumerate(pool.imap(_block, blocks, chunksize=1)):
            connection.execute("BEGIN")
            for table, columns in COLUMNS.items():
                written = ("rowid", "body") if table == SEARCH else columns
                names = ", ".join(f'"{name}"' for name in written)
                marks = ", ".join("?" * len(written))
                connection.executemany(
                    f'INSERT INTO "{table}" ({names}) VALUES ({marks})', rows.get(table, ())
                )
            connection.execute("COMMIT")
            _tell(number, len(blocks))
    connection.close()


def _fill_postgres(plan: Plan, database: str) -> None:
    url = make_url(database).set(drivername="postgresql").render_as_string(hide_password=False)
    blocks = range(-(-plan.requests // BLOCK))
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES, _begin, (plan, url)) as pool:
        for number, _ in enumerate(pool.imap_unordered(_copy_block, blocks, chunksize=1)):
            _tell(number, len(blocks))
    with psycopg.connect(url) as connection:
        for table, columns in COLUMNS.items():
            if columns[0] == "id" and table != SEARCH:
                connection.execute(
                    f"SELECT setval(pg_get_serial_sequence('{table}', 'id'),"
                    f' (SELECT coalesce(max(id), 0) + 1 FROM "{table}"), false)'
                )


_plan: Plan
_connection: psycopg.Connection[Any]


def _begin(plan: Plan, url: str | None = None) -> None:
    """Begin a child: it keeps the plan, and its own connection where it writes by itself."""
    global _plan, _connection  # noqa: PLW0603 - the life of a child process
    _plan = plan
    if url is not None:
        _connection = psycopg.connect(url, options="-c timezone=UTC -c synchronous_commit=off")
        # Rows of other blocks, to which some of ours refer, may come later.
        _connection.execute("SET session_replication_role = replica")
        _connection.execute("CREATE TEMP TABLE words (id integer, body text)")
        _connection.commit()


def _block(number: int) -> Rows:
    return dict(block_of(_plan, number))


def _copy_block(number: int) -> int:
    rows = block_of(_plan, number)
    with _connection.cursor() as cursor:
        for table, columns in COLUMNS.items():
            names = ", ".join(f'"{name}"' for name in columns)
            into = "words" if table == SEARCH else f'"{table}"'
            with cursor.copy(f"COPY {into} ({names}) FROM STDIN") as copy:
                for row in rows.get(table, ()):
                    copy.write_row(row)
        cursor.execute(f"INSERT INTO {SEARCH} SELECT id, to_tsvector('simple', body) FROM words")
        cursor.execute("TRUNCATE words")
    _connection.commit()
    return number


def _tell(number: int, blocks: int) -> None:
    if sys.stderr.isatty() or (number + 1) % 50 == 0:
        print(f"  {(number + 1) * lives.BLOCK:>12,} of about {blocks * lives.BLOCK:,}", flush=True)


def folder_of(database: str) -> Path:
    """Return where a bench's database of that address keeps its other files."""
    return Path(str(make_url(database).database)).parent


if __name__ == "__main__":
    sys.exit(main())
