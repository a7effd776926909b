"""Which ways of sending there are."""

from collections.abc import Mapping
from typing import Final

from tracker.notifications.channels.carrier import Carrier
from tracker.notifications.channels.email import Email
from tracker.notifications.models import Channel

CARRIERS: Final[Mapping[Channel, Carrier]] = {Channel.EMAIL: Email()}
"""How each channel's messages travel."""
