"""A part's content: its row, specifications and pictures; written with its event and its snapshot."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from types import SimpleNamespace
from typing import Any

from sqlalchemy import Connection, Row, text

from app.contract.events import SEEN, Actor, Aspect, Event, EventType, ListFacet, Operation
from app.contract.formats import rfc3339
from app.domain.content import COLUMNS
from app.domain.pictures import shown
from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork

# The whole content of any number of parts in one statement. The category path is walked upwards from the parts' own categories,
# so its cost does not grow with the tree. How many ids there are is hidden from the planner, which would plan anew for them each
# time, and take as long for it as to read a part. `json`, since `jsonb` would be put together only to be taken apart again.
_CONTENT = text("""
    WITH RECURSIVE wanted AS MATERIALIZED (
        SELECT * FROM parts WHERE id = ANY(ARRAY(SELECT unnest(CAST(:part_ids AS bigint[]))))
    ), up AS (
        SELECT c.id AS leaf, c.id, c.name, c.slug, c.parent_id, 0 AS distance
        FROM categories c WHERE c.id IN (SELECT category_id FROM wanted)
        UNION ALL
        SELECT up.leaf, c.id, c.name, c.slug, c.parent_id, up.distance + 1
        FROM up JOIN categories c ON c.id = up.parent_id
    ), path AS (
        SELECT leaf, json_agg(json_build_object('id', id, 'name', name, 'slug', slug) ORDER BY distance DESC) AS steps
        FROM up GROUP BY leaf
    )
    SELECT p.id, p.sku, p.slug, p.part_name, p.description, p.category_id, p.manufacturer, p.manufacturer_number, p.status,
           p.archived_at, p.version, p.created_at, p.updated_at, p.last_updated_by,
           (SELECT name FROM users WHERE id = p.last_updated_by) AS last_updated_by_name,
           p.status = 'published' AND p.archived_at IS NULL AS is_public,
           path.steps AS category_path,
           COALESCE((SELECT json_agg(json_build_object('name', s.name, 'unit', s.unit, 'group', s.group, 'value', s.value)
                                     ORDER BY s.position, s.id)
                     FROM part_specifications s WHERE s.part_id = p.id), '[]') AS specifications,
           COALESCE((SELECT json_agg(json_build_object('id', i.id, 'alt', i.alt, 'width', i.width, 'digest', i.digest,
                                                       'height', i.height, 'byte_size', i.byte_size,
                                                       'extension', i.extension)
                                     ORDER BY i.position, i.id)
                     FROM part_images i WHERE i.part_id = p.id), '[]') AS images
    FROM wanted p LEFT JOIN path ON path.leaf = p.category_id
""")
# Who looks at each value in lists of parts that customers see before and after; at pictures none does.
_LOOKED_AT: dict[str, tuple[ListFacet, ...]] = {
    "sku": (ListFacet.WORDS,),
    "slug": (ListFacet.ADDRESS,),
    "part_name": (ListFacet.NAME, ListFacet.WORDS),
    "description": (ListFacet.WORDS,),
    "category_id": (ListFacet.MEMBERS,),
    "manufacturer": (ListFacet.MANUFACTURER, ListFacet.WORDS),
    "manufacturer_number": (ListFacet.WORDS,),
    "specifications": (ListFacet.SPECIFICATIONS,),
}
_UPDATE_PART = text("""
    UPDATE parts
    SET sku = :sku, slug = :slug, part_name = :part_name, description = :description, category_id = :category_id,
        manufacturer = :manufacturer, manufacturer_number = :manufacturer_number, status = :status,
        archived_at = CASE WHEN :archived THEN COALESCE(archived_at, clock_timestamp()) END,
        version = :version, last_updated_by = :actor_id, updated_at = GREATEST(clock_timestamp(), updated_at)
    WHERE id = :part_id
