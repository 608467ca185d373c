"""Which parts are meant by SKUs, numbers and names as other lists have them; however many, in a fixed number of statements."""

from collections.abc import Sequence

from sqlalchemy import Connection, text

from app.store.catalog import PUBLIC

_PARTS_WITH = text(f"SELECT p.id FROM parts p WHERE p.sku = ANY(:skus) AND {PUBLIC} ORDER BY p.id")  # noqa: S608 — constant text


def parts_with(connection: Connection, skus: Sequence[str]) -> list[int]:
    """Return the ids of the published parts that have one of these SKUs."""
    return list(connection.execute(_PARTS_WITH, {"skus": list(skus)}).scalars())
