"""What the rules in force propose for one request, on the forms of the desk."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from tracker.permissions import Actor
from tracker.service_requests.actions.dispatch import is_its_desk
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.routing import queries
from tracker.service_requests.routing.matching import Problem, Rule


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the desk finds filled in, and by which rule."""

    edition_id: int
    rule: Rule | None
    passed_over: tuple[tuple[Rule, Problem], ...] = ()

    @property
    def mark(self) -> str:
        """Return what a form carries, so that it is known whose proposal stood in it; "" for none."""
        return f"{self.edition_id}.{self.rule.id}" if self.rule else ""

    def kept(self, seen: str | None) -> Mapping[str, Any]:
        """Return what history keeps of it, for a form that carried the mark `seen`.

        Nothing, where the form was filled in by another rule than would propose now, or by none.
        """
        if self.rule is None or seen != self.mark:
            return {}
        rule = self.rule
        return {
            "rule": {
                "id": rule.id,
                "edition": self.edition_id,
                "number": rule.number,
                "name": rule.name,
                "name_en": rule.name_en,
            }
        }


NO_PROPOSAL: Final = Proposal(queries.NO_EDITION, None)


def proposal_to_assign(actor: Actor, service_request: ServiceRequest) -> Proposal:
    """Return what the rules propose to a desk for what nobody has yet; what was decided stands."""
    if service_request.lead_team_id is None and is_its_desk(actor, service_request):
        return proposal_for(service_request)
    return NO_PROPOSAL


def proposal_for(service_request: ServiceRequest) -> Proposal:
    """Return what the rules in force say of a request as it stands."""
    edition = queries.in_force()
    decision = queries.decision_on(service_request, edition)
    return Proposal(edition.id, decision.rule, decision.passed_over)
