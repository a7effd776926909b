"""A helping team has a part: what it is to do, until when, and how that ended.

Teams that help already keep helping without one, until somebody says what they are to do.

Revision ID: 0030
Revises: 0029
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "part",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("service_request_id", sa.Integer, nullable=False),
        sa.Column("team_id", sa.Integer, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("given_by_id", sa.Integer, nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("working_days", sa.Integer),
        sa.Column("counted_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True)),
        sa.Column("near_at", sa.DateTime(timezone=True)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column(
            "ended_as",
            sa.Enum(
                "done",
                "returned",
                "taken_back",
                "with_request",
                name="partend",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
        ),
        sa.Column("ended_by_id", sa.Integer),
        sa.Column("result", sa.Text, nullable=False),
        sa.CheckConstraint("task <> ''", name=op.f("ck_part_says_what")),
        sa.CheckConstraint(
            "(ended_at IS NULL) = (ended_as IS NULL)", name=op.f("ck_part_ended_says_how")
        ),
        sa.CheckConstraint(
            "ended_as IS NULL OR ended_as = 'with_request' OR ended_by_id IS NOT NULL",
            name=op.f("ck_part_ended_says_who"),
        ),
        sa.CheckConstraint(
            "(result <> '') = (ended_as IS NOT NULL AND ended_as IN ('done', 'returned'))",
            name=op.f("ck_part_told_by_its_team"),
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_part_service_request_id_service_request"),
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_part_team_id_team")),
        sa.ForeignKeyConstraint(
            ["given_by_id"], ["person.id"], name=op.f("fk_part_given_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["ended_by_id"], ["person.id"], name=op.f("fk_part_ended_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part")),
    )
    op.create_index(op.f("ix_part_service_request_id"), "part", ["service_request_id"])
    op.create_index(
        "uq_part_open",
        "part",
        ["team_id", "service_request_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )


def downgrade() -> None:
    op.drop_table("part")
