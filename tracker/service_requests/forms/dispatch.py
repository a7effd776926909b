"""What the desk and the team leaders fill in to dispatch a request."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Final

from flask_babel import LazyString, lazy_gettext as _l
from wtforms import (
    BooleanField,
    Field,
    FormField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from tracker.accounts.models import Person
from tracker.organisation import queries as organisation
from tracker.organisation.models import Category
from tracker.organisation.offered import area_options
from tracker.organisation.queries import Node
from tracker.privacy import find_personal_data, names_that_tell, numbers_that_tell, told_again
from tracker.service_requests.choices import Reason, TeamChoice
from tracker.service_requests.forms.parts import HelpingTask, Rows
from tracker.service_requests.lifecycle import Priority
from tracker.service_requests.limit_rules import SetBy, holding
from tracker.service_requests.limits import Clock, Limit
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.words import length_words
from tracker.teams.models import Team
from tracker.web.forms import EnumMember, Form, Says, enum_choices, is_blank, optional_int
from tracker.web.locale import current_locale, localized
from tracker.web.numbers import WholeNumberField
from tracker.web.options import OptionsField

MOST_VOLUNTEERS = 50

REASONS = {
    Reason.HAS_IT_NOW: _l("has it now"),
    Reason.USUAL_TEAM: _l("usual team for this"),
    Reason.CATEGORY: _l("knows this kind of help"),
    Reason.AREA: _l("works in this area"),
    Reason.UNIT: _l("same unit"),
}
"""Why a team is suggested."""


class AcceptanceForm(Form):
    """Category, priority and area, checked; with it the clocks start."""

    names_limits = False
    """Whether a category that can be chosen has a limit of its own."""

    category_id = SelectField(_l("What it is about"), [InputRequired()], coerce=int)
    priority = RadioField(
        _l("How fast must it move?"),
        [InputRequired(_l("Choose how fast it must move."))],
        coerce=EnumMember(Priority),
    )
    area_id = OptionsField(_l("Area"))
    note = TextAreaField(_l("A word to the requester"), [Length(max=1000)])
    proposed = HiddenField()
    """Which rule filled it in, see `routing.proposals`."""

    def offer(self, *, categories: Sequence[Node[Category]]) -> "AcceptanceForm":
        """Fill in what can be chosen, in the reader's language."""
        self.category_id.choices = category_choices(categories, with_limits=True)
        self.names_limits = any(_own_limit(node.thing) for node in categories)
        self.area_id.offer(area_options(current_locale(), ended=False), blank=_l("Not known"))
        self.priority.choices = enum_choices(Priority)
        return self


class NeededUnlessSpam:
    """Leaves nobody without a way on; who sends spam needs none."""

    # The label must not call it optional.
    field_flags: ClassVar[Mapping[str, object]] = {"required": True}

    def __init__(self, words: LazyString) -> None:
        self.words = words

    def __call__(self, form: Form, field: Field) -> None:
        """Raise `ValidationError` when it is missing."""
        is_spam = "is_spam" in form and form["is_spam"].data
        if not is_spam and is_blank(field.data):
            raise ValidationError(str(self.words))


class DeclineForm(Form):
    """Why a request is not for us, and where to turn."""

    reason = TextAreaField(
        _l("Why can we not take this on?"),
        [NeededUnlessSpam(_l("Tell the requester why.")), Length(max=1000)],
    )
    where_to_turn = StringField(
        _l("Where can they turn?"),
        [NeededUnlessSpam(_l("Tell the requester where to turn instead.")), Length(max=200)],
    )
    is_spam = BooleanField(_l("This is spam: nobody is told, and no figure counts it"))
    """Left out once it was accepted."""


class MergerForm(Form):
    """Which request goes on in place of this one."""

    survivor_id = HiddenField()
    note = TextAreaField(_l("A word to the requester"), [Length(max=1000)])


LONGEST_BOARD_NOTE: Final = 500
MOST_TEAMS: Final = 500


def without_numbers(_form: Form, field: Field) -> None:
    """Refuse phone numbers, addresses of mail and numbers of identity cards."""
    note = (field.data or "")[:LONGEST_BOARD_NOTE]  # what is longer is refused for that
    found = sorted(
        find_personal_data(note, organisation.organisation().country), key=lambda each: each.start
    )
    if found:
        given_away = note[found[0].start : found[0].end]
        raise ValidationError(
            str(_l("Leave this out, others read it: %(what)s")) % {"what": given_away}
        )


