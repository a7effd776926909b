"""The pages of `notifications`."""

from flask import Blueprint

from tracker.notifications.views import demo_mail, outbox

BLUEPRINTS: tuple[Blueprint, ...] = (outbox.blueprint, demo_mail.blueprint)
