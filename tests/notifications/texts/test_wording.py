"""Variables are names of a list: nothing in braces is run, and what they stand for stays plain."""

from collections.abc import Sequence
from typing import Final

import pytest

from tracker.notifications.blocks import Block, Draft, Shape
from tracker.notifications.texts import wording
from tracker.notifications.texts.wording import Words, reword, words_of

KNOWN: Final = ("team", "due", "question")
QUOTES: Final = frozenset({"question"})


def a_draft() -> Draft:
    draft = Draft()
    draft.titled("A team has it", "482-109-3749")
    draft.fact("Your request 482-109-3749: Water", "Water")
    draft.say("North takes care of it.")
    draft.button("Open my page", "https://help.example/track/x")
    return draft


def said(body: str, **values: str) -> Sequence[tuple[Shape, str]]:
    draft = a_draft()
    reword(draft, Words(body=body), values, quotes=QUOTES)
    return [(it.shape, it.text) for it in draft.blocks]


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ("{tema}", "{tema}"),
        ("{{ 7*7 }}", "{ 7*7 }"),
        ("{% include 'x' %}", "{% include 'x' %}"),
        ("{team.__class__}", "{team.__class__}"),
        ("{team!r}", "{team!r}"),
        ("{team:>999999}", "{team:>999999}"),
        ("{0}", "{0}"),
        ("{}", "{}"),
        ("{Team}", "{Team}"),
        ("{team", "{"),
        ("team}", "}"),
        ("{te\nam}", "{"),
        ("{{team}}", "{"),
    ],
)
def test_what_is_no_variable_is_found_by_its_name(typed: str, named: str) -> None:
    assert wording.unknown_in(f"Hello {typed}!", KNOWN)[0] == named


def test_known_variables_are_none_of_them() -> None:
    assert wording.unknown_in("{team} until {due}", KNOWN) == []


@pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\u200b", "\x00", "\x1b", "\u2028", "\ue000"])
def test_signs_that_nobody_sees_are_found(sign: str) -> None:
    assert wording.has_unseen(f"a{sign}b")


def test_words_of_several_lines_and_languages_have_none() -> None:
    assert not wording.has_unseen("您好！\n\nHello – “you”, 12 €…")


@pytest.mark.parametrize("typed", ["<b>x</b>", "<!-- -->", "</p>", "&lt;", "&#60;"])
def test_markup_is_found(typed: str) -> None:
    assert wording.has_markup(typed)


def test_what_only_resembles_markup_is_none() -> None:
    assert not wording.has_markup("5 < 7 & 9 > 3; Help & advice")


@pytest.mark.parametrize(
    "typed",
    [
        *("https://x.test", "javascript://x", "WWW.x", "evil.com/a", "evil.com", "bit.ly/abc"),
        *("1.2.3.4/x", "1.2.3.4:80", "淘宝.中国/x", "me@evil.example", "x.co/a", "evil.top:8080"),
        *(
            "ｅｖｉｌ．ｃｏｍ/pay",
            "ｗｗｗ．x",
            "bit．ly／abc",
            "https：／／x.test",
            "ｍｅ＠evil.example",
        ),
    ],
)
@pytest.mark.parametrize("around", ["see {}", "请打开{}查看", "({})", "{}"])
def test_addresses_are_found(typed: str, around: str) -> None:
    assert wording.has_address(around.format(typed))


@pytest.mark.parametrize(
    "typed",
    [
        *("Mr. Li comes.", "9.30/10.30", "e.g. lamps, i.e. light", "1.5", "2.5 km/h", "2.5km/h"),
        *("a.m./p.m.", "No.3/5", "Monday/Tuesday", "28.11.2026", "2026.11.28", "and/or."),
        *(
            "1.诉求/建议",
            "A.诉求/建议",
            "上午9:30/下午2:00",
            "谢谢！我们会尽快处理。如有疑问/建议请来电。",
        ),
        *("12.5万/年", "Reach us @ the desk", "{team}: {due}", "电话：0855-8234567"),
    ],
)
def test_ordinary_sentences_are_no_addresses(typed: str) -> None:
    assert not wording.has_address(typed)


def test_braces_of_an_input_method_are_found_and_plain_ones_are_not() -> None:
    assert wording.wide_braces_in("｛phone｝ ﹛x﹜ {due}") == ["｛", "｝", "﹛", "﹜"]
    assert wording.wide_braces_in("{due} 【x】（y）") == []


def test_what_a_variable_stands_for_is_put_in_once_as_one_line() -> None:
    assert said("{team} comes.", team="{due}\n{{ 7*7 }}", due="never")[1] == (
        Shape.WORDS,
        "{due} {{ 7*7 }} comes.",
    )


def test_reference_link_and_order_stay_as_they_are() -> None:
    assert said("One.\n\nTwo.") == [
        (Shape.FACT, "Your request 482-109-3749: Water"),
        (Shape.WORDS, "One."),
        (Shape.WORDS, "Two."),
        (Shape.BUTTON, "Open my page"),
    ]


def test_a_paragraph_whose_variable_has_nothing_to_say_is_left_out() -> None:
    assert said("{team} has it.\n\nBy {due}.", team="North", due="")[1:-1] == [
        (Shape.WORDS, "North has it.")
    ]


def test_where_nothing_would_be_left_ours_stay() -> None:
    assert said("By {due}.", due="")[1] == (Shape.WORDS, "North takes care of it.")


def test_what_somebody_wrote_is_set_off_as_they_wrote_it() -> None:
    assert said("We ask:\n{question}\nPlease answer.", question="When?\nWhere?")[1:-1] == [
        (Shape.WORDS, "We ask:"),
        (Shape.QUOTE, "When?\nWhere?"),
        (Shape.WORDS, "Please answer."),
    ]


def test_a_subject_is_one_line_that_ends_with_the_reference() -> None:
    draft = a_draft()
    reword(
        draft, Words(subject="{team} has it"), {"team": "A\r\nBcc: x@evil.example"}, quotes=QUOTES
    )
    assert draft.subject == "A Bcc: x@evil.example has it · 482-109-3749"


def test_a_text_message_says_its_own_words_and_the_reference() -> None:
    draft = a_draft()
    reword(draft, Words(short="{team}!"), {"team": "North"}, quotes=QUOTES)
    assert (draft.short, draft.subject) == (
        "North! · 482-109-3749",
        "A team has it · 482-109-3749",
    )


def test_what_a_message_says_is_taken_apart_into_words_and_variables() -> None:
    draft = a_draft()
    draft.blocks += [Block(Shape.WORDS, "We ask:"), Block(Shape.QUOTE, "When?")]
    assert words_of(draft, {"team": "North", "question": "When?", "due": ""}) == Words(
        "A team has it", "{team} takes care of it.\n\nWe ask:\n{question}"
    )
