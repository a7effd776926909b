"""Every change of the set-up gives it a new stamp, so that it can be remembered until then.

See `tracker.set_up`. On PostgreSQL the stamp is written at the end of the transaction: two that
change the set-up at once never wait for each other in a ring.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = {
    "organisation": "",
    "calendar_day": "",
    "unit": "",
    "area": "",
    "category": "",
    "team": "",
    "membership": "",
    "role_grant": "",
    "person": "name, sort_key, ended_at",
}
"""What is remembered, and which columns of it; "" means any."""


RENEWED = (
    "INSERT INTO set_up_stamp (id, stamp) VALUES (1, CHANCE)"
    " ON CONFLICT (id) DO UPDATE SET stamp = excluded.stamp"
)


def upgrade() -> None:
    op.create_table(
        "set_up_stamp",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("stamp", sa.String(36), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_set_up_stamp_is_the_only_one"),
    )
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    chance = "lower(hex(randomblob(16)))" if is_sqlite else "gen_random_uuid()::text"
    renewed = RENEWED.replace("CHANCE", chance)
    op.execute(renewed)
    if not is_sqlite:
        op.execute(
            "CREATE FUNCTION renew_set_up_stamp() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {renewed}; RETURN NULL; END $$"
        )
    for table, columns in TABLES.items():
        of = f"UPDATE OF {columns}" if columns else "UPDATE"
        if is_sqlite:
            for event in ("INSERT", of, "DELETE"):
                op.execute(
                    f"CREATE TRIGGER {table}_stamps_{event.split()[0].lower()}"
                    f" AFTER {event} ON {table} BEGIN {renewed}; END"
                )
        else:
            op.execute(
                f"CREATE CONSTRAINT TRIGGER {table}_stamps AFTER INSERT OR {of} OR DELETE"
                f" ON {table} DEFERRABLE INITIALLY DEFERRED"
                " FOR EACH ROW EXECUTE FUNCTION renew_set_up_stamp()"
            )


def downgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in TABLES:
        if is_sqlite:
            for event in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER {table}_stamps_{event}")
        else:
            op.execute(f"DROP TRIGGER {table}_stamps ON {table}")
    if not is_sqlite:
        op.execute("DROP FUNCTION renew_set_up_stamp()")
    op.drop_table("set_up_stamp")
