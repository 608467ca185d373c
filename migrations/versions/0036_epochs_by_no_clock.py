"""Whether a cache's epoch has begun is no question of PostgreSQL's clock.

Revision ID: 0036
Revises: 0035
"""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("cache_epoch", sa.Column("begun", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("cache_epoch", "begun")
