"""`python -m bench.load`: how fast the pages are on a generated database, beside the floor page.

Starts the production server on the database, asks for each page from as many clients as there
are workers, a quarter of a second each in turn with the floor page, and prints the medians of the
rounds.
"""

import argparse
import http.client
import json
import math
import multiprocessing
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from sqlalchemy import select, text

from bench.generate import app_on
from bench.served import FLOOR, STATEMENTS, forget_copies, make_tables
from bench.world import sign_in
from tracker.clock import utc_now
from tracker.config import ROOT
from tracker.database import db, transaction
from tracker.organisation.models import Category
from tracker.serve import LEAN, WORKERS, web_command, worker_command
from tracker.service_requests.lifecycle import CLAIMABLE_STATUSES
from tracker.service_requests.models import ServiceRequest
from tracker.service_requests.reference import link_token

CLIENTS: Final = int(WORKERS)
CONNECTIONS: Final = 6
ROUNDS: Final = 5
SECONDS: Final = 2.0
WARM_UP: Final = 0.3
SLICE: Final = 0.25
"""Seconds for which a page is asked for before it is the floor's turn, and the other way round: a
shared machine is half as fast at times, and what is compared must be slow together."""
SAMPLE: Final = 500
RESULTS: Final = ROOT / "bench" / "results"

Request = tuple[str, str, Mapping[str, str] | None]
"""Method, path, and the fields of a form."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the clients need to know of a database; plain values."""

    host: str
    port: int
    cookies: Mapping[str, str]
    """Role → the cookie of a session."""
    tokens: Sequence[str]
    ids: Sequence[int]
    claimable: Sequence[int]
    phones: Sequence[str]
    needs: Sequence[str]
    """What is asked for, as often as it is."""
    category_id: int
    area_id: int
    unit_id: int
    team_id: int


@dataclass(frozen=True, slots=True)
class Result:
    """What one page cost: medians of the rounds."""

    page: str
    database: str
    rows: int
    rps: float
    p50_ms: float
    p99_ms: float
    statements: int
    bytes: int
    times_floor: float
    p99_times_floor: float


@dataclass(frozen=True, slots=True)
class Round:
    """What one client saw: seconds of each answer, and what the last one cost."""

    latencies: Sequence[float]
    floor: Sequence[float]
    """The same of the floor page, asked for in turn with it."""
    elapsed: float
    statements: int
    bytes: int
    failures: int


class Client:
    """One browser: some kept connections, a cookie, the token of its forms.

    Several, asked in turn, as browsers do: the kernel gives each connection to one of the workers
    for good, and with one of each client a whole round would be measured with both on the same
    worker, or not.
    """

    def __init__(self, facts: Facts, reader: str | None, seed: int) -> None:
        self.facts = facts
        self.chance = random.Random(seed)  # noqa: S311 - not a secret
        self.connections = [
            http.client.HTTPConnection(facts.host, facts.port, timeout=120)
            for _ in range(CONNECTIONS)
        ]
        self.asked = 0
        self.cookies = {"shishi": facts.cookies[reader]} if reader else {}
        self.seed = seed
        self._token = ""
        self._searches: dict[tuple[str, str], str] = {}

    def ask(self, request: Request) -> tuple[int, Mapping[str, str], bytes]:
        """Send one request; return status, headers and body."""
        method, path, fields = request
        # Somebody else each time: what is counted by address is no part of what is measured.
        caller = f"10.{self.chance.randrange(256)}.{self.chance.randrange(256)}.{self.chance.randrange(256)}"
        headers = {"Accept-Language": "zh-CN", "X-Forwarded-For": caller}
        if self.cookies:
            headers["Cookie"] = self.cookie
        body = None
        if fields is not None:
            body = urlencode(fields)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        connection = self.connections[self.asked % CONNECTIONS]
        self.asked += 1
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        for new_cookie in answer.msg.get_all("Set-Cookie", []):
            name, _is, value = new_cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content

    @property
    def cookie(self) -> str:
        """The cookies of this browser, as it sends them."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    @property
    def token(self) -> str:
        """The token that this session's forms carry."""
        if not self._token:
            page = self.ask(("GET", "/track", None))[2].decode()
            self._token = (
                page.partition('name="csrf_token"')[2].partition('value="')[2].split('"')[0]
            )
        return self._token

    def search(self, words: str, status: str) -> str:
        """Return the address by which the queue answers a search: its words are sealed."""
        asked = (words, status)
        if asked not in self._searches:
            fields = {"csrf_token": self.token, "path": "/queue", "q": words, "status": status}
            self._searches[asked] = self.ask(("POST", "/look", fields))[1]["location"]
        return self._searches[asked]


