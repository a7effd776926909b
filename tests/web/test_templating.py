"""Texts that are compiled into a template are what `_` would have said."""

import pytest
from flask import Flask
from jinja2 import DictLoader
from markupsafe import Markup

from tracker.web.locale import LOCALES, in_locale

SOURCES = {
    "plain.html": '{{ _("Requests") }}|{{ _("No such text & <b>") }}|{{ gettext("Requests") }}',
    "filled.html": '{{ _("From %(day)s", day=day) }}|{{ _("%(what)s: %(value)s", what=_("Unit"), value=day) }}',
    "given.html": '{% macro shown(text) %}<i title="{{ text }}">{% endmacro %}{{ shown(_("Requests")) }}{{ shown(word) }}',
    "chosen.html": '{{ _(word) }}|{{ ngettext("%(num)s day", "%(num)s days", 2) }}',
    "percent.html": '{{ _("100 %% of “%(day)s”", day=day) }}|{{ ("a" ~ _("Unit")) | upper }}',
    "imports.html": '{% include "plain.html" %}|{% include "filled.html" %}',
}


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
@pytest.mark.parametrize("name", SOURCES)
def test_a_text_is_what_gettext_says(app: Flask, name: str) -> None:
    environment = app.jinja_env.overlay(loader=DictLoader(SOURCES))
    given = {"day": '<"3">', "word": "Requests"}
    with app.test_request_context():
        said = {}
        for locale in (*LOCALES, *LOCALES):
            with in_locale(locale):
                said[locale] = environment.get_template(name).render(given)
                # What is no file is not compiled in a language: there every text is looked up.
                assert said[locale] == environment.from_string(SOURCES[name]).render(given)
        assert len(set(said.values())) == len(LOCALES)


@pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
def test_what_is_filled_in_is_escaped_in_html_alone(app: Flask) -> None:
    sources = dict.fromkeys(("a.html", "a.txt"), '{{ _("From %(day)s", day=day) }}')
    environment = app.jinja_env.overlay(loader=DictLoader(sources))
    with app.test_request_context(), in_locale("en"):
        told = {name: environment.get_template(name).render(day="<3>") for name in sources}
        trusted = environment.get_template("a.html").render(day=Markup("<3>"))
    assert told == {"a.html": "From &lt;3&gt;", "a.txt": "From <3>"}
    assert trusted == "From <3>"
