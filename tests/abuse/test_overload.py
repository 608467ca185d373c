"""More is asked for than the shop can do, at a rate that does not wait for answers (`bench.overload`)."""

import asyncio
import os

import pytest

from bench.overload import HOT_PARTS, MIX, Generator, Outcome, Shop, summary
from bench.system import System

SECONDS = 3.0
# The rate at first; doubled until some of it is refused. No machine that runs these tests can do the last one.
RATE, DOUBLINGS = 200.0, 5
CALM_RATE = 10.0


# What a machine can do depends on what else it has to do; a rate that it cannot is sought, and answers are awaited for a while.
@pytest.mark.skipif("OPERATIONS" not in os.environ, reason="as long as it takes to find too much: run by make soak")
def test_what_is_too_much_is_refused_with_a_time_to_come_back_and_everything_is_served_again_afterwards(
    system: System, many_parts: list[int]
) -> None:
    shop = Shop(system, many_parts[:HOT_PARTS], many_parts[HOT_PARTS : HOT_PARTS + 20])

    async def play() -> tuple[list[Outcome], bool]:
        generator = Generator(shop)
        try:
            await generator.offer(CALM_RATE, SECONDS)
            for doubled in range(DOUBLINGS):
                found = await generator.offer(RATE * 2**doubled, SECONDS)
                if summary(found).shed:
                    break
            for _ in range(20):
                after = summary(await generator.offer(CALM_RATE, 1.0))
                if after.answered == after.offered:
                    return found, True
            return found, False
        finally:
            generator.close()

    found, is_calm = asyncio.run(play())
    by_kind = {kind: summary(found, kind) for kind in (*MIX, "probe")}
    assert summary(found).shed, by_kind
    # Nobody gets an error or no answer, and probes are answered: the process is busy, not ill.
    assert all(s.failed == 0 for s in by_kind.values()), by_kind
    assert by_kind["probe"].shed == 0, by_kind
    assert is_calm