def _get(path: Callable[[Client], str]) -> Callable[[Client], Request]:
    return lambda client: ("GET", path(client), None)


def _send(client: Client) -> Request:
    """Fill in the form of one request; what is measured is the last step, which sends it."""
    facts = client.facts
    form = client.ask(("GET", f"/requests/new/form?category={facts.category_id}", None))[2].decode()
    key = form.partition('data-draft="')[2].partition('"')[0]
    fields = {
        "csrf_token": client.token,
        "category_id": str(facts.category_id),
        "kind": "help",
        "need": client.chance.choice(facts.needs),
        "for_whom": "self",
        "area_id": str(facts.area_id),
        "address": f"青禾路{client.chance.randrange(500)}号",
        "preferred_time": "工作日上午",
        "requester_name": "示例",
        "reachable_by": "phone",
        "phone": f"100000{client.chance.randrange(10**5):05}",
    }
    status, _headers, _body = client.ask(("POST", f"/requests/new/{key}", fields))
    assert status == 303, f"the form was not taken: {status}"  # noqa: S101 - a bench's own check
    last_page = client.ask(("GET", f"/requests/new/{key}/check", None))[2].decode()
    shown = last_page.partition('name="shown" value="')[2].partition('"')[0]
    sent = {"csrf_token": client.token, "shown": shown}
    return "POST", f"/requests/new/{key}/check", sent


def _claim(client: Client) -> Request:
    facts = client.facts
    wanted = facts.claimable[client.chance.randrange(len(facts.claimable))]
    return "POST", f"/requests/{wanted}/claim", {"csrf_token": client.token}


@dataclass(frozen=True, slots=True)
class Page:
    """What is asked for, by whom; `limit`: how many times the floor's p50 and p99 it may cost."""

    name: str
    reader: str | None
    request: Callable[[Client], Request]
    good: tuple[int, ...] = (200,)
    limit: tuple[float, float] = (3, 6)
    ahead: int = 0
    """So many are made ready for each second, before the clock runs, where that takes pages of its own."""


def _figures(client: Client) -> str:
    return "/figures?period=last_year&by=team"


PAGES: Final = (
    Page("floor", None, _get(lambda c: f"{FLOOR}/rows/{c.chance.choice(c.facts.ids)}")),
    Page("frame, nothing in it", "coordinator", _get(lambda _c: "/requests/0"), (404,)),
    Page("ask form", None, _get(lambda c: f"/requests/new/form?category={c.facts.category_id}")),
    Page("send", None, _send, (303,), ahead=200),
    Page("follow", None, _get(lambda c: f"/track/{c.chance.choice(c.facts.tokens)}")),
    Page("board", "volunteer", _get(lambda _c: "/board")),
    Page("queue", "coordinator", _get(lambda _c: "/queue")),
    Page(
        "queue by unit, overdue",
        "coordinator",
        _get(lambda c: f"/queue?unit={c.facts.unit_id}&due=overdue"),
    ),
    Page(
        "queue by team, category",
        "coordinator",
        _get(
            lambda c: f"/queue?status=closed&team={c.facts.team_id}&category={c.facts.category_id}"
        ),
    ),
    Page("search, Chinese", "coordinator", _get(lambda c: c.search("水管", "all"))),
    Page("search, English", "coordinator", _get(lambda c: c.search("clinic", "all"))),
    Page(
        "search, phone",
        "coordinator",
        _get(lambda c: c.search(c.chance.choice(c.facts.phones), "all")),
        ahead=400,
    ),
    Page("request", "coordinator", _get(lambda c: f"/requests/{c.chance.choice(c.facts.ids)}")),
    Page("claim", "volunteer", _claim, (303,)),
    Page("figures of a year by team", "coordinator", _get(_figures), limit=(10, 10)),
    Page(
        "list behind a figure",
        "coordinator",
        _get(lambda _c: "/figures/list?period=last_year&figure=not_satisfied"),
    ),
)
EXPORT: Final = "/figures/list.csv?period=all&figure=received"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the command line asks; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--database", required=True, help="filled by bench.generate")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each page and round")
    parser.add_argument(
        "--pages", default="", help="only those whose names contain one of these, a|b"
    )
    parser.add_argument("--export", action="store_true", help="also export every row")
    parser.add_argument("--soak", type=float, default=0, help="minutes of all pages, for memory")
    asked = parser.parse_args(arguments)
    wanted = [part for part in asked.pages.split("|") if part]
    pages = [
        page
        for page in PAGES
        if page.name == "floor" or not wanted or any(part in page.name for part in wanted)
    ]
    app = app_on(asked.database)
    kind = "sqlite" if app.config["SETTINGS"].is_sqlite else "postgresql"
    with app.app_context():
        make_tables(db.engine)
        rows = db.session.scalar(text("SELECT count(*) FROM service_request"))
        db.session.rollback()
    with served(asked.database) as (port, server):
        facts = facts_of(app, port)
        results = measured(facts, pages, kind, rows, asked.rounds, asked.seconds)
        print(table(results))
        more: dict[str, Any] = {}
        if not wanted or "insert" in asked.pages:
            more["insert"] = durable_inserts(facts, asked.rounds, asked.seconds)
            with app.app_context():
                forget_copies(db.engine)
            print(more["insert"])
        if asked.export:
            more["export"] = exported(facts, server)
            print(more["export"])
        if asked.soak:
            more["soak"] = soaked(facts, pages, server, asked.soak * 60)
            print(more["soak"])
        print(f"memory of the workers, MB: {memory_of(server)}")
    if not wanted:
        keep(results, kind, rows, more)
    return 0


