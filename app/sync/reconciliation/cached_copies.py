"""Compares the contents of the cache with PostgreSQL.

A change may take two seconds to reach the cache, and others are made while this looks. So it looks twice, and what differs counts
only if it cannot be explained by a change on its way: if the first look's truth had not arrived by the second, or if neither the
truth nor its copy has changed in between.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
from sqlalchemy import Connection, Engine

from app.cache.manager import CacheManager, Entry
from app.contract import cache_keys
from app.contract.drift import Difference, Drift, DriftKind, Since, differences
from app.contract.events import Aspect, ListFacet
from app.store import cached_lists, catalog, drift
from app.sync.invalidations import ABSENT, content_bodies, entry_body

# Seconds between the looks: whoever is served something older than this is served what is wrong (docs/guarantees.md).
BOUND = 2.2
BY = "reconcile"


@dataclass(frozen=True, slots=True)
class EntryLook:
    """An entry that differed when it was looked at, and what it should have been."""

    found: Entry
    expected: Entry


@dataclass(frozen=True, slots=True)
class ListLook:
    """A list that differed when it was looked at: its body and stamp, and the body that it should have had."""

    copy: "CachedList"
    found: bytes
    stamp: bytes
    expected: bytes


@dataclass(frozen=True, slots=True)
class CachedList:
    """A list in the cache; `generations` and `load` are None if nobody knows what it is."""

    key: str
    kind: DriftKind
    generations: tuple[str, ...] | None
    load: Callable[[Connection], bytes] | None


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


def differing_parts(reading: Engine, cache: CacheManager, part_ids: Sequence[int]) -> dict[str, EntryLook]:
    """Return the entries of these parts that differ from the database at this moment, by key.

    Raises:
        CacheUnavailableError: if the cache does not answer.
    """
    cached = cache.peek([key for part_id in part_ids for aspect in Aspect for key in cache_keys.aspect_keys(part_id, aspect)])
    held = sorted({cache_keys.parse_part_key(key)[0] for key in cached})
    with reading.connect() as connection:
        truth = truth_entries(connection, held)
    looks = {key: EntryLook(entry, truth.get(key, Entry(0, ABSENT))) for key, entry in cached.items()}
    return {key: look for key, look in looks.items() if _said(look.found) != _said(look.expected)}


def drifted_parts(connection: Connection, first: Mapping[str, EntryLook], second: Mapping[str, EntryLook]) -> list[Drift]:
    """Return what two looks at entries, `BOUND` apart, prove to be wrong."""
    found = []
    for key, then in first.items():
        now = second.get(key)
        if now is None:
            continue
        is_late = now.found.version < then.expected.version
        if is_late or _said(now.expected) == _said(then.expected):
            found.append(_drift_of(connection, key, now))
    return found


def _drift_of(connection: Connection, key: str, look: EntryLook) -> Drift:
    part_id, aspect = cache_keys.parse_part_key(key)
    found, expected = look.found.version, look.expected.version
    kind = DriftKind.CACHE_WRONG
    if found != expected:
        kind = DriftKind.CACHE_STALE if found < expected else DriftKind.CACHE_AHEAD
    # A stale copy does not know of the version after its own.
    first = found + 1 if found < expected else expected
    since = drift.since(connection, "part", part_id, aspect, first) if first else None
    wrong = differences(_own(look.found.body), _own(look.expected.body), key)
    return Drift(kind, f"part {part_id}", wrong or (Difference(f"{key} version", found, expected),), BY, since)


def _said(entry: Entry) -> tuple[int, Any]:
    return entry.version, _own(entry.body)


def _own(body: bytes) -> Any:
    """Return what an entry says itself: of a category only the id, since the tree says the rest."""
    if body == ABSENT:
        return None
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")
    if isinstance(value, dict) and isinstance(value.get("category"), dict):
        return value | {"category": value["category"].get("id")}
    return value


TREE = CachedList(
    cache_keys.category_tree(), DriftKind.CACHE_TREE, cache_keys.looked_at(ListFacet.CATEGORIES),
    lambda connection: cached_lists.body(connection, "tree", {}),
)  # fmt: skip
CATEGORIES = CachedList(
    cache_keys.categories(), DriftKind.CACHE_LIST, cached_lists.COUNTED_CATEGORIES, cached_lists.counted_categories
)


def list_of(key: str, body: bytes) -> CachedList:
    """Return the list that a key holds, by the question that its body carries."""
    try:
        stored: dict[str, Any] = orjson.loads(body)
        kind, query = stored["kind"], stored["query"]
        generations = cached_lists.KINDS[kind].generations(query)
    except (orjson.JSONDecodeError, KeyError, TypeError):
        # Not written by us; it must not keep the other lists from being compared.
        return CachedList(key, DriftKind.CACHE_LIST, None, None)
    return CachedList(key, DriftKind.CACHE_LIST, generations, lambda connection: cached_lists.body(connection, kind, query))


def look_at_list(reading: Engine, cache: CacheManager, copy: CachedList) -> ListLook | None:
    """Return a list as it would be served now, if it differs from the database at this moment.

    Raises:
        CacheUnavailableError: if the cache does not answer.
    """
    if copy.generations is None or copy.load is None:
        return ListLook(copy, b"", b"", b"")
    served = cache.peek_list(copy.key, copy.generations)
    if served is None:
        return None
    with reading.connect() as connection:
        expected = copy.load(connection)
    body, stamp = served
    return ListLook(copy, body, stamp, expected) if body != expected else None


def drifted_list(reading: Engine, cache: CacheManager, first: ListLook) -> Drift | None:
    """Return what another look, `BOUND` after the first, proves to be wrong.

    Under the same stamp nothing has been invalidated since: what the list did not say then is not on its way.

    Raises:
        CacheUnavailableError: if the cache does not answer.
    """
    copy = first.copy
    now = look_at_list(reading, cache, copy)
    if now is None or now.stamp != first.stamp:
        return None
    if copy.load is None:
        return Drift(copy.kind, copy.key, (Difference("", "no list of ours", None),), BY)
    wrong = _list_differences(copy, now)
    with reading.connect() as connection:
        return Drift(copy.kind, copy.key, wrong, BY, _since_of(connection, copy, now))


def _list_differences(copy: CachedList, look: ListLook) -> tuple[Difference, ...]:
    found, expected = _answer(copy, look.found), _answer(copy, look.expected)
    wrong = differences(found, expected)
    if copy.kind is DriftKind.CACHE_TREE:
        return tuple(replace(one, field=f"category {one.field}") for one in wrong)
    return wrong or (Difference("", look.found.decode(errors="replace"), look.expected.decode()),)


def _answer(copy: CachedList, body: bytes) -> Any:
    try:
        value = orjson.loads(body)
        answer = value["answer"] if isinstance(value, dict) else value
        if copy.kind is not DriftKind.CACHE_TREE:
            return answer
        return {str(node[0]): dict(zip(("name", "slug", "parent_id"), node[1:], strict=True)) for node in answer}
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, IndexError):
        return body.decode(errors="replace")


def _since_of(connection: Connection, copy: CachedList, look: ListLook) -> Since | None:
    """Return the newest event of what is in the one and not in the other, or of the category that differs."""
    found, expected = _answer(copy, look.found), _answer(copy, look.expected)
    if copy.kind is DriftKind.CACHE_TREE and isinstance(found, dict):
        wrong = [name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name)]
        known = [drift.newest_of(connection, "category", int(name)) for name in wrong if name.isdecimal()]
    else:
        known = [drift.newest_of(connection, "part", part_id) for part_id in sorted(_ids(found) ^ _ids(expected))[:20]]
    return max((since for since in known if since), key=lambda since: since.event_id, default=None)


def _ids(answer: Any) -> set[int]:
    """Return the parts of a page of parts; of any other list, none."""
    ids = answer.get("ids") if isinstance(answer, dict) else None
    return {part_id for part_id in ids if isinstance(part_id, int)} if isinstance(ids, list) else set()
