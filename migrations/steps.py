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
