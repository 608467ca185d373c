"""How many parts say what, and how many there are, in each category: kept, so that facets need not count them.

Triggers (migration 0047) note by how much a statement changes these counts, in its transaction, whoever writes: rows are only
added (`feature_changes`, `group_changes`), so no writer waits for another one. Now and then they are added up into the counts
(`feature_counts`, `group_counts`). What is true is the sum of both, at any moment.
"""

from sqlalchemy import Connection, Engine, text

# The public parts of each category, manufacturer and availability.
GROUPS = """
    SELECT category_id, manufacturer, in_stock, sum(count) AS count
    FROM (SELECT category_id, manufacturer, in_stock, count FROM group_counts
          UNION ALL SELECT category_id, manufacturer, in_stock, change FROM group_changes) kept
    GROUP BY category_id, manufacturer, in_stock HAVING sum(count) > 0"""
# How many of them are directly in each of some categories.
PARTS = """
    SELECT category_id, sum(count) AS count
    FROM (SELECT category_id, count FROM group_counts WHERE category_id = ANY(:categories)
          UNION ALL SELECT category_id, change FROM group_changes WHERE category_id = ANY(:categories)) kept
    GROUP BY category_id"""
# What the public parts of some categories say, all of it or only some keys, with the number of those that say it.
FEATURES = """
    SELECT key, true AS fits, sum(count) AS count
    FROM (SELECT key, count FROM feature_counts WHERE category_id = ANY({categories})
          UNION ALL SELECT key, change FROM feature_changes WHERE category_id = ANY({categories})) kept
    GROUP BY key HAVING sum(count) > 0"""
SOME_FEATURES = FEATURES.replace("= ANY({categories})", "= ANY({categories}) AND key = ANY({keys})")
# The first of these parts.
FIRST = """
    SELECT f.part_id FROM unnest(CAST(:categories AS int[])) AS c(id)
    CROSS JOIN LATERAL (SELECT part_id FROM part_features WHERE category_id = c.id ORDER BY part_id LIMIT {limit}) f
    ORDER BY f.part_id LIMIT {limit}"""
# The ends of what parts cost, looked up for each group: an index has the price behind what makes a group.
_END = """
    (SELECT p.amount FROM part_search p
     WHERE p.is_public AND p.category_id = s.category_id AND p.manufacturer {same} AND p.in_stock = s.in_stock
       AND p.amount IS NOT NULL
     ORDER BY p.amount {order} LIMIT 1)"""
_LOW, _HIGH = (
    f"CASE WHEN s.manufacturer IS NULL THEN {_END.format(same='IS NULL', order=order)}"
    f" ELSE {_END.format(same='= s.manufacturer', order=order)} END"
    for order in ("ASC", "DESC")
)
ENDS = f"SELECT min({_LOW}) AS low, max({_HIGH}) AS high FROM groups s WHERE {{conditions}}"  # noqa: S608 — constant text

# Whoever reads sees the changes before the statement, or the counts after it, and never both.
_FOLD = """
    WITH moved AS (
        DELETE FROM {changes} WHERE id IN (SELECT id FROM {changes} ORDER BY id LIMIT :batch FOR UPDATE SKIP LOCKED)
        RETURNING *)
    , written AS (
        INSERT INTO {counts} AS c ({key}, count)
        SELECT {key}, sum(change) FROM moved GROUP BY {key} HAVING sum(change) <> 0 ORDER BY {key}
        ON CONFLICT ({key}) DO UPDATE SET count = c.count + EXCLUDED.count)
    SELECT count(*) FROM moved
"""
_FOLDS = [
    text(_FOLD.format(changes="feature_changes", counts="feature_counts", key="category_id, key")),
    text(_FOLD.format(changes="group_changes", counts="group_counts", key="category_id, manufacturer, in_stock")),
]
_RECOUNT = text("SELECT recount_facets(CAST(:category AS int))")
_NEXT = text("""
    SELECT min(id) FROM (
        SELECT min(id) AS id FROM categories WHERE id > :after
        UNION ALL SELECT min(category_id) FROM group_counts WHERE category_id > :after) following
""")


def fold(engine: Engine, batch: int) -> bool:
    """Add up to `batch` changes of each kind to the counts; return whether there may be more."""
    moved = []
    for statement in _FOLDS:
        with engine.begin() as connection:
            moved.append(connection.execute(statement, {"batch": batch}).scalar_one())
    return batch in moved


def next_category(connection: Connection, after: int) -> int | None:
    """Return the next category after that id, or the next one that is counted although it is gone; None at the end."""
    return connection.execute(_NEXT, {"after": after}).scalar_one_or_none()


def recount(connection: Connection, category: int | None) -> int:
    """Count the parts directly in a category anew, or those in none, and put right what differs; return how many counts did.
    Nobody waits for it."""
    return int(connection.execute(_RECOUNT, {"category": category}).scalar_one())
