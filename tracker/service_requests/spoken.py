"""What to say on the telephone: the words of a message, as one says them, in either language."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from flask import render_template

from tracker.notifications.letters import DAYS, TIMES
from tracker.service_requests.models import CallReason
from tracker.web.locale import in_locale


def spoken(reason: CallReason, locale: str) -> Sequence[str]:
    """Return the sentences that tell of a step, in a language."""
    facts = {name: _thawed(name, value) for name, value in reason.facts.items()}
    with in_locale(locale):
        said = render_template("service_requests/call_words.txt", **facts)
    return [line.strip() for line in said.splitlines() if line.strip()]


def _thawed(name: str, value: Any) -> Any:  # noqa: ANN401 - JSON
    if not isinstance(value, str):
        return value
    if name in TIMES:
        return datetime.fromisoformat(value)
    return date.fromisoformat(value) if name in DAYS else value
