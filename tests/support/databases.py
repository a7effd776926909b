"""An empty database of the newest schema for every test, on SQLite and on PostgreSQL.

The schema is made once for each worker by running the migrations. After that a test on SQLite
gets a copy of that database, and one on PostgreSQL gets the tables emptied: both take milliseconds.
"""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psycopg
import sqlalchemy as sa

from tests.support import postgres
from tests.support.missing import missing
from tracker import create_app, schema
from tracker.config import Settings
from tracker.database import db

KINDS: Final = ("sqlite", "postgresql")
NOT_OURS: Final = {"alembic_version"}


def settings(database_url: str, folder: Path) -> Settings:
    """Return the settings of tests: like production, but fast."""
    return Settings(
        secret_key="a-secret-for-tests-of-at-least-32-characters",
        database_url=database_url,
        instance_path=folder,
        environment="testing",
        public_url="http://localhost",
        argon2_time_cost=1,
        argon2_memory_kib=8,
    )


@dataclass
class Databases:
    """The databases of one test process. `folder` is the process's own."""

    run_folder: Path
    controller_pid: int
    worker: str
    _ready: dict[str, str] = field(default_factory=dict)
    _refused: str = ""
    _servers: dict[str, sa.Engine] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        """Return where this process keeps its files."""
        path = self.run_folder / self.worker
        path.mkdir(exist_ok=True)
        return path

    def empty(self, kind: str, name: str = "test") -> str:
        """Return the address of an empty database with the newest schema.

        Skips the test (fails it under CI) when `kind` can't be had on this machine. Another
        `name` is another database. What is connected to one stays connected when it is emptied.
        """
        if kind == "sqlite":
            return self._empty_sqlite(name)
        url = self._schema(f"postgresql-{name}", lambda: self._create_postgresql(name))
        if url not in self._servers:
            self._servers[url] = sa.create_engine(url)
        _delete_rows(self._servers[url])
        return url

    def without_schema(self, kind: str) -> str:
        """Return the address of a database without any table, for tests of migrations."""
        if kind == "sqlite":
            path = self.folder / "bare.db"
            _unlink(path)
            return f"sqlite:///{path}"
        return self._create_postgresql("bare")

    def _empty_sqlite(self, name: str) -> str:
        template = self.folder / "template.db"
        self._schema("sqlite", lambda: f"sqlite:///{template}")
        path = self.folder / f"{name}.db"
        copy_sqlite(template, path)
        return f"sqlite:///{path}"

    def _schema(self, key: str, create: Callable[[], str]) -> str:
        if key not in self._ready:
            url = create()
            app = create_app(settings(url, self.folder / "instance"))
            with app.app_context():
                schema.upgrade()
                if url.startswith("sqlite"):
                    # One file holds all, so that copying it copies the database.
                    with db.engine.connect() as connection:
                        connection.exec_driver_sql("COMMIT")
                        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
                        connection.exec_driver_sql("BEGIN")
                db.session.remove()
                db.engine.dispose()
            self._ready[key] = url
        return self._ready[key]

    def _create_postgresql(self, name: str) -> str:
        if self._refused:
            missing("PostgreSQL", why=self._refused)
        try:
            server = postgres.server_address(self.run_folder, self.controller_pid)
        except postgres.UnavailableError as problem:
            self._refused = str(problem)
            missing("PostgreSQL", why=problem)
        database = f"shishi_{name}_{self.worker}_{self.controller_pid}"
        address = sa.make_url(server)
        engine = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')
            connection.exec_driver_sql(f'CREATE DATABASE "{database}"')
        return address.set(database=database).render_as_string(hide_password=False)

    def close(self) -> None:
        """Close the connections, and drop what was created on a server that is not ours to end."""
        for engine in self._servers.values():
            engine.dispose()
        server = os.environ.get("TEST_DATABASE_URL")
        if not server:
            return
        engine = sa.create_engine(server, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        with engine.connect() as connection:
            for name in ("test", "live", "bare"):
                database = f"shishi_{name}_{self.worker}_{self.controller_pid}"
                connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def _unlink(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def copy_sqlite(source: Path, target: Path) -> None:
    """Copy with SQLite's own backup, which whoever is connected to `target` sees as one change."""
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        copy.execute("PRAGMA synchronous=OFF")
        origin.backup(copy)


def _delete_rows(engine: sa.Engine) -> None:
    """Delete every row. A browser may still be sending something: whoever gave way tries again."""
    for _ in range(5):
        try:
            _delete_rows_once(engine)
        except sa.exc.OperationalError as error:
            if not isinstance(error.orig, psycopg.errors.DeadlockDetected):
                raise
        else:
            return
    _delete_rows_once(engine)


def _delete_rows_once(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        names = _tables(connection)
        if not _is_superuser(connection):
            # As anybody may: some fifty times slower than deleting from empty tables.
            listed = ", ".join(names)
            connection.exec_driver_sql(f"TRUNCATE {listed} RESTART IDENTITY CASCADE")
            return
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.exec_driver_sql(
            "; ".join(f"DELETE FROM {name}" for name in names)
            + "; SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S'"
        )


def _is_superuser(connection: sa.Connection) -> bool:
    query = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
    return bool(connection.exec_driver_sql(query).scalar())


def _tables(connection: sa.Connection) -> list[str]:
    query = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
    names = connection.exec_driver_sql(query).scalars()
    return sorted(name for name in names if name not in NOT_OURS)
