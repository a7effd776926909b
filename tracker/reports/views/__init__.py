"""The pages of `reports`."""

from flask import Blueprint

from tracker.reports.views import audit, figures

BLUEPRINTS: tuple[Blueprint, ...] = (figures.blueprint, audit.blueprint)
"""Every blueprint of the feature."""
