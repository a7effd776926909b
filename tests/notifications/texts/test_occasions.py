"""Our words, taken apart into words and variables, are the same message again."""

from collections.abc import Iterator
from typing import Final

import pytest

from tests.support.builders import Builders
from tests.support.letters import examples
from tracker.notifications.blocks import Shape
from tracker.notifications.letters import desk
from tracker.notifications.texts import occasions
from tracker.notifications.texts.examples import example_of
from tracker.notifications.texts.occasions import OCCASIONS, Occasion, occasion_of
from tracker.notifications.texts.preview import our_words, preview, titles
from tracker.notifications.texts.wording import Words, names_in
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.messages import ALWAYS_TOLD
from tracker.web.locale import LOCALES

ON_SQLITE: Final = pytest.mark.parametrize("database_kind", ["sqlite"], indirect=True)
IN_EACH_LANGUAGE: Final = pytest.mark.parametrize("locale", list(LOCALES))


def each() -> Iterator[Occasion]:
    yield from OCCASIONS.values()


def test_each_example_is_an_example_of_its_own_occasion() -> None:
    for one in each():
        assert occasion_of(one.kind, example_of(one, "en")) is one


@ON_SQLITE
@IN_EACH_LANGUAGE
def test_our_words_with_variables_say_what_our_message_says(a: Builders, locale: str) -> None:
    a.organisation(name="清溪市便民服务局", name_en="Qingxi Bureau of Services", phone="12345")
    for one in each():
        ours = our_words(one, locale)
        plain = preview(one, locale, Words()).draft
        again = preview(one, locale, ours).draft
        assert again.subject == plain.subject, one
        assert [(it.shape, it.text) for it in again.blocks if it.shape is not Shape.BUTTON] == [
            (it.shape, it.text) for it in plain.blocks if it.shape is not Shape.BUTTON
        ], one
        assert [it for it in again.blocks if it.shape is Shape.BUTTON] == [
            it for it in plain.blocks if it.shape is Shape.BUTTON
        ], one


@ON_SQLITE
@IN_EACH_LANGUAGE
def test_our_words_name_what_must_be_said_and_nothing_that_is_not_offered(
    a: Builders, locale: str
) -> None:
    a.organisation(name="清溪市便民服务局", name_en="Qingxi Bureau of Services")
    for one in each():
        ours = our_words(one, locale)
        assert set(names_in(ours.subject + ours.body)) <= set(one.variables), one
        assert set(one.needed) <= set(names_in(ours.body)), one
        assert set(one.needed) <= set(one.variables) <= set(occasions.DESCRIPTIONS), one


@ON_SQLITE
def test_every_message_about_a_request_that_has_a_subject_of_its_own_can_be_changed(
    a: Builders,
) -> None:
    missing = []
    with desk("en") as here:
        for kind, step, payload in examples():
            if kind in (occasions.REQUESTER, occasions.STAFF):
                title = here.draft(kind, payload).title
                if not title.startswith("News about") and occasion_of(kind, payload) is None:
                    missing.append((kind, step))
    assert missing == []


@ON_SQLITE
def test_no_two_messages_of_a_kind_look_alike_in_the_list(a: Builders) -> None:
    for locale in LOCALES:
        names = [
            (kind, title, str(OCCASIONS[kind, step].note))
            for (kind, step), title in titles(locale).items()
        ]
        assert len(set(names)) == len(names)


def test_what_is_said_to_go_by_text_message_does() -> None:
    by_text = [one for one in each() if one.by_text and one.kind == occasions.REQUESTER]
    steps = {one.step.removesuffix(occasions.JOINED) for one in by_text}
    assert steps - {"called_off", "asked_again"} == {Step(step).value for step in ALWAYS_TOLD}
