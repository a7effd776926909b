"""A page as a test reads it, and what must hold for every page that any test opens.

Every page that `Browser` opens goes through `check`, so the whole suite tests all of it: valid
HTML, one h1, headings in order, unique ids, labels, alternative texts, table headers, a language,
a title, no inline script or style, nothing that leads nowhere.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final, cast
from urllib.parse import parse_qs, urljoin, urlsplit
from xml.etree.ElementTree import Element

import html5lib
from flask import Flask
from html5lib.constants import E as PARSE_ERRORS
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.test import TestResponse

HEADINGS: Final = ("h1", "h2", "h3", "h4", "h5", "h6")
SILENT: Final = frozenset({"script", "style", "template", "option", "svg", "noscript"})
NEED_NO_LABEL: Final = frozenset({"hidden", "submit", "button", "reset", "image"})
LEFTOVERS: Final = re.compile(r"^(None|False|True|Undefined|\[\]|\{\})$")
LEFTOVERS_IN_TEXT: Final = re.compile(r"%\(\w+\)[sd]|\{\{|\}\}|&(?:amp|lt|gt|nbsp|#\d+);|<object ")


@dataclass(frozen=True)
class Link:
    """Something to follow."""

    text: str
    href: str


class Page:
    """One answer of the application, read as a person reads it."""

    def __init__(self, response: TestResponse) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.url = response.request.url
        self.media_type = response.mimetype
        self.body = response.get_data()
        response.close()  # a file that was sent stays open until somebody says so
        # A picture or a spreadsheet has no text to read.
        self.html = self.body.decode("utf-8", "replace") if self._is_text else ""

    @property
    def _is_text(self) -> bool:
        kinds = ("text/", "application/json", "image/svg")
        return (self.media_type or "").startswith(kinds)

    @property
    def path(self) -> str:
        """Return the address without host and query."""
        return urlsplit(self.url).path

    @property
    def query(self) -> dict[str, list[str]]:
        """Return what the address asks for after its question mark."""
        return parse_qs(urlsplit(self.url).query, keep_blank_values=True)

    @cached_property
    def _parser(self) -> html5lib.HTMLParser:
        parser = html5lib.HTMLParser(
            tree=html5lib.getTreeBuilder("etree"), namespaceHTMLElements=False
        )
        self._root: Element = parser.parse(self.html)
        for element in self._root.iter():
            if _is_element(element):  # inside <svg> and <math> a tag carries its namespace
                element.tag = element.tag.rpartition("}")[2]
        return parser

    @property
    def root(self) -> Element:
        """Return the parsed page."""
        _ = self._parser  # parses, once
        return self._root

    @property
    def parse_errors(self) -> list[str]:
        """Return what is wrong with the HTML, each with its line."""
        lines = [*self.html.splitlines(), "", ""]  # an error at the end is counted after it
        return [
            f"line {line}: {PARSE_ERRORS[code] % data} in {lines[line - 1].strip()[:120]!r}"
            for (line, _column), code, data in self._parser.errors
        ]

    @cached_property
    def text(self) -> str:
        """Return the visible text, with single spaces."""
        return visible_text(self.root.find("body"))

    @property
    def title(self) -> str:
        """Return what the browser's tab shows."""
        return visible_text(self.root.find("head/title"))

    @property
    def heading(self) -> str:
        """Return the text of the h1."""
        return visible_text(next(self.root.iter("h1"), None))

    @property
    def language(self) -> str:
        """Return the language of the page, e.g. `zh-Hans`."""
        return self.root.get("lang", "")

    @property
    def links(self) -> list[Link]:
        """Return what can be followed, in order."""
        return [
            Link(name_of(anchor, self.root), anchor.get("href", ""))
            for anchor in self.root.iter("a")
            if anchor.get("href")
        ]

    @property
    def buttons(self) -> list[str]:
        """Return the names of the buttons, in order."""
        return [name_of(button, self.root) for button in self.root.iter("button")]

    @property
    def flashes(self) -> list[str]:
        """Return what the page says about what was just done."""
        return [visible_text(element) for element in self.find_all(role="status")] + [
            visible_text(element) for element in self.find_all(role="alert")
        ]

    @property
    def errors(self) -> dict[str, str]:
        """Return the message beside each field that has one, by the field's name.

        A message belongs to the field that names it in `aria-describedby`.
        """
        by_id = {element.get("id"): element for element in self.root.iter() if element.get("id")}
        found: dict[str, str] = {}
        for element in self.root.iter():
            if element.get("aria-invalid") != "true":
                continue
            ids = element.get("aria-describedby", "").split() or [""]
            messages = [by_id[i] for i in ids if i in by_id and "error" in i]
            name = element.get("name") or _first_field_name(element)
            found[name] = " ".join(visible_text(message) for message in messages)
        return found

    @property
    def tables(self) -> list[list[list[str]]]:
        """Return the tables: rows of cells, the header row first."""
        return [
            [
                [visible_text(cell) for cell in row if cell.tag in ("th", "td")]
                for row in table.iter("tr")
            ]
            for table in self.root.iter("table")
        ]

    def find_all(self, tag: str | None = None, /, **attributes: str) -> list[Element]:
        """Return the elements with all of `attributes` (`class_` and `data_x` as in templates)."""
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return [
            element
            for element in self.root.iter(tag)
            if _is_element(element)
            and all(
                value in element.get(name, "").split()
                if name == "class"
                else element.get(name) == value
                for name, value in wanted.items()
            )
        ]

    def link(self, text: str) -> str:
        """Return where the link named `text` leads; several may lead to the same place."""
        found = {link.href for link in self.links if link.text == text}
        found = found or {link.href for link in self.links if text in link.text}
        names = [link.text for link in self.links]
        assert found, f"{self.path} has no link {text!r}; it has {names}"
        assert len(found) == 1, f"{self.path} has several links {text!r}: {sorted(found)}"
        return found.pop()

    def form(self, *names: str, action: str = "", press: str = "") -> "FormOnPage":
        """Return the form that has fields with all of `names`, or that `press` is a button of.

        Of several that fit, the one in the main part of the page is meant.
        """
        main = next(self.root.iter("main"), self.root)
        inside = set(main.iter("form"))
        forms = [FormOnPage(self, form) for form in self.root.iter("form")]
        fitting = [
            form
            for form in forms
            if set(names) <= set(form.names)
            and (not action or action in form.action)
            and (not press or form.button(press) is not None)
        ]
        chosen = [form for form in fitting if form.element in inside] or fitting
        posting = [form for form in chosen if form.method == "post"] or chosen
        assert posting, (
            f"{self.path} has no form with {sorted(names)}{f' and button {press!r}' if press else ''}"
            f"; it has {[(form.action, form.names, form.buttons) for form in forms]}"
        )
        return posting[0]

    def __repr__(self) -> str:
        return f"<Page {self.status} {self.path}: {self.text[:2000] if self.html else ''}>"


