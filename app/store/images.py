"""The rows of pictures. Callers that write one hold its part's lock, and have `app.store.content.save` make the next version.

The files that the rows refer to are never deleted: content versions refer to them too.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, text

from app.store.encoding import jsonb
from app.store.transaction import UnitOfWork

_INSERT = text("""
    INSERT INTO part_images (part_id, digest, extension, byte_size, alt, width, height, position)
    SELECT :part_id, :digest, :extension, :byte_size, :alt, :width, :height, COALESCE(max(position) + 1, 0)
    FROM part_images WHERE part_id = :part_id
    RETURNING id
""")
_DELETE = text("DELETE FROM part_images WHERE part_id = :part_id AND id = :image_id")
_SET_ALT = text("UPDATE part_images SET alt = :alt WHERE part_id = :part_id AND id = :image_id")
_SET_ORDER = text("""
    UPDATE part_images i SET position = o.position
    FROM unnest(CAST(:image_ids AS int[])) WITH ORDINALITY AS o(id, position)
    WHERE i.part_id = :part_id AND i.id = o.id
""")
_DELETE_OTHERS = text("DELETE FROM part_images WHERE part_id = :part_id AND id <> ALL(:image_ids)")
_UPSERT = text("""
    INSERT INTO part_images (id, part_id, digest, extension, byte_size, alt, width, height, position)
    SELECT id, :part_id, digest, extension, byte_size, alt, width, height, position
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(id int, digest text, extension text, byte_size int, alt text, width int, height int, position int)
    ON CONFLICT (id) DO UPDATE
    SET digest = excluded.digest, extension = excluded.extension, byte_size = excluded.byte_size, alt = excluded.alt,
        width = excluded.width, height = excluded.height, position = excluded.position,
        variants_at = CASE WHEN part_images.digest = excluded.digest THEN part_images.variants_at END
    WHERE part_images.part_id = excluded.part_id
""")
# In random order: a file that kills the worker processing it must not block all the others for good.
_WITHOUT_VARIANTS = text("""
    SELECT DISTINCT ON (digest) digest, extension, width
    FROM (SELECT digest, extension, width FROM part_images WHERE variants_at IS NULL ORDER BY random() LIMIT :limit) chosen
""")
_SET_VARIANTS = text("UPDATE part_images SET variants_at = now() WHERE digest = :digest AND variants_at IS NULL")


def insert_image(unit_of_work: UnitOfWork, part_id: int, values: dict[str, Any]) -> int:
    """Insert a picture after the part's other ones and return its id."""
    return int(unit_of_work.execute(_INSERT, part_id=part_id, **values).scalar_one())


def delete_image(unit_of_work: UnitOfWork, part_id: int, image_id: int) -> None:
    """Delete one picture of a part."""
    unit_of_work.execute(_DELETE, part_id=part_id, image_id=image_id)


def set_alt(unit_of_work: UnitOfWork, part_id: int, image_id: int, alt: str) -> None:
    """Write one picture's alternative text."""
    unit_of_work.execute(_SET_ALT, part_id=part_id, image_id=image_id, alt=alt)


def set_order(unit_of_work: UnitOfWork, part_id: int, image_ids: Sequence[int]) -> None:
    """Put the part's pictures into the order of `image_ids`, which are all of them."""
    unit_of_work.execute(_SET_ORDER, part_id=part_id, image_ids=list(image_ids))


def replace_images(unit_of_work: UnitOfWork, part_id: int, images: Sequence[dict[str, Any]]) -> None:
    """Make the part's pictures exactly these, ids included, as a snapshot has them. Pictures that stay keep their variants."""
    rows = [{**image, "position": position} for position, image in enumerate(images)]
    unit_of_work.execute(_DELETE_OTHERS, part_id=part_id, image_ids=[image["id"] for image in images])
    unit_of_work.execute(_UPSERT, part_id=part_id, rows=jsonb(rows))


def without_variants(connection: Connection, limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` pictures whose variants are still to be made, each file once."""
    return [dict(row._mapping) for row in connection.execute(_WITHOUT_VARIANTS, {"limit": limit})]


def set_variants(connection: Connection, digest: str) -> None:
    """Record that nothing is left to do for a file, whichever parts show it."""
    connection.execute(_SET_VARIANTS, {"digest": digest})
