"""What was found to differ from the truth is kept, explained; and a snapshot may be put back to what its event says.

A snapshot that was rewritten with the triggers switched off could be found, but not repaired: the trigger that refuses to change
it refused that, too. It now lets whoever sets `lockstep.restoring` for his transaction change what a snapshot says. That keeps
out mistakes, as before; whoever owns the tables could always switch it off.

Revision ID: 0024
Revises: 0020
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.steps import build_index, trigger

revision = "0024"
down_revision = "0020"
branch_labels = None
depends_on = None

IDENTITY = "id, part_id, version_number"
SAYS = "content_snapshot, change_summary, created_by, created_at"
REFUSED = "ON part_content_versions FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_history()"
UNLESS_RESTORED = (
    "ON part_content_versions FOR EACH ROW WHEN (current_setting('lockstep.restoring', true) IS DISTINCT FROM 'on')"
    " EXECUTE FUNCTION refuse_to_rewrite_history()"
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_table(
            "sync_drift",
            sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
            sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
            sa.Column("kind", sa.Text(), nullable=False),
            sa.Column("subject", sa.Text(), nullable=False),
            sa.Column("process", sa.Text(), nullable=False),
            sa.Column("differences", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
            sa.Column("since", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
            sa.Column("is_repaired", sa.Boolean(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_sync_drift")),
            if_not_exists=True,
        )
        build_index("ix_sync_drift_found_at", "sync_drift (found_at)")
        # The new one first: there is no moment in which a snapshot may be changed.
        trigger("part_content_versions_say", "part_content_versions", f"BEFORE UPDATE OF {SAYS} {UNLESS_RESTORED}")
        trigger("part_content_versions_stay", "part_content_versions", f"BEFORE DELETE OR UPDATE OF {IDENTITY} {REFUSED}")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        trigger("part_content_versions_stay", "part_content_versions", f"BEFORE DELETE OR UPDATE OF {IDENTITY}, {SAYS} {REFUSED}")
        op.execute("DROP TRIGGER IF EXISTS part_content_versions_say ON part_content_versions")
        op.execute("DROP TABLE IF EXISTS sync_drift")