class FormOnPage:
    """A form, with what a browser would send if nobody touched it."""

    def __init__(self, page: Page, element: Element) -> None:
        self.page = page
        self.element = element
        self.method = element.get("method", "get").lower()
        self.action = urljoin(page.url, element.get("action") or page.url)
        self._by_name: dict[str, list[Element]] = {}
        form_id = element.get("id")
        outside = [
            field
            for field in page.root.iter()
            if form_id and _is_element(field) and field.get("form") == form_id
        ]
        for field in [*element.iter(), *outside]:
            if field.tag in ("input", "select", "textarea") and "disabled" not in field.attrib:
                name = field.get("name")
                if name and field.get("type") not in ("submit", "image", "reset", "button"):
                    self._by_name.setdefault(name, []).append(field)
        self._buttons = [
            button
            for button in [*element.iter(), *outside]
            if button.tag == "button" or (button.tag == "input" and button.get("type") == "submit")
        ]

    @property
    def names(self) -> list[str]:
        """Return the names of the fields."""
        return list(self._by_name)

    @property
    def buttons(self) -> list[str]:
        """Return the names of the buttons."""
        return [name_of(button, self.page.root) for button in self._buttons]

    def button(self, text: str) -> Element | None:
        """Return the button named `text`, or the first one whose name contains it."""
        named = [(name_of(button, self.page.root), button) for button in self._buttons]
        for fits in (lambda name: name == text, lambda name: text in name):
            for name, button in named:
                if fits(name):
                    return button
        return None

    def options(self, name: str) -> list[str]:
        """Return the values that may be chosen for the field `name`."""
        values = []
        for field in self._by_name[name]:
            if field.tag == "select":
                values += [
                    option.get("value", visible_text(option)) for option in field.iter("option")
                ]
            elif field.get("type") in ("radio", "checkbox"):
                values.append(field.get("value", "on"))
        return values

    def values(self) -> dict[str, list[str]]:
        """Return what is filled in, by the name of the field."""
        return {name: _values(fields) for name, fields in self._by_name.items()}

    def filled(self, given: dict[str, object], *, press: str = "") -> dict[str, list[object]]:
        """Return what a browser sends after a person filled in `given` and pressed a button.

        What a person could not do (an unknown field, a value that is not offered) fails.
        """
        data: dict[str, list[object]] = {name: [*v] for name, v in self.values().items() if v}
        for name, value in given.items():
            assert name in self._by_name, f"no field {name!r} in {self.names}"
            values = list(value) if isinstance(value, (list, set)) else [value]
            if offered := self.options(name):
                values = [str(getattr(one, "value", one)) for one in values if one is not None]
                strange = set(map(str, values)) - set(offered)
                assert not strange, f"{name} does not offer {strange}, only {offered}"
            elif not any(field.get("type") == "file" for field in self._by_name[name]):
                values = ["" if one is None else str(one) for one in values]
            data[name] = list(values)
        button = self.button(press) if press else next(iter(self._buttons), None)
        assert button is not None, f"no button {press!r}, only {self.buttons}"
        if own_name := button.get("name"):
            data.setdefault(own_name, []).append(button.get("value", ""))
        return data

    def destination(self, press: str = "") -> str:
        """Return where the form goes when the button is pressed."""
        pressed = self.button(press) if press else next(iter(self._buttons), None)
        own = pressed.get("formaction") if pressed is not None else None
        return urljoin(self.page.url, own) if own else self.action


