"""Who is known to be alive, and that nobody is known to be dead while Valkey is away."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from types import SimpleNamespace

import pytest
from celery import Celery
from celery.worker.heartbeat import Heart
from redis import Redis

from app.container import Container
from app.contract import cache_keys
from app.sync import heartbeats as module
from app.sync.heartbeats import Heartbeats, flower_at
from devserver.ports import free_ports
from workers import heartbeat


def test_workers_are_alive_while_they_say_so_and_beat_is_remembered(scratch: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = Heartbeats(scratch, "shop:"), Heartbeats(scratch, "shop:")
    assert theirs.heard() == module.Heard([], None)
    mine.worker("live@one", ["sync.live"])
    mine.worker("records@one", {"sync.records", "sync.other"})
    mine.beat()
    heard = theirs.heard()
    assert heard is not None
    assert [(one.name, one.queues) for one in heard.workers] == [
        ("live@one", ["sync.live"]), ("records@one", ["sync.other", "sync.records"]),
    ]  # fmt: skip
    # Sooner than the time that all of it is kept for, by the server's clock.
    assert all(0 <= one.seen_seconds < module.WORKER_KEPT for one in heard.workers)
    assert heard.beat_seconds is not None
    # One that has not said anything for as long, and a tick a minute ago.
    scratch.delete("shop:" + cache_keys.worker("live@one"))
    scratch.expire("shop:" + cache_keys.BEAT, module.BEAT_KEPT - 60)
    later = theirs.heard()
    assert later is not None
    assert [one.name for one in later.workers] == ["records@one"]
    assert later.beat_seconds is not None
    assert later.beat_seconds >= 60
    assert scratch.smembers("shop:" + cache_keys.WORKERS) == {b"records@one"}
    # Beat says it no more often than it need.
    mine.beat()
    still = theirs.heard()
    assert still is not None
    assert (still.beat_seconds or 0) >= 60
    monkeypatch.setattr(module, "EVERY", 0.0)
    mine.beat()
    again = theirs.heard()
    assert again is not None
    assert (again.beat_seconds or 0) < 60
    # Another installation's are none of ours.
    assert Heartbeats(scratch, "shop-2:").heard() == module.Heard([], None)


def test_while_valkey_is_away_nothing_is_known_and_nobody_fails() -> None:
    with Redis(port=1, socket_connect_timeout=0.1) as nowhere:
        away = Heartbeats(nowhere, "shop:")
        away.worker("live@one", ["sync.live"])
        away.beat()
        assert away.heard() is None


def test_celerys_heart_says_which_queues_its_worker_serves(container: Container, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(
        heartbeat, "heartbeats", lambda: SimpleNamespace(worker=lambda name, queues: said.append((name, [*queues])))
    )
    celery = Celery(set_as_current=False, broker="memory://")
    celery.amqp.queues.select(["sync.live"])
    eventer = SimpleNamespace(
        hostname="live@one", app=celery, on_enabled=set(), on_disabled=set(), enabled=True, send=lambda *_event, **_fields: None
    )
    Heart(SimpleNamespace(call_repeatedly=lambda *_arguments: None), eventer).start()
    assert said == [("live@one", ["sync.live"])]


_FLOWER = (
    b"HTTP/1.1 401 Unauthorized\r\nServer: TornadoServer/6.5.2\r\nContent-Type: text/html; charset=UTF-8\r\n"
    b'WWW-Authenticate: Basic realm="flower"\r\nContent-Length: 13\r\n\r\nAccess denied'
)


@pytest.fixture
def answering() -> Iterator[Callable[[Callable[[socket.socket], object]], int]]:
    """Start programs that do something with their first connection; each returns its port."""
    with ExitStack() as stack:

        def start(answer: Callable[[socket.socket], object]) -> int:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))

            def serve() -> None:
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    answer(connection)

            serving = threading.Thread(target=serve)
            serving.start()
            stack.callback(serving.join)
            return int(listening.getsockname()[1])

        yield start


def at(port: int) -> str:
    return f"http://127.0.0.1:{port}/"


def test_flower_has_an_address_while_it_answers_there(answering: Callable[..., int]) -> None:
    """As the real one answers, which tests/browser/test_panel_pops.py finds."""
    port = answering(lambda connection: connection.sendall(_FLOWER))
    assert flower_at(at(port)) == f"http://127.0.0.1:{port}/"
    (free,) = free_ports(1)
    assert flower_at(at(free)) is None


def test_flower_behind_a_proxy_opens_at_its_path(answering: Callable[..., int]) -> None:
    asked: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(_FLOWER)

    assert flower_at(at(answering(answer)) + "flower/") == "/flower/"
    assert asked[0].startswith(b"GET /flower/ HTTP")


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n\r\nflower",
        _FLOWER.replace(b"flower", b"router"),
        _FLOWER.replace(b"401 Unauthorized", b"200 OK"),
        b'220 mail.example ESMTP 401 WWW-Authenticate: Basic realm="flower"\r\n',
        b"\0" * 100_000,
    ],
    ids=["nothing", "another page", "another password", "no password", "another protocol", "noise"],
)
def test_whatever_else_listens_there_is_not_flower(answering: Callable[..., int], answer: bytes) -> None:
    assert flower_at(at(answering(lambda connection: connection.sendall(answer)))) is None


def test_who_never_says_who_it_is_is_not_waited_for(answering: Callable[..., int]) -> None:
    """Neither in silence nor byte by byte: these would go on for ever."""

    def listens(connection: socket.socket) -> None:
        while connection.recv(1000):
            pass

    def drips(connection: socket.socket) -> None:
        connection.settimeout(0.05)
        while True:
            connection.sendall(b" ")
            with suppress(TimeoutError):
                if not connection.recv(1000):
                    return

    assert flower_at(at(answering(listens))) is None
    assert flower_at(at(answering(drips))) is None
