"""What is filled in to split a request up among helping teams, and to end a part."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    FieldList,
    FormField,
    HiddenField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.validators import Length, NumberRange, Optional

from tracker.service_requests.models import Part
from tracker.teams.models import Team
from tracker.web.forms import Form, Says, is_blank, optional_int
from tracker.web.locale import localized
from tracker.web.numbers import WholeNumberField

LONGEST_TASK: Final = 1000
LONGEST_RESULT: Final = 2000
MOST_DAYS: Final = 60
MOST_ROWS: Final = 40
"""More rows than a page ever has."""
_ROW: Final = re.compile(r"[a-z_]+-[0-9]{1,3}-")


class Rows(FieldList):  # type: ignore[type-arg]  # it takes none when it runs
    """Fields that are there several times. What was made up in place of a number is no row."""

    def _extract_indices(self, prefix: str, formdata: Iterable[str]) -> Iterator[int]:
        rows = [name for name in formdata if _ROW.match(name)]
        yield from super()._extract_indices(prefix, rows)  # type: ignore[misc]  # not in its stubs


class HelpingTask(Form):
    """What one helping team is to do, where the request is assigned."""

    class Meta(Form.Meta):
        """The form around it carries the token."""

        csrf = False

    team_id = HiddenField()
    task = StringField(_l("What it is to do"), [Length(max=LONGEST_TASK)])


class PartRow(Form):
    """One team's part."""

    class Meta(Form.Meta):
        """The form around it carries the token."""

        csrf = False

    team_id = SelectField(_l("Helping team"), coerce=optional_int)
    task = TextAreaField(_l("What it is to do"), [Length(max=LONGEST_TASK)])
    working_days = WholeNumberField(
        _l("Within how many working days?"),
        [Optional(), NumberRange(1, MOST_DAYS, _l("Enter a number from 1 to 60."))],
    )
    is_taken_back = BooleanField(_l("Take this part back"))


class PartsForm(Form):
    """Several rows: which team, what, until when."""

    stood = HiddenField()
    """Which parts there were when the page was opened, so that nobody overwrites unseen."""
    rows = Rows(FormField(PartRow), max_entries=MOST_ROWS)

    helping: Mapping[int, Team] = MappingProxyType({})
    """Teams that help now."""
    open_parts: Mapping[int, Part] = MappingProxyType({})
    """By their teams."""

    def offer(
        self, *, teams: Sequence[Team], helping: Sequence[Team], open_parts: Mapping[int, Part]
    ) -> "PartsForm":
        """Fill in what can be chosen: `teams` that may help, besides those that do."""
        self.helping, self.open_parts = {team.id: team for team in helping}, open_parts
        others = [team for team in teams if team.id not in self.helping]
        choices = [
            SelectChoice("", str(_l("Choose a team"))),
            *(SelectChoice(team.id, localized(team)) for team in (*helping, *others)),
        ]
        for row in self.rows:
            row.form.team_id.choices = choices
            # A part that is there says something; a row without one may stay empty.
            row.form.task.flags.depends = row.form.team_id.data in open_parts
        return self

    def add_missing(self) -> None:
        """Add a row for each team that helps by now and has none."""
        there = {row.form.team_id.data for row in self.rows}
        for team in self.helping.values():
            if team.id not in there and len(self.rows) < MOST_ROWS:
                self.rows.append_entry(row_of(team, self.open_parts.get(team.id)))

    def entered(self) -> Iterator[tuple[int, PartRow]]:
        """Yield the rows in which something is to be done, each with the team's id."""
        for row in self.rows:
            if row.form.team_id.data is not None and not is_blank(row.form.task.data):
                yield row.form.team_id.data, row.form

    def validate(self, extra_validators: Mapping[str, Sequence[object]] | None = None) -> bool:
        """Tell whether each row is in order: a team and words, or nothing; and each team once."""
        is_right: bool = super().validate(extra_validators)
        seen: set[int] = set()
        for row in self.rows:
            self._check(row.form, seen)
        if any(row.errors for row in self.rows):
            self.rows.errors = [row.errors for row in self.rows]
            return False
        return is_right

    def complain_of_row(self, row: PartRow, name: str, message: object) -> None:
        """Say beside a field of a row what is wrong."""
        self.complain(row[name], message)
        self.rows.errors = [each.errors for each in self.rows]

    def _check(self, row: PartRow, seen: set[int]) -> None:
        team_id, is_empty = row.team_id.data, is_blank(row.task.data)
        if team_id is None:
            if not is_empty:
                self.complain(row.team_id, _l("Choose the team."))
            return
        if team_id in seen:
            self.complain(row.task, _l("This team stands here twice. Write it into one row."))
        seen.add(team_id)
        is_new = team_id not in self.helping
        if is_empty and (is_new or row.working_days.data or team_id in self.open_parts):
            self.complain(row.task, _l("Say what the team is to do."))


def row_of(team: Team, part: Part | None) -> dict[str, object]:
    """Return what stands in the row of a team that helps."""
    return {
        "team_id": team.id,
        "task": part.task if part else "",
        "working_days": part.working_days if part else None,
    }


class PartResultForm(Form):
    """What a team did."""

    result = TextAreaField(
        _l("What your team did"),
        [Says(_l("Say what was done.")), Length(max=LONGEST_RESULT)],
    )


class PartReturnForm(Form):
    """Why a team gives its part back."""

    reason = TextAreaField(
        _l("Why does your team give it back?"),
        [Says(_l("Tell the desk and the lead team why.")), Length(max=LONGEST_TASK)],
    )
