"""How a requester is told is changed: by themselves on their page, or by the desk for a caller."""

from dataclasses import dataclass
from datetime import datetime

from tracker.database import db
from tracker.notifications.models import Channel
from tracker.notifications.outbox import enqueue
from tracker.permissions import Action, Actor, require
from tracker.service_requests import calls
from tracker.service_requests.actions import steps
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import ReachableBy, Requester, ServiceRequest


@dataclass(frozen=True, slots=True)
class Reaching:
    """How, where and how often somebody wants to be told."""

    way: ReachableBy
    """By phone, e-mail or text message."""
    address: str
    """The e-mail address, or the number in E.164."""
    only_needed: bool = False


def change(
    service_request: ServiceRequest,
    reaching: Reaching,
    *,
    locale: str,
    texts: bool,
    actor: Actor,
    now: datetime,
) -> bool:
    """Tell the requester otherwise from now on; return whether anything is other than before.

    Where they were told until now hears of it, if we can write there: whoever has the link alone can't
    lead messages away unseen. `locale` is for who stayed anonymous until now; `texts`: text messages
    can be sent.
    """
    require(actor, Action.ADD_TO_OWN_REQUEST, service_request)
    requester = service_request.requester
    if requester is not None and present(requester, reaching.way) == reaching:
        return False
    if requester is None:
        requester = Requester(reachable_by=ReachableBy.NOBODY, locale=locale, created_at=now)
        service_request.requester = requester
        db.session.flush()
    _tell_the_old(service_request, requester, reaching, texts=texts, now=now)
    requester.reachable_by = reaching.way
    if reaching.way is ReachableBy.EMAIL:
        requester.email = reaching.address  # a number stays: whoever visits may have to ring
    else:
        requester.phone, requester.email = reaching.address, None
    requester.only_needed = reaching.only_needed
    requester.told_since = now
    steps.record(
        service_request,
        Step.NOTE,
        before=service_request.status,
        actor=actor,
        now=now,
        detail={"reached_by": reaching.way.value},
    )
    # The page shows how it stands: there is nothing left to call about.
    calls.drop(service_request, now=now)
    return True


def present(requester: Requester, way: ReachableBy) -> Reaching | None:
    """Return how somebody is told now, if it is that way."""
    address = requester.email if way is ReachableBy.EMAIL else requester.phone
    if requester.reachable_by is not way or not address:
        return None
    return Reaching(way, address, requester.only_needed)


def needs_proof(requester: Requester | None, reaching: Reaching) -> bool:
    """Tell whether a code must show first that what is written there is read: not where it is now."""
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
    """Write to a new address what to type on the private page: not the link, which may be a stranger's then."""
    require(actor, Action.ADD_TO_OWN_REQUEST, service_request)
    enqueue(
        "contact_code",
        channel=_channel(reaching.way),
        address=reaching.address,
        locale=locale,
        payload={"reference": service_request.reference, "code": code},
        now=now,
    )


def _tell_the_old(
    service_request: ServiceRequest,
    requester: Requester,
    reaching: Reaching,
    *,
    texts: bool,
    now: datetime,
) -> None:
    by_mail = requester.reachable_by is ReachableBy.EMAIL
    address = requester.email if by_mail else requester.phone
    if address in (None, reaching.address):
        return
    if not by_mail and not texts:
        return  # a number that is only rung; the desk sees in the history that it changed
    enqueue(
        "contact_changed",
        channel=Channel.EMAIL if by_mail else Channel.TEXT_MESSAGE,
        address=address,
        locale=requester.locale,
        payload={
            "reference": service_request.reference,
            "request_id": service_request.id,
            "link_salt": service_request.link_salt,
            "way": reaching.way.value,
        },
        now=now,
        service_request_id=service_request.id,
    )


def _channel(way: ReachableBy) -> Channel:
    return Channel.EMAIL if way is ReachableBy.EMAIL else Channel.TEXT_MESSAGE