""")
_PLACE_MANY = text("""
    UPDATE parts p
    SET status = r.status, category_id = r.category_id,
        archived_at = CASE WHEN r.archived THEN COALESCE(p.archived_at, clock_timestamp()) END,
        version = p.version + 1, last_updated_by = :actor_id, updated_at = GREATEST(clock_timestamp(), p.updated_at)
    FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(part_id int, status text, category_id int, archived boolean)
    WHERE p.id = r.part_id
""")
# What triggers do for whoever has them switched on.
_KEEP_FEATURES = text("SELECT keep_features_of(ARRAY[CAST(:part_id AS int)])")
_INSERT = """
    INSERT INTO part_specifications (part_id, name, value, unit, "group", position)
    SELECT part_id, name, value, COALESCE(unit, ''), COALESCE("group", ''), place - 1
    FROM jsonb_to_recordset(CAST(:lists AS jsonb)) AS l(part_id int, specifications jsonb)
    CROSS JOIN LATERAL ROWS FROM (jsonb_to_recordset(specifications) AS (name text, value text, unit text, "group" text))
      WITH ORDINALITY AS s(name, value, unit, "group", place)
"""
_INSERT_SPECIFICATIONS = text(_INSERT)
# At once, so that triggers see what has changed, and not everything go and come back. None is inserted before all have gone.
_REPLACE_SPECIFICATIONS = text(f"""
    WITH gone AS (DELETE FROM part_specifications WHERE part_id = ANY(:part_ids) RETURNING part_id)
    {_INSERT} WHERE (SELECT count(*) FROM gone) >= 0
""")  # noqa: S608 — constant text


@dataclass(frozen=True, slots=True)
class Content:
    """A part's content as it stands, in the shapes that its readers need."""

    # A row of `load`, or the substitute that `of_new` makes.
    row: Any

    @property
    def id(self) -> int:
        """The part's id."""
        return int(self.row.id)

    @property
    def version(self) -> int:
        """The content version."""
        return int(self.row.version)

    @property
    def is_public(self) -> bool:
        """Whether customers may see the part."""
        return bool(self.row.is_public)

    @property
    def is_withdrawn(self) -> bool:
        """Whether customers saw the part, which is archived now. An archived draft never existed for them."""
        return self.row.archived_at is not None and self.row.status == "published"

    @property
    def status(self) -> str:
        """`draft`, `published` or `archived`."""
        return "archived" if self.row.archived_at else str(self.row.status)

    def category(self) -> dict[str, Any] | None:
        """Return the category with its path from the root, or None."""
        steps = self.row.category_path
        return {**steps[-1], "path": steps} if steps else None

    def public(self) -> dict[str, Any]:
        """Return what customers may see."""
        row = self.row
        return {
            "id": row.id,
            "sku": row.sku,
            "slug": row.slug,
            "part_name": row.part_name,
            "description": row.description,
            "category": self.category(),
            "manufacturer": row.manufacturer,
            "manufacturer_number": row.manufacturer_number,
            "images": [shown(image) for image in row.images],
            "specifications": row.specifications,
            "version": row.version,
            "updated_at": rfc3339(row.updated_at),
        }

    def state(self) -> dict[str, Any]:
        """Return what the panel shows."""
        return self.state_beside(self.public())

    def state_beside(self, public: dict[str, Any]) -> dict[str, Any]:
        """Return what the panel shows, given what customers may see."""
        return public | {
            "status": self.status,
            "category_id": self.row.category_id,
            "last_updated_by": self.row.last_updated_by,
            "last_updated_by_name": self.row.last_updated_by_name,
        }

    def snapshot(self) -> dict[str, Any]:
        """Return what a content version keeps: enough to restore the content exactly."""
        values = {column: getattr(self.row, column) for column in COLUMNS}
        return values | {
            "archived": self.row.archived_at is not None,
            "category": self.category(),
            "specifications": self.row.specifications,
            "images": self.row.images,
        }

    def values(self) -> dict[str, Any]:
        """Return the columns, by name, that the audit trail compares."""
        values = {column: getattr(self.row, column) for column in COLUMNS}
        return values | {
            "archived_at": self.row.archived_at and rfc3339(self.row.archived_at),
            "category_path": self.row.category_path,
            "specifications": self.row.specifications,
            "images": self.row.images,
            "version": self.row.version,
        }


