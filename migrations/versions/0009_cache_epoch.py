"""The row that says which cache holds what was invalidated; see app/store/cache_epoch.py.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "cache_epoch",
        sa.Column("id", sa.SmallInteger(), server_default="1", autoincrement=False, nullable=False),
        sa.Column("epoch", sa.Text(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("database", sa.Text(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_cache_epoch_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cache_epoch")),
    )
    # Names no cache yet: the first process that comes begins an epoch.
    op.execute("INSERT INTO cache_epoch (epoch, server, database, begins_at) VALUES ('', '', '', clock_timestamp())")


def downgrade() -> None:
    op.drop_table("cache_epoch")
