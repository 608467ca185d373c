"""A delivery that arrives very late (a frozen worker, a replayed dead letter), after the cache has lost its newer state."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from app.cache.manager import Invalidation, Result
from app.container import Container
from app.contract import cache_keys
from app.contract.events import Actor, Aspect
from app.contract.task_names import Effect
from app.services.intent import Intent
from bench.system import wait_until

OWE_AGAIN = text("""
    UPDATE outbox_deliveries d SET state = 'pending', next_attempt_at = clock_timestamp() FROM outbox_events e
    WHERE e.id = d.event_id AND d.effect = :effect
      AND e.aggregate_type = 'part' AND e.aggregate_id = :part AND e.aspect = 'stock' AND e.version = ANY(:versions)
""")


@pytest.mark.parametrize("read_meanwhile", [False, True], ids=["nobody has read since", "somebody has read since"])
@pytest.mark.parametrize("versions", [[2], [2, 3]], ids=str)
@pytest.mark.parametrize("effect", [Effect.INVALIDATE_CACHE, Effect.BROADCAST])
def test_an_old_state_that_is_delivered_late_is_never_served(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], effect: Effect,
    versions: list[int], read_meanwhile: bool,
) -> None:  # fmt: skip
    part = new_part()
    for _ in range(3):
        container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
    deliver()
    container.cache.drop([key for aspect in Aspect for key in cache_keys.aspect_keys(part, aspect)])  # evicted, or expired
    if read_meanwhile:
        assert container.parts.catalog.part(part).body["versions"]["stock"] == 4
    with container.engine.begin() as connection:
        connection.execute(OWE_AGAIN, {"part": part, "versions": versions, "effect": effect})
    deliver()
    assert container.parts.catalog.part(part).body["versions"]["stock"] == 4


def test_a_change_replaces_what_is_cached_so_that_the_next_reader_need_not_load(
    container: Container, actor: Actor, new_part: Callable[..., int]
) -> None:
    part = new_part()
    assert wait_until(lambda: container.parts.catalog.part(part).result is Result.HIT)
    container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
    key = cache_keys.part_stock(part)
    assert container.cache.peek([key])[key].version == 2


def test_an_invalidation_of_the_version_that_is_cached_leaves_it_there(
    container: Container, new_part: Callable[..., int]
) -> None:
    part = new_part()
    assert wait_until(lambda: container.parts.catalog.part(part).result is Result.HIT)
    key = cache_keys.part_stock(part)
    before = container.cache.peek([key])[key]
    container.cache.invalidate([Invalidation(before.version, {key: b'{"version":1}'})])
    assert container.cache.peek([key])[key] == before
