"""The Celery application of the worker, beat and Flower."""

import gc
from importlib import import_module
from typing import Any

from app.lean import without

with without("cryptography", "opentelemetry", "rich"):
    import redis  # noqa: F401 — now, and not when somebody needs it
    import structlog  # noqa: F401 — now, and not when somebody needs it

import kombu
from celery import Celery
from celery.app.amqp import AMQP
from celery.signals import celeryd_init, setup_logging
from kombu import Exchange, Queue

from app.contract.task_names import LIVE_QUEUE, RECORDS_QUEUE
from app.logs import configure
from config import load_settings


class PromptConnection(kombu.Connection):
    """Reconnects within a second of the broker's return: kombu's own back-off grows to half a minute, and pages would wait."""

    def ensure_connection(self, *arguments: Any, **options: Any) -> Any:
        """Connect, retrying with short pauses."""
        pauses = {"interval_start": 0.2, "interval_step": 0.2, "interval_max": 1.0}
        return super().ensure_connection(*arguments, **options | pauses)

    def create_transport(self) -> Any:
        """Return the transport; with Valkey one that gives up what it cannot acknowledge."""
        transport: Any = super().create_transport()
        if transport.driver_type == "redis":
            from workers.valkey import Channel

            transport.Channel = Channel
        return transport


class PromptAMQP(AMQP):
    """Celery's messaging over connections that reconnect promptly."""

    Connection = PromptConnection


app = Celery("lockstep", amqp=PromptAMQP)
app.config_from_object("celeryconfig")
app.conf.task_queues = [Queue(name, Exchange(name, type="direct"), routing_key=name) for name in (LIVE_QUEUE, RECORDS_QUEUE)]


@setup_logging.connect
def _log(**_signal: Any) -> None:
    """Log as web processes do, instead of as Celery would."""
    configure(development=not load_settings().production)


@celeryd_init.connect
def _know_the_tasks(**_signal: Any) -> None:
    """Load the application before workers fork. Beat and Flower, which go by the tasks' names, do without its 40 MB each."""
    with without("requests", "tornado", "valkey", "websocket"):
        import_module("workers.tasks")
    # A collection writes to each object that it looks at, and so copies the pages that a child has in common with its parent.
    gc.freeze()
