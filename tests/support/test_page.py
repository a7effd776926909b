"""Each check of a page finds the fault that it is there for."""

import pytest
from flask import Flask
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, TestResponse

from tests.support.page import Page, check, visible_text

POLICY = {"Content-Security-Policy": "default-src 'self'", "Content-Type": "text/html"}
PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Requests</title></head>
<body>
<header><a href="#main">Skip</a></header>
<main id="main">
<h1>Requests</h1>
BODY
</main>
</body>
</html>
"""
FORM = (
    '<form method="post" action="/requests"><input type="hidden" name="csrf_token" value="t">'
    '<label for="need">Need</label><input id="need" name="need">'
    '<button type="submit">Send</button></form>'
)
TABLE = (
    '<table><caption>All</caption><thead><tr><th scope="col">Day</th></tr></thead>'
    "<tbody><tr><td>1</td></tr></tbody></table>"
)

FAULTS = {
    "<p>never closed <div>inside</div></p>": "Unexpected end tag (p)",
    '<p id="a" id="b">twice</p>': "duplicate attribute",
    "<h1>Second</h1>": "2 h1 instead of one",
    "<h3>Too deep</h3>": "h3 'Too deep' comes after h1",
    "<h2></h2>": "an empty h2",
    '<p id="x">1</p><p id="x">2</p>': "id 'x' is used 2 times",
    '<p id="two words">1</p>': "is no id",
    '<input name="need" type="text">': "<input name='need'> has no label",
    '<select name="area"><option>A</option></select>': "<select name='area'> has no label",
    '<label for="gone">Need</label>': 'for="gone"> names what is not there',
    '<p aria-describedby="gone">1</p>': 'aria-describedby="gone"> names what is not there',
    "<fieldset><p>1</p></fieldset>": "has no legend",
    '<a href="#gone">down</a>': "leads nowhere on the page",
    '<a href="/requests"></a>': "has no name",
    '<button type="button"></button>': "has no name",
    "<button>Send</button>": "has no type",
    '<img src="/x.png">': "has no alt",
    "<svg></svg>": "neither named nor hidden",
    TABLE.replace(' scope="col"', ""): "has no scope",
    TABLE.replace("<caption>All</caption>", ""): "a table has no caption",
    TABLE.replace("th", "td"): "a table has no <th>",
    '<p class="None">1</p>': 'class="None"',
    '<input type="hidden" name="a" value="None">': 'value="None"',
    '<input type="hidden" name="a" disabled="False">': 'disabled="False"',
    "<script>alert(1)</script>": "an inline <script>",
    "<style>p {}</style>": "an inline <style>",
    '<p style="color: red">1</p>': "is forbidden by the policy",
    '<p onclick="go()">1</p>': "is forbidden by the policy",
    '<script src="https://cdn.example/x.js"></script>': "comes from elsewhere",
    '<a href="javascript:go()">1</a>': "comes from elsewhere",
    FORM.replace('<input type="hidden" name="csrf_token" value="t">', ""): "carries no CSRF token",
    FORM.replace('method="post"', 'method="get"'): "puts its CSRF token into the address",
    FORM.replace('<button type="submit">Send</button>', ""): "has no button",
    "<p>Hello %(name)s</p>": "the text shows '%(name)s'",
    "<p>&amp;lt;b&amp;gt;</p>": "the text shows '&lt;'",
    '<a href="/nowhere">1</a>': "leads to GET /nowhere, which does not exist",
    '<img src="/static/nowhere.png" alt="">': "leads to GET /static/nowhere.png",
    FORM.replace('"/requests"', '"/read-only"'): "leads to POST /read-only",
}


@pytest.fixture
def small_app() -> Flask:
    made = Flask(__name__)
    made.add_url_rule("/requests", "requests", lambda: "", methods=["GET", "POST"])
    made.add_url_rule("/read-only", "read_only", lambda: "")
    return made


def page(html: str, headers: dict[str, str] | None = None) -> Page:
    request = EnvironBuilder(path="/requests", base_url="http://localhost").get_request()
    given = Headers(POLICY if headers is None else headers)
    return Page(TestResponse([html.encode()], "200 OK", given, request))


def test_a_good_page_passes(small_app: Flask) -> None:
    check(page(PAGE.replace("BODY", FORM + TABLE)), small_app)


@pytest.mark.parametrize("body", FAULTS)
def test_a_fault_on_a_page_is_found(body: str, small_app: Flask) -> None:
    with pytest.raises(AssertionError) as failure:
        check(page(PAGE.replace("BODY", body)), small_app)
    assert FAULTS[body] in str(failure.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (' lang="en"', "", "no lang"),
        ("<title>Requests</title>", "<title></title>", "the title is empty"),
        ("<!doctype html>", "", "DOCTYPE"),
        ('<main id="main">', '<div id="main">', "0 <main> instead of one"),
        ("<h1>Requests</h1>", "", "0 h1 instead of one"),
    ],
)
def test_a_fault_of_the_document_is_found(old: str, new: str, message: str) -> None:
    with pytest.raises(AssertionError) as failure:
        check(page(PAGE.replace("BODY", "").replace(old, new)))
    assert message in str(failure.value)


@pytest.mark.parametrize("policy", ["", "script-src 'unsafe-inline'", "script-src 'unsafe-eval'"])
def test_a_lax_policy_is_found(policy: str) -> None:
    with pytest.raises(AssertionError, match="Content-Security-Policy"):
        check(page(PAGE.replace("BODY", ""), {"Content-Security-Policy": policy}))


def test_text_reads_as_people_see_it() -> None:
    body = "<p>One<br>two <b>three</b>four</p><p hidden>no</p><ul><li>a</li><li>b</li></ul>"
    seen = visible_text(page(PAGE.replace("BODY", body)).root.find("body/main"))
    assert seen == "Requests One two threefour a b"


def test_a_form_sends_what_a_browser_would() -> None:
    body = """<form method="post" action="/requests">
    <input type="hidden" name="csrf_token" value="t">
    <label>A <input name="a" value="1"></label>
    <label>B <input type="checkbox" name="b" value="x" checked></label>
    <label>C <input type="checkbox" name="c" value="y"></label>
    <label>D <select name="d"><option value="1">one</option><option value="2">two</option></select></label>
    <label>E <textarea name="e">
long</textarea></label>
    <label>F <input name="f" disabled></label>
    <button type="submit" name="go" value="on">Go on</button>
    <button type="submit" name="go" value="back" formaction="/back">Back</button></form>"""
    form = page(PAGE.replace("BODY", body)).form("a")

    assert form.filled({"d": 2}) == {
        "csrf_token": ["t"],
        "a": ["1"],
        "b": ["x"],
        "d": ["2"],
        "e": ["long"],
        "go": ["on"],
    }
    assert form.filled({}, press="Back")["go"] == ["back"]
    assert form.destination("Back") == "http://localhost/back"
    with pytest.raises(AssertionError, match="does not offer"):
        form.filled({"d": "3"})
    with pytest.raises(AssertionError, match="no field 'z'"):
        form.filled({"z": "3"})
