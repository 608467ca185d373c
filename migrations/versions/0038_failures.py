"""Each failed attempt at a delivery is kept with it, and which deliveries have failed lately can be counted.

Deliveries that never fail, as nearly all, have neither and are in no further index. A release before this one notes the last error
alone.

Revision ID: 0038
Revises: 0036
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.steps import build_index, execute

revision = "0038"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for column in (
            sa.Column("failures", postgresql.JSONB(), nullable=True),
            sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        ):
            op.add_column("outbox_deliveries", column, if_not_exists=True)
        build_index("ix_outbox_deliveries_failed_at", "outbox_deliveries (failed_at, effect) WHERE failed_at IS NOT NULL")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        execute("DROP INDEX CONCURRENTLY IF EXISTS ix_outbox_deliveries_failed_at")
        for column in ("failed_at", "failures"):
            execute(f"ALTER TABLE outbox_deliveries DROP COLUMN IF EXISTS {column}")
