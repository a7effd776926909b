"""The pages of `teams`: people with what they hold, teams, and what a set-up lacks."""

from flask import Blueprint

from tracker.teams.views import people, setup, teams

BLUEPRINTS: tuple[Blueprint, ...] = (people.blueprint, teams.blueprint, setup.blueprint)
