"""The words for messages and what becomes of them."""

import enum

from flask_babel import lazy_gettext as _l

from tracker.notifications.endpoints.models import EndpointKind, News
from tracker.notifications.timing import Rhythm


class Fate(enum.StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    STUCK = "stuck"
    GIVEN_UP = "given_up"
    SENT = "sent"


LABELS = {
    EndpointKind.WEBHOOK: _l("Webhook"),
    EndpointKind.WECOM: _l("WeCom robot"),
    EndpointKind.DINGTALK: _l("DingTalk robot"),
    EndpointKind.FEISHU: _l("Feishu robot"),
    News.SUBMITTED: _l("A new request came in"),
    News.ASSIGNED: _l("A team was given it"),
    News.NEAR: _l("Due soon"),
    News.OVERDUE: _l("Overdue"),
    News.PRESSED: _l("Pressed"),
    News.SUPERVISED: _l("Under supervision"),
    News.URGED: _l("The requester asks to hurry"),
    News.RESOLVED: _l("It has a result"),
    News.REOPENED: _l("Not solved, or open again"),
    News.CLOSED: _l("Closed"),
    Rhythm.AT_ONCE: _l("At once"),
    Rhythm.HOURLY: _l("On the full hour"),
    Rhythm.DAILY: _l("On working days, as work begins"),
    Fate.WAITING: _l("Waiting"),
    Fate.STUCK: _l("Tried, not sent yet"),
    Fate.GIVEN_UP: _l("Given up"),
    Fate.SENT: _l("Sent"),
}
KINDS = {
    "invitation": _l("Invitation"),
    "reset": _l("New password"),
    "requester_step": _l("To a requester"),
    "contact_code": _l("Code for a new address"),
    "contact_changed": _l("Reached in another way"),
    "link_renewed": _l("New private link"),
    "contact_now": _l("First message to a new address"),
    "staff_step": _l("To staff"),
    "ladder": _l("What sits"),
    "handed_over": _l("Handed over"),
    "news": _l("To a webhook or robot"),
}
"""The words of a message's kind."""
JOBS = {
    "daily": _l("Reminders, closing what stays unanswered, taking up what was parked, clearing up"),
    "ladder": _l("Telling people what is due soon, overdue, pressed, under supervision"),
    "texts": _l(
        "Calling requesters and mailing the staff, where text messages cannot be sent any more"
    ),
    "imports": _l("Clearing up files of imports"),
}
"""What each job does."""
DONE = {
    "reminded": _l("reminded"),
    "closed unconfirmed": _l("closed unconfirmed"),
    "asked again": _l("asked again"),
    "gone on without an answer": _l("gone on without an answer"),
    "taken up again": _l("taken up again"),
    "unsent photos cleared": _l("unsent photos cleared"),
    "stray files swept": _l("stray files cleared"),
    "forms forgotten": _l("marks of forms forgotten"),
    "begun notes forgotten": _l("begun notes forgotten"),
    "read messages forgotten": _l("read messages forgotten"),
    "runs forgotten": _l("old runs forgotten"),
    "failed": _l("failed"),
    "requests moved on": _l("requests that reached a rung"),
    "parts moved on": _l("parts that reached a rung"),
    "rungs reached": _l("rungs"),
    "people told": _l("people told"),
    "texts not sent": _l("texts not sent"),
    "old imports cleared": _l("old imports cleared"),
}
"""The words for what a job says that it did: `3 reminded, 0 failed`."""
REASONS = {
    "not_one_mailbox": _l("Mail cannot be addressed to this: it is not one mailbox."),
    "endpoint_off": _l("It was switched off."),
    "endpoint_deleted": _l("The webhook or robot was deleted. What waited for it was called off."),
    "endpoint_gone": _l("The receiver says that it wants nothing any more. It was switched off."),
    "endpoint_unreadable": _l("Its address or secret cannot be read any more. Enter them anew."),
    "endpoint_not_outside": _l("The address leads into this network. Nothing is sent there."),
    "endpoint_led_on": _l("The receiver leads elsewhere. Enter the address that it leads to."),
    "no_gateway": _l(
        "There is no gateway for text messages any more. Where it matters, somebody calls."
    ),
    "no_gateway_for_staff": _l(
        "There is no gateway for text messages any more. Mail tells who has an address; their page of messages has it all."
    ),
    "number_gone": _l(
        "They gave the number up. Mail tells who has an address; their page of messages has it all."
    ),
    "reached_otherwise": _l(
        "They are told in another way since. What matters went there, or somebody calls."
    ),
    "robot_not_understood": _l("What answered there is not a robot."),
}
"""What of our own went wrong with a message; the rest is what the mail server said."""
