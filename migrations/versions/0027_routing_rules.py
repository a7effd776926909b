"""Rules that propose who takes a request, and each set of them that was put in force.

Revision ID: 0027
Revises: 0026
"""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None

KINDS = ("help", "suggestion", "complaint", "thanks")
PRIORITIES = ("emergency", "urgent", "normal", "complex")


def upgrade() -> None:
    op.create_table(
        "routing_rule",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("name_en", sa.String(120)),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("is_on", sa.Boolean, nullable=False),
        sa.Column("category_id", sa.Integer, sa.ForeignKey("category.id")),
        sa.Column("area_id", sa.Integer, sa.ForeignKey("area.id")),
        sa.Column("channel", sa.String(60)),
        sa.Column("kind", _words("kind", KINDS)),
        sa.Column("weekdays", sa.String(7), nullable=False),
        sa.Column("begins_at", sa.Time),
        sa.Column("ends_at", sa.Time),
        sa.Column("is_outside_work", sa.Boolean, nullable=False),
        sa.Column("lead_team_id", sa.Integer, sa.ForeignKey("team.id")),
        sa.Column("leader_id", sa.Integer, sa.ForeignKey("person.id")),
        sa.Column("priority", _words("priority", PRIORITIES)),
        sa.Column("ended_at", sa.DateTime(timezone=True)),
        sa.Column("version", sa.Integer, nullable=False),
        sa.CheckConstraint(
            "(begins_at IS NULL) = (ends_at IS NULL)", name="ck_routing_rule_both_times_or_neither"
        ),
        sa.CheckConstraint(
            "lead_team_id IS NOT NULL OR leader_id IS NOT NULL OR priority IS NOT NULL",
            name="ck_routing_rule_gives_something",
        ),
    )
    op.create_table(
        "routing_edition",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("put_in_force_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("put_in_force_by_id", sa.Integer, sa.ForeignKey("person.id")),
        sa.Column("rules", sa.JSON, nullable=False),
    )


def downgrade() -> None:
    op.drop_table("routing_edition")
    op.drop_table("routing_rule")


def _words(name: str, choices: tuple[str, ...]) -> sa.Enum:
    return sa.Enum(*choices, name=name, native_enum=False, create_constraint=True, length=32)
