"""Socket.IO names: the namespaces, the rooms in them, the channel that carries emits between processes, and the sum of those whom
they reach.

In Valkey the names of the channel and the sums begin with the installation's prefix (`Settings.prefix`).
"""

CUSTOMERS = "/customers"
ADMIN = "/admin"
CATALOG_ROOM = "catalog"
CATEGORIES_ROOM = "categories"
EVERYTHING_ROOM = "everything"
CHANNEL = "live"


def part_room(part_id: int) -> str:
    """The room of all pages that show a part."""
    return f"part:{part_id}"


def told(event_id: str) -> str:
    """The key of the number of pages that were told of an event."""
    return f"told:{event_id}"
