"""Units, areas and categories: three trees with the same pages."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, gettext as _

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.errors import NotPermittedError, RefusedError
from tracker.organisation import actions, queries
from tracker.organisation.queries import Node
from tracker.permissions import Action, Actor, require
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import refusal_text
from tracker.web.forms import EditForm


@dataclass(frozen=True)
class Tree:
    """What differs between the three trees."""

    name: str
    """Of the blueprint, and of the folder of the address."""
    right: Action
    words: Mapping[str, LazyString]
    """title, lead, new, edit, empty."""
    nodes: Callable[[bool], list[Node[Any]]]
    """The whole tree; with True also what is ended."""
    find: Callable[[int], Any]
    form: Callable[[Any | None, Actor], EditForm]
    """The form with its choices, for a thing or for a new one."""
    values: Callable[[EditForm], dict[str, Any]]
    """What the form says, but where the thing hangs."""
    add: Callable[..., Any]
    edit: Callable[..., None]
    end: Callable[..., None]
    take_up: Callable[..., None]
    reach_of: Callable[[Actor], Callable[[Any | None], bool]] = lambda _actor: lambda _thing: True
    """Tells of somebody who holds the right whether they hold it for a thing; None: for the top."""
    may_be_top: bool = True


def blueprint_for(tree: Tree) -> Blueprint:
    """Return the pages of a tree: list, new, edit, and buttons to end, take up and move."""
    blueprint = Blueprint(tree.name, __name__, url_prefix=f"/admin/{tree.name}")
    here = f"{tree.name}.index"

    @blueprint.get("/")
    def index() -> ResponseReturnValue:
        actor = _manager(tree)
        shows_ended = request.args.get("ended") == "1"
        nodes = tree.nodes(shows_ended)
        return render_template(
            "organisation/tree.html",
            tree=tree,
            nodes=nodes,
            edges=_edges(nodes),
            ended=shows_ended,
            reaches=tree.reach_of(actor),
            limited=queries.with_own_limits() if tree.name == "categories" else frozenset(),
        )

    @blueprint.route("/new", methods=["GET", "POST"])
    def new() -> ResponseReturnValue:
        return _form_page(tree, None)

    @blueprint.route("/<int:thing_id>", methods=["GET", "POST"])
    def edit(thing_id: int) -> ResponseReturnValue:
        actor = _manager(tree)
        thing = tree.find(thing_id)
        if not tree.reach_of(actor)(thing):
            message = f"{tree.name} {thing_id} is out of reach."
            raise NotPermittedError(message)
        return _form_page(tree, thing)

    @blueprint.post("/<int:thing_id>/end")
    def end(thing_id: int) -> ResponseReturnValue:
        actor = _manager(tree)
        try:
            with _changing():
                tree.end(tree.find(thing_id), actor=actor, now=utc_now())
            flash(_("It is ended: nobody can choose it any more."))
        except RefusedError as refused:
            flash(refusal_text(refused.refusal), "error")
        return redirect(url_for(here), 303)

    @blueprint.post("/<int:thing_id>/take-up")
    def take_up(thing_id: int) -> ResponseReturnValue:
        actor = _manager(tree)
        try:
            with _changing():
                tree.take_up(tree.find(thing_id), actor=actor, now=utc_now())
            flash(_("It can be chosen again."))
        except RefusedError as refused:
            flash(refusal_text(refused.refusal), "error")
        return redirect(url_for(here), 303)

    @blueprint.post("/<int:thing_id>/move")
    def move(thing_id: int) -> ResponseReturnValue:
        actor = _manager(tree)
        with _changing():
            actions.move(
                tree.find(thing_id),
                up=request.form.get("way") == "up",
                actor=actor,
                now=utc_now(),
            )
        return redirect(url_for(here, _anchor=f"row-{thing_id}"), 303)

    return blueprint


def _manager(tree: Tree) -> Actor:
    """Return who is there, if they manage the tree: nobody else learns what hangs in it."""
    actor = signed_in_actor()
    require(actor, tree.right)
    return actor


@contextmanager
def _changing() -> Iterator[None]:
    """Open a transaction in which nobody else changes a tree: everything in it is read after that."""
    with transaction():
        queries.hold_trees()
        yield


def _edges(nodes: Sequence[Node[Any]]) -> Mapping[str, frozenset[int]]:
    """Return which things cannot go "up" or "down": those that stand first or last in their place."""
    standing = [node.thing for node in nodes if node.thing.ended_at is None]
    last = {thing.parent_id: thing.id for thing in standing}
    first = {thing.parent_id: thing.id for thing in reversed(standing)}
    return {"up": frozenset(first.values()), "down": frozenset(last.values())}


def _form_page(tree: Tree, thing: Any | None) -> ResponseReturnValue:  # noqa: ANN401 - one of three
    actor = _manager(tree)
    thing_id = thing.id if thing is not None else None
    form = tree.form(thing, actor)
    if form.is_sent_and_valid():
        try:
            with _changing():
                _save(tree, thing_id, form, actor=actor, now=utc_now())
        except RefusedError as refused:
            form.complain(form["parent_id"], refusal_text(refused.refusal))
        else:
            flash(_("Saved."))
            return redirect(url_for(f"{tree.name}.index"), 303)
    return render_template(
        f"organisation/{tree.name}_form.html",
        tree=tree,
        form=form,
        thing=tree.find(thing_id) if thing_id is not None else None,
    )


def _save(tree: Tree, thing_id: int | None, form: EditForm, *, actor: Actor, now: datetime) -> None:
    parent_id = form["parent_id"].data
    parent = tree.find(parent_id) if parent_id is not None else None
    values = tree.values(form)
    if thing_id is None:
        once.require_first()
        tree.add(values, parent=parent, actor=actor, now=now)
    else:
        thing = tree.find(thing_id)
        form.hold(thing)
        tree.edit(thing, values, parent=parent, actor=actor, now=now)


def possible_parents(
    nodes: Sequence[Node[Any]],
    thing: Any | None,  # noqa: ANN401 - one of three
    *,
    below: frozenset[int],
    reaches: Callable[[Any], bool] = lambda _above: True,
) -> list[Node[Any]]:
    """Return the nodes below which a thing may hang: not itself, nor what hangs below it.

    `nodes`: all, also ended ones. Where it hangs it may stay, whatever became of that.
    """
    here = thing.parent_id if thing is not None else None
    return [
        node
        for node in nodes
        if node.thing.id == here
        or (
            node.thing.ended_at is None
            and node.thing is not thing
            and node.thing.id not in below
            and reaches(node.thing)
        )
    ]
