"""A webhook's signature is that of Standard Webhooks, and the documented receiver checks it."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.architecture.rules import ROOT
from tracker.clock import utc_now
from tracker.notifications.channels.webhook import signature
from tracker.notifications.endpoints.addresses import key_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_the_signature_is_that_of_the_standards_own_example() -> None:
    key = key_of(SECRET)
    assert key is not None

    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')

    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("body", "age", "status"),
    [(b'{"type": "test"}', 0, 204), (b'{"type": "tesT"}', 0, 401), (b'{"type": "test"}', 999, 401)],
)
def test_the_receiver_in_the_document_takes_what_is_ours_alone(
    body: bytes, age: int, status: int
) -> None:
    [code] = re.findall(
        r"```python\n(.*?)```", Path(ROOT / "docs/channels.md").read_text(), re.DOTALL
    )
    made: dict[str, Any] = {"__name__": "receiver"}
    exec(code.replace("whsec_…", SECRET), made)  # noqa: S102 - our own document
    key, sent = key_of(SECRET), str(int(utc_now().timestamp()) - age)
    assert key is not None

    answer = (
        made["app"]
        .test_client()
        .post(
            "/hook",
            data=body,
            headers={
                "webhook-id": "1",
                "webhook-timestamp": sent,
                "webhook-signature": signature(key, "1", sent, b'{"type": "test"}'),
            },
        )
    )

    assert answer.status_code == status
