"""Readable addresses: how a new part gets a unique one, who holds which, and where an old one leads.

`former_slugs` is maintained by triggers (migration 0006), so no writer can forget a former address.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from app.domain.errors import DuplicateError, Holder
from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork

# Appending the part's own id to a taken address makes it unique regardless of concurrent writers, with nothing to count. An
# address that once led to another part is only given to a part for which it was chosen.
_INSERT_PARTS = text("""
    INSERT INTO parts (id, sku, slug, part_name, description, category_id, manufacturer, manufacturer_number, status,
                       last_updated_by, price_updated_by)
    SELECT id, sku,
           CASE WHEN numbered OR NOT chosen AND EXISTS (SELECT FROM former_slugs f WHERE f.kind = 'part' AND f.slug = r.slug)
                THEN slug || '-' || id ELSE slug END,
           part_name, description, category_id, manufacturer, manufacturer_number, status, :actor_id, :actor_id
    FROM (SELECT nextval(pg_get_serial_sequence('parts', 'id'))::int AS id, given.*
          FROM jsonb_to_recordset(CAST(:rows AS jsonb))
            AS given(sku text, slug text, part_name text, description text, category_id int, manufacturer text,
                     manufacturer_number text, status text, chosen boolean, numbered boolean)) AS r
    ON CONFLICT DO NOTHING
    RETURNING id, sku, slug, created_at, updated_at
""")
_KNOWN = text("SELECT sku FROM parts WHERE sku = ANY(:skus)")
# A draft was never visible under its address, so it must not hide the part that was.
_PART_OF = text("""
    SELECT id FROM (
        SELECT id, 1 AS place FROM parts WHERE slug = :slug AND status = 'published'
        UNION ALL SELECT record_id, 2 FROM former_slugs WHERE kind = 'part' AND slug = :slug) AS known
    ORDER BY place LIMIT 1
""")
_FORMER_CATEGORY = text("SELECT record_id FROM former_slugs WHERE kind = 'category' AND slug = :slug")
_HOLDERS = {
    "sku": text("SELECT id, archived_at IS NOT NULL AS archived FROM parts WHERE sku = :value AND id IS DISTINCT FROM :part_id"),
    "slug": text(
        "SELECT id, archived_at IS NOT NULL AS archived FROM parts WHERE slug = :value AND id IS DISTINCT FROM :part_id"
    ),
}


def insert_parts(
    unit_of_work: UnitOfWork, rows: Sequence[Mapping[str, Any]], chosen: Collection[str] = frozenset()
) -> dict[str, Row[Any]]:
    """Insert parts, whose SKUs differ; return id, slug and times of each by SKU. The caller records their events.

    A taken slug gets the part's id appended. If a concurrent transaction is taking the slug, the insert waits; should the slug
    stay taken, it is repeated here, inside the unit of work. Rows missing from the answer have a SKU that already exists.

    Args:
        chosen: the SKUs of the parts whose slug must be used as given.

    Raises:
        DuplicateError: if a chosen slug is taken.
    """
    inserted: dict[str, Row[Any]] = {}
    # Chosen slugs come first, so that no other row of the same statement takes them.
    missing = sorted(
        ({**row, "chosen": row["sku"] in chosen, "numbered": False} for row in rows), key=lambda row: not row["chosen"]
    )
    while missing:
        made = unit_of_work.execute(_INSERT_PARTS, rows=jsonb(missing), actor_id=unit_of_work.actor.user_id)
        inserted |= {row.sku: row for row in made}
        missing = [row | {"numbered": True} for row in missing if row["sku"] not in inserted]
        if missing:
            known = set(unit_of_work.execute(_KNOWN, skus=[row["sku"] for row in missing]).scalars())
            missing = [row for row in missing if row["sku"] not in known]
        for row in missing:
            if row["chosen"]:
                raise duplicate(unit_of_work.connection, "slug", row["slug"])
    return inserted


def part_of(connection: Connection, slug: str) -> int | None:
    """Return the id of the part that this address leads to, as its present or a former one; None if there is none.

    Whether customers may see the part is a separate question.
    """
    found = connection.execute(_PART_OF, {"slug": slug}).scalar_one_or_none()
    return None if found is None else int(found)


def former_category(connection: Connection, slug: str) -> int | None:
    """Return the id of the category that once had this address, or None."""
    found = connection.execute(_FORMER_CATEGORY, {"slug": slug}).scalar_one_or_none()
    return None if found is None else int(found)


def holder(connection: Connection, field: str, value: str, other_than: int | None = None) -> Holder | None:
    """Return the part that has this `sku` or `slug`, unless it is `other_than`."""
    found = connection.execute(_HOLDERS[field], {"value": value, "part_id": other_than}).one_or_none()
    return None if found is None else Holder(found.id, archived=found.archived)


def duplicate(connection: Connection, field: str, value: str) -> DuplicateError:
    """Return the refusal of a `sku` or `slug` that another part has, naming that part."""
    return DuplicateError(field, value, holder=holder(connection, field, value))
