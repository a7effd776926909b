"""What must hold of the whole database and of the photos beside it, whatever crashed or raced.

`violations` reads everything as it is at one moment, row by row in constant memory, so that it
can be asked of a million requests and of a server at work. What must hold of one request is in
`integrity.requests`; here is what holds between rows, and how all of it is read.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from sqlalchemy import (
    Connection,
    Engine,
    NullPool,
    Row,
    String,
    bindparam,
    case,
    create_engine,
    select,
    text,
    type_coerce,
)
from sqlalchemy.orm import InstrumentedAttribute

from tracker.integrity.photos import disagreements
from tracker.integrity.requests import RULES, Case
from tracker.reports.rollups import totals
from tracker.service_requests import ladder
from tracker.service_requests.calls import MUST_KNOW
from tracker.service_requests.ladder import HelpersClock, Rung
from tracker.service_requests.lifecycle import HANDLING_STEPS, STOPPED_STATUSES, Step
from tracker.service_requests.limits import Clock
from tracker.service_requests.messages import ALWAYS_TOLD, MOST_AN_HOUR, REPEATED
from tracker.service_requests.models import (
    Approval,
    Claim,
    ClockStop,
    HistoryEntry,
    Part,
    ServiceRequest,
)
from tracker.visits.models import Visit

_STREAMED: Final = {"stream_results": True, "yield_per": 1000}
SWEPT_AFTER: Final = timedelta(days=2)
"""Files of photos that nobody knows are removed daily once they are a day old."""
TOLD: Final = (
    *(Step.SUBMIT, Step.DECLINE, Step.MERGE, Step.ASSIGN, Step.CLAIM, Step.PLAN_VISIT, Step.WAIT),
    *(Step.EXTEND, Step.PARK, Step.UNPARK, Step.REFER, Step.RESOLVE, Step.REMIND, Step.TIME_OUT),
    *(Step.REOPEN, Step.REFUSE_REOPENING),
)
"""Steps of which the requester hears."""

REMEMBERED_STEPS: Final = HANDLING_STEPS - {Step.RESUME, Step.UNPARK}
"""Steps whose taker is remembered in every database. Taking up again did not count as work at
first, and who did so then is no handler."""
_TELLING: Final = (Step.ASSIGN, Step.RESOLVE, Step.CONFIRM)
"""Steps whose details say what they set."""


@dataclass(frozen=True, slots=True)
class Violation:
    """Something that must not be: which invariant, and what is wrong, with ids."""

    invariant: str
    words: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The database at one moment, and where the photos are."""

    connection: Connection
    uploads: Path
    swept_after: timedelta = SWEPT_AFTER
    """How old the file of a photo that nobody knows must be to count."""
    reads_photos: bool = True
    """Whether to read every photo and compare its checksum, or only look at its size."""

    def rows(self, query: Any, values: Mapping[str, Any] | None = None) -> Iterator[Row[Any]]:  # noqa: ANN401 - whatever can be executed
        """Return the rows of a query, fetched as they are asked for."""
        yield from self.connection.execute(query, values, execution_options=_STREAMED)

    def mappings(self, query: Any, values: Mapping[str, Any] | None) -> Iterator[Mapping[Any, Any]]:  # noqa: ANN401
        """Return the rows of a query as mappings, fetched as they are asked for."""
        yield from self.connection.execute(query, values, execution_options=_STREAMED).mappings()


@dataclass(frozen=True, slots=True)
class Between:
    """A rule between rows: `query` finds what breaks it, `words` says so of each row."""

    rule: str
    query: str | Mapping[str, str]
    """SQL for both databases, or one for each."""
    words: str
    values: Mapping[str, Any] | None = None

    def __call__(self, snapshot: Snapshot) -> Iterator[str]:
        """Return what breaks the rule."""
        dialect = snapshot.connection.dialect.name
        query = self.query if isinstance(self.query, str) else self.query.get(dialect)
        if query is None:
            return
        lists = [name for name in self.values or {} if f"IN :{name}" in query]
        asked = text(query).bindparams(*(bindparam(name, expanding=True) for name in lists))
        for row in snapshot.mappings(asked, self.values):
            yield self.words.format_map(row)


