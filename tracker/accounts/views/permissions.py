"""The matrix of rights on one screen, printed from `tracker.permissions`."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from tracker.accounts.words import REACHES
from tracker.permissions import MATRIX, Action, Reach, Role, require
from tracker.web.access import signed_in_actor

blueprint = Blueprint("permissions", __name__)


@blueprint.get("/admin/permissions")
def index() -> ResponseReturnValue:
    """Show who may do what, and how far it reaches."""
    actor = signed_in_actor()
    require(actor, Action.VIEW_PERMISSIONS)
    return render_template(
        "accounts/permissions.html",
        matrix=MATRIX,
        roles=list(Role),
        reaches=[reach for reach in Reach if reach is not Reach.NOWHERE],
        explanations=REACHES,
        nowhere=Reach.NOWHERE,
        held=actor.roles,
    )
