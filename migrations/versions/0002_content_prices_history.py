"""Pictures by their content, dates of prices, imports that run beside, and an audit trail that cannot be rewritten unseen.

Nobody waits for it: locks on tables are held for single statements, and rows are changed in batches that each commit. It may be
stopped anywhere and started again. The release before goes on reading and writing; `part_images.url`, which it reads, stays until
revision 0008. Only its workers cannot append to the audit trail once that is chained: stop them first, since what they owe waits in
the outbox for those of the new release. Descriptions and dated prices that it writes afterwards are as it writes them.

Revision ID: 0002
Revises: 0001
"""

import json

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from app.domain.audit_chain import GENESIS, digest, link
from app.services.rich_text import sanitised
from migrations.steps import add_constraint, batches, build_index, execute, replace, trigger

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
# Price lists that were written before the column was there.
BOUNDARIES = sa.text("""
    UPDATE parts p SET price_boundary = b.next
    FROM (SELECT part_id, min(bound) AS next
          FROM part_prices CROSS JOIN LATERAL (VALUES (valid_from), (valid_to)) AS v(bound)
          WHERE bound > now() AND part_id BETWEEN :first AND :last GROUP BY part_id) b
    WHERE b.part_id = p.id AND p.price_boundary IS DISTINCT FROM b.next
""")
TAGGED = sa.text("SELECT id, description FROM parts WHERE id BETWEEN :first AND :last AND description ~ '<[A-Za-z/!?]'")
# Unless somebody has changed it meanwhile.
CLEAN = sa.text("UPDATE parts SET description = :clean WHERE id = :id AND description = :description")
CHAINED = sa.text("""
    SELECT id, hash, (SELECT count(*) FROM data_change_logs WHERE hash IS NOT NULL) AS length
    FROM data_change_logs WHERE hash IS NOT NULL ORDER BY id DESC LIMIT 1
""")
UNCHAINED = sa.text("SELECT * FROM data_change_logs WHERE id > :after AND id <= :until ORDER BY id LIMIT 1000")
CHAIN = sa.text("""
    UPDATE data_change_logs l SET hash = h.value FROM jsonb_each_text(CAST(:hashes AS jsonb)) h WHERE l.id = h.key::int
""")


def clean_descriptions() -> None:
    """Older releases kept a description as it was sent; pages now show it as HTML.

    Reconciliation finds the parts that differ from their last event by this, and gives them a version.
    """
    connection = op.get_bind()
    for batch in batches("parts", 1000):
        for row in connection.execute(TAGGED, batch).all():
            if (clean := sanitised(row.description)) != row.description:
                connection.execute(CLEAN, {"id": row.id, "description": row.description, "clean": clean})


def chain_the_trail(until: int) -> dict[str, object]:
    """Give rows of older releases their places in the hash chain, in the order of their ids; return its head.

    Args:
        until: the last id; no row with a smaller one may still be written.
    """
    connection = op.get_bind()
    before = connection.execute(CHAINED).one_or_none()
    last_id, previous, length = (before.id, before.hash, before.length) if before else (None, GENESIS, 0)
    while rows := connection.execute(UNCHAINED, {"after": last_id or 0, "until": until}).all():
        hashes = {}
        for row in rows:
            hashes[row.id] = previous = link(previous, digest(row._asdict()))
        connection.execute(CHAIN, {"hashes": json.dumps(hashes)})
        last_id, length = rows[-1].id, length + len(rows)
    return {"last_id": last_id, "last_hash": previous, "length": length}


def last_in_the_trail() -> int:
    """Wait until nobody writes in the trail, keep others from it until the transaction ends, and return the last id."""
    op.execute("LOCK TABLE data_change_logs IN ACCESS EXCLUSIVE MODE")
    return int(op.get_bind().execute(sa.text("SELECT COALESCE(max(id), 0) FROM data_change_logs")).scalar_one())


def close_the_chain() -> None:
    """Chain what has come last, and from here on take only rows that have their places."""
    head = chain_the_trail(last_in_the_trail())
    op.get_bind().execute(
        sa.text("INSERT INTO audit_chain VALUES (1, :last_id, :last_hash, :length) ON CONFLICT DO NOTHING"), head
    )
    execute("ALTER TABLE data_change_logs DROP CONSTRAINT IF EXISTS data_change_logs_hash_not_null")
    execute("ALTER TABLE data_change_logs ADD CONSTRAINT data_change_logs_hash_not_null NOT NULL hash NOT VALID")
    trigger(
        "data_change_logs_append_only",
        "data_change_logs",
        "BEFORE UPDATE OR DELETE ON data_change_logs FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history()",
    )
    trigger(
        "data_change_logs_no_truncate",
        "data_change_logs",
        "BEFORE TRUNCATE ON data_change_logs FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()",
    )