_BITS: Final = " ".join(
    f"WHEN '{clock}:{rung}' THEN {ladder.bit_of(clock, rung)}" for clock in Clock for rung in Rung
)

_PART_BITS: Final = " ".join(
    f"WHEN '{rung}' THEN {ladder.bit_of(HelpersClock.PART, rung)}" for rung in Rung
)

BETWEEN: Final[Mapping[str, Sequence[Between]]] = {
    "references": [
        Between(
            "One reference is one request; so is one submission, one requester, one row of a source.",
            "SELECT min(id) AS one, max(id) AS other FROM service_request"
            " GROUP BY reference HAVING count(*) > 1",
            "Requests {one} and {other} have the same reference.",
        ),
        Between(
            "",
            "SELECT min(id) AS one, max(id) AS other FROM service_request"
            " WHERE submission_key IS NOT NULL GROUP BY submission_key HAVING count(*) > 1",
            "Requests {one} and {other} were made by the same submission.",
        ),
        Between(
            "",
            "SELECT min(id) AS one, max(id) AS other FROM service_request"
            " WHERE source_id IS NOT NULL GROUP BY import_source, source_id HAVING count(*) > 1",
            "Requests {one} and {other} are the same row of the same source.",
        ),
        Between(
            "",
            "SELECT min(id) AS one, max(id) AS other FROM service_request"
            " WHERE requester_id IS NOT NULL GROUP BY requester_id HAVING count(*) > 1",
            "Requests {one} and {other} have one requester: who changes how they are told in one of them"
            " would change it in the other, unseen.",
        ),
    ],
    "drafts": [
        Between(
            "A draft leads to the one request that it became.",
            "SELECT d.id, d.service_request_id AS request FROM submission_draft d"
            " JOIN service_request r ON r.id = d.service_request_id"
            " WHERE r.submission_key IS NULL OR r.submission_key <> d.key",
            "Draft {id} leads to request {request}, which did not come from it.",
        ),
        Between(
            "",
            "SELECT min(id) AS one, max(id) AS other, service_request_id AS request"
            " FROM submission_draft WHERE service_request_id IS NOT NULL"
            " GROUP BY service_request_id HAVING count(*) > 1",
            "Drafts {one} and {other} lead to the same request {request}.",
        ),
    ],
    "merged": [
        Between(
            "A duplicate is closed as one and leads to a request that is none.",
            "SELECT r.id, r.survivor_id AS survivor FROM service_request r"
            " JOIN service_request s ON s.id = r.survivor_id"
            " WHERE r.outcome IS NULL OR r.outcome <> 'duplicate' OR r.status <> 'closed'"
            " OR s.survivor_id IS NOT NULL",
            "Request {id} was merged into {survivor}, but is no duplicate, or that one is.",
        ),
        Between(
            "",
            "SELECT id FROM service_request WHERE outcome = 'duplicate'"
            " AND survivor_id IS NULL AND import_id IS NULL",
            "Request {id} is a duplicate of nothing.",
        ),
    ],
    "ladder": [
        Between(
            "What a written answer is called for is under supervision until it is given, and nothing else.",
            "SELECT r.id FROM service_request r WHERE (r.supervised_at IS NOT NULL) <> EXISTS"
            " (SELECT 1 FROM escalation e WHERE e.service_request_id = r.id"
            " AND e.rung = 'supervised' AND e.answered_at IS NULL)",
            "Request {id} is under supervision without a call for an answer, or the other way round.",
        ),
        Between(
            "A rung that was written down is not reached again in the same round.",
            "SELECT e.id, e.service_request_id AS request FROM escalation e"  # noqa: S608 - our own names
            " JOIN service_request r ON r.id = e.service_request_id AND r.ladder_round = e.round"
            f" WHERE r.rungs_reached & CASE e.clock || ':' || e.rung {_BITS} END = 0",
            "Rung {id} of request {request} was reached, but the request does not know it.",
        ),
        Between(
            "A part knows the rungs that were written down of it, and climbs only while it is open.",
            "SELECT e.id, e.part_id AS part FROM part_escalation e"  # noqa: S608 - our own names
            " JOIN part p ON p.id = e.part_id AND p.ladder_round = e.round"
            f" WHERE p.rungs_reached & CASE e.rung {_PART_BITS} END = 0",
            "Rung {id} of part {part} was reached, but the part does not know it.",
        ),
        Between(
            "",
            "SELECT e.id, e.part_id AS part FROM part_escalation e WHERE e.rung NOT IN :rungs",
            "Rung {id} of part {part} is higher than parts climb.",
            {"rungs": tuple(sorted(ladder.RUNGS[HelpersClock.PART]))},
        ),
        Between(
            "",
            "SELECT p.id, p.service_request_id AS request FROM part p"
            " JOIN service_request r ON r.id = p.service_request_id"
            " WHERE p.ladder_at IS NOT NULL AND (p.ended_at IS NOT NULL OR r.status IN :standing)",
            "Part {id} of request {request} climbs, but it has ended, or the clock stands still.",
            {"standing": tuple(sorted(STOPPED_STATUSES))},
        ),
    ],
    "handlers": [
        Between(
            "Whoever worked on a request is remembered, and never judges it.",
            "SELECT h.id, h.service_request_id AS request, h.actor_id AS person"
            " FROM history_entry h WHERE h.step IN :handling AND h.actor_id IS NOT NULL"
            " AND NOT EXISTS (SELECT 1 FROM handler k"
            " WHERE k.service_request_id = h.service_request_id AND k.person_id = h.actor_id)",
            "Person {person} worked on request {request} (entry {id}), but is no handler of it.",
            {"handling": sorted(REMEMBERED_STEPS)},
        ),
        Between(
            "",
            "SELECT c.id, c.service_request_id AS request, c.person_id AS person FROM claim c"
            " WHERE NOT EXISTS (SELECT 1 FROM handler k"
            " WHERE k.service_request_id = c.service_request_id AND k.person_id = c.person_id)",
            "Person {person} claimed request {request} (claim {id}), but is no handler of it.",
        ),
    ],
    "volunteers": [
        Between(
            "Who holds a place on what is open is at work in one of its teams: checked, or its leader.",
            "SELECT c.id, c.service_request_id AS request, c.person_id AS person FROM claim c"
            " JOIN service_request r ON r.id = c.service_request_id"
            " WHERE c.released_at IS NULL AND r.status <> 'closed' AND NOT EXISTS"
            " (SELECT 1 FROM membership m WHERE m.person_id = c.person_id AND m.ended_at IS NULL"
            " AND (m.is_vetted OR m.leads) AND (m.team_id = r.lead_team_id OR EXISTS"
            " (SELECT 1 FROM helping_team h WHERE h.service_request_id = r.id"
            " AND h.team_id = m.team_id)))",
            "Person {person} holds a place on request {request} (claim {id}), but is not at work in a"
            " team of it.",
        ),
        Between(
            "Who was ended holds nothing any more, and is expected at no door.",
            "SELECT p.id FROM person p WHERE p.ended_at IS NOT NULL AND ("
            "EXISTS (SELECT 1 FROM membership m WHERE m.person_id = p.id AND m.ended_at IS NULL)"
            " OR EXISTS (SELECT 1 FROM role_grant g WHERE g.person_id = p.id"
            " AND g.ended_at IS NULL))",
            "Person {id} was ended, but is in a team or holds a role.",
        ),
        Between(
            "",
            "SELECT v.id, v.service_request_id AS request, p.id AS person FROM person p"
            " JOIN visit_visitor w ON w.person_id = p.id JOIN visit v ON v.id = w.visit_id"
            " WHERE p.ended_at IS NOT NULL AND v.status = 'planned' AND v.planned_to > p.ended_at",
            "Person {person} was ended, but is to make visit {id} of request {request}.",
        ),
    ],
    "teams": [
        Between(
            "A team that helps is another than the one that leads.",
            "SELECT r.id, h.team_id AS team FROM helping_team h"
            " JOIN service_request r ON r.id = h.service_request_id"
            " WHERE r.lead_team_id IS NULL OR r.lead_team_id = h.team_id",
            "Team {team} helps with request {id}, which it leads or nobody does.",
        ),
        Between(
            "What a team helps with is said to be closed when the request is.",
            "SELECT r.id, h.team_id AS team, r.status FROM helping_team h"
            " JOIN service_request r ON r.id = h.service_request_id"
            " WHERE h.is_closed <> (r.status = 'closed')",
            "Team {team} helps with request {id}, which is {status}, but says otherwise.",
        ),
        Between(
            "Who has a part that has not ended helps.",
            "SELECT p.id, p.team_id AS team, p.service_request_id AS request FROM part p"
            " WHERE p.ended_at IS NULL AND NOT EXISTS (SELECT 1 FROM helping_team h"
            " WHERE h.service_request_id = p.service_request_id AND h.team_id = p.team_id)",
            "Team {team} has part {id} of request {request}, but does not help with it.",
        ),
    ],
    "search": [
        Between(
            "The index of the search has one row for each request, and none besides.",
            {
                "sqlite": "SELECT r.id FROM service_request r"
                " LEFT JOIN service_request_search_docsize d ON d.id = r.id WHERE d.id IS NULL",
                "postgresql": "SELECT r.id FROM service_request r"
                " LEFT JOIN service_request_search s ON s.service_request_id = r.id"
                " WHERE s.service_request_id IS NULL",
            },
            "Request {id} cannot be found by its words.",
        ),
        Between(
            "",
            {
                "sqlite": "SELECT d.id FROM service_request_search_docsize d"
                " LEFT JOIN service_request r ON r.id = d.id WHERE r.id IS NULL",
                "postgresql": "SELECT s.service_request_id AS id FROM service_request_search s"
                " LEFT JOIN service_request r ON r.id = s.service_request_id WHERE r.id IS NULL",
            },
            "The search finds request {id}, which is not there.",
        ),
    ],
    "messages": [
        Between(
            "Messages are about what happened, and who is to hear of it has one.",
            "SELECT m.id, r.id AS request FROM message m"
            " JOIN service_request r ON r.id = m.service_request_id"
            " WHERE NOT EXISTS (SELECT 1 FROM history_entry h"
            " WHERE h.service_request_id = r.id AND h.taken_at = m.created_at)"
            " AND NOT EXISTS (SELECT 1 FROM service_request s"
            " JOIN history_entry h ON h.service_request_id = s.id"
            " WHERE (s.id = r.survivor_id OR s.survivor_id = r.survivor_id)"
            " AND h.taken_at = m.created_at)"
            # What one was merged into may have been taken back since: then it hangs on another.
            " AND NOT EXISTS (SELECT 1 FROM history_entry g"
            " WHERE g.service_request_id = r.id AND g.step = 'merge'"
            " AND EXISTS (SELECT 1 FROM history_entry h WHERE h.taken_at = m.created_at))"
            " AND NOT EXISTS (SELECT 1 FROM audit_entry a"
            " WHERE a.subject = 'message' AND a.subject_id = m.id)",
            "Message {id} is about something that never happened to request {request}.",
        ),
        Between(
            "",
            "SELECT h.id, h.step, r.id AS request FROM requester q"
            " JOIN service_request r ON r.requester_id = q.id"
            " JOIN history_entry h ON h.service_request_id = r.id"
            " WHERE (q.reachable_by = 'email' AND q.email IS NOT NULL AND q.email <> ''"
            " OR q.reachable_by = 'text_message' AND q.phone IS NOT NULL)"
            " AND (NOT q.only_needed OR h.step IN :always)"
            " AND (q.told_since IS NULL OR h.taken_at > q.told_since)"
            " AND h.step IN :told AND NOT r.is_spam AND h.detail ->> 'untold' IS NULL"
            " AND h.taken_at >= (SELECT min(created_at) FROM message)"
            # Of one with so many, some may have been too many within the hour.
            " AND (h.step NOT IN :repeated OR (SELECT count(*) FROM message c"
            " WHERE c.service_request_id = r.id AND c.kind = 'requester_step'"
            " AND c.payload ->> 'step' IN :repeated) < :most)"
            " AND NOT EXISTS (SELECT 1 FROM message m WHERE m.service_request_id = r.id"
            " AND m.kind = 'requester_step'"
            " AND m.payload ->> 'step' = h.step AND (m.created_at = h.taken_at OR EXISTS"
            " (SELECT 1 FROM audit_entry a WHERE a.subject = 'message' AND a.subject_id = m.id)))",
            "The requester of request {request} was not told of {step} (entry {id}).",
            {
                "told": TOLD,
                "always": tuple(sorted(ALWAYS_TOLD)),
                "most": MOST_AN_HOUR,
                "repeated": tuple(sorted(REPEATED)),
            },
        ),
        Between(
            "",
            "SELECT id FROM message WHERE sent_at IS NOT NULL"
            " AND (failed_at IS NOT NULL OR leased_until IS NOT NULL"
            " OR (body = '' AND sent_with_id IS NULL)"
            " OR payload ->> 'token' IS NOT NULL OR payload ->> 'link_salt' IS NOT NULL)",
            "Message {id} was sent, but is also given up, being sent, empty, or keeps a secret.",
        ),
        Between(
            "What goes in another one's mail is to the same reader, and shares its fate.",
            "SELECT m.id, m.sent_with_id AS first FROM message m"
            " JOIN message f ON f.id = m.sent_with_id"
            " WHERE f.sent_with_id IS NOT NULL OR f.channel <> m.channel"
            " OR f.address <> m.address OR f.locale <> m.locale"
            " OR (f.sent_at IS NULL) <> (m.sent_at IS NULL) OR f.sent_at <> m.sent_at"
            " OR (f.failed_at IS NULL) <> (m.failed_at IS NULL) OR f.failed_at <> m.failed_at"
            " OR (f.leased_until IS NULL) <> (m.leased_until IS NULL)"
            " OR m.bound_at IS NULL OR f.bound_at IS NULL",
            "Message {id} goes in the mail of {first}, but not to the same reader or not with it.",
        ),
    ],
    "calls": [
        Between(
            "Who reads no mail is called about what they must know, while they can be called.",
            "SELECT h.id, h.step, r.id AS request FROM requester q"
            " JOIN service_request r ON r.requester_id = q.id"
            " JOIN history_entry h ON h.service_request_id = r.id"
            " WHERE q.reachable_by IN ('phone', 'neighbour')"
            " AND (q.phone IS NOT NULL OR q.neighbour <> '')"
            " AND h.step IN :must_know AND NOT r.is_spam"
            " AND (q.told_since IS NULL OR h.taken_at > q.told_since)"
            " AND h.taken_at >= (SELECT min(opened_at) FROM call_task)"
            " AND NOT EXISTS (SELECT 1 FROM call_task t JOIN call_reason c ON c.call_task_id = t.id"
            " WHERE t.service_request_id = r.id AND c.step = h.step AND c.at = h.taken_at)",
            "Nobody was asked to call the requester of request {request} about {step} (entry {id}).",
            {"must_know": tuple(sorted(MUST_KNOW))},
        ),
        Between(
            "",
            "SELECT t.id, t.service_request_id AS request FROM call_task t"
            " WHERE NOT EXISTS (SELECT 1 FROM call_reason c WHERE c.call_task_id = t.id)",
            "Call {id} of request {request} has nothing to tell.",
        ),
        Between(
            "",
            "SELECT t.id, r.id AS request FROM call_task t"
            " JOIN service_request r ON r.id = t.service_request_id"
            " LEFT JOIN requester q ON q.id = r.requester_id"
            " WHERE t.done_at IS NULL AND (q.id IS NULL OR q.reachable_by = 'nobody'"
            " OR (q.phone IS NULL AND q.neighbour = ''))",
            "Call {id} waits, but nobody can be called about request {request}.",
        ),
    ],
    "photos": [
        Between(
            "A photo belongs to a draft or a request, and its file is as the row says.",
            "SELECT id FROM photo WHERE (draft_id IS NULL) = (service_request_id IS NULL)",
            "Photo {id} belongs to nothing, or to a draft and a request at once.",
        ),
        Between(
            "",
            "SELECT p.id, p.visit_id AS visit FROM photo p JOIN visit v ON v.id = p.visit_id"
            " WHERE p.service_request_id IS NULL OR p.service_request_id <> v.service_request_id",
            "Photo {id} is of visit {visit}, which belongs to another request.",
        ),
    ],
    "database": [
        Between(
            "The database itself is whole, and every row refers to one that is there.",
            {"sqlite": "SELECT quick_check AS said FROM pragma_quick_check WHERE said <> 'ok'"},
            "SQLite says: {said}",
        ),
        Between(
            "",
            {
                "sqlite": 'SELECT "table" AS kind, rowid AS id, parent AS missing'
                " FROM pragma_foreign_key_check"
            },
            "Row {id} of {kind} refers to a row of {missing} that is not there.",
        ),
    ],
}
"""Name → what must hold between rows; the first of each says the rule."""

