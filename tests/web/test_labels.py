"""Every enum that a page shows has words, in both languages."""

from enum import Enum

import pytest
from flask import Flask

from tracker.permissions import Role
from tracker.service_requests.lifecycle import (
    ConfirmationWay,
    Kind,
    Outcome,
    Priority,
    Solved,
    Status,
    Step,
)
from tracker.service_requests.models import ApprovalKind, BuiltInChannel, ForWhom, ReachableBy
from tracker.visits.models import ContactWay, Group, VisitStatus
from tracker.web.labels import label
from tracker.web.locale import in_locale

SHOWN: list[type[Enum]] = [
    Role,
    Kind,
    Priority,
    Status,
    Step,
    Outcome,
    ConfirmationWay,
    Solved,
    ApprovalKind,
    BuiltInChannel,
    ForWhom,
    ReachableBy,
    ContactWay,
    Group,
    VisitStatus,
]


@pytest.mark.parametrize("kind", SHOWN)
def test_every_member_has_words_in_both_languages(app: Flask, kind: type[Enum]) -> None:
    with app.test_request_context():
        for member in kind:
            with in_locale("en"):
                english = label(member)
            with in_locale("zh_Hans_CN"):
                chinese = label(member)
            assert english.isascii()
            assert any("\u4e00" <= character <= "\u9fff" for character in chinese), member


def test_nothing_reads_as_nothing() -> None:
    assert label(None) == ""
