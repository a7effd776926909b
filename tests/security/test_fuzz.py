"""Whatever is typed into an address or a form, nobody ever reads of an error of ours."""

import os
from datetime import timedelta
from typing import Final
from urllib.parse import urlencode

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings, strategies as st
from werkzeug.test import TestResponse

from tests.support.browser import Browser
from tests.support.builders import Builders

EXAMPLES: Final = 25_000 if os.environ.get("TORTURE") == "1" else 60
"""Of each of the four: with TORTURE=1 a hundred thousand in all."""
fuzzed = settings(
    max_examples=EXAMPLES,
    deadline=timedelta(seconds=60),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    database=None,
)
pytestmark = pytest.mark.timeout(7200 if EXAMPLES > 1000 else 180)
on_sqlite = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)

NASTY: Final = (
    *("", "0", "-1", "9" * 30, "1e9", "NaN", "null", "\x00", "\ud7ff", "％", "'", '"', "'; --"),
    *("=1+1", "<script>", "{{ 7*7 }}", "../../x", "2026-02-30", "0000-00-00", "9999-12-31"),
    *("水" * 300, "a" * 9000, "\u202e", "😀", "closed", "open", "1", "2", "last_year", "team"),
)
words = st.one_of(st.sampled_from(NASTY), st.text(max_size=40), st.integers().map(str))
PARAMETERS: Final = {
    "/queue": "status q unit team leader category area channel kind priority due from to mine mark",
    "/figures": "period from to by unit team leader category area channel kind exact blank sort all",
    "/figures/list": "period figure from to unit team leader category area channel kind mark",
    "/figures/list.csv": "period figure from to unit team category area blank exact",
    "/board": "area category mark",
    "/call-backs": "mark",
    "/requests/new": "q draft category",
    "/requests/new/similar": "category area",
    "/admin/people": "q mark role unit",
    "/admin/audit": "mark person from to",
}


def holds(answer: TestResponse, what: object) -> None:
    assert answer.status_code < 500, what


@on_sqlite
def test_no_address_of_a_list_breaks_it(app: Flask, a: Builders) -> None:
    a.service_request()
    readers = [
        Browser(app).sign_in(who) for who in (a.coordinator(), a.supervisor(), a.administrator())
    ]

    @fuzzed
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(PARAMETERS)))
        names = st.sampled_from(PARAMETERS[path].split())
        query = data.draw(st.lists(st.tuples(names, words), max_size=5))
        reader = data.draw(st.sampled_from(readers))
        holds(reader.request("GET", f"{path}?{urlencode(query)}"), (path, query))

    ask()


@on_sqlite
def test_no_words_of_a_resident_break_the_form(
    app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    category = a.category()
    names = "need for_whom beneficiary_name area_id address reachable_by phone email kind category_id go"
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", value=False)

    @fuzzed
    @given(
        fields=st.dictionaries(st.sampled_from(names.split()), words), number=st.integers(0, 10**6)
    )
    def send(fields: dict[str, str], number: int) -> None:
        browser = Browser(app)
        browser.address = f"10.{number % 200}.{number // 200 % 200}.7"  # nobody asks too often
        key = f"fuzz{number:020}abcdefgh"
        given_too = {"category_id": str(category.id), **fields}
        holds(browser.request("POST", f"/requests/new/{key}", data=given_too), given_too)
        holds(browser.request("GET", f"/requests/new/{key}/check"), given_too)

    send()


@on_sqlite
def test_nothing_typed_into_a_form_of_the_desk_breaks_it(
    app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = a.service_request()
    desk = Browser(app).sign_in(a.coordinator())
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", value=False)
    paths = ["acceptance", "refusal", "merger", "assignment", "note", "resolution", "question"]
    names = (
        "category_id area_id priority reason where_to_turn survivor lead_team_id leader_id note"
        " volunteers_needed board_note outcome answer question stood version until"
    )

    @fuzzed
    @given(
        path=st.sampled_from(paths), fields=st.dictionaries(st.sampled_from(names.split()), words)
    )
    def send(path: str, fields: dict[str, str]) -> None:
        holds(desk.request("POST", f"/requests/{made.id}/{path}", data=fields), (path, fields))

    send()


@on_sqlite
def test_no_reference_code_or_link_breaks_the_way_in(
    app: Flask, a: Builders, monkeypatch: pytest.MonkeyPatch
) -> None:
    a.service_request()
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", value=False)

    @fuzzed
    @given(reference=words, code=words, token=words)
    def follow(reference: str, code: str, token: str) -> None:
        browser = Browser(app)
        fields = {"reference": reference, "code": code}
        holds(browser.request("POST", "/track", data=fields), fields)
        path = urlencode({"": token})[1:].replace("+", "%20")
        holds(browser.request("GET", f"/track/{path}"), token)

    follow()