INVARIANTS: Final[Mapping[str, str]] = {
    **{name: rule for name, (rule, _) in RULES.items()},
    **{name: parts[0].rule for name, parts in BETWEEN.items()},
    "figures": "The kept figures add up to what the requests say.",
}
"""Every invariant by its name, in words."""


def violations(snapshot: Snapshot) -> Iterator[Violation]:
    """Return everything that must not be, in no order. Reads all there is, once."""
    for each in _cases(snapshot):
        for name, (_rule, breaches) in RULES.items():
            for words in breaches(each):
                yield Violation(name, f"Request {each.request.id} {words}.")
    for name, parts in BETWEEN.items():
        for part in parts:
            for words in part(snapshot):
                yield Violation(name, words)
    for words in totals.differences(snapshot.connection):
        yield Violation("figures", words)
    for words in disagreements(
        snapshot.rows,
        snapshot.uploads,
        swept_after=snapshot.swept_after,
        reads_content=snapshot.reads_photos,
        is_still_there=_is_still_there(snapshot.connection.engine),
    ):
        yield Violation("photos", words)


@contextmanager
def snapshot_of(engine: Engine, uploads: Path, **options: Any) -> Iterator[Snapshot]:  # noqa: ANN401 - Snapshot's own
    """Give the database that `engine` reaches as it is now, however long it is looked at."""
    own = create_engine(engine.url, poolclass=NullPool)
    if engine.dialect.name == "postgresql":
        own = own.execution_options(isolation_level="REPEATABLE READ")
    with own.connect() as connection:
        if engine.dialect.name == "sqlite":
            # What is sorted goes into files, however much it is; elsewhere memory is faster.
            raw = connection.connection.driver_connection
            assert raw is not None  # noqa: S101 - it is connected
            raw.execute("PRAGMA temp_store=FILE")
        else:
            connection.execute(text("SET TRANSACTION READ ONLY"))
        yield Snapshot(connection, uploads, **options)


