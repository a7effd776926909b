"""Sending what the outbox holds."""

from flask import Flask


def init_app(app: Flask) -> None:
    """Prepare sending."""
