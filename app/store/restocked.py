"""Which parts customers have seen come back from nothing in stock."""

from sqlalchemy import Connection, text

MAX_RESTOCKED = 24

_LATEST = text("""
    SELECT part_id, EXTRACT(epoch FROM restocked_at)::float8 AS restocked_at FROM part_search
    WHERE is_public AND in_stock AND restocked_at IS NOT NULL ORDER BY restocked_at DESC, part_id DESC LIMIT :most
""")


def latest(connection: Connection) -> list[tuple[int, float]]:
    """Return those in stock that came back last, the last one first, each with when that was, in seconds since 1970."""
    return [(row.part_id, row.restocked_at) for row in connection.execute(_LATEST, {"most": MAX_RESTOCKED})]