def _is_still_there(engine: Engine) -> Callable[[str], bool]:
    """Return what asks, outside of the snapshot, whether a photo is still known."""

    def ask(key: str) -> bool:
        with engine.connect() as connection:
            query = text("SELECT 1 FROM photo WHERE key = :key")
            return connection.scalar(query, {"key": key}) is not None

    return ask


def _cases(snapshot: Snapshot) -> Iterator[Case]:
    """Return every request with what hangs on it: streams in the same order, read side by side."""
    hanging = [_Following(snapshot.rows(query)) for query in _HANGING]
    for request in snapshot.rows(_REQUESTS):
        history, *others = (each.of(request.id) for each in hanging)
        yield Case(request, sorted(history, key=lambda entry: entry.id), *others)


class _Following:
    """Rows in the order of their requests, handed out one request after the other."""

    def __init__(self, rows: Iterator[Row[Any]]) -> None:
        self._rows = rows
        self._next = next(rows, None)

    def of(self, request_id: int) -> Sequence[Row[Any]]:
        """Return the rows of a request. Ids only grow."""
        found = []
        while self._next is not None and self._next.service_request_id <= request_id:
            if self._next.service_request_id == request_id:
                found.append(self._next)
            self._next = next(self._rows, None)
        return found


def _plain(column: InstrumentedAttribute[Any]) -> Any:  # noqa: ANN401 - a column
    """Return a column of choices as the text that is stored: a wrong one is then seen, not refused."""
    return type_coerce(column, String).label(column.key)


