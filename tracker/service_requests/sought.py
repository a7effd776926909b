"""What somebody searches for in the desk's list: a reference, a telephone number, or words in any language.

Pure of Flask. Where nothing but the words differs from one search to the next, the statements are
the same, and made once.
"""

import re
from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Select,
    String,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from tracker.database import read
from tracker.organisation import queries as organisation
from tracker.permissions import Action, Actor, may
from tracker.privacy import normalise_phone
from tracker.service_requests import contact, search
from tracker.service_requests.models import Requester, ServiceRequest
from tracker.service_requests.reference import REFERENCE_DIGITS, parse_reference, typed_digits

MOST_CALLS_COUNTED: Final = 500
"""So many are looked up once more for the numbers on the tabs of their list."""
SHORTEST_END: Final = 4
"""So many digits at the end of a number find it."""
LONGEST_END: Final = 15
"""No number has more."""
# As in the indexes of migration 0012.
_REFERENCE_END: Final[ColumnElement[str]] = literal_column(
    "substr(service_request.reference, 7)", String
)
_PHONE_END: Final[ColumnElement[str]] = literal_column(
    "substr(requester.phone, length(requester.phone) - 3)", String
)
_LABELS: Final = re.compile(
    r"^\s*(?:电话|手机|联系电话|tel|phone|mobile)(?:号码?)?|(?:转|ext\.?|x)(?=\s*\d{1,6}\s*$)",
    re.IGNORECASE,
)
"""What stands before a telephone number where it is copied from, and before the extension behind it."""
_REFERENCE: Final = bindparam("reference", type_=String)
_PHONE: Final = bindparam("phone", type_=String)
_LAST: Final = bindparam("last", type_=String)
_ENDING: Final = bindparam("ending", type_=String)


def _is_reference() -> ColumnElement[bool]:
    return ServiceRequest.reference == _REFERENCE


@dataclass(frozen=True, slots=True)
class Sought:
    """What is searched for. Two are equal where the same statements of a reader ask for them."""

    shape: Hashable = None
    """All that the condition hangs on besides its parameters; None where it is made for one search."""
    are_few: bool = False
    """So few can fit that they are looked up one by one."""
    are_counted: bool = field(default=True, compare=False)
    """So few that they are looked up once more to be counted, beside what a page of them takes."""
    make: Callable[[], ColumnElement[bool]] | None = field(default=None, compare=False)
    """Makes the condition, which most searches for a frequent word never come to ask."""
    given: Mapping[str, str] = field(default_factory=dict, compare=False)
    """Its parameters."""
    sift: Callable[[Sequence[int]], Collection[int]] | None = field(default=None, compare=False)
    """Which of some requests fit, where very many may."""

    @property
    def is_nothing(self) -> bool:
        """Tell whether nothing is searched for."""
        return self.make is None

    @property
    def is_made_once(self) -> bool:
        """Tell whether statements that ask for it are worth remembering."""
        return self.make is None or self.shape is not None


NOTHING: Final = Sought()


class _Callers(StrEnum):
    """Which callers a number means."""

    FROM_IT = "from_it"
    FROM_ITS_END = "from_its_end"
    """Those whose number ends in it."""


class _Kind(NamedTuple):
    """What a number can be: all that conditions hang on besides its digits."""

    callers: _Callers | None = None
    ends_reference: bool = False


@dataclass(frozen=True, slots=True)
class _Number:
    """What was typed, as far as it is a number or the end of one."""

    kind: _Kind
    given: Mapping[str, str]
    """The parameters of its conditions."""

    @property
    def is_any(self) -> bool:
        """Tell whether it may find anything."""
        return self.kind != _Kind()

    @property
    def is_whole(self) -> bool:
        """Tell whether it is a telephone number that the reader may look for."""
        return self.kind.callers is _Callers.FROM_IT

    def ids(self, actor: Actor, *, reads_all: bool) -> Sequence[Select[int]]:
        """Select the requests that it finds, as far as `actor` may see numbers."""
        ends = [_ENDS_SO] if self.kind.ends_reference else []
        called = self._called_by(actor, reads_all=reads_all)
        return [select(ServiceRequest.id).where(each) for each in (*ends, *called)]

    def conditions(self, actor: Actor, *, reads_all: bool) -> Sequence[ColumnElement[bool]]:
        """Return the same as conditions that may be asked of each request of a list."""
        ends = ServiceRequest.id.in_(select(ServiceRequest.id).where(_ENDS_SO))
        called = self._called_by(actor, reads_all=reads_all)
        return [*([ends] if self.kind.ends_reference else []), *called]

    def _called_by(self, actor: Actor, *, reads_all: bool) -> Sequence[ColumnElement[bool]]:
        if self.kind.callers is None:
            return []
        called = ServiceRequest.requester_id.in_(_CALLERS[self.kind.callers])
        return [called if reads_all else and_(called, contact.is_seen_by(actor))]

    def called(self) -> int:
        """Return how often somebody called from it, as far as that can be few: some lines call all day."""
        if self.kind.callers is None:
            return 0
        asked = _some_callers(self.kind.callers, search.MOST_OF_FEW + 1)
        return read(asked, self.given).scalar() or 0