class AssignmentForm(Form):
    """Who handles the request and who answers for it."""

    stood = HiddenField()
    """How it was assigned when the page was opened, so that nobody overwrites unseen."""
    proposed = HiddenField()
    """Which rule filled it in, see `routing.proposals`."""
    lead_team_id = SelectField(
        _l("Lead team"), [InputRequired(_l("Choose the lead team."))], coerce=optional_int
    )
    helping_team_ids = SelectMultipleField(
        _l("Helping teams"),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    helping_tasks = Rows(FormField(HelpingTask), max_entries=MOST_TEAMS)
    """What each of them is to do, where it has no part yet."""
    leader_id = SelectField(
        _l("Leader who answers for it"),
        [InputRequired(_l("Choose the leader."))],
        coerce=optional_int,
    )
    volunteers_needed = WholeNumberField(
        _l("Volunteers needed"),
        [
            InputRequired(_l("Enter how many volunteers it takes.")),
            NumberRange(1, MOST_VOLUNTEERS, _l("Enter a number from 1 to 50.")),
        ],
    )
    board_note = TextAreaField(
        _l("What volunteers read on the board"),
        [Optional(), Length(max=LONGEST_BOARD_NOTE), without_numbers],
    )
    note = TextAreaField(_l("Note to the team"), [Optional(), Length(max=2000)])
    about: ServiceRequest | None = None

    def validate_board_note(self, field: Field) -> None:
        """Refuse what the request itself knows of its people and their door."""
        it = self.about
        if it is None:
            return
        requester = it.requester
        people = (requester.name if requester else None, it.beneficiary_name)
        neighbour = requester.neighbour if requester else ""
        names = names_that_tell(people, it.address, neighbour)
        phones = numbers_that_tell(requester.phone if requester else None, neighbour)
        note = (field.data or "")[:LONGEST_BOARD_NOTE]  # what is longer is refused for that
        if told := told_again(note, names=names, place=it.address, phones=phones):
            raise ValidationError(
                str(_l("Leave this out, others read it: %(what)s")) % {"what": note[told[0]]}
            )

    def offer(
        self,
        *,
        lead_teams: Sequence[TeamChoice],
        helping_teams: Sequence[Team],
        leaders: Sequence[Person],
        about: ServiceRequest,
    ) -> "AssignmentForm":
        """Fill in what can be chosen, the most fitting teams first.

        `about`: whose people and place the board must not tell.
        """
        self.about = about
        suggested = [_team_choice(choice) for choice in lead_teams if choice.is_suggested]
        others = [_team_choice(choice) for choice in lead_teams if not choice.is_suggested]
        groups = {str(_l("Suggested")): suggested, str(_l("Other teams")): others}
        blank = [SelectChoice("", str(_l("Choose a team")))]
        self.lead_team_id.choices = {
            **({"": blank} if len(lead_teams) != 1 else {}),
            **{name: choices for name, choices in groups.items() if choices},
        }
        self.helping_team_ids.choices = [
            SelectChoice(team.id, localized(team)) for team in helping_teams
        ]
        there = {row.form.team_id.data for row in self.helping_tasks}
        for team in helping_teams:
            if str(team.id) not in there and len(self.helping_tasks) < MOST_TEAMS:
                self.helping_tasks.append_entry({"team_id": str(team.id)})
        self.leader_id.choices = [
            SelectChoice("", str(_l("Choose a leader"))),
            *(SelectChoice(leader.id, _with_title(leader)) for leader in leaders),
        ]
        return self

    def validate(self, extra_validators: Mapping[str, Sequence[object]] | None = None) -> bool:
        """Tell whether all is in order, and nothing is said of a team that would never read it."""
        is_right: bool = super().validate(extra_validators)
        chosen = {str(team_id) for team_id in self.helping_team_ids.data or ()}
        for row in (each.form for each in self.helping_tasks):
            if is_blank(row.task.data):
                continue
            if row.team_id.data not in chosen:
                self.complain(row.task, _l("Tick this team as well, or leave this empty."))
            elif row.team_id.data == str(self.lead_team_id.data):
                leads = _l("This team leads the request. A part is for a team that helps.")
                self.complain(row.task, leads)
        if any(row.errors for row in self.helping_tasks):
            self.helping_tasks.errors = [row.errors for row in self.helping_tasks]
            return False
        return is_right

    def task_field(self, team_id: int) -> Field | None:
        """Return the field beside a helping team, for what it is to do."""
        rows = (row.form for row in self.helping_tasks)
        return next((row.task for row in rows if row.team_id.data == str(team_id)), None)

    def tasks(self) -> dict[int, str]:
        """Return what is said that each of the chosen helping teams is to do."""
        chosen = self.helping_team_ids.data or ()
        fields = {team_id: self.task_field(team_id) for team_id in chosen}
        return {team_id: field.data or "" for team_id, field in fields.items() if field is not None}


class ReturnForm(Form):
    """Why the team gives a request back."""

    reason = TextAreaField(
        _l("Why does your team return it?"),
        [Says(_l("Tell the desk why.")), Length(max=1000)],
    )


class SignForForm(Form):
    """Nothing to fill in: the button is the signature."""


def category_choices(
    nodes: Sequence[Node[Category]], *, with_limits: bool = False
) -> dict[str, list[SelectChoice]]:
    """Return the categories that requests may hang on, grouped by what is above them.

    `with_limits`: each says the limit that is its own.
    """
    tops = {node.thing.id: node.thing for node in nodes if node.depth == 0}
    parents = {node.thing.parent_id for node in nodes}
    groups: dict[str, list[SelectChoice]] = {}
    for node in nodes:
        thing = node.thing
        if thing.id in parents:
            continue  # requests hang on the leaves
        top = tops.get(thing.parent_id or thing.id)
        group = groups.setdefault(localized(top) if top else "", [])
        limit = _own_limit(thing) if with_limits else None
        group.append(SelectChoice(thing.id, _with_limit(thing, limit)))
    return groups


def _own_limit(category: Category) -> Limit | None:
    """Return how long its normal requests may take, where that is its own or its group's rule."""
    held = holding(category, Priority.NORMAL, Clock.RESOLVE)
    return held.limit if held.set_by in (SetBy.CATEGORY, SetBy.GROUP) else None


def _with_limit(category: Category, limit: Limit | None) -> str:
    if limit is None:
        return localized(category)
    words = _l("%(category)s (%(limit)s)")
    return str(words) % {"category": localized(category), "limit": length_words(limit)}


def _team_choice(choice: TeamChoice) -> SelectChoice:
    reasons = str(_l(", ")).join(str(REASONS[reason]) for reason in choice.reasons)
    name = localized(choice.team)
    return SelectChoice(choice.team.id, f"{name} ({reasons})" if reasons else name)


def _with_title(person: Person) -> str:
    title = localized(person, "title")
    return f"{person.name} · {title}" if title else person.name
