"""How many public parts of a category say what, and how many there are by manufacturer and availability, is kept by triggers.

They add rows of differences, one for each count that a statement changes: no writer waits for another one. The application adds
them up now and then. What is there is counted once the triggers are, category by category: each in one statement, which sees of a transaction both its parts and
its differences, or neither. So nobody waits for that either, and it puts right whatever is wrong at any later time.

A row of `part_features` holds where it is counted, so what its triggers count follows from that row alone.

Revision ID: 0047
Revises: 0046
"""

import sqlalchemy as sa
from alembic import op

from migrations.steps import batches, build_index, execute, replace, trigger

revision = "0047"
down_revision = "0046"
branch_labels = None
depends_on = None

# As in 0017: who may write parts need not be able to write what is derived from them.
TRUSTED = "SECURITY DEFINER SET search_path = {schema}, pg_temp SET enable_seqscan = off"
# Where a part is counted; nowhere if customers do not see it, or it is in no category.
PLACE = "CASE WHEN p.status = 'published' AND p.archived_at IS NULL THEN p.category_id END"
PLACED = f"""
    CREATE FUNCTION place_features() RETURNS trigger LANGUAGE plpgsql {{trusted}} AS $$
    BEGIN
        NEW.category_id := (SELECT {PLACE} FROM parts p WHERE p.id = NEW.part_id);
        RETURN NEW;
    END $$
"""  # noqa: S608 — constant text
MOVED = f"""
    CREATE FUNCTION move_features() RETURNS trigger LANGUAGE plpgsql {{trusted}} AS $$
    BEGIN
        UPDATE part_features f SET category_id = {PLACE}
        FROM changed p WHERE f.part_id = p.id AND f.category_id IS DISTINCT FROM {PLACE};
        RETURN NULL;
    END $$
"""  # noqa: S608 — constant text
# The part is locked as whoever moves it locks it, so that no newer state is overwritten.
FILL = f"""
    DO $do$ BEGIN
        PERFORM FROM parts WHERE id BETWEEN {{first}} AND {{last}} ORDER BY id FOR NO KEY UPDATE;
        UPDATE part_features f SET category_id = {PLACE}
        FROM parts p
        WHERE p.id BETWEEN {{first}} AND {{last}} AND f.part_id = p.id AND f.category_id IS DISTINCT FROM {PLACE};
    END $do$
"""  # noqa: S608 — constant text
# Of each kind of count: whose rows are counted, as what, and how.
KINDS = {
    "feature": (
        "part_features",
        "category_id, key",
        "SELECT category_id, unnest(keys) AS key, {sign} AS change FROM {rows} WHERE category_id IS NOT NULL",
    ),
    "group": (
        "part_search",
        "category_id, manufacturer, in_stock",
        "SELECT category_id, manufacturer, in_stock, {sign} AS change FROM {rows} WHERE is_public",
    ),
}
COUNT = """
    CREATE FUNCTION count_{kind}s() RETURNS trigger LANGUAGE plpgsql {trusted} AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO {kind}_changes ({columns}, change) SELECT {columns}, sum(change) FROM ({came}) r GROUP BY {columns};
        ELSIF TG_OP = 'DELETE' THEN
            INSERT INTO {kind}_changes ({columns}, change) SELECT {columns}, sum(change) FROM ({went}) r GROUP BY {columns};
        ELSIF TG_OP = 'UPDATE' THEN
            INSERT INTO {kind}_changes ({columns}, change)
            SELECT {columns}, sum(change) FROM ({came} UNION ALL {went}) r GROUP BY {columns} HAVING sum(change) <> 0;
        ELSE
            LOCK TABLE {kind}_changes, {kind}_counts IN SHARE ROW EXCLUSIVE MODE;
            DELETE FROM {kind}_changes;
            DELETE FROM {kind}_counts;
        END IF;
        RETURN NULL;
    END $$
"""
# In one statement, so that all is seen as of one moment.
DIFFERING = """
        INSERT INTO {kind}_changes ({columns}, change)
        SELECT {columns}, sum(change)
        FROM ({rows} AND {here}
              UNION ALL SELECT {columns}, -count FROM {kind}_counts WHERE {here}
              UNION ALL SELECT {columns}, -change FROM {kind}_changes WHERE {here}) r
        GROUP BY {columns} HAVING sum(change) <> 0;
        GET DIAGNOSTICS differing = ROW_COUNT;
        wrong := wrong + differing;
"""
HERE = "(category_id = place OR place IS NULL AND category_id IS NULL)"
# One at a time: two would both find the same difference.
RECOUNT = """
    CREATE FUNCTION recount_facets(place int) RETURNS int LANGUAGE plpgsql AS $$
    DECLARE
        wrong int := 0;
        differing int;
    BEGIN
        PERFORM pg_advisory_xact_lock(hashtext('lockstep: recount'));
        {differing}
        RETURN wrong;
    END $$
"""
EVENTS = {
    "INSERT": "REFERENCING NEW TABLE AS came",
    "UPDATE": "REFERENCING OLD TABLE AS went NEW TABLE AS came",
    "DELETE": "REFERENCING OLD TABLE AS went",
    "TRUNCATE": "",
}


