"""What every template can use: icons, addresses of assets, formats, the navigation."""

import hashlib
import re
from collections.abc import Callable, Hashable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from flask import Flask, current_app, request, send_from_directory, url_for
from flask.templating import Environment as FlaskEnvironment
from flask.typing import ResponseReturnValue
from jinja2 import StrictUndefined, Template, nodes
from jinja2.runtime import Macro
from jinja2.visitor import NodeTransformer
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from wtforms import Field, FileField

from tracker.permissions import Action, Actor, Role, may
from tracker.privacy import dialled, format_phone
from tracker.web import access, locale
from tracker.web.addresses import printable
from tracker.web.kept import author_mark
from tracker.web.labels import label
from tracker.web.once import page_key

VENDOR = {
    "bootstrap.css": "static/bootstrap5/css/bootstrap.min.css",
    "bootstrap.js": "static/bootstrap5/js/bootstrap.min.js",
}
"""Third-party files that are served, by the name in their address."""
DRAWN = 1024
"""How many pieces of pages are remembered, the last ones asked for: some 2 kB each."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the navigation, shown to those who hold `right`."""

    endpoint: str
    label: Any
    icon: str
    right: Action
    group: str = ""
    short: Any = ""
    """Its label where the room is a fifth of a phone's width; without one, the same."""


@dataclass(frozen=True, slots=True)
class Link:
    """A navigation entry as the template prints it."""

    endpoint: str
    url: str
    label: str
    icon: str
    group: str
    short: str
    active: bool
    count: int | None = None


class Environment(FlaskEnvironment):
    """Jinja's, for templates whose globals are all there before the first one is read.

    Jinja looks them up in two maps at each import of a template into another, a dozen to a page,
    so that the globals may still change; one map takes a tenth of the time.

    A template is compiled once in each language, with its texts in it: a page has a hundred of
    them, and looking each up takes as long as half of the page's statements.
    """

    spoken: str | None = None
    """The language of the templates that this one compiles, or None: it leaves that to others."""
    _speakers: Mapping[str, "Environment"] = MappingProxyType({})

    def get_template(
        self,
        name: str | Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,  # noqa: A002 - the signature is Jinja's
    ) -> Template:
        """Return the template in the language that is spoken now; it asks for others in the same."""
        if self.spoken is None:
            return self._speaking(locale.current_locale()).get_template(name, parent, globals)
        return super().get_template(name, parent, globals)

    def _speaking(self, language: str) -> "Environment":
        known = self._speakers.get(language)
        # What was made of this one by others has a copy of what it knew, and its own templates.
        if known is None or known.linked_to is not self:
            known = self.overlay()
            known.spoken = language
            self._speakers = {**self._speakers, language: known}
        return known

    def _generate(
        self,
        source: nodes.Template,
        name: str | None,
        filename: str | None,
        defer_init: bool = False,  # noqa: FBT001, FBT002 - the signature is Jinja's
    ) -> str:
        """Return the template's code; Jinja lets this be overridden."""
        if self.spoken is not None:
            source = _Speaker(locale.texts(self.spoken)).visit(source)
        return super()._generate(source, name, filename, defer_init)

    def make_globals(self, d: MutableMapping[str, Any] | None) -> MutableMapping[str, Any]:
        """Return what a template can use, whoever renders it."""
        return {**self.globals, **(d or {})}


class _Speaker(NodeTransformer):
    """Writes the texts of a template into it, as Jinja's `_` would say them."""

    def __init__(self, said: Callable[[str], str]) -> None:
        self.said = said

    def visit_Call(self, call: nodes.Call) -> nodes.Node:  # noqa: N802 - the name is Jinja's
        """Put the text in place of `_("…")`, filled in where there is something to fill in."""
        self.generic_visit(call)
        if not (
            isinstance(call.node, nodes.Name)
            and call.node.name in ("_", "gettext")
            and len(call.args) == 1
            and isinstance(call.args[0], nodes.Const)
            and call.dyn_args is None
            and call.dyn_kwargs is None
        ):
            return call
        text = nodes.MarkSafeIfAutoescape(nodes.Const(self.said(call.args[0].value)))
        given = [nodes.Pair(nodes.Const(each.key), each.value) for each in call.kwargs]
        return nodes.Mod(text, nodes.Dict(given)).set_lineno(call.lineno)


