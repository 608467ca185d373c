"""The audit trail can be read by request.

Revision ID: 0035
Revises: 0034
"""

from alembic import op

from migrations.steps import build_index, execute

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        build_index(
            "idx_data_change_logs_request",
            "data_change_logs (request_id, changed_at, id) WHERE request_id IS NOT NULL",
        )


def downgrade() -> None:
    with op.get_context().autocommit_block():
        execute("DROP INDEX CONCURRENTLY IF EXISTS idx_data_change_logs_request")
