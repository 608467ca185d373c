"""Socket.IO names: the namespaces, the rooms in them, and the channels between processes: one carries emits, the other questions
about the pages of each.

In Valkey their names begin with the installation's prefix (`Settings.prefix`).
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
