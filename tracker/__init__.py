"""Shishi 实事: practical help, asked for, dispatched, done and confirmed."""

import logging
from datetime import timedelta
from typing import Any

from flask import Flask, request
from flask_babel import lazy_gettext as _l, lazy_pgettext
from werkzeug.middleware.proxy_fix import ProxyFix

from tracker import cli, database, private_files, tables
from tracker.accounts import (
    actions as account_actions,
    demonstration,
    mail as accounts_mail,
    sessions,
    views as accounts,
    words as accounts_words,
)
from tracker.config import ROOT, Settings, settings_from_environment
from tracker.database import db, engine_options
from tracker.notifications import (
    inbox,
    jobs,
    views as notifications,
    words as notifications_words,
)
from tracker.notifications.outbox import enqueue
from tracker.organisation import (
    actions as organisation_actions,
    queries as organisation_queries,
    views as organisation,
    words as organisation_words,
)
from tracker.permissions import Action
from tracker.reports import views as reports, words as reports_words
from tracker.reports.importing import folders
from tracker.reports.rollups import folding
from tracker.service_requests import (
    climbing,
    daily,
    leaving,
    links as service_request_links,
    recounting,
    untexted,
    views as service_requests,
    words as service_requests_words,
)
from tracker.teams import actions as team_actions, views as teams
from tracker.teams.actors import load_actor
from tracker.visits import words as visits_words
from tracker.web import (
    access,
    addresses,
    cookies,
    errors,
    health,
    labels,
    locale,
    looking,
    security,
    templating,
)
from tracker.web.templating import Entry

NAVIGATION = (
    Entry("board.index", _l("Board"), "clipboard-heart", Action.VIEW_BOARD, "work"),
    Entry("board.mine", _l("My tasks"), "person-check", Action.VIEW_BOARD, "work"),
    Entry("own_team.index", _l("My team"), "people", Action.LEAD_TEAM, "work"),
    Entry("queue.index", _l("Requests"), "inbox", Action.VIEW_QUEUE, "work"),
    Entry(
        "intake.new",
        _l("Take a call"),
        "telephone-inbound",
        Action.TAKE_IN_SERVICE_REQUEST,
        "work",
        short=lazy_pgettext("below on a phone", "Take a call"),
    ),
    Entry("call_backs.index", _l("Call-backs"), "telephone-outbound", Action.CALL_BACK, "work"),
    Entry("approvals.index", _l("Approvals"), "check2-square", Action.DECIDE_EXTENSION, "work"),
    Entry("figures.index", _l("Figures"), "bar-chart", Action.VIEW_REPORTS, "figures"),
    Entry("people.index", _l("People"), "people", Action.MANAGE_PEOPLE, "set-up"),
    Entry("teams.index", _l("Teams"), "person-hearts", Action.MANAGE_TEAMS, "set-up"),
    Entry("units.index", _l("Units"), "diagram-3", Action.MANAGE_UNITS, "set-up"),
    Entry("areas.index", _l("Areas"), "geo-alt", Action.MANAGE_AREAS, "set-up"),
    Entry("categories.index", _l("Categories"), "tags", Action.MANAGE_CATEGORIES, "set-up"),
    Entry("routing.index", _l("Dispatch rules"), "signpost-split", Action.VIEW_ROUTING, "set-up"),
    Entry(
        "organisation.edit", _l("Organisation"), "building", Action.MANAGE_ORGANISATION, "set-up"
    ),
    Entry(
        "imports.index", _l("Import"), "box-arrow-in-down", Action.IMPORT_SERVICE_REQUESTS, "set-up"
    ),
    Entry(
        "endpoints.index",
        _l("Webhooks and robots"),
        "broadcast",
        Action.MANAGE_ENDPOINTS,
        "set-up",
    ),
    Entry("texts.index", _l("Texts of messages"), "chat-left-text", Action.EDIT_TEXTS, "set-up"),
    Entry("outbox.index", _l("Outbox"), "envelope", Action.VIEW_OUTBOX, "set-up"),
    Entry("audit.index", _l("Audit trail"), "journal-check", Action.VIEW_AUDIT_TRAIL, "set-up"),
    Entry(
        "permissions.index",
        _l("Who may do what"),
        "shield-check",
        Action.VIEW_PERMISSIONS,
        "set-up",
        short=lazy_pgettext("below on a phone", "Rights"),
    ),
)


