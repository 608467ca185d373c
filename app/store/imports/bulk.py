"""Set-based statements for imports and exports: one per kind of change and chunk, whatever the number of rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, text

from app.domain.content import alike
from app.domain.imports.columns import Specification
from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork

# Joined and not `= ANY`: whatever the planner believes about a table that has just been filled, it uses the index.
_IDS_BY_SKU = text("""
    SELECT p.id, p.sku, p.archived_at IS NOT NULL AS archived
    FROM unnest(CAST(:skus AS text[])) AS given(sku) JOIN parts p ON p.sku = given.sku
""")
_HOLDERS_OF_SLUGS = text("""
    SELECT p.slug, p.sku, p.id, p.archived_at IS NOT NULL AS archived
    FROM unnest(CAST(:slugs AS text[])) AS given(slug) JOIN parts p ON p.slug = given.slug
""")
_UPDATE_PARTS = text("""
    UPDATE parts p
    SET slug = r.slug, part_name = r.part_name, description = r.description, category_id = r.category_id,
        manufacturer = r.manufacturer, manufacturer_number = r.manufacturer_number, status = r.status,
        version = p.version + 1, last_updated_by = :actor_id, updated_at = GREATEST(clock_timestamp(), p.updated_at)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(part_id int, slug text, part_name text, description text, category_id int, manufacturer text,
           manufacturer_number text, status text)
    WHERE p.id = r.part_id
""")
_TOUCH_PRICES = text("""
    UPDATE parts SET price_version = price_version + 1, price_updated_by = :actor_id,
        price_updated_at = GREATEST(clock_timestamp(), price_updated_at)
    WHERE id = ANY(:part_ids) RETURNING id, price_version, price_updated_at
""")
# Deleting a category takes a few seconds if many parts move out of it; nobody waits for a chunk.
_WAIT_LONG = text("SELECT set_config('lock_timeout', '10s', true), set_config('statement_timeout', '20s', true)")
# The search is kept by triggers, part by part; a bulk quiets them to its end, and keeps it for all of its parts at once.
_QUIET_SEARCH = text("SELECT set_config('lockstep.bulk', 'on', true)")
_KEEP_SEARCH = text("SELECT keep_search_of(:part_ids), keep_current_prices_of(:part_ids)")
# The oldest last: of those that are alike it counts.
_CATEGORIES = text("SELECT id, name, slug, parent_id FROM categories ORDER BY id DESC")
_EXPORT = text("""
    SELECT p.id FROM parts p WHERE p.archived_at IS NULL AND p.sku > :after ORDER BY p.sku LIMIT :limit
""")
_SPECIFICATIONS = text("""
    SELECT s.name, s.unit, s."group" FROM part_specifications s JOIN parts p ON p.id = s.part_id WHERE p.archived_at IS NULL
    GROUP BY s.name, s.unit, s."group" ORDER BY min(s.position), s.name, s.unit, s."group"
""")


def wait_long(unit_of_work: UnitOfWork) -> None:
    """Wait for locks longer than a request would, in this transaction."""
    unit_of_work.execute(_WAIT_LONG)


def quiet_search(unit_of_work: UnitOfWork) -> None:
    """Leave the search to `keep_search`, in this transaction."""
    unit_of_work.execute(_QUIET_SEARCH)


def keep_search(unit_of_work: UnitOfWork, part_ids: Sequence[int]) -> None:
    """Bring the search up to date with the given parts, whose rows are locked or new, before this transaction ends: that takes
    about as long as everything else that is written of them."""
    unit_of_work.put_off(lambda: unit_of_work.execute(_KEEP_SEARCH, part_ids=list(part_ids)))


def ids_by_sku(connection: Connection, skus: Sequence[str]) -> Sequence[Row[Any]]:
    """Return id, SKU and whether it is archived, of those parts that exist."""
    return connection.execute(_IDS_BY_SKU, {"skus": list(skus)}).all()


def holders_of_slugs(connection: Connection, slugs: Sequence[str]) -> Sequence[Row[Any]]:
    """Return slug, SKU, id and whether it is archived, of those parts that have one of the given slugs."""
    return connection.execute(_HOLDERS_OF_SLUGS, {"slugs": list(slugs)}).all()


def update_parts(unit_of_work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """Write the content columns of locked parts as their next version."""
    unit_of_work.execute(_UPDATE_PARTS, rows=jsonb(rows), actor_id=unit_of_work.actor.user_id)


def touch_prices(unit_of_work: UnitOfWork, part_ids: Sequence[int]) -> dict[int, Row[Any]]:
    """Raise the price version of locked parts; return it with its time, by part."""
    touched = unit_of_work.execute(_TOUCH_PRICES, part_ids=list(part_ids), actor_id=unit_of_work.actor.user_id)
    return {row.id: row for row in touched}


def categories(connection: Connection) -> dict[tuple[int | None, str], dict[str, Any]]:
    """Return every category, as a step of a path, by its parent and its name: as it is, and in the form for comparison."""
    steps = [(row.parent_id, {"id": row.id, "name": row.name, "slug": row.slug}) for row in connection.execute(_CATEGORIES)]
    compared = {(parent_id, alike(step["name"])): step for parent_id, step in steps}
    # An earlier release may have let two stand there that are alike.
    return compared | {(parent_id, step["name"]): step for parent_id, step in steps}


def export_ids(connection: Connection, chunk: int) -> Iterator[list[int]]:
    """Yield the ids of all parts that are not archived, in the order of their SKUs, in chunks."""
    after = ""
    statement = text("SELECT sku FROM parts WHERE id = :id")
    while ids := list(connection.execute(_EXPORT, {"after": after, "limit": chunk}).scalars()):
        yield ids
        after = connection.execute(statement, {"id": ids[-1]}).scalar_one()


def specifications(connection: Connection) -> list[Specification]:
    """Return every specification in use, by name, unit and group, in the order of their places in the parts."""
    return [Specification(*row) for row in connection.execute(_SPECIFICATIONS)]


def part_exists(connection: Connection) -> bool:
    """Whether there is any part."""
    return bool(connection.execute(text("SELECT EXISTS (SELECT FROM parts)")).scalar_one())
