"""What customers read, composed from cached aspects: one part, lists of parts, the category tree."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, TypeVar

import orjson
from sqlalchemy import Connection, Engine

from app.cache.dependencies import sources
from app.cache.manager import CacheManager, CacheUnavailableError, Entry, Result
from app.contract import cache_keys
from app.contract.events import Aspect, ListFacet
from app.domain.alternatives import most_alike
from app.domain.categories import Tree
from app.services.joined_tree import JoinedTree
from app.store import cached_lists, catalog
from app.store.catalog import Loaded
from app.store.listing.filters import PartFilters
from app.store.paging import FoundPage, Position
from app.store.prices import in_currency
from app.store.product_page import MAX_NEIGHBOURS
from app.store.units import unit_of
from app.sync.invalidations import ABSENT, content_bodies, entry_body

T = TypeVar("T")
Load = Callable[[Connection, Sequence[int]], Mapping[int, Loaded]]

_LOADERS: dict[Aspect, Load] = {
    Aspect.CONTENT: catalog.load_content,
    Aspect.STOCK: catalog.load_stock,
    Aspect.PRICE: catalog.load_prices,
}
# The aspects by the names of their versions, each with the key of an entry that has it.
_VERSIONED = {"content": cache_keys.part, "stock": cache_keys.part_stock, "price": cache_keys.part_prices}
LIST_LIFE = 60.0
# A missing id is cached this long, in seconds; its creation invalidates that at once.
NEGATIVE_LIFE = 30.0
# With fewer neighbours than this, the parent category is looked into as well.
FEW_RELATED = 4
MAX_ALTERNATIVES = 4
# What came back earlier, in seconds, is no news.
JUST_RESTOCKED = 14 * 24 * 60 * 60


@dataclass(frozen=True, slots=True)
class Answer:
    """Public JSON, ready to send, and how the cache answered."""

    body: Any
    result: Result


class CatalogReader:
    """Reads the public catalog through the cache.

    Args:
        currency: the shop's: a part that has a price in it shows that one, and lists compare these. None: a part shows its own,
            and lists compare prices in the currency that most parts have.
        after_reading_past: told of the versions that were read past the cache; returns when nobody can be served older ones.
    """

    def __init__(
        self, reading: Engine, cache: CacheManager, currency: str | None = None,
        after_reading_past: Callable[[Collection[tuple[int, str, int]]], None] = lambda _versions: None,
    ) -> None:  # fmt: skip
        self._after_reading_past = after_reading_past
        self._reading = reading
        self._cache = cache
        self._currency = currency
        self._tree = JoinedTree(reading, cache)

    def part(self, part_id: int) -> Answer:
        """Return one part as customers see it; the body is None if they may not see it."""
        parts, result = self.parts([part_id])
        return Answer(parts.get(part_id), result)

    def parts(self, part_ids: Sequence[int], counted: str = "part") -> tuple[dict[int, dict[str, Any]], Result]:
        """Return those of the given parts that customers may see, by id; counted as reads of the kind `counted`."""
        found, result = self._pieces(counted, part_ids, with_specifications=True)
        return {part_id: _compose(pieces, self._currency) for part_id, pieces in found.items()}, result

    def versions(self, part_ids: Sequence[int]) -> dict[int, dict[str, int]]:
        """Return the versions of the aspects of those parts that customers may see, from the cache where it has them."""
        keys = {part_id: [key_of(part_id) for key_of in _VERSIONED.values()] for part_id in part_ids}
        cached = self._cache.versions([key for own in keys.values() for key in own])
        known = {
            part_id: dict(zip(_VERSIONED, (cached[key] for key in own), strict=True))
            for part_id, own in keys.items() if all(key in cached for key in own)
        }  # fmt: skip
        if missing := [part_id for part_id in part_ids if part_id not in known]:
            with self._reading.connect() as connection:
                known |= catalog.load_versions(connection, missing)
        return known

    def list_parts(
        self, filters: PartFilters, sort: str, after: Position | None, limit: int, *, with_specifications: bool = False
    ) -> Answer:
        """Return one page of parts in short form; the body is a `FoundPage`. If `filters` name a currency, no other is shown.

        Raises:
            InvalidFieldError: if a bound of a specification cannot be compared with what the shop says.
        """
        query = {"filters": self._looked_up(filters), "sort": sort, "after": after and asdict(after), "limit": limit}
        # A price that begins or ends by its date invalidates lists like any other change. If the worker that announces it is
        # down, parts themselves show the new price at once, and lists follow within `LIST_LIFE`.
        page, result = self.lookup("list", "page", query)
        only = filters.currency is not None
        items, read = self.short_parts(page["ids"], page["currency"], only=only, with_specifications=with_specifications)
        found = FoundPage(items, cached_lists.position_of(page["next"]), page["match"])
        return Answer(found, worst(result, read))

    def short_parts(
        self, part_ids: Sequence[int], currency: str | None = None, *, only: bool = False, with_specifications: bool = False
    ) -> tuple[list[dict[str, Any]], Result]:
        """Return those of the given parts that customers may see in short form, in the given order, with their prices in
        `currency` (the shop's if None): those that have none in it with another one, or with `only` without a price."""
        found, result = self._pieces("part", part_ids, with_specifications=with_specifications)
        shown_in = currency or self._currency
        return [_compose_short(pieces, shown_in, only=only) for pieces in found.values()], result

    def by_sku(self, skus: Sequence[str], currency: str | None) -> Answer:
        """Return the parts with these SKUs in short form, in the order asked, and the SKUs that no part has which customers may
        see. If a currency is given, no price in another one is shown."""
        part_ids, result = self.lookup("list", "skus", {"skus": sorted(skus)})
        items, read = self.short_parts(part_ids, currency, only=currency is not None)
        # By the SKU that the part has now: it may have been renamed between the two readings.
        found = {item["sku"]: item for item in items}
        body = {"items": [found[sku] for sku in skus if sku in found], "missing": [sku for sku in skus if sku not in found]}
        return Answer(body, worst(result, read))

    def short_parts_with_tiers(
        self, part_ids: Sequence[int], currency: str | None
    ) -> tuple[dict[int, dict[str, Any]], dict[int, list[dict[str, Any]]]]:
        """Return those of the given parts that customers may see in short form, and the price tiers of each, both by part; if
        `currency` is given, in no other one."""
        found, _result = self._pieces("part", part_ids, with_specifications=False)
        shown_in, only = currency or self._currency, currency is not None
        prices = {part_id: in_currency(pieces[-1]["price"], shown_in, only=only) for part_id, pieces in found.items()}
        tiers = {part_id: price["tiers"] if price else [] for part_id, price in prices.items()}
        return {part_id: _compose_short(pieces, shown_in, only=only) for part_id, pieces in found.items()}, tiers

    def restocked(self, limit: int, now: float) -> Answer:
        """Return up to `limit` parts in short form that customers have seen come back into stock lately, the last one first.

        Args:
            now: in seconds since 1970.
        """
        latest, result = self.lookup("list", "restocked", {})
        came_back = [part_id for part_id, at in latest if at > now - JUST_RESTOCKED]
        items, read = self.short_parts(came_back)
        # One may have run out between the two readings.
        return Answer([item for item in items if item["stock"]["is_in_stock"]][:limit], worst(result, read))

    def read_past(self, kind: str, query: dict[str, Any], load: Callable[[Connection], T]) -> T:
        """Return what `load` reads from the database for a query of that kind, within the limits of lists; it is not cached."""

        def read() -> T:
            with self._reading.connect() as connection:
                return load(connection)

        return self._cache.load_dear(_digest(kind, query), read)

    def suggest(self, words: Sequence[str], limit: int) -> Answer:
        """Return what somebody may be looking for who has typed these words so far: up to `limit` parts, as a search finds them,
        and up to `limit` categories that are called so and have parts to show."""
        if not words:
            return Answer({"parts": [], "categories": [], "match": "exact"}, Result.HIT)
        query = {"filters": self._looked_up(PartFilters(tuple(words))), "limit": limit}
        page, found = self.lookup("list", "suggested", query)
        pieces, read = self._read({part_id: [cache_keys.part(part_id)] for part_id in page["ids"]}, "part")
        named, called = self.lookup("list", "named categories", {"typed": " ".join(words), "limit": limit})
        tree = self._tree.present() if named else Tree(())
        body = {
            "parts": [{name: part[name] for name in ("id", "sku", "slug", "part_name")} for (part,) in pieces.values()],
            "categories": [tree.shown(category_id) for category_id in named if category_id in tree],
            "match": page["match"],
        }
        return Answer(body, worst(found, read, called))

    def facets(self, filters: PartFilters) -> Answer:
        """Return how many parts each choice of a filter would leave.

        Raises:
            InvalidFieldError: if a bound of a specification cannot be compared with what the shop says.
        """
        return Answer(*self.lookup("facets", "facets", {"filters": self._looked_up(filters)}))

    def _looked_up(self, filters: PartFilters) -> dict[str, Any]:
        """Return the filters of a list that is cached: with the categories that it is taken from, so that it does not depend on
        the tree, and in one currency."""
        within = None if filters.category is None else self._below(filters.category)
        return asdict(replace(filters, category=None, within=within, currency=filters.currency or self._currency))

    def category(self, reference: str) -> dict[str, Any] | None:
        """Return the category with this id or slug, present or former, as parts show it; None if there is none."""
        tree, category_id = self._category(reference)
        return None if category_id is None else tree.shown(category_id)

    def _below(self, reference: str) -> tuple[int, ...]:
        tree, category_id = self._category(reference)
        return () if category_id is None else tuple(sorted(tree.below(category_id)))

    def _category(self, reference: str) -> tuple[Tree, int | None]:
        tree = self._tree.present()
        category_id = tree.find(reference)
        if category_id is None:
            category_id = self.lookup("list", "former category", {"slug": reference})[0]
        # A category that a deletion has just taken out of the tree shows nothing, like one that there never was.
        return tree, category_id if category_id in tree else None

    def around(self, part: dict[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]], Result]:
        """Return up to eight parts in short form whose names sort next to a part's in its category, nearest first, if there are
        few, also from the parent category and everything below it; and up to four that could take its place: in stock, of its own
        category, those that agree with it in most specifications first."""
        path = part["category"]["path"] if part["category"] else []
        if not path:
            return [], [], Result.HIT
        query = {"part_id": part["id"], "within": [path[-1]["id"]]}
        nearest, *results = self.lookup("pdp", "related", query)
        stocked, found = self.lookup("pdp", "in stock near", query)
        results.append(found)
        if len(nearest) < FEW_RELATED and len(path) > 1:
            within = self._below(str(path[-2]["id"]))
            others, found = self.lookup("pdp", "related", {"part_id": part["id"], "within": within})
            nearest += [other for other in others if other not in nearest]
            results.append(found)
        del nearest[MAX_NEIGHBOURS:]
        pieces, read = self._pieces("part", list(dict.fromkeys([*nearest, *stocked])), with_specifications=True)
        specifications = {other: pieces[other].pop(2) for other in pieces}
        shown = {other: _compose_short(own, self._currency, only=False) for other, own in pieces.items()}
        present = {other: specifications[other] for other in stocked if other in shown and shown[other]["stock"]["is_in_stock"]}
        agreeing = most_alike(part["specifications"], present, unit_of)[:MAX_ALTERNATIVES]
        related = [shown[other] for other in nearest if other in shown]
        return related, [shown[other] for other in agreeing], worst(*results, read)

    def withdrawn(self, part_id: int) -> tuple[dict[str, Any] | None, Result]:
        """Return what was public of a part that customers have seen and that is archived now, in short; None if it is not so."""
        part, result = self.lookup("pdp", "withdrawn", {"part_id": part_id})
        if part:
            tree, category_id = self._tree.present(), part.pop("category_id")
            part["category"] = tree.shown(category_id) if category_id in tree else None
        return part, result

    def lookup(self, counted: str, kind: str, query: dict[str, Any]) -> tuple[Any, Result]:
        """Return the answer of `app.store.cached_lists` to a query of that kind; counted as a read of `counted`."""

        def load() -> bytes:
            with self._reading.connect() as connection:
                return cached_lists.body(connection, kind, query)

        generations = cached_lists.KINDS[kind].generations(query)
        raw, result = self._cache.get_or_set_list(
            counted, cache_keys.parts_list(_digest(kind, query)), generations, load, LIST_LIFE
        )
        return orjson.loads(raw)["answer"], result

    def categories(self) -> Answer:
        """Return the category tree as a flat list, each with its parent and its number of parts."""

        def load() -> bytes:
            with self._reading.connect() as connection:
                return cached_lists.counted_categories(connection)

        raw, result = self._cache.get_or_set_list("categories", cache_keys.categories(), cached_lists.COUNTED_CATEGORIES, load)
        return Answer(orjson.loads(raw), result)

    def catalog_token(self, facets: Iterable[ListFacet] = ListFacet) -> str | None:
        """Return the token that changes whenever lists that depend on `facets` may differ, or None if it is unknown."""
        if not self._cache.is_fresh:
            return None
        try:
            return self._cache.catalog_token(facets)
        except CacheUnavailableError:
            return None

    def _pieces(self, kind: str, part_ids: Sequence[int], *, with_specifications: bool) -> tuple[dict[int, list[Any]], Result]:
        """Return the bodies of those of the given parts that customers may see, by part, in the order of `_keys`."""
        return self._read({part_id: _keys(part_id, with_specifications=with_specifications) for part_id in part_ids}, kind)

    def _read(self, keys: Mapping[int, Sequence[str]], kind: str) -> tuple[dict[int, list[Any]], Result]:
        """Return the bodies under some keys of parts, the first of each being that of the part itself, as `_pieces` does."""
        if not keys:
            return {}, Result.HIT
        reading = self._cache.get_or_set(kind, [key for own in keys.values() for key in own], self._load)
        entries = dict(reading.entries)
        # Entries of one aspect are replaced together, but one of them may meanwhile have been evicted and reloaded.
        self._reload(entries, [part_id for part_id in keys if _is_torn(entries, part_id)])
        if reading.result is Result.BYPASS:
            self._after_reading_past({(*cache_keys.parse_part_key(key), entry.version) for key, entry in entries.items()})
        found = {part_id: pieces for part_id, own in keys.items() if (pieces := _parsed(entries, own))}
        if reading.stamp is None:
            # Whatever was loaded by this very read has its category's present path already.
            return found, reading.result
        tree = self._tree.under(reading.stamp)
        lost = [part_id for part_id, (part, *_) in found.items() if not _join(part, tree)]
        if lost:
            # Their category has come or gone between the readings of tree and parts, so both are read anew, in one statement.
            self._reload(entries, lost)
            found |= {part_id: _parsed(entries, keys[part_id]) or [] for part_id in lost}
        return {part_id: pieces for part_id, pieces in found.items() if pieces}, reading.result

    def _reload(self, entries: dict[str, Entry], part_ids: Sequence[int]) -> None:
        if part_ids:
            sources().are_whole = False
            entries |= self._load([key for part_id in part_ids for key in cache_keys.aspect_keys(part_id, Aspect.CONTENT)])

    def _load(self, keys: Sequence[str]) -> dict[str, Entry]:
        wanted: dict[Aspect, set[int]] = {}
        for key in keys:
            part_id, aspect = cache_keys.parse_part_key(key)
            wanted.setdefault(aspect, set()).add(part_id)
        entries: dict[str, Entry] = {}
        with self._reading.connect() as connection:
            for aspect, part_ids in wanted.items():
                loaded = _LOADERS[aspect](connection, sorted(part_ids))
                for part_id in part_ids:
                    entries |= _as_entries(aspect, part_id, loaded.get(part_id))
        return {key: entries[key] for key in keys if key in entries}


