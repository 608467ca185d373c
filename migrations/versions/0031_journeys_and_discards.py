"""A dead letter can be discarded; the answer to a repeated call names its events once more; the overview counts in indexes.

`discarded` is a state that is neither owed nor dead. The release before never writes it, keeps such an event when it prunes, and
leaves the deliveries alone otherwise. Discards are numbered by a sequence: what they are is in the audit trail.

That of low stock is written by every change of a stock row, which has two other indexes; the rest hardly ever.

Revision ID: 0031
Revises: 0030
"""

from alembic import op

from migrations.steps import build_index, execute

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

TABLE = "outbox_deliveries"
STATE = "ck_outbox_deliveries_state"
INDEXES = {
    "ix_outbox_deliveries_discarded": f"{TABLE} (event_id, effect) WHERE state = 'discarded'",
    "ix_parts_drafts": "parts (id) WHERE status = 'draft' AND archived_at IS NULL",
    "ix_parts_archived": "parts (id) WHERE archived_at IS NOT NULL",
    "ix_stock_levels_low": "stock_levels (part_id) WHERE GREATEST(0, current_stock - reserved_quantity) <= min_stock_level",
    "ix_part_search_out_of_stock": "part_search (part_id) WHERE NOT in_stock",
}


def allow(states: str) -> None:
    """Let deliveries be in these states: one statement, so that they are never without a rule."""
    execute(f"ALTER TABLE {TABLE} DROP CONSTRAINT {STATE}, ADD CONSTRAINT {STATE} CHECK (state IN ({states})) NOT VALID")
    execute(f"ALTER TABLE {TABLE} VALIDATE CONSTRAINT {STATE}")


def upgrade() -> None:
    with op.get_context().autocommit_block():
        execute("ALTER TABLE idempotency_keys ADD COLUMN IF NOT EXISTS event_ids uuid[]")
        allow("'pending', 'done', 'dead', 'discarded'")
        for name, definition in INDEXES.items():
            build_index(name, definition)
        execute("CREATE SEQUENCE IF NOT EXISTS discards AS integer")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        execute("DROP SEQUENCE IF EXISTS discards")
        # As which the release before knows it; somebody may replay it.
        execute("UPDATE outbox_deliveries SET state = 'dead' WHERE state = 'discarded'")
        for name in INDEXES:
            execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        allow("'pending', 'done', 'dead'")
        execute("ALTER TABLE idempotency_keys DROP COLUMN IF EXISTS event_ids")
