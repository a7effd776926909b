"""Everything that changes the rules. Nothing is deleted, only ended.

What is changed here is a draft: it proposes nothing until it is put in force, whole, as it was tried.
Whoever changes the order, or puts a draft in force, keeps others from doing so meanwhile.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

from tracker.accounts import audit
from tracker.database import db, hold, take_turns
from tracker.errors import StaleError
from tracker.permissions import Action, Actor, require
from tracker.service_requests.routing import queries
from tracker.service_requests.routing.models import RoutingEdition, RoutingRule


def add_rule(values: Mapping[str, Any], *, actor: Actor, now: datetime) -> RoutingRule:
    """Add a rule below all others, switched off."""
    require(actor, Action.EDIT_ROUTING)
    take_turns("routing")
    last = db.session.scalar(select(func.max(RoutingRule.position)))
    rule = RoutingRule(**values, is_on=False, position=0 if last is None else last + 1)
    db.session.add(rule)
    audit.record("routing-rule:add", rule, {"name": [None, rule.name]}, actor=actor, now=now)
    return rule


def edit_rule(rule: RoutingRule, values: Mapping[str, Any], *, actor: Actor, now: datetime) -> None:
    """Change what a rule asks for or gives. What is in force stays until the draft is put in force."""
    require(actor, Action.EDIT_ROUTING)
    changes = audit.apply(rule, values)
    if changes:
        audit.record("routing-rule:edit", rule, changes, actor=actor, now=now)


def switch_rule(rule: RoutingRule, *, on: bool, actor: Actor, now: datetime) -> None:
    """Take a rule into the draft, or out of it. Raises `StaleError` when it was ended meanwhile."""
    require(actor, Action.EDIT_ROUTING)
    hold(rule)
    if rule.ended_at is not None:
        message = "It was ended in the meantime."
        raise StaleError(message)
    if rule.is_on is on:
        return
    rule.is_on = on
    audit.record("routing-rule:edit", rule, {"is_on": [not on, on]}, actor=actor, now=now)


def move_rule(rule: RoutingRule, *, up: bool, actor: Actor, now: datetime) -> None:
    """Change places with the rule before (`up`) or after; nothing happens at the edge.

    Raises `StaleError` when it was ended meanwhile.
    """
    require(actor, Action.EDIT_ROUTING)
    take_turns("routing")
    standing = list(
        db.session.scalars(
            select(RoutingRule)
            .where(RoutingRule.ended_at.is_(None))
            .order_by(RoutingRule.position, RoutingRule.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )
    if rule not in standing:
        message = "It was ended in the meantime."
        raise StaleError(message)
    place = standing.index(rule)
    other = place - 1 if up else place + 1
    if 0 <= other < len(standing):
        standing[place], standing[other] = standing[other], standing[place]
        for position, each in enumerate(standing):
            each.position = position
        audit.record("routing-rule:move", rule, actor=actor, now=now)


def end_rule(rule: RoutingRule, *, actor: Actor, now: datetime) -> None:
    """Take a rule off the list; it stays in the editions that hold it."""
    require(actor, Action.EDIT_ROUTING)
    hold(rule)
    if rule.ended_at is not None:
        return
    rule.ended_at, rule.is_on = now, False
    audit.record("routing-rule:end", rule, {"name": [rule.name, None]}, actor=actor, now=now)


def take_up_rule(rule: RoutingRule, *, actor: Actor, now: datetime) -> None:
    """Put an ended rule back on the list, below all others and switched off."""
    require(actor, Action.EDIT_ROUTING)
    take_turns("routing")
    hold(rule)
    if rule.ended_at is None:
        return
    last = db.session.scalar(select(func.max(RoutingRule.position))) or 0
    rule.ended_at, rule.position = None, last + 1
    audit.record("routing-rule:take-up", rule, {"name": [None, rule.name]}, actor=actor, now=now)


def put_in_force(
    *, tried: str, instead_of: int | None, actor: Actor, now: datetime
) -> RoutingEdition:
    """Put the draft in force, whole.

    `tried` is the mark of the rules that were tried (`queries.stamp`), `instead_of` the edition that
    they were compared with. Raises `StaleError` when either is not what is there now: nobody puts in
    force what was not tried.
    """
    require(actor, Action.EDIT_ROUTING)
    take_turns("routing")
    db.session.execute(select(RoutingRule.id).order_by(RoutingRule.id).with_for_update())
    db.session.expire_all()
    draft, before = queries.draft(queries.rules()), queries.in_force()
    if queries.stamp(draft) != tried or before.id != instead_of:
        message = "The rules were changed since they were tried."
        raise StaleError(message)
    edition = RoutingEdition(
        put_in_force_at=now,
        put_in_force_by_id=actor.person_id,
        rules=[rule.plain() for rule in draft],
    )
    db.session.add(edition)
    names = [
        "; ".join(f"{rule.number} {rule.name}" for rule in some) for some in (before.rules, draft)
    ]
    audit.record("routing:put-in-force", edition, {"rules": names}, actor=actor, now=now)
    return edition