def _digest(kind: str, query: dict[str, Any]) -> str:
    return hashlib.blake2b(orjson.dumps([kind, query]), digest_size=16).hexdigest()


def _keys(part_id: int, *, with_specifications: bool) -> list[str]:
    content = cache_keys.aspect_keys(part_id, Aspect.CONTENT)
    shown = content if with_specifications else content[:2]
    return [*shown, cache_keys.part_stock(part_id), cache_keys.part_prices(part_id)]


def _is_torn(entries: Mapping[str, Entry], part_id: int) -> bool:
    versions = {entries[key].version for key in cache_keys.aspect_keys(part_id, Aspect.CONTENT) if key in entries}
    return len(versions) > 1


def _as_entries(aspect: Aspect, part_id: int, loaded: Loaded | None) -> dict[str, Entry]:
    keys = cache_keys.aspect_keys(part_id, aspect)
    if loaded is None:
        return dict.fromkeys(keys, Entry(0, ABSENT, NEGATIVE_LIFE))
    if aspect is Aspect.CONTENT:
        bodies = content_bodies(part_id, loaded.public)
        return {key: Entry(loaded.version, body) for key, body in bodies.items()}
    entry = Entry(loaded.version, entry_body(loaded.public))
    if loaded.lasts is not None:
        entry = Entry(entry.version, entry.body, min(entry.life, loaded.lasts))
    return {keys[0]: entry}


