"""Which ways of sending there are."""

from collections.abc import Mapping
from typing import Final

from tracker.notifications.channels import robots, webhook
from tracker.notifications.channels.carrier import Carrier
from tracker.notifications.channels.email import Email
from tracker.notifications.channels.endpoint import ToEndpoints
from tracker.notifications.channels.text_message import TextMessages
from tracker.notifications.endpoints.models import EndpointKind
from tracker.notifications.models import Channel

CARRIERS: Final[Mapping[Channel, Carrier]] = {
    Channel.EMAIL: Email(),
    Channel.TEXT_MESSAGE: TextMessages(),
    Channel.WEBHOOK: ToEndpoints(EndpointKind.WEBHOOK, webhook.spoken, webhook.understood),
    Channel.WECOM: ToEndpoints(
        EndpointKind.WECOM, robots.wecom, robots.understands("errcode", "errmsg")
    ),
    Channel.DINGTALK: ToEndpoints(
        EndpointKind.DINGTALK, robots.dingtalk, robots.understands("errcode", "errmsg")
    ),
    Channel.FEISHU: ToEndpoints(
        EndpointKind.FEISHU, robots.feishu, robots.understands("code", "msg")
    ),
}
"""How each channel's messages travel."""
