"""The product keeps its own conventions. Each list of exceptions says why, and may not go stale."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest
from flask import Flask
from wtforms import HiddenField, PasswordField, StringField, TextAreaField
from wtforms.fields.core import UnboundField
from wtforms.validators import DataRequired, InputRequired, Length

from tests.architecture import rules
from tests.architecture.rules import ROOT, TEMPLATES, TRACKER, found_in, name_of, python_files
from tests.support.browser import Browser
from tests.support.databases import settings
from tracker import create_app
from tracker.web.access import is_public, public
from tracker.web.forms import Form, password_fields
from tracker.web.kept import ONCE_KEY, SECRETS

FILES: Final = python_files()
ACTION_FILES: Final = [
    *sorted(TRACKER.glob("*/actions.py")),
    *sorted(TRACKER.glob("*/actions/*.py")),
]
STATIC_FILES: Final = sorted(
    path for path in (ROOT / "static").rglob("*") if path.suffix in (".js", ".css", ".svg")
)
TEMPLATE_FILES: Final = sorted(path for path in TEMPLATES.rglob("*.*") if path.suffix != ".md")

UNASKED: Final[Mapping[str, str]] = {
    "tracker/service_requests/actions/steps.py: take": "every action asks before it takes a step",
    "tracker/service_requests/actions/steps.py: record": "the same",
    "tracker/service_requests/actions/steps.py: remember_handler": "the same",
    "tracker/service_requests/actions/merging.py: hand_over": "part of withdrawing, which asks",
    "tracker/service_requests/actions/parts.py: take_back_of_others": "part of assigning and returning",
    "tracker/service_requests/actions/steps.py: forget_result": "part of reopening, which asks",
    "tracker/service_requests/actions/claims.py: free": "part of steps that ask, and of leaving",
    "tracker/service_requests/actions/claims.py: take_place": "part of claiming, entering, handing over",
    "tracker/service_requests/actions/visiting.py: send_instead": "part of handing over, which asks",
    "tracker/service_requests/actions/visiting.py: stay_away": "part of giving a place back",
    "tracker/service_requests/actions/drafts.py: remove_old": "time's own step",
    "tracker/service_requests/actions/time_passing.py: take_turn": "time's own step",
    "tracker/service_requests/actions/time_passing.py: end_parking": "time's own step",
    "tracker/service_requests/actions/time_passing.py: take_question_turn": "time's own step",
    "tracker/service_requests/actions/visiting.py: keep_draft": "somebody's own typing",
    "tracker/service_requests/actions/visiting.py: end_drafts": "somebody's own typing",
    "tracker/service_requests/actions/visiting.py: forget_old_drafts": "time's own step",
}
"""What changes data without asking the matrix."""

PUBLIC_ENDPOINTS: Final = frozenset(
    {
        # files, health
        "static",
        "vendor",
        "health.alive",
        "health.ready",
        # coming in
        "accounts.sign_in",
        "accounts.sign_in_demo",
        "accounts.sign_out",
        "accounts.forgotten",
        "accounts.invitation",
        "accounts.reset",
        # outgoing mail of a demonstration; elsewhere it answers 404
        "demo_mail.index",
        # language and size of the text
        "locale.switch",
        "locale.text_size",
        # a resident asks
        "home.index",
        "ask.new",
        "ask.form",
        "ask.edit",
        "ask.check",
        "ask.discard",
        "ask.similar",
        "photos.of_draft",
        # a resident follows the own request, by the private link
        "photos.of_request",
        "track.index",
        "track.show",
        "track.confirm",
        "track.dispute",
        "track.qr",
        "track.clock",
        "track.receipt",
        "track.reaching",
        "track.reaching_code",
        "track.renew",
        "track.slip",
        "track.urge",
        "track.withdraw",
        "track.word",
    }
)
"""Every page that is open to people who have not signed in. Closed by default."""

SAFE_MARKUP: Final[Mapping[str, str]] = {
    "tracker/web/templating.py": "icons: the body comes from the installed icon package",
    "tracker/web/options.py": "made once for thousands of pages, of escaped parts alone",
}
"""Where Python makes HTML itself."""

IMPORTED_WHEN_CALLED: Final[Mapping[str, str]] = {
    "tracker/accounts/actions.py: sort_key: from pypinyin import lazy_pinyin": (
        "58 MB in every process, for the few that enter people"
    ),
    "tracker/reports/exports.py: workbook: import xlsxwriter": (
        "2 MB in every process, for the few that are asked for a workbook"
    ),
    "tracker/reports/importing/files.py: _workbook:"
    " from tracker.reports.importing.workbooks import sheet_rows": (
        "5 MB in every process, 15 with numpy, for the few that import a workbook"
    ),
}
"""`file: function: import`, with the reason."""

CHANGED_BY_GET: Final[Mapping[str, str]] = {}
"""Pages that write although they only answer GET. Looking is written down, nothing changes."""


on_one_database = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)


def assert_only(found: Sequence[str], allowed: Mapping[str, str], advice: str) -> None:
    """Fail on what is found and not allowed, and on what is allowed and no longer there."""
    assert sorted(set(found) - set(allowed)) == [], advice
    assert sorted(set(allowed) - set(found)) == [], "these exceptions are not needed any more"


# -------------------------------------------------------------------- what changes data


def test_every_action_asks_permission_first() -> None:
    found = list(found_in(ACTION_FILES, rules.unguarded_writers))
    assert ACTION_FILES
    assert_only(found, UNASKED, "begin with `require(actor, Action.…)`")


def test_only_the_database_module_commits() -> None:
    guilty = {name_of(path) for path in FILES if rules.commits(path.read_text())}
    assert guilty == {"tracker/database.py"}, "wrap the change in `with transaction():`"


def test_only_the_clock_module_reads_the_clock() -> None:
    guilty = {name_of(path) for path in FILES if rules.clock_readings(path.read_text())}
    assert guilty == {"tracker/clock.py"}, "pass `now`; views and commands call `utc_now()`"


@on_one_database
def test_no_page_that_is_only_read_changes_anything(app: Flask) -> None:
    reading = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if not (rule.methods or set()) & {"POST", "PUT", "PATCH", "DELETE"}
    }
    found = [
        endpoint
        for endpoint in sorted(reading)
        if rules.opens_transaction(_source_of(app.view_functions[endpoint]))
    ]
    assert_only(found, CHANGED_BY_GET, "mail scanners open links: change things by POST only")


def _source_of(view: Callable[..., object]) -> str:
    return inspect.cleandoc("\n" + inspect.getsource(inspect.unwrap(view)))


# -------------------------------------------------------------------- who may come in


@on_one_database
def test_only_the_listed_pages_are_open_to_everybody(app: Flask) -> None:
    assert _open_endpoints(app) == PUBLIC_ENDPOINTS, (
        "if a page is meant to be open, list it in PUBLIC_ENDPOINTS"
    )


@on_one_database
def test_a_page_is_closed_until_it_is_marked(database_url: str, tmp_path: Path) -> None:
    app = create_app(settings(database_url, tmp_path))
    app.add_url_rule("/planted", "planted", lambda: "")
    app.add_url_rule("/planted-open", "planted_open", public(lambda: ""))
    assert _open_endpoints(app) - PUBLIC_ENDPOINTS == {"planted_open"}


def _open_endpoints(app: Flask) -> set[str]:
    return {endpoint for endpoint in app.view_functions if is_public(endpoint, app)}


@on_one_database
def test_every_other_page_asks_who_is_there(app: Flask, browser: Browser) -> None:
    for rule in app.url_map.iter_rules():
        if rule.endpoint in PUBLIC_ENDPOINTS:
            continue
        address = rule.build(
            {name: "0" * 32 if name in ("key", "token") else 1 for name in rule.arguments},
            append_unknown=False,
        )
        assert address is not None, rule
        app.config["WTF_CSRF_ENABLED"] = False  # the door, not the form, must refuse
        for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
            answer = browser.request(method, address[1])
            place = answer.headers.get("Location", "")
            assert (answer.status_code, place.partition("?")[0]) in {
                (303, "/sign-in"),
                (401, ""),
            }, f"{method} {rule} answered a stranger {answer.status}"


# -------------------------------------------------------------------- pages and files


def test_folders_of_templates_mirror_the_features() -> None:
    features = {path.parent.name for path in TRACKER.glob("*/__init__.py")}
    assert rules.feature_folders() <= features


def test_every_template_is_used() -> None:
    assert rules.templates_without_use() == []


def test_a_due_time_is_printed_as_one() -> None:
    # What ends with a day is read as a day later: |due and |due_day say so.
    assert list(found_in(TEMPLATE_FILES, rules.due_as_moments)) == []


def test_what_is_not_sent_changes_nothing() -> None:
    # HEAD comes to a view like GET, and without the token of a form: ask whether it is a POST.
    guilty = [name_of(path) for path in FILES if 'method == "GET"' in path.read_text()]
    assert guilty == []


def test_nothing_is_printed_unescaped() -> None:
    assert list(found_in(TEMPLATE_FILES, rules.raw_output)) == []
    guilty = [name_of(path) for path in FILES if rules.raw_markup(path.read_text())]
    assert_only(guilty, SAFE_MARKUP, "let the template escape it")


def test_what_is_typed_carries_the_mark_of_its_writer() -> None:
    """Kept through a sign-out, it is given back to them alone."""
    assert list(found_in(TEMPLATE_FILES, rules.unmarked_forms)) == []


def test_no_form_with_a_password_is_ever_kept() -> None:
    forms = list(_forms_below(Form))
    secrets = {name for form in forms for name in password_fields(form)}
    assert {"password", "again", "present"} <= secrets
    assert secrets <= SECRETS
    for form in forms:
        named = {name for name in dir(form) if isinstance(getattr(form, name), UnboundField)}
        assert (named & SECRETS) == password_fields(form), f"{form}: nothing of it would be kept"
    asking = [name_of(path) for path in TEMPLATE_FILES if 'type="password"' in path.read_text()]
    assert asking == [], "ask for a password by a field of a form, or the page that keeps shows it"


def _forms_below(form: type[Form]) -> Iterator[type[Form]]:
    for below in form.__subclasses__():
        yield below
        yield from _forms_below(below)


def test_nothing_is_loaded_from_another_site() -> None:
    files = [*TEMPLATE_FILES, *STATIC_FILES]
    assert files
    assert list(found_in(files, rules.foreign_addresses)) == []


def test_what_a_visitor_named_never_reaches_url_for() -> None:
    assert list(found_in(FILES, rules.addresses_of_many_parts)) == [], "use `addresses.address`"


def _texts_that_only_must_be_sent(form: type[Form]) -> list[str]:
    """Return the fields for words that take spaces for an answer."""
    return [
        name
        for name in dir(form)
        if isinstance(field := getattr(form, name), UnboundField)
        and issubclass(field.field_class, StringField)
        and not issubclass(field.field_class, PasswordField | HiddenField)
        and any(
            isinstance(rule, InputRequired | DataRequired)
            for rule in (field.args[1:2] or (field.kwargs.get("validators") or (),))[0]
        )
    ]


def test_what_must_say_something_is_not_answered_by_spaces(app: Flask) -> None:
    class Planted(Form):
        why = TextAreaField("Why?", [InputRequired("Say why."), Length(max=9)])
        note = StringField("Note", validators=[DataRequired()])
        key = HiddenField(validators=[InputRequired()])

    assert set(_texts_that_only_must_be_sent(Planted)) == {"why", "note"}
    assert app.name  # every form is imported
    for form in _forms_below(Form):
        if form.__module__.startswith("tracker."):
            assert not _texts_that_only_must_be_sent(form), (
                f"{form.__module__}.{form.__name__}: take `Says` for texts"
            )


def test_imports_stand_at_the_top() -> None:
    found = list(found_in(FILES, rules.hidden_imports))
    assert_only(
        found, IMPORTED_WHEN_CALLED, "move the import to the top; if it is a cycle, break it"
    )


def test_the_product_never_imports_its_tests_or_tools() -> None:
    for path in FILES:
        roots = {module.partition(".")[0] for module in rules.imports_of(path.read_text())}
        assert not roots & {"tests", "tools", "bench", "pytest"}, name_of(path)


def test_no_script_keeps_what_tells_one_page_from_another() -> None:
    keeping = [path for path in (ROOT / "static/js").glob("*.js") if "NOT_KEPT" in path.read_text()]
    assert len(keeping) == 3
    for path in keeping:
        [listed] = re.findall(r"NOT_KEPT = new Set\((.*?)\)", path.read_text())
        for name in ("csrf_token", ONCE_KEY, "author"):
            assert f'"{name}"' in listed, f"{path.name} keeps {name}"
