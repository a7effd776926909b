"""What tests of messages can ask for beside the rest."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from flask import Flask

from tests.support.mail_server import MailServer, running


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
