"""From where somebody comes, as attempts are counted."""

from datetime import timedelta

import pytest
from flask import Flask

from tests.support.together import at_once
from tracker.clock import utc_now
from tracker.database import transaction
from tracker.web.throttle import Limit, callers_network, is_one_too_many


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("unix:", "unix:"),
    ],
)
def test_a_household_counts_as_one(app: Flask, address: str, counted: str) -> None:
    with app.test_request_context(environ_base={"REMOTE_ADDR": address}):
        assert callers_network() == counted


def test_of_many_attempts_at_once_no_more_pass_than_may(app: Flask) -> None:
    limits = [Limit("test", "who", most=3, window=timedelta(hours=1))]

    def is_refused() -> bool:
        with transaction():
            return is_one_too_many(limits, secret="test", now=utc_now())

    refused = at_once(app, [is_refused] * 12)

    assert refused.count(False) == 3
