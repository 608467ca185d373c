"""Real Socket.IO clients of a real system."""

import gc
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
import socketio

from bench.system import Client, System, wait_until
from tests.faults.inspection import settled
from tests.messages import wrong_in_answer, wrong_in_message

CUSTOMERS = "/customers"
ADMIN = "/admin"


class Listener:
    """A client that keeps every event it hears, and what in them is not as described."""

    def __init__(self, url: str, namespace: str, also: Sequence[str] = (), origin: str | None = None, **options: Any) -> None:
        self.namespace = namespace
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.wrong: list[str] = []
        self.client = socketio.Client(reconnection=False, websocket_extra_options={"origin": origin} if origin else {})
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
    assert [fault for listener in made for fault in listener.wrong] == []


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
