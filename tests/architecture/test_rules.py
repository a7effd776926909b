"""A fault planted for each convention is found; what is right is left alone."""

from pathlib import Path

import pytest

from tests.architecture import rules

GOOD_ACTION = '''
def resolve(thing, *, actor, now):
    """Close it."""
    require(actor, Action.RESOLVE, thing)
    thing.resolved_at = now
'''
GOOD_READER = '''
def why_not(thing, *, actor):
    """Return why."""
    return None if thing.is_open else "closed"
'''


@pytest.mark.parametrize(
    "body",
    [
        "thing.resolved_at = now",
        "thing.times += 1",
        "db.session.add(thing)",
        "db.session.execute(update(Thing).values(a=1))",
        "steps.take(thing, Step.RESOLVE, actor=actor, now=now)",
        "now = now\n    require(actor, Action.RESOLVE, thing)\n    thing.resolved_at = now",
    ],
)
def test_an_action_that_does_not_ask_first_is_found(body: str) -> None:
    source = f'def resolve(thing, *, actor, now):\n    """Close it."""\n    {body}\n'
    assert rules.unguarded_writers(source) == ["resolve"]


def test_an_action_that_leaves_the_change_to_a_helper_is_found() -> None:
    source = (
        "def resolve(thing):\n    _close(thing)\n\ndef _close(thing):\n    thing.closed = True\n"
    )
    assert rules.unguarded_writers(source) == ["resolve"]


@pytest.mark.parametrize(
    "source", [GOOD_ACTION, GOOD_READER, GOOD_ACTION.replace("resolve(", "_resolve(")]
)
def test_actions_that_ask_first_and_readers_pass(source: str) -> None:
    assert rules.unguarded_writers(source) == []


@pytest.mark.parametrize("call", ["db.session.commit()", "session.commit()", "connection.commit()"])
def test_a_commit_is_found(call: str) -> None:
    assert rules.commits(f"def save():\n    {call}\n") == [2]


@pytest.mark.parametrize(
    "call",
    [
        "datetime.now(UTC)",
        "datetime.datetime.now()",
        "datetime.utcnow()",
        "date.today()",
        "time.time()",
    ],
)
def test_a_look_at_the_clock_is_found(call: str) -> None:
    assert rules.clock_readings(f"moment = {call}\n") == [1]


@pytest.mark.parametrize("call", ["time.monotonic()", "utc_now()", "datetime.fromisoformat(text)"])
def test_other_uses_of_time_pass(call: str) -> None:
    assert rules.clock_readings(f"moment = {call}\n") == []


def test_unescaped_output_is_found() -> None:
    assert rules.raw_output("{{ note | safe }}") == ["{{ note | safe }}"]
    assert rules.raw_output("{{ note|safe }} {{ unsafe }}") == ["{{ note|safe }}"]
    assert len(rules.raw_output("{% autoescape false %}{{ note }}{% endautoescape %}")) == 1
    assert rules.raw_markup("html = Markup(note)\n") == ["Markup(note)"]
    assert rules.raw_output("{{ note }}") == []


def test_a_due_time_that_is_printed_as_a_moment_is_found() -> None:
    assert rules.due_as_moments("{{ it.due_at | datetime }}") == ["due_at | datetime"]
    assert rules.due_as_moments("{{ answer_by|date }}") == ["answer_by|date"]
    assert rules.due_as_moments("{{ it.due_at|due }} {{ it.closed_at|datetime }}") == []


def test_an_address_made_of_what_a_visitor_named_is_found() -> None:
    assert rules.addresses_of_many_parts('url_for(".index", **request.args)') == [1]
    assert rules.addresses_of_many_parts('flask.url_for(".index", page=1, **kept)') == [1]
    assert rules.addresses_of_many_parts('url_for(".index", page=page)') == []


def test_an_import_inside_a_function_is_found() -> None:
    source = "import json\ndef late():\n    from csv import reader\n"
    assert rules.hidden_imports(source) == ["late: from csv import reader"]


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.example/x.js"></script>',
        '<link rel="stylesheet" href="//cdn.example/x.css">',
        "@import url(https://fonts.example/css);",
        'import { a } from "https://cdn.example/a.js";',
    ],
)
def test_what_is_loaded_from_another_site_is_found(text: str) -> None:
    assert rules.foreign_addresses(text) == [text]


def test_links_to_other_sites_and_namespaces_pass() -> None:
    assert rules.foreign_addresses('<a href="https://example.org">there</a>') == []
    assert rules.foreign_addresses('<svg xmlns="http://www.w3.org/2000/svg">') == []


def test_a_template_that_nobody_uses_is_found(tmp_path: Path) -> None:
    templates, sources = tmp_path / "templates", tmp_path / "tracker"
    for name in ("teams/show.html", "teams/lost.html", "layouts/page.html"):
        (templates / name).parent.mkdir(parents=True, exist_ok=True)
        (templates / name).write_text('{% extends "layouts/page.html" %}')
    sources.mkdir()
    (sources / "views.py").write_text('render_template("teams/show.html")')

    assert rules.templates_without_use(templates, sources) == ["teams/lost.html"]
    assert rules.feature_folders(templates) == {"teams"}


def test_a_view_that_changes_something_is_recognised() -> None:
    assert rules.opens_transaction("def show():\n    with transaction():\n        pass\n")
    assert not rules.opens_transaction("def show():\n    return transaction\n")


def test_imports_are_read_in_both_spellings() -> None:
    assert rules.imports_of("import tracker.a\nfrom tracker.b import c\n") == {
        "tracker.a",
        "tracker.b",
    }
