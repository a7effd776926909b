"""What a list to choose from offers, and its HTML, made once for all who read it."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from flask_babel import gettext
from markupsafe import Markup
from wtforms import SelectField
from wtforms.form import BaseForm
from wtforms.validators import ValidationError
from wtforms.widgets import html_params

from tracker.web.forms import optional_int

INDENT: Final = "\u3000"
"""Before the words of a node of a tree, once for each node above it."""


class Options:
    """Values with their words, in order. Never changes, so that many pages can share one."""

    def __init__(self, pairs: Iterable[tuple[object, str]]) -> None:
        self.words: Mapping[str, str] = MappingProxyType(
            {str(value): words for value, words in pairs}
        )
        self._lines = {
            value: Markup('<option value="{}">{}</option>').format(value, words)
            for value, words in self.words.items()
        }
        self._html = Markup("").join(self._lines.values())

    def __bool__(self) -> bool:
        return bool(self.words)

    def __contains__(self, value: object) -> bool:
        return value in self.words

    def name(self, value: object) -> str:
        """Return the words of a value that is offered, without what sets a tree in."""
        return self.words[str(value)].strip(INDENT)

    def html(self, chosen: object = "") -> Markup:
        """Return the `<option>`s, with `chosen` selected when it is offered."""
        chosen = str(chosen)
        if chosen not in self.words:
            return self._html
        line = Markup('<option value="{}" selected>{}</option>').format(chosen, self.words[chosen])
        return Markup("").join({**self._lines, chosen: line}.values())


class Offer:
    """What each of a list's filters offers, by name, made when it is first asked for.

    Hardly anybody unfolds the filters: a page then makes only what its chips name.
    """

    def __init__(self, makers: Mapping[str, Callable[[], Options]]) -> None:
        self._makers = makers
        self._made: dict[str, Options] = {}

    def __getitem__(self, name: str) -> Options:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def name(self, name: str, value: str) -> str | None:
        """Return the words of what is chosen in a filter; None where nothing that it offers is."""
        return self[name].name(value) if value and value in self[name] else None

    def chosen(self, name: str, value: object, seen: str | None = None) -> str:
        """Return the words of what a list is filtered by.

        A link may name what the reader is not offered: that is `seen`, what the list itself calls it, or
        another one, which tells nothing of it.
        """
        return self.name(name, str(value)) or seen or str(gettext("Another one"))


class _OptionsWidget:
    """Prints the `<select>` of an `OptionsField`."""

    multiple = False

    def __call__(self, field: "OptionsField", **attributes: object) -> Markup:
        attributes.setdefault("id", field.id)
        return Markup('<select {}><option value="">{}</option>{}</select>').format(
            Markup(html_params(name=field.name, **attributes)),  # noqa: S704 - escaped by WTForms
            field.blank,
            field.options.html("" if field.data is None else field.data),
        )


class OptionsField(SelectField):
    """One of many `Options`, or none (the line `blank`); its data is an id or None."""

    widget = _OptionsWidget()

    def __init__(self, words: str, **named: Any) -> None:  # noqa: ANN401 - as WTForms' own
        super().__init__(words, coerce=optional_int, choices=[], **named)
        self.options = Options(())
        self.blank = ""

    def offer(self, options: Options, *, blank: object) -> None:
        """Set what can be chosen; `blank` words the line that chooses nothing."""
        self.options = options
        self.blank = str(blank)

    def pre_validate(self, form: BaseForm) -> None:  # noqa: ARG002 - the signature is WTForms'
        """Refuse what is not offered."""
        if self.data is not None and str(self.data) not in self.options:
            raise ValidationError(self.gettext("Not a valid choice."))
