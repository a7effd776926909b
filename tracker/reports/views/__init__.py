"""The pages of `reports`, one module per resource.

figures: the page, with its cards, breakdown and filters; lists: what is behind each figure; links
between them. audit and imports: the administrators' pages.
"""

from flask import Blueprint

from tracker.reports.views import audit, figures, imports, lists

PAGES = (figures, lists)
"""Modules that add their pages to the blueprint `figures`."""

BLUEPRINTS: tuple[Blueprint, ...] = (figures.blueprint, audit.blueprint, imports.blueprint)
"""Every blueprint of the feature."""
