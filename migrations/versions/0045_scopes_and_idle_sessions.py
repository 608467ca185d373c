"""API keys may be limited to scopes, and sessions end when nobody uses them.

The release before knows of neither: to it a limited key may still do all that its role may, and it notes no use of a session. Those
that are open count as used when this runs; whoever is served by that release alone for longer than the idle time logs in again.

Revision ID: 0045
Revises: 0044
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=True))
    moment = sa.Column("last_seen_at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False)
    op.add_column("user_sessions", moment)


def downgrade() -> None:
    op.drop_column("user_sessions", "last_seen_at")
    op.drop_column("api_keys", "scopes")
