"""People at real browsers, as HTTP: each keeps a log of everything that the server answered."""

import http.client
import random
import re
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from urllib.parse import quote_plus, urlencode
from zoneinfo import ZoneInfo

from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import func, select

from tests.support.pictures import small_jpeg
from tracker.accounts import sessions
from tracker.clock import utc_now
from tracker.database import db, transaction
from tracker.service_requests.actions import drafts
from tracker.service_requests.lifecycle import Step
from tracker.service_requests.models import (
    Claim,
    HistoryEntry,
    Photo,
    ServiceRequest,
    SubmissionDraft,
)
from tracker.service_requests.views import draft_keys
from tracker.visits.models import Visit

ZONE: Final = ZoneInfo("Asia/Shanghai")
LOST: Final = (OSError, http.client.HTTPException)
"""What a client sees of a server that is killed."""
OK: Final = 200
SEE_OTHER: Final = 303
BROWSER: Final = "b" * 32
"""What everybody's browser tells of itself beside its drafts."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that the server said was done. `mark` is found in the database."""

    kind: str
    mark: str
    request_id: int = 0
    person_id: int = 0


@dataclass
class Log:
    """What was answered, by everybody."""

    deeds: list[Deed] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, deed: Deed) -> None:
        """Remember a deed."""
        with self._lock:
            self.deeds.append(deed)

    def count(self, what: str) -> None:
        """Count an answer."""
        with self._lock:
            self.statuses[what] += 1

    def missing(self, deeds: list[Deed]) -> list[Deed]:
        """Return what was answered and is not in the database."""
        claimed = Counter((d.request_id, d.person_id) for d in self.deeds if d.kind == "claim")
        return [deed for deed in deeds if not _is_there(deed, claimed)]


@dataclass
class Somebody:
    """One writer. `cookie` is a session's; a resident has none and needs one for the form only."""

    app: Flask
    address: Callable[[], tuple[str, int]]
    log: Log
    tasks: list[tuple[int, str]]
    """Requests with the tokens of their private links; shared, and changed by whoever tests."""
    category_id: int
    seed: int
    person_id: int | None = None
    team_mates: tuple[int, ...] = ()
    stop: threading.Event = field(default_factory=threading.Event)
    cookie: str = ""
    token: str = ""
    zone: ZoneInfo = ZONE
    """On whose clock times are typed."""
    holds: set[int] = field(default_factory=set)
    """Requests on which this person knows to hold a place."""
    begun: str = ""
    """The draft whose sending was not answered: it is gone on with, as people do."""

    def __post_init__(self) -> None:
        """Sign in, as the sign-in page would."""
        raw = secrets.token_hex(20)
        content: dict[str, object] = {"csrf_token": raw, "_fresh": True}
        if self.person_id is not None:
            with transaction():
                content["_user_id"] = sessions.begin(self.person_id, remember=True, now=utc_now())
        serializer = self.app.session_interface.get_signing_serializer(self.app)  # type: ignore[attr-defined]
        self.cookie = f"{self.app.config['SESSION_COOKIE_NAME']}={serializer.dumps(content)}"
        self.cookie += f"; {draft_keys.COOKIE}={BROWSER}"
        signer = URLSafeTimedSerializer(self.app.config["SECRET_KEY"], salt="wtf-csrf-token")
        self.token = signer.dumps(raw)
        self.chance = random.Random(self.seed)  # noqa: S311 - no secret

    def work(self) -> None:
        """Do one thing after the other until told to stop."""
        ways = [self.ask, self.confirm]
        if self.person_id is not None:
            ways = [self.claim, self.claim, self.release, self.visit, self.visit, self.resolve]
        while not self.stop.is_set():
            try:
                self.chance.choice(ways)()
            except LOST as error:
                self.log.count(f"lost: {type(error).__name__}")
                self.stop.wait(0.05)
            except Exception as error:  # noqa: BLE001 - told to the test
                self.log.faults.append(f"{type(error).__name__}: {error}")
                return

    def ask(self) -> None:
        """Fill in the form, perhaps with a photo, and send it; or send what a kill cut short."""
        if not self.begun:
            self._fill_in()
        if not self.begun:
            return
        last_page = f"/requests/new/{self.begun}/check"
        status, place, page = self.request("GET", last_page)
        shown = re.search(r'name="shown" value="(\w+)"', page.decode())
        # Sent before, and only the answer was lost: the page leads on.
        is_sent = status == SEE_OTHER and place.endswith("/receipt")
        if status == OK and shown:
            is_sent = self.post(last_page, {"shown": shown[1]}) is not None
        if is_sent:
            self.log.add(Deed("ask", self.begun))
        self.begun = ""

    def _fill_in(self) -> None:
        key = drafts.new_key(BROWSER, self.app.config["SECRET_KEY"])
        mark = secrets.token_hex(8)
        fields = {
            "category_id": str(self.category_id),
            "kind": "help",
            "need": f"厨房水龙头滴水 {mark}",
            "for_whom": "self",
            "requester_name": "李明",
            "reachable_by": "email",
            "email": f"{mark}@example.org",
            "address": "幸福路1号",
        }
        files = {"photos": small_jpeg()} if self.chance.random() < 0.5 else {}
        if self.post(f"/requests/new/{key}", fields, files) is None:
            return
        if files:
            self.log.add(Deed("upload", key))
        self.begun = key

    def confirm(self) -> None:
        """Say that it is solved."""
        request_id, token = self.task()
        mark = secrets.token_hex(8)
        fields = {"solved": "yes", "satisfaction": "5", "word": f"谢谢 {mark}"}
        if self.post(f"/track/{token}/confirmation", fields) is not None:
            self.log.add(Deed("confirm", f"谢谢 {mark}", request_id))

    def claim(self) -> None:
        """Take a place."""
        request_id, _token = self.task()
        place = self.post(f"/requests/{request_id}/claim", {})
        if place == f"/requests/{request_id}" and request_id not in self.holds:
            self.holds.add(request_id)
            self.log.add(Deed("claim", "", request_id, self.person_id or 0))

    def release(self) -> None:
        """Give a place back."""
        if not self.holds:
            return
        request_id, mark = self.chance.choice(sorted(self.holds)), secrets.token_hex(8)
        fields = {"person_id": str(self.person_id), "reason": f"生病 {mark}"}
        # Whoever releases what is closed keeps the place: then nothing was answered.
        if self.post(f"/requests/{request_id}/release", fields) is not None:
            self.log.add(Deed("release", f"生病 {mark}", request_id))
            self.holds.discard(request_id)

    def visit(self) -> None:
        """Write down a visit, perhaps with a photo."""
        request_id, _token = self.task()
        key = secrets.token_hex(16)
        began = (datetime.now(self.zone) - timedelta(minutes=20)).strftime("%Y-%m-%dT%H:%M")
        fields = {
            "visitors": str(self.person_id),
            "started_at": began,
            "way": "in_person",
            "contact_made": "yes",
            "findings": f"水龙头滴水 {key}",
            "has_consent": "y",
            "group": "",
            "submission_key": key,
        }
        files = {"photos": small_jpeg()} if self.chance.random() < 0.4 else {}
        if self.post(f"/requests/{request_id}/visits/record", fields, files) is not None:
            self.log.add(Deed("visit with photo" if files else "visit", key, request_id))

    def resolve(self) -> None:
        """Report the result."""
        if self.chance.random() < 0.6:
            return
        request_id, _token = self.task()
        answer = f"换了垫片 {secrets.token_hex(8)}"
        fields = {"outcome": "solved", "answer": answer}
        if self.post(f"/requests/{request_id}/resolution", fields) is not None:
            self.log.add(Deed("resolve", answer, request_id))

    # ---------------------------------------------------------------- below

    def task(self) -> tuple[int, str]:
        """Return one of the requests."""
        return self.chance.choice(self.tasks)

    def post(
        self, path: str, fields: Mapping[str, str], files: Mapping[str, bytes] | None = None
    ) -> str | None:
        """Send a form; return where its answer leads, or None when it was not taken."""
        given = {"csrf_token": self.token, **fields}
        body, media_type = _body(given, files or {})
        status, place, _page = self.request("POST", path, body, {"Content-Type": media_type})
        is_taken = status == SEE_OTHER and "sign-in" not in place
        if path.endswith("/check") and not place.endswith("/receipt"):
            is_taken = False
        return place if is_taken else None

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> tuple[int, str, bytes]:
        """Return the status of an answer, where it leads, and its page."""
        host, port = self.address()
        connection = http.client.HTTPConnection(host, port, timeout=30)
        network = f"10.{self.chance.randrange(256)}.{self.chance.randrange(256)}.7"
        own = {"Cookie": self.cookie, "X-Forwarded-For": network}
        try:
            connection.request(method, path, body, {**headers, **own})
            answer = connection.getresponse()
            page = answer.read()
        finally:
            connection.close()
        kind = _kind(path) if method == "POST" else f"{method} {_kind(path)}"
        self.log.count(f"{kind} {answer.status}")
        if answer.status >= 500:
            self.log.faults.append(f"{answer.status} {kind}: {page[-300:]!r}")
        return answer.status, answer.getheader("Location") or "", page


