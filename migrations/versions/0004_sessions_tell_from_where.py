"""From where each session was opened, so that its owner can recognise it.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a default: nothing is rewritten.
    op.add_column("user_sessions", sa.Column("ip_address", sa.String(length=45), nullable=True))
    op.add_column("user_sessions", sa.Column("user_agent", sa.String(length=500), nullable=True))


def downgrade() -> None:
    op.drop_column("user_sessions", "user_agent")
    op.drop_column("user_sessions", "ip_address")
