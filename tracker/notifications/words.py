"""The words for messages and what becomes of them."""

import enum

from flask_babel import lazy_gettext as _l

from tracker.notifications.timing import Rhythm


class Fate(enum.StrEnum):
    """What became of a message."""

    WAITING = "waiting"
    STUCK = "stuck"
    GIVEN_UP = "given_up"
    SENT = "sent"


LABELS = {
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
    "staff_step": _l("To staff"),
    "ladder": _l("What sits"),
    "handed_over": _l("Handed over"),
}
"""The words of a message's kind."""
JOBS = {
    "daily": _l("Reminders, closing what stays unanswered, taking up what was parked, clearing up"),
    "ladder": _l("Telling people what is due soon, overdue, pressed, under supervision"),
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
    "rungs reached": _l("rungs"),
    "people told": _l("people told"),
    "old imports cleared": _l("old imports cleared"),
}
"""The words for what a job says that it did: `3 reminded, 0 failed`."""
REASONS = {"not_one_mailbox": _l("Mail cannot be addressed to this: it is not one mailbox.")}
"""What of our own went wrong with a message; the rest is what the mail server said."""
