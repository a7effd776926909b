"""The administrator's pages for imports: hand in a file, try it, run it, see what became of it."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from flask import Blueprint, current_app, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs

from tracker.clock import utc_now
from tracker.config import Settings
from tracker.errors import NotFoundError, NotPermittedError, RefusedError
from tracker.organisation import queries as organisation
from tracker.organisation.forms import tree_choices
from tracker.permissions import Action, Actor, may
from tracker.reports.forms import OWN_MAPPING, ImportForm
from tracker.reports.importing import background, folders
from tracker.reports.importing.files import FileError
from tracker.reports.importing.mapping import MappingError, read_mapping
from tracker.reports.words import REASONS
from tracker.web.access import signed_in_actor
from tracker.web.errors import refusal_text

blueprint = Blueprint("imports", __name__, url_prefix="/admin/imports")

REFRESH_S: Final = 3


@blueprint.get("")
def index() -> ResponseReturnValue:
    """List the imports so far, newest first."""
    actor = _importer()
    return render_template("reports/imports.html", runs=background.visible_runs(actor, _settings()))


@blueprint.route("/new", methods=["GET", "POST"])
def new() -> ResponseReturnValue:
    """Take a file and its mapping, and try them: nothing is written yet."""
    actor = _importer()
    form = ImportForm.from_request()
    form.mapping.choices = [
        *(SelectChoice(name, title) for name, title in background.shipped_mappings()),
        SelectChoice(OWN_MAPPING, _("A mapping of your own, uploaded below")),
    ]
    form.unit.choices = _unit_choices(actor)
    if form.is_sent_and_valid():
        run_id = _prepared(form, actor)
        if run_id is not None:
            background.start(run_id, _settings())
            return redirect(url_for(".show", run_id=run_id), code=303)
    return render_template(
        "reports/import_new.html",
        form=form,
        kept_days=folders.KEPT_FOR.days,
        most_trials=background.MOST_TRIALS,
    )


@blueprint.get("/<int:run_id>")
def show(run_id: int) -> ResponseReturnValue:
    """Show how far a run is, and what became of the rows. The page renews itself meanwhile."""
    run = background.find(_importer(), run_id, _settings())
    folder = folders.folder_of(_settings(), run_id)
    is_silent = background.is_silent(run, folder, utc_now())
    details = folder.details()
    return render_template(
        "reports/import_show.html",
        run=run,
        share=min(run.rows_read / run.rows_total, 1) if run.rows_total else None,
        is_under_way=run.finished_at is None and not is_silent,
        is_silent=is_silent,
        may_go_on=background.may_go_on(run, folder, utc_now()),
        imported_by_id=details.imported_by_id,
        kept_days=folders.KEPT_FOR.days,
        refresh_s=REFRESH_S,
        made=sorted(details.made.items()),
        problems=[
            (column, str(REASONS[reason]), number)
            for (column, reason), number in details.problems.most_common()
        ],
        has_rejects=folder.rejects.exists(),
        may_run=background.may_run(run, folder),
    )


@blueprint.post("/<int:run_id>/run")
def run_for_real(run_id: int) -> ResponseReturnValue:
    """Do what was tried."""
    actor = _importer()
    tried = background.find(actor, run_id, _settings())
    imported_by_id = folders.folder_of(_settings(), run_id).details().imported_by_id
    if imported_by_id is not None:
        return redirect(url_for(".show", run_id=imported_by_id), code=303)
    try:
        real_id = background.prepare_tried(tried, _settings(), actor=actor, now=utc_now())
    except RefusedError as refused:
        flash(refusal_text(refused.refusal), "error")
        running = background.under_way(actor, _settings(), utc_now())
        return redirect(url_for(".show", run_id=running.id if running else run_id), code=303)
    background.start(real_id, _settings())
    return redirect(url_for(".show", run_id=real_id), code=303)


@blueprint.post("/<int:run_id>/continuation")
def go_on(run_id: int) -> ResponseReturnValue:
    """Go on with a run that came to a halt."""
    actor = _importer()
    background.find(actor, run_id, _settings())
    try:
        goes_on = background.take_up_again(run_id, _settings(), actor=actor, now=utc_now())
    except RefusedError as refused:
        flash(refusal_text(refused.refusal), "error")
        goes_on = False
    if goes_on:
        background.start(run_id, _settings())
        flash(_("The import goes on."))
    return redirect(url_for(".show", run_id=run_id), code=303)


@blueprint.get("/<int:run_id>/rejects.csv")
def rejects(run_id: int) -> ResponseReturnValue:
    """Send the rows that could not be taken over, with reasons, as they were in the file."""
    background.find(_importer(), run_id, _settings())
    folder = folders.folder_of(_settings(), run_id)
    if not folder.rejects.exists():
        message = "No row was rejected."
        raise NotFoundError(message)
    return send_file(
        folder.rejects,
        mimetype="text/csv",
        as_attachment=True,
        download_name=f"rejects-{run_id}.csv",
    )


def _importer() -> Actor:
    actor = signed_in_actor()
    if not may(actor, Action.IMPORT_SERVICE_REQUESTS):
        message = "Imports are for administrators."
        raise NotPermittedError(message)
    return actor


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings


def _unit_choices(actor: Actor) -> Sequence[SelectChoice]:
    units = organisation.unit_tree(within=actor.units_where(Action.IMPORT_SERVICE_REQUESTS))
    return tree_choices(units)


def _prepared(form: ImportForm, actor: Actor) -> int | None:
    """Return the run of a trial, or None when the form says what is wrong."""
    uploaded: FileStorage = form.file.data
    own: FileStorage | None = form.own_mapping.data
    with tempfile.TemporaryDirectory() as folder:
        table, mapping = Path(folder, "table"), Path(folder, "mapping.toml")
        uploaded.save(table)
        if form.mapping.data != OWN_MAPPING:
            mapping = background.MAPPINGS / form.mapping.data  # one of the choices offered
        elif own:
            own.save(mapping)
        else:
            form.complain(form.own_mapping, _("Choose the file of your mapping."))
            return None
        try:
            read_mapping(mapping)
        except MappingError as error:
            form.complain(form.own_mapping, _("The mapping cannot be used: %(why)s", why=error))
            return None
        try:
            return background.prepare(
                table,
                mapping,
                uploaded.filename or "",
                _settings(),
                unit_id=form.unit.data,
                actor=actor,
                now=utc_now(),
            )
        except FileError as error:
            form.complain(form.file, error)
            return None
        except RefusedError as refused:
            form.complain(form.file, refusal_text(refused.refusal))
            return None
