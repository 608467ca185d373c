"""Between a commit and its invalidation, a session that has seen the new version must not be shown the old one again."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from app.cache.manager import CacheManager, Entry
from app.container import Container, cache_clients
from app.contract import cache_keys
from app.contract.events import Actor
from app.services.catalog import CatalogReader
from app.services.intent import Intent
from tests.sweeping import no_sweep


def test_a_reader_that_loads_past_anothers_lease_is_not_shown_an_older_version_afterwards(
    container: Container, actor: Actor, new_part: Callable[..., int], monkeypatch: pytest.MonkeyPatch
) -> None:
    # On a busy machine the proof or the lease would run out, and the database would answer.
    monkeypatch.setattr("app.cache.manager.FRESH_FOR", 60.0)
    monkeypatch.setattr("app.cache.manager.LEASE_MS", 60_000)
    part = new_part()
    reader = container.parts.catalog
    elsewhere = CacheManager(cache_clients(container.settings.redis_url, container.settings.prefix), lambda _kind, _result: None)
    elsewhere.adopt(elsewhere.life(), float("inf"))
    elsewhere.mark_verified(float("inf"))
    container.cache.drop([cache_keys.part_stock(part)])
    loaded, fill = threading.Event(), threading.Event()
    load = reader._load

    def slowly(keys: Sequence[str]) -> Mapping[str, Entry]:
        entries = load(keys)
        loaded.set()
        assert fill.wait(10)
        return entries

    with no_sweep(container), ThreadPoolExecutor(2) as pool:
        monkeypatch.setattr(reader, "_load", slowly)
        slow = pool.submit(reader.part, part)
        assert loaded.wait(10)
        monkeypatch.setattr(reader, "_load", load)
        # The commit has happened; what follows it (the invalidation) has not.
        monkeypatch.setattr(container.transactions, "_on_commit", lambda _events: None)
        container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
        first = CatalogReader(container.reading, elsewhere).part(part).body["versions"]["stock"]
        # Whoever waits for the slow load here may not have its result either.
        waiting = pool.submit(reader.part, part)
        fill.set()
        slow.result(10)
        assert waiting.result(10).body["versions"]["stock"] >= first
        second = reader.part(part).body["versions"]["stock"]
    assert first == 2
    assert second >= first


def test_a_reader_past_the_cache_is_answered_once_nobody_can_be_served_an_older_version(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process without proof of freshness reads the database, which has a version that others do not have in their cache yet."""
    monkeypatch.setattr("app.cache.manager.FRESH_FOR", 60.0)
    monkeypatch.setattr("app.sync.consistency.FRESH_FOR", 60.0)
    monkeypatch.setattr("app.store.cache_epoch.IN_USE", 60.0)
    part = new_part()
    deliver()
    reader, consistency = container.parts.catalog, container.consistency
    assert reader.part(part).body["versions"]["stock"] == 1
    unproven = CacheManager(cache_clients(container.settings.redis_url, container.settings.prefix), lambda _kind, _result: None)
    waits = threading.Event()
    wait = consistency.wait_until_harmless

    def noted(event_ids: Sequence[int], latest: float) -> None:
        waits.set()
        wait(event_ids, latest)

    monkeypatch.setattr(consistency, "wait_until_harmless", noted)
    settle = consistency.process_retry_queue
    with no_sweep(container), ThreadPoolExecutor(1) as pool:
        with monkeypatch.context() as nothing_follows:
            nothing_follows.setattr(container.transactions, "_on_commit", lambda _events: None)
            container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
        past = CatalogReader(container.reading, unproven, None, consistency.after_reading_past)
        first = pool.submit(past.part, part)
        assert waits.wait(10)
        assert not first.done()
        assert reader.part(part).body["versions"]["stock"] == 1
        assert settle()
        assert first.result(10).body["versions"]["stock"] == 2
    assert reader.part(part).body["versions"]["stock"] == 2
