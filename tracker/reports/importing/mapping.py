"""How the columns of somebody else's file become the fields of a request.

Pure but for its words. A mapping is a TOML file; docs/import.md explains every key of it.
"""

import codecs
import re
import tomllib
from collections.abc import Mapping as Table, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from enum import Enum, StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask_babel import gettext as _

from tracker.organisation.models import AreaKind, UnitKind
from tracker.service_requests.lifecycle import Kind, Outcome, Status

Choice = TypeVar("Choice", bound=Enum)

MOST_BYTES: Final = 1 << 15
"""Of a mapping: what is dotted or nested without end takes its reader minutes."""
LONGEST_LINE: Final = 1000
UNCATEGORISED: Final = "未分类"
UNCATEGORISED_EN: Final = "Uncategorised"


class MappingError(Exception):
    """The mapping file can't be used. The message says where and why, in the reader's language."""


class Creatable(StrEnum):
    """What the importer may make on the way when a row names one that is not there."""

    CATEGORY = "category"
    TEAM = "team"
    AREA = "area"
    UNIT = "unit"


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of the file hold what. An empty name or tuple: the file does not say."""

    source_id: str
    submitted_at: str
    category: tuple[str, ...] = ()
    """One column, or two: the top level and the leaf."""
    area: tuple[str, ...] = ()
    """From the widest level to the narrowest."""
    need: tuple[str, ...] = ()
    """Joined, each different text once."""
    accepted_at: str = ""
    assigned_at: str = ""
    first_response_at: str = ""
    due_at: str = ""
    resolved_at: str = ""
    closed_at: str = ""
    unit: str = ""
    team: str = ""
    channel: str = ""
    address: str = ""
    answer: str = ""
    outcome: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """Return every column that the file must have."""
        single = (
            self.source_id,
            self.submitted_at,
            self.accepted_at,
            self.assigned_at,
            self.first_response_at,
            self.due_at,
            self.resolved_at,
            self.closed_at,
            self.unit,
            self.team,
            self.channel,
            self.address,
            self.answer,
            self.outcome,
        )
        return tuple(filter(None, (*single, *self.category, *self.area, *self.need)))


@dataclass(frozen=True, slots=True)
class StatusRule:
    """One way to tell the status: when the column reads so, it is this."""

    column: str
    equals: str
    status: Status
    on_time: bool | None = None


@dataclass(frozen=True, slots=True)
class Mapping:
    """Everything that is needed to read one kind of file."""

    source: str
    """Names where rows come from; with a row's own id it is unique for ever."""
    title: str
    columns: Columns
    status_rules: tuple[StatusRule, ...]
    """Asked in their order; the first that holds decides."""
    status_default: Status | None
    """When no rule holds. None: the row is rejected."""
    encoding: str | None = None
    time_zone: str | None = None
    """In which zone the file's clock stands; none: the organisation's."""
    time_formats: tuple[str, ...] = ()
    missing: frozenset[str] = frozenset({""})
    create: frozenset[Creatable] = frozenset()
    kind_column: str = ""
    kind_values: Table[str, Kind] | None = None
    kind_default: Kind = Kind.HELP
    outcome_values: Table[str, Outcome] | None = None
    default_unit: str = ""
    """The name of the unit for rows that name none, and above units that are made; empty: the
    top of the tree."""
    unit_kind: UnitKind = UnitKind.OFFICE
    area_kinds: tuple[AreaKind, ...] = ()
    uncategorised: str = UNCATEGORISED
    uncategorised_en: str = UNCATEGORISED_EN

    @property
    def asked(self) -> tuple[str, ...]:
        """Return every column that is read, each once."""
        asked = [*self.columns.named, *(rule.column for rule in self.status_rules)]
        return tuple(dict.fromkeys([*asked, self.kind_column] if self.kind_column else asked))


