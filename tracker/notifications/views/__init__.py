"""The pages of `notifications`."""

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
