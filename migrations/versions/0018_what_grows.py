"""How far the walks through old rows have come, and indexes for what is looked for however many rows there are.

`sync.prune` and `sync.reconcile` went through the same events again in each run. `sync_positions` says where the next one goes on.

The tables of the outbox change as often as the shop does: they are vacuumed and analyzed after a fiftieth of their rows instead of
a fifth, so that dead entries do not pile up in the indexes that deliveries are claimed and pruned through.

Revision ID: 0018
Revises: 0017
"""

import sqlalchemy as sa
from alembic import op

from migrations.steps import build_index, execute

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_sync_runs_started_at": "sync_runs (started_at)",
    "ix_user_sessions_expires_at": "user_sessions (expires_at)",
    "ix_part_images_without_variants": "part_images (digest) WHERE variants_at IS NULL",
    # In the order in which dead letters are listed, page by page.
    "ix_outbox_deliveries_dead_letters": "outbox_deliveries (event_id, effect) WHERE state = 'dead'",
}
DEAD = "outbox_deliveries (effect, event_id) WHERE state = 'dead'"
BUSY = ("outbox_events", "outbox_deliveries")
OFTEN = {
    "autovacuum_vacuum_scale_factor": "0.02",
    "autovacuum_vacuum_insert_scale_factor": "0.02",
    "autovacuum_analyze_scale_factor": "0.02",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_table(
            "sync_positions",
            sa.Column("name", sa.Text(), nullable=False),
            sa.Column("position", sa.BigInteger(), nullable=False),
            sa.Column("round_began_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
            sa.Column("round_ended_at", sa.DateTime(timezone=True), nullable=True),
            sa.PrimaryKeyConstraint("name", name=op.f("pk_sync_positions")),
            if_not_exists=True,
        )
        for name, definition in INDEXES.items():
            build_index(name, definition)
        execute("DROP INDEX CONCURRENTLY IF EXISTS ix_outbox_deliveries_dead")
        for table in BUSY:
            execute(f"ALTER TABLE {table} SET ({', '.join(f'{name} = {value}' for name, value in OFTEN.items())})")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        for table in BUSY:
            execute(f"ALTER TABLE {table} RESET ({', '.join(OFTEN)})")
        build_index("ix_outbox_deliveries_dead", DEAD)
        for name in INDEXES:
            execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        execute("DROP TABLE IF EXISTS sync_positions")
