"""The pages of `organisation`."""

from flask import Blueprint

from tracker.organisation.views import areas, categories, manual, organisation, units

BLUEPRINTS: tuple[Blueprint, ...] = (
    organisation.blueprint,
    units.blueprint,
    areas.blueprint,
    categories.blueprint,
    manual.blueprint,
)
