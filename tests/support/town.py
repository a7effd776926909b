"""The demonstration town, as tests of whole pages use it."""

import shutil
import sqlite3
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from flask import Flask
from sqlalchemy import select

from tracker import demo
from tracker.accounts.models import Grant, Person
from tracker.config import Settings
from tracker.database import db, transaction
from tracker.permissions import UNIT_ROLES, Role
from tracker.service_requests.models import Claim, ServiceRequest
from tracker.teams.models import Membership

STAFF: Final = (Role.VOLUNTEER, Role.TEAM_LEADER, *UNIT_ROLES)


def build_town(app: Flask, now: datetime) -> None:
    """Build the town as it stands at `now`.

    It takes seconds, so on SQLite the first test of a process keeps a copy of the database and
    of the photos, and the others start from that (beside a real server it may be minutes old).
    """
    settings: Settings = app.config["SETTINGS"]
    if not settings.is_sqlite:
        _build(settings.uploads_path, now)
        return
    folder = settings.instance_path.parent
    for copy, built_at in _copies.items():
        if copy.parent == folder and timedelta() <= now - built_at < timedelta(minutes=30):
            db.session.rollback()
            _copy_database(copy, _file_of(settings))
            shutil.copytree(copy.with_suffix(".photos"), settings.uploads_path, dirs_exist_ok=True)
            return
    _build(settings.uploads_path, now)
    copy = folder / f"town-{len(_copies)}.db"
    _copy_database(_file_of(settings), copy)
    settings.uploads_path.mkdir(parents=True, exist_ok=True)
    shutil.copytree(settings.uploads_path, copy.with_suffix(".photos"))
    _copies[copy] = now


_copies: dict[Path, datetime] = {}
"""The copies of this process, and when the town in each was built."""


def _build(photos: Path, now: datetime) -> None:
    with transaction():
        demo.build(password_hash="nobody signs in by password", photos=photos, now=now)


def _file_of(settings: Settings) -> Path:
    return Path(settings.database_url.removeprefix("sqlite:///"))


def _copy_database(source: Path, target: Path) -> None:
    """Copy with SQLite's own backup, which whoever is connected to `target` sees as one change."""
    with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
        origin.backup(copy)


def somebody_who_is(role: Role) -> Person:
    """Return a person of the town with that role: the volunteer with the most open claims."""
    query = select(Person).where(Person.ended_at.is_(None)).order_by(Person.id)
    match role:
        case Role.VOLUNTEER:
            holding = (
                select(Claim.person_id)
                .join(ServiceRequest, ServiceRequest.id == Claim.service_request_id)
                .where(Claim.released_at.is_(None))
            )
            leading = select(Membership.person_id).where(Membership.leads)
            query = query.where(Person.id.in_(holding), Person.id.not_in(leading))
        case Role.TEAM_LEADER:
            query = query.where(Person.id.in_(select(Membership.person_id).where(Membership.leads)))
        case _:
            query = query.where(Person.id.in_(select(Grant.person_id).where(Grant.role == role)))
    person = db.session.scalars(query).first()
    assert person is not None, f"the town has no {role}"
    return person
