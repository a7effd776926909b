"""The pages of `teams`."""

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
