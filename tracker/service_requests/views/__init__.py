"""The pages of service requests, one module per resource.

resident: home, ask, track, photos; desk: queue, intake, show, dispatch; volunteers: board, visits,
handling; judging: call_backs, approvals.
"""

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
