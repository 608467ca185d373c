"""Compares the contents of the cache with PostgreSQL. A difference counts only if it is still there on a second look."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import Connection, Engine

from app.cache.manager import CacheManager, Entry
from app.contract import cache_keys
from app.contract.events import Aspect, ListFacet
from app.store import cached_lists, catalog
from app.sync.invalidations import ABSENT, content_bodies, entry_body

MAX_LISTS = 50


def truth_entries(connection: Connection, part_ids: Sequence[int]) -> dict[str, Entry]:
    """Return what the cache should hold for the given parts."""
    entries: dict[str, Entry] = {}
    for part_id, loaded in catalog.load_content(connection, part_ids).items():
        bodies = content_bodies(part_id, loaded.public)
        entries |= {key: Entry(loaded.version, body) for key, body in bodies.items()}
    for key_of, load in ((cache_keys.part_stock, catalog.load_stock), (cache_keys.part_prices, catalog.load_prices)):
        for part_id, loaded in load(connection, part_ids).items():
            entries[key_of(part_id)] = Entry(loaded.version, entry_body(loaded.public))
    return entries


def differing_parts(reading: Engine, cache: CacheManager, part_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the parts with a cached entry that differs from the database, and the fields that differ.

    Raises:
        CacheUnavailableError: if the cache does not answer.
    """
    suspects = list(part_ids)
    differing: dict[int, list[str]] = {}
    for _look in range(2):
        cached = cache.peek([key for part_id in suspects for key in _all_keys(part_id)])
        held = sorted({cache_keys.parse_part_key(key)[0] for key in cached})
        with reading.connect() as connection:
            truth = truth_entries(connection, held)
        differing = _differences(cached, truth)
        suspects = list(differing)
    return differing


def _all_keys(part_id: int) -> list[str]:
    return [key for aspect in Aspect for key in cache_keys.aspect_keys(part_id, aspect)]


def tree_differs(reading: Engine, cache: CacheManager) -> bool:
    """Return whether the category tree would be served although it differs from the database.

    Raises:
        CacheUnavailableError: if the cache does not answer.
    """
    key, generations = cache_keys.category_tree(), cache_keys.looked_at(ListFacet.CATEGORIES)
    body = cache.peek_list(key, generations)
    if body is None:
        return False
    with reading.connect() as connection:
        expected = cached_lists.body(connection, "tree", {})
    return expected != body and cache.peek_list(key, generations) == body


def _differences(cached: Mapping[str, Entry], truth: Mapping[str, Entry]) -> dict[int, list[str]]:
    differing: dict[int, list[str]] = {}
    for key, entry in cached.items():
        expected = truth.get(key, Entry(0, ABSENT))
        if (entry.version, _own(entry.body)) != (expected.version, _own(expected.body)):
            part_id = cache_keys.parse_part_key(key)[0]
            differing.setdefault(part_id, []).append(f"{key}: {_named(entry, expected)}")
    return differing


def _own(body: bytes) -> Any:
    """Return what an entry says itself: of a category only the id, since the tree says the rest."""
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body
    if isinstance(value, dict) and isinstance(value.get("category"), dict):
        return value | {"category": value["category"].get("id")}
    return value


def _named(entry: Entry, expected: Entry) -> str:
    left, right = _own(entry.body), _own(expected.body)
    if not isinstance(left, dict) or not isinstance(right, dict):
        return f"version {entry.version}, expected {expected.version}"
    return ", ".join(sorted(name for name in left.keys() | right.keys() if left.get(name) != right.get(name)))


def differing_lists(reading: Engine, cache: CacheManager) -> list[str]:
    """Return the keys, from a sample of cached lists, of those that would be served although they differ from the database."""
    differing: list[str] = []
    for key, body in cache.sample_lists(MAX_LISTS).items():
        try:
            stored: dict[str, Any] = orjson.loads(body)
            kind, query = stored["kind"], stored["query"]
            generations = cached_lists.KINDS[kind].generations(query)
        except (orjson.JSONDecodeError, KeyError, TypeError):
            # Not written by us; it must not keep the other lists from being compared.
            differing.append(key)
            continue
        if cache.peek_list(key, generations) != body:
            continue
        with reading.connect() as connection:
            expected = cached_lists.body(connection, kind, query)
        if expected != body and cache.peek_list(key, generations) == body:
            differing.append(key)
    return differing
