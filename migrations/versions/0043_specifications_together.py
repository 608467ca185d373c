"""The parts that fit several filters by specifications are looked up at once.

The release before looks up each filter by itself (`parts_with_any`), which a later one drops.

Revision ID: 0043
Revises: 0042
"""

from alembic import op

from migrations.steps import replace

revision = "0043"
down_revision = "0042"
branch_labels = None
depends_on = None

# For each filter its keys, any of which a part has to have. By the index alone: compared with each part, thousands of keys take a
# hundred times as long, which the planner does not know.
WITH_ALL = """
    CREATE FUNCTION parts_with_all(asked text[]) RETURNS SETOF int LANGUAGE plpgsql STABLE ROWS 2000 SET enable_seqscan = off AS $$
    BEGIN
        RETURN QUERY EXECUTE (
            SELECT 'SELECT f.part_id FROM part_features f WHERE ' || string_agg(format('f.keys && %L::bigint[]', one), ' AND ')
            FROM unnest(asked) AS one);
    END $$
"""


def upgrade() -> None:
    replace(WITH_ALL)


def downgrade() -> None:
    op.execute("DROP FUNCTION parts_with_all(text[])")
