"""The category tree: reading, writing and recording it; and moving parts from a category that is being deleted."""

from collections.abc import Collection, Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Pool, Row, text

from app.contract.events import Aspect, Event, EventType, ListFacet, Operation
from app.contract.formats import rfc3339
from app.domain.categories import Node, Tree
from app.domain.pictures import addressed
from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork

_VERSIONS = text("SELECT id, version FROM categories WHERE id = ANY(:category_ids)")
_TREE = text("SELECT id, name, slug, parent_id FROM categories ORDER BY id")
# What was typed in the normal form of searches, and all names.
_NAMES = text("""
    SELECT search_tokens(:typed) AS typed, ARRAY(SELECT id FROM categories ORDER BY id) AS ids,
           ARRAY(SELECT name FROM categories ORDER BY id) AS names
""")
_WORDS = text("SELECT name, search_tokens(name) AS words FROM unnest(CAST(:names AS text[])) name")
# UNION ends a circle that somebody made with SQL.
_SHOWN = text("""
    WITH RECURSIVE found AS (SELECT id, name FROM categories WHERE id = ANY(:ids)),
    below AS (
        SELECT id AS top, id FROM found UNION SELECT below.top, c.id FROM categories c JOIN below ON c.parent_id = below.id)
    SELECT id FROM found
    WHERE EXISTS (
        SELECT FROM below
        -- One index lookup a category, whatever the planner thinks of all parts.
        CROSS JOIN LATERAL (SELECT FROM part_search s WHERE s.category_id = below.id AND s.is_public LIMIT 1) shown
        WHERE below.top = found.id)
    ORDER BY search_order(name), id LIMIT :limit
""")
_EXISTS = text("SELECT EXISTS (SELECT FROM categories WHERE id = :category_id)")
# Who last changed a category is in its newest event, which is never pruned.
_ROWS = text("""
    SELECT c.id, c.name, c.slug, c.parent_id, c.description, c.picture, c.version, c.updated_at, search_order(c.name) AS sort_key,
           last.id AS changed_by, last.name AS changed_by_name,
           CASE WHEN :counted THEN (SELECT count(*) FROM parts p WHERE p.category_id = c.id AND p.archived_at IS NULL) END
             AS part_count,
           (SELECT count(*) FROM categories child WHERE child.parent_id = c.id) AS child_count
    FROM categories c
    LEFT JOIN LATERAL (
        SELECT u.id, u.name FROM outbox_events e JOIN users u ON u.id = e.actor_id
        WHERE e.aggregate_type = 'category' AND e.aggregate_id = c.id AND e.aspect = 'content'
        ORDER BY e.version DESC LIMIT 1) last ON true
    WHERE CAST(:category_id AS int) IS NULL OR c.id = :category_id
    ORDER BY sort_key, c.id
""")
_INSERT = text("""
    INSERT INTO categories (name, slug, parent_id, description)
    SELECT :name, free.slug, :parent_id, :description
    FROM generate_series(1, 1 + (SELECT count(*) FROM categories WHERE slug = :slug OR starts_with(slug, :slug || '-'))
                              + (SELECT count(*) FROM former_slugs
                                 WHERE kind = 'category' AND (slug = :slug OR starts_with(slug, :slug || '-')))) AS n
    CROSS JOIN LATERAL (SELECT CASE n WHEN 1 THEN CAST(:slug AS text) ELSE :slug || '-' || n END AS slug) free
    WHERE NOT EXISTS (SELECT FROM categories c WHERE c.slug = free.slug)
      AND (:chosen OR NOT EXISTS (SELECT FROM former_slugs f WHERE f.kind = 'category' AND f.slug = free.slug))
    ORDER BY n LIMIT 1
    RETURNING id, name, slug, parent_id, description, picture, version
""")
_UPDATE = text("""
    UPDATE categories
    SET name = :name, slug = :slug, parent_id = :parent_id, description = :description, picture = CAST(:picture AS jsonb),
        version = version + 1, updated_at = clock_timestamp()
    WHERE id = :category_id
    RETURNING id, name, slug, parent_id, description, picture, version
""")
_DELETE = text("DELETE FROM categories WHERE id = :category_id")
_PARTS = text("SELECT id FROM parts WHERE category_id = :category_id ORDER BY id")
_HELD = text("""
    SELECT count(*) AS parts, count(archived_at) AS archived,
           (SELECT count(*) FROM categories WHERE parent_id = :category_id) AS children
    FROM parts WHERE category_id = :category_id
""")
_MOVE_PARTS = text("""
    UPDATE parts
    SET category_id = :target, version = version + 1, last_updated_by = :actor_id,
        updated_at = GREATEST(clock_timestamp(), updated_at)
    WHERE id = ANY(:part_ids)
""")

