"""The category tree that answers about parts are joined with: cached once, and held by each process under the cache's stamp."""

import time

import orjson
from sqlalchemy import Engine

from app.cache.dependencies import sources
from app.cache.manager import CacheManager
from app.domain.categories import Node, Tree
from app.store import cached_lists

# Seconds. What is edited with the triggers switched off has no invalidation: reconciliation finds it in the cache.
HELD_FOR = 60.0


class JoinedTree:
    """The tree as this process read it last.

    A part's entry says which category it is in; what that is called, and where it stands, is said here alone. So a change to the
    tree is one invalidation, however many parts are below. The stamp that comes with every read of parts tells whether the tree
    held here is still the present one: no process serves an older one than it would read from the cache.
    """

    def __init__(self, reading: Engine, cache: CacheManager) -> None:
        self._reading = reading
        self._cache = cache
        # One attribute, so that a thread never sees a stamp with another one's tree.
        self._held = ("", Tree(()), 0.0)

    def present(self) -> Tree:
        """Return the tree as it is now."""
        return self.under(self._cache.tree_stamp() or "")

    def under(self, stamp: str) -> Tree:
        """Return the tree that is valid under the stamp of a read (`Reading.stamp`), or a newer one."""
        noted = sources()
        held_under, held, until = self._held
        if stamp and stamp == held_under and time.monotonic() < until:
            noted.until = min(noted.until, until)
            return held
        # Kept is only what is made of a tree that is held, so that it is not kept for longer than that.
        noted.are_whole = False
        body, valid_under = self._cache.category_tree(self._load)
        tree = Tree(Node(*node) for node in orjson.loads(body)["answer"])
        if valid_under is not None:
            self._held = (valid_under, tree, time.monotonic() + HELD_FOR)
        return tree

    def _load(self) -> bytes:
        with self._reading.connect() as connection:
            return cached_lists.body(connection, "tree", {})
