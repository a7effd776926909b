"""What addresses and forms hold: anybody may have made it up; what cannot be is like nothing given."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from flask import Flask, Request, abort, request, url_for
from werkzeug.datastructures import ImmutableMultiDict, MultiDict
from werkzeug.routing import IntegerConverter

Value = TypeVar("Value")

LARGEST_ID: Final = 2**31 - 1
"""PostgreSQL's integers end here; what is larger is an error there, not an unknown row."""

SAFE: Final = ",:/"
"""What the parameters of an address may hold as it is."""

LONGEST_ADDRESS: Final = 4000
"""In characters. The links of a page repeat what its address asks for, however much that is."""

FIRST_YEAR: Final = 1970
LAST_YEAR: Final = 2200


CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""No keyboard types these, no page may print them, and PostgreSQL refuses the first."""


def printable(text: str) -> str:
    """Return `text` as it can be printed and kept: no control characters, no half characters.

    For what came inside JSON, which can spell both.
    """
    return CONTROL.sub("", text.encode(errors="ignore").decode())


class Typed(ImmutableMultiDict[str, Any]):
    """What an address or a form gives, without control characters. Files are left as they are."""

    def __init__(self, mapping: Any = None) -> None:  # noqa: ANN401 - werkzeug's
        given = MultiDict(mapping)
        super().__init__(
            [
                (name, CONTROL.sub("", value) if isinstance(value, str) else value)
                for name, value in given.items(multi=True)
            ]
        )


class TypedRequest(Request):
    """A request whose arguments and form fields are `Typed`."""

    parameter_storage_class = Typed

    @property
    def max_content_length(self) -> int | None:
        """Return how many bytes may come: without files, no more than words take.

        Werkzeug limits only the words that come beside files; others would fill the memory.
        """
        largest = super().max_content_length
        words = self.max_form_memory_size
        if self.mimetype == "multipart/form-data" or words is None:
            return largest
        return words if largest is None else min(words, largest)

    @max_content_length.setter
    def max_content_length(self, value: int | None) -> None:
        self._max_content_length = value


class IdConverter(IntegerConverter):
    """`<int:…>` in an address, up to the largest id that a row can have."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - werkzeug's
        super().__init__(*args, **{"max": LARGEST_ID, **options})


def init_app(app: Flask) -> None:
    """Let every `<int:…>` end at the largest id, clean what is typed, and refuse what is too long.

    To be called before the pages are registered.
    """
    app.request_class = TypedRequest
    app.url_map.converters["int"] = IdConverter

    @app.before_request
    def refuse_what_is_too_long() -> None:
        if len(request.path) + len(request.query_string) > LONGEST_ADDRESS:
            abort(414)


def read_argument(
    arguments: Mapping[str, str], name: str, read: Callable[[str], Value]
) -> Value | None:
    """Return what an address gives by `name`; None when it is not there or cannot be read."""
    text = arguments.get(name, "").strip()
    try:
        return read(text) if text else None
    except ValueError:
        return None


def address(endpoint: str, arguments: Mapping[str, str | Sequence[str]], **others: str) -> str:
    """Return the address of a page without variables in its path, with `arguments` and `others`.

    What a reader's own address gives is passed on by this, never by `url_for`, to which names like
    `_method` and `_scheme` mean something else.
    """
    pairs = urlencode({**arguments, **others}, doseq=True, safe=SAFE)
    return url_for(endpoint) + ("?" + pairs if pairs else "")


def addresses(
    endpoint: str, arguments: Mapping[str, str | Sequence[str]], name: str, values: Sequence[str]
) -> Sequence[str]:
    """Return the address of a page, as `address` does, for each value of one more argument."""
    shared = address(endpoint, arguments)
    begun = shared + ("&" if "?" in shared else "?")
    return [begun + urlencode({name: value}, safe=SAFE) for value in values]


def wants_fields_alone() -> bool:
    """Tell whether a script asks for nothing but the fields of a list's filters (`filters.js`)."""
    return request.args.get("filters") == "fields"


def wants_counts_alone() -> bool:
    """Tell whether a script asks for nothing but the numbers on a list's tabs (`counts.js`)."""
    return request.args.get("counts") == "alone"


def identity(text: str) -> int:
    """Return an id that a row can have; raises `ValueError`."""
    number = int(text)
    if not 0 < number <= LARGEST_ID:
        message = "Nothing has such an id."
        raise ValueError(message)
    return number


def identities(text: str) -> frozenset[int]:
    """Return the ids of a list with commas between them; what none can be is left out."""
    found = (read_argument({"id": one}, "id", identity) for one in text.split(","))
    return frozenset(one for one in found if one is not None)


def day(text: str) -> date:
    """Return an ISO date on which something can have happened; raises `ValueError`."""
    found = date.fromisoformat(text)
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        message = "Nothing happened on such a day."
        raise ValueError(message)
    return found