_COLUMNS = ("name", "slug", "parent_id", "description", "picture")


def nodes(connection: Connection) -> list[tuple[Any, ...]]:
    """Return what a `Node` is made of, for each category."""
    return [tuple(row) for row in connection.execute(_TREE)]


def named(connection: Connection, typed: str, limit: int) -> list[int]:
    """Return the ids of the first categories, by name, whose names have words that begin with those typed, and which have
    published parts in them or below."""
    row = connection.execute(_NAMES, {"typed": typed}).one()
    if not row.typed:
        return []
    words = _words_of(connection, row.names)
    # Each word begins one of the name's.
    ids = [
        category_id for category_id, name in zip(row.ids, row.names, strict=True)
        if all(any(own.startswith(word) for own in words[name]) for word in row.typed)
    ]  # fmt: skip
    return list(connection.execute(_SHOWN, {"ids": ids, "limit": limit}).scalars()) if ids else []


# By the connections that they were read over. What a name's words are follows from the name alone.
_words: WeakKeyDictionary[Pool, dict[str, list[str]]] = WeakKeyDictionary()


def _words_of(connection: Connection, names: Sequence[str]) -> dict[str, list[str]]:
    """Return the words of each name, as searches read them."""
    pool = connection.engine.pool
    known = _words.get(pool, {})
    if missing := [name for name in names if name not in known]:
        known = {name: known[name] for name in names if name in known}
        known |= {row.name: row.words for row in connection.execute(_WORDS, {"names": missing})}
        _words[pool] = known
    return known


def versions_of(connection: Connection, category_ids: Collection[int]) -> dict[int, int]:
    """Return the versions of those categories that exist."""
    rows = connection.execute(_VERSIONS, {"category_ids": list(category_ids)})
    return {row.id: row.version for row in rows}


def tree(connection: Connection) -> Tree:
    """Return the whole tree; whoever changes it holds `locks.lock_category_tree`."""
    return Tree(Node(*node) for node in nodes(connection))


def exists(connection: Connection, category_id: int) -> bool:
    """Return whether there is such a category."""
    return bool(connection.execute(_EXISTS, {"category_id": category_id}).scalar_one())


def load(connection: Connection, category_id: int | None = None, *, counted: bool = True) -> Sequence[Row[Any]]:
    """Return one category, or all, with the numbers of its child categories and, if `counted`, of unarchived parts in it."""
    return connection.execute(_ROWS, {"category_id": category_id, "counted": counted}).all()


def state(row: Row[Any]) -> dict[str, Any]:
    """Return a row of `load` as the panel shows it."""
    at = rfc3339(row.updated_at)
    return {
        "id": row.id,
        **_values(row),
        "part_count": row.part_count,
        "child_count": row.child_count,
        "updated_at": at,
        "changed_by": {"id": row.changed_by, "name": row.changed_by_name} if row.changed_by else None,
        "changed_at": at,
    }


