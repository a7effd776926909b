"""The pages of service requests, one module per resource.

resident: home, ask, track, photos; desk: queue, intake, show, dispatch; volunteers: board, visits,
handling; judging: call_backs, approvals.
"""

from flask import Blueprint

from tracker.service_requests.views import (
    approvals,
    ask,
    call_backs,
    dispatch,
    handling,
    home,
    intake,
    photos,
    queue,
    show,
    track,
)

BLUEPRINTS: tuple[Blueprint, ...] = (
    home.blueprint,
    ask.blueprint,
    track.blueprint,
    photos.blueprint,
    queue.blueprint,
    show.blueprint,
    dispatch.blueprint,
    intake.blueprint,
    handling.blueprint,
    call_backs.blueprint,
    approvals.blueprint,
)
