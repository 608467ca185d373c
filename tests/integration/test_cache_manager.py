"""CacheManager against real Valkey: leases, stampedes, freshness, a cache that is away, refuses writes, or was restarted."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from pathlib import Path
from threading import Barrier, Event, Semaphore, Timer

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from sqlalchemy import text

from app.cache import loads
from app.cache.manager import LEASE_MS, CacheManager, CacheUnavailableError, Clients, Entry, Invalidation, Result
from app.container import Container, cache_clients
from app.contract import cache_keys
from app.contract.events import Aspect, ListFacet
from app.domain.errors import BusyError
from tests.integration.conftest import manager_over

KEY = "part:1"
FACETS = cache_keys.looked_at(ListFacet.NAME)


def constant(version: int = 1, body: bytes = b"body") -> Callable[[Sequence[str]], Mapping[str, Entry]]:
    return lambda keys: dict.fromkeys(keys, Entry(version, body))


def never(_keys: Sequence[str]) -> Mapping[str, Entry]:
    raise AssertionError("the cache should have answered")


def unasked() -> bytes:
    raise AssertionError("the cache should have answered")


def test_a_miss_fills_the_cache_and_the_next_read_on_any_process_is_a_hit(new_manager: Callable[[], CacheManager]) -> None:
    first = new_manager().get_or_set("part", [KEY], constant(3, b"three"))
    second = new_manager().get_or_set("part", [KEY], never)
    assert (first.result, second.result) == (Result.MISS, Result.HIT)
    assert second.entries[KEY] == Entry(3, b"three")


def test_an_empty_body_is_remembered_as_nothing_to_see_and_replaced_by_the_creation(manager: CacheManager) -> None:
    manager.get_or_set("part", [KEY], constant(0, b""))
    assert manager.get_or_set("part", [KEY], never).entries[KEY].body == b""
    manager.invalidate([Invalidation(1, {KEY: b"created"})])
    assert manager.get_or_set("part", [KEY], never).entries[KEY] == Entry(1, b"created")


def test_an_invalidation_replaces_the_entry_by_the_state_that_the_event_carries(manager: CacheManager) -> None:
    manager.get_or_set("part", [KEY], constant(1))
    manager.invalidate([Invalidation(2, {KEY: b"newer"})])
    assert manager.get_or_set("part", [KEY], never).entries[KEY] == Entry(2, b"newer")


def test_an_invalidation_without_a_body_makes_the_next_reader_load(manager: CacheManager) -> None:
    manager.get_or_set("part", [KEY], constant(1))
    manager.invalidate([Invalidation(2, {KEY: None})])
    assert manager.get_or_set("part", [KEY], constant(2)).result is Result.MISS


def test_repeated_and_late_invalidations_change_nothing(manager: CacheManager) -> None:
    manager.get_or_set("part", [KEY], constant(1))
    manager.invalidate([Invalidation(3, {KEY: b"three"})])
    manager.invalidate([Invalidation(3, {KEY: b"repeated"}), Invalidation(2, {KEY: b"late"})])
    assert manager.get_or_set("part", [KEY], never).entries[KEY] == Entry(3, b"three")


def test_a_late_invalidation_does_not_let_in_what_a_newer_one_has_shut_out(manager: CacheManager) -> None:
    manager.get_or_set("part", [KEY], constant(1))
    for version in (5, 3):
        manager.invalidate([Invalidation(version, {KEY: None})])
    manager.get_or_set("part", [KEY], lambda _keys: {KEY: Entry(4, b"old")})
    assert manager.peek([KEY]) == {}


def test_an_entry_lives_no_longer_than_it_says(manager: CacheManager, scratch: Redis) -> None:
    manager.get_or_set("part", [KEY], lambda keys: dict.fromkeys(keys, Entry(1, b"sale", life=2.0)))
    assert 1_000 < scratch.pttl(KEY) <= 2_000
    # Whoever tells late of a version that it has already does not lengthen it.
    manager.invalidate([Invalidation(1, {KEY: None})])
    assert 0 < scratch.pttl(KEY) <= 2_000
    assert manager.get_or_set("part", [KEY], never).entries[KEY].body == b"sale"


def test_every_key_that_is_written_but_the_epoch_expires_by_itself(manager: CacheManager, scratch: Redis) -> None:
    manager.get_or_set("part", [KEY], lambda _keys: {})
    manager.get_or_set_list("list", "parts:list:x", FACETS, lambda: b"[]")
    manager.invalidate([Invalidation(2, {"part:2": b"two"}, FACETS)])
    lasting = {key.decode() for key in scratch.scan_iter() if scratch.pttl(key) < 0}
    assert lasting == {cache_keys.EPOCH}


def test_a_list_is_a_hit_until_one_of_its_generations_changes(manager: CacheManager) -> None:
    manager.get_or_set_list("list", "parts:list:x", FACETS, lambda: b"old")
    assert manager.get_or_set_list("list", "parts:list:x", FACETS, unasked) == (b"old", Result.HIT)
    manager.invalidate([Invalidation(1, {}, cache_keys.touched(ListFacet.PRICE, None))])
    assert manager.get_or_set_list("list", "parts:list:x", FACETS, unasked) == (b"old", Result.HIT)
    manager.invalidate([Invalidation(1, {}, cache_keys.touched(ListFacet.NAME, None))])
    assert manager.get_or_set_list("list", "parts:list:x", FACETS, lambda: b"new") == (b"new", Result.MISS)


def test_the_catalog_token_changes_with_every_facet(manager: CacheManager) -> None:
    tokens = [manager.catalog_token()]
    for facet in ListFacet:
        manager.invalidate([Invalidation(1, {}, cache_keys.touched(facet, None))])
        tokens.append(manager.catalog_token())
    assert len(set(tokens)) == len(tokens)
    assert manager.catalog_token() == tokens[-1]


def test_dropping_a_part_drops_all_its_keys(manager: CacheManager, scratch: Redis) -> None:
    keys = [key for aspect in Aspect for key in cache_keys.aspect_keys(7, aspect)]
    manager.get_or_set("part", keys, constant())
    manager.invalidate_part_cache(7)
    assert scratch.exists(*keys) == 0


Read = Callable[[CacheManager, Callable[[], bytes]], bytes]


def read_entry(manager: CacheManager, query: Callable[[], bytes]) -> bytes:
    return manager.get_or_set("part", [KEY], lambda keys: dict.fromkeys(keys, Entry(1, query()))).entries[KEY].body


def read_list(manager: CacheManager, query: Callable[[], bytes]) -> bytes:
    return manager.get_or_set_list("list", "parts:list:x", FACETS, query)[0]


def read_at_once(read: Read, managers: Sequence[CacheManager], query: Callable[[], bytes]) -> list[bytes]:
    start = Barrier(len(managers))

    def one(manager: CacheManager) -> bytes:
        start.wait()
        return read(manager, query)

    with ThreadPoolExecutor(len(managers)) as pool:
        return list(pool.map(one, managers))


class SlowQuery:
    """A query that takes longer than anybody's patience with another process; counts its runs."""

    def __init__(self) -> None:
        self.runs = 0

    def __call__(self) -> bytes:
        self.runs += 1
        time.sleep(0.3)
        return b"body"