def init_app(
    app: Flask,
    *,
    navigation: Sequence[Entry],
    organisation: Callable[[], object],
    is_demonstration: Callable[[], bool],
    unread: Callable[[int], int],
) -> None:
    """Give templates their globals and filters; a misspelt variable fails."""
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.policies["ext.i18n.trimmed"] = True  # as babel.cfg, or texts are not found
    app.jinja_env.filters.update(
        datetime=locale.format_datetime,
        date=locale.format_day,
        due=locale.format_due,
        due_day=locale.format_due_day,
        until=locale.format_until,
        ago=locale.format_ago,
        duration=locale.format_duration,
        days=locale.format_days,
        number=locale.format_number,
        percent=locale.format_share,
        phone=format_phone,
        dialled=dialled,
        printable=printable,
        errors_told=errors_told,
    )
    app.jinja_env.globals.update(
        icon=icon,
        drawn_once=drawn_once,
        asset=asset,
        label=label,
        localized=locale.localized,
        may=may,
        author_mark=author_mark,
        page_key=page_key,
        Action=Action,
        is_demonstration=is_demonstration,
    )
    app.extensions["navigation"] = _remembered(navigation)
    app.add_url_rule("/vendor/<name>", "vendor", _vendor)

    @app.context_processor
    def reader() -> dict[str, object]:
        actor = access.actor_or_none()
        return {
            "actor": actor,
            "current_locale": locale.current_locale(),
            "html_lang": locale.HTML_LANG[locale.current_locale()],
            "locales": locale.LOCALES,
            "text_size": "large" if request.cookies.get(locale.TEXT_SIZE_COOKIE) == "large" else "",
            "organisation": organisation(),
            "navigation": lambda: links(actor),
            "unread_messages": lambda: unread(actor.person_id or 0) if actor else 0,
            "bootstrap_css": vendor_address("bootstrap.css"),
        }


def errors_told(field: Field) -> Sequence[str]:
    """Return what a page says is wrong with a field: of chosen files each that was not taken.

    Of any other field the first alone: what else its validators find mostly follows from it.
    """
    return field.errors if isinstance(field, FileField) else field.errors[:1]


def links(actor: Actor | None) -> tuple[Link, ...]:
    """Return the navigation of `actor`: what they hold the right to, in order."""
    if actor is None:
        return ()
    draw: Callable[..., tuple[Link, ...]] = current_app.extensions["navigation"]
    return draw(
        locale.current_locale(),
        request.script_root,
        request.endpoint,
        # What a right without a thing is decided by: see `permissions.may`.
        *(
            frozenset(role for role, ids in held.items() if ids)
            for held in (actor.units, actor.teams)
        ),
        actor.at_the_top,
    )


def _remembered(navigation: Sequence[Entry]) -> Callable[..., tuple[Link, ...]]:
    """Return what makes the navigation, once for all who hold the same roles, on each page.

    It asks the matrix of a right about nothing in particular, which knows roles, not where.
    """

    @lru_cache(maxsize=512)
    def draw(
        _locale: str,
        _script_root: str,
        _endpoint: str | None,
        in_units: frozenset[Role],
        in_teams: frozenset[Role],
        at_the_top: frozenset[Role],
    ) -> tuple[Link, ...]:
        anywhere = frozenset({0})
        actor = Actor(
            person_id=0,
            units=dict.fromkeys(in_units, anywhere),
            teams=dict.fromkeys(in_teams, anywhere),
            at_the_top=at_the_top,
        )
        return tuple(
            Link(
                endpoint=entry.endpoint,
                url=url_for(entry.endpoint),
                label=str(entry.label),
                icon=entry.icon,
                group=entry.group,
                short=str(entry.short),
                active=_is_here(entry.endpoint, navigation),
            )
            for entry in navigation
            if entry.endpoint in current_app.view_functions and may(actor, entry.right)
        )

    return draw


