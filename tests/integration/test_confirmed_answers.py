"""Whether the cache confirms what an answer was made of: that is all that stands between a kept answer and an old one."""

import math
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from redis import Redis

from app.cache.dependencies import Proof, note_sources
from app.cache.manager import CacheManager, Entry, Invalidation, Result
from app.container import Container, cache_clients
from app.contract import cache_keys
from app.contract.events import ListFacet
from app.domain.categories import Tree
from bench.system import wait_until
from tests.integration.conftest import manager_over

PART, STOCK, LIST = "part:1", "part:1:stock", "parts:list:x"
FACETS = cache_keys.looked_at(ListFacet.NAME)


def constant(version: int = 1, body: bytes = b"body") -> Callable[[Sequence[str]], Mapping[str, Entry]]:
    return lambda keys: dict.fromkeys(keys, Entry(version, body))


def read(manager: CacheManager) -> Proof | None:
    """Read a list and a part; return the proof of an answer that is made of them."""
    noted = note_sources()
    manager.get_or_set_list("list", LIST, FACETS, lambda: b"[1]")
    manager.get_or_set("part", [PART, STOCK], constant())
    return noted.proof()


def kept(manager: CacheManager) -> Proof:
    """Return the proof of an answer that was made of what the cache has."""
    read(manager)
    proof = read(manager)
    assert proof is not None
    assert manager.confirms(proof)
    return proof


def test_what_was_loaded_is_not_kept(manager: CacheManager) -> None:
    assert read(manager) is None
    assert read(manager) is not None


def test_what_was_read_past_the_cache_is_not_kept(manager: CacheManager) -> None:
    kept(manager)
    noted = note_sources()
    manager.get_or_set("part", [PART], constant())
    assert noted.proof() is not None
    manager.load_dear("dear", lambda: 1)
    assert noted.proof() is None


def test_what_changed_between_two_reads_is_not_kept(manager: CacheManager) -> None:
    kept(manager)
    noted = note_sources()
    manager.get_or_set("part", [PART], constant())
    assert noted.proof() is not None
    manager.invalidate([Invalidation(2, {PART: b"newer"})])
    manager.get_or_set("part", [PART], constant())
    assert noted.proof() is None


@pytest.mark.parametrize(
    "change",
    [
        Invalidation(2, {STOCK: b"replaced"}), Invalidation(2, {PART: None}), Invalidation(0, {PART: None}, forgets=True),
        Invalidation(1, {}, cache_keys.touched(ListFacet.NAME, None)),
    ],
)  # fmt: skip
def test_whatever_is_invalidated_is_not_confirmed_even_once_it_is_there_again(
    change: Invalidation, manager: CacheManager
) -> None:
    proof = kept(manager)
    manager.invalidate([change])
    assert not manager.confirms(proof)
    manager.get_or_set_list("list", LIST, FACETS, lambda: b"[2]")
    manager.get_or_set("part", [PART, STOCK], constant(2))
    assert not manager.confirms(proof)


@pytest.mark.parametrize("key", [PART, LIST])
def test_what_was_loaded_anew_at_the_same_version_is_not_confirmed(key: str, manager: CacheManager) -> None:
    """A price that began by its date, or what was dropped because it was wrong."""
    proof = kept(manager)
    manager.drop([key])
    assert not manager.confirms(proof)
    read(manager)
    assert not manager.confirms(proof)


def test_what_others_lost_but_nobody_changed_is_asked_for_again(manager: CacheManager, scratch: Redis) -> None:
    proof = kept(manager)
    scratch.delete(*FACETS)
    assert not manager.confirms(proof)


def test_what_a_release_filled_in_that_does_not_note_the_fill_is_not_confirmed(manager: CacheManager, scratch: Redis) -> None:
    read(manager)
    scratch.hdel(PART, "fill")
    proof = read(manager)
    assert proof is not None
    assert not manager.confirms(proof)


def test_nothing_is_confirmed_when_freshness_has_lapsed(manager: CacheManager) -> None:
    proof = kept(manager)
    manager._verified_at = -math.inf
    assert not manager.confirms(proof)


def test_nothing_is_confirmed_in_an_epoch_that_this_process_has_left(manager: CacheManager) -> None:
    """The server says what it said: it may be the one that missed what was invalidated meanwhile."""
    proof = kept(manager)
    manager.adopt(replace(manager.life(), epoch=secrets.token_hex(8)), math.inf)
    manager.mark_verified(math.inf)
    assert not manager.confirms(proof)


def test_nothing_is_confirmed_after_its_time_which_is_that_of_the_category_tree(
    container: Container, new_part: Callable[..., int]
) -> None:
    """A tree that was edited with the triggers switched off has no invalidation; each process reads it anew now and then."""
    catalog, part_id, proofs = container.parts.catalog, new_part(), list[Proof | None]()

    def is_kept() -> bool:
        noted = note_sources()
        catalog.part(part_id)
        proofs.append(noted.proof())
        return proofs[-1] is not None and container.cache.confirms(proofs[-1])

    assert wait_until(is_kept)
    assert proofs[-1] is not None
    assert proofs[-1].until == catalog._tree._held[2]
    assert not container.cache.confirms(replace(proofs[-1], until=0.0))


def test_what_the_tree_was_just_read_for_is_not_kept(container: Container, new_part: Callable[..., int]) -> None:
    """It would be kept for longer than the tree is held."""
    catalog, part_id = container.parts.catalog, new_part()
    assert wait_until(lambda: catalog.part(part_id).result is Result.HIT)
    catalog._tree._held = ("", Tree(()), 0.0)
    noted = note_sources()
    catalog.part(part_id)
    assert noted.proof() is None


def test_a_cache_that_is_away_confirms_nothing(manager: CacheManager, tmp_path: Path) -> None:
    proof = kept(manager)
    away = CacheManager(cache_clients(f"unix://{tmp_path}/nobody.sock", ""), lambda _kind, _result: None)
    away._epoch = proof.epoch
    away.mark_verified(math.inf)
    assert not away.confirms(proof)


def test_what_is_confirmed_counts_as_having_been_read(scratch: Redis) -> None:
    seen: list[tuple[str, Result]] = []
    manager = manager_over(scratch, lambda kind, result: seen.append((kind, result)))
    manager.mark_verified(math.inf)
    proof = kept(manager)
    seen.clear()
    assert manager.confirms(proof)
    assert seen == [("list", Result.HIT), ("part", Result.HIT)]
    assert proof.names == {PART, STOCK, *FACETS, *cache_keys.looked_at(ListFacet.CATEGORIES)}
    manager.invalidate([Invalidation(2, {PART: b"newer"})])
    seen.clear()
    assert not manager.confirms(proof)
    assert seen == []