class Application(Flask):
    """Flask's, which tells its log the name of a page that failed, not its address.

    A private link stands in the address: whoever read the log could speak as its requester.
    """

    def log_exception(self, exc_info: Any) -> None:  # noqa: ANN401 - as Flask's own
        """Write down what failed."""
        page = f"{request.endpoint} [{request.method}]"
        self.logger.error("Exception on %s", page, exc_info=exc_info)


def create_app(settings: Settings | None = None) -> Flask:
    """Return the application: the whole wiring on one screen.

    Raises `ConfigurationError` when the environment asks for something unsafe.
    """
    settings = settings or settings_from_environment()
    app = Application(
        __name__,
        instance_path=str(settings.instance_path),
        root_path=str(ROOT / "tracker"),
        template_folder=str(ROOT / "templates"),
        static_folder=str(ROOT / "static"),
    )
    private_files.tighten(settings.instance_path / "shishi.db")
    app.jinja_environment = templating.Environment
    app.config.from_mapping(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SECRET_KEY_FALLBACKS=list(settings.secret_key_fallbacks),
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        MAX_CONTENT_LENGTH=60 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=2 * 1024 * 1024,
        SESSION_COOKIE_NAME="shishi",
        SESSION_COOKIE_SECURE=settings.cookies_secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        REMEMBER_COOKIE_NAME="shishi_remember",
        REMEMBER_COOKIE_DURATION=sessions.REMEMBERED,
        REMEMBER_COOKIE_SECURE=settings.cookies_secure,
        REMEMBER_COOKIE_HTTPONLY=True,
        REMEMBER_COOKIE_SAMESITE="Lax",
        WTF_CSRF_TIME_LIMIT=None,  # a note typed for hours must still be sendable
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,  # addresses of assets carry their version
        TESTING=settings.environment == "testing",
        DEBUG=settings.debug,
    )
    app.logger.setLevel(logging.INFO)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, hops, hops, hops, hops)  # type: ignore[method-assign]
    settings.instance_path.mkdir(parents=True, exist_ok=True)

    addresses.init_app(app)
    cookies.init_app(app)
    db.init_app(app)
    app.extensions["tables"] = tables.MODULES
    locale.init_app(app, time_zone=organisation_queries.time_zone_name)
    templating.init_app(
        app,
        navigation=NAVIGATION,
        organisation=organisation_queries.organisation_for_pages,
        is_demonstration=demonstration.is_on,
        unread=inbox.unread,
    )
    labels.register_all(
        accounts_words.LABELS,
        notifications_words.LABELS,
        organisation_words.LABELS,
        reports_words.LABELS,
        service_requests_words.LABELS,
        visits_words.LABELS,
    )
    security.init_app(app)
    errors.init_app(app)
    access.init_app(app, load_actor=load_actor)
    database.before_writing[:] = [access.require_what_was_held]
    service_request_links.init_app(app)
    accounts_mail.init_app(app, enqueue=enqueue)
    jobs.register(app, jobs.Job("daily", daily.run_daily))
    jobs.register(app, jobs.Job("ladder", climbing.climb, every=timedelta(minutes=5)))
    jobs.register(app, jobs.Job("texts", untexted.call_instead, every=timedelta(minutes=5)))
    jobs.register(app, jobs.Job("imports", folders.clear_old))
    jobs.register_upkeep(app, lambda now: folding.fold(now=now))
    jobs.register_upkeep(app, lambda now: recounting.go_on(now=now))
    account_actions.on_role_ended[:] = [leaving.stay_away_without_role]
    organisation_actions.on_unit_moved[:] = [leaving.stay_away_where_moved]
    organisation_actions.on_clocks_changed[:] = [recounting.ask]
    team_actions.on_leaving[:] = [leaving.give_back_claims]
    team_actions.is_at_work[:] = [leaving.has_open_requests]

    for feature in (accounts, organisation, teams, notifications, service_requests, reports):
        for blueprint in feature.BLUEPRINTS:
            app.register_blueprint(blueprint)
    app.register_blueprint(health.blueprint)
    app.register_blueprint(looking.blueprint)
    cli.init_app(app)
    return app
