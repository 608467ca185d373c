"""Socket.IO names: the namespaces, the rooms in them, the channels between processes, and the sum of those whom emits reach. One
channel carries emits, the other questions about the pages of each process.

In Valkey the names of the channels and the sums begin with the installation's prefix (`Settings.prefix`).
"""

CUSTOMERS = "/customers"
ADMIN = "/admin"
CATALOG_ROOM = "catalog"
CATEGORIES_ROOM = "categories"
EVERYTHING_ROOM = "everything"
CHANNEL = "live"
QUESTIONS = "live:questions"


def part_room(part_id: int) -> str:
    """The room of all pages that show a part."""
    return f"part:{part_id}"


def told(event_id: str) -> str:
    """The key of the number of pages that were told of an event."""
    return f"told:{event_id}"
