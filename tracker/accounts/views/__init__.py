"""The pages of `accounts`."""

from flask import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()