def _join(part: dict[str, Any], tree: Tree) -> bool:
    """Give a part its category as the tree has it; return False if that does not have it.

    The body holds the category as it was called when it was filled in, for the previous release; to this one only its id counts.
    """
    if part["category"] is None:
        return True
    if (category_id := part["category"]["id"]) not in tree:
        return False
    part["category"] = tree.shown(category_id)
    return True


def _compose(pieces: Sequence[Any], currency: str | None) -> dict[str, Any]:
    part, images, specifications, stock, price = pieces
    shown = in_currency(price["price"], currency)
    return _joined(part, stock, price) | {"images": images, "specifications": specifications, "price": shown}


def _compose_short(pieces: Sequence[Any], currency: str | None, *, only: bool) -> dict[str, Any]:
    part, images, *specifications, stock, price = pieces
    whole = in_currency(price["price"], currency, only=only)
    shown = whole and {name: value for name, value in whole.items() if name not in {"tiers", "others"}}
    del part["description"]
    short = _joined(part, stock, price) | {"image": images[0] if images else None, "price": shown}
    return short | {"specifications": specifications[0]} if specifications else short


def _parsed(entries: Mapping[str, Entry], keys: Sequence[str]) -> list[Any] | None:
    bodies = [entries[key].body if key in entries else ABSENT for key in keys]
    return None if ABSENT in bodies else [orjson.loads(body) for body in bodies]


def _joined(part: dict[str, Any], stock: dict[str, Any], price: dict[str, Any]) -> dict[str, Any]:
    return part | {
        "stock": {name: value for name, value in stock.items() if name != "updated_at"},
        "versions": {"content": part["version"], "stock": stock["version"], "price": price["version"]},
        # RFC 3339 in UTC with a fixed number of digits: text order is time order.
        "updated_at": max(part["updated_at"], stock["updated_at"], price["updated_at"]),
    }


def worst(*results: Result) -> Result:
    """Return the result to report for an answer composed of several reads."""
    order = (Result.HIT, Result.MISS, Result.BYPASS)
    return max(results, key=order.index)
