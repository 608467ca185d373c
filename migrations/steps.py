"""Steps of migrations that keep nobody waiting, for `with op.get_context().autocommit_block():`.

There each statement is a transaction of its own, so a lock is held for one statement and what is done stays done. A migration
with such a block may be stopped anywhere, and then begins again: each of its statements must be one that can be run twice.
"""

from collections.abc import Iterator

from alembic import op
from sqlalchemy import text


def execute(statement: str) -> None:
    """Run a statement as it stands: its colons and percent signs are no parameters."""
    op.get_bind().exec_driver_sql(statement.replace("%", "%%"))


def replace(function: str) -> None:
    """Create a function, whether or not it is there."""
    execute(function.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))


def batches(table: str, size: int) -> Iterator[dict[str, int]]:
    """Yield ranges of ids, `first` to `last`, with at most `size` rows each; rows that are added meanwhile come last."""
    after = 0
    last = text(f"SELECT max(id) FROM (SELECT id FROM {table} WHERE id > :after ORDER BY id LIMIT :size) AS batch")  # noqa: S608
    while (until := op.get_bind().execute(last, {"after": after, "size": size}).scalar()) is not None:
        yield {"first": after + 1, "last": until}
        after = until


def build_index(name: str, definition: str) -> None:
    """Build an index while its table is read and written; what an earlier attempt has left of it is thrown away.

    Args:
        name: the name of the index.
        definition: what follows `ON` in `CREATE INDEX`.
    """
    execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")


def add_constraint(table: str, name: str, definition: str) -> None:
    """Add a constraint (CHECK, FOREIGN KEY or NOT NULL) at once for new rows, and then check the others under a weak lock."""
    execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
    execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition} NOT VALID")
    execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {name}")


def drop_function(signature: str) -> None:
    """Drop a function that others called until now.

    Whoever was running one of those when it was replaced goes on with its old body, so all open transactions are waited for.
    """
    execute("""
        DO $do$ BEGIN
            WHILE EXISTS (SELECT FROM pg_stat_activity
                          WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
                            AND xact_start < transaction_timestamp()) LOOP
                PERFORM pg_sleep(0.01);
                PERFORM pg_stat_clear_snapshot();
            END LOOP;
        END $do$
    """)
    execute(f"DROP FUNCTION IF EXISTS {signature}")


def trigger(name: str, table: str, definition: str) -> None:
    """Create a trigger, whether or not it is there.

    Args:
        name: the name of the trigger.
        table: the table it is on.
        definition: all of `CREATE TRIGGER` behind the name.
    """
    kind = "CONSTRAINT TRIGGER" if "DEFERRABLE" in definition else "TRIGGER"
    # In one statement, and so at once: no row is written without the trigger.
    body = f"DROP TRIGGER IF EXISTS {name} ON {table}; CREATE {kind} {name} {definition};"
    execute(f"DO $do$ BEGIN {body} END $do$")


def index_parts() -> None:
    """Make the rows of `part_search` as its functions make them now, a few parts at a time.

    The rows of an aspect are locked before they are read, as whoever changes it does, so that no newer state is overwritten.
    """
    for batch in batches("parts", 100):
        execute(_INDEX.format(**batch))


_INDEX = """
    DO $do$ BEGIN
        PERFORM set_config('lockstep.bulk', 'on', true);
        PERFORM FROM parts WHERE id BETWEEN {first} AND {last} ORDER BY id FOR NO KEY UPDATE;
        PERFORM FROM stock_levels WHERE part_id BETWEEN {first} AND {last} ORDER BY part_id FOR NO KEY UPDATE;
        PERFORM FROM part_prices WHERE part_id BETWEEN {first} AND {last} ORDER BY id FOR NO KEY UPDATE;
        PERFORM FROM prices WHERE part_id BETWEEN {first} AND {last} ORDER BY id FOR NO KEY UPDATE;
        PERFORM keep_search_of(ARRAY(SELECT id FROM parts WHERE id BETWEEN {first} AND {last}));
    END $do$
"""


