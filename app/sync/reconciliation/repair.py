"""How what the cache says wrongly is repaired: it is dropped, and whoever reads next loads it from PostgreSQL."""

from app.cache.manager import CacheManager
from app.contract import cache_keys
from app.contract.drift import Drift, DriftKind
from app.contract.events import ListFacet


def drop(cache: CacheManager, drift: Drift) -> None:
    """Drop a copy that differs.

    Raises:
        CacheUnavailableError: if it is not certain that it is gone.
    """
    match drift.kind:
        case DriftKind.CACHE_TREE:
            # With its generation's token, which is what keeps the copies that processes hold valid.
            cache.drop([cache_keys.category_tree(), cache_keys.generation(ListFacet.CATEGORIES)])
        case DriftKind.CACHE_LIST:
            cache.drop([drift.subject])
        case _:
            cache.invalidate_part_cache(int(drift.subject.removeprefix("part ")))
