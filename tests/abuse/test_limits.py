"""What a small system does when connections, descriptors or disk space run out, or a process dies."""

import os
import resource
import signal
import socket
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from bench.system import Answer, Client, NoAnswerError, System, own_stack, wait_until

CONNECTIONS, PER_ADDRESS = 60, 40
DISK = 400_000_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A LOCKSTEP_HOME on a small disk of its own, if we are allowed to mount one."""
    directory = tmp_path_factory.mktemp("small")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0755", "lockstep-test", directory], capture_output=True, check=False
    )
    yield directory
    if mounted.returncode == 0:
        subprocess.run(["umount", "--lazy", directory], check=True)


@pytest.fixture(scope="module")
def small(home: Path) -> Iterator[System]:
    """One web process with few connections."""
    with own_stack(
        home, ("flower", "beat"), WEB_CONCURRENCY="1", LOCKSTEP_MAX_CONNECTIONS=str(CONNECTIONS),
        LOCKSTEP_MAX_CONNECTIONS_PER_ADDRESS=str(PER_ADDRESS),
    ) as system:  # fmt: skip
        yield system


@pytest.fixture
def connect(small: System) -> Iterator[Callable[[str], socket.socket]]:
    """Connect from one of this machine's many addresses; closed at the end."""
    with ExitStack() as stack:
        port = int(small.url.rsplit(":", 1)[1])

        def make(source: str = "127.0.0.1") -> socket.socket:
            return stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10, source_address=(source, 0)))

        yield make


def healthz(connection: socket.socket) -> bytes:
    connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
    return connection.recv(4096)


def open_socket(connection: socket.socket) -> bool:
    connection.sendall(
        b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    answer = connection.recv(4096)
    if not answer.startswith(b"HTTP/1.1 101"):
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Retry-After:" in answer
        return False
    return True


def closed_soon(connection: socket.socket) -> bool:
    connection.settimeout(0.05)
    with suppress(TimeoutError):
        return connection.recv(1) == b""
    return False


def test_beyond_an_addresss_share_its_longest_waiting_connection_makes_room(connect: Callable[..., socket.socket]) -> None:
    old = connect()
    assert healthz(old).startswith(b"HTTP/1.1 200")
    other = connect("127.0.0.2")
    idle = [connect() for _ in range(3 * PER_ADDRESS)]
    assert healthz(connect()).startswith(b"HTTP/1.1 200")
    assert wait_until(lambda: closed_soon(old))
    assert wait_until(lambda: closed_soon(idle[0]))
    assert healthz(other).startswith(b"HTTP/1.1 200")


def test_sockets_never_use_up_what_requests_need(connect: Callable[..., socket.socket]) -> None:
    """Neither sockets from one address nor sockets from many."""
    of_one = sum(open_socket(connect("127.0.0.3")) for _ in range(PER_ADDRESS))
    assert of_one == PER_ADDRESS * 0.8
    of_others = sum(open_socket(connect(f"127.0.1.{n}")) for n in range(1, CONNECTIONS))
    assert of_one + of_others == CONNECTIONS * 0.8
    assert healthz(connect("127.0.0.3")).startswith(b"HTTP/1.1 200")
    assert healthz(connect()).startswith(b"HTTP/1.1 200")


def _descriptors_of_its_own(small: System, pid: int) -> int:
    """Return how many a web process holds once it has opened what it goes on using: databases, broker, its own verification."""
    small.make_parts(1)
    counts: deque[int] = deque(maxlen=20)

    def is_steady() -> bool:
        counts.append(len(list(Path(f"/proc/{pid}/fd").iterdir())))
        return len(counts) == counts.maxlen and len(set(counts)) == 1

    assert wait_until(is_steady, within=30, every=0.1)
    return counts[0]


def test_without_descriptors_connections_are_still_accepted(small: System, connect: Callable[..., socket.socket]) -> None:
    assert small.stack is not None
    pid = small.stack.pid("web-1")
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    assert limits[0] == limits[1], "raised to the hard limit"
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (_descriptors_of_its_own(small, pid) + 4, limits[1]))
    try:
        crowd = [connect(f"127.0.2.{n}") for n in range(1, 100)]
        assert healthz(connect("127.0.0.9")).startswith(b"HTTP/1.1 200")
        assert len(crowd) == 99
    finally:
        resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    assert small.stack.pid("web-1") == pid
    assert "ulimit -n" in small.stack.output()


def test_too_few_descriptors_are_refused_at_the_start(small: System) -> None:
    assert small.stack is not None
    environ = small.stack.environ | {"PORT": "1"}
    environ["PROMETHEUS_MULTIPROC_DIR"] = str(small.stack.settings.metrics_directory)
    done = subprocess.run(
        ["sh", "-c", 'ulimit -n 200 && exec "$0" wsgi.py', str(Path(".venv/bin/python").absolute())],
        env=environ, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ulimit -n 65536" in done.stderr


def test_a_process_that_answers_no_more_is_ended_and_started_again(small: System) -> None:
    assert small.stack is not None
    probe = small.stack.settings.socket_directory / "web-1.probe"
    with socket.socket(socket.AF_UNIX) as prober:
        prober.connect(str(probe))
        assert healthz(prober).startswith(b"HTTP/1.1 200")
    pid = small.stack.pid("web-1")
    os.kill(pid, signal.SIGSTOP)
    small.stack.pid("web-1", other_than=pid, within=90)
    assert "web-1 has not answered" in small.stack.output()
    assert wait_until(lambda: _answers(small), within=60)


def _answers(system: System) -> bool:
    client = system.client()
    try:
        return client.call("GET", "/parts?limit=1").status == 200
    except NoAnswerError:
        return False
    finally:
        client.close()


def test_on_a_full_disk_reads_go_on_and_writes_are_refused(small: System, home: Path) -> None:
    if not os.path.ismount(home):
        pytest.skip("needs to mount a small disk, which this account may not")
    assert small.stack is not None
    assert wait_until(lambda: _answers(small), within=60)
    web = small.stack.pid("web-1")
    part = small.make_parts(1)[0]
    client = small.client()
    filler = home / "filler"
    try:
        _fill(filler)
        refused = _write_until_refused(client, part, filler)
        assert refused.status == 503
        assert refused.body["code"] in {"database_unavailable", "storage_unavailable"}
        for path in (f"/parts/{part}", "/parts?limit=5", "/categories", f"/admin/parts/{part}"):
            assert wait_until(lambda path=path: client.call("GET", path).status == 200, within=30), path
        assert client.call("GET", "/parts?limit=1").status == 200
        assert small.stack.pid("web-1") == web
    finally:
        filler.unlink(missing_ok=True)
    assert wait_until(lambda: _stock(client, part, 5).status == 200, within=60, every=0.5)
    client.close()
    assert small.stack.pid("web-1") == web


def _fill(filler: Path) -> None:
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 1_000_000):
            pass
    with filler.open("ab", buffering=0) as file, suppress(OSError):
        while file.write(b"\0" * 512):
            pass


def _stock(client: Client, part: int, value: int) -> Answer:
    return client.call("PUT", f"/admin/parts/{part}/stock", {"current_stock": value, "reason": "x" * 400})


def _write_until_refused(client: Client, part: int, filler: Path) -> Answer:
    """Write until the space that PostgreSQL has preallocated is used up."""
    for number in range(20_000):
        answer = client.call("POST", "/admin/parts", {"sku": f"FULL-{number}", "part_name": "Part", "description": "x" * 5_000})
        if answer.status != 201:
            return answer
        if number % 50 == 0:
            _fill(filler)
    raise AssertionError("the disk never was full")
