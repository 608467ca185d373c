"""Amounts with six decimals, prices in each currency, what imports drop, and words with the joiners that they are spelt with.

No table is rewritten: a column loses its two decimals (`numeric` without a scale is the same on disk), and a check takes their place.
Nobody waits for it, but while the two indexes of `part_search` that have amounts are built anew: a tenth of a second for 100,000
parts. It may be stopped anywhere and started again. The release before goes on as it did; what releases before 0005 read
(`part_images.url`, `part_search.name`) goes. The way back needs every amount to have two decimals.

Revision ID: 0008
Revises: 0007
"""

import importlib

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.steps import add_constraint, batches, execute, replace, trigger

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

search = importlib.import_module("migrations.versions.0005_search_as_typed")

# In whatever form the search folds letters: accents go, and so do the joiners that texts may hold from now on.
ACCENTS = r"[\u0300-\u036f]+"
ACCENTS_AND_JOINERS = r"[\u0300-\u036f\u180e\u200c\u200d\ufe0e\ufe0f]+"
FOLDING = sa.text("""
    SELECT definition FROM pg_proc CROSS JOIN LATERAL pg_get_functiondef(oid) AS definition
    WHERE proname LIKE 'search\\_folded%' AND strpos(definition, :old) > 0
""")

# Plain text, unlike its former self: a function with a parsed body keeps the types of the columns that it names from being changed.
AMOUNT = """
    CREATE OR REPLACE FUNCTION part_amount(part int) RETURNS numeric LANGUAGE sql VOLATILE AS $$
        SELECT COALESCE(
            (SELECT pp.amount FROM part_prices pp
             WHERE pp.part_id = part AND (pp.valid_from IS NULL OR pp.valid_from <= clock_timestamp())
               AND (pp.valid_to IS NULL OR pp.valid_to > clock_timestamp())
             ORDER BY pp.min_quantity, pp.currency, pp.valid_from DESC NULLS LAST LIMIT 1),
            (SELECT l.amount FROM prices l WHERE l.part_id = part))
    $$
"""
# The same choice as `app.domain.pricing.current_price` makes for one piece in each currency.
CURRENT = """
    CREATE FUNCTION current_prices_of(part_ids int[]) RETURNS TABLE (part_id int, currency text, amount numeric)
    LANGUAGE sql VOLATILE AS $$
        WITH in_force AS MATERIALIZED (
            SELECT pp.part_id, pp.currency, pp.amount, pp.min_quantity, pp.valid_from FROM part_prices pp
            WHERE pp.part_id = ANY(part_ids) AND (pp.valid_from IS NULL OR pp.valid_from <= clock_timestamp())
              AND (pp.valid_to IS NULL OR pp.valid_to > clock_timestamp()))
        (SELECT DISTINCT ON (f.part_id, f.currency) f.part_id, f.currency, f.amount FROM in_force f
         ORDER BY f.part_id, f.currency, f.min_quantity, f.valid_from DESC NULLS LAST)
        UNION ALL
        SELECT l.part_id, l.currency, l.amount FROM prices l
        WHERE l.part_id = ANY(part_ids) AND NOT EXISTS (SELECT FROM in_force f WHERE f.part_id = l.part_id)
    $$
"""
# Called for a bulk of parts by imports, which keep the triggers quiet.
KEEP = """
    CREATE FUNCTION keep_current_prices_of(part_ids int[]) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
    BEGIN
        WITH found AS MATERIALIZED (SELECT * FROM current_prices_of(part_ids)), ended AS (
            DELETE FROM part_current_prices c
            WHERE c.part_id = ANY(part_ids)
              AND NOT EXISTS (SELECT FROM found f WHERE f.part_id = c.part_id AND f.currency = c.currency))
        INSERT INTO part_current_prices AS c (part_id, currency, amount) SELECT f.part_id, f.currency, f.amount FROM found f
        ON CONFLICT (part_id, currency) DO UPDATE SET amount = EXCLUDED.amount WHERE c.amount <> EXCLUDED.amount;
    END $$
"""
KEEP_ONE = """
    CREATE FUNCTION keep_current_prices() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM keep_current_prices_of(ARRAY[CASE WHEN TG_TABLE_NAME = 'parts' THEN (to_jsonb(NEW) -> 'id')::int
                                                  ELSE (COALESCE(to_jsonb(NEW), to_jsonb(OLD)) -> 'part_id')::int END]);
        RETURN NULL;
    END $$
"""
# Deferred, as those of `part_search` are: of a list that is replaced line by line the last one is looked at.
TRIGGERS = {
    "part_prices": "AFTER INSERT OR UPDATE OR DELETE ON part_prices",
    "prices": "AFTER INSERT OR UPDATE OR DELETE ON prices",
    "parts": "AFTER UPDATE OF price_boundary, price_version ON parts",
}
SINGLY = "COALESCE(current_setting('lockstep.bulk', true), '') <> 'on'"
# The rows are locked before they are read, so that no newer price is overwritten.
FILL = """
    DO $do$ BEGIN
        PERFORM FROM parts WHERE id BETWEEN {first} AND {last} ORDER BY id FOR NO KEY UPDATE;
        PERFORM FROM part_prices WHERE part_id BETWEEN {first} AND {last} ORDER BY id FOR NO KEY UPDATE;
        PERFORM FROM prices WHERE part_id BETWEEN {first} AND {last} ORDER BY id FOR NO KEY UPDATE;
        PERFORM keep_current_prices_of(ARRAY(SELECT id FROM parts WHERE id BETWEEN {first} AND {last}));
    END $do$
"""
EXACT = "amount = round(amount, 6) AND amount < 10000000000"
AMOUNTS = ("part_prices", "prices")
TOO_EXACT = (
    "SELECT count(*) FROM (SELECT amount FROM part_prices UNION ALL SELECT amount FROM prices) a WHERE amount <> round(amount, 2)"
)


