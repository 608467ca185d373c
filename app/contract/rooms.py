"""Socket.IO names: the namespaces, the rooms in them, and the channel that carries emits between processes.

In Valkey the channel's name begins with the installation's prefix (`Settings.prefix`).
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
