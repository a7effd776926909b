"""How long requests may take, for each thing, priority and category, is data.

What a category and the organisation said of it before becomes rules.

Revision ID: 0020
Revises: 0019
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

UNHURRIED = ("normal", "complex")
PRIORITIES = ("emergency", "urgent", *UNHURRIED)
OF_CATEGORIES = sa.text(
    "INSERT INTO limit_rule (category_id, priority, clock, amount, unit)"
    " SELECT id, :priority, 'resolve', resolve_working_days, 'working_days'"
    " FROM category WHERE resolve_working_days IS NOT NULL"
)
OF_ALL = sa.text(
    "INSERT INTO limit_rule (category_id, priority, clock, amount, unit)"
    " SELECT NULL, :priority, 'return', return_limit_working_days, 'working_days'"
    " FROM organisation WHERE return_limit_working_days <> 1"
)
RENEWED = (
    "INSERT INTO set_up_stamp (id, stamp) VALUES (1, lower(hex(randomblob(16))))"
    " ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp"
)


def upgrade() -> None:
    op.create_table(
        "limit_rule",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column(
            "category_id",
            sa.Integer(),
            sa.ForeignKey("category.id", name="fk_limit_rule_category_id_category"),
        ),
        sa.Column("priority", sa.String(16), nullable=False),
        sa.Column("clock", sa.String(16), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(16), nullable=False),
        sa.CheckConstraint("amount >= 1", name="ck_limit_rule_at_least_one"),
    )
    for name, columns, where in (
        ("uq_limit_rule_category", ["category_id", "priority", "clock"], "category_id IS NOT NULL"),
        ("uq_limit_rule_organisation", ["priority", "clock"], "category_id IS NULL"),
    ):
        op.create_index(
            name,
            "limit_rule",
            columns,
            unique=True,
            sqlite_where=sa.text(where),
            postgresql_where=sa.text(where),
        )
    for rules, priorities in ((OF_CATEGORIES, UNHURRIED), (OF_ALL, PRIORITIES)):
        for priority in priorities:
            op.execute(rules.bindparams(priority=priority))
    op.drop_column("category", "resolve_working_days")
    op.drop_column("organisation", "return_limit_working_days")
    if op.get_bind().dialect.name == "sqlite":
        for event in ("INSERT", "UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER limit_rule_stamps_{event.lower()}"
                f" AFTER {event} ON limit_rule BEGIN {RENEWED}; END"
            )
    else:
        op.execute(
            "CREATE CONSTRAINT TRIGGER limit_rule_stamps AFTER INSERT OR UPDATE OR DELETE"
            " ON limit_rule DEFERRABLE INITIALLY DEFERRED"
            " FOR EACH ROW EXECUTE FUNCTION renew_set_up_stamp()"
        )


def downgrade() -> None:
    """Lose what the columns cannot say, such as hours."""
    op.add_column("category", sa.Column("resolve_working_days", sa.Integer()))
    op.add_column(
        "organisation",
        sa.Column("return_limit_working_days", sa.Integer(), nullable=False, server_default="1"),
    )
    op.execute(
        "UPDATE category SET resolve_working_days = (SELECT amount FROM limit_rule"
        " WHERE unit = 'working_days' AND priority = 'normal' AND clock = 'resolve'"
        " AND category_id = category.id)"
    )
    op.execute(
        "UPDATE organisation SET return_limit_working_days = coalesce((SELECT amount FROM limit_rule"
        " WHERE unit = 'working_days' AND priority = 'normal' AND clock = 'return'"
        " AND category_id IS NULL), 1)"
    )
    if op.get_bind().dialect.name == "sqlite":
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER limit_rule_stamps_{event}")
    else:
        # What triggers left for the end is done now: no table is altered meanwhile.
        op.execute("SET CONSTRAINTS ALL IMMEDIATE")
        op.alter_column("organisation", "return_limit_working_days", server_default=None)
        op.execute("DROP TRIGGER limit_rule_stamps ON limit_rule")
    op.drop_table("limit_rule")
