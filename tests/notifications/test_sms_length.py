"""How many parts a text message has, by GSM 03.38, and how a long one is cut."""

import pytest
from hypothesis import given, strategies as st

from tracker.notifications.sms_length import Length, fitted, length, parts


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 81, 2),
        # 153 is odd: a sign of two places does not begin at the last one of a part.
        ("€" * 152, 2),
        ("€" * 153, 3),
        ("水" * 70, 1),
        ("水" * 71, 2),
        ("水" * 134, 2),
        ("水" * 135, 3),
        ("a" * 69 + "水", 1),
        ("a" * 70 + "水", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        # Nor does a sign outside of the first plane.
        ("😀" * 66, 2),
        ("😀" * 67, 3),
        ("ç", 1),
        ("`" * 71, 2),
    ],
)
def test_parts_are_counted_as_a_network_counts_them(text: str, number: int) -> None:
    assert parts(text) == number


def test_what_fits_is_not_touched() -> None:
    assert (
        fitted("【实事】已收到 https://x.example/1", most=3) == "【实事】已收到 https://x.example/1"
    )


def test_a_long_one_is_cut_before_its_link() -> None:
    made = fitted("水" * 300 + " https://x.example/track/abc", most=3)

    assert parts(made) == 3
    assert made.endswith("水… https://x.example/track/abc")
    assert len(made) == 201


def test_a_link_stays_whole_though_it_alone_is_too_long() -> None:
    link = "https://x.example/" + "a" * 600

    assert fitted(f"水水 {link}", most=3) == link


@given(st.text(max_size=400), st.integers(1, 4))
def test_what_was_cut_fits_and_cutting_it_again_changes_nothing(text: str, most: int) -> None:
    made = fitted(text, most=most)

    assert parts(made) <= most or made.startswith("http")
    assert fitted(made, most=most) == made


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a" * 160, Length(160, 1, 160, 153)),
        ("a" * 160 + "€", Length(162, 2, 160, 153)),
        ("字" * 70, Length(70, 1, 70, 67)),
        ("字" * 69 + "😀", Length(71, 2, 70, 67)),
    ],
)
def test_how_long_a_text_is_is_told_as_a_network_counts(text: str, told: Length) -> None:
    assert length(text) == told
