"""References survive the telephone; links and codes cannot be guessed and can be revoked."""

import random
import string

import pytest
from hypothesis import given, strategies as st

from tracker.service_requests.reference import (
    format_reference,
    link_token,
    matches_code,
    matches_link,
    new_reference,
    parse_link_token,
    parse_reference,
    tracking_code,
)

SECRET = "a secret of at least thirty-two characters"
OLD_SECRET = "an older secret of at least thirty-two"

references = st.integers().map(lambda seed: new_reference(random.Random(seed)))  # noqa: S311 - repeatable
ids = st.integers(1, 2**63 - 1)
salts = st.text(string.ascii_letters, min_size=1, max_size=16)


@given(references)
def test_a_reference_has_ten_digits_and_does_not_begin_with_zero(reference: str) -> None:
    assert len(reference) == 10
    assert reference.isdecimal()
    assert reference[0] != "0"


@given(references)
def test_a_reference_is_read_back_as_it_was_printed(reference: str) -> None:
    assert parse_reference(reference) == reference
    assert parse_reference(format_reference(reference)) == reference


def test_a_reference_is_printed_in_groups() -> None:
    assert format_reference("4821093749") == "482-109-3749"


@pytest.mark.parametrize(
    "typed",
    [
        "482-109-3749",
        " 482 109 3749\n",
        "４８２１０９３７４９",
        "４８２－１０９－３７４９",
        "482–109—3749",
        "48-21 09 37-49",
        "482\u3000109\u30003749",
    ],
)
def test_people_may_type_a_reference_as_they_like(typed: str) -> None:
    assert parse_reference(typed) == parse_reference("4821093749") == "4821093749"


@pytest.mark.parametrize(
    "typed",
    ["", "482109374", "48210937494", "4821093745", "0821093748", "482109374a", "老人", "٤" * 10],
)
def test_what_cannot_be_a_reference_is_refused(typed: str) -> None:
    assert parse_reference(typed) is None


@given(references, st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_is_noticed(reference: str, place: int, shift: int) -> None:
    wrong = str((int(reference[place]) + shift) % 10)
    assert parse_reference(reference[:place] + wrong + reference[place + 1 :]) is None


@given(st.text(max_size=20))
def test_any_text_can_be_parsed(text: str) -> None:
    parsed = parse_reference(text)
    assert parsed is None or parse_reference(parsed) == parsed


@given(ids, salts)
def test_a_link_opens_its_own_request_only(request_id: int, salt: str) -> None:
    token = link_token(SECRET, request_id, salt)

    parsed = parse_link_token(token)
    assert parsed is not None
    assert parsed[0] == request_id
    assert matches_link(SECRET, token, request_id, salt)
    assert not matches_link(SECRET, token, request_id - 1 or 2, salt)


def test_a_link_has_at_least_128_bits_nobody_can_know() -> None:
    parsed = parse_link_token(link_token(SECRET, 42, "salt"))
    assert parsed is not None
    assert len(parsed[1]) * 8 >= 128


@given(ids)
def test_a_link_is_made_of_letters_and_digits(request_id: int) -> None:
    token = link_token(SECRET, request_id, "salt")
    assert set(token) <= set(string.ascii_lowercase + string.digits)
    assert len(token) <= 39


def test_a_link_survives_a_program_that_changes_its_case() -> None:
    assert matches_link(SECRET, link_token(SECRET, 42, "salt").upper(), 42, "salt")


def test_a_new_salt_revokes_link_and_code() -> None:
    token, code = link_token(SECRET, 42, "old"), tracking_code(SECRET, 42, "old")
    assert not matches_link(SECRET, token, 42, "new")
    assert not matches_code(SECRET, code, 42, "new")


def test_what_an_earlier_secret_signed_still_opens_until_it_is_dropped() -> None:
    token, code = link_token(OLD_SECRET, 42, "salt"), tracking_code(OLD_SECRET, 42, "salt")
    both = (SECRET, OLD_SECRET)

    assert matches_link(both, token, 42, "salt")
    assert matches_code(both, code, 42, "salt")
    assert not matches_link((SECRET,), token, 42, "salt")
    assert not matches_code((SECRET,), code, 42, "salt")
    assert link_token(both, 42, "salt") == link_token(SECRET, 42, "salt")


@given(st.text(max_size=60) | st.text(string.ascii_lowercase + "234567", max_size=45))
def test_no_other_text_opens_a_request(text: str) -> None:
    parsed = parse_link_token(text)
    if parsed is not None:
        assert not matches_link(SECRET, text, parsed[0], "salt")


@given(ids, st.data())
def test_one_changed_character_closes_the_link(request_id: int, data: st.DataObject) -> None:
    token = link_token(SECRET, request_id, "salt")
    place = data.draw(st.integers(0, len(token) - 1))
    other = data.draw(st.sampled_from(string.ascii_lowercase + "234567"))
    changed = token[:place] + other + token[place + 1 :]
    assert matches_link(SECRET, changed, request_id, "salt") == (changed == token)


@given(ids, salts)
def test_a_code_has_six_digits_and_opens_its_own_request(request_id: int, salt: str) -> None:
    code = tracking_code(SECRET, request_id, salt)
    assert len(code) == 6
    assert code.isdecimal()
    assert matches_code(SECRET, f" {code[:3]} {code[3:]}", request_id, salt)
    assert not matches_code(SECRET, "", request_id, salt)
    assert not matches_code(SECRET, code + "0", request_id, salt)


@pytest.mark.parametrize("typed", ["", "12345", "老人老人老人", "\ud800", "1" * 500])
def test_a_strange_code_is_wrong_and_nothing_worse(typed: str) -> None:
    assert not matches_code(SECRET, typed, 42, "salt")


@pytest.mark.parametrize("secrets", ["", ()])
def test_nothing_is_signed_without_a_secret(secrets: str | tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="no secret"):
        link_token(secrets, 42, "salt")


def test_a_request_that_is_not_saved_has_no_link() -> None:
    with pytest.raises(ValueError, match="saved"):
        link_token(SECRET, 0, "salt")
