"""What somebody has said of an import's file, what the file has shown of how it is to be read, and what becomes of its columns.

Three columns with constant defaults or none: no row is rewritten, and whoever runs the release before goes on as it did.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_jobs", sa.Column("options", postgresql.JSONB(), server_default="{}", nullable=False))
    op.add_column("import_jobs", sa.Column("layout", postgresql.JSONB(), nullable=True))
    op.add_column("import_jobs", sa.Column("columns", postgresql.JSONB(), server_default="[]", nullable=False))


def downgrade() -> None:
    for column in ("columns", "layout", "options"):
        op.drop_column("import_jobs", column)
