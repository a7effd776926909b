"""Which pages the tests opened: a page that no test opens is a fault of the whole run."""

import json
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from flask import Flask, Response, request, request_finished
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

NOT_PAGES: Final = frozenset({"static", "vendor"})
REFUSED_AT_THE_DOOR: Final = frozenset({400, 401})


class Visited:
    """Remembers the endpoints and methods that answered in this test process.

    Only of applications called `name`: tests make others to plant faults in.
    """

    def __init__(self, name: str = "tracker") -> None:
        self._name = name
        self._seen: set[tuple[str, str]] = set()
        self._all: set[tuple[str, str]] = set()

    def watch(self) -> None:
        """Remember what every application of this process answers from now on."""
        request_finished.connect(self._remember)

    def unwatch(self) -> None:
        """Forget to remember."""
        request_finished.disconnect(self._remember)

    def window_got(self, app: Flask, method: str, url: str, status: int) -> None:
        """Remember what a server in another process answered to a window."""
        try:
            endpoint, _arguments = app.url_map.bind("").match(urlsplit(url).path, method)
        except (HTTPException, RequestRedirect):
            return
        if status not in REFUSED_AT_THE_DOOR:
            self._seen.add((endpoint, method))

    def _remember(self, app: Flask, response: Response) -> None:
        if app.name != self._name:
            return
        if not self._all:
            self._all = {
                (rule.endpoint, method)
                for rule in app.url_map.iter_rules()
                for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
                if rule.endpoint not in NOT_PAGES
            }
        asked_to_sign_in = response.headers.get("Location", "").startswith("/sign-in?next")
        if (
            request.endpoint
            and response.status_code not in REFUSED_AT_THE_DOOR
            and not asked_to_sign_in
        ):
            self._seen.add((request.endpoint, request.method))

    def save(self, folder: Path, worker: str) -> None:
        """Leave what was seen where the controller finds it."""
        content = {"seen": sorted(self._seen), "all": sorted(self._all)}
        (folder / f"visited-{worker}.json").write_text(json.dumps(content))


def never_visited(folder: Path) -> list[str]:
    """Return the pages that no test process opened, e.g. `POST teams.edit`."""
    seen: set[tuple[str, str]] = set()
    known: set[tuple[str, str]] = set()
    for path in folder.glob("visited-*.json"):
        content = json.loads(path.read_text())
        seen |= {(endpoint, method) for endpoint, method in content["seen"]}
        known |= {(endpoint, method) for endpoint, method in content["all"]}
    return sorted(f"{method} {endpoint}" for endpoint, method in known - seen)
