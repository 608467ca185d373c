"""What a worker's process has of its own."""

from typing import Any

from celery.signals import worker_process_init, worker_process_shutdown, worker_shutdown

from app import tracing
from app.cache.client import WORKER_CACHE_TIMEOUT
from app.container import Container, build_container
from app.store.database import connect
from config import load_settings
from workers.celery_app import app

_cores: list[Container] = []


@worker_process_init.connect
def _begin(**_signal: Any) -> None:
    """Give a forked child its own connections."""
    settings = load_settings()
    if settings.tracing:
        tracing.start("worker")
    _cores[:] = [build_container(settings, connect(settings.database_url), app, WORKER_CACHE_TIMEOUT)]


@worker_process_shutdown.connect
@worker_shutdown.connect
def _end(**_signal: Any) -> None:
    tracing.stop()


def container() -> Container:
    """Return this worker child's wired application."""
    return _cores[0]
