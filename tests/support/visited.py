"""Which pages the tests opened: a page that no test opens is a fault of the whole run."""

import json
from pathlib import Path
from typing import Final

from flask import Flask, Response, request

NOT_PAGES: Final = frozenset({"static", "vendor"})


class Visited:
    """Remembers the endpoints and methods that answered, in this test process."""

    def __init__(self) -> None:
        self._seen: set[tuple[str, str]] = set()
        self._all: set[tuple[str, str]] = set()

    def watch(self, app: Flask) -> None:
        """Remember what `app` answers from now on."""
        if not self._all:
            self._all = {
                (rule.endpoint, method)
                for rule in app.url_map.iter_rules()
                for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
                if rule.endpoint not in NOT_PAGES
            }

        @app.after_request
        def remember(response: Response) -> Response:
            # A refusal at the door (sign-in, CSRF) is no visit.
            if request.endpoint and response.status_code not in (400, 401):
                came_in = not response.headers.get("Location", "").startswith("/sign-in?next")
                if came_in:
                    self._seen.add((request.endpoint, request.method))
            return response

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
