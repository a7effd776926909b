"""The pages of `organisation`."""

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