def _kind(path: str) -> str:
    last = path.rpartition("/")[2]
    return "draft" if drafts.is_key(last) else last


def _body(fields: Mapping[str, str], files: Mapping[str, bytes]) -> tuple[bytes, str]:
    if not files:
        return urlencode(fields, quote_via=quote_plus).encode(), "application/x-www-form-urlencoded"
    boundary = secrets.token_hex(16)
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, content in files.items():
        head = (
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"; filename="a.jpg"\r\n'
            "Content-Type: image/jpeg\r\n\r\n"
        )
        parts.append(head.encode() + content + b"\r\n")
    return b"".join(
        parts
    ) + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"


def _is_there(deed: Deed, claimed: Counter[tuple[int, int]]) -> bool:
    def has(*conditions: object) -> bool:
        return (db.session.scalar(select(func.count()).where(*conditions)) or 0) > 0  # type: ignore[arg-type]

    match deed.kind:
        case "ask":
            made = select(func.count()).where(ServiceRequest.submission_key == deed.mark)
            return db.session.scalar(made) == 1
        case "upload":
            of_draft = select(SubmissionDraft.id).where(SubmissionDraft.key == deed.mark)
            of_request = select(ServiceRequest.id).where(ServiceRequest.submission_key == deed.mark)
            return has(Photo.draft_id.in_(of_draft) | Photo.service_request_id.in_(of_request))
        case "claim":
            pair = deed.request_id, deed.person_id
            held = select(func.count()).where(
                Claim.service_request_id == pair[0], Claim.person_id == pair[1]
            )
            return (db.session.scalar(held) or 0) >= claimed[pair]
        case "release":
            return has(Claim.release_reason == deed.mark)
        case "visit" | "visit with photo":
            made = select(Visit.id).where(Visit.submission_key == deed.mark)
            photo = has(Photo.visit_id.in_(made)) if deed.kind != "visit" else True
            return photo and has(Visit.submission_key == deed.mark)
        case _:
            step = Step.RESOLVE if deed.kind == "resolve" else Step.CONFIRM
            entry = HistoryEntry
            return has(
                entry.service_request_id == deed.request_id,
                entry.step == step,
                entry.public_note == deed.mark,
            )