def _is_here(endpoint: str, navigation: Sequence[Entry]) -> bool:
    """Tell whether the page belongs to `endpoint`'s line: it, or a page of its blueprint.

    Where two lines lead into one blueprint, a page of it belongs to the first, unless it is the
    second's own.
    """
    if request.endpoint is None or request.endpoint == endpoint:
        return request.endpoint == endpoint
    lines = [entry.endpoint for entry in navigation]
    blueprint = endpoint.rpartition(".")[0]
    firsts = [line for line in lines if line.rpartition(".")[0] == blueprint]
    return (
        request.endpoint not in lines and request.blueprint == blueprint and firsts[0] == endpoint
    )


def first_place(actor: Actor) -> str:
    """Return where `actor`'s work begins: the first line of their navigation, else the front page."""
    places = links(actor)
    return places[0].url if places else "/"


def icon(name: str, label: str | None = None) -> Markup:
    """Return a Bootstrap icon as inline SVG; hidden from screen readers without a label."""
    return _drawn(name) if label is None else _icon(name, label)


@cache
def _drawn(name: str) -> Markup:
    return _icon(name, None)


def _icon(name: str, label: str | None) -> Markup:
    body = _icons().get(name)
    if body is None:
        message = f"There is no icon {name!r}."
        raise KeyError(message)
    described = (
        Markup('role="img" aria-label="{}"').format(label)
        if label
        else Markup('aria-hidden="true" focusable="false"')
    )
    # The body comes from the installed icon package, never from input.
    return Markup(
        '<svg class="icon" width="1em" height="1em" viewBox="0 0 16 16" fill="currentColor" {}>{}</svg>'
    ).format(described, Markup(body))  # noqa: S704 - the icon package's own markup


@cache
def _icons() -> dict[str, str]:
    sprite = (files("flask_bootstrap") / "static/bootstrap5/icons/bootstrap-icons.svg").read_text()
    symbol = re.compile(r'<symbol[^>]*id="([^"]+)"[^>]*>(.*?)</symbol>', re.DOTALL)
    return dict(symbol.findall(sprite))


def drawn_once(macro: Macro, *given: Hashable, **named: Hashable) -> Markup:
    """Return what `macro` prints for `given`, drawn once for all pages in the same language.

    For what stands in line after line, or on page after page. The macro reads nothing but what it
    is given, the language, and addresses below this site's root: no reader, no clock, no token.
    """
    return _drawn_once(locale.current_locale(), request.script_root, macro, *given, **named)


@lru_cache(maxsize=DRAWN)
def _drawn_once(
    _locale: str, _script_root: str, macro: Macro, *given: Hashable, **named: Hashable
) -> Markup:
    return Markup(macro(*given, **named))  # noqa: S704 - printed by a template, which escaped it


def asset(path: str) -> str:
    """Return the address of a file in static/, which changes when the file does."""
    return _address(request.script_root, current_app.static_folder or "", path)


@lru_cache(maxsize=512)
def _address(script_root: str, folder: str, path: str) -> str:
    """Remember: a page has some forty assets, and none of them moves while a process runs."""
    version = _version(Path(folder, path))
    address = url_for("static", filename=path, v=version)
    assert address.startswith(script_root)  # noqa: S101 - what the result is kept by
    return address


@lru_cache(maxsize=512)
def _version(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:10]
    except FileNotFoundError:
        message = f"static/ has no {path.name}."
        raise FileNotFoundError(message) from None


def vendor_address(name: str) -> str:
    """Return the address of a third-party file that we serve."""
    return url_for("vendor", name=name, v=_vendor_version())


@cache
def _vendor_version() -> str:
    return hashlib.sha256(
        (files("flask_bootstrap") / VENDOR["bootstrap.css"]).read_bytes()
    ).hexdigest()[:10]


def _vendor(name: str) -> ResponseReturnValue:
    if name not in VENDOR:
        raise NotFound
    path = Path(str(files("flask_bootstrap") / VENDOR[name]))
    return send_from_directory(path.parent, path.name, max_age=31_536_000)
