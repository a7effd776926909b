"""The pages of `accounts`."""

from flask import Blueprint

from tracker.accounts.views import locale, me, passwords, permissions, sign_in

PAGES = (sign_in, me, passwords)
"""Modules that add their pages to the blueprint `accounts`."""

BLUEPRINTS: tuple[Blueprint, ...] = (
    sign_in.blueprint,
    locale.blueprint,
    permissions.blueprint,
)
