"""Addresses that parts and categories had before go on leading to them: `former_slugs`, kept by triggers.

What a part's address was is read from its content versions, what a category's was from the audit trail.

Nobody waits for it: the triggers come first; what is read of the past is put in only where they have not written since. It may be
stopped anywhere and started again. The release before goes on as it did, and what it writes is kept.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

from migrations.steps import execute, replace, trigger

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

# Of two parts that had one address, the one that had it last counts. A draft's address is nobody's yet, so giving one up takes it
# from no other part. Categories have no status.
KEEP = """
    CREATE FUNCTION keep_former_slug() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO former_slugs (kind, slug, record_id) VALUES (TG_ARGV[0], OLD.slug, OLD.id)
        ON CONFLICT (kind, slug) DO UPDATE SET record_id = EXCLUDED.record_id, replaced_at = EXCLUDED.replaced_at
        WHERE COALESCE(to_jsonb(OLD) ->> 'status', 'published') = 'published';
        RETURN NULL;
    END $$
"""
PARTS = """
    SELECT 'part' AS kind, had.slug, had.part_id AS record_id
    FROM (SELECT DISTINCT ON (slug) slug, part_id
          FROM part_content_versions v
          CROSS JOIN LATERAL (SELECT v.content_snapshot ->> 'slug' AS slug, v.content_snapshot ->> 'status' AS status) AS said
          WHERE slug IS NOT NULL
          ORDER BY slug, status IS NOT DISTINCT FROM 'published' DESC, v.id DESC) AS had
    JOIN parts p ON p.id = had.part_id AND p.slug <> had.slug
"""
CATEGORIES = """
    SELECT DISTINCT ON (l.old_values ->> 'slug') 'category' AS kind, l.old_values ->> 'slug' AS slug, c.id AS record_id
    FROM data_change_logs l JOIN categories c ON c.id = l.record_id AND c.slug <> l.old_values ->> 'slug'
    WHERE l.table_name = 'categories' AND l.operation = 'UPDATE' AND l.old_values ? 'slug'
    ORDER BY l.old_values ->> 'slug', l.id DESC
"""
KEPT = {"parts": "part", "categories": "category"}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_table(
            "former_slugs",
            sa.Column("kind", sa.String(length=10), nullable=False),
            sa.Column("slug", sa.String(length=300), nullable=False),
            sa.Column("record_id", sa.Integer(), nullable=False),
            sa.Column("replaced_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
            sa.PrimaryKeyConstraint("kind", "slug", name=op.f("pk_former_slugs")),
            if_not_exists=True,
        )
        replace(KEEP)
        for table, kind in KEPT.items():
            trigger(
                "keep_former_slug",
                table,
                f"AFTER UPDATE OF slug ON {table} FOR EACH ROW"
                f" WHEN (OLD.slug <> NEW.slug) EXECUTE FUNCTION keep_former_slug('{kind}')",
            )
        # Read first, which takes long, and then put in, so that nobody who gives up one of these addresses waits for the reading.
        for had in (PARTS, CATEGORIES):
            execute("DROP TABLE IF EXISTS had_slugs")
            execute(f"CREATE TEMPORARY TABLE had_slugs AS {had}")
            execute(
                "INSERT INTO former_slugs (kind, slug, record_id) SELECT kind, slug, record_id FROM had_slugs ON CONFLICT DO NOTHING"
            )
        execute("DROP TABLE had_slugs")


def downgrade() -> None:
    for table in KEPT:
        op.execute(f"DROP TRIGGER keep_former_slug ON {table}")
    op.execute("DROP FUNCTION keep_former_slug()")
    op.drop_table("former_slugs")
