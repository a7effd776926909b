"""The pages of `notifications`."""

from flask import Blueprint

from tracker.notifications.views import demo_mail, outbox, wishes

BLUEPRINTS: tuple[Blueprint, ...] = (
    outbox.blueprint,
    demo_mail.blueprint,
    wishes.blueprint,
)
