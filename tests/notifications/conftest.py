"""What tests of messages can ask for beside the rest."""

import base64
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from tests.support import receiver
from tests.support.mail_server import MailServer, running
from tests.support.receiver import Receiver

SMS_SECRET = "whsec_" + base64.b64encode(b"g" * 32).decode()


@pytest.fixture
def server() -> Iterator[MailServer]:
    """Give a mail server that takes everything."""
    with running(MailServer()) as server:
        yield server


@pytest.fixture
def configure(app: Flask) -> Callable[..., None]:
    """Give a way to change the settings of the app."""

    def change(**values: object) -> None:
        app.config["SETTINGS"] = replace(app.config["SETTINGS"], **values)

    return change


@pytest.fixture
def gateway() -> Iterator[Receiver]:
    """Give a gateway for text messages that takes everything."""
    with receiver.running(Receiver(status=202)) as made:
        yield made


@pytest.fixture
def with_gateway(configure: Callable[..., None], gateway: Receiver) -> Callable[[], None]:
    """Give a way to set it up."""
    return lambda: configure(sms_url=gateway.url("/sms"), sms_secret=SMS_SECRET)