@pytest.mark.parametrize("read", [read_entry, read_list])
def test_of_many_readers_that_miss_at_once_one_in_each_process_loads_however_long_that_takes(
    read: Read, new_manager: Callable[[], CacheManager]
) -> None:
    query, processes = SlowQuery(), [new_manager(), new_manager()]
    assert set(read_at_once(read, processes[:1] * 20, query)) == {b"body"}
    assert query.runs == 1
    processes[0].drop([KEY, "parts:list:x"])
    assert set(read_at_once(read, processes * 10, query)) == {b"body"}
    assert 2 <= query.runs <= 3


@pytest.mark.parametrize("read", [read_entry, read_list])
def test_while_another_process_loads_one_result_serves_all_who_come_until_it_is_invalidated(
    read: Read, manager: CacheManager, new_manager: Callable[[], CacheManager], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loads, "KEPT_FOR", 60.0)
    other, loading, go_on = new_manager(), Event(), Event()
    changed = Invalidation(2, {KEY: b""}, cache_keys.touched(ListFacet.NAME, None))

    def slowly() -> bytes:
        loading.set()
        assert go_on.wait(10)
        return b"slow"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(read, manager, slowly)
        assert loading.wait(10)
        assert [read(other, query) for query in (lambda: b"own", unasked, unasked)] == [b"own"] * 3
        other.invalidate([changed])
        loading.clear()
        second = pool.submit(read, manager, slowly)
        assert loading.wait(10)
        assert read(other, lambda: b"new") == b"new"
        go_on.set()
        assert (first.result(), second.result()) == (b"slow", b"slow")


