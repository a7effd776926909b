"""Giving a place back; entering a volunteer for one."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _l, ngettext
from wtforms import RadioField, TextAreaField
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length

from tracker.service_requests.models import Claim
from tracker.service_requests.own_team import Candidate
from tracker.web.forms import Form, Says


class ReleaseForm(Form):
    """Whose place, and why."""

    person_id = RadioField(
        _l("Whose place?"), [InputRequired(_l("Choose whose place it is."))], coerce=int
    )
    reason = TextAreaField(
        _l("Why?"),
        [
            Says(_l("Write why, so that the team leader can find somebody else.")),
            Length(max=500),
        ],
    )

    def offer(self, claims: list[Claim]) -> "ReleaseForm":
        """Fill in the places that may be given back."""
        self.person_id.choices = [
            SelectChoice(claim.person_id, claim.person.name) for claim in claims
        ]
        if len(claims) == 1 and self.person_id.data is None:
            self.person_id.data = claims[0].person_id
        return self


class EnterForm(Form):
    """Which volunteer of the team takes a place."""

    person_id = RadioField(
        _l("Who takes it on?"), [InputRequired(_l("Choose a volunteer."))], coerce=int
    )

    def offer(self, candidates: Sequence[Candidate]) -> "EnterForm":
        """Fill in who can come, those with the least in hand first."""
        self.person_id.choices = [
            SelectChoice(each.person.id, _with_load(each))
            for each in candidates
            if each.refusal is None
        ]
        return self


def _with_load(candidate: Candidate) -> str:
    held = candidate.open_claims
    load = ngettext("%(num)s open task", "%(num)s open tasks", held)
    return f"{candidate.person.name} · {load}"
