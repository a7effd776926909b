"""The pages of service requests, one module per resource.

resident: home, ask, track, photos; desk: queue, intake, show, reaching, dispatch, parts; volunteers: board, visits, notes,
handling; everybody who signs in: inbox; their team leader: own_team, handing_over; judging: call_backs,
approvals, clock; set-up: limits, routing.
"""

from flask import Blueprint

from tracker.service_requests.views import (
    approvals,
    ask,
    board,
    call_backs,
    clock,
    dispatch,
    handing_over,
    handling,
    home,
    inbox,
    intake,
    limits,
    notes,
    own_team,
    parts,
    photos,
    queue,
    reaching,
    routing,
    show,
    track,
    visits,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    home.blueprint,
    ask.blueprint,
    track.blueprint,
    photos.blueprint,
    queue.blueprint,
    show.blueprint,
    reaching.blueprint,
    dispatch.blueprint,
    parts.blueprint,
    intake.blueprint,
    board.blueprint,
    own_team.blueprint,
    handing_over.blueprint,
    visits.blueprint,
    notes.blueprint,
    inbox.blueprint,
    handling.blueprint,
    call_backs.blueprint,
    approvals.blueprint,
    clock.blueprint,
    limits.blueprint,
    routing.blueprint,
)
