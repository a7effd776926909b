"""The pages of `notifications`."""

from flask import Blueprint

from tracker.notifications.views import background, demo_mail, endpoints, outbox, wishes

BLUEPRINTS: tuple[Blueprint, ...] = (
    outbox.blueprint,
    endpoints.blueprint,
    background.blueprint,
    demo_mail.blueprint,
    wishes.blueprint,
)
