"""The first schema: the shop's tables, the outbox, users with sessions and API keys.

Revision ID: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "categories",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("slug", sa.String(length=240), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_categories_own_parent")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_categories_version")),
        sa.ForeignKeyConstraint(["parent_id"], ["categories.id"], name=op.f("fk_categories_parent_id_categories")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_categories")),
        sa.UniqueConstraint("slug", name=op.f("uq_categories_slug")),
    )
    op.create_index(op.f("ix_categories_parent_id"), "categories", ["parent_id"], unique=False)
    op.create_index(
        "uq_categories_parent_id_name", "categories", ["parent_id", "name"], unique=True, postgresql_nulls_not_distinct=True
    )
    op.create_table(
        "sync_runs",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("dry_run", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("report", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_runs")),
    )
    op.create_index("ix_sync_runs_kind", "sync_runs", ["kind", "id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(length=320), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("role IN ('viewer', 'stock', 'editor', 'admin')", name=op.f("ck_users_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_email", "users", [sa.literal_column("lower(email)")], unique=True)
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("key_digest", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role IN ('viewer', 'stock', 'editor', 'admin')", name=op.f("ck_api_keys_role")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_api_keys_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("key_digest", name=op.f("uq_api_keys_key_digest")),
    )
    op.create_index(op.f("ix_api_keys_user_id"), "api_keys", ["user_id"], unique=False)
    op.create_table(
        "data_change_logs",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("event_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("table_name", sa.String(length=100), nullable=False),
        sa.Column("record_id", sa.Integer(), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=True),
        sa.Column("operation", sa.String(length=20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("old_values", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("new_values", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("changed_by", sa.Integer(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ip_address", sa.String(length=45), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("operation IN ('INSERT', 'UPDATE', 'DELETE')", name=op.f("ck_data_change_logs_operation")),
        sa.ForeignKeyConstraint(["changed_by"], ["users.id"], name=op.f("fk_data_change_logs_changed_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_change_logs")),
        sa.UniqueConstraint("event_id", name=op.f("uq_data_change_logs_event_id")),
    )
    op.create_index("idx_data_change_logs_changed_at", "data_change_logs", ["changed_at", "id"], unique=False)
    op.create_index(
        "idx_data_change_logs_part", "data_change_logs", ["part_id", "id"], unique=False, postgresql_where="part_id IS NOT NULL"
    )
    op.create_index("idx_data_change_logs_table_record", "data_change_logs", ["table_name", "record_id"], unique=False)
    op.create_index(op.f("ix_data_change_logs_changed_by"), "data_change_logs", ["changed_by"], unique=False)
    op.create_table(
        "outbox_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.UUID(as_uuid=False), server_default=sa.text("uuidv7()"), nullable=False),
        sa.Column("aggregate_type", sa.String(length=30), nullable=False),
        sa.Column("aggregate_id", sa.Integer(), nullable=False),
        sa.Column("aspect", sa.String(length=20), nullable=False),
        sa.Column("type", sa.String(length=40), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["users.id"], name=op.f("fk_outbox_events_actor_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_events")),
        sa.UniqueConstraint("event_id", name=op.f("uq_outbox_events_event_id")),
    )
    op.create_index("ix_outbox_events_created_at", "outbox_events", ["created_at"], unique=False)
    op.create_index(
        "uq_outbox_events_version", "outbox_events", ["aggregate_type", "aggregate_id", "aspect", "version"], unique=True
    )
    op.create_table(
        "parts",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("sku", sa.String(length=100), nullable=False),
        sa.Column("slug", sa.String(length=300), nullable=False),
        sa.Column("part_name", sa.String(length=300), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("category_id", sa.Integer(), nullable=True),
        sa.Column("manufacturer", sa.String(length=200), nullable=True),
        sa.Column("manufacturer_number", sa.String(length=100), nullable=True),
        sa.Column("status", sa.String(length=20), server_default="draft", nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("price_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_updated_by", sa.Integer(), nullable=True),
        sa.Column("price_updated_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("price_updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'published')", name=op.f("ck_parts_status")),
        sa.CheckConstraint("version >= 1 AND price_version >= 1", name=op.f("ck_parts_versions")),
        sa.ForeignKeyConstraint(["category_id"], ["categories.id"], name=op.f("fk_parts_category_id_categories")),
        sa.ForeignKeyConstraint(["last_updated_by"], ["users.id"], name=op.f("fk_parts_last_updated_by_users")),
        sa.ForeignKeyConstraint(["price_updated_by"], ["users.id"], name=op.f("fk_parts_price_updated_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parts")),
        sa.UniqueConstraint("sku", name=op.f("uq_parts_sku")),
        sa.UniqueConstraint("slug", name=op.f("uq_parts_slug")),
    )
    op.create_index(op.f("ix_parts_category_id"), "parts", ["category_id"], unique=False)
    op.create_index(
        "ix_parts_public_name",
        "parts",
        ["part_name", "id"],
        unique=False,
        postgresql_where="status = 'published' AND archived_at IS NULL",
    )
    op.create_table(
        "user_sessions",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("token_digest", sa.String(length=64), nullable=False),
        sa.Column("csrf_token", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_sessions_user_id_users"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_user_sessions_token_digest")),
    )
    op.create_index(op.f("ix_user_sessions_user_id"), "user_sessions", ["user_id"], unique=False)
    op.create_table(
        "outbox_deliveries",
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("effect", sa.String(length=30), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('pending', 'done', 'dead')", name=op.f("ck_outbox_deliveries_state")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["outbox_events.id"], name=op.f("fk_outbox_deliveries_event_id_outbox_events"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", "effect", name=op.f("pk_outbox_deliveries")),
    )
    op.create_index(
        "ix_outbox_deliveries_dead", "outbox_deliveries", ["effect", "event_id"], unique=False, postgresql_where="state = 'dead'"
    )
    op.create_index(
        "ix_outbox_deliveries_due",
        "outbox_deliveries",
        ["effect", "next_attempt_at"],
        unique=False,
        postgresql_where="state = 'pending'",
    )
    op.create_table(
        "part_content_versions",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("content_snapshot", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("change_summary", sa.Text(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default="true", nullable=False),
        sa.CheckConstraint("version_number >= 1", name=op.f("ck_part_content_versions_version_number")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_part_content_versions_created_by_users")),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_part_content_versions_part_id_parts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_content_versions")),
    )
    op.create_index(
        "uq_part_content_versions_active", "part_content_versions", ["part_id"], unique=True, postgresql_where="is_active"
    )
    op.create_index("uq_part_content_versions_number", "part_content_versions", ["part_id", "version_number"], unique=True)
    op.create_table(
        "part_images",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("alt", sa.String(length=300), server_default="", nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("width > 0 AND height > 0", name=op.f("ck_part_images_size")),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_part_images_part_id_parts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_images")),
    )
    op.create_index(op.f("ix_part_images_part_id"), "part_images", ["part_id"], unique=False)
    op.create_table(
        "part_prices",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("min_quantity", sa.Integer(), server_default="1", nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_part_prices_currency")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_part_prices_amount")),
        sa.CheckConstraint("min_quantity >= 1", name=op.f("ck_part_prices_min_quantity")),
        sa.CheckConstraint("valid_to IS NULL OR valid_from IS NULL OR valid_to > valid_from", name=op.f("ck_part_prices_period")),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_part_prices_part_id_parts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_prices")),
    )
    op.create_index(
        "uq_part_prices_tier",
        "part_prices",
        ["part_id", "currency", "min_quantity", "valid_from"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "part_specifications",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("value", sa.String(length=1000), nullable=False),
        sa.Column("unit", sa.String(length=40), server_default="", nullable=False),
        sa.Column("group", sa.String(length=100), server_default="", nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_part_specifications_part_id_parts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_part_specifications")),
    )
    op.create_index("uq_part_specifications_name", "part_specifications", ["part_id", "group", "name"], unique=True)
    op.create_table(
        "prices",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_prices_currency")),
        sa.CheckConstraint("amount >= 0", name=op.f("ck_prices_amount")),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_prices_part_id_parts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        sa.UniqueConstraint("part_id", name=op.f("uq_prices_part_id")),
    )
    op.create_table(
        "stock_levels",
        sa.Column("id", sa.Integer(), sa.Identity(always=False), nullable=False),
        sa.Column("part_id", sa.Integer(), nullable=False),
        sa.Column("current_stock", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reserved_quantity", sa.Integer(), server_default="0", nullable=False),
        sa.Column("min_stock_level", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_updated_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("current_stock >= 0", name=op.f("ck_stock_levels_current_stock")),
        sa.CheckConstraint("min_stock_level >= 0", name=op.f("ck_stock_levels_min_stock_level")),
        sa.CheckConstraint("reserved_quantity >= 0", name=op.f("ck_stock_levels_reserved_quantity")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_stock_levels_version")),
        sa.ForeignKeyConstraint(["last_updated_by"], ["users.id"], name=op.f("fk_stock_levels_last_updated_by_users")),
        sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_stock_levels_part_id_parts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stock_levels")),
        sa.UniqueConstraint("part_id", name=op.f("uq_stock_levels_part_id")),
    )

    # What the machine does by itself (imports, reconciliation) has an author too; it has no password and cannot log in.
    op.execute("INSERT INTO users (email, name, role) VALUES ('system@lockstep.invalid', 'Lockstep', 'admin')")


def downgrade() -> None:
    op.drop_table("stock_levels")
    op.drop_table("prices")
    op.drop_index("uq_part_specifications_name", table_name="part_specifications")
    op.drop_table("part_specifications")
    op.drop_index("uq_part_prices_tier", table_name="part_prices", postgresql_nulls_not_distinct=True)
    op.drop_table("part_prices")
    op.drop_index(op.f("ix_part_images_part_id"), table_name="part_images")
    op.drop_table("part_images")
    op.drop_index("uq_part_content_versions_number", table_name="part_content_versions")
    op.drop_index("uq_part_content_versions_active", table_name="part_content_versions", postgresql_where="is_active")
    op.drop_table("part_content_versions")
    op.drop_index("ix_outbox_deliveries_due", table_name="outbox_deliveries", postgresql_where="state = 'pending'")
    op.drop_index("ix_outbox_deliveries_dead", table_name="outbox_deliveries", postgresql_where="state = 'dead'")
    op.drop_table("outbox_deliveries")
    op.drop_index(op.f("ix_user_sessions_user_id"), table_name="user_sessions")
    op.drop_table("user_sessions")
    op.drop_index("ix_parts_public_name", table_name="parts", postgresql_where="status = 'published' AND archived_at IS NULL")
    op.drop_index(op.f("ix_parts_category_id"), table_name="parts")
    op.drop_table("parts")
    op.drop_index("uq_outbox_events_version", table_name="outbox_events")
    op.drop_index("ix_outbox_events_created_at", table_name="outbox_events")
    op.drop_table("outbox_events")
    op.drop_index(op.f("ix_data_change_logs_changed_by"), table_name="data_change_logs")
    op.drop_index("idx_data_change_logs_table_record", table_name="data_change_logs")
    op.drop_index("idx_data_change_logs_part", table_name="data_change_logs", postgresql_where="part_id IS NOT NULL")
    op.drop_index("idx_data_change_logs_changed_at", table_name="data_change_logs")
    op.drop_table("data_change_logs")
    op.drop_index(op.f("ix_api_keys_user_id"), table_name="api_keys")
    op.drop_table("api_keys")
    op.drop_index("uq_users_email", table_name="users")
    op.drop_table("users")
    op.drop_index("ix_sync_runs_kind", table_name="sync_runs")
    op.drop_table("sync_runs")
    op.drop_index("uq_categories_parent_id_name", table_name="categories", postgresql_nulls_not_distinct=True)
    op.drop_index(op.f("ix_categories_parent_id"), table_name="categories")
    op.drop_table("categories")
