"""Pictures by their content, dates of prices, imports that run beside, and an audit trail that cannot be rewritten unseen.

Revision ID: 0002
Revises: 0001
"""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.domain.audit_chain import GENESIS, digest, link
from app.services.rich_text import sanitised

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

REFUSE = """
    CREATE FUNCTION refuse_to_rewrite_history() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
    END $$
"""
# A snapshot is what a version said; which of them is active may change, and the trigger is not asked about that.
SNAPSHOTS_STAY = """
    CREATE TRIGGER part_content_versions_stay
    BEFORE DELETE OR UPDATE OF id, part_id, version_number, content_snapshot, change_summary, created_by, created_at
    ON part_content_versions FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history()
"""
# Price lists that were written before the column was there.
BOUNDARIES = """
    UPDATE parts p SET price_boundary = b.next
    FROM (SELECT part_id, min(bound) AS next
          FROM part_prices CROSS JOIN LATERAL (VALUES (valid_from), (valid_to)) AS v(bound)
          WHERE bound > now() GROUP BY part_id) b
    WHERE b.part_id = p.id
"""
UNCHAINED = sa.text("SELECT * FROM data_change_logs WHERE hash IS NULL ORDER BY id LIMIT 5000")
CHAIN = sa.text("""
    UPDATE data_change_logs l SET hash = h.value FROM jsonb_each_text(CAST(:hashes AS jsonb)) h WHERE l.id = h.key::int
""")


def clean_descriptions() -> None:
    """Older releases kept a description as it was sent; pages now show it as HTML.

    Reconciliation finds the parts that differ from their last event by this, and gives them a version.
    """
    connection = op.get_bind()
    tagged = connection.execute(sa.text("SELECT id, description FROM parts WHERE description ~ '<[A-Za-z/!?]'")).all()
    clean = [{"id": row.id, "clean": sanitised(row.description)} for row in tagged]
    if clean:
        connection.execute(sa.text("UPDATE parts SET description = :clean WHERE id = :id AND description <> :clean"), clean)


