"""The pages of `reports`."""

from flask import Blueprint

from tracker.reports.views import audit, figures, imports

BLUEPRINTS: tuple[Blueprint, ...] = (figures.blueprint, audit.blueprint, imports.blueprint)
"""Every blueprint of the feature."""
