"""The mail of a demonstration, shown on a page in place of being sent; and its text messages, if any were."""

from functools import partial

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue

from tracker.accounts import demonstration
from tracker.config import Settings
from tracker.errors import NotFoundError
from tracker.notifications import queries
from tracker.notifications.models import Channel
from tracker.notifications.words import KINDS
from tracker.organisation import queries as organisation
from tracker.privacy import mask_phone
from tracker.web.access import public

blueprint = Blueprint("demo_mail", __name__)


@blueprint.get("/demo/mail")
@public
def index() -> ResponseReturnValue:
    """Show the latest mails, with links that work. Exists in a demonstration without SMTP only.

    Text messages go through a gateway also here: below the mails stands what they said. What went to
    webhooks and robots is no mail. Numbers are masked: those may be somebody's own.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if settings.smtp_url or not demonstration.is_on():
        message = "Mail is shown in a demonstration only."
        raise NotFoundError(message)
    address = request.args.get("to", "").strip().lower()
    return render_template(
        "notifications/demo_mail.html",
        mails=queries.delivered_to_the_page(Channel.EMAIL, address=address),
        texts=queries.delivered_to_the_page(Channel.TEXT_MESSAGE, address=address),
        address=address,
        kinds=KINDS,
        masked=partial(mask_phone, region=organisation.organisation().country),
    )
