"""The channel to the web processes breaks for a moment, and what is published meanwhile is lost."""

import pytest
from redis import Redis

from bench.page import Page
from bench.system import System, wait_until


@pytest.fixture
def valkey(system: System) -> Redis:
    assert system.stack is not None
    return Redis.from_url(system.stack.settings.redis_url)


def test_pages_watch_again_when_the_channel_was_interrupted(system: System, valkey: Redis) -> None:
    parts = system.make_parts(1)
    with valkey, Page(system.url, parts, watch_every=600) as one, Page(system.url, parts, watch_every=600) as other:
        valkey.client_kill_filter(_type="pubsub")
        assert wait_until(lambda: min(page.counts["resyncs"] for page in (one, other)) > 0)