@contextmanager
def served(database: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Serve the product and the floor as a production does; yield the port and the process.

    The background worker runs beside it: it folds changes into the figures.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **LEAN,
        **os.environ,
        "DATABASE_URL": database,
        "BENCH_SERVED": "1",
        "TRUSTED_PROXIES": "1",
        "PYTHONPATH": str(ROOT),
    }
    commands = [web_command("bench.served:app", "127.0.0.1", port), worker_command()]
    server, worker = [
        subprocess.Popen(  # noqa: S603 - our own commands
            command, cwd=ROOT, env=environment, start_new_session=True
        )
        for command in commands
    ]
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                if time.monotonic() > deadline or server.poll() is not None:
                    raise
                time.sleep(0.1)
        yield port, server
    finally:
        for process in (server, worker):
            _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(15)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)


def facts_of(app: Flask, port: int) -> Facts:
    """Return what the clients need: sessions, links, and ids to ask for."""
    chance = random.Random(7)  # noqa: S311 - not a secret
    secret = app.config["SETTINGS"].secret_key
    serializer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert serializer is not None  # noqa: S101 - the bench's secret is set
    with app.app_context():
        with transaction():
            sessions = {
                role: sign_in(login, utc_now())
                for role, login in (
                    ("coordinator", "coordinator"),
                    ("volunteer", "volunteer-0-0-3"),
                )
            }
        largest = db.session.scalar(text("SELECT max(id) FROM service_request")) or 1
        ids = sorted({chance.randrange(1, largest + 1) for _ in range(SAMPLE)})
        salts = db.session.execute(
            select(ServiceRequest.id, ServiceRequest.link_salt).where(ServiceRequest.id.in_(ids))
        ).all()
        team_id, unit_id = db.session.execute(
            text("SELECT id, unit_id FROM team ORDER BY id LIMIT 1")
        ).one()
        claimable = db.session.scalars(
            select(ServiceRequest.id)
            .where(
                ServiceRequest.status.in_(CLAIMABLE_STATUSES),
                ServiceRequest.lead_team_id == team_id,
            )
            .limit(SAMPLE)
        ).all()
        phones = db.session.scalars(
            text(
                f"SELECT phone FROM requester WHERE phone IS NOT NULL AND id > {largest // 2} LIMIT 200"
            )
        ).all()
        needs = db.session.scalars(
            select(ServiceRequest.need).where(ServiceRequest.id.in_(ids))
        ).all()
        category_id = db.session.scalar(
            select(Category.id).where(Category.parent_id.is_not(None)).order_by(Category.id)
        )
        area_id = db.session.scalar(text("SELECT max(id) FROM area"))
        db.session.rollback()
        assert category_id is not None  # noqa: S101 - generated
        assert area_id is not None  # noqa: S101 - generated
        return Facts(
            host="127.0.0.1",
            port=port,
            cookies={
                role: str(serializer.dumps({"_user_id": token, "_fresh": True}))
                for role, token in sessions.items()
            },
            tokens=[link_token(secret, request_id, salt) for request_id, salt in salts],
            ids=[request_id for request_id, _ in salts],
            claimable=list(claimable),
            phones=list(phones),
            needs=list(needs),
            category_id=category_id,
            area_id=area_id,
            unit_id=unit_id,
            team_id=team_id,
        )


