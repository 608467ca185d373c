"""A session knows the passkey that opened it, and ends with it.

Those that are open already, and those that the release before opens, do not: they end after twelve hours at most.

Revision ID: 0048
Revises: 0047
"""

import sqlalchemy as sa
from alembic import op

from migrations.steps import add_constraint, build_index

revision = "0048"
down_revision = "0047"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.add_column("user_sessions", sa.Column("passkey_id", sa.Integer(), nullable=True), if_not_exists=True)
        build_index("ix_user_sessions_passkey_id", "user_sessions (passkey_id)")
        add_constraint(
            "user_sessions", "fk_user_sessions_passkey_id_passkeys",
            "FOREIGN KEY (passkey_id) REFERENCES passkeys (id) ON DELETE CASCADE",
        )  # fmt: skip


def downgrade() -> None:
    op.drop_column("user_sessions", "passkey_id")
