"""A delivery that comes long after (a frozen worker, a replayed dead letter) when the cache has forgotten what it knew since."""

from collections.abc import Callable

import pytest
from sqlalchemy import text

from app.cache.manager import Invalidation
from app.contract import cache_keys
from app.contract.events import Actor, Aspect
from app.contract.task_names import Effect
from app.core import Core
from app.services.intent import Intent

OWE_AGAIN = text("""
    UPDATE outbox_deliveries d SET state = 'pending', next_attempt_at = clock_timestamp() FROM outbox_events e
    WHERE e.id = d.event_id AND d.effect = :effect
      AND e.aggregate_type = 'part' AND e.aggregate_id = :part AND e.aspect = 'stock' AND e.version = ANY(:versions)
""")


@pytest.mark.parametrize("read_meanwhile", [False, True], ids=["nobody has read since", "somebody has read since"])
@pytest.mark.parametrize("versions", [[2], [2, 3]], ids=str)
@pytest.mark.parametrize("effect", [Effect.INVALIDATE_CACHE, Effect.BROADCAST])
def test_an_old_state_that_is_delivered_late_is_never_served(
    core: Core, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], effect: Effect, versions: list[int],
    read_meanwhile: bool,
) -> None:  # fmt: skip
    part = new_part()
    for _ in range(3):
        core.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
    deliver()
    core.cache.drop([key for aspect in Aspect for key in cache_keys.aspect_keys(part, aspect)])  # evicted, or expired
    if read_meanwhile:
        assert core.parts.catalog.part(part).body["versions"]["stock"] == 4
    with core.engine.begin() as connection:
        connection.execute(OWE_AGAIN, {"part": part, "versions": versions, "effect": effect})
    deliver()
    assert core.parts.catalog.part(part).body["versions"]["stock"] == 4


def test_a_change_replaces_what_is_cached_so_that_the_next_reader_need_not_load(
    core: Core, actor: Actor, new_part: Callable[..., int]
) -> None:
    part = new_part()
    core.parts.catalog.part(part)
    core.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
    key = cache_keys.part_stock(part)
    assert core.cache.peek([key])[key].version == 2


def test_an_invalidation_of_the_version_that_is_cached_leaves_it_there(core: Core, new_part: Callable[..., int]) -> None:
    part = new_part()
    core.parts.catalog.part(part)
    key = cache_keys.part_stock(part)
    before = core.cache.peek([key])[key]
    core.cache.invalidate([Invalidation(before.version, {key: b'{"version":1}'})])
    assert core.cache.peek([key])[key] == before
