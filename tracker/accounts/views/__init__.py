"""The pages of `accounts`."""

from flask import Blueprint

from tracker.accounts.views import locale, sign_in

BLUEPRINTS: tuple[Blueprint, ...] = (sign_in.blueprint, locale.blueprint)
