"""The addresses of all parts that customers may see, a stretch of ids at a time, so that none of it takes long or much memory."""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Engine, Row, text

from app.store.catalog import PUBLIC

# Ids in a file: at most so many addresses, fewer than the 50,000 that sitemaps.org allows.
FILE = 10_000
# Addresses that are read at once.
SLICE = 500

# Each step goes to the next part in the index, whatever lies in between.
_FILES = text(f"""
    WITH RECURSIVE file AS (
        (SELECT (p.id - 1) / {FILE} AS number FROM parts p WHERE {PUBLIC} ORDER BY p.id LIMIT 1)
        UNION ALL
        SELECT (SELECT (p.id - 1) / {FILE} FROM parts p WHERE {PUBLIC} AND p.id > (file.number + 1)::bigint * {FILE}
                ORDER BY p.id LIMIT 1)
        FROM file WHERE file.number IS NOT NULL)
    SELECT number FROM file WHERE number IS NOT NULL LIMIT 50000
""")  # noqa: S608 — constant text
_STATE = text(f"""
    SELECT md5(string_agg(p.id || ':' || p.version, ' ' ORDER BY p.id))
    FROM parts p WHERE p.id > :after AND p.id <= :last AND {PUBLIC}
""")  # noqa: S608 — constant text
_SLICE = text(f"""
    SELECT p.id, p.slug, p.updated_at FROM parts p
    WHERE p.id > :after AND p.id <= :last AND {PUBLIC} ORDER BY p.id LIMIT {SLICE}
""")  # noqa: S608 — constant text


def files(reading: Engine) -> list[int]:
    """Return the numbers of the files that have any address."""
    with reading.connect() as connection:
        return list(connection.execute(_FILES).scalars())


def state(reading: Engine, number: int) -> str | None:
    """Return what changes whenever a file does; None if there is nothing in it."""
    with reading.connect() as connection:
        digest: str | None = connection.execute(_STATE, _bounds(number)).scalar_one()
        return digest


def slices(reading: Engine, number: int) -> Iterator[list[Row[tuple[int, str, datetime]]]]:
    """Return a file's parts in the order of their ids: id, slug, and when the content changed last. No connection is kept."""
    bounds = _bounds(number)
    while True:
        with reading.connect() as connection:
            found = list(connection.execute(_SLICE, bounds))
        if not found:
            return
        yield found
        bounds["after"] = found[-1].id


def _bounds(number: int) -> dict[str, int]:
    return {"after": number * FILE, "last": (number + 1) * FILE}