@pytest.mark.parametrize("read", [read_entry, read_list])
def test_past_the_cache_too_readers_of_the_same_share_a_load_but_none_that_began_before_they_asked(
    read: Read, scratch: Redis
) -> None:
    unproven, query = manager_over(scratch), SlowQuery()
    assert set(read_at_once(read, [unproven] * 20, query)) == {b"body"}
    # Whoever asks when the first has already begun may not have its result.
    assert 1 <= query.runs <= 2
    began, go_on = Event(), Event()

    def old() -> bytes:
        began.set()
        assert go_on.wait(10)
        return b"old"

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(read, unproven, old)
        assert began.wait(10)
        later = pool.submit(read, unproven, lambda: b"new")
        go_on.set()
        assert (first.result(), later.result()) == (b"old", b"new")


def test_of_too_many_loads_at_once_those_beyond_are_refused_at_once(scratch: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loads, "WAITING", 4)
    unproven, full, go_on = manager_over(scratch), Semaphore(0), Event()

    def slowly(keys: Sequence[str]) -> Mapping[str, Entry]:
        full.release()
        assert go_on.wait(10)
        return dict.fromkeys(keys, Entry(1, b"body"))

    with ThreadPoolExecutor(loads.AT_ONCE + 5) as pool:
        asked = [pool.submit(unproven.get_or_set, "part", [f"part:{n}"], slowly) for n in range(loads.AT_ONCE + 5)]
        refused, _others = wait(asked, timeout=1.5, return_when=FIRST_COMPLETED)
        assert [type(one.exception()) for one in refused] == [BusyError]
        assert all(full.acquire(blocking=False) for _ in range(loads.AT_ONCE))
        assert not full.acquire(blocking=False)
        go_on.set()
        assert [one.result().entries for one in asked if one not in refused]


def test_a_load_that_fails_fails_for_all_who_wait_for_it_and_gives_its_lease_back(manager: CacheManager) -> None:
    class FailedError(Exception):
        pass

    failing, runs = Event(), []

    def fails() -> bytes:
        runs.append(1)
        failing.wait(0.2)
        raise FailedError

    def outcome(_number: int) -> type[BaseException] | None:
        try:
            read_entry(manager, fails)
        except FailedError as error:
            return type(error)
        return None

    with ThreadPoolExecutor(5) as pool:
        assert set(pool.map(outcome, range(5))) == {FailedError}
    assert manager.get_or_set("part", [KEY], constant()).result is Result.MISS
    assert manager.get_or_set("part", [KEY], never).result is Result.HIT
    with pytest.raises(FailedError):
        read_list(manager, fails)
    read_list(manager, lambda: b"body")
    assert read_list(manager, unasked) == b"body"


