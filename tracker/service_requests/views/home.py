"""The front page."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from tracker.organisation import queries as organisation
from tracker.organisation.words import working_hours
from tracker.web.access import actor_or_none, public
from tracker.web.templating import first_place

blueprint = Blueprint("home", __name__)


@blueprint.get("/")
@public
def index() -> ResponseReturnValue:
    """Say what one can do here, and what is promised."""
    actor = actor_or_none()
    work = first_place(actor) if actor else None
    return render_template(
        "service_requests/home.html",
        work=work if work != "/" else None,
        working_hours=working_hours(organisation.week_of(organisation.organisation())),
    )
