"""One-time passwords end after a while, and so may API keys, whose last use is noted.

The release before ignores all three columns: to it an expired password or key still counts, until it is gone.

Revision ID: 0030
Revises: 0024
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0024"
branch_labels = None
depends_on = None

COLUMNS = (("users", "password_expires_at"), ("api_keys", "expires_at"), ("api_keys", "last_used_at"))


def upgrade() -> None:
    for table, column in COLUMNS:
        op.add_column(table, sa.Column(column, sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    for table, column in reversed(COLUMNS):
        op.drop_column(table, column)
