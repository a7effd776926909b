"""Why it takes longer, or has to wait, is told in the words written for the requester."""

import pytest
from flask import Flask
from sqlalchemy import select

from tests.support.builders import Builders
from tests.support.letters import letter_of
from tracker.database import db, transaction
from tracker.notifications.models import Message
from tracker.service_requests.actions import approvals
from tracker.service_requests.lifecycle import Status
from tracker.service_requests.models import ApprovalKind, CallReason, ReachableBy, ServiceRequest
from tracker.service_requests.spoken import spoken

WHY = "配件要 <b>下周</b> 才到 {due}"

KINDS = pytest.mark.parametrize("kind", [ApprovalKind.EXTENSION, ApprovalKind.PARKING])


def granted(a: Builders, it: ServiceRequest, kind: ApprovalKind, why: str = WHY) -> None:
    """Let a supervisor grant what was asked for, for a reason."""
    asked = a.approval(it, kind)
    with transaction():
        asked.reason = why
        approvals.decide(
            asked, granted=True, note="内部意见", actor=a.actor(a.supervisor()), now=a.now
        )


@KINDS
def test_a_mail_says_why_in_both_forms_and_a_text_message_leads_to_it(
    a: Builders, kind: ApprovalKind
) -> None:
    it = a.service_request(
        status=Status.IN_PROGRESS, email="who@example.org", reachable_by=ReachableBy.EMAIL
    )
    granted(a, it, kind)
    last = db.session.scalars(
        select(Message).where(Message.kind == "requester_step").order_by(Message.id.desc())
    ).first()
    assert last is not None

    letter = letter_of(last)

    assert f"The reason:\n\n> {WHY}\n" in letter.text
    assert "配件要 &lt;b&gt;下周&lt;/b&gt; 才到 {due}" in letter.html
    assert "内部意见" not in letter.text + letter.html
    # What somebody wrote stands in no text message: its link leads to it.
    assert "下周" not in letter.short
    assert "原因：\n\n> 配件" in letter_of(last, "zh_Hans_CN").text


@KINDS
def test_who_is_called_hears_why(app: Flask, a: Builders, kind: ApprovalKind) -> None:
    it = a.service_request(
        status=Status.IN_PROGRESS, phone="+8613800138000", reachable_by=ReachableBy.PHONE
    )
    granted(a, it, kind)
    said = db.session.scalars(select(CallReason).order_by(CallReason.id.desc())).first()
    assert said is not None

    with app.test_request_context():
        assert spoken(said, "en")[1] == WHY
        said.facts = {name: fact for name, fact in said.facts.items() if name != "reason"}
        assert len(spoken(said, "en")) == 2  # what was written down before says the rest
