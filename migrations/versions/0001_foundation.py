"""The tables of the foundation.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_day",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("is_working", sa.Boolean(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_day")),
        sa.UniqueConstraint("day", name=op.f("uq_calendar_day_day")),
    )
    op.create_table(
        "category",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("description_en", sa.Text(), nullable=True),
        sa.Column("keywords", sa.Text(), nullable=False),
        sa.Column("icon", sa.String(length=40), nullable=False),
        sa.Column("shows_emergency_notice", sa.Boolean(), nullable=False),
        sa.Column("is_sensitive", sa.Boolean(), nullable=False),
        sa.Column("needs_evidence", sa.Boolean(), nullable=False),
        sa.Column("is_offered", sa.Boolean(), nullable=False),
        sa.Column("default_priority", sa.String(length=16), nullable=False),
        sa.Column("resolve_working_days", sa.Integer(), nullable=True),
        sa.Column("default_team_id", sa.Integer(), nullable=True),
        sa.Column("volunteers_needed", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["category.id"], name=op.f("fk_category_parent_id_category")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
    )
    with op.batch_alter_table("category", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_category_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_category_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=True),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("privacy_note", sa.Text(), nullable=False),
        sa.Column("privacy_note_en", sa.Text(), nullable=True),
        sa.Column("work_begins", sa.Time(), nullable=False),
        sa.Column("lunch_begins", sa.Time(), nullable=True),
        sa.Column("lunch_ends", sa.Time(), nullable=True),
        sa.Column("work_ends", sa.Time(), nullable=False),
        sa.Column("return_limit_working_days", sa.Integer(), nullable=False),
        sa.Column("reminder_days", sa.Integer(), nullable=False),
        sa.Column("no_contact_tries", sa.Integer(), nullable=False),
        sa.Column("claim_limit", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_organisation_is_the_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
    )
    op.create_table(
        "person",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("sort_key", sa.String(length=160), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("title_en", sa.String(length=120), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("session_token", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=True),
        sa.Column("is_demo", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_person_email_is_lower_case")),
        sa.CheckConstraint(
            "email IS NOT NULL OR phone IS NOT NULL", name=op.f("ck_person_can_be_reached")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("email", name=op.f("uq_person_email")),
        sa.UniqueConstraint("phone", name=op.f("uq_person_phone")),
        sa.UniqueConstraint("session_token", name=op.f("uq_person_session_token")),
    )
    op.create_table(
        "requester",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column(
            "reachable_by",
            sa.Enum(
                "phone",
                "email",
                "neighbour",
                "nobody",
                name="reachableby",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("phone", sa.String(length=32), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("neighbour", sa.String(length=200), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requester")),
    )
    with op.batch_alter_table("requester", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_requester_phone"), ["phone"], unique=False)

    op.create_table(
        "scheduled_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("slot", sa.String(length=32), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.String(length=500), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scheduled_run")),
        sa.UniqueConstraint("name", "slot", name=op.f("uq_scheduled_run_name_slot")),
    )
    op.create_table(
        "throttled_attempt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_throttled_attempt")),
    )
    with op.batch_alter_table("throttled_attempt", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_throttled_attempt_at"), ["at"], unique=False)
        batch_op.create_index(
            "ix_throttled_attempt_scope_key_at", ["scope", "key_hash", "at"], unique=False
        )

    op.create_table(
        "unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "bureau",
                "branch",
                "station",
                "office",
                name="unitkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["unit.id"], name=op.f("fk_unit_parent_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
    )
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_unit_parent_id"), ["parent_id"], unique=False)

    op.create_table(
        "area",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "district",
                "street",
                "community",
                "grid",
                name="areakind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["parent_id"], ["area.id"], name=op.f("fk_area_parent_id_area")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_area_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area")),
    )
    with op.batch_alter_table("area", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_area_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_area_parent_id"), ["parent_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_area_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("subject_id", sa.Integer(), nullable=True),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["person.id"], name=op.f("fk_audit_entry_actor_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_entry_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_entry_at"), ["at"], unique=False)

    op.create_table(
        "import_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=False),
        sa.Column("is_dry", sa.Boolean(), nullable=False),
        sa.Column("started_by_id", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows_read", sa.Integer(), nullable=False),
        sa.Column("rows_created", sa.Integer(), nullable=False),
        sa.Column("rows_updated", sa.Integer(), nullable=False),
        sa.Column("rows_unchanged", sa.Integer(), nullable=False),
        sa.Column("rows_rejected", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["started_by_id"], ["person.id"], name=op.f("fk_import_run_started_by_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_run")),
    )
    op.create_table(
        "note_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("form_key", sa.String(length=80), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_note_draft_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_note_draft")),
    )
    with op.batch_alter_table("note_draft", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_note_draft_form_key"), ["form_key"], unique=False)
        batch_op.create_index(batch_op.f("ix_note_draft_person_id"), ["person_id"], unique=False)

    op.create_table(
        "one_time_link",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column(
            "purpose",
            sa.Enum(
                "invitation",
                "reset",
                name="linkpurpose",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_one_time_link_person_id_person")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_one_time_link_token_hash")),
    )
    with op.batch_alter_table("one_time_link", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_one_time_link_person_id"), ["person_id"], unique=False)

    op.create_table(
        "role_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "resident",
                "volunteer",
                "team_leader",
                "leader",
                "coordinator",
                "supervisor",
                "administrator",
                "auditor",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_by_id", sa.Integer(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["granted_by_id"], ["person.id"], name=op.f("fk_role_grant_granted_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_role_grant_person_id_person")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_role_grant_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
    )
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_role_grant_person_id"), ["person_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_role_grant_unit_id"), ["unit_id"], unique=False)
        batch_op.create_index(
            "uq_role_grant_holds_now",
            ["person_id", "role", "unit_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "team",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=True),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("description_en", sa.String(length=500), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_team_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team")),
    )
    with op.batch_alter_table("team", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_team_name"), ["name"], unique=False)
        batch_op.create_index(batch_op.f("ix_team_unit_id"), ["unit_id"], unique=False)

    op.create_table(
        "membership",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("leads", sa.Boolean(), nullable=False),
        sa.Column("is_vetted", sa.Boolean(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_membership_person_id_person")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_membership_team_id_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
    )
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_membership_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            "uq_membership_holds_now",
            ["team_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "service_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reference", sa.String(length=10), nullable=False),
        sa.Column("link_salt", sa.String(length=32), nullable=False),
        sa.Column("submission_key", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "help",
                "suggestion",
                "complaint",
                "thanks",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.String(length=200), nullable=False),
        sa.Column("need", sa.Text(), nullable=False),
        sa.Column("preferred_time", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column(
            "priority",
            sa.Enum(
                "emergency",
                "urgent",
                "normal",
                "complex",
                name="priority",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("requester_id", sa.Integer(), nullable=True),
        sa.Column(
            "for_whom",
            sa.Enum(
                "self",
                "someone_else",
                name="forwhom",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("beneficiary_name", sa.String(length=80), nullable=False),
        sa.Column("beneficiary_relation", sa.String(length=80), nullable=False),
        sa.Column("beneficiary_consents", sa.Boolean(), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "submitted",
                "accepted",
                "assigned",
                "in_progress",
                "waiting",
                "parked",
                "resolved",
                "closed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "outcome",
            sa.Enum(
                "solved",
                "partly_solved",
                "explained",
                "referred",
                "no_contact",
                "withdrawn",
                "out_of_scope",
                "duplicate",
                name="outcome",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("is_spam", sa.Boolean(), nullable=False),
        sa.Column("lead_team_id", sa.Integer(), nullable=True),
        sa.Column("leader_id", sa.Integer(), nullable=True),
        sa.Column("volunteers_needed", sa.Integer(), nullable=False),
        sa.Column("places_taken", sa.Integer(), nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_for_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("first_response_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seconds_to_close", sa.Integer(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("near_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_on_time", sa.Boolean(), nullable=True),
        sa.Column("waiting_for", sa.String(length=500), nullable=False),
        sa.Column("parked_until", sa.Date(), nullable=True),
        sa.Column("public_answer", sa.Text(), nullable=False),
        sa.Column("referred_to", sa.String(length=200), nullable=False),
        sa.Column("survivor_id", sa.Integer(), nullable=True),
        sa.Column(
            "confirmation",
            sa.Enum(
                "link",
                "call_back",
                "none",
                name="confirmationway",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "solved",
            sa.Enum(
                "yes",
                "partly",
                "no",
                name="solved",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("satisfaction", sa.Integer(), nullable=True),
        sa.Column("reminders_sent", sa.Integer(), nullable=False),
        sa.Column("reminded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("urged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("times_urged", sa.Integer(), nullable=False),
        sa.Column("times_returned", sa.Integer(), nullable=False),
        sa.Column("times_reopened", sa.Integer(), nullable=False),
        sa.Column("extension_working_days", sa.Integer(), nullable=False),
        sa.Column("import_id", sa.Integer(), nullable=True),
        sa.Column("import_source", sa.String(length=60), nullable=True),
        sa.Column("source_id", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "(status = 'parked') = (parked_until IS NOT NULL)",
            name=op.f("ck_service_request_parked_has_review"),
        ),
        sa.CheckConstraint(
            "(status = 'waiting') = (waiting_for <> '')",
            name=op.f("ck_service_request_waiting_says_for_what"),
        ),
        sa.CheckConstraint(
            "CASE WHEN status = 'closed' THEN closed_at IS NOT NULL OR import_id IS NOT NULL ELSE closed_at IS NULL END",
            name=op.f("ck_service_request_closed_has_date"),
        ),
        sa.CheckConstraint(
            "import_id IS NOT NULL OR (status IN ('resolved', 'closed')) = (outcome IS NOT NULL)",
            name=op.f("ck_service_request_handled_has_outcome"),
        ),
        sa.CheckConstraint(
            "(closed_at IS NULL) = (seconds_to_close IS NULL)",
            name=op.f("ck_service_request_closed_has_duration"),
        ),
        sa.CheckConstraint(
            "places_taken >= 0", name=op.f("ck_service_request_places_not_negative")
        ),
        sa.CheckConstraint(
            "satisfaction BETWEEN 1 AND 5", name=op.f("ck_service_request_five_levels")
        ),
        sa.CheckConstraint(
            "volunteers_needed >= 1", name=op.f("ck_service_request_needs_somebody")
        ),
        sa.ForeignKeyConstraint(
            ["area_id"], ["area.id"], name=op.f("fk_service_request_area_id_area")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_service_request_category_id_category")
        ),
        sa.ForeignKeyConstraint(
            ["import_id"], ["import_run.id"], name=op.f("fk_service_request_import_id_import_run")
        ),
        sa.ForeignKeyConstraint(
            ["lead_team_id"], ["team.id"], name=op.f("fk_service_request_lead_team_id_team")
        ),
        sa.ForeignKeyConstraint(
            ["leader_id"], ["person.id"], name=op.f("fk_service_request_leader_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"],
            ["requester.id"],
            name=op.f("fk_service_request_requester_id_requester"),
        ),
        sa.ForeignKeyConstraint(
            ["survivor_id"],
            ["service_request.id"],
            name=op.f("fk_service_request_survivor_id_service_request"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_service_request_unit_id_unit")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_request")),
        sa.UniqueConstraint(
            "import_source", "source_id", name=op.f("uq_service_request_import_source_source_id")
        ),
        sa.UniqueConstraint("reference", name=op.f("uq_service_request_reference")),
        sa.UniqueConstraint("submission_key", name=op.f("uq_service_request_submission_key")),
    )
    with op.batch_alter_table("service_request", schema=None) as batch_op:
        batch_op.create_index(
            "ix_service_request_area_category", ["area_id", "category_id", "status"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_service_request_category_id"), ["category_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_service_request_closed_at"), ["closed_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_service_request_import_id"), ["import_id"], unique=False
        )
        batch_op.create_index(
            "ix_service_request_lead_team_status",
            ["lead_team_id", "status", "due_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_service_request_leader_id"), ["leader_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_service_request_requester_id"), ["requester_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_service_request_submitted_at"), ["submitted_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_service_request_survivor_id"), ["survivor_id"], unique=False
        )
        batch_op.create_index(
            "ix_service_request_unit_status_due",
            ["unit_id", "status", "due_at", "id"],
            unique=False,
        )
        batch_op.create_index(
            "ix_service_request_unit_submitted", ["unit_id", "submitted_at", "id"], unique=False
        )

    op.create_table(
        "team_area",
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("area_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["area.id"], name=op.f("fk_team_area_area_id_area")),
        sa.ForeignKeyConstraint(["team_id"], ["team.id"], name=op.f("fk_team_area_team_id_team")),
        sa.PrimaryKeyConstraint("team_id", "area_id", name=op.f("pk_team_area")),
    )
    op.create_table(
        "team_category",
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["category_id"], ["category.id"], name=op.f("fk_team_category_category_id_category")
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name=op.f("fk_team_category_team_id_team")
        ),
        sa.PrimaryKeyConstraint("team_id", "category_id", name=op.f("pk_team_category")),
    )
    op.create_table(
        "approval",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_request_id", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "extension",
                "parking",
                "reopening",
                name="approvalkind",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("working_days", sa.Integer(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("asked_by_id", sa.Integer(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("granted", sa.Boolean(), nullable=True),
        sa.Column("decision_note", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "(decided_at IS NULL) = (granted IS NULL)", name=op.f("ck_approval_decided_says_how")
        ),
        sa.ForeignKeyConstraint(
            ["asked_by_id"], ["person.id"], name=op.f("fk_approval_asked_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"], ["person.id"], name=op.f("fk_approval_decided_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_approval_service_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_approval")),
    )
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_approval_service_request_id"), ["service_request_id"], unique=False
        )
        batch_op.create_index(
            "uq_approval_waits_now",
            ["service_request_id", "kind"],
            unique=True,
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        )

    op.create_table(
        "claim",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_request_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason", sa.String(length=500), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_claim_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_claim_service_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_claim")),
    )
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.create_index(
            "ix_claim_person_id_released_at", ["person_id", "released_at"], unique=False
        )
        batch_op.create_index(
            "uq_claim_holds_now",
            ["service_request_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )

    op.create_table(
        "clock_stop",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_request_id", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "submitted",
                "accepted",
                "assigned",
                "in_progress",
                "waiting",
                "parked",
                "resolved",
                "closed",
                name="status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resumed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_clock_stop_service_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock_stop")),
    )
    with op.batch_alter_table("clock_stop", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_clock_stop_service_request_id"), ["service_request_id"], unique=False
        )

    op.create_table(
        "contact_look",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_request_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("where", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_contact_look_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_contact_look_service_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_look")),
    )
    with op.batch_alter_table("contact_look", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_contact_look_at"), ["at"], unique=False)
        batch_op.create_index(batch_op.f("ix_contact_look_person_id"), ["person_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_contact_look_service_request_id"), ["service_request_id"], unique=False
        )

    op.create_table(
        "handler",
        sa.Column("service_request_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_handler_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_handler_service_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("service_request_id", "person_id", name=op.f("pk_handler")),
    )
    with op.batch_alter_table("handler", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handler_person_id"), ["person_id"], unique=False)

    op.create_table(
        "helping_team",
        sa.Column("service_request_id", sa.Integer(), nullable=False),
        sa.Column("team_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_helping_team_service_request_id_service_request"),
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name=op.f("fk_helping_team_team_id_team")
        ),
        sa.PrimaryKeyConstraint("service_request_id", "team_id", name=op.f("pk_helping_team")),
    )
    with op.batch_alter_table("helping_team", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_helping_team_team_id"), ["team_id"], unique=False)

    op.create_table(
        "history_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_request_id", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column(
            "step",
            sa.Enum(
                "submit",
                "import",
                "accept",
                "decline",
                "merge",
                "receive_merged",
                "assign",
                "return",
                "sign_for",
                "claim",
                "release",
                "plan_visit",
                "visit",
                "note",
                "add_word",
                "wait",
                "resume",
                "ask_extension",
                "extend",
                "refuse_extension",
                "ask_parking",
                "park",
                "refuse_parking",
                "unpark",
                "refer",
                "resolve",
                "remind",
                "confirm",
                "dispute",
                "ask_reopening",
                "reopen",
                "refuse_reopening",
                "time_out",
                "withdraw",
                "urge",
                name="step",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "from_status",
            sa.Enum(
                "submitted",
                "accepted",
                "assigned",
                "in_progress",
                "waiting",
                "parked",
                "resolved",
                "closed",
                name="from_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column(
            "to_status",
            sa.Enum(
                "submitted",
                "accepted",
                "assigned",
                "in_progress",
                "waiting",
                "parked",
                "resolved",
                "closed",
                name="to_status",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("team_id", sa.Integer(), nullable=True),
        sa.Column("public_note", sa.Text(), nullable=False),
        sa.Column("internal_note", sa.Text(), nullable=False),
        sa.Column("detail", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["person.id"], name=op.f("fk_history_entry_actor_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_history_entry_service_request_id_service_request"),
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["team.id"], name=op.f("fk_history_entry_team_id_team")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_history_entry")),
    )
    with op.batch_alter_table("history_entry", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_history_entry_actor_id"), ["actor_id"], unique=False)
        batch_op.create_index(
            "ix_history_entry_service_request_id_id", ["service_request_id", "id"], unique=False
        )

    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "channel",
            sa.Enum("email", name="channel", native_enum=False, create_constraint=True, length=32),
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("message_key", sa.String(length=64), nullable=False),
        sa.Column("service_request_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_error", sa.String(length=500), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_message_service_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("message_key", name=op.f("uq_message_message_key")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_created_at"), ["created_at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_message_service_request_id"), ["service_request_id"], unique=False
        )
        batch_op.create_index(
            "ix_message_to_send",
            ["run_at"],
            unique=False,
            sqlite_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
        )

    op.create_table(
        "submission_draft",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("service_request_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_submission_draft_service_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_submission_draft")),
        sa.UniqueConstraint("key", name=op.f("uq_submission_draft_key")),
    )
    with op.batch_alter_table("submission_draft", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_submission_draft_created_at"), ["created_at"], unique=False
        )

    op.create_table(
        "visit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("service_request_id", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "planned",
                "done",
                "cancelled",
                name="visitstatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("planned_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("planned_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("place", sa.String(length=200), nullable=False),
        sa.Column("met", sa.String(length=120), nullable=False),
        sa.Column(
            "group",
            sa.Enum(
                "elder_living_alone",
                "left_behind_child",
                "member_in_difficulty",
                "retired_member",
                "bereaved_family",
                "disabled_person",
                "grass_roots_staff",
                "other",
                name="group",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("contact_made", sa.Boolean(), nullable=True),
        sa.Column(
            "way",
            sa.Enum(
                "in_person",
                "phone",
                "video",
                name="contactway",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("findings", sa.Text(), nullable=False),
        sa.Column("needs_found", sa.Text(), nullable=False),
        sa.Column("next_step", sa.String(length=500), nullable=False),
        sa.Column("next_step_on", sa.Date(), nullable=True),
        sa.Column("recorded_by_id", sa.Integer(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("submission_key", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "status <> 'done' OR (started_at IS NOT NULL AND contact_made IS NOT NULL)",
            name=op.f("ck_visit_done_says_what_happened"),
        ),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_visit_ends_after_it_starts")),
        sa.CheckConstraint("planned_to > planned_from", name=op.f("ck_visit_window_has_a_length")),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["person.id"], name=op.f("fk_visit_recorded_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_visit_service_request_id_service_request"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
        sa.UniqueConstraint("submission_key", name=op.f("uq_visit_submission_key")),
    )
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_visit_service_request_id"), ["service_request_id"], unique=False
        )

    op.create_table(
        "photo",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("draft_id", sa.Integer(), nullable=True),
        sa.Column("service_request_id", sa.Integer(), nullable=True),
        sa.Column("visit_id", sa.Integer(), nullable=True),
        sa.Column("is_evidence", sa.Boolean(), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("added_by_id", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["added_by_id"], ["person.id"], name=op.f("fk_photo_added_by_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"],
            ["submission_draft.id"],
            name=op.f("fk_photo_draft_id_submission_draft"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["service_request_id"],
            ["service_request.id"],
            name=op.f("fk_photo_service_request_id_service_request"),
        ),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_photo_visit_id_visit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo")),
        sa.UniqueConstraint("key", name=op.f("uq_photo_key")),
    )
    with op.batch_alter_table("photo", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_photo_draft_id"), ["draft_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_photo_service_request_id"), ["service_request_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_photo_visit_id"), ["visit_id"], unique=False)

    op.create_table(
        "visit_visitor",
        sa.Column("visit_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name=op.f("fk_visit_visitor_person_id_person")
        ),
        sa.ForeignKeyConstraint(
            ["visit_id"], ["visit.id"], name=op.f("fk_visit_visitor_visit_id_visit")
        ),
        sa.PrimaryKeyConstraint("visit_id", "person_id", name=op.f("pk_visit_visitor")),
    )
    with op.batch_alter_table("visit_visitor", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_visit_visitor_person_id"), ["person_id"], unique=False)

    # Categories and teams name each other: this one comes when both are there.
    with op.batch_alter_table("category") as batch_op:
        batch_op.create_foreign_key(
            op.f("fk_category_default_team_id_team"), "team", ["default_team_id"], ["id"]
        )


def downgrade() -> None:
    with op.batch_alter_table("category") as batch_op:
        batch_op.drop_constraint(op.f("fk_category_default_team_id_team"), type_="foreignkey")
    with op.batch_alter_table("visit_visitor", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_visitor_person_id"))

    op.drop_table("visit_visitor")
    with op.batch_alter_table("photo", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photo_visit_id"))
        batch_op.drop_index(batch_op.f("ix_photo_service_request_id"))
        batch_op.drop_index(batch_op.f("ix_photo_draft_id"))

    op.drop_table("photo")
    with op.batch_alter_table("visit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_visit_service_request_id"))

    op.drop_table("visit")
    with op.batch_alter_table("submission_draft", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_submission_draft_created_at"))

    op.drop_table("submission_draft")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_message_to_send",
            sqlite_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL AND failed_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_message_service_request_id"))
        batch_op.drop_index(batch_op.f("ix_message_created_at"))

    op.drop_table("message")
    with op.batch_alter_table("history_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_history_entry_service_request_id_id")
        batch_op.drop_index(batch_op.f("ix_history_entry_actor_id"))

    op.drop_table("history_entry")
    with op.batch_alter_table("helping_team", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_helping_team_team_id"))

    op.drop_table("helping_team")
    with op.batch_alter_table("handler", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_handler_person_id"))

    op.drop_table("handler")
    with op.batch_alter_table("contact_look", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_contact_look_service_request_id"))
        batch_op.drop_index(batch_op.f("ix_contact_look_person_id"))
        batch_op.drop_index(batch_op.f("ix_contact_look_at"))

    op.drop_table("contact_look")
    with op.batch_alter_table("clock_stop", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_clock_stop_service_request_id"))

    op.drop_table("clock_stop")
    with op.batch_alter_table("claim", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_claim_holds_now",
            sqlite_where=sa.text("released_at IS NULL"),
            postgresql_where=sa.text("released_at IS NULL"),
        )
        batch_op.drop_index("ix_claim_person_id_released_at")

    op.drop_table("claim")
    with op.batch_alter_table("approval", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_approval_waits_now",
            sqlite_where=sa.text("decided_at IS NULL"),
            postgresql_where=sa.text("decided_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_approval_service_request_id"))

    op.drop_table("approval")
    op.drop_table("team_category")
    op.drop_table("team_area")
    with op.batch_alter_table("service_request", schema=None) as batch_op:
        batch_op.drop_index("ix_service_request_unit_submitted")
        batch_op.drop_index("ix_service_request_unit_status_due")
        batch_op.drop_index(batch_op.f("ix_service_request_survivor_id"))
        batch_op.drop_index(batch_op.f("ix_service_request_submitted_at"))
        batch_op.drop_index(batch_op.f("ix_service_request_requester_id"))
        batch_op.drop_index(batch_op.f("ix_service_request_leader_id"))
        batch_op.drop_index("ix_service_request_lead_team_status")
        batch_op.drop_index(batch_op.f("ix_service_request_import_id"))
        batch_op.drop_index(batch_op.f("ix_service_request_closed_at"))
        batch_op.drop_index(batch_op.f("ix_service_request_category_id"))
        batch_op.drop_index("ix_service_request_area_category")

    op.drop_table("service_request")
    with op.batch_alter_table("membership", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_membership_holds_now",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_membership_person_id"))

    op.drop_table("membership")
    with op.batch_alter_table("team", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_team_unit_id"))
        batch_op.drop_index(batch_op.f("ix_team_name"))

    op.drop_table("team")
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_role_grant_holds_now",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index(batch_op.f("ix_role_grant_unit_id"))
        batch_op.drop_index(batch_op.f("ix_role_grant_person_id"))

    op.drop_table("role_grant")
    with op.batch_alter_table("one_time_link", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_one_time_link_person_id"))

    op.drop_table("one_time_link")
    with op.batch_alter_table("note_draft", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_note_draft_person_id"))
        batch_op.drop_index(batch_op.f("ix_note_draft_form_key"))

    op.drop_table("note_draft")
    op.drop_table("import_run")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_at"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_actor_id"))

    op.drop_table("audit_entry")
    with op.batch_alter_table("area", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_area_unit_id"))
        batch_op.drop_index(batch_op.f("ix_area_parent_id"))
        batch_op.drop_index(batch_op.f("ix_area_name"))

    op.drop_table("area")
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_parent_id"))

    op.drop_table("unit")
    with op.batch_alter_table("throttled_attempt", schema=None) as batch_op:
        batch_op.drop_index("ix_throttled_attempt_scope_key_at")
        batch_op.drop_index(batch_op.f("ix_throttled_attempt_at"))

    op.drop_table("throttled_attempt")
    op.drop_table("scheduled_run")
    with op.batch_alter_table("requester", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_requester_phone"))

    op.drop_table("requester")
    op.drop_table("person")
    op.drop_table("organisation")
    with op.batch_alter_table("category", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_category_parent_id"))
        batch_op.drop_index(batch_op.f("ix_category_name"))

    op.drop_table("category")
    op.drop_table("calendar_day")
