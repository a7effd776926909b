"""The page of figures, and the lists behind its numbers."""

from tests.support.browser import Browser
from tests.support.builders import Builders
from tracker.service_requests.lifecycle import Status


def test_every_number_leads_to_its_list(a: Builders, browser: Browser) -> None:
    a.service_request(status=Status.CLOSED)
    a.service_request(status=Status.IN_PROGRESS)
    browser.sign_in(a.supervisor())

    page = browser.open("/figures")
    assert "50.0%" in page.text
    closed = browser.open("/figures/list?figure=closed")
    assert "1 request" in closed.text
    received = browser.open("/figures/list?figure=received")
    assert "2 requests" in received.text
