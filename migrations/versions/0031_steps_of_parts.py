"""The history knows the steps of parts.

Which steps there are stands in a CHECK. SQLite cannot change one: the table is copied, with its
indexes; nothing refers to it. On the way back the steps of parts become notes, which keep their words.

Revision ID: 0031
Revises: 0030
"""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

CHECK = "ck_history_entry_step"
BEFORE = (
    *("submit", "import", "accept", "decline", "merge", "receive_merged", "assign", "return"),
    *("sign_for", "claim", "release", "plan_visit", "visit", "note", "add_word", "wait", "resume"),
    *("ask_extension", "extend", "refuse_extension", "ask_parking", "park", "refuse_parking"),
    *("unpark", "refer", "resolve", "remind", "confirm", "dispute", "ask_reopening", "reopen"),
    *("refuse_reopening", "time_out", "withdraw", "urge"),
)
OF_PARTS = ("give_part", "change_part", "end_part", "return_part", "take_part_back")


def upgrade() -> None:
    _allow((*BEFORE, *OF_PARTS), before=BEFORE)


def downgrade() -> None:
    op.execute(f"UPDATE history_entry SET step = 'note' WHERE step IN ({_listed(OF_PARTS)})")  # noqa: S608 - our own words
    _allow(BEFORE, before=(*BEFORE, *OF_PARTS))


def _allow(steps: Sequence[str], *, before: Sequence[str]) -> None:
    if op.get_bind().dialect.name == "sqlite":
        _copy_with(f"step IN ({_listed(before)})", f"step IN ({_listed(steps)})")
        return
    op.execute(f"ALTER TABLE history_entry DROP CONSTRAINT {CHECK}")
    op.execute(
        f"ALTER TABLE history_entry ADD CONSTRAINT {CHECK} CHECK (step IN ({_listed(steps)}))"
    )


def _copy_with(check: str, another: str) -> None:
    """Make the table anew as it is, but for one CHECK."""
    bind = op.get_bind()
    made_by = sa.text(
        "SELECT sql FROM sqlite_master WHERE type = :kind AND tbl_name = 'history_entry'"
    )
    (table,) = bind.scalars(made_by, {"kind": "table"}).all()
    indexes = [sql for sql in bind.scalars(made_by, {"kind": "index"}) if sql]
    if table.count(check) != 1:
        message = f"The history is not as it was made: {table}"
        raise RuntimeError(message)
    columns = table.partition("(")[2]
    op.execute(
        sa.text(f"CREATE TABLE history_entry_new ({_plain(columns.replace(check, another))}")
    )
    op.execute("INSERT INTO history_entry_new SELECT * FROM history_entry")
    op.execute("DROP TABLE history_entry")
    op.execute("ALTER TABLE history_entry_new RENAME TO history_entry")
    for index in indexes:
        op.execute(sa.text(_plain(index)))


def _plain(sql: str) -> str:
    """Return SQL in which a colon is no parameter."""
    return sql.replace(":", r"\:")


def _listed(words: Iterable[str]) -> str:
    return ", ".join(f"'{word}'" for word in words)
