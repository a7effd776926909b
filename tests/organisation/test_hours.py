"""Working hours as people type them."""

import pytest
from flask import Flask
from flask_babel import force_locale

from tracker.organisation.forms import read_hours, written_hours

OFFICE = [["09:00", "12:00"], ["14:00", "18:00"]]


@pytest.mark.parametrize(
    ("typed", "spans"),
    {
        "": [],
        "  ": [],
        "09:00–12:00, 14:00–18:00": OFFICE,
        "9-12 14-18": OFFICE,
        "9：00至12：00，14：00至18：00": OFFICE,
        "9点到12点、14点到18点": OFFICE,
        "09.00 - 12.00; 14.00 - 18.00": OFFICE,
        "09：00－12：00，14：00－18：00": OFFICE,
        "０９:００-１２:００　１４:００-１８:００": OFFICE,
        "0:00-24:00": [["00:00", "00:00"]],
        "8:30-10 10-11": [["08:30", "10:00"], ["10:00", "11:00"]],
    }.items(),
)
def test_hours_are_read_however_they_are_written(typed: str, spans: list[list[str]]) -> None:
    assert read_hours(typed) == spans


@pytest.mark.parametrize("spans", [[], OFFICE, [["00:00", "00:00"]], [["08:30", "00:00"]]])
def test_what_is_shown_is_read_as_the_same(spans: list[list[str]]) -> None:
    assert read_hours(written_hours(spans)) == spans


def test_what_is_wrong_is_said(app: Flask) -> None:
    wrong = {
        "22:00-02:00": "22:00-02:00 ends before it begins.",
        "12-9": "12-9 ends before it begins.",
        "9-12 11-14": "11-14 begins before the hours in front of it end.",
        "9-25": "There is no such time: 9-25.",
        "9:70-12": "There is no such time: 9:70-12.",
        "nine to five": "Write times one after the other",
    }
    for typed, words in wrong.items():
        with app.test_request_context(), force_locale("en"), pytest.raises(ValueError) as refused:  # noqa: PT011 - the words are looked at
            read_hours(typed)
        assert words in str(refused.value)


@pytest.mark.parametrize(
    "typed",
    ["9", "9-", "12-9", "9-9", "9-12 11-14", "9-25", "9:70-12", "nine to five", "9-12 closed"],
)
def test_what_is_no_time_goes_back_or_overlaps_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_hours(typed)
