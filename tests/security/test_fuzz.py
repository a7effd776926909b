"""Whatever is typed into an address or a form, nobody ever reads of an error of ours."""

from typing import Final
from urllib.parse import urlencode

from flask import Flask
from hypothesis import given, strategies as st

from tests.security.fuzzing import fuzzed, holds, on_sqlite, words
from tests.support.browser import Browser
from tests.support.builders import Builders
from tests.torture.size import takes_its_time
from tracker.service_requests.actions import drafts
from tracker.service_requests.views import draft_keys

EXAMPLES: Final = 60
"""Of each of the four: with TORTURE=1 a hundred thousand in all."""
pytestmark = [on_sqlite, takes_its_time]

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


def test_no_address_of_a_list_breaks_it(app: Flask, a: Builders) -> None:
    a.service_request()
    readers = [
        Browser(app).sign_in(who) for who in (a.coordinator(), a.supervisor(), a.administrator())
    ]

    @fuzzed(EXAMPLES)
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        path = data.draw(st.sampled_from(sorted(PARAMETERS)))
        names = st.sampled_from(PARAMETERS[path].split())
        query = data.draw(st.lists(st.tuples(names, words), max_size=5))
        reader = data.draw(st.sampled_from(readers))
        answer = reader.request("GET", f"{path}?{urlencode(query)}")
        if "q=" in (answer.location or ""):  # whose words are sealed first
            answer = reader.request("GET", answer.location or "")
        holds(answer, (path, query))

    ask()


def test_no_words_of_a_resident_break_the_form(app: Flask, a: Builders) -> None:
    category = a.category()
    names = "need for_whom beneficiary_name area_id address reachable_by phone email kind category_id go"
    app.config["WTF_CSRF_ENABLED"] = False

    @fuzzed(EXAMPLES)
    @given(
        fields=st.dictionaries(st.sampled_from(names.split()), words), number=st.integers(0, 10**6)
    )
    def send(fields: dict[str, str], number: int) -> None:
        browser = Browser(app)
        browser.address = f"10.{number % 200}.{number // 200 % 200}.7"  # nobody asks too often
        browser.client.set_cookie(draft_keys.COOKIE, "f" * 32)
        key = drafts.new_key("f" * 32, app.config["SECRET_KEY"])
        given_too = {"category_id": str(category.id), **fields}
        holds(browser.request("POST", f"/requests/new/{key}", data=given_too), given_too)
        holds(browser.request("GET", f"/requests/new/{key}/check"), given_too)

    send()


def test_nothing_typed_into_a_form_of_the_desk_breaks_it(app: Flask, a: Builders) -> None:
    made = a.service_request()
    desk = Browser(app).sign_in(a.coordinator())
    app.config["WTF_CSRF_ENABLED"] = False
    paths = ["acceptance", "refusal", "merger", "assignment", "note", "resolution", "question"]
    names = (
        "category_id area_id priority reason where_to_turn survivor lead_team_id leader_id note"
        " volunteers_needed board_note outcome answer question stood version until"
    )

    @fuzzed(EXAMPLES)
    @given(
        path=st.sampled_from(paths), fields=st.dictionaries(st.sampled_from(names.split()), words)
    )
    def send(path: str, fields: dict[str, str]) -> None:
        holds(desk.request("POST", f"/requests/{made.id}/{path}", data=fields), (path, fields))

    send()


def test_no_reference_code_or_link_breaks_the_way_in(app: Flask, a: Builders) -> None:
    a.service_request()
    app.config["WTF_CSRF_ENABLED"] = False

    @fuzzed(EXAMPLES)
    @given(reference=words, code=words, token=words)
    def follow(reference: str, code: str, token: str) -> None:
        browser = Browser(app)
        fields = {"reference": reference, "code": code}
        holds(browser.request("POST", "/track", data=fields), fields)
        path = urlencode({"": token})[1:].replace("+", "%20")
        holds(browser.request("GET", f"/track/{path}"), token)

    follow()
