"""`python -m workers`: what workers and beat are started with."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from unittest.mock import Mock
from uuid import uuid4

import kombu
import psutil  # type: ignore[import-untyped]  # publishes no types
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from app.cache.client import cache_client
from app.contract import cache_keys
from app.contract.task_names import LIVE_QUEUE, RECORDS_QUEUE
from app.factory import publisher
from app.sync.heartbeats import Heartbeats
from bench.system import wait_until
from config import REPOSITORY, load_settings
from workers.celery_app import PromptConnection

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def namespace(monkeypatch: pytest.MonkeyPatch) -> str:
    """A shop of whose tasks and signs of life nobody else knows."""
    name = f"shop-{uuid4().hex[:8]}"
    monkeypatch.setenv("LOCKSTEP_NAMESPACE", name)
    return name


@pytest.fixture
def start(container: object, namespace: str) -> Iterator[Start]:
    """Start programs; they are stopped at the end."""
    started: list[subprocess.Popen[str]] = []

    def run(name: str, program: str = "workers") -> subprocess.Popen[str]:
        command = [sys.executable, "-m", program, name]
        started.append(subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def heartbeats(namespace: str) -> Heartbeats:
    settings = load_settings()
    assert settings.prefix.startswith(namespace)
    return Heartbeats(cache_client(settings.redis_url, max_connections=1), settings.prefix)


def served(heartbeats: Heartbeats) -> dict[str, list[str]]:
    """Return the queues of each worker that is alive."""
    heard = heartbeats.heard()
    assert heard is not None
    return {worker.name.partition("@")[0]: worker.queues for worker in heard.workers}


@pytest.mark.parametrize(("name", "queue"), [("live", LIVE_QUEUE), ("records", RECORDS_QUEUE)])
def test_a_worker_serves_its_queue_until_it_is_told_to_stop(name: str, queue: str, start: Start, heartbeats: Heartbeats) -> None:
    worker = start(name)
    assert wait_until(lambda: served(heartbeats) == {name: [queue]}, 30)
    worker.terminate()
    assert worker.wait(30) == 0


def test_a_worker_starts_anew_when_its_line_is_cut(start: Start, heartbeats: Heartbeats) -> None:
    """SIGHUP, as Celery's workers understand it."""
    worker = start("live")
    assert wait_until(lambda: "live" in served(heartbeats), 30)
    worker.send_signal(signal.SIGHUP)
    assert worker.stdout is not None
    assert any("Restarting celery worker (-m workers live)" in line for line in worker.stdout)
    heartbeats._client.delete(heartbeats._key(cache_keys.worker(f"live@{socket.gethostname()}")))
    assert wait_until(lambda: "live" in served(heartbeats), 30)
    assert worker.poll() is None


@pytest.mark.parametrize(
    ("fault", "said"),
    [("loses", "no task was taken, although there are some; this worker ends"), ("fails", "nobody expects this")],
)
def test_a_worker_that_cannot_go_on_ends_at_once_with_its_children(
    fault: str, said: str, start: Start, heartbeats: Heartbeats
) -> None:
    worker = start(fault, "tests.integration.broken_worker")
    assert wait_until(lambda: "records" in served(heartbeats), 30)
    children = psutil.Process(worker.pid).children()
    assert children
    # The first one may still be taken by whoever loses them.
    for _ in range(2):
        publisher(load_settings()).send_task("tests.slow", queue=RECORDS_QUEUE)
    assert worker.wait(20) == 1
    assert worker.stdout is not None
    assert said in worker.stdout.read()
    assert psutil.wait_procs(children, 5)[1] == []


def test_beat_ticks_until_it_is_told_to_stop(start: Start, heartbeats: Heartbeats) -> None:
    beat = start("beat")

    def ticks() -> bool:
        heard = heartbeats.heard()
        return heard is not None and heard.beat_seconds is not None

    assert wait_until(ticks, 30)
    # Whatever a dbm file is called here.
    assert [*load_settings().home.glob("beat-schedule*")]
    beat.terminate()
    assert beat.wait(30) == 0


@pytest.mark.parametrize("words", [[], ["web"], ["live", "records"], ["--help"]])
def test_who_names_none_is_told_which_there_are(words: list[str]) -> None:
    done = subprocess.run([sys.executable, "-m", "workers", *words], cwd=REPOSITORY, capture_output=True, text=True, timeout=30)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.rstrip() == "Name one of live, records and beat: python -m workers live"


def test_what_cannot_be_acknowledged_does_not_count(container: object, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load_settings()
    with PromptConnection(settings.celery_broker_url, transport_options={"global_keyprefix": settings.prefix}) as connection:
        channel = connection.channel()
        channel.basic_qos(prefetch_count=1)
        queue = kombu.Queue("unacknowledged", channel=channel)
        queue.declare()
        kombu.Producer(channel).publish("one", routing_key="unacknowledged")
        message = queue.get()
        assert message is not None
        assert not channel.qos.can_consume()
        monkeypatch.setattr(channel.qos, "_remove_from_indices", Mock(side_effect=RedisConnectionError))
        with pytest.raises(RedisConnectionError):
            message.ack()
        assert channel.qos.can_consume()
