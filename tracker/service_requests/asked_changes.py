"""A wish to be told elsewhere that waits for its code: see `web.proving`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tracker.service_requests.actions.reaching import Reaching
from tracker.service_requests.models import ReachableBy, ServiceRequest
from tracker.web import proving

_PURPOSE: Final = "address of a request to confirm"


@dataclass(frozen=True, slots=True)
class AskedChange:
    """What is wished, the key of the form that said so, and how they were told as it was opened."""

    service_request_id: int
    wished: Reaching
    key: str
    stood: str

    def proof_for(self, service_request: ServiceRequest) -> proving.Proof:
        """Return what its code is made of; a renewed link makes it another one."""
        return proving.Proof(
            by=f"request {service_request.id}",
            salt=service_request.link_salt,
            way=self.wished.way,
            address=self.wished.address,
            form_key=self.key,
        )


def sealed(asked: AskedChange, *, now: datetime) -> str:
    """Return it as letters and digits that nobody can read or make."""
    wished = asked.wished
    told = [
        asked.service_request_id,
        wished.way,
        wished.address,
        wished.only_needed,
        asked.key,
        asked.stood,
    ]
    return proving.sealed(told, purpose=_PURPOSE, now=now)


def unsealed(text: str, *, service_request_id: int, now: datetime) -> AskedChange | None:
    """Return what was sealed; None for anything else, for another request's, and when its hour has passed."""
    told = proving.unsealed(text, purpose=_PURPOSE, now=now)
    if told is None or told[0] != service_request_id:
        return None
    _whose, way, address, only_needed, key, stood = told
    wished = Reaching(ReachableBy(way), address, only_needed)
    return AskedChange(service_request_id, wished, key, stood)