def of_new(
    columns: Mapping[str, Any], inserted: Row[Any], actor: Actor, path: Sequence[dict[str, Any]] | None,
    specifications: Sequence[dict[str, Any]],
) -> Content:  # fmt: skip
    """Return the content of a part that was just inserted without pictures, as `load` would.

    Args:
        inserted: its id and times.
        path: its category and the ancestors, from the root; None without a category.
    """
    row = SimpleNamespace(
        **columns, id=inserted.id, created_at=inserted.created_at, updated_at=inserted.updated_at, archived_at=None,
        version=1, last_updated_by=actor.user_id, last_updated_by_name=actor.name,
        is_public=columns["status"] == "published", category_path=path, specifications=specifications, images=[],
    )  # fmt: skip
    return Content(row)


def load(connection: Connection, part_ids: Sequence[int]) -> dict[int, Content]:
    """Return the content of those of the given parts that exist."""
    return {row.id: Content(row) for row in connection.execute(_CONTENT, {"part_ids": list(part_ids)})}


def place_many(unit_of_work: UnitOfWork, rows: Sequence[dict[str, Any]]) -> None:
    """Write `status`, `category_id` and `archived` of locked parts as their next version; the caller records the events."""
    unit_of_work.execute(_PLACE_MANY, rows=jsonb(rows), actor_id=unit_of_work.actor.user_id)


def replace_specifications(unit_of_work: UnitOfWork, lists: Mapping[int, Sequence[dict[str, Any]]]) -> None:
    """Replace the specifications of the given parts, whose rows are locked, keeping the given order."""
    unit_of_work.execute(_REPLACE_SPECIFICATIONS, part_ids=list(lists), lists=_given(lists))


def insert_specifications(unit_of_work: UnitOfWork, lists: Mapping[int, Sequence[dict[str, Any]]]) -> None:
    """Insert the specifications of parts that have none, in the given order."""
    unit_of_work.execute(_INSERT_SPECIFICATIONS, lists=_given(lists))


def _given(lists: Mapping[int, Sequence[dict[str, Any]]]) -> str:
    return jsonb([{"part_id": part_id, "specifications": specifications} for part_id, specifications in lists.items()])


@dataclass(frozen=True, slots=True)
class AuditedRow:
    """The row that the audit trail names, where it is not the part's own."""

    table_name: str
    record_id: int
    operation: Operation


def save(
    unit_of_work: UnitOfWork, before: Content, columns: dict[str, Any], *, archived: bool, reason: str | None,
    audited: AuditedRow | None = None,
) -> Content:  # fmt: skip
    """Write `columns` over a locked part as its next version, record the event, and return the new content.

    Specifications and pictures must already have been replaced by their own functions; the new content includes them.
    """
    after = _write(unit_of_work, before, columns, version=before.version + 1, archived=archived)
    unit_of_work.record(changed_event(before, after, reason, audited))
    return after


def adopt(unit_of_work: UnitOfWork, present: Content, recorded: dict[str, Any], version: int, reason: str) -> None:
    """Give a locked part that was edited with the triggers switched off its next version and the event it owes.

    `recorded` is the last snapshot that an event carried.
    """
    archived = present.row.archived_at is not None
    after = _write(unit_of_work, present, {}, version=version, archived=archived)
    unit_of_work.execute(_KEEP_FEATURES, part_id=present.id)
    new = after.values()
    old = {name: recorded.get(name) for name in (*COLUMNS, "specifications", "images")}
    changed = [name for name in old if new[name] != old[name]]
    was_public = recorded["status"] == "published" and not recorded["archived"]
    kind = EventType.PART_DELETED if archived and not recorded["archived"] else EventType.CONTENT_UPDATED
    operation: Operation = "DELETE" if kind is EventType.PART_DELETED else "UPDATE"
    unit_of_work.record(
        _event(
            kind, operation, after, {name: old[name] for name in changed}, {name: new[name] for name in changed},
            was_public=was_public, reason=reason,
        )
    )  # fmt: skip


