"""The rules of the category tree: where a category may stand, how it is addressed, and what its path says."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from app.domain.content import alike, slug_of
from app.domain.errors import DuplicateError, InvalidFieldError

DEEPEST = 20


@dataclass(frozen=True, slots=True)
class Node:
    """One category."""

    id: int
    name: str
    slug: str
    parent_id: int | None


class Tree:
    """All categories at one moment."""

    def __init__(self, nodes: Iterable[Node]) -> None:
        self._nodes = {node.id: node for node in nodes}
        self._children: dict[int | None, list[Node]] = {}
        for node in self._nodes.values():
            self._children.setdefault(node.parent_id, []).append(node)

    def __contains__(self, category_id: int) -> bool:
        return category_id in self._nodes

    def find(self, reference: str) -> int | None:
        """Return the category with this id or slug, or None."""
        return next((node.id for node in self._nodes.values() if reference in (node.slug, str(node.id))), None)

    def children(self, category_id: int | None) -> list[Node]:
        """Return the categories right below one; None: those without a parent."""
        return self._children.get(category_id, [])

    def path(self, category_id: int) -> list[dict[str, Any]]:
        """Return the way from the root to a category, as parts show it."""
        steps: list[dict[str, Any]] = []
        at: int | None = category_id
        # Bounded, should somebody have made a circle with SQL.
        while at is not None and len(steps) < DEEPEST:
            node = self._nodes[at]
            steps.append({"id": node.id, "name": node.name, "slug": node.slug})
            at = node.parent_id
        return steps[::-1]

    def shown(self, category_id: int) -> dict[str, Any]:
        """Return a category with its path, as parts show it: in the order in which the cache holds it, so that the bytes of an
        answer are the same wherever it was read."""
        path = self.path(category_id)
        return {"id": category_id, "name": path[-1]["name"], "path": path, "slug": path[-1]["slug"]}

    def levels_below(self, category_id: int) -> list[list[int]]:
        """Return a category and all below it, level by level."""
        levels, level = [], [category_id]
        while level:
            levels.append(level)
            level = [child.id for parent in level for child in self.children(parent)]
        return levels

    def below(self, category_id: int) -> list[int]:
        """Return a category and all below it."""
        return [found for level in self.levels_below(category_id) for found in level]

    def check_place(self, parent_id: int | None, category_id: int | None = None) -> None:
        """Refuse a place for a category (None: a new one) that does not exist, lies below itself or is too deep.

        Raises:
            InvalidFieldError: naming `parent_id`.
        """
        if parent_id is not None:
            levels = [[0]] if category_id is None else self.levels_below(category_id)
            self._check_parent("parent_id", parent_id, levels, len(levels))

    def check_heir(self, target: int, category_id: int) -> None:
        """Refuse a category that cannot take over what another one holds, for the same reasons, or for equal names.

        Raises:
            InvalidFieldError: naming `target`.
        """
        levels = self.levels_below(category_id)
        self._check_parent("target", target, levels, len(levels) - 1)
        names = {alike(node.name) for node in self.children(target)}
        for child in self.children(category_id):
            if alike(child.name) in names:
                raise InvalidFieldError("target", f"Category {target} has a subcategory {child.name!r} too; rename one of them.")

    def _check_parent(self, field: str, parent_id: int, levels: list[list[int]], height: int) -> None:
        if parent_id not in self:
            raise InvalidFieldError(field, f"There is no category {parent_id}; list them at /api/v1/admin/categories.")
        if any(parent_id in level for level in levels):
            raise InvalidFieldError(field, f"Category {parent_id} is this category itself or lies below it; choose another one.")
        if len(self.path(parent_id)) + height > DEEPEST:
            raise InvalidFieldError(field, f"The tree would become deeper than {DEEPEST} levels; choose a higher place.")

    def check_names(self, name: str, parent_id: int | None, slug: str | None, category_id: int | None = None) -> None:
        """Refuse a name that a category has beside it already, and a slug that is taken anywhere.

        Raises:
            DuplicateError: naming the field.
        """
        beside = [node for node in self.children(parent_id) if node.id != category_id and alike(node.name) == alike(name)]
        present = self._nodes.get(category_id or 0)
        # An earlier release may have let two stand there.
        if beside and (present is None or (present.name, present.parent_id) != (name, parent_id)):
            raise DuplicateError("name", beside[0].name)
        if any(node.slug == slug and node.id != category_id for node in self._nodes.values()):
            raise DuplicateError("slug", slug or "")


def category_slug(name: str) -> str:
    """Return the readable address of a new category. It holds a letter, since digits alone are an id."""
    slug = slug_of(name)
    return slug if any(character.isalpha() for character in slug) else f"category-{slug}".rstrip("-")
