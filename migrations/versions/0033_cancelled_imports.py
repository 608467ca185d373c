"""An import can be cancelled.

A release before this one takes such a job for one that has ended, as it does any state that it does not know.

Revision ID: 0033
Revises: 0031
"""

from alembic import op

from migrations.steps import add_constraint, execute

revision = "0033"
down_revision = "0031"
branch_labels = None
depends_on = None

STATES = "'queued', 'checking', 'importing', 'done', 'refused', 'failed'"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        add_constraint("import_jobs", "ck_import_jobs_state", f"CHECK (state IN ({STATES}, 'cancelled'))")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        execute("UPDATE import_jobs SET state = 'failed', failure = 'It was cancelled.' WHERE state = 'cancelled'")
        add_constraint("import_jobs", "ck_import_jobs_state", f"CHECK (state IN ({STATES}))")