def upgrade() -> None:
    with op.get_context().autocommit_block():
        schema = op.get_bind().execute(sa.text("SELECT quote_ident(current_schema())")).scalar_one()
        trusted = TRUSTED.format(schema=schema)
        op.add_column("part_features", sa.Column("category_id", sa.Integer(), nullable=True), if_not_exists=True)
        make_tables()
        for function in (PLACED, MOVED):
            replace(function.format(trusted=trusted))
        trigger(
            "part_features_placed",
            "part_features",
            "BEFORE INSERT ON part_features FOR EACH ROW EXECUTE FUNCTION place_features()",
        )
        trigger(
            "part_features_moved", "parts",
            "AFTER UPDATE ON parts REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION move_features()",
        )  # fmt: skip
        for batch in batches("parts", 200):
            execute(FILL.format(**batch))
        build_index("ix_part_features_category", "part_features (category_id, part_id) WHERE category_id IS NOT NULL")
        for kind, (table, columns, counted) in KINDS.items():
            came, went = counted.format(sign="1", rows="came"), counted.format(sign="-1", rows="went")
            replace(COUNT.format(kind=kind, columns=columns, came=came, went=went, trusted=trusted))
            for event, referencing in EVENTS.items():
                when = f"AFTER {event} ON {table} {referencing} FOR EACH STATEMENT EXECUTE FUNCTION count_{kind}s()"
                trigger(f"{kind}s_counted_{event.lower()}", table, when)
        replace(RECOUNT.format(differing="".join(
            DIFFERING.format(kind=kind, columns=columns, rows=counted.format(sign="1", rows=table), here=HERE)
            for kind, (table, columns, counted) in KINDS.items()
        )))  # fmt: skip
        for category in ("NULL", *op.get_bind().execute(sa.text("SELECT id FROM categories ORDER BY id")).scalars().all()):
            execute(f"SELECT recount_facets({category})")


def make_tables() -> None:
    """Make the tables of counts and of what changes them, empty."""
    of = {
        "feature": {"category_id": (sa.Integer(), False), "key": (sa.BigInteger(), False)},
        "group": {"category_id": (sa.Integer(), True), "manufacturer": (sa.String(200), True), "in_stock": (sa.Boolean(), False)},
    }
    for kind, columns in of.items():
        one = sa.UniqueConstraint(*columns, name=f"uq_{kind}_counts", postgresql_nulls_not_distinct=True)
        for table, amount, constraints in (("counts", "count", (one,)), ("changes", "change", ())):
            op.create_table(
                f"{kind}_{table}",
                sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
                *(sa.Column(name, is_of, nullable=nullable) for name, (is_of, nullable) in columns.items()),
                sa.Column(amount, sa.Integer(), nullable=False),
                sa.PrimaryKeyConstraint("id", name=f"pk_{kind}_{table}"),
                *constraints,
                if_not_exists=True,
            )
    build_index("ix_feature_changes_category", "feature_changes (category_id)")


def downgrade() -> None:
    for kind, (table, _columns, _counted) in KINDS.items():
        for event in EVENTS:
            op.execute(f"DROP TRIGGER {kind}s_counted_{event.lower()} ON {table}")
        op.execute(f"DROP FUNCTION count_{kind}s()")
    op.execute("DROP TRIGGER part_features_moved ON parts")
    op.execute("DROP TRIGGER part_features_placed ON part_features")
    for function in ("recount_facets(int)", "move_features()", "place_features()"):
        op.execute(f"DROP FUNCTION {function}")
    for kind in KINDS:
        for table in ("counts", "changes"):
            op.drop_table(f"{kind}_{table}")
    op.drop_column("part_features", "category_id")