def insert(
    unit_of_work: UnitOfWork, name: str, slug: str, parent_id: int | None, reason: str | None, description: str = "",
    *, chosen: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Insert a category, record it and return it as a step of a path. The caller holds `locks.lock_category_tree`.

    A slug that is taken, or that once led to another category and is not `chosen`, gets a number appended.
    """
    columns = {"name": name, "slug": slug, "parent_id": parent_id, "description": description}
    row = unit_of_work.execute(_INSERT, **columns, chosen=chosen).one()
    unit_of_work.record(created_event(row, reason))
    return {"id": row.id, "name": row.name, "slug": row.slug}


def update(unit_of_work: UnitOfWork, before: Row[Any], columns: dict[str, Any], reason: str | None) -> None:
    """Write `columns` over a category as its next version and record it."""
    columns = {name: getattr(before, name) for name in _COLUMNS} | columns
    picture = columns.pop("picture")
    after = unit_of_work.execute(_UPDATE, category_id=before.id, picture=picture and jsonb(picture), **columns).one()
    unit_of_work.record(changed_event(before, after, reason))


def delete(unit_of_work: UnitOfWork, before: Row[Any], reason: str | None) -> None:
    """Delete an empty category and record it."""
    unit_of_work.execute(_DELETE, category_id=before.id)
    unit_of_work.record(deleted_event(before, reason))


def created_event(after: Any, reason: str | None) -> Event:
    """Return the event of a new category."""
    return _event(EventType.CATEGORY_CREATED, "INSERT", after.id, after.version, None, _values(after), reason)


def changed_event(before: Any, after: Any, reason: str | None) -> Event:
    """Return the event that leads from one version of a category to the next."""
    old, new = _values(before), _values(after)
    changed = [name for name in new if new[name] != old[name]]
    return _event(
        EventType.CATEGORY_UPDATED, "UPDATE", after.id, after.version,
        {name: old[name] for name in changed}, {name: new[name] for name in changed}, reason, state=new,
    )  # fmt: skip


def deleted_event(before: Any, reason: str | None) -> Event:
    """Return the event of a category that is gone."""
    old = _values(before)
    return _event(EventType.CATEGORY_DELETED, "DELETE", before.id, before.version + 1, old, None, reason, state=old)


def part_ids(unit_of_work: UnitOfWork, category_id: int) -> list[int]:
    """Return the ids of the parts directly in a category, whatever their state, in ascending order."""
    return list(unit_of_work.execute(_PARTS, category_id=category_id).scalars())


def held(unit_of_work: UnitOfWork, category_id: int) -> Row[Any]:
    """Return how many parts, how many archived ones among them, and how many child categories a category directly has."""
    return unit_of_work.execute(_HELD, category_id=category_id).one()


def move_parts(unit_of_work: UnitOfWork, part_ids: Sequence[int], target: int) -> None:
    """Put locked parts into the category `target` as their next version; the caller records their events."""
    unit_of_work.execute(_MOVE_PARTS, part_ids=list(part_ids), target=target, actor_id=unit_of_work.actor.user_id)


def _values(row: Any) -> dict[str, Any]:
    # What a trigger kept of a row before there were pictures has none.
    picture = getattr(row, "picture", None)
    return {name: getattr(row, name) for name in _COLUMNS[:-1]} | {
        "picture": picture and addressed(picture), "version": row.version,
    }  # fmt: skip


def _event(
    kind: EventType, operation: Operation, category_id: int, version: int, old: dict[str, Any] | None,
    new: dict[str, Any] | None, reason: str | None, state: dict[str, Any] | None = None,
) -> Event:  # fmt: skip
    shown = {"id": category_id, **(state or new or {}), "version": version}
    return Event(
        type=kind, aggregate_type="category", aggregate_id=category_id, aspect=Aspect.CONTENT, version=version,
        table_name="categories", record_id=category_id, operation=operation, old_values=old, new_values=new,
        public=None if operation == "DELETE" else shown, state=shown, lists=(ListFacet.CATEGORIES,), reason=reason,
    )  # fmt: skip
