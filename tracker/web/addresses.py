"""Numbers in addresses: one that no row can have leads nowhere, like any other unknown one."""

from typing import Any, Final

from flask import Flask
from werkzeug.routing import IntegerConverter

LARGEST_ID: Final = 2**31 - 1
"""PostgreSQL's integers end here; what is larger is an error there, not an unknown row."""


class IdConverter(IntegerConverter):
    """`<int:…>` in an address, up to the largest id that a row can have."""

    def __init__(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - werkzeug's
        super().__init__(*args, **{"max": LARGEST_ID, **options})


def init_app(app: Flask) -> None:
    """Let every `<int:…>` end at the largest id. To be called before the pages are registered."""
    app.url_map.converters["int"] = IdConverter