_ENDS_SO: Final = and_(_REFERENCE_END == _LAST, ServiceRequest.reference.like(_ENDING))
_CALLERS: Final[Mapping[_Callers, Select[int]]] = {
    _Callers.FROM_IT: select(Requester.id).where(Requester.phone == _PHONE),
    _Callers.FROM_ITS_END: select(Requester.id).where(
        _PHONE_END == _LAST, Requester.phone.like(_ENDING)
    ),
}


@cache
def _some_callers(which: _Callers, most: int) -> Select[int]:
    return select(func.count()).select_from(_CALLERS[which].limit(most).subquery())


def _number(typed: str, actor: Actor) -> _Number:
    """Return what was typed as a number: a telephone number is looked for by those who may see it."""
    digits, may_see = typed_digits(typed), may(actor, Action.VIEW_CONTACT)
    # With other words before it, all of it is searched for as words.
    is_number = may_see and not any(map(str.isalpha, _LABELS.sub("", typed)))
    phone = normalise_phone(typed, organisation.organisation().country) if is_number else None
    given, callers = dict[str, str](), None
    if digits is not None and SHORTEST_END <= len(digits) <= LONGEST_END:
        given |= {_LAST.key: digits[-SHORTEST_END:], _ENDING.key: f"%{digits}"}
        callers = _Callers.FROM_ITS_END if may_see else None
    if phone is not None:
        given[_PHONE.key] = phone
        callers = _Callers.FROM_IT  # nobody else's number ends in a whole one
    ends_reference = _ENDING.key in given and len(given[_ENDING.key]) <= 1 + REFERENCE_DIGITS
    return _Number(_Kind(callers, ends_reference), given)


def sought(actor: Actor, typed: str) -> Sought:
    """Return what `actor` means by what was typed into the search box of the list.

    A number is the whole of it, with however many spaces.
    """
    words = search.asked_for(typed)
    if not words:
        return NOTHING
    reference = parse_reference(typed)
    if reference is not None:
        return Sought(
            shape="reference",
            are_few=True,
            make=_is_reference,
            given={_REFERENCE.key: reference},
        )
    asked, number = search.asked(words), _number(typed, actor)
    reads_all = _reads_all(actor)

    def in_the_open() -> ColumnElement[bool]:
        return true() if reads_all else _is_in_the_open(actor, words)

    def few() -> ColumnElement[bool]:
        by_number = number.ids(actor, reads_all=reads_all)
        if by_number and reads_all:
            # One list of ids: of two conditions, PostgreSQL would look at every request for either.
            return ServiceRequest.id.in_(search.ids_with(asked, *by_number))
        found = and_(search.fits(asked), in_the_open())
        return or_(found, ServiceRequest.id.in_(union_all(*by_number))) if by_number else found

    def many() -> ColumnElement[bool]:
        return or_(
            and_(search.fits(asked), in_the_open()), *number.conditions(actor, reads_all=reads_all)
        )

    def sift(ids: Sequence[int]) -> Collection[int]:
        by_text = search.matching(words, ids)
        if reads_all and not number.is_any:
            return by_text
        fits = or_(
            and_(ServiceRequest.id.in_(by_text), in_the_open()),
            *number.conditions(actor, reads_all=reads_all),
        )
        asked_of_some = select(ServiceRequest.id).where(ServiceRequest.id.in_(ids), fits)
        return frozenset(read(asked_of_some, number.given).scalars())

    # Hardly any text has a whole number in it; thousands of one would only be read more slowly.
    has_few_texts = not asked.are_names and (number.is_whole or search.are_few(words))
    called = number.called()
    are_few = has_few_texts and called <= search.MOST_OF_FEW
    return Sought(
        shape=(asked, number.kind, are_few) if reads_all else None,
        are_few=are_few,
        are_counted=are_few and called <= MOST_CALLS_COUNTED,
        make=few if are_few else many,
        given={**asked.given, **number.given},
        # Names, and who calls so often, are so many that a page is full before the texts are asked.
        sift=None if are_few or asked.are_names or has_few_texts else sift,
    )


def _reads_all(actor: Actor) -> bool:
    """Tell whether `actor` may see the contact data of every request in their queue.

    As a desk, that is: whoever else may see it may not once the request is closed.
    """
    queue = Action.VIEW_QUEUE
    return actor.units_where(queue) <= actor.units_where(Action.VIEW_CONTACT) and not (
        actor.teams_where(queue) or actor.own_roles_where(queue)
    )


def _is_in_the_open(actor: Actor, words: str) -> ColumnElement[bool]:
    """Return the condition that words fit what `actor` may read of a request.

    Names and addresses are in the index as well: whoever sees them masked could try them out
    there, letter by letter.
    """
    return or_(
        contact.is_seen_by(actor),
        and_(*(search.is_in_the_open(term) for term in words.split())),
    )
