"""The pages of `notifications`."""

from flask import Blueprint

from tracker.notifications.views import background, demo_mail, endpoints, outbox, texts, wishes

BLUEPRINTS: tuple[Blueprint, ...] = (
    outbox.blueprint,
    texts.blueprint,
    endpoints.blueprint,
    background.blueprint,
    demo_mail.blueprint,
    wishes.blueprint,
)
