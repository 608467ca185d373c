"""Real Socket.IO clients of a real system."""

import gc
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import socketio

from bench.system import Client, System, wait_until
from tests.faults.inspection import settled

CUSTOMERS = "/customers"
ADMIN = "/admin"


class Listener:
    """A client that keeps every event it hears."""

    def __init__(self, url: str, namespace: str, **options: Any) -> None:
        self.namespace = namespace
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.client = socketio.Client(reconnection=False)
        self.client.on("*", lambda name, data: self.events.append((name, data)), namespace=namespace)
        self.client.connect(url, namespaces=[namespace], transports=["websocket"], wait_timeout=10, **options)
        self.transport = self.client.eio.ws

    def call(self, event: str, body: Any = None) -> Any:
        """Send an event and return its acknowledgement."""
        return self.client.call(event, body, namespace=self.namespace, timeout=10)

    def heard(self, event: str, **values: Any) -> bool:
        """Whether an event with these values arrives in time."""
        return wait_until(lambda: any(name == event and values.items() <= data.items() for name, data in list(self.events)))


@pytest.fixture
def connect(system: System) -> Iterator[Callable[..., Listener]]:
    """Connect listeners, which are disconnected in the end."""
    made: list[Listener] = []

    def make(namespace: str = CUSTOMERS, **options: Any) -> Listener:
        made.append(Listener(system.url, namespace, **options))
        return made[-1]

    yield make
    for listener in made:
        listener.client.disconnect()
        # Whom the server has cut off, the library leaves with an open socket.
        listener.transport.close()
        # … and once the server has said good-bye, its `close` does nothing.
        listener.transport.shutdown()
    with warnings.catch_warnings():
        # … and that of a refused connection nobody can reach any more.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


@pytest.fixture
def part_id(system: System) -> int:
    """A published part of one's own, whose creation has been told to everybody."""
    made = system.make_parts(1)[0]
    settled(system)
    return made


@pytest.fixture
def client(system: System) -> Iterator[Client]:
    """HTTP with the administrator's rights."""
    made = system.client()
    yield made
    made.close()