def read_mapping(path: Path) -> Mapping:
    """Return the mapping in a TOML file, or raise `MappingError`."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
    except OSError as error:
        raise MappingError(_("The file of the mapping cannot be read.")) from error
    return parse_mapping(content)


def parse_mapping(content: bytes) -> Mapping:
    """Return the mapping that a TOML text describes, or raise `MappingError`."""
    if len(content) > MOST_BYTES:
        raise MappingError(_("It is larger than %(most)s kB.", most=MOST_BYTES >> 10))
    try:
        text = content.decode("utf-8-sig")
        _refuse_long_lines(text)
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise MappingError(_("It is not a TOML file in UTF-8.")) from error
    except tomllib.TOMLDecodeError as error:
        words = _("It is not a TOML file in UTF-8.")
        if where := _AT_LINE.search(str(error)):
            words = _("It is not a TOML file: look at line %(line)s.", line=where[1])
        raise MappingError(words) from error
    except (RecursionError, ValueError) as error:
        raise MappingError(_("Something in it is nested too deep, or is too long.")) from error
    return _Reader(document).mapping()


def _refuse_long_lines(text: str) -> None:
    for number, line in enumerate(text.split("\n"), start=1):
        if len(line) > LONGEST_LINE:
            raise MappingError(
                _(
                    "Line %(line)s has more than %(most)s characters.",
                    line=number,
                    most=f"{LONGEST_LINE:,}",
                )
            )


_TOP_KEYS: Final = frozenset(
    {
        "source",
        "title",
        "encoding",
        "time_zone",
        "time_formats",
        "missing",
        "create",
        "columns",
        "status",
        "kind",
        "outcome",
        "unit",
        "area",
        "category",
    }
)
_LISTS: Final = ("category", "area", "need")
_MOST_CATEGORY_LEVELS: Final = 2
_MOST_TIME_FORMATS: Final = 20
_AT_LINE: Final = re.compile(r"at line (\d+)")
_NOT_FOR_FILES: Final = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}
)
"""How Python writes names and its own source, and mail of old: UTF-7 is read with halves of
characters in it, which no database takes."""
_A_TIME: Final = datetime(2026, 11, 23, 14, 5, 59, tzinfo=UTC)
_LONGEST_SOURCE: Final = 60
_LONGEST_NAME: Final = 120


class _Reader:
    """Reads a TOML document and complains with the key that is wrong."""

    def __init__(self, document: Table[str, Any]) -> None:
        self.document = document

    def mapping(self) -> Mapping:
        self._know(self.document, _TOP_KEYS, "")
        status = self._table("status")
        kind, outcome = self._table("kind"), self._table("outcome")
        unit, area, category = self._table("unit"), self._table("area"), self._table("category")
        source = self._text(self.document, "source", "source", longest=_LONGEST_SOURCE)
        return Mapping(
            source=source,
            title=self._text(self.document, "title", "title", default=source),
            columns=self._columns(),
            status_rules=self._status_rules(status),
            status_default=self._status_default(status),
            encoding=self._encoding(),
            time_zone=self._time_zone(),
            time_formats=self._time_formats(),
            missing=frozenset(("", *self._texts(self.document, "missing", "missing"))),
            create=frozenset(
                self._choice(Creatable, one, "create")
                for one in self._texts(self.document, "create", "create")
            ),
            kind_column=self._text(kind, "column", "kind.column", default=""),
            kind_values=self._values(Kind, kind, "kind.values"),
            kind_default=self._choice(Kind, kind.get("default", Kind.HELP), "kind.default"),
            outcome_values=self._values(Outcome, outcome, "outcome.values"),
            default_unit=self._name(unit, "default", "unit.default", default=""),
            unit_kind=self._choice(UnitKind, unit.get("kind", UnitKind.OFFICE), "unit.kind"),
            area_kinds=tuple(
                self._choice(AreaKind, one, "area.kinds")
                for one in self._texts(area, "kinds", "area.kinds")
            ),
            uncategorised=self._name(
                category, "uncategorised", "category.uncategorised", default=UNCATEGORISED
            ),
            uncategorised_en=self._name(
                category,
                "uncategorised_en",
                "category.uncategorised_en",
                default=UNCATEGORISED_EN,
            ),
        )

    def _columns(self) -> Columns:
        table = self._table("columns")
        self._know(table, frozenset(Columns.__dataclass_fields__), "columns.")
        for required in ("source_id", "submitted_at"):
            if required not in table:
                _refuse(f"columns.{required}", _("which column of the file is it?"))
        lists = {key: self._texts(table, key, f"columns.{key}") for key in _LISTS}
        if len(lists["category"]) > _MOST_CATEGORY_LEVELS:
            _refuse("columns.category", _("one column, or two (top level and leaf)."))
        single = {
            key: self._text(table, key, f"columns.{key}") for key in table if key not in _LISTS
        }
        return Columns(**single, **lists)  # type: ignore[arg-type]  # the keys were checked

    def _status_rules(self, table: Table[str, Any]) -> tuple[StatusRule, ...]:
        self._know(table, frozenset({"column", "values", "when", "default"}), "status.")
        rules: list[StatusRule] = []
        given_rules: object = table.get("when", [])
        if not isinstance(given_rules, list):
            _refuse("status.when", _("write each rule as a table, [[status.when]]."))
        for number, given in enumerate(given_rules, start=1):
            place = f"status.when[{number}]"
            if not isinstance(given, dict):
                _refuse(place, _("a table with column, equals and status."))
            self._know(given, frozenset({"column", "equals", "status", "on_time"}), f"{place}.")
            on_time = given.get("on_time")
            if on_time is not None and not isinstance(on_time, bool):
                _refuse(f"{place}.on_time", _("true or false."))
            rules.append(
                StatusRule(
                    self._text(given, "column", f"{place}.column"),
                    self._equals(given, f"{place}.equals"),
                    self._choice(Status, given.get("status"), f"{place}.status"),
                    on_time,
                )
            )
        if values := self._values(Status, table, "status.values"):
            column = self._text(table, "column", "status.column")
            rules += [StatusRule(column, value, status) for value, status in values.items()]
        for rule in rules:
            self._refuse_unfinished(rule.status)
        if not rules and "default" not in table:
            _refuse("status", _("say how a row's status can be told, or a default."))
        return tuple(rules)

    def _status_default(self, table: Table[str, Any]) -> Status | None:
        if "default" not in table:
            return None
        status = self._choice(Status, table["default"], "status.default")
        self._refuse_unfinished(status)
        return status

    def _refuse_unfinished(self, status: Status | None) -> None:
        """Refuse a status that says less than it must: no file has the question, or the day."""
        if status in (Status.WAITING, Status.PARKED):
            _refuse(
                "status",
                _(
                    "rows cannot come in as %(status)s, without what is waited for. Let them come"
                    " in as %(instead)s.",
                    status=status,
                    instead=Status.IN_PROGRESS,
                ),
            )

    def _encoding(self) -> str | None:
        name = self._text(self.document, "encoding", "encoding", default="")
        if name and not _is_for_text(name):
            _refuse("encoding", _("nobody knows “%(name)s”.", name=name))
        return name or None

    def _time_formats(self) -> tuple[str, ...]:
        forms = self._texts(self.document, "time_formats", "time_formats")
        if len(forms) > _MOST_TIME_FORMATS:  # each is tried with every time of a file
            _refuse("time_formats", _("at most %(most)s of them.", most=_MOST_TIME_FORMATS))
        for form in forms:
            if not _reads_times(form):
                _refuse(
                    "time_formats",
                    _(
                        "no time can be read by “%(form)s”; write e.g. %(example)s.",
                        form=form,
                        example="%Y-%m-%d %H:%M",
                    ),
                )
        return forms

    def _time_zone(self) -> str | None:
        name = self._text(self.document, "time_zone", "time_zone", default="")
        if not name:
            return None
        try:
            return ZoneInfo(name).key
        except (ZoneInfoNotFoundError, ValueError, OSError):  # "Asia" is a folder of zones
            _refuse(
                "time_zone", _("there is no zone “%(name)s”; write e.g. Asia/Shanghai.", name=name)
            )

    def _table(self, key: str) -> Table[str, Any]:
        table = self.document.get(key, {})
        if not isinstance(table, dict):
            _refuse(f"[{key}]", _("it must be a table."))
        return table

    def _values(
        self, kind: type[Choice], table: Table[str, Any], place: str
    ) -> Table[str, Choice] | None:
        values = table.get("values")
        if values is None:
            return None
        if not isinstance(values, dict):
            _refuse(place, _("a table from the file's words to ours."))
        return {word: self._choice(kind, value, place) for word, value in values.items()}

    @staticmethod
    def _know(table: Table[str, Any], known: frozenset[str], place: str) -> None:
        for key in table:
            if key not in known:
                _refuse(
                    f"{place}{key}",
                    _("there is no such key. Known: %(known)s.", known=", ".join(sorted(known))),
                )

    @staticmethod
    def _choice(kind: type[Choice], value: object, place: str) -> Choice:
        try:
            return kind(value)
        except ValueError:
            _refuse(
                place,
                _(
                    "“%(value)s” is not one of %(known)s.",
                    value=value,
                    known=", ".join(str(one.value) for one in kind),
                ),
            )

    def _name(self, table: Table[str, Any], key: str, place: str, *, default: str) -> str:
        return self._text(table, key, place, default=default, longest=_LONGEST_NAME)

    @staticmethod
    def _text(
        table: Table[str, Any],
        key: str,
        place: str,
        *,
        default: str | None = None,
        longest: int | None = None,
    ) -> str:
        value = table.get(key, default)
        if not isinstance(value, str) or (not value and default is None):
            _refuse(place, _("a text is missing."))
        if "\x00" in value:
            _refuse(place, _("there is a character in it that nobody can type."))
        if longest is not None and len(value) > longest:
            _refuse(place, _("at most %(longest)s characters.", longest=longest))
        return value

    @staticmethod
    def _texts(table: Table[str, Any], key: str, place: str) -> tuple[str, ...]:
        value: object = table.get(key, ())
        if isinstance(value, str):
            value = (value,)
        if not isinstance(value, Sequence) or not all(isinstance(one, str) for one in value):
            _refuse(place, _("a text or a list of texts."))
        return tuple(value)

    @staticmethod
    def _equals(given: Table[str, Any], place: str) -> str:
        value = given.get("equals", "")
        if not isinstance(value, str | int | float | date | time):
            _refuse(place, _("a text is missing."))
        return str(value)


def _refuse(place: str, words: str) -> NoReturn:
    message = f"{place}: {words}"
    raise MappingError(message)


def _is_for_text(encoding: str) -> bool:
    """Tell whether a file may be written so; Python knows more than text is written in."""
    try:
        name = codecs.lookup(encoding).name
        return name not in _NOT_FOR_FILES and "a,1".encode(name).decode(name) == "a,1"
    except (LookupError, UnicodeError, ValueError):
        return False


def _reads_times(form: str) -> bool:
    """Tell whether what is written in this form is read by it again."""
    try:
        datetime.strptime(_A_TIME.strftime(form), form)  # noqa: DTZ007 - only whether it can be
    except (ValueError, re.error):
        return False
    return True
