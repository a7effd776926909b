"""What a new organisation still lacks before it can serve."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from tracker.permissions import Action, require
from tracker.teams import queries
from tracker.web.access import signed_in_actor

blueprint = Blueprint("setup", __name__)

STEPS = (
    ("organisation", _l("Name and phone number of the desk"), "organisation.edit"),
    ("units", _l("Units"), "units.index"),
    ("areas", _l("Areas that requests come from"), "areas.index"),
    ("categories", _l("Categories that residents choose from"), "categories.index"),
    ("coordinators", _l("A coordinator, who accepts and dispatches"), "people.index"),
    ("teams", _l("A volunteer team"), "teams.index"),
    ("team_leaders", _l("Somebody who leads a team"), "teams.index"),
    ("volunteers", _l("A volunteer who was checked"), "teams.index"),
    ("leaders", _l("A leader, who answers for requests"), "people.index"),
    ("supervisors", _l("A supervisor, who approves and watches the figures"), "people.index"),
)
"""What is needed, in the order in which it is best made, and where."""


@blueprint.get("/admin/set-up")
def index() -> ResponseReturnValue:
    """List what is there and what is missing."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_ORGANISATION)
    missing = queries.missing_in_set_up()
    return render_template(
        "teams/setup.html",
        steps=[(words, endpoint, missing[key]) for key, words, endpoint in STEPS],
        is_complete=not any(missing.values()),
    )
