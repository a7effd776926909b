"""Full-text search of service requests.

Revision ID: 0002
Revises: 0001
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        # The words are cut by the application; the tokenizer only splits at spaces. Contents
        # are not stored twice: a request is found by its rowid.
        op.execute(
            "CREATE VIRTUAL TABLE service_request_search USING fts5("
            "body, tokenize='unicode61 remove_diacritics 0', detail=full)"
        )
        return
    op.execute(
        "CREATE TABLE service_request_search ("
        "service_request_id INTEGER NOT NULL,"
        "body tsvector NOT NULL,"
        "CONSTRAINT pk_service_request_search PRIMARY KEY (service_request_id),"
        "CONSTRAINT fk_service_request_search_service_request_id_service_request"
        " FOREIGN KEY (service_request_id) REFERENCES service_request (id) ON DELETE CASCADE)"
    )
    op.execute(
        "CREATE INDEX ix_service_request_search_body ON service_request_search USING gin (body)"
    )


def downgrade() -> None:
    op.execute("DROP TABLE service_request_search")
