"""A category has a text: what is in it, for customers and search engines. The release before this one leaves it as it is.

Revision ID: 0042
Revises: 0041
"""

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("categories", sa.Column("description", sa.Text(), server_default="", nullable=False))


def downgrade() -> None:
    op.drop_column("categories", "description")
