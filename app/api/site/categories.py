"""The category tree as pages show it: what is right below a category, with the number of parts in it and below it."""

from collections.abc import Sequence
from typing import Any

from app.domain.categories import DEEPEST
from app.services.product_page import category_address
from app.services.rich_text import plain

Nodes = Sequence[dict[str, Any]]


def below(tree: Nodes, parent: int | None) -> list[dict[str, Any]]:
    """Return the categories right below one that have parts, by name; None: the main ones.

    Args:
        tree: all categories as the API lists them.
    """
    children: dict[int | None, list[dict[str, Any]]] = {}
    for node in tree:
        children.setdefault(node["parent_id"], []).append(node)

    # Bounded, should somebody have made a circle with SQL.
    def count(node: dict[str, Any], levels: int = DEEPEST) -> int:
        deeper = children.get(node["id"], ()) if levels else ()
        return int(node["part_count"]) + sum(count(child, levels - 1) for child in deeper)

    counted = [
        {
            "id": node["id"],
            "name": node["name"],
            "slug": node["slug"],
            "url": category_address(node["slug"]),
            "about": plain(node["description"]),
            "picture": node["picture"],
            "count": count(node),
        }
        for node in children.get(parent, ())
    ]
    return [node for node in counted if node["count"]]