def chain_the_trail() -> None:
    """Give the rows of older releases their places in the hash chain, in the order of their ids."""
    connection, previous, last_id, length = op.get_bind(), GENESIS, None, 0
    while rows := connection.execute(UNCHAINED).all():
        hashes = {}
        for row in rows:
            hashes[row.id] = previous = link(previous, digest(row._asdict()))
        connection.execute(CHAIN, {"hashes": json.dumps(hashes)})
        last_id, length = rows[-1].id, length + len(rows)
    head = {"last_id": last_id, "last_hash": previous, "length": length}
    connection.execute(sa.text("INSERT INTO audit_chain VALUES (1, :last_id, :last_hash, :length)"), head)


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=True),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.Column("length", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_chain_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
    )
    op.create_table(
        "import_jobs",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("encoding", sa.String(length=20), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("byte_size", sa.Integer(), nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("state", sa.String(length=10), server_default="queued", nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=True),
        sa.Column("rows_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("changed_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("unchanged_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("errors", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("error_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("api_key_id", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('queued', 'checking', 'importing', 'done', 'refused', 'failed')", name=op.f("ck_import_jobs_state")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_import_jobs_created_by_users")),
        sa.ForeignKeyConstraint(["api_key_id"], ["api_keys.id"], name=op.f("fk_import_jobs_api_key_id_api_keys")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_jobs")),
    )
    op.create_index(
        "ix_import_jobs_to_do",
        "import_jobs",
        ["id"],
        unique=False,
        postgresql_where="state IN ('queued', 'checking', 'importing')",
    )
    op.add_column("api_keys", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("data_change_logs", sa.Column("api_key_id", sa.Integer(), nullable=True))
    op.create_foreign_key(op.f("fk_data_change_logs_api_key_id_api_keys"), "data_change_logs", "api_keys", ["api_key_id"], ["id"])
    op.add_column("data_change_logs", sa.Column("hash", sa.String(length=64), nullable=True))
    # No release could write a picture before this one, so there is none to carry over.
    op.execute("DELETE FROM part_images")
    op.add_column("part_images", sa.Column("digest", sa.String(length=64), nullable=False))
    op.add_column("part_images", sa.Column("extension", sa.String(length=4), nullable=False))
    op.add_column("part_images", sa.Column("byte_size", sa.Integer(), nullable=False))
    op.add_column("part_images", sa.Column("variants_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_part_images_to_do", "part_images", ["id"], unique=False, postgresql_where="variants_at IS NULL")
    op.drop_column("part_images", "url")
    op.add_column("parts", sa.Column("price_boundary", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_parts_price_boundary", "parts", ["price_boundary"], unique=False, postgresql_where="price_boundary IS NOT NULL"
    )
    op.add_column("users", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    chain_the_trail()
    op.alter_column("data_change_logs", "hash", nullable=False)
    op.execute(REFUSE)
    # Whoever appends moves the head on; nobody takes it away.
    op.execute(
        "CREATE TRIGGER audit_chain_stays BEFORE DELETE OR TRUNCATE ON audit_chain"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()"
    )
    op.execute(
        "CREATE TRIGGER data_change_logs_append_only BEFORE UPDATE OR DELETE ON data_change_logs"
        " FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history()"
    )
    op.execute(
        "CREATE TRIGGER data_change_logs_no_truncate BEFORE TRUNCATE ON data_change_logs"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()"
    )
    op.execute(SNAPSHOTS_STAY)
    op.execute(
        "CREATE TRIGGER part_content_versions_no_truncate BEFORE TRUNCATE ON part_content_versions"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()"
    )
    # The trail is read newest first by the time of the change; each of these serves one filter in that order.
    op.drop_index("idx_data_change_logs_part", table_name="data_change_logs", postgresql_where="part_id IS NOT NULL")
    op.create_index(
        "idx_data_change_logs_part",
        "data_change_logs",
        ["part_id", "changed_at", "id"],
        unique=False,
        postgresql_where="part_id IS NOT NULL",
    )
    op.drop_index(op.f("ix_data_change_logs_changed_by"), table_name="data_change_logs")
    op.create_index("idx_data_change_logs_changed_by", "data_change_logs", ["changed_by", "changed_at", "id"], unique=False)
    op.create_index("idx_data_change_logs_table", "data_change_logs", ["table_name", "changed_at", "id"], unique=False)
    op.create_index("idx_data_change_logs_operation", "data_change_logs", ["operation", "changed_at", "id"], unique=False)
    op.drop_constraint(op.f("fk_outbox_events_actor_id_users"), "outbox_events", type_="foreignkey")
    op.drop_constraint(op.f("fk_outbox_deliveries_event_id_outbox_events"), "outbox_deliveries", type_="foreignkey")
    # Payloads are read by each effect within seconds; to compress those of 2 to 8 kB takes longer than it saves.
    op.execute("ALTER TABLE outbox_events SET (toast_tuple_target = 8160)")
    op.execute(BOUNDARIES)
    clean_descriptions()


def downgrade() -> None:
    op.execute("ALTER TABLE outbox_events RESET (toast_tuple_target)")
    op.create_foreign_key(
        op.f("fk_outbox_deliveries_event_id_outbox_events"),
        "outbox_deliveries",
        "outbox_events",
        ["event_id"],
        ["id"],
        ondelete="CASCADE",
    )
    op.create_foreign_key(op.f("fk_outbox_events_actor_id_users"), "outbox_events", "users", ["actor_id"], ["id"])
    op.drop_index("idx_data_change_logs_operation", table_name="data_change_logs")
    op.drop_index("idx_data_change_logs_table", table_name="data_change_logs")
    op.drop_index("idx_data_change_logs_changed_by", table_name="data_change_logs")
    op.create_index(op.f("ix_data_change_logs_changed_by"), "data_change_logs", ["changed_by"], unique=False)
    op.drop_index("idx_data_change_logs_part", table_name="data_change_logs", postgresql_where="part_id IS NOT NULL")
    op.create_index(
        "idx_data_change_logs_part", "data_change_logs", ["part_id", "id"], unique=False, postgresql_where="part_id IS NOT NULL"
    )
    op.execute("DROP TRIGGER part_content_versions_no_truncate ON part_content_versions")
    op.execute("DROP TRIGGER part_content_versions_stay ON part_content_versions")
    op.execute("DROP TRIGGER data_change_logs_no_truncate ON data_change_logs")
    op.execute("DROP TRIGGER data_change_logs_append_only ON data_change_logs")
    op.drop_table("audit_chain")
    op.execute("DROP FUNCTION refuse_to_rewrite_history()")
    op.drop_column("users", "version")
    op.drop_index("ix_parts_price_boundary", table_name="parts", postgresql_where="price_boundary IS NOT NULL")
    op.drop_column("parts", "price_boundary")
    op.execute("DELETE FROM part_images")
    op.add_column("part_images", sa.Column("url", sa.VARCHAR(length=500), autoincrement=False, nullable=False))
    op.drop_index("ix_part_images_to_do", table_name="part_images", postgresql_where="variants_at IS NULL")
    op.drop_column("part_images", "variants_at")
    op.drop_column("part_images", "byte_size")
    op.drop_column("part_images", "extension")
    op.drop_column("part_images", "digest")
    op.drop_column("data_change_logs", "hash")
    op.drop_column("data_change_logs", "api_key_id")
    op.drop_column("api_keys", "version")
    op.drop_index(
        "ix_import_jobs_to_do", table_name="import_jobs", postgresql_where="state IN ('queued', 'checking', 'importing')"
    )
    op.drop_table("import_jobs")
    op.execute("DROP EXTENSION pg_trgm")
