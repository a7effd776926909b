"""The first administrator of a new organisation: without one nobody can enter anything."""

import click
from flask import current_app, url_for
from sqlalchemy import select

from tracker.accounts import audit, links, queries
from tracker.accounts.actions import sort_key
from tracker.accounts.commands import accounts_cli, read_email
from tracker.accounts.models import Grant, LinkPurpose, Person
from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import db, hold, transaction
from tracker.organisation.models import Organisation, Unit, UnitKind
from tracker.permissions import SYSTEM, Role

__all__ = ["accounts_cli", "create_administrator"]


@accounts_cli.command("create-administrator")
@click.option("--name", prompt="Name 姓名", help="Of the person.")
@click.option("--email", prompt="E-mail 邮箱", callback=read_email, help="They sign in with it.")
@click.option("--organisation", default="", help="Its name; asked for when there is none yet.")
def create_administrator(name: str, email: str, organisation: str) -> None:
    """Make an administrator of the whole, and print a link to choose a password.

    On an empty database it makes the organisation and its topmost unit first. For somebody who
    is here already it gives the role and a new link: the way back in when all passwords are lost.
    Whoever was ended, or held less, begins anew with the link: what they signed in with no longer
    works.
    """
    if not organisation and db.session.get(Organisation, 1) is None:
        organisation = click.prompt("Organisation 单位名称")
    now = utc_now()
    with transaction():
        unit = _root_unit(organisation)
        person = db.session.scalar(select(Person).where(Person.email == email))
        if person is None:
            _refuse_beside_invented_people()
            person = Person(
                name=name.strip(),
                sort_key=sort_key(name),
                email=email,
                created_at=now,
            )
            db.session.add(person)
            db.session.flush()
        hold(person)
        held = select(Grant.id).where(
            Grant.person_id == person.id,
            Grant.role == Role.ADMINISTRATOR,
            Grant.unit_id == unit.id,
            Grant.ended_at.is_(None),
        )
        holds_it = db.session.scalar(held) is not None
        if person.ended_at is not None or not holds_it:
            person.ended_at = None
            person.password_hash = None
            links.end_every_way_in(person.id, now=now)
        if not holds_it:
            db.session.add(
                Grant(
                    person_id=person.id,
                    role=Role.ADMINISTRATOR,
                    unit_id=unit.id,
                    granted_at=now,
                )
            )
        audit.record("administrator:create", person, actor=SYSTEM, now=now, note="command line")
        token, expires_at = links.new_link(person, LinkPurpose.INVITATION, now=now)
    settings: Settings = current_app.config["SETTINGS"]
    with current_app.test_request_context(base_url=settings.public_url):
        address = settings.public_url + url_for("accounts.invitation", token=token)
    click.echo(f"\n{address}\n")
    click.echo(f"The link works once, until {expires_at:%Y-%m-%d %H:%M} UTC. 链接只能用一次。")
    click.echo(f"Then set up: {settings.public_url}/admin/set-up")


def _refuse_beside_invented_people() -> None:
    """Let nobody real begin where invented people sign in with a password that is published."""
    if queries.demo_people():
        message = (
            "This database holds the invented town, whose people anybody can sign in as. Begin on "
            "an empty one: choose another INSTANCE_PATH or DATABASE_URL, and DEMO=0.\n"
            "此数据库中是演示小镇，任何人都能以其中的人物登录。"
            "请换一个空的 INSTANCE_PATH 或 DATABASE_URL，并设 DEMO=0。"
        )
        raise click.ClickException(message)


def _root_unit(organisation: str) -> Unit:
    if db.session.get(Organisation, 1) is None:
        db.session.add(Organisation(id=1, name=organisation))
    unit = db.session.scalar(
        select(Unit).where(Unit.parent_id.is_(None)).order_by(Unit.id).limit(1)
    )
    if unit is None:
        unit = Unit(kind=UnitKind.BUREAU, name=organisation)
        db.session.add(unit)
        db.session.flush()
    return unit
