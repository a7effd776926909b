"""Sessions are rows, so that each can be ended; entries of the trail say where they belong to.

Everybody signs in anew after it. Entries of before belong to the whole, but for those about a
team or a unit, which still know where they are at home.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sign_in_session",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_sign_in_session_person_id_person")
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_sign_in_session")),
    )
    op.create_index(op.f("ix_sign_in_session_person_id"), "sign_in_session", ["person_id"])
    with op.batch_alter_table("person") as person:
        person.drop_constraint(op.f("uq_person_session_token"), type_="unique")
        person.drop_column("session_token")
    with op.batch_alter_table("audit_entry") as entry:
        entry.add_column(sa.Column("unit_id", sa.Integer(), nullable=True))
        entry.create_foreign_key(op.f("fk_audit_entry_unit_id_unit"), "unit", ["unit_id"], ["id"])
        entry.create_index(op.f("ix_audit_entry_unit_id"), ["unit_id"])
    op.execute(
        "UPDATE audit_entry SET unit_id = (SELECT team.unit_id FROM team"
        " WHERE team.id = audit_entry.subject_id) WHERE subject = 'team'"
    )
    op.execute(
        "UPDATE audit_entry SET unit_id = (SELECT unit.id FROM unit"
        " WHERE unit.id = audit_entry.subject_id) WHERE subject = 'unit'"
    )


def downgrade() -> None:
    with op.batch_alter_table("audit_entry") as entry:
        entry.drop_index(op.f("ix_audit_entry_unit_id"))
        entry.drop_constraint(op.f("fk_audit_entry_unit_id_unit"), type_="foreignkey")
        entry.drop_column("unit_id")
    with op.batch_alter_table("person") as person:
        person.add_column(sa.Column("session_token", sa.String(length=64), nullable=True))
    random = (
        "hex(randomblob(24))"
        if op.get_bind().dialect.name == "sqlite"
        else ("replace(cast(gen_random_uuid() AS text), '-', '')")
    )
    op.execute(f"UPDATE person SET session_token = {random}")  # noqa: S608 - no input in it
    with op.batch_alter_table("person") as person:
        person.alter_column("session_token", existing_type=sa.String(length=64), nullable=False)
        person.create_unique_constraint(op.f("uq_person_session_token"), ["session_token"])
    op.drop_table("sign_in_session")
