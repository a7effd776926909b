"""Following every link that a person is offered, a few of each kind of page."""

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urljoin, urlsplit

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from tests.support.browser import Browser
from tests.support.page import Page

OF_EACH_KIND: Final = 3
QUERIES_OF_EACH_KIND: Final = 2
ASSETS: Final = frozenset({"static", "vendor"})


@dataclass
class Walk:
    """What one person found by following links from `start`."""

    app: Flask
    browser: Browser
    start: str = "/"
    of_each_kind: int = OF_EACH_KIND
    pages: list[Page] = field(default_factory=list)
    endpoints: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Walk."""
        seen: set[str] = set()
        bare: Counter[str] = Counter()
        queried: Counter[str] = Counter()
        waiting = deque([self.start])
        while waiting:
            address = waiting.popleft()
            endpoint = endpoint_of(self.app, address)
            if address in seen or endpoint is None or endpoint in ASSETS:
                continue
            seen.add(address)
            count = queried if urlsplit(address).query else bare
            limit = QUERIES_OF_EACH_KIND if count is queried else self.of_each_kind
            if count[endpoint] >= limit:
                continue
            count[endpoint] += 1
            page = self.browser.open(address, status=None)
            assert page.status == 200, f"{address}, offered by a page, answers {page.status}"
            self.endpoints.add(endpoint)
            self.pages.append(page)
            if page.media_type == "text/html":
                waiting.extend(_local(urljoin(page.url, link.href), page) for link in page.links)


def endpoint_of(app: Flask, address: str) -> str | None:
    """Return the endpoint that a GET of `address` reaches; None for another site or nothing."""
    if not address.startswith("/"):
        return None
    try:
        endpoint, _ = app.url_map.bind("localhost").match(urlsplit(address).path, method="GET")
    except (RequestRedirect, HTTPException):
        return None
    return str(endpoint)


def _local(address: str, page: Page) -> str:
    """Return path and query of an address on the same site, else the address as it is."""
    parts, here = urlsplit(address), urlsplit(page.url)
    if parts.netloc != here.netloc:
        return address
    return parts.path + (f"?{parts.query}" if parts.query else "")
