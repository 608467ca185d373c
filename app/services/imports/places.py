"""The categories that a chunk's rows are in: found, and made where they are missing."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from app.domain.categories import category_slug
from app.domain.content import alike
from app.store import categories
from app.store.imports import bulk
from app.store.locks import lock_category_tree
from app.store.transaction import UnitOfWork

Path = tuple[str, ...]


class Place(NamedTuple):
    """A category: its id, and the steps from the root to it as a part's content has them."""

    id: int | None
    steps: tuple[dict[str, Any], ...] = ()


Places = Mapping[Path, Place]

NOWHERE = Place(None)
# A category that is still to be made; no part is in it.
MISSING = Place(-1)


def hold(unit_of_work: UnitOfWork, paths: Iterable[Path]) -> Places:
    """Find the categories; if some are to be made, keep others from changing the tree.

    One that is renamed or moved meanwhile is still the one that was meant. If one is deleted, writing a part into it fails, and
    the unit of work is run again.
    """
    # In the file's order: the first of several spellings is the name of what is to be made.
    wanted = dict.fromkeys(path[:depth] for path in paths for depth in range(1, len(path) + 1))
    places = _found(unit_of_work, wanted)
    if MISSING not in places.values():
        return places
    lock_category_tree(unit_of_work)
    return _found(unit_of_work, wanted)


def _found(unit_of_work: UnitOfWork, wanted: Collection[Path]) -> Places:
    places: dict[Path, Place] = {(): NOWHERE}
    known = bulk.categories(unit_of_work.connection) if wanted else {}
    for path in sorted(wanted, key=len):
        above = places[path[:-1]]
        step = known.get((above.id, path[-1])) or known.get((above.id, alike(path[-1])))
        places[path] = _below(above, step) if step else MISSING
    return places


def make_missing(unit_of_work: UnitOfWork, places: Places, reason: str) -> Places:
    """Return the places, the missing ones made."""
    found = dict(places)
    made: dict[tuple[int | None, str], Place] = {}
    for path in sorted((path for path, place in places.items() if place == MISSING), key=len):
        above = found[path[:-1]]
        key = above.id, alike(path[-1])
        if key not in made:
            step = categories.insert(unit_of_work, path[-1], category_slug(path[-1]), above.id, reason)
            made[key] = _below(above, step)
        found[path] = made[key]
    return found


def _below(above: Place, step: dict[str, Any]) -> Place:
    return Place(step["id"], (*above.steps, step))
