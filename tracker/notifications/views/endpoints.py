"""Webhooks and group robots: what is set up, how it went last, and a message to try it."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l

from tracker.clock import utc_now
from tracker.config import Settings
from tracker.database import transaction
from tracker.errors import NotFoundError, RefusedError
from tracker.notifications import actions, failures
from tracker.notifications.endpoints import addresses, queries
from tracker.notifications.endpoints.forms import EndpointForm
from tracker.notifications.endpoints.models import Endpoint, EndpointKind, News
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, require
from tracker.web import once
from tracker.web.access import signed_in_actor
from tracker.web.errors import problem
from tracker.web.forms import Form
from tracker.web.locale import ENGLISH, current_locale

blueprint = Blueprint("endpoints", __name__, url_prefix="/admin/endpoints")

USUAL: Final = (News.ASSIGNED, News.OVERDUE, News.URGED)
"""What a new one is told of until somebody chooses otherwise."""

_GONE: Final = _l("This webhook or robot is no longer there: somebody deleted it.")
_STILL_HERE: Final = _l("What you typed is still here. You can add it as a new one.")


@blueprint.errorhandler(NotFoundError)
def _answer_gone(_error: NotFoundError) -> ResponseReturnValue:
    """Say that it was deleted, and lead to those that there are."""
    return problem(404, _GONE, way_back=url_for(".index"), way_words=_("Webhooks and robots"))


@blueprint.get("/")
def index() -> ResponseReturnValue:
    """List the endpoints."""
    _manager()
    return render_template(
        "notifications/endpoints.html",
        endpoints=queries.endpoints(),
        kinds=list(EndpointKind),
        news=News,
        teams=dict(_teams()),
        failure_in_words=failures.in_words,
        failure_said=failures.technical,
    )


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Set one up. Which kind, stands in the address: each asks for something else."""
    actor = _manager()
    asked = request.args.get("kind", "")
    kind = EndpointKind(asked) if asked in set(EndpointKind) else EndpointKind.WEBHOOK
    secret = addresses.new_secret() if kind is EndpointKind.WEBHOOK else ""
    form = EndpointForm.from_request(hook_secret=secret, news=USUAL, locale=current_locale())
    form.offer(kind, _teams(), _settings(), is_new=True)
    if form.is_sent_and_valid():
        with transaction():
            once.require_first()
            values = {**_values(form), **_address(form, None)}
            endpoint_id = actions.add_endpoint(kind, values, actor=actor, now=utc_now()).id
        flash(_("Saved. Send a test message to see whether it arrives."))
        return _back(endpoint_id)
    return _form_page(form, kind, None)


@blueprint.route("/<int:endpoint_id>", methods=["GET", "POST"])
def edit(endpoint_id: int) -> ResponseReturnValue:
    """Change one. Address and secret stay unless new ones are entered.

    Of one that was deleted meanwhile, what was typed is shown still, to be added as a new one.
    """
    actor = _manager()
    endpoint = queries.perhaps_deleted(endpoint_id)
    form = EndpointForm.from_request(_Plain(endpoint))
    is_gone = endpoint.deleted_at is not None
    form.offer(endpoint.kind, _teams(), _settings(), is_new=is_gone)
    if request.method != "POST":
        queries.endpoint(endpoint_id)
    elif is_gone:
        if endpoint.kind is EndpointKind.WEBHOOK and not form.hook_secret.data:
            form.hook_secret.data = addresses.new_secret()
        form.form_errors.append(f"{_GONE} {_STILL_HERE}")
    elif form.is_sent_and_valid():
        with transaction():
            form.hold(endpoint, _Plain)
            actions.edit_endpoint(
                queries.endpoint(endpoint_id),
                {**_values(form), **_address(form, endpoint)},
                has_new_secret=bool(form.hook_secret.data),
                actor=actor,
                now=utc_now(),
            )
        flash(_("Saved."))
        return _back(endpoint_id)
    return _form_page(form, endpoint.kind, queries.perhaps_deleted(endpoint_id))


