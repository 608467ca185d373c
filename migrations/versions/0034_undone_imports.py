"""An import can be undone, by a job of its own.

Such a job is in a state that a release before this one does not look for: it would import the file again.

Revision ID: 0034
Revises: 0033
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.steps import add_constraint, build_index, execute

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

STATES = "'queued', 'checking', 'importing', 'done', 'refused', 'failed', 'cancelled'"
TO_DO = "'queued', 'checking', 'importing'"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # Constant defaults: the table is not rewritten.
        undoes = sa.Column("undoes", sa.Integer(), nullable=True)
        conflicts = sa.Column("conflicts", postgresql.JSONB(), server_default="[]", nullable=False)
        conflict_count = sa.Column("conflict_count", sa.Integer(), server_default="0", nullable=False)
        for column in (undoes, conflicts, conflict_count):
            op.add_column("import_jobs", column, if_not_exists=True)
        add_constraint("import_jobs", "fk_import_jobs_undoes_import_jobs", "FOREIGN KEY (undoes) REFERENCES import_jobs (id)")
        add_constraint("import_jobs", "ck_import_jobs_state", f"CHECK (state IN ({STATES}, 'undoing'))")
        build_index("ix_import_jobs_to_do", f"import_jobs (id) WHERE state IN ({TO_DO}, 'undoing')")


def downgrade() -> None:
    with op.get_context().autocommit_block():
        execute("UPDATE import_jobs SET state = 'failed', failure = 'It was not undone.' WHERE state = 'undoing'")
        add_constraint("import_jobs", "ck_import_jobs_state", f"CHECK (state IN ({STATES}))")
        build_index("ix_import_jobs_to_do", f"import_jobs (id) WHERE state IN ({TO_DO})")
        for column in ("conflict_count", "conflicts", "undoes"):
            execute(f"ALTER TABLE import_jobs DROP COLUMN IF EXISTS {column}")