def _in_order(query: Any, request_id: InstrumentedAttribute[int]) -> Any:  # noqa: ANN401 - a query
    return query.add_columns(request_id).order_by(request_id)


_REQUESTS: Final = select(
    ServiceRequest.id,
    ServiceRequest.import_id,
    _plain(ServiceRequest.status),
    _plain(ServiceRequest.outcome),
    ServiceRequest.lead_team_id,
    ServiceRequest.leader_id,
    ServiceRequest.volunteers_needed,
    ServiceRequest.places_taken,
    ServiceRequest.submitted_at,
    ServiceRequest.accepted_at,
    ServiceRequest.assigned_at,
    ServiceRequest.signed_for_at,
    ServiceRequest.first_response_at,
    ServiceRequest.resolved_at,
    ServiceRequest.closed_at,
    ServiceRequest.seconds_to_close,
    ServiceRequest.due_at,
    ServiceRequest.resolved_on_time,
    _plain(ServiceRequest.confirmation),
    ServiceRequest.confirmed_at,
    _plain(ServiceRequest.solved),
    ServiceRequest.satisfaction,
    ServiceRequest.reminders_sent,
    ServiceRequest.reminded_at,
    ServiceRequest.question_turn_at,
    ServiceRequest.times_urged,
    ServiceRequest.times_returned,
    ServiceRequest.times_reopened,
    ServiceRequest.extension_working_days,
).order_by(ServiceRequest.id)

