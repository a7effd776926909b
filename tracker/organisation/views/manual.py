"""The manual, for everybody who signs in."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from tracker.organisation import manual as pages
from tracker.web.locale import current_locale

blueprint = Blueprint("manual", __name__)


@blueprint.get("/help/<name>")
def show(name: str) -> ResponseReturnValue:
    """Show one page of the manual in the reader's language."""
    page = pages.page(name, current_locale())
    return render_template("organisation/manual.html", page=page, name=name, titles=pages.TITLES)
