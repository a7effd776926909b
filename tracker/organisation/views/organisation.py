"""The settings of the whole, and its calendar."""

from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from tracker.clock import utc_now
from tracker.database import transaction
from tracker.organisation import actions, queries
from tracker.organisation.calendar import holiday_names
from tracker.organisation.forms import (
    WEEKDAYS,
    CalendarDayForm,
    OrganisationForm,
    first_own_day,
    tree_choices,
)
from tracker.permissions import Action, require
from tracker.web.access import signed_in_actor
from tracker.web.locale import ENGLISH, current_locale

blueprint = Blueprint("organisation", __name__)

FIELDS = (
    "name",
    "name_en",
    "phone",
    "time_zone",
    "country",
    "reminder_days",
    "question_days",
    "no_contact_tries",
    "claim_limit",
    "privacy_note",
    "privacy_note_en",
)


@blueprint.route("/admin/organisation", methods=["GET", "POST"])
def edit() -> ResponseReturnValue:
    """Change what is set once for the whole installation."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_ORGANISATION)
    settings = queries.organisation()
    form = OrganisationForm.from_request(settings, **OrganisationForm.hours(settings.working_week))
    form.offer()
    if form.is_sent_and_valid():
        with transaction():
            actions.edit_organisation(
                {name: form[name].data for name in FIELDS} | {"working_week": form.week()},
                version=settings.version or 0,
                actor=actor,
                now=utc_now(),
            )
        flash(_("Saved."))
        return redirect(url_for("organisation.edit"), 303)
    return render_template("organisation/organisation.html", form=form, weekdays=WEEKDAYS)


@blueprint.route("/admin/calendar", methods=["GET", "POST"])
def calendar() -> ResponseReturnValue:
    """Show the public calendar and the organisation's own days; add one."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_ORGANISATION)
    settings = queries.organisation()
    today = utc_now().astimezone(ZoneInfo(settings.time_zone)).date()
    form = CalendarDayForm.from_request()
    form.offer(tree_choices(queries.unit_tree()), today=today)
    if form.is_sent_and_valid() and not _is_entered_otherwise(form):
        assert form.day.data is not None  # noqa: S101 - the form asked for it
        with transaction():
            actions.set_calendar_day(
                form.day.data,
                is_working=form.is_working.data,
                name=form.name.data or "",
                unit=queries.unit(form.unit_id.data) if form.unit_id.data else None,
                actor=actor,
                now=utc_now(),
            )
        flash(_("Saved. Due times count with it from now on."))
        return redirect(url_for("organisation.calendar"), 303)
    known = queries.calendar(utc_now())
    language = "en" if current_locale() == ENGLISH else "zh"
    return render_template(
        "organisation/calendar.html",
        form=form,
        own_days=queries.calendar_days(first_own_day(today)),
        holidays=sorted(
            (day, name)
            for year in (today.year, today.year + 1)
            for day, name in holiday_names(settings.country, year, language).items()
            if day >= today
        ),
        make_up_days=sorted(day for day in known.make_up_days if day >= today),
        known_through=known.known_through,
    )


def _is_entered_otherwise(form: CalendarDayForm) -> bool:
    """Tell whether something else is said of that day there already, and say so beside it."""
    assert form.day.data is not None  # noqa: S101 - the form asked for it
    there = queries.own_day(form.day.data, form.unit_id.data)
    sent = form.is_working.data, form.name.data or ""
    if there is None or (there.is_working, there.name) == sent:
        return False
    what = str(_("is worked") if there.is_working else _("is free"))
    form.complain(
        form.day,
        _(
            "This day is in the list already: %(what)s. Remove it there first.",
            what=_("%(what)s (%(why)s)", what=what, why=there.name) if there.name else what,
        ),
    )
    return True


@blueprint.post("/admin/calendar/<int:entry_id>/forget")
def forget_day(entry_id: int) -> ResponseReturnValue:
    """Let the public calendar decide about a day again."""
    actor = signed_in_actor()
    require(actor, Action.MANAGE_ORGANISATION)
    with transaction():
        actions.forget_calendar_day(queries.calendar_day(entry_id), actor=actor, now=utc_now())
    flash(_("The public calendar decides about that day again."))
    return redirect(url_for("organisation.calendar"), 303)