_HANGING: Final = (
    _in_order(
        select(
            HistoryEntry.id,
            HistoryEntry.taken_at,
            _plain(HistoryEntry.step),
            _plain(HistoryEntry.from_status),
            _plain(HistoryEntry.to_status),
            HistoryEntry.actor_id,
            HistoryEntry.team_id,
            (HistoryEntry.public_note != "").label("has_public_note"),
            case((HistoryEntry.step.in_(_TELLING), HistoryEntry.detail)).label("detail"),
        ),
        HistoryEntry.service_request_id,
    ).order_by(HistoryEntry.id),
    _in_order(
        select(Claim.id, Claim.person_id, Claim.claimed_at, Claim.released_at, Claim.is_over),
        Claim.service_request_id,
    ),
    _in_order(
        select(
            Approval.id,
            _plain(Approval.kind),
            Approval.working_days,
            Approval.asked_at,
            Approval.decided_at,
            Approval.decided_by_id,
            Approval.granted,
        ),
        Approval.service_request_id,
    ),
    _in_order(select(Visit.id, _plain(Visit.status), Visit.planned_from), Visit.service_request_id),
    _in_order(
        select(ClockStop.id, _plain(ClockStop.reason), ClockStop.stopped_at, ClockStop.resumed_at),
        ClockStop.service_request_id,
    ),
    _in_order(
        select(Part.id, Part.given_at, Part.ended_at, _plain(Part.ended_as), Part.ended_by_id),
        Part.service_request_id,
    ),
)
"""What hangs on a request, in the order of `Case`."""
