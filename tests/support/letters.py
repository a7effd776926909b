"""Mails as their reader gets them."""

from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any, Final

from tracker.notifications.endpoints.models import News
from tracker.notifications.letters import Envelope, Letter, letter
from tracker.notifications.models import Message
from tracker.service_requests.ladder import RUNGS, Rung
from tracker.service_requests.lifecycle import Step

_NAMES: Final = [field.name for field in fields(Envelope) if field.name not in ("others", "is_new")]


def letter_of(
    message: Message, locale: str = "en", *, with_others: Sequence[Message] = ()
) -> Letter:
    """Return a message of the outbox as it goes out, in a language; perhaps with others in one mail."""
    others = tuple(_envelope(one, locale) for one in with_others)
    return letter(replace(_envelope(message, locale), others=others))


def _envelope(message: Message, locale: str) -> Envelope:
    told = {name: getattr(message, name) for name in _NAMES}
    return Envelope(**told | {"locale": locale})


def examples() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Give a letter of every kind, on every step that somebody is told of: kind, step, payload."""
    link = {"name": "周晓雯", "token": "a-token", "expires_at": AT}
    yield "invitation", "", link
    yield "reset", "", link
    for step in Step:
        yield "requester_step", step, _REQUEST | {"step": step, "question": ""}
        yield "staff_step", step, _REQUEST | {"step": step}
    for step in (Step.EXTEND, Step.PARK):
        why = {"step": step, "reason": "配件还没有到货。\n下周再换。"}
        yield "requester_step", f"{step}, with its reason", _REQUEST | why
    yield "requester_step", "wait, with a question", _REQUEST | {"step": "wait"}
    yield "requester_step", "remind, of a question", _REQUEST | {"step": "remind"}
    yield "requester_step", "resolve, of another", _REQUEST | {"step": "resolve", "is_asked": False}
    visit = {"visit_from": AT, "visit_to": AT, "visitors": ["周晓雯", "郑远"]}
    yield "requester_step", "a visit", _REQUEST | visit | {"step": "plan_visit"}
    called_off = visit | {"step": "plan_visit", "calls_off": True, "reason": "大雨，班车停了。"}
    yield "requester_step", "no visit", _REQUEST | called_off
    solved = {"step": "confirm", "solved": "yes", "thanks": "谢谢大家！\n\n灯亮了。"}
    yield "staff_step", "thanks", _REQUEST | solved
    yield "contact_code", "", {"reference": "2026031100017", "code": "012345"}
    yield "contact_code", "to one of the staff", {"code": "012345"}
    for way in ("phone", "email", "text_message"):
        yield "contact_changed", way, _REQUEST | {"way": way, "by_desk": False}
    changed = {"reference": "2026031100017", "way": "phone", "by_desk": False}
    yield "contact_changed", "of a number that was only rung", changed
    for way in ("phone", "email", "text_message", "neighbour", "nobody"):
        yield "contact_changed", f"{way}, to the desk", changed | {"way": way, "by_desk": True}
    yield "contact_now", "", _REQUEST
    yield "link_renewed", "", _REQUEST
    items = [
        {"rung": rung, "clock": clock, "reference": f"20260311{place:05}", "request_id": place}
        | {"category": "水电维修", "category_en": "Water and power"}
        for place, (clock, rung) in enumerate(_RUNGS, start=1)
    ]
    yield "ladder", "", {"counts": dict.fromkeys(Rung, 4), "total": 20, "items": items}
    told = [item | {"team": "清溪志愿服务队", "team_en": "Qingxi volunteers"} for item in items]
    for news in News:
        yield "news", news, {"news": news, "requests": told[:1], "due_at": AT}
    yield "news", "of many", {"news": "overdue", "requests": told, "due_at": None}
    for to_desk in (True, False):
        yield (
            "handed_over",
            "to the desk" if to_desk else "",
            {"giver": "郑远", "count": 40, "to_desk": to_desk, "requests": items},
        )


_RUNGS: Final = [(clock, rung) for clock, rungs in RUNGS.items() for rung in rungs]
AT: Final = "2026-03-12T01:30:00+00:00"
_REQUEST: Final[dict[str, Any]] = {
    "reference": "2026031100017",
    "request_id": 17,
    "link_salt": "a-salt",
    "category": "水电维修",
    "category_en": "Water and power",
    "status": "in_progress",
    "outcome": None,
    "answer": "楼道的灯换好了。\n明天我们再来看一次。",
    "question": "您哪天方便？\n上午还是下午？",
    "answer_by": AT,
    "is_asked": True,
    "due_at": AT,
    "parked_until": "2026-05-01",
    "team": "清溪志愿服务队",
    "team_en": "Qingxi volunteers",
}
