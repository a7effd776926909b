"""What messages there are whose words can be changed, and which variables each may name.

A variable is offered only where its reader may see what it stands for, and where it has something
to say. What is `needed` must be said: who comes, what was asked, by when.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask_babel import lazy_gettext as _l

from tracker.errors import NotFoundError

REQUESTER: Final = "requester_step"
STAFF: Final = "staff_step"
JOINED: Final = "_joined"
"""Ends the step of which others hear in other words: whose requests were joined with it."""
ALL: Final = "all"
"""The step of a kind that has no steps."""
QUOTES: Final = frozenset({"question", "answer", "reason", "thanks"})
"""What somebody wrote. It is set off, on lines of its own, and stands in no subject."""
DESCRIPTIONS: Final[Mapping[str, Any]] = {
    "reference": _l("The number of the request"),
    "category": _l("What kind of need it is"),
    "team": _l("The team that takes care of it"),
    "due": _l("By when it is to be done"),
    "again_on": _l("When it is looked at again"),
    "visit_from": _l("When the visit begins"),
    "visit_to": _l("When the visit ends"),
    "visitors": _l("Who comes"),
    "answer_by": _l("Until when we wait for the answer"),
    "question": _l("Our question, as it was asked"),
    "answer": _l("What was written to the requester"),
    "reason": _l("The reason, as it was written for the requester"),
    "thanks": _l("What the requester wrote"),
    "name": _l("The reader's name"),
    "expires": _l("Until when the link works"),
    "organisation": _l("The name of the organisation"),
}
"""What each variable stands for."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """One thing that somebody is told."""

    kind: str
    step: str
    variables: tuple[str, ...]
    """Those that may be named, in the order in which they are offered."""
    needed: tuple[str, ...] = ()
    """Those that the body must name."""
    by_text: bool = False
    """Whether a text message tells of it, where there is a gateway."""
    note: Any = ""
    """What sets it apart from another one of the same subject."""

    @property
    def inline(self) -> tuple[str, ...]:
        """Return the variables that may stand within a line."""
        return tuple(name for name in self.variables if name not in QUOTES)


def _to_requester(step: str, *named: str, **given: Any) -> Occasion:  # noqa: ANN401 - fields
    """Return one; of the variables `named`, those with a star are needed."""
    names = tuple(name.removesuffix("*") for name in named)
    needed = tuple(name[:-1] for name in named if name.endswith("*"))
    return Occasion(REQUESTER, step, ("reference", "category", *names), needed, **given)


_JOINED: Final = _l("To those whose requests were joined with it")
_NO_DUE: Final = frozenset({"resolve", "refer", "confirm", "confirm_solved", "lost"})
"""Of these the staff are not told when it is due."""


def _all() -> Iterator[Occasion]:
    yield _to_requester("submit", by_text=True)
    yield _to_requester("accept", "due")
    yield _to_requester("decline", "answer*", by_text=True)
    yield _to_requester("merge")
    yield _to_requester("receive_merged")
    yield _to_requester("assign", "team", "due")
    yield _to_requester("claim", "team")
    yield _to_requester("plan_visit", "visit_from*", "visit_to*", "visitors*", by_text=True)
    yield _to_requester("called_off", "visit_from*", "visit_to", "reason", by_text=True)
    yield _to_requester("wait", "question*", "answer_by", by_text=True)
    yield _to_requester("asked_again", "question*", "answer_by", by_text=True)
    yield _to_requester("resume")
    yield _to_requester("extend", "reason*", "due*", by_text=True)
    yield _to_requester("park", "reason*", "again_on*", by_text=True)
    yield _to_requester("unpark", "due", by_text=True)
    yield _to_requester("resolve", "answer*", by_text=True)
    yield _to_requester("resolve_joined", "answer*", by_text=True, note=_JOINED)
    yield _to_requester("refer", "answer*", by_text=True)
    yield _to_requester("refer_joined", "answer*", by_text=True, note=_JOINED)
    yield _to_requester("remind", by_text=True)
    yield _to_requester("time_out", by_text=True)
    yield _to_requester("time_out_joined", by_text=True, note=_JOINED)
    yield _to_requester("reopen", "due", by_text=True)
    yield _to_requester("refuse_reopening", by_text=True)
    for step in (
        *("note", "assign", "return", "lost"),
        *("give_part", "change_part", "end_part", "return_part", "take_part_back"),
        *("claim", "release", "urge", "add_word", "withdraw", "receive_merged", "resolve"),
        *("refer", "confirm_solved", "confirm", "dispute", "reopen", "extend"),
        *("refuse_extension", "park", "refuse_parking", "refuse_reopening", "resume", "unpark"),
    ):
        due = () if step in _NO_DUE else ("due",)
        thanks = ("thanks",) if step in ("confirm", "confirm_solved") else ()
        yield Occasion(STAFF, step, ("reference", "category", *due, *thanks), by_text=True)
    yield Occasion("invitation", ALL, ("organisation", "name", "expires"), ("expires",))
    yield Occasion("reset", ALL, ("name", "expires"), ("expires",))


OCCASIONS: Final[Mapping[tuple[str, str], Occasion]] = {(it.kind, it.step): it for it in _all()}
"""Every one, by kind and step, in the order in which pages list them."""


def occasion(kind: str, step: str) -> Occasion:
    """Return one. Raises `NotFoundError`."""
    found = OCCASIONS.get((kind, step))
    if found is None:
        message = "There is no such message whose words can be changed."
        raise NotFoundError(message)
    return found


def occasion_of(kind: str, facts: Mapping[str, Any]) -> Occasion | None:
    """Return what a message of the outbox is; None for one whose words are always ours."""
    step = str(facts.get("step", ALL))
    if kind == REQUESTER:
        step = _requesters_step(step, facts)
    elif kind == STAFF:
        step = "confirm_solved" if step == "confirm" and facts.get("solved") == "yes" else step
    return OCCASIONS.get((kind, step))


def _requesters_step(step: str, facts: Mapping[str, Any]) -> str:
    """Return the step, with what else the requester's letter looks at."""
    if facts.get("calls_off") and "visit_from" in facts:
        return "called_off"
    if step == "remind" and facts.get("question"):
        return "asked_again"
    joined = step + JOINED
    return joined if (REQUESTER, joined) in OCCASIONS and not facts.get("is_asked", True) else step