def expand() -> None:
    """Add what the release before does not see."""
    execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    op.create_table(
        "audit_chain",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last_id", sa.Integer(), nullable=True),
        sa.Column("last_hash", sa.String(length=64), nullable=False),
        sa.Column("length", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_audit_chain_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_chain")),
        if_not_exists=True,
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
        if_not_exists=True,
    )
    op.create_index(
        "ix_import_jobs_to_do",
        "import_jobs",
        ["id"],
        unique=False,
        postgresql_where="state IN ('queued', 'checking', 'importing')",
        if_not_exists=True,
    )
    # Constant defaults or none: no row is rewritten.
    for table, column in (
        ("api_keys", sa.Column("version", sa.Integer(), server_default="1", nullable=False)),
        ("users", sa.Column("version", sa.Integer(), server_default="1", nullable=False)),
        ("data_change_logs", sa.Column("api_key_id", sa.Integer(), nullable=True)),
        ("data_change_logs", sa.Column("hash", sa.String(length=64), nullable=True)),
        ("parts", sa.Column("price_boundary", sa.DateTime(timezone=True), nullable=True)),
    ):
        op.add_column(table, column, if_not_exists=True)
    replace(REFUSE)
    for table, constraint in (
        ("outbox_events", "fk_outbox_events_actor_id_users"),
        ("outbox_deliveries", "fk_outbox_deliveries_event_id_outbox_events"),
    ):
        execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {constraint}")
    # Payloads are read by each effect within seconds; to compress those of 2 to 8 kB takes longer than it saves.
    execute("ALTER TABLE outbox_events SET (toast_tuple_target = 8160)")


def describe_pictures() -> None:
    """Let pictures be found by their content. No release could write one before this, so there is none to carry over."""
    execute("DELETE FROM part_images WHERE to_jsonb(part_images) ->> 'digest' IS NULL")
    execute("ALTER TABLE part_images ALTER COLUMN url SET DEFAULT ''")
    for column in (
        "digest varchar(64) NOT NULL",
        "extension varchar(4) NOT NULL",
        "byte_size integer NOT NULL",
        "variants_at timestamptz",
    ):
        execute(f"ALTER TABLE part_images ADD COLUMN IF NOT EXISTS {column}")
    build_index("ix_part_images_to_do", "part_images (id) WHERE variants_at IS NULL")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        expand()
        describe_pictures()
    # Rows that were begun before have their ids and are waited for: chained in order, none of them is missed.
    until = last_in_the_trail()
    with op.get_context().autocommit_block():
        chain_the_trail(until)
    close_the_chain()
    with op.get_context().autocommit_block():
        execute("ALTER TABLE data_change_logs VALIDATE CONSTRAINT data_change_logs_hash_not_null")
        add_constraint(
            "data_change_logs", "fk_data_change_logs_api_key_id_api_keys", "FOREIGN KEY (api_key_id) REFERENCES api_keys (id)"
        )
        # Whoever appends moves the head on; nobody takes it away.
        trigger(
            "audit_chain_stays",
            "audit_chain",
            "BEFORE DELETE OR TRUNCATE ON audit_chain FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()",
        )
        # A snapshot is what a version said; which of them is active may change, and the trigger is not asked about that.
        trigger(
            "part_content_versions_stay",
            "part_content_versions",
            "BEFORE DELETE OR UPDATE OF id, part_id, version_number, content_snapshot, change_summary, created_by, created_at"
            " ON part_content_versions FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history()",
        )
        trigger(
            "part_content_versions_no_truncate",
            "part_content_versions",
            "BEFORE TRUNCATE ON part_content_versions FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_rewrite_history()",
        )
        # The trail is read newest first by the time of the change; each of these serves one filter in that order.
        for name, columns in (
            ("part", "(part_id, changed_at, id) WHERE part_id IS NOT NULL"),
            ("changed_by", "(changed_by, changed_at, id)"),
            ("table", "(table_name, changed_at, id)"),
            ("operation", "(operation, changed_at, id)"),
        ):
            build_index(f"idx_data_change_logs_{name}", f"data_change_logs {columns}")
        execute("DROP INDEX CONCURRENTLY IF EXISTS ix_data_change_logs_changed_by")
        build_index("ix_parts_price_boundary", "parts (price_boundary) WHERE price_boundary IS NOT NULL")
        for batch in batches("parts", 500):
            op.get_bind().execute(BOUNDARIES, batch)
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
    op.alter_column("part_images", "url", server_default=None)
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
