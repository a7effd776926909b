"""Calls to make: who reads no mail is told by voice of what they must know.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

OPEN = sa.text("done_at IS NULL")
RESULTS = ("told", "not_reached", "let_be", "otherwise")


def upgrade() -> None:
    op.create_table(
        "call_task",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("service_request_id", sa.Integer, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer, nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True)),
        sa.Column("done_by_id", sa.Integer),
        sa.Column(
            "result",
            sa.Enum(
                *RESULTS, name="callresult", native_enum=False, create_constraint=True, length=32
            ),
        ),
        sa.CheckConstraint(
            "(done_at IS NULL) = (result IS NULL)", name=op.f("ck_call_task_done_has_result")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_call_task_service_request_id_service_request"),
        ),
        sa.ForeignKeyConstraint(
            ["done_by_id"], ["person.id"], name=op.f("fk_call_task_done_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_task")),
    )
    op.create_index("ix_call_task_service_request_id", "call_task", ["service_request_id"])
    op.create_index(
        "uq_call_task_open",
        "call_task",
        ["service_request_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_index(
        "ix_call_task_next",
        "call_task",
        ["next_at", "id"],
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "call_reason",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("call_task_id", sa.Integer, nullable=False),
        sa.Column("step", sa.String(32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("facts", sa.JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["call_task_id"], ["call_task.id"], name=op.f("fk_call_reason_call_task_id_call_task")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_reason")),
    )
    op.create_index("ix_call_reason_call_task_id", "call_reason", ["call_task_id"])


def downgrade() -> None:
    op.drop_table("call_reason")
    op.drop_table("call_task")
