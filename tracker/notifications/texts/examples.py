"""An invented example of each message: what its page shows it with. Nobody in it exists."""

from collections.abc import Mapping
from typing import Any, Final

from tracker.notifications.texts.occasions import JOINED, Occasion
from tracker.web.locale import ENGLISH

_FACTS: Final[Mapping[str, Any]] = {
    "reference": "4821093749",
    "request_id": 4821,
    "link_salt": "an example",
    "category": "水电维修",
    "category_en": "Water and power",
    "answer_by": "2026-03-20T10:00:00+00:00",
    "due_at": "2026-03-18T09:30:00+00:00",
    "parked_until": "2026-05-06",
    "visit_from": "2026-03-14T01:00:00+00:00",
    "visit_to": "2026-03-14T02:15:00+00:00",
    "expires_at": "2026-03-25T06:45:00+00:00",
    "team": "清溪志愿服务队",
    "team_en": "Qingxi volunteers",
    "token": "an-example-that-leads-nowhere-0000000000000",
    "question": "",
}
_CHINESE: Final[Mapping[str, Any]] = {
    "visitors": ["周晓雯", "郑远"],
    "name": "许安然",
    "question": "您哪天在家？上午还是下午方便？",
    "answer": "楼道的灯已经换好，并检查了线路。",
    "reason": "明天有大雨，我们另约时间。",
    "thanks": "谢谢，来得真快！",
}
_ENGLISH: Final[Mapping[str, Any]] = {
    "visitors": ["Xiaowen Zhou", "Yuan Zheng"],
    "name": "Anran Xu",
    "question": "On which day are you at home? Morning or afternoon?",
    "answer": "The lamp on the stairs was replaced, and the wiring was checked.",
    "reason": "Heavy rain is expected. We agree on another day.",
    "thanks": "Thank you, that was quick!",
}
_REASONS: Final[Mapping[str, Mapping[str, str]]] = {
    "extend": {"zh": "配件还在路上，要等到货才能换。", "en": "The spare part is still on its way."},
    "park": {
        "zh": "门前道路正在施工，车辆进不去。",
        "en": "The road is dug up; no car gets through.",
    },
}
"""Why something takes longer, or has to wait: by the step, in either language."""
_STEPS: Final[Mapping[str, Mapping[str, Any]]] = {
    "called_off": {"step": "plan_visit", "calls_off": True},
    "asked_again": {"step": "remind"},
    "confirm_solved": {"step": "confirm", "solved": "yes"},
    "confirm": {"step": "confirm", "solved": "partly"},
}


def example_of(occasion: Occasion, locale: str) -> dict[str, Any]:
    """Return what a message of the outbox would hold, as JSON keeps it."""
    is_english = locale == ENGLISH
    words = dict(_ENGLISH if is_english else _CHINESE)
    if occasion.step in _REASONS:
        words["reason"] = _REASONS[occasion.step]["en" if is_english else "zh"]
    spoken = {name: words[name] for name in ("visitors", *occasion.variables) if name in words}
    step = occasion.step.removesuffix(JOINED)
    is_asked = step == occasion.step
    return {**_FACTS, **spoken, "step": step, "is_asked": is_asked, **_STEPS.get(step, {})}