def _write(unit_of_work: UnitOfWork, before: Content, columns: dict[str, Any], *, version: int, archived: bool) -> Content:
    row = before.row
    values = {column: getattr(row, column) for column in COLUMNS} | columns
    unit_of_work.execute(
        _UPDATE_PART, part_id=row.id, archived=archived, version=version, actor_id=unit_of_work.actor.user_id, **values
    )
    return load(unit_of_work.connection, [row.id])[row.id]


def changed_event(before: Content, after: Content, reason: str | None, audited: AuditedRow | None = None) -> Event:
    """Return the event that leads from one content version to the next."""
    was_archived, is_archived = before.row.archived_at is not None, after.row.archived_at is not None
    kind: EventType = EventType.CONTENT_UPDATED
    operation: Operation = "UPDATE"
    if is_archived and not was_archived:
        kind, operation = EventType.PART_DELETED, "DELETE"
    elif was_archived and not is_archived:
        kind = EventType.PART_RESTORED
    old, new = before.values(), after.values()
    changed = [name for name in new if new[name] != old[name]]
    event = _event(
        kind,
        operation,
        after,
        {name: old[name] for name in changed},
        {name: new[name] for name in changed},
        was_public=before.is_public,
        reason=reason,
    )
    return replace(event, **asdict(audited)) if audited else event


def created_event(after: Content, reason: str | None = None) -> Event:
    """Return the event of a part's first content version."""
    return _event(EventType.PART_CREATED, "INSERT", after, None, after.values(), was_public=False, reason=reason)


def _event(
    kind: EventType, operation: Operation, after: Content, old: dict[str, Any] | None, new: dict[str, Any], *,
    was_public: bool, reason: str | None,
) -> Event:  # fmt: skip
    shown_to_customers = after.public()
    return Event(
        type=kind,
        aggregate_type="part",
        aggregate_id=after.id,
        aspect=Aspect.CONTENT,
        version=after.version,
        table_name="parts",
        record_id=after.id,
        operation=operation,
        old_values=old,
        new_values=new,
        public=shown_to_customers if after.is_public else None,
        was_public=was_public,
        state=after.state_beside(shown_to_customers),
        lists=_lists(after, old or (), was_public=was_public),
        places=_places(after, old or {}),
        snapshot=after.snapshot(),
        reason=reason,
    )


def _lists(after: Content, changed: Collection[str], *, was_public: bool) -> tuple[ListFacet, ...]:
    """Return what lists must look at to differ after the change of these values."""
    if after.is_public != was_public:
        return SEEN
    if not was_public:
        # By hand, or since its category is: what its page still says of it, and which parts are near it.
        if changed and after.is_withdrawn:
            return ListFacet.ADDRESS, ListFacet.MEMBERS
        # Where the address of a withdrawn part leads, and whether it is gone, is shown all the same.
        return () if {"slug", "status"}.isdisjoint(changed) else (ListFacet.ADDRESS,)
    if not changed:
        # By hand, a column that says nothing about the part, such as the time at which it was created.
        return SEEN
    return tuple(sorted({facet for name in changed for facet in _LOOKED_AT.get(name, ())}))


def _places(after: Content, old: Mapping[str, Any]) -> tuple[int, ...]:
    now = after.row.category_id
    return tuple(sorted({place for place in (now, old.get("category_id", now)) if place is not None}))
