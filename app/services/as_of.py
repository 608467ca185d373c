"""A part as customers saw it at a given time, reconstructed from its recorded history."""

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row

from app.contract.formats import rfc3339
from app.domain.errors import InvalidFieldError, NotFoundError
from app.domain.pictures import shown
from app.domain.pricing import current_price
from app.store import as_of, content, versions
from app.store.prices import public_state


def part_as_of(reading: Engine, part_id: int, at: datetime) -> dict[str, Any]:
    """Return whether customers saw the part at that moment, and what they saw.

    `complete` is False if something from that time has not been recorded yet, or can no longer be known.

    Raises:
        NotFoundError: if there is no such part.
        InvalidFieldError: if the moment is in the future.
    """
    with reading.connect() as connection:
        if not as_of.has_passed(connection, at):
            raise InvalidFieldError("at", "This moment is still to come; name one that has passed.")
        if not content.load(connection, [part_id]):
            raise NotFoundError(f"There is no part {part_id}.")
        # Checked first: whatever is recorded in the meantime can only add to what is found below.
        complete = as_of.is_complete(connection, part_id, at)
        version = versions.in_force(connection, part_id, at)
        hidden = _why_hidden(version)
        part = None
        if version is not None and hidden is None:
            part, known = _seen(connection, part_id, version, at)
            complete = complete and known
    return {
        "part_id": part_id,
        "at": rfc3339(at),
        "visible": hidden is None,
        "reason": hidden,
        "complete": complete,
        "version_number": version.version_number if version else None,
        "part": part,
    }


def _why_hidden(version: Row[Any] | None) -> str | None:
    if version is None:
        return "not_created"
    snapshot = version.content_snapshot
    if snapshot["archived"]:
        return "archived"
    return None if snapshot["status"] == "published" else "draft"


def _seen(connection: Connection, part_id: int, version: Row[Any], at: datetime) -> tuple[dict[str, Any], bool]:
    """Return the public part as of that moment, and whether all of it is known."""
    snapshot = version.content_snapshot
    stock, prices = as_of.stock(connection, part_id, at), as_of.prices(connection, part_id, at)
    copied = ("sku", "slug", "part_name", "description", "manufacturer", "manufacturer_number", "specifications")
    category_id = snapshot.get("category_id")
    category = category_id and as_of.category(connection, category_id, at)
    legacy, legacy_is_certain = as_of.legacy(connection, part_id, at)
    price = current_price(prices.lines, legacy, at)
    part = {
        "id": part_id,
        **{name: snapshot.get(name) for name in copied},
        # The snapshot has the path of when it was made.
        "category": category or snapshot.get("category"),
        "images": [shown(image) for image in snapshot["images"]],
        "price": public_state(price, prices.version, prices.since or at)["price"],
        "stock": stock.public() if stock else None,
        "version": version.version_number,
        "updated_at": rfc3339(version.created_at),
    }
    return part, legacy_is_certain or price is not None