def test_a_shared_load_is_not_shown_to_who_may_have_seen_something_newer_elsewhere(
    manager: CacheManager, new_manager: Callable[[], CacheManager]
) -> None:
    loading, go_on = Event(), Event()

    def before_the_commit(keys: Sequence[str]) -> Mapping[str, Entry]:
        loading.set()
        assert go_on.wait(10)
        return dict.fromkeys(keys, Entry(1, b"old"))

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(manager.get_or_set, "part", [KEY], before_the_commit)
        assert loading.wait(10)
        # Committed, and not invalidated yet.
        assert new_manager().get_or_set("part", [KEY], constant(2)).entries[KEY].version == 2
        Timer(0.2, go_on.set).start()  # stands for the rest of the query, which the next reader waits for
        assert manager.get_or_set("part", [KEY], constant(2)).entries[KEY].version == 2
        assert slow.result().entries[KEY].version == 1


def test_a_lease_lasts_longer_than_any_statement(container: Container) -> None:
    with container.reading.connect() as connection:
        (longest,) = connection.execute(text("SELECT setting FROM pg_settings WHERE name = 'statement_timeout'")).one()
    assert int(longest) < LEASE_MS


def test_a_process_that_waits_in_vain_for_another_goes_to_the_database_and_fills_nothing(
    manager: CacheManager, new_manager: Callable[[], CacheManager], scratch: Redis
) -> None:
    loading, go_on = Event(), Event()

    def slowly(keys: Sequence[str]) -> Mapping[str, Entry]:
        loading.set()
        assert go_on.wait(10)
        return dict.fromkeys(keys, Entry(1, b"slow"))

    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(manager.get_or_set, "part", [KEY], slowly)
        assert loading.wait(10)
        impatient = new_manager().get_or_set("part", [KEY], constant(1, b"own"))
        filled_by_the_impatient = scratch.hexists(KEY, "body")
        go_on.set()
        assert slow.result().entries[KEY].body == b"slow"
    assert (impatient.entries[KEY].body, impatient.result) == (b"own", Result.MISS)
    assert not filled_by_the_impatient
    assert manager.get_or_set("part", [KEY], never).entries[KEY].body == b"slow"


def test_a_lease_that_nobody_fills_is_given_out_again(manager: CacheManager, scratch: Redis) -> None:
    manager.get_or_set("part", [KEY], lambda _keys: {})
    scratch.hset(KEY, "leased_until", 1)
    manager.get_or_set("part", [KEY], constant())
    assert manager.get_or_set("part", [KEY], never).result is Result.HIT


def test_when_freshness_lapses_every_read_goes_to_the_database(scratch: Redis, manager: CacheManager) -> None:
    manager.get_or_set("part", [KEY], constant(1, b"cached"))
    manager.get_or_set_list("list", "parts:list:x", FACETS, lambda: b"cached")
    stale = manager_over(scratch)
    stale.mark_verified(time.monotonic() - 2.0)
    assert stale.get_or_set("part", [KEY], constant(1, b"database")) == stale_reading(b"database")
    assert stale.get_or_set_list("list", "parts:list:x", FACETS, lambda: b"database") == (b"database", Result.BYPASS)
    stale.mark_verified(time.monotonic())
    assert stale.get_or_set("part", [KEY], never).result is Result.HIT


def stale_reading(body: bytes) -> object:
    from app.cache.manager import Reading

    return Reading({KEY: Entry(1, body)}, Result.BYPASS)


def test_a_proof_of_freshness_never_goes_back(manager: CacheManager, scratch: Redis) -> None:
    one = manager_over(scratch)
    one.mark_verified(time.monotonic())
    one.mark_verified(time.monotonic() - 60)
    assert one.is_fresh


def test_a_cache_that_is_away_costs_no_error_and_soon_no_time(tmp_path: Path) -> None:
    dead = CacheManager(cache_clients(f"unix://{tmp_path}/nobody.sock?db=1", ""), lambda _kind, _result: None)
    dead.mark_verified(float("inf"))
    for _ in range(5):
        assert dead.get_or_set("part", [KEY], constant(1, b"database")) == stale_reading(b"database")
        assert dead.get_or_set_list("list", "l", FACETS, lambda: b"database") == (b"database", Result.BYPASS)
    with pytest.raises(CacheUnavailableError, match="left alone"):
        dead.peek([KEY])
    with pytest.raises(CacheUnavailableError, match="not known which"):
        dead.invalidate([Invalidation(1, {KEY: None})])