def measured(
    facts: Facts, pages: Sequence[Page], kind: str, rows: int, rounds: int, seconds: float
) -> list[Result]:
    """Return what each page cost, the floor first."""
    seen: dict[str, list[list[Round]]] = {page.name: [] for page in pages}
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        for number in range(rounds):
            for page in pages:
                asked = [
                    (facts, PAGES.index(page), seconds, number * 100 + n) for n in range(CLIENTS)
                ]
                seen[page.name].append(pool.starmap(one_round, asked))
    found: list[Result] = []
    for page in pages:
        each = seen[page.name]
        if failures := sum(client.failures for clients in each for client in clients):
            print(f"  {page.name}: {failures} answers were not {page.good}", file=sys.stderr)
        p50, p99 = ([_percentile(clients, share) for clients in each] for share in (0.5, 0.99))
        floors = [_of_the_floor(clients) for clients in each]
        found.append(
            Result(
                page=page.name,
                database=kind,
                rows=rows,
                rps=round(statistics.median(_rate(clients) for clients in each), 1),
                p50_ms=round(statistics.median(p50) * 1000, 2),
                p99_ms=round(statistics.median(p99) * 1000, 2),
                statements=each[-1][0].statements,
                bytes=each[-1][0].bytes,
                times_floor=_times(p50, [_percentile(clients, 0.5) for clients in floors]),
                p99_times_floor=_times(p99, [_percentile(clients, 0.99) for clients in floors]),
            )
        )
    return found


def _of_the_floor(clients: Sequence[Round]) -> Sequence[Round]:
    return [replace(client, latencies=client.floor) for client in clients]


def _times(page: Sequence[float], floor: Sequence[float]) -> float:
    """Return the median of how many times the floor the page took, round by round; 0 if never both."""
    ratios = [one / other for one, other in zip(page, floor, strict=True) if other]
    return round(statistics.median(ratios), 2) if ratios else 0.0


def one_round(
    facts: Facts, page_number: int, seconds: float, seed: int, *, with_floor: bool = True
) -> Round:
    """Ask for one page and, in turn, for the floor, for some seconds each; runs in a process of its own.

    The turns are the clock's, so that all clients ask for the same at the same time.
    """
    page, floor_page = PAGES[page_number], PAGES[0]
    client = Client(facts, page.reader, seed)
    latencies: list[float] = []
    floor: list[float] = []
    failures, statements, size = 0, 0, 0
    ready = [page.request(client) for _ in range(round(page.ahead * (seconds + WARM_UP)))]
    lasts, turn = seconds * (1 + with_floor) + WARM_UP, min(SLICE, seconds / 2)
    begun = time.time()
    while (now := time.time()) - begun < lasts:
        is_floor = with_floor and int(now / turn) % 2 == 0
        asked = floor_page if is_floor else page
        if not is_floor and page.ahead and not ready:
            break
        request = ready.pop() if ready and not is_floor else asked.request(client)
        before = time.perf_counter()
        status, headers, body = client.ask(request)
        took = time.perf_counter() - before
        if now - begun >= WARM_UP:
            (floor if is_floor else latencies).append(took)
        failures += status not in asked.good
        if not is_floor:
            statements = max(statements, int(headers.get(STATEMENTS.lower(), 0)))
            size = len(body)
    for connection in client.connections:
        connection.close()
    return Round(latencies, floor, sum(latencies), statements, size, failures)


def durable_inserts(facts: Facts, rounds: int, seconds: float) -> dict[str, float]:
    """Return how much the floor makes durable in a second, from the same clients.

    Pairs of rows, and the bare rows of requests: all that sending one writes (the request, its
    requester, the first line of its history, its words, a draft used up, an attempt counted), with
    every index and trigger that they have.
    """
    rates: dict[str, list[float]] = {"rows": [], "requests": []}
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        for _ in range(rounds):
            for what, found in rates.items():
                asked = [(facts, what, seconds, n) for n in range(CLIENTS)]
                found.append(sum(pool.starmap(_insert_round, asked)))
    return {
        "two_rows_per_s": round(statistics.median(rates["rows"]), 1),
        "bare_requests_per_s": round(statistics.median(rates["requests"]), 1),
    }