@blueprint.post("/<int:endpoint_id>/test")
def send_test(endpoint_id: int) -> ResponseReturnValue:
    """Send a message that tells of nothing."""
    actor = _manager()
    try:
        with transaction():
            actions.try_endpoint(queries.endpoint(endpoint_id), actor=actor, now=utc_now())
    except RefusedError:
        flash(_("It is switched off. Switch it on first."), "error")
    else:
        flash(_("A test message is on its way. In a moment this page says whether it arrived."))
    return _back(endpoint_id)


@blueprint.post("/<int:endpoint_id>/switch")
def switch(endpoint_id: int) -> ResponseReturnValue:
    """Switch one on or off."""
    actor, on = _manager(), request.form.get("on") == "1"
    with transaction():
        actions.switch_endpoint(queries.endpoint(endpoint_id), on=on, actor=actor, now=utc_now())
    flash(_("Switched on.") if on else _("Switched off. Nothing more is sent there."))
    return _back(endpoint_id)


@blueprint.route("/<int:endpoint_id>/deletion", methods=["GET", "POST"])
def delete(endpoint_id: int) -> ResponseReturnValue:
    """Say what becomes of it, and delete it."""
    actor = _manager()
    if once.was_taken():  # the page above is gone with it
        flash(once.told(""))
        return redirect(url_for(".index"), 303)
    endpoint = queries.endpoint(endpoint_id)
    form = Form.from_request()
    if form.is_sent_and_valid():
        with transaction():
            once.require_first()
            endpoint = queries.endpoint(endpoint_id)
            name = endpoint.name
            actions.delete_endpoint(endpoint, actor=actor, now=utc_now())
        flash(_("“%(name)s” is deleted. Nothing more is sent there.", name=name))
        return redirect(url_for(".index"), 303)
    return render_template(
        "notifications/endpoint_deletion.html",
        form=form,
        endpoint=endpoint,
        waiting=queries.count_waiting(endpoint),
    )


class _Plain:
    """An endpoint as its form reads it: without address and secret."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.name, self.team_id, self.locale = endpoint.name, endpoint.team_id, endpoint.locale
        self.news = [News(each) for each in endpoint.news]


def _manager() -> Actor:
    actor = signed_in_actor()
    require(actor, Action.MANAGE_ENDPOINTS)
    return actor


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _back(endpoint_id: int) -> ResponseReturnValue:
    return redirect(url_for(".index", _anchor=f"endpoint-{endpoint_id}"), 303)


def _teams() -> Sequence[tuple[int, str]]:
    english = current_locale() == ENGLISH
    return [
        (team_id, (name_en or name) if english else name)
        for team_id, name, name_en in organisation.team_names()
    ]


def _values(form: EndpointForm) -> Mapping[str, Any]:
    return {
        "name": form.name.data,
        "team_id": form.team_id.data,
        "locale": form.locale.data,
        "news": [each.value for each in News if each in (form.news.data or ())],
    }


def _address(form: EndpointForm, endpoint: Endpoint | None) -> Mapping[str, Any]:
    """Return what changes of address and secret: what was left empty stays as it is."""
    if endpoint is not None and not form.hook_address.data and not form.hook_secret.data:
        return {}
    kept = (addresses.opened(endpoint.sealed) if endpoint else None) or ("", "")
    address, secret = form.hook_address.data or kept[0], form.hook_secret.data or kept[1]
    return {
        "sealed": addresses.sealed(address, secret),
        "address_shown": addresses.shown(address)[:200],
    }


def _form_page(
    form: EndpointForm, kind: EndpointKind, endpoint: Endpoint | None
) -> ResponseReturnValue:
    return render_template(
        "notifications/endpoint_form.html", form=form, kind=kind, endpoint=endpoint
    )
