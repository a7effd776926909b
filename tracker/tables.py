"""Every table of the product, so that whoever compares or migrates sees them all."""

from tracker import set_up
from tracker.accounts import models as accounts
from tracker.notifications import models as notifications
from tracker.notifications.endpoints import models as endpoints
from tracker.notifications.texts import models as texts
from tracker.organisation import models as organisation
from tracker.reports import models as reports
from tracker.service_requests import models as service_requests
from tracker.service_requests.routing import models as routing
from tracker.teams import models as teams
from tracker.visits import models as visits
from tracker.web import once, throttle

MODULES = (
    accounts,
    endpoints,
    notifications,
    once,
    organisation,
    reports,
    routing,
    service_requests,
    set_up,
    teams,
    texts,
    throttle,
    visits,
)