def check(page: Page, app: Flask | None = None) -> None:
    """Fail with everything that is wrong with `page`."""
    wrong = list(_problems(page, app))
    assert not wrong, f"{page.url} ({page.status}):\n  - " + "\n  - ".join(wrong)


def visible_text(element: Element | None) -> str:
    """Return the text that a person sees in `element`, with single spaces."""
    if element is None:
        return ""
    return " ".join("".join(_texts(element)).split())


def name_of(element: Element, root: Element) -> str:
    """Return the accessible name of a link, button or field."""
    if label := element.get("aria-label"):
        return " ".join(label.split())
    if ids := element.get("aria-labelledby"):
        by_id = {one.get("id"): one for one in root.iter() if one.get("id")}
        return " ".join(visible_text(by_id[i]) for i in ids.split() if i in by_id)
    images = [image.get("alt", "") for image in element.iter("img")]
    graphics = [svg.get("aria-label", "") for svg in element.iter("svg")]
    own = visible_text(element) or element.get("value", "")
    return " ".join(filter(None, [own, *images, *graphics])).strip()


def _is_element(element: Element) -> bool:
    """Tell elements from comments, whose tag is a function."""
    return isinstance(cast("object", element.tag), str)


def _texts(element: Element) -> Iterator[str]:
    if not _is_element(element) or element.tag in SILENT or "hidden" in element.attrib:
        return
    if element.tag in ("br", "p", "div", "li", "td", "th", "dd", "dt", "tr", "section"):
        yield " "
    yield element.text or ""
    for child in element:
        yield from _texts(child)
        yield child.tail or ""
    if element.tag in (
        "p",
        "div",
        "li",
        "td",
        "th",
        "h1",
        "h2",
        "h3",
        "h4",
        "button",
        "a",
        "label",
    ):
        yield " "


def _values(fields: list[Element]) -> list[str]:
    values = []
    for field in fields:
        if field.tag == "textarea":
            values.append("".join(field.itertext()).removeprefix("\n"))
        elif field.tag == "select":
            options = [option for option in field.iter("option") if "disabled" not in option.attrib]
            chosen = [option for option in options if "selected" in option.attrib]
            if not chosen and "multiple" not in field.attrib:
                chosen = options[:1]
            values += [option.get("value", visible_text(option)) for option in chosen]
        elif field.get("type") in ("radio", "checkbox"):
            if "checked" in field.attrib:
                values.append(field.get("value", "on"))
        elif field.get("type") != "file":
            values.append(field.get("value", ""))
    return values


def _first_field_name(element: Element) -> str:
    names = (field.get("name") for field in element.iter() if field.tag in ("input", "select"))
    return next(filter(None, names), "")