def test_the_result_of_every_read_is_observed(scratch: Redis) -> None:
    seen: list[tuple[str, Result]] = []
    manager = manager_over(scratch, lambda kind, result: seen.append((kind, result)))
    manager.get_or_set("part", [KEY], constant())
    manager.mark_verified(float("inf"))
    manager.get_or_set("part", [KEY], constant())
    manager.get_or_set("part", [KEY], never)
    assert seen == [("part", Result.BYPASS), ("part", Result.MISS), ("part", Result.HIT)]


@pytest.fixture
def out_of_memory(scratch: Redis) -> Iterator[None]:
    before = scratch.config_get("maxmemory")["maxmemory"]
    policy = scratch.config_get("maxmemory-policy")["maxmemory-policy"]
    scratch.config_set("maxmemory-policy", "noeviction")
    scratch.config_set("maxmemory", 1)
    yield
    scratch.config_set("maxmemory", before)
    scratch.config_set("maxmemory-policy", policy)


@pytest.fixture
def read_only(scratch: Redis) -> Iterator[None]:
    scratch.execute_command("REPLICAOF", "127.0.0.1", "1")
    yield
    scratch.execute_command("REPLICAOF", "NO", "ONE")


@pytest.mark.parametrize("trouble", ["out_of_memory", "read_only"])
def test_a_cache_that_refuses_writes_counts_as_away(trouble: str, manager: CacheManager, request: pytest.FixtureRequest) -> None:
    request.getfixturevalue(trouble)
    assert manager.get_or_set("part", [KEY], constant(1, b"database")) == stale_reading(b"database")
    with pytest.raises(CacheUnavailableError):
        manager.invalidate([Invalidation(1, {KEY: None})])


def test_a_server_that_has_forgotten_the_scripts_is_told_them(scratch: Redis, manager: CacheManager) -> None:
    manager.get_or_set("part", [KEY], constant(1, b"cached"))
    scratch.script_flush()
    assert manager.get_or_set("part", [KEY], never).entries[KEY].body == b"cached"


def test_a_cache_in_another_epoch_is_neither_read_nor_filled_nor_invalidated(scratch: Redis, manager: CacheManager) -> None:
    manager.get_or_set("part", [KEY], constant(1, b"old"))
    manager.get_or_set_list("list", "parts:list:x", FACETS, lambda: b"old")
    scratch.set(cache_keys.EPOCH, "another")
    assert manager.get_or_set("part", [KEY], constant(1, b"database")) == stale_reading(b"database")
    assert manager.get_or_set_list("list", "parts:list:x", FACETS, lambda: b"database") == (b"database", Result.BYPASS)
    with pytest.raises(CacheUnavailableError, match="ANOTHEREPOCH"):
        manager.invalidate([Invalidation(2, {KEY: None})])


def test_a_writer_does_not_rely_on_a_cache_that_was_known_long_ago(scratch: Redis) -> None:
    manager = CacheManager(Clients(scratch, scratch, scratch, ""), lambda _kind, _result: None)
    manager.begin_epoch("1")
    manager.adopt(manager.life(), time.monotonic() - 2.0)
    with pytest.raises(CacheUnavailableError, match="not known which"):
        manager.invalidate([Invalidation(1, {KEY: None})])


def test_a_new_connection_to_another_server_is_given_up(container: Container) -> None:
    clients = cache_clients(container.settings.redis_url, container.settings.prefix)
    assert clients.reading.ping()
    clients.expect("another run of it")
    with pytest.raises(RedisConnectionError, match="not the one"):
        clients.reading.ping()
    assert clients.asking.ping()


def test_what_is_not_understood_is_forgotten_whatever_its_version(manager: CacheManager) -> None:
    manager.get_or_set("part", [KEY], constant(7, b"old"))
    manager.invalidate([Invalidation(0, {KEY: None}, FACETS, forgets=True)])
    assert manager.get_or_set("part", [KEY], constant(8, b"new")).entries[KEY].version == 8
