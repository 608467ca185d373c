"""A version says by which way its content came, and what changed field by field, so that nobody need take its summary apart.

What there is is read from the summary here, for the last time. A version that a release before this one writes meanwhile has
neither: NULL, not known. The release that makes `source` required fills those in the same way first.

Also, that an import was undone is found from its side.

Revision ID: 0039
Revises: 0038
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.steps import batches, build_index, execute

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

# The words of `app.domain.differences.summary` until now: "Changed SKU, name and 2 specifications (the reason)".
FILL = r"""
    UPDATE part_content_versions v
    SET source = CASE
            WHEN said.reason ~ '^Restored version \d+(: |$)' THEN 'restore'
            WHEN said.reason ~ '^import \d+: undo of import \d+$' THEN 'undo'
            WHEN said.reason ~ '^import( \d+)?(: |$)' THEN 'import'
            WHEN said.reason LIKE 'reconcile: %' THEN 'reconcile'
            WHEN said.reason ~ '^by hand(,|$)' THEN 'by_hand'
            WHEN EXISTS (SELECT FROM outbox_events e
                         WHERE e.aggregate_type = 'part' AND e.aggregate_id = v.part_id AND e.aspect = 'content'
                           AND e.version = v.version_number AND e.payload ->> 'format' = '2') THEN 'by_hand'
            WHEN EXISTS (SELECT FROM data_change_logs l
                         WHERE l.part_id = v.part_id AND l.table_name IN ('parts', 'part_specifications', 'part_images')
                           AND l.version = v.version_number AND l.api_key_id IS NOT NULL) THEN 'api'
            ELSE 'panel' END,
        change = CASE WHEN said.kind IS NOT NULL THEN jsonb_build_object(
            'kind', said.kind,
            'fields', (
                SELECT COALESCE(jsonb_object_agg(
                           COALESCE(known.name, CASE WHEN label ~ '^\d+ spec' THEN 'specifications'
                                                     WHEN label ~ '^\d+ pict' THEN 'images' ELSE label END),
                           COALESCE(CAST(substring(label FROM '^\d+') AS int), 1)), '{}')
                FROM regexp_split_to_table(NULLIF(substr(said.what, 9), ''), ', | and ') AS label
                LEFT JOIN (VALUES ('SKU', 'sku'), ('address', 'slug'), ('name', 'part_name'), ('category', 'category_id'),
                                  ('category''s path', 'category_path'),
                                  ('manufacturer''s number', 'manufacturer_number')) AS known(label, name) USING (label)
                WHERE said.kind = 'changed'),
            'number', COALESCE(CAST(substring(said.reason FROM '^Restored version (\d+)') AS int),
                               CAST(substring(said.reason FROM '^import \d+: undo of import (\d+)$') AS int),
                               CAST(substring(said.reason FROM '^import (\d+)') AS int)),
            'message', CASE
                WHEN said.reason ~ '^(import \d+: undo of import \d+$|reconcile: |by hand(,|$))' THEN NULL
                WHEN said.reason ~ '^(Restored version \d+|import( \d+)?)$' THEN NULL
                ELSE regexp_replace(said.reason, '^(Restored version \d+|import( \d+)?): ', '') END) END
    FROM (
        SELECT id, what, reason, CASE WHEN what = 'Created' THEN 'created' WHEN what = 'Archived' THEN 'archived'
                                      WHEN what = 'Restored from the archive' THEN 'unarchived'
                                      WHEN what ~ '^Changed( |$)' THEN 'changed' END AS kind
        FROM (SELECT id, split_part(change_summary, ' (', 1) AS what,
                     substring(change_summary FROM ' \((.*)\)$') AS reason
              FROM part_content_versions WHERE id BETWEEN {first} AND {last} AND source IS NULL) AS parted
    ) AS said
    WHERE v.id = said.id
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        build_index("ix_import_jobs_undoes", "import_jobs (undoes, id) WHERE undoes IS NOT NULL")
        for column in (
            sa.Column("source", sa.String(20), nullable=True),
            sa.Column("change", postgresql.JSONB(), nullable=True),
        ):
            op.add_column("part_content_versions", column, if_not_exists=True)
        for batch in batches("part_content_versions", 1000):
            execute(FILL.replace("{first}", str(batch["first"])).replace("{last}", str(batch["last"])))


def downgrade() -> None:
    with op.get_context().autocommit_block():
        execute("DROP INDEX CONCURRENTLY IF EXISTS ix_import_jobs_undoes")
        for column in ("change", "source"):
            execute(f"ALTER TABLE part_content_versions DROP COLUMN IF EXISTS {column}")