def _problems(page: Page, app: Flask | None) -> Iterator[str]:
    yield from page.parse_errors
    elements = [element for element in page.root.iter() if _is_element(element)]
    yield from _document_problems(page)
    yield from _heading_problems(elements)
    yield from _id_problems(elements)
    yield from _field_problems(elements)
    yield from _name_problems(page, elements)
    yield from _picture_problems(elements)
    yield from _table_problems(elements)
    yield from _attribute_problems(elements)
    yield from _form_problems(page, elements)
    if leftover := LEFTOVERS_IN_TEXT.search(page.text):
        around = page.text[max(leftover.start() - 30, 0) : leftover.end() + 30]
        yield f"the text shows {leftover[0]!r}: …{around}…"
    if app is not None:
        yield from _dead_ends(page, elements, app)


def _document_problems(page: Page) -> Iterator[str]:
    if not page.language:
        yield "<html> has no lang"
    if not page.title:
        yield "the title is empty"
    if len(list(page.root.iter("main"))) != 1:
        yield f"{len(list(page.root.iter('main')))} <main> instead of one"
    policy = page.headers.get("Content-Security-Policy", "")
    if not policy or "unsafe-inline" in policy or "unsafe-eval" in policy:
        yield f"the Content-Security-Policy is {policy!r}"


def _heading_problems(elements: Iterable[Element]) -> Iterator[str]:
    headings = [(int(e.tag[1]), visible_text(e)) for e in elements if e.tag in HEADINGS]
    firsts = [text for level, text in headings if level == 1]
    if len(firsts) != 1:
        yield f"{len(firsts)} h1 instead of one: {firsts}"
    before = 0
    for level, text in headings:
        if not text:
            yield f"an empty h{level}"
        if level > before + 1 and before:
            yield f"h{level} {text!r} comes after h{before}"
        before = level


def _id_problems(elements: list[Element]) -> Iterator[str]:
    ids = Counter(element.get("id", "") for element in elements if "id" in element.attrib)
    for value, count in ids.items():
        if count > 1:
            yield f"id {value!r} is used {count} times"
        if not value or value.split() != [value]:
            yield f"{value!r} is no id"
    for element in elements:
        for attribute in ("for", "aria-describedby", "aria-labelledby", "aria-controls", "list"):
            for one in element.get(attribute, "").split():
                if one not in ids:
                    yield f'<{element.tag} {attribute}="{one}"> names what is not there'
        href = element.get("href", "")
        if element.tag == "a" and href.startswith("#") and href[1:] not in ids:
            yield f"the link {href!r} leads nowhere on the page"


def _field_problems(elements: list[Element]) -> Iterator[str]:
    labelled = {e.get("for") for e in elements if e.tag == "label" and visible_text(e)}
    inside_label = {
        field for e in elements if e.tag == "label" and visible_text(e) for field in e.iter()
    }
    for element in elements:
        if element.tag in ("input", "select", "textarea"):
            if element.get("type", "text") in NEED_NO_LABEL:
                continue
            named = element.get("aria-label") or element.get("aria-labelledby")
            if not (named or element.get("id") in labelled or element in inside_label):
                yield f"<{element.tag} name={element.get('name')!r}> has no label"
        elif element.tag == "fieldset":
            legend = element.find("legend")
            named = element.get("aria-label") or element.get("aria-labelledby")
            if not named and not visible_text(legend):
                yield f"a <fieldset id={element.get('id')!r}> has no legend"


def _name_problems(page: Page, elements: Iterable[Element]) -> Iterator[str]:
    for element in elements:
        if element.tag not in ("a", "button", "summary") or "hidden" in element.attrib:
            continue  # a script names what is hidden when it shows it
        name = name_of(element, page.root)
        if not name and (element.tag != "a" or "href" in element.attrib):
            yield f"<{element.tag} {element.attrib}> has no name"
        if element.tag == "button" and "type" not in element.attrib:
            yield f"the button {name!r} has no type"


def _picture_problems(elements: Iterable[Element]) -> Iterator[str]:
    for element in elements:
        if element.tag == "img" and "alt" not in element.attrib:
            yield f"<img src={element.get('src')!r}> has no alt"
        if element.tag == "svg" and element.get("aria-hidden") != "true":
            titled = any(child.tag == "title" for child in element)
            if not (titled or element.get("aria-label") or element.get("aria-labelledby")):
                yield "an <svg> is neither named nor hidden from screen readers"


