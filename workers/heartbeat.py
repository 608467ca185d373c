"""What workers and beat say of themselves while they live."""

from functools import cache
from typing import Any

from celery.signals import heartbeat_sent

from app.cache.client import cache_client
from app.sync.heartbeats import Heartbeats
from config import settings_or_exit


@cache
def heartbeats() -> Heartbeats:
    """Return those of this process, which must not wait for Valkey for long."""
    settings = settings_or_exit()
    return Heartbeats(cache_client(settings.redis_url, max_connections=1), settings.prefix)


@heartbeat_sent.connect
def say(sender: Any, **_signal: Any) -> None:
    """Note that this worker is alive, as often as Celery's heart beats: not while it has no connection to its broker."""
    heartbeats().worker(sender.eventer.hostname, sender.eventer.app.amqp.queues.consume_from)
