"""The full-text index of service requests, kept in the same transaction as the request.

SQLite has an FTS5 table, PostgreSQL a tsvector with a GIN index; both are fed with the same
words and pairs of Chinese characters from `tracker.search_text`, so that two-character words
are found on both.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import (
    ColumnElement,
    Integer,
    column,
    false,
    func,
    literal_column,
    select,
    table,
    text,
)

from tracker.database import db
from tracker.search_text import index_text, postgres_phrases, sqlite_match
from tracker.service_requests.models import Requester, ServiceRequest

_REMOVE = {
    "sqlite": text("DELETE FROM service_request_search WHERE rowid = :id"),
    "postgresql": text("DELETE FROM service_request_search WHERE service_request_id = :id"),
}
_ADD = {
    "sqlite": text("INSERT INTO service_request_search (rowid, body) VALUES (:id, :body)"),
    "postgresql": text(
        "INSERT INTO service_request_search (service_request_id, body)"
        " VALUES (:id, to_tsvector('simple', :body))"
    ),
}


_INDEX = table("service_request_search", column("service_request_id"), column("body"))
_ROWID: ColumnElement[int] = literal_column("rowid", Integer)


def searchable_text(service_request: ServiceRequest, requester: Requester | None) -> str:
    """Return what a request can be found by: its words, place, people and numbers."""
    return " ".join(
        filter(
            None,
            (
                service_request.reference,
                service_request.source_id,
                service_request.need,
                service_request.address,
                service_request.beneficiary_name,
                requester.name if requester else None,
            ),
        )
    )


def index(service_request: ServiceRequest) -> None:
    """Make a request findable by its present text. It must have been flushed."""
    dialect = db.session.connection().dialect.name
    db.session.execute(_REMOVE[dialect], {"id": service_request.id})
    add_many({service_request.id: searchable_text(service_request, service_request.requester)})


def add_many(texts: Mapping[int, str]) -> None:
    """Index many new requests at once: request id → text."""
    rows = [{"id": key, "body": index_text(value)} for key, value in texts.items()]
    if rows:
        db.session.execute(_ADD[db.session.connection().dialect.name], rows)


def remove_many(ids: Iterable[int]) -> None:
    """Take requests out of the index, e.g. before they are indexed again."""
    rows = [{"id": key} for key in ids]
    if rows:
        db.session.execute(_REMOVE[db.session.connection().dialect.name], rows)


def matches(query: str) -> ColumnElement[bool]:
    """Return the condition that a request contains every word of `query`.

    A query without a letter or digit matches nothing.
    """
    if db.session.connection().dialect.name == "sqlite":
        expression = sqlite_match(query)
        if not expression:
            return false()
        words = literal_column("service_request_search").op("MATCH")(expression)
        return ServiceRequest.id.in_(select(_ROWID).select_from(_INDEX).where(words))
    phrases = postgres_phrases(query)
    if not phrases:
        return false()
    return ServiceRequest.id.in_(
        select(_INDEX.c.service_request_id).where(
            *(_INDEX.c.body.op("@@")(func.phraseto_tsquery("simple", phrase)) for phrase in phrases)
        )
    )