def _table_problems(elements: Iterable[Element]) -> Iterator[str]:
    for table in elements:
        if table.tag != "table":
            continue
        heads = list(table.iter("th"))
        if not heads:
            yield "a table has no <th>"
        for head in heads:
            if head.get("scope") not in ("col", "row", "colgroup", "rowgroup"):
                yield f"<th> {visible_text(head)!r} has no scope"
        named = table.get("aria-label") or table.get("aria-labelledby")
        if not named and not visible_text(table.find("caption")):
            yield "a table has no caption"


def _attribute_problems(elements: Iterable[Element]) -> Iterator[str]:
    for element in elements:
        if element.tag == "style":
            yield "an inline <style>"
        is_data = element.get("type") in ("application/json", "importmap", "speculationrules")
        if element.tag == "script" and not element.get("src") and not is_data:
            yield "an inline <script>"
        for name, value in element.attrib.items():
            if (
                LEFTOVERS.match(value)
                and not name.startswith(("aria-", "data-"))
                and name != "value"
            ):
                yield f'<{element.tag} {name}="{value}">'
            if value in ("None", "False", "True"):
                yield f'<{element.tag} {name}="{value}">'
            if name == "style" or name.startswith("on"):
                yield f'<{element.tag} {name}="{value}"> is forbidden by the policy'
            if name in ("src", "href", "action", "srcset") and _is_foreign(element, name, value):
                yield f'<{element.tag} {name}="{value}"> comes from elsewhere'


def _is_foreign(element: Element, name: str, value: str) -> bool:
    if element.tag == "a":  # people may be led elsewhere, but a script is no address
        return value.lower().startswith("javascript:")
    if value.startswith("data:image/") and name == "src":
        return False
    host = urlsplit(value).netloc
    return bool(host) and host not in ("localhost", "127.0.0.1")


def _form_problems(page: Page, elements: Iterable[Element]) -> Iterator[str]:
    for element in elements:
        if element.tag != "form":
            continue
        form = FormOnPage(page, element)
        if form.method == "post" and "csrf_token" not in form.names:
            yield f"the form to {form.action} carries no CSRF token"
        if form.method == "get" and "csrf_token" in form.names:
            yield f"the form to {form.action} puts its CSRF token into the address"
        if not form.buttons:
            yield f"the form to {form.action} has no button"
        if "author" in form.names and _is_restored(element):
            yield f"browsers put back into the form to {form.action} what somebody else typed"


def _is_restored(form: Element) -> bool:
    """Tell whether a browser fills it in again when its page is gone back to, whoever does.

    None does where a form is sent to another address each time that it is opened, as a draft is.
    """
    if form.get("data-draft"):
        return False
    typed = [field for field in form.iter() if _is_typed(field)]
    return form.get("autocomplete") != "off" and any(
        field.get("autocomplete") != "off" for field in typed
    )


def _is_typed(field: Element) -> bool:
    is_field = field.tag in ("input", "textarea", "select")
    return is_field and field.get("type") not in ("hidden", "submit", "button", "file", "password")


def _dead_ends(page: Page, elements: Iterable[Element], app: Flask) -> Iterator[str]:
    """Tell of links, forms and files that do not exist."""
    for element in elements:
        for name, method in (
            ("href", "GET"),
            ("src", "GET"),
            ("action", ""),
            ("formaction", "POST"),
        ):
            value = element.get(name)
            if value is None or element.tag == "base":
                continue
            target = urlsplit(urljoin(page.url, value))
            if target.scheme not in ("http", "https") or target.netloc != urlsplit(page.url).netloc:
                continue
            asked = method or element.get("method", "get").upper()
            if not _answers(app, target.path, asked):
                yield f"<{element.tag}> leads to {asked} {target.path}, which does not exist"


@cache
def _answers(app: Flask, path: str, method: str) -> bool:
    """Tell whether an application has such a page. The same stand on page after page."""
    adapter = app.url_map.bind("localhost")
    try:
        endpoint, arguments = adapter.match(path, method=method)
    except RequestRedirect:
        return True
    except (NotFound, MethodNotAllowed):
        return False
    if endpoint == "static":
        return (Path(app.static_folder or "") / str(arguments["filename"])).is_file()
    return True
