"""Real Socket.IO clients of a real system."""

import gc
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import socketio

from bench.page import ClosingWebSocket
from bench.system import Client, System, wait_until
from tests.faults.inspection import settled
from tests.messages import wrong_in_answer, wrong_in_message

CUSTOMERS = "/customers"
ADMIN = "/admin"


class Listener:
    """A client that records every event it receives, and whatever in them does not match the description."""

    def __init__(self, url: str, namespace: str, also: Sequence[str] = (), origin: str | None = None, **options: Any) -> None:
        self.namespace = namespace
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.wrong: list[str] = []
        self.client = socketio.Client(
            reconnection=False, websocket_extra_options={"class_": ClosingWebSocket} | ({"origin": origin} if origin else {})
        )
        self.client.on("*", self._hear, namespace=namespace)
        self.client.connect(url, namespaces=[namespace, *also], transports=["websocket"], wait_timeout=10, **options)
        self.transport = self.client.eio.ws

    def _hear(self, name: str, *bodies: Any) -> None:
        self.wrong += [fault for body in bodies or [None] for fault in wrong_in_message(self.namespace, name, body)]
        self.events.append((name, *bodies))

    def call(self, event: str, body: Any = None) -> Any:
        """Send an event and return its acknowledgement."""
        answer = self.client.call(event, body, namespace=self.namespace, timeout=10)
        self.wrong += wrong_in_answer(self.namespace, event, answer)
        return answer

    def heard(self, event: str, **values: Any) -> bool:
        """Whether an event with these values arrives in time."""
        return wait_until(lambda: any(name == event and values.items() <= data.items() for name, data in list(self.events)))


@pytest.fixture
def connect(system: System) -> Iterator[Callable[..., Listener]]:
    """Connect listeners; they are disconnected at the end."""
    made: list[Listener] = []

    def make(namespace: str = CUSTOMERS, **options: Any) -> Listener:
        made.append(Listener(system.url, namespace, **options))
        return made[-1]

    yield make
    for listener in made:
        listener.client.disconnect()
        # When the server cuts a client off, the library leaves its socket open.
        listener.transport.close()
        # … and once the server has closed the connection, its `close` does nothing.
        listener.transport.shutdown()
    with warnings.catch_warnings():
        # … and the socket of a refused connection is out of reach.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert [fault for listener in made for fault in listener.wrong] == []


@pytest.fixture
def part_id(system: System) -> int:
    """A published part for this test alone, whose creation has already been announced."""
    made = system.make_parts(1)[0]
    settled(system)
    return made


@pytest.fixture
def client(system: System) -> Iterator[Client]:
    """HTTP with the administrator's rights."""
    made = system.client()
    yield made
    made.close()
