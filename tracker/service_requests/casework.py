"""Which requests are within somebody's reach: how `tracker.visibility` reads these tables."""

from collections.abc import Collection
from dataclasses import replace

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select, text, true

from tracker.database import among
from tracker.service_requests.models import Claim, Handler, HelpingTeam, ServiceRequest
from tracker.visibility import CaseworkColumns


def _in_teams(team_ids: Collection[int]) -> ColumnElement[bool]:
    return or_(
        among(ServiceRequest.lead_team_id, team_ids), ServiceRequest.id.in_(_helped(team_ids))
    )


def _in_teams_if_open(team_ids: Collection[int]) -> ColumnElement[bool]:
    own = among(ServiceRequest.lead_team_id, team_ids)
    return or_(own, ServiceRequest.id.in_(_helped_if_open(team_ids)))


def of_team_if_open(team_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Return two conditions, of which one holds for what is open of a team: it leads it, or it helps."""
    leads = ServiceRequest.lead_team_id == team_id
    helps = ServiceRequest.id.in_(_helped_if_open([team_id]))
    return leads, and_(helps, leads.is_not(true()))  # of what nobody leads, "not" is not known


def _helped_if_open(team_ids: Collection[int]) -> Select[int]:
    return (
        _helped(team_ids)
        .where(text("NOT helping_team.is_closed"))  # in the very words of the index
        .with_hint(HelpingTeam, "INDEXED BY ix_helping_team_open", "sqlite")
    )


def _helped(team_ids: Collection[int]) -> Select[int]:
    return select(HelpingTeam.service_request_id).where(among(HelpingTeam.team_id, team_ids))


def _claimed_through(person_id: int, team_ids: Collection[int]) -> ColumnElement[bool]:
    # One by one: somebody has claimed few, and a team may have helped with thousands.
    helps = exists().where(
        HelpingTeam.service_request_id == ServiceRequest.id, among(HelpingTeam.team_id, team_ids)
    )
    return and_(_claimed_by(person_id), or_(among(ServiceRequest.lead_team_id, team_ids), helps))


def _claimed_by(person_id: int) -> ColumnElement[bool]:
    return ServiceRequest.id.in_(
        select(Claim.service_request_id).where(
            Claim.person_id == person_id, Claim.released_at.is_(None)
        )
    )


def _handled_by(person_id: int) -> ColumnElement[bool]:
    return exists().where(
        Handler.service_request_id == ServiceRequest.id, Handler.person_id == person_id
    )


UNDER_WAY = text("claim.released_at IS NULL AND NOT claim.is_over")
"""A place that counts now, in the very words of `ix_claim_under_way`."""
BY_UNDER_WAY = "INDEXED BY ix_claim_under_way"
"""For SQLite, which thinks of another index first."""

CASEWORK = CaseworkColumns(
    id=ServiceRequest.id,
    unit_id=ServiceRequest.unit_id,
    leader_id=ServiceRequest.leader_id,
    lead_team_id=ServiceRequest.lead_team_id,
    in_teams=_in_teams,
    claimed_by=_claimed_by,
    claimed_through=_claimed_through,
    handled_by=_handled_by,
)
"""How `tracker.visibility` reads the table."""
OPEN_CASEWORK = replace(CASEWORK, in_teams=_in_teams_if_open)
"""The same where only what is open is asked for: what a team once helped with is not looked through."""