def retype_key(table: str, kind: str, indexes: dict[str, str] | None = None, triggers: dict[str, str] | None = None) -> None:
    """Give the primary key `id` of a table that no foreign key refers to another type, while the table is read and written.

    A second column is kept by a trigger, filled in batches, and takes the place of the first one at once, with its sequence. An
    index that is built beside is kept if this is begun again.

    Args:
        table: the table.
        kind: the type, `bigint` or `integer`.
        indexes: its other indexes that have `id` in them, by name: what follows `ON` in `CREATE INDEX`, `{id}` being the key.
        triggers: its triggers that name `id`, by name, with all of `CREATE TRIGGER` behind that.
    """
    if _type_of(table, "id") == kind:
        return
    beside = f"id_{kind}"
    execute(f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {beside} {kind}")
    replace(_KEEP.format(function=f"keep_{table}_{beside}", beside=beside))
    trigger(
        f"{table}_{beside}", table,
        f"BEFORE INSERT OR UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION keep_{table}_{beside}()",
    )  # fmt: skip
    for batch in batches(table, 1000):
        execute(_FILL_KEY.format(table=table, beside=beside, **batch))
    wanted = {f"pk_{table}": f"{table} ({{id}})", **(indexes or {})}
    for name, definition in wanted.items():
        if not _is_built(f"{name}_{kind}"):
            execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}_{kind}")
            unique = "UNIQUE " if name == f"pk_{table}" else ""
            execute(f"CREATE {unique}INDEX CONCURRENTLY {name}_{kind} ON {definition.format(id=beside)}")
    add_constraint(table, f"{table}_{beside}_not_null", f"NOT NULL {beside}")
    made = [f"CREATE TRIGGER {name} {definition};" for name, definition in (triggers or {}).items()]
    renamed = [f"ALTER INDEX {name}_{kind} RENAME TO {name};" for name in (indexes or {})]
    dropped = [f"DROP TRIGGER IF EXISTS {name} ON {table};" for name in [f"{table}_{beside}", *(triggers or {})]]
    execute(_SWAP.format(
        table=table, beside=beside, kind=kind, dropped=" ".join(dropped), renamed=" ".join(renamed), made=" ".join(made)
    ))  # fmt: skip


def _type_of(table: str, column: str) -> str:
    found = text("""
        SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = CAST(:table AS regclass) AND attname = :column
    """)
    return str(op.get_bind().execute(found, {"table": table, "column": column}).scalar_one())


def _is_built(index: str) -> bool:
    found = text("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(:index)")
    return bool(op.get_bind().execute(found, {"index": index}).scalar_one_or_none())


_KEEP = """
    CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.{beside} := NEW.id; RETURN NEW; END $$
"""
# The rows stay what they are: there is nothing to search or to tell anew.
_FILL_KEY = """
    DO $do$ BEGIN
        PERFORM set_config('lockstep.bulk', 'on', true), set_config('lockstep.writer', 'application', true);
        UPDATE {table} SET {beside} = id WHERE id BETWEEN {first} AND {last} AND {beside} IS NULL;
    END $do$
"""
_SWAP = """
    DO $do$
    DECLARE
        place record;
    BEGIN
        LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;
        EXECUTE 'SELECT last_value, is_called FROM ' || pg_get_serial_sequence('{table}', 'id') INTO place;
        {dropped}
        DROP FUNCTION keep_{table}_{beside}();
        ALTER TABLE {table} DROP COLUMN id;
        ALTER TABLE {table} RENAME COLUMN {beside} TO id;
        ALTER TABLE {table} RENAME CONSTRAINT {table}_{beside}_not_null TO {table}_id_not_null;
        ALTER TABLE {table} ADD CONSTRAINT pk_{table} PRIMARY KEY USING INDEX pk_{table}_{kind};
        ALTER TABLE {table} ALTER COLUMN id ADD GENERATED BY DEFAULT AS IDENTITY;
        PERFORM setval(pg_get_serial_sequence('{table}', 'id'), place.last_value, place.is_called);
        {renamed}
        {made}
    END $do$
"""
