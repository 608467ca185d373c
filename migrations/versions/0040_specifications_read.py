"""What parts say in their specifications can be looked up: for each part the keys of what it says, and for each key what that means.

A key is a hash of a name, a value and a unit as they were typed. What these mean is read by the application (`app/domain/measures.py`), once
for each key and in its own time: the triggers only note what nobody has read yet, so they keep no writer waiting for another one, and whoever
writes by hand need not know of it. Nothing of what was typed changes, and no row of an existing table is written.

Revision ID: 0040
Revises: 0039
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from migrations.steps import batches, build_index, execute, replace, trigger

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

# As in 0017: who may write specifications need not be able to write what is derived from them.
TRUSTED = "SECURITY DEFINER SET search_path = {schema}, pg_temp SET enable_seqscan = off"
KEY = """
    CREATE FUNCTION specification_key(name text, value text, unit text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended(name || E'\\x01' || value || E'\\x01' || unit, 0)
"""
# Names and words are compared as the search compares letters: without case and accents.
FOLDED = """
    CREATE FUNCTION specification_hash(value text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN hashtextextended(search_folded(regexp_replace(btrim(value), '\\s+', ' ', 'g')), 0)
"""
KEEP = """
    CREATE FUNCTION keep_features_of(part_ids int[]) RETURNS void LANGUAGE plpgsql {trusted} AS $$
    BEGIN
        WITH said AS MATERIALIZED (
            SELECT DISTINCT ON (s.part_id, key) s.part_id, specification_key(s.name, s.value, s.unit) AS key, s.position, s.id
            FROM part_specifications s WHERE s.part_id = ANY(part_ids) ORDER BY s.part_id, key, s.position, s.id),
        gone AS (
            DELETE FROM part_features f
            WHERE f.part_id = ANY(part_ids) AND NOT EXISTS (SELECT FROM said WHERE said.part_id = f.part_id))
        INSERT INTO part_features AS f (part_id, keys)
        SELECT said.part_id, array_agg(said.key ORDER BY said.position, said.id) FROM said GROUP BY said.part_id ORDER BY said.part_id
        ON CONFLICT (part_id) DO UPDATE SET keys = EXCLUDED.keys WHERE f.keys <> EXCLUDED.keys;
        INSERT INTO unread_specifications (name, value, unit)
        SELECT DISTINCT s.name, s.value, s.unit FROM part_specifications s
        WHERE s.part_id = ANY(part_ids)
          AND NOT EXISTS (SELECT FROM specification_values v WHERE v.key = specification_key(s.name, s.value, s.unit));
    END $$
"""
CHANGED = """
    CREATE FUNCTION keep_features() RETURNS trigger LANGUAGE plpgsql {trusted} AS $$
    BEGIN
        PERFORM keep_features_of(ARRAY(SELECT DISTINCT part_id FROM changed));
        RETURN NULL;
    END $$
"""
# By the index alone: compared with each part, thousands of keys take a hundred times as long, which the planner does not know.
WITH_ANY = """
    CREATE FUNCTION parts_with_any(asked bigint[]) RETURNS SETOF int LANGUAGE plpgsql STABLE ROWS 2000 SET enable_seqscan = off AS $$
    BEGIN
        RETURN QUERY SELECT f.part_id FROM part_features f WHERE f.keys && asked;
    END $$
"""
# A specification that moves to another part by hand is one that goes and one that comes.
TRIGGERS = {
    "part_specifications_inserted": "AFTER INSERT ON part_specifications REFERENCING NEW TABLE AS changed",
    "part_specifications_updated": "AFTER UPDATE ON part_specifications REFERENCING NEW TABLE AS changed",
    "part_specifications_left": "AFTER UPDATE ON part_specifications REFERENCING OLD TABLE AS changed",
    "part_specifications_deleted": "AFTER DELETE ON part_specifications REFERENCING OLD TABLE AS changed",
}
# The part is locked as whoever changes its specifications locks it, so that no newer state is overwritten.
FILL = """
    DO $do$ BEGIN
        PERFORM FROM parts WHERE id BETWEEN {first} AND {last} ORDER BY id FOR NO KEY UPDATE;
        PERFORM keep_features_of(ARRAY(SELECT id FROM parts WHERE id BETWEEN {first} AND {last}));
    END $do$
"""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.create_table(
            "specification_values",
            sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
            sa.Column("named", sa.BigInteger(), nullable=False),
            sa.Column("meaning", sa.BigInteger(), nullable=False),
            sa.Column("name", sa.Text(), nullable=False),
            sa.Column("value", sa.Text(), nullable=False),
            sa.Column("unit", sa.Text(), nullable=False),
            sa.Column("reader", sa.BigInteger(), nullable=False),
            sa.Column("dimension", sa.Text(), nullable=True),
            sa.Column("measured_in", sa.Text(), nullable=True),
            sa.Column("symbol", sa.Text(), nullable=False),
            sa.Column("low", sa.Double(), nullable=True),
            sa.Column("high", sa.Double(), nullable=True),
            sa.Column("own_low", sa.Double(), nullable=True),
            sa.Column("own_high", sa.Double(), nullable=True),
            sa.Column("place", sa.Text(collation="C"), nullable=False),
            sa.PrimaryKeyConstraint("key", name=op.f("pk_specification_values")),
            if_not_exists=True,
        )
        build_index("ix_specification_values_named", "specification_values (named, dimension, low)")
        build_index("ix_specification_values_reader", "specification_values (reader)")
        op.create_table(
            "unread_specifications",
            sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
            sa.Column("name", sa.Text(), nullable=False),
            sa.Column("value", sa.Text(), nullable=False),
            sa.Column("unit", sa.Text(), nullable=False),
            sa.PrimaryKeyConstraint("id", name=op.f("pk_unread_specifications")),
            if_not_exists=True,
        )
        op.create_table(
            "part_features",
            sa.Column("part_id", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("keys", postgresql.ARRAY(sa.BigInteger()), nullable=False),
            sa.ForeignKeyConstraint(["part_id"], ["parts.id"], name=op.f("fk_part_features_part_id_parts"), ondelete="CASCADE"),
            sa.PrimaryKeyConstraint("part_id", name=op.f("pk_part_features")),
            if_not_exists=True,
        )
        build_index("ix_part_features_keys", "part_features USING gin (keys) WITH (fastupdate = off)")
        schema = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
        for statement in (KEY, FOLDED, KEEP, CHANGED, WITH_ANY):
            replace(statement.format(trusted=TRUSTED.format(schema=schema)) if "{trusted}" in statement else statement)
        for name, when in TRIGGERS.items():
            trigger(name, "part_specifications", f"{when} FOR EACH STATEMENT EXECUTE FUNCTION keep_features()")
        for batch in batches("parts", 200):
            execute(FILL.format(**batch))


def downgrade() -> None:
    for name in TRIGGERS:
        op.execute(f"DROP TRIGGER {name} ON part_specifications")
    for function in ("keep_features()", "keep_features_of(int[])", "parts_with_any(bigint[])", "specification_hash(text)",
                     "specification_key(text, text, text)"):  # fmt: skip
        op.execute(f"DROP FUNCTION {function}")
    for table in ("part_features", "unread_specifications", "specification_values"):
        op.drop_table(table)
