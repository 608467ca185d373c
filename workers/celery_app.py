"""The Celery application of the worker, beat and Flower."""

from typing import Any

import kombu
from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import setup_logging, worker_process_init, worker_process_shutdown, worker_shutdown
from kombu import Exchange, Queue

from app import tracing
from app.container import WORKER_CACHE_TIMEOUT, Container, build_container
from app.contract.task_names import LIVE_QUEUE, RECORDS_QUEUE
from app.logs import configure
from app.store.database import connect
from config import load_settings


class PromptConnection(kombu.Connection):
    """Reconnects within a second of the broker's return: kombu's own back-off grows to half a minute, and pages would wait."""

    def ensure_connection(self, *arguments: Any, **options: Any) -> Any:
        """Connect, retrying with short pauses."""
        pauses = {"interval_start": 0.2, "interval_step": 0.2, "interval_max": 1.0}
        return super().ensure_connection(*arguments, **options | pauses)


class PromptAMQP(AMQP):
    """Celery's messaging over connections that reconnect promptly."""

    Connection = PromptConnection


app = Celery("lockstep", amqp=PromptAMQP, include=["workers.tasks", "workers.heartbeat"])
app.config_from_object("celeryconfig")
app.conf.task_queues = [Queue(name, Exchange(name, type="direct"), routing_key=name) for name in (LIVE_QUEUE, RECORDS_QUEUE)]

_cores: list[Container] = []


@setup_logging.connect
def _log(**_signal: Any) -> None:
    """Log as web processes do, instead of as Celery would."""
    configure(development=not load_settings().production)


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
