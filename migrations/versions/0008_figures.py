"""Figures are kept: a cell for each month, unit and what figures are broken down by.

Triggers write what each change of a request takes from the figures and adds to them, in the
transaction of the change, whichever way the change comes. `tracker.reports.rollups` folds these
into the cells. Whoever copies the table in a later migration makes the triggers again.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

FACTS = (
    "submitted_at, assigned_at, resolved_at, closed_at, due_at, unit_id, lead_team_id, leader_id,"
    " category_id, area_id, channel, kind, status, outcome, is_spam, seconds_to_close,"
    " resolved_on_time, solved, satisfaction, times_reopened, times_returned"
)
COUNTS = (
    *("received", "counted", "closed", "handled", "timed", "on_time", "answered", "solved"),
    *("rated", "satisfied", "reopened", "reopenable", "returned", "returnable", "closed_in_period"),
)


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    word = sa.String(32)
    op.create_table(
        "figure_change",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("sign", sa.Integer(), nullable=False),
        sa.Column("submitted_at", moment, nullable=False),
        *(
            sa.Column(name, moment)
            for name in ("assigned_at", "resolved_at", "closed_at", "due_at")
        ),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        *(sa.Column(name, sa.Integer()) for name in ("lead_team_id", "leader_id")),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer()),
        sa.Column("channel", sa.String(60), nullable=False),
        sa.Column("kind", word, nullable=False),
        sa.Column("status", word, nullable=False),
        sa.Column("outcome", word),
        sa.Column("is_spam", sa.Boolean(), nullable=False),
        sa.Column("seconds_to_close", sa.Integer()),
        sa.Column("resolved_on_time", sa.Boolean()),
        sa.Column("solved", word),
        sa.Column("satisfaction", sa.Integer()),
        sa.Column("times_reopened", sa.Integer(), nullable=False),
        sa.Column("times_returned", sa.Integer(), nullable=False),
    )
    op.create_table(
        "figure_cell",
        sa.Column("dimension", sa.String(16), primary_key=True),
        sa.Column("span", sa.String(8), primary_key=True),
        sa.Column("starts_on", sa.Date(), primary_key=True),
        sa.Column("unit_id", sa.Integer(), primary_key=True),
        sa.Column("key", sa.String(60), primary_key=True),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in COUNTS),
        sa.Column("latest", moment, nullable=False),
        sa.Column("seconds", sa.LargeBinary(), nullable=False),
        sa.Column("dues", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "figure_fold",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("time_zone", sa.String(64), nullable=False),
        sa.Column("years_from", sa.Integer(), nullable=False),
        sa.Column("years_until", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name="ck_figure_fold_is_the_only_one"),
    )
    make_triggers()


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for event in ("insert", "update", "delete"):
            op.execute(f"DROP TRIGGER figure_change_on_{event}")
    else:
        op.execute("DROP TRIGGER figure_change_on_any ON service_request")
        op.execute("DROP TRIGGER figure_change_on_update ON service_request")
        op.execute("DROP FUNCTION write_figure_change()")
    for table in ("figure_fold", "figure_cell", "figure_change"):
        op.drop_table(table)


def make_triggers() -> None:
    new = ", ".join(f"NEW.{name}" for name in FACTS.split(", "))
    old = new.replace("NEW.", "OLD.")
    into = f"INSERT INTO figure_change (sign, {FACTS}) VALUES"
    if op.get_bind().dialect.name == "sqlite":
        for event, written in (
            ("INSERT", f"{into} (1, {new});"),
            ("DELETE", f"{into} (-1, {old});"),
            (f"UPDATE OF {FACTS}", f"{into} (-1, {old}); {into} (1, {new});"),
        ):
            name = f"figure_change_on_{event.split()[0].lower()}"
            op.execute(
                f"CREATE TRIGGER {name} AFTER {event} ON service_request BEGIN {written} END"
            )
        return
    op.execute(
        "CREATE FUNCTION write_figure_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        f" IF TG_OP <> 'INSERT' THEN {into} (-1, {old}); END IF;"
        f" IF TG_OP <> 'DELETE' THEN {into} (1, {new}); END IF;"
        " RETURN NULL; END $$"
    )
    for name, event in (("any", "INSERT OR DELETE"), ("update", f"UPDATE OF {FACTS}")):
        op.execute(
            f"CREATE TRIGGER figure_change_on_{name} AFTER {event} ON service_request"
            " FOR EACH ROW EXECUTE FUNCTION write_figure_change()"
        )
