"""How long requests may take: set for the whole organisation, for a group, for a category."""

from typing import Final

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _, lazy_gettext as _l

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.organisation import actions, queries as organisation
from tracker.organisation.models import Category
from tracker.permissions import Action, require
from tracker.service_requests.forms.limits import LimitsForm
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limit_rules import SET_BY_PEOPLE, SetBy, holding_above, own_limits
from tracker.service_requests.words import length_words
from tracker.web.access import signed_in_actor

blueprint = Blueprint("limits", __name__, url_prefix="/admin/limits")

EMPTY: Final = {
    SetBy.GROUP: _l("Empty: %(length)s, as its group."),
    SetBy.ORGANISATION: _l("Empty: %(length)s, as for all requests."),
    SetBy.PRODUCT: _l("Empty: %(length)s."),
}
"""What holds where nothing is entered, by who says so."""


@blueprint.route("", methods=["GET", "POST"])
def edit() -> ResponseReturnValue:
    """Set how long requests may take where no category says otherwise."""
    require(signed_in_actor(), Action.MANAGE_ORGANISATION)
    return _page(None)


@blueprint.route("/<int:category_id>", methods=["GET", "POST"])
def of_category(category_id: int) -> ResponseReturnValue:
    """Set how long requests of a category, or of a group of them, may take."""
    require(signed_in_actor(), Action.MANAGE_CATEGORIES)
    return _page(organisation.category(category_id))


def _page(category: Category | None) -> ResponseReturnValue:
    category_id = None if category is None else category.id
    own = own_limits(category_id)
    above = {
        (clock, priority): holding_above(category, priority, clock)
        for clock in SET_BY_PEOPLE
        for priority in Priority
    }
    stood = organisation.stand_of_limits(category_id)
    form = LimitsForm.showing(own, {which: held.limit for which, held in above.items()})
    if form.is_sent_and_valid():
        with transaction():
            differs = actions.set_limits(
                category, form.limits(), stood=stood, actor=signed_in_actor(), now=utc_now()
            )
        flash(
            _("Saved. What is open is being counted anew.")
            if differs
            else _("Nothing was changed.")
        )
        return redirect(
            url_for("limits.edit")
            if category_id is None
            else url_for("limits.of_category", category_id=category_id),
            303,
        )
    return render_template(
        "service_requests/limits.html",
        form=form,
        category=category,
        clocks=SET_BY_PEOPLE,
        priorities=list(Priority),
        empty={
            which: EMPTY[held.set_by] % {"length": length_words(held.limit)}
            for which, held in above.items()
        },
        set_apart=[
            node.thing
            for node in organisation.category_tree(ended=True)
            if node.thing.id in organisation.with_own_limits()
        ]
        if category is None
        else [],
    )
