"""A part's row for lists says when customers saw it come back from nothing in stock.

What is new is not back: a part that is made with its stock, or that they could not see while there was none of it. It is written
with the row that such a change of stock writes anyway, so other writes cost what they did, and whoever writes by hand need not
know of it. What came back before this is not known.

Revision ID: 0041
Revises: 0040
"""

import sqlalchemy as sa
from alembic import op

from migrations.steps import build_index, replace, trigger

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None

CAME_BACK = """
    CREATE FUNCTION note_restocked() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        NEW.restocked_at := clock_timestamp();
        RETURN NEW;
    END $$
"""
# A new part's row is there before its stock is, in the transaction in which it was created.
WHEN = "OLD.is_public AND NOT OLD.in_stock AND NEW.in_stock AND OLD.created_at < transaction_timestamp()"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.add_column("part_search", sa.Column("restocked_at", sa.DateTime(timezone=True), nullable=True), if_not_exists=True)
        replace(CAME_BACK)
        trigger(
            "part_search_restocked",
            "part_search",
            f"BEFORE UPDATE OF in_stock ON part_search FOR EACH ROW WHEN ({WHEN}) EXECUTE FUNCTION note_restocked()",
        )
        build_index(
            "ix_part_search_restocked_at",
            "part_search (restocked_at, part_id) WHERE is_public AND in_stock AND restocked_at IS NOT NULL",
        )


def downgrade() -> None:
    op.execute("DROP TRIGGER part_search_restocked ON part_search")
    op.execute("DROP FUNCTION note_restocked()")
    op.drop_column("part_search", "restocked_at")
