"""What the values that parts say mean, read once for all parts and kept in `specification_values`."""

from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, text

from app.domain import measures
from app.domain.measures import THREAD, Reading
from app.store.encoding import jsonb
from app.store.units import unit_of

# The way in which texts are read. A release that reads any of them otherwise raises it: then all are read anew, as they are asked
# for.
READER = 2
# What is read before the other connections get their turn: a few milliseconds.
AT_ONCE = 200
_UNREAD = text("""
    (SELECT id, name, value, unit FROM unread_specifications ORDER BY id LIMIT :most)
    UNION ALL (SELECT NULL, name, value, unit FROM specification_values WHERE reader < :reader LIMIT :most)
""")
# Several processes that read the same at the same time write the same, in the same order.
_LEARN = text("""
    WITH done AS (
        DELETE FROM unread_specifications u
        USING (SELECT id FROM unread_specifications WHERE id = ANY(:ids) FOR UPDATE SKIP LOCKED) mine WHERE u.id = mine.id)
    INSERT INTO specification_values AS v (key, named, meaning, name, value, unit, reader, dimension, measured_in, symbol,
                                           low, high, own_low, own_high, place)
    SELECT DISTINCT ON (key) specification_key(name, value, unit) AS key, specification_hash(name),
           COALESCE(hashtextextended(means, 0), specification_hash(said)), name, value, unit, :reader, dimension, measured_in,
           symbol, low, high, own_low, own_high,
           COALESCE('0' || place, '1') || CASE WHEN means IS NULL THEN left(search_order(said), 100) ELSE '' END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(name text, value text, unit text, said text, means text, dimension text, measured_in text, symbol text, low float8,
           high float8, own_low float8, own_high float8, place text)
    ORDER BY key
    ON CONFLICT (key) DO UPDATE
    SET meaning = EXCLUDED.meaning, reader = EXCLUDED.reader, dimension = EXCLUDED.dimension, measured_in = EXCLUDED.measured_in,
        symbol = EXCLUDED.symbol, low = EXCLUDED.low, high = EXCLUDED.high,
        own_low = EXCLUDED.own_low, own_high = EXCLUDED.own_high, place = EXCLUDED.place
    WHERE v.reader < EXCLUDED.reader
""")


def read_all(connection: Connection) -> int:
    """Read what nobody has read yet; return how many texts those were.

    Args:
        connection: commits each statement.
    """
    count = 0
    while rows := connection.execute(_UNREAD, {"most": AT_ONCE, "reader": READER}).all():
        learnt = [
            {"name": row.name, "value": row.value, "unit": row.unit, **_columns(row.name, row.value, row.unit)} for row in rows
        ]
        ids = [row.id for row in rows if row.id is not None]
        connection.execute(_LEARN, {"rows": jsonb(learnt), "ids": ids, "reader": READER})
        count += len(rows)
    return count


def _columns(name: str, value: str, unit: str) -> dict[str, Any]:
    if (of_class := measures.class_in(name, value, unit)) is not None:
        return {"said": of_class, "symbol": ""}
    columns: dict[str, Any] = {"said": measures.said(value, unit), "symbol": ""}
    reading = measures.read(value, unit, unit_of)
    if reading.unit is None:
        return columns
    low, high = reading.ends()
    place = measures.place(low, high)
    # Threads of one size differ in their pitch.
    means = None if reading.unit.dimension == THREAD else f"{reading.unit.dimension} {place}"
    return columns | {
        "means": means, "place": place, "dimension": reading.unit.dimension, "measured_in": reading.unit.name,
        "symbol": reading.symbol, "low": low, "high": high, "own_low": float(reading.low), "own_high": float(reading.high),
    }  # fmt: skip


@lru_cache(maxsize=2000)
def typed(value: str) -> Reading:
    """Return what a buyer means who types this."""
    return measures.typed(value, unit_of)