def _insert_round(facts: Facts, what: str, seconds: float, seed: int) -> float:
    client = Client(facts, None, seed)
    begun, count = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        status, _headers, _body = client.ask(("POST", f"{FLOOR}/{what}", {}))
        assert status == 200, f"the floor did not insert: {status}"  # noqa: S101 - a bench's own check
        count += 1
    return count / (time.perf_counter() - begun)


def exported(facts: Facts, server: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Return how fast every row leaves as CSV, and the memory of the workers meanwhile."""
    client = Client(facts, "coordinator", 1)
    before = memory_of(server)
    begun = time.perf_counter()
    connection = client.connections[0]
    connection.request("GET", EXPORT, headers={"Cookie": client.cookie})
    answer = connection.getresponse()
    lines, most = 0, before
    while piece := answer.read(1 << 20):
        lines += piece.count(b"\r\n")
        most = max(most, memory_of(server))
    took = time.perf_counter() - begun
    return {
        "rows": lines - 1,
        "rows_per_s": round((lines - 1) / took),
        "memory_before_mb": before,
        "memory_most_mb": most,
    }


def soaked(
    facts: Facts, pages: Sequence[Page], server: subprocess.Popen[bytes], seconds: float
) -> dict[str, Any]:
    """Ask for all pages in turn for some minutes; return the memory of the workers, each minute."""
    memory = [memory_of(server)]
    begun = time.monotonic()
    with multiprocessing.get_context("spawn").Pool(CLIENTS) as pool:
        number = 0
        while time.monotonic() - begun < seconds:
            page = pages[number % len(pages)]
            asked = [(facts, PAGES.index(page), 1.0, number * 10 + n) for n in range(CLIENTS)]
            pool.starmap(partial(one_round, with_floor=False), asked)
            number += 1
            if number % len(pages) == 0:
                memory.append(memory_of(server))
    return {"minutes": round(seconds / 60, 1), "largest_worker_mb": memory}


def memory_of(server: subprocess.Popen[bytes]) -> int:
    """Return the resident memory of the largest process of the server, in MB."""
    largest = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.getpgid(int(entry.name)) != server.pid:
                    continue
                for line in (entry / "status").read_text().splitlines():
                    if line.startswith("VmRSS"):
                        largest = max(largest, int(line.split()[1]) // 1024)
            except (ProcessLookupError, FileNotFoundError, PermissionError):
                continue
    return largest


def table(results: Sequence[Result]) -> str:
    """Return the results as a table for people."""
    head = f"{'page':<28}{'req/s':>8}{'p50 ms':>9}{'p99 ms':>9}{'SQL':>5}{'bytes':>9}{'x floor':>9}{'p99 x':>8}"
    lines = [f"{results[0].rows:,} requests on {results[0].database}", head]
    lines += [
        f"{it.page:<28}{it.rps:>8.0f}{it.p50_ms:>9.2f}{it.p99_ms:>9.2f}{it.statements:>5}"
        f"{it.bytes:>9,}{it.times_floor:>9.2f}{it.p99_times_floor:>8.2f}"
        for it in results
    ]
    return "\n".join(lines)


def keep(results: Sequence[Result], kind: str, rows: int, more: Mapping[str, Any]) -> None:
    """Write the results into bench/results/, in place of older ones of the same kind and size.

    The same size is the same power of ten: a run adds what it sends. `latest.json` has a row for
    each page; `more.json` what else was measured, then or earlier.
    """
    RESULTS.mkdir(exist_ok=True)
    here = (kind, _size(rows))

    def others(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        known = json.loads(path.read_text()) if path.exists() else []
        same = [each for each in known if (each["database"], _size(each["rows"])) == here]
        return [each for each in known if each not in same], same

    path = RESULTS / "latest.json"
    kept, _older = others(path)
    _write(path, kept + [asdict(it) for it in results])
    path = RESULTS / "more.json"
    kept, older = others(path)
    together = {key: value for each in older for key, value in each.items()} | dict(more)
    _write(path, [*kept, together | {"database": kind, "rows": rows}])


def _size(rows: int) -> int:
    return round(math.log10(max(rows, 1)))


def _write(path: Path, found: Sequence[Mapping[str, Any]]) -> None:
    path.write_text(json.dumps(found, indent=1) + "\n")


def _percentile(clients: Sequence[Round], share: float) -> float:
    together = sorted(latency for client in clients for latency in client.latencies)
    return together[min(int(len(together) * share), len(together) - 1)] if together else 0.0


def _rate(clients: Sequence[Round]) -> float:
    return sum(len(client.latencies) / client.elapsed for client in clients if client.elapsed)


if __name__ == "__main__":
    sys.exit(main())