def fold(old: str, new: str) -> None:
    """Make the functions that fold a text leave out other characters."""
    connection = op.get_bind()
    for definition in connection.execute(FOLDING, {"old": old}).scalars().all():
        connection.exec_driver_sql(definition.replace(old, new).replace("%", "%%"))


def upgrade() -> None:
    with op.get_context().autocommit_block():
        fold(ACCENTS, ACCENTS_AND_JOINERS)
        op.create_table(
            "part_current_prices",
            sa.Column("part_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("currency", sa.String(length=3), nullable=False),
            sa.Column("amount", sa.Numeric(), nullable=False),
            sa.ForeignKeyConstraint(
                ["part_id"], ["parts.id"], name=op.f("fk_part_current_prices_part_id_parts"), ondelete="CASCADE"
            ),
            sa.PrimaryKeyConstraint("part_id", "currency", name=op.f("pk_part_current_prices")),
            if_not_exists=True,
        )
        op.create_index(
            "ix_part_current_prices_amount", "part_current_prices", ["currency", "amount", "part_id"], if_not_exists=True
        )
        for statement in (AMOUNT, CURRENT, KEEP, KEEP_ONE):
            replace(statement)
        for table, when in TRIGGERS.items():
            trigger(
                f"{table}_current_prices",
                table,
                f"{when} DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN ({SINGLY}) EXECUTE FUNCTION keep_current_prices()",
            )
        for batch in batches("parts", 200):
            execute(FILL.format(**batch))
        # Constant defaults: neither rewrites the table.
        notices = sa.Column("notices", postgresql.JSONB(), server_default="[]", nullable=False)
        notice_count = sa.Column("notice_count", sa.Integer(), server_default="0", nullable=False)
        for column in (notices, notice_count):
            op.add_column("import_jobs", column, if_not_exists=True)
        for table in ("part_search", *AMOUNTS):
            execute(f"ALTER TABLE {table} ALTER COLUMN amount TYPE numeric")
        for table in AMOUNTS:
            add_constraint(table, f"ck_{table}_amount_exact", f"CHECK ({EXACT})")
        search.end_the_release_before()
        execute("ALTER TABLE part_images DROP COLUMN IF EXISTS url")


def downgrade() -> None:
    if too_exact := op.get_bind().execute(sa.text(TOO_EXACT)).scalar_one():
        raise RuntimeError(
            f"{too_exact} prices have more than two decimals, which the older release cannot hold. Change them first; nothing is"
            " rounded here, and nothing was changed."
        )
    op.add_column("part_images", sa.Column("url", sa.String(length=500), server_default="", nullable=False))
    search.bring_back_the_release_before()
    for table in AMOUNTS:
        op.drop_constraint(op.f(f"ck_{table}_amount_exact"), table)
        op.alter_column(table, "amount", type_=sa.Numeric(precision=12, scale=2))
    op.alter_column("part_search", "amount", type_=sa.Numeric(precision=12, scale=2))
    for table in TRIGGERS:
        op.execute(f"DROP TRIGGER {table}_current_prices ON {table}")
    for function in ("keep_current_prices()", "keep_current_prices_of(int[])", "current_prices_of(int[])"):
        op.execute(f"DROP FUNCTION {function}")
    op.drop_table("part_current_prices")
    fold(ACCENTS_AND_JOINERS, ACCENTS)
    op.drop_column("import_jobs", "notice_count")
    op.drop_column("import_jobs", "notices")
