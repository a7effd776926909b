"""What can go wrong, in the words of the domain.

`tracker.web.errors` turns these into pages, in one place. Each carries a `reason` from a
closed set where people need to be told one, so that the page can say it in their language.
"""

from enum import StrEnum


class ShishiError(Exception):
    """Base of everything that the domain raises on purpose."""


class NotFoundError(ShishiError):
    """There is no such thing, or the reader may not know that there is."""


class NotPermittedError(ShishiError):
    """The actor sees the thing but may not do this to it."""


class StepNotAllowedError(ShishiError):
    """The life cycle has no such step from the present status."""


class StaleError(ShishiError):
    """Somebody else changed the thing since the reader opened it."""


class Refusal(StrEnum):
    """Why a step that exists and is permitted cannot be taken now. Shown to people."""

    FULL = "full"
    ALREADY_CLAIMED = "already_claimed"
    NOT_OPEN_FOR_CLAIMS = "not_open_for_claims"
    NOT_A_MEMBER = "not_a_member"
    NOT_VETTED = "not_vetted"
    CLAIM_LIMIT = "claim_limit"
    CLASH = "clash"
    RETURN_LIMIT_PASSED = "return_limit_passed"
    WORK_BEGUN = "work_begun"
    ALREADY_ASKED = "already_asked"
    ALREADY_EXTENDED = "already_extended"
    DUE_TIME_PASSED = "due_time_passed"
    URGED_TODAY = "urged_today"
    ALREADY_ANSWERED = "already_answered"
    ASKED_BY_YOU = "asked_by_you"
    REVIEW_DAY_PASSED = "review_day_passed"
    HANDLED_BY_YOU = "handled_by_you"
    REQUESTER_ALONE = "requester_alone"
    ACCEPTED_IS_NO_SPAM = "accepted_is_no_spam"
    SAME_REQUEST = "same_request"
    SURVIVOR_CLOSED = "survivor_closed"
    EVIDENCE_MISSING = "evidence_missing"
    DISPUTE_TOO_LATE = "dispute_too_late"
    STILL_IN_USE = "still_in_use"
    LAST_ADMINISTRATOR = "last_administrator"
    TOO_MANY_PHOTOS = "too_many_photos"
    TOO_MANY_WORDS = "too_many_words"
    TOO_MANY_LINKS = "too_many_links"
    SENT_ALREADY = "sent_already"
    RECORDED_ALREADY = "recorded_already"
    VISIT_IS_OVER = "visit_is_over"
    TOO_MANY_MAILS = "too_many_mails"
    TEAM_ENDED = "team_ended"
    TEAM_LEADS = "team_leads"
    HAS_PART = "has_part"
    PART_AFTER_REQUEST = "part_after_request"
    PART_ENDED = "part_ended"
    PARTS_NOT_ENDED = "parts_not_ended"
    UNIT_ENDED = "unit_ended"
    LEADER_ENDED = "leader_ended"
    NOT_ENOUGH_TRIES = "not_enough_tries"
    LINK_EXPIRED = "link_expired"
    NOTHING_TO_TELL = "nothing_to_tell"
    BELOW_ITSELF = "below_itself"
    BELOW_ENDED = "below_ended"
    TWO_LEVELS = "two_levels"
    ALREADY_TAKEN = "already_taken"
    IMPORT_UNDER_WAY = "import_under_way"
    TOO_MANY_TRIES = "too_many_tries"
    WRONG_NAME_OR_PASSWORD = "wrong_name_or_password"  # noqa: S105 - a reason, not a secret


class RefusedError(ShishiError):
    """The step exists and is permitted, but a rule of the moment forbids it."""

    def __init__(self, refusal: Refusal, detail: str = "") -> None:
        super().__init__(f"{refusal}: {detail}" if detail else str(refusal))
        self.refusal = refusal
        self.detail = detail
