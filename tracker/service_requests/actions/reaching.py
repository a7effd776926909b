"""How a requester is told is changed: by themselves on their page, or by staff for a caller."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tracker.database import db
from tracker.errors import NotPermittedError, Refusal, RefusedError, StaleError
from tracker.notifications.models import Channel
from tracker.notifications.outbox import enqueue
from tracker.permissions import Action, Actor, may, require
from tracker.service_requests import calls, following, retelling
from tracker.service_requests.actions import steps
from tracker.service_requests.actions.answers import may_still_dispute
from tracker.service_requests.contact import may_see_contact
from tracker.service_requests.lifecycle import Status, Step
from tracker.service_requests.models import (
    ApprovalKind,
    ReachableBy,
    Requester,
    ServiceRequest,
)


@dataclass(frozen=True, slots=True)
class Reaching:
    """How, where and how often somebody wants to be told."""

    way: ReachableBy
    address: str
    """The e-mail address, the number in E.164, or who passes on our word; "" for who cannot be reached."""
    only_needed: bool = False


def change(
    service_request: ServiceRequest,
    reaching: Reaching,
    *,
    stood: str,
    locale: str,
    texts: bool,
    actor: Actor,
    now: datetime,
) -> bool:
    """Tell the requester otherwise from now on; return whether anything is other than before.

    Where they were told until now hears of it, if we can write there: whoever has the link alone can't
    lead messages away unseen. `stood` is what `mark_of` gave as they were asked; `locale` is for who
    stayed anonymous until now; `texts`: text messages can be sent. Raises `StaleError` when it was
    changed meanwhile, and `RefusedError` when nothing more will be told.
    """
    require(actor, Action.ADD_TO_OWN_REQUEST, service_request)
    _require_still_told(service_request, now=now)
    if not _put(service_request, reaching, stood, locale, texts=texts, actor=actor, now=now):
        return False
    # The page shows how it stands: there is nothing left to call about.
    calls.drop(service_request, now=now)
    return True


def change_for_caller(
    service_request: ServiceRequest,
    reaching: Reaching,
    *,
    stood: str,
    locale: str,
    texts: bool,
    actor: Actor,
    now: datetime,
) -> bool:
    """Tell the requester otherwise from now on, as they told `actor`; else as `change`.

    They have not read how it stands: what has not reached them yet is told in the new way. Raises
    `NotPermittedError` for who may not see how they are reached, or not say where the link goes
    (`may_lead_link`), and `RefusedError` when nothing more will be told.
    """
    require(actor, Action.CHANGE_REACHING, service_request)
    refuse_what_is_over(service_request, actor=actor, now=now)
    before = service_request.requester
    if needs_proof(before, reaching) and not may_lead_link(service_request, actor=actor):
        message = "Who handles a request does not say where its private link goes."
        raise NotPermittedError(message)
    place = _place(before)
    since = before.told_since if before else None
    if not _put(service_request, reaching, stood, locale, texts=texts, actor=actor, now=now):
        return False
    if _place(service_request.requester) != place:
        retelling.tell_anew(service_request, since=since, now=now)
    return True


def may_change_for_caller(
    service_request: ServiceRequest,
    *,
    actor: Actor,
    now: datetime,
    asked: Collection[ApprovalKind] | None = None,
) -> bool:
    """Tell whether `actor` may change how the requester is told, and whether that still matters.

    `asked`: as in `is_still_told`.
    """
    return (
        may(actor, Action.CHANGE_REACHING, service_request)
        and may_see_contact(actor, service_request)
        and is_still_told(service_request, now=now, asked=asked)
    )


def may_lead_link(service_request: ServiceRequest, *, actor: Actor) -> bool:
    """Tell whether `actor` may enter where messages with the private link go.

    Whoever gets the link can say that it is solved: those alone who may also write down, after a call,
    what the requester says of the result, and so nobody who handles it.
    """
    return may(actor, Action.CALL_BACK, service_request)


def refuse_what_is_over(service_request: ServiceRequest, *, actor: Actor, now: datetime) -> None:
    """Raise `RefusedError` when nothing more is told; `NotPermittedError`, who may not look any more."""
    if not may_see_contact(actor, service_request):
        message = "How people of a closed request are reached is for its desk only."
        raise NotPermittedError(message)
    _require_still_told(service_request, now=now)


def _require_still_told(service_request: ServiceRequest, *, now: datetime) -> None:
    if not is_still_told(service_request, now=now):
        raise RefusedError(Refusal.NOTHING_TO_TELL)


def is_still_told(
    service_request: ServiceRequest,
    *,
    now: datetime,
    asked: Collection[ApprovalKind] | None = None,
) -> bool:
    """Tell whether anything may still be told about it: once it is closed, of taking it up again only.

    What was merged into another is told what becomes of that one. `asked`: what of the request
    waits for a supervisor's decision, of who has read that already.
    """
    survivor = following.survivor_of(service_request)
    if survivor.status is not Status.CLOSED or may_still_dispute(survivor, now):
        return True
    if asked is None or survivor is not service_request:
        return following.waits_for_reopening(survivor)
    return ApprovalKind.REOPENING in asked


def mark_of(requester: Requester | None) -> str:
    """Return what tells how somebody is told now from how they were told before, and nothing else.

    A mark of the address itself could be tried out.
    """
    since = requester.told_since if requester else None
    return since.isoformat() if since else "first"


def present(requester: Requester, way: ReachableBy) -> Reaching | None:
    """Return how somebody is told now, if it is that way."""
    if requester.reachable_by is not way:
        return None
    address = _address(requester)
    if not address and way is not ReachableBy.NOBODY:
        return None
    return Reaching(way, address or "", requester.only_needed)


def needs_proof(requester: Requester | None, reaching: Reaching) -> bool:
    """Tell whether messages, with the private link, would go where they do not go now.

    On their own page a code must show first that what is written there is read.
    """
    if not reaching.way.is_written:
        return False
    now_told = present(requester, reaching.way) if requester else None
    return now_told is None or now_told.address != reaching.address


def send_code(
    service_request: ServiceRequest,
    reaching: Reaching,
    code: str,
    *,
    locale: str,
    actor: Actor,
    now: datetime,
) -> None:
    """Write to a new address what to type on the private page: not the link, which may be a stranger's then.

    Raises `RefusedError` when nothing more will be told.
    """
    require(actor, Action.ADD_TO_OWN_REQUEST, service_request)
    _require_still_told(service_request, now=now)
    enqueue(
        "contact_code",
        channel=_channel(reaching.way),
        address=reaching.address,
        locale=locale,
        payload={"reference": service_request.reference, "code": code},
        now=now,
    )


def _put(
    service_request: ServiceRequest,
    reaching: Reaching,
    stood: str,
    locale: str,
    *,
    texts: bool,
    actor: Actor,
    now: datetime,
) -> bool:
    """Change it, tell where they were told, write it down; return whether anything is other than before."""
    requester = service_request.requester
    if _is_so(requester, reaching):
        return False
    if stood != mark_of(requester):
        message = "How they are told was changed meanwhile."
        raise StaleError(message)
    if requester is None:
        requester = Requester(reachable_by=ReachableBy.NOBODY, locale=locale, created_at=now)
        service_request.requester = requester
        db.session.flush()
    _tell_the_old(service_request, requester, reaching, texts=texts, actor=actor, now=now)
    requester.reachable_by = reaching.way
    # What is given up is forgotten; a number stays, as whoever visits may have to ring. A number that
    # does not lead to them is given up by saying that they cannot be reached.
    requester.email = reaching.address if reaching.way is ReachableBy.EMAIL else None
    requester.neighbour = reaching.address if reaching.way is ReachableBy.NEIGHBOUR else ""
    if reaching.way in (ReachableBy.PHONE, ReachableBy.TEXT_MESSAGE):
        requester.phone = reaching.address
    elif reaching.way is ReachableBy.NOBODY:
        requester.phone = None
    requester.only_needed = reaching.only_needed
    requester.told_since = now
    db.session.flush()
    steps.record(
        service_request,
        Step.NOTE,
        before=service_request.status,
        actor=actor,
        now=now,
        detail={"reached_by": reaching.way.value},
    )
    return True


def _is_so(requester: Requester | None, reaching: Reaching) -> bool:
    if requester is None:
        return reaching.way is ReachableBy.NOBODY
    return present(requester, reaching.way) == reaching


def _tell_the_old(
    service_request: ServiceRequest,
    requester: Requester,
    reaching: Reaching,
    *,
    texts: bool,
    actor: Actor,
    now: datetime,
) -> None:
    by_mail = requester.reachable_by is ReachableBy.EMAIL
    address = requester.email if by_mail else requester.phone
    if address in (None, reaching.address):
        return
    if not by_mail and not texts:
        return  # a number that is only rung; the desk sees in the history that it changed
    payload: dict[str, Any] = {
        "reference": service_request.reference,
        "way": reaching.way.value,
        "by_desk": actor.person_id is not None,
    }
    if requester.reachable_by.is_written and actor.person_id is None:
        # It was written there already. Who says on the telephone that it is theirs no more may be right.
        payload |= {"request_id": service_request.id, "link_salt": service_request.link_salt}
    enqueue(
        "contact_changed",
        channel=Channel.EMAIL if by_mail else Channel.TEXT_MESSAGE,
        address=address,
        locale=requester.locale,
        payload=payload,
        now=now,
        service_request_id=service_request.id,
    )


def _address(requester: Requester) -> str | None:
    match requester.reachable_by:
        case ReachableBy.EMAIL:
            return requester.email
        case ReachableBy.PHONE | ReachableBy.TEXT_MESSAGE:
            return requester.phone
        case ReachableBy.NEIGHBOUR:
            return requester.neighbour
        case _:
            return None


def _place(requester: Requester | None) -> tuple[ReachableBy, str | None]:
    """Return how and where somebody is told, without how often."""
    if requester is None:
        return ReachableBy.NOBODY, None
    return requester.reachable_by, _address(requester)


def _channel(way: ReachableBy) -> Channel:
    return Channel.EMAIL if way is ReachableBy.EMAIL else Channel.TEXT_MESSAGE
