"""Ids of eight bytes for the rows that come fastest: audit rows, content versions, prices, specifications.

A price list and a list of specifications are deleted and inserted with each change; ten changes a second with ten lines each use up
the ids of four bytes in 249 days, and 500 events a second those of the audit trail in 50. Nothing refers to these ids.

Nobody waits, except for the exchange of the columns, which reads no rows. It may be stopped anywhere and started again. The release
before goes on as it did. All rows of the four tables are written once more, in batches, so have as much disk free as they take. The
way back needs the ids to fit four bytes.

Revision ID: 0019
Revises: 0018
"""

import sqlalchemy as sa
from alembic import op

from migrations.steps import execute, retype_key

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

SIMPLE = ("part_prices", "part_specifications")
STAYS = {
    "part_content_versions_stay": (
        "BEFORE DELETE OR UPDATE OF id, part_id, version_number, content_snapshot, change_summary, created_by, created_at"
        " ON part_content_versions FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history()"
    )
}
APPEND_ONLY = {
    "data_change_logs_append_only": (
        "BEFORE UPDATE OR DELETE ON data_change_logs FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history()"
    )
}
TRAIL_INDEXES = {
    "idx_data_change_logs_changed_at": "data_change_logs (changed_at, {id})",
    "idx_data_change_logs_part": "data_change_logs (part_id, changed_at, {id}) WHERE part_id IS NOT NULL",
    "idx_data_change_logs_table": "data_change_logs (table_name, changed_at, {id})",
    "idx_data_change_logs_operation": "data_change_logs (operation, changed_at, {id})",
    "idx_data_change_logs_changed_by": "data_change_logs (changed_by, changed_at, {id})",
}
# Until the exchange the trail refuses every change but that of the new column.
REFUSE_ALL_BUT = """
    DO $do$ BEGIN
        DROP TRIGGER IF EXISTS data_change_logs_append_only ON data_change_logs;
        DROP TRIGGER IF EXISTS data_change_logs_stay ON data_change_logs;
        CREATE TRIGGER data_change_logs_append_only BEFORE DELETE ON data_change_logs
            FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history();
        CREATE TRIGGER data_change_logs_stay BEFORE UPDATE ON data_change_logs FOR EACH ROW
            WHEN (to_jsonb(OLD) - 'id_{kind}' IS DISTINCT FROM to_jsonb(NEW) - 'id_{kind}')
            EXECUTE FUNCTION refuse_to_rewrite_history();
    END $do$
"""
END_OF_STAY = "DROP TRIGGER IF EXISTS data_change_logs_stay ON data_change_logs"
TOO_LARGE = sa.text("""
    SELECT COALESCE(max(last_value) > 2147483647, false) FROM pg_sequences
    WHERE schemaname = current_schema() AND sequencename = ANY(
        '{part_prices_id_seq,part_specifications_id_seq,part_content_versions_id_seq,data_change_logs_id_seq}')
""")
TRAIL_IS = sa.text(
    "SELECT format_type(atttypid, -1) FROM pg_attribute WHERE attrelid = 'data_change_logs'::regclass AND attname = 'id'"
)


def retype(kind: str) -> None:
    """Give the keys that type."""
    for table in SIMPLE:
        retype_key(table, kind)
    retype_key("part_content_versions", kind, triggers=STAYS)
    # One row.
    for column in ("last_id", "length"):
        execute(f"ALTER TABLE audit_chain ALTER COLUMN {column} TYPE {kind}")
    if op.get_bind().execute(TRAIL_IS).scalar_one() != kind:
        execute(REFUSE_ALL_BUT.format(kind=kind))
        retype_key("data_change_logs", kind, TRAIL_INDEXES, APPEND_ONLY)
    execute(END_OF_STAY)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        retype("bigint")


def downgrade() -> None:
    if op.get_bind().execute(TOO_LARGE).scalar_one():
        raise RuntimeError("Ids have come beyond 2,147,483,647, which the older release cannot hold. Nothing was changed.")
    with op.get_context().autocommit_block():
        retype("integer")
