"""A running Lockstep as its clients see it: its own stack or one running elsewhere, and calls over keep-alive connections."""

import http.client
import json
import os
import platform
import shlex
import time
import uuid
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app.contract.events import Actor
from app.services import staff
from app.store import users
from app.store.database import connect, single_statements
from app.store.transaction import TransactionManager
from config import REPOSITORY
from devserver import Stack

API = "/api/v1"
# How long, in seconds, something is tried to be created while the server is busy, and the pause between two tries.
CREATED_WITHIN, RESPITE = 30.0, 0.2
# What a part made here has in stock.
START_STOCK = 1000


class NoAnswerError(Exception):
    """The connection broke before an answer came: a write may or may not have happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer; `is_replay` if it was the answer to an earlier call with the same idempotency key."""

    status: int
    body: Any
    cache: str | None
    is_replay: bool = False


class Client:
    """One keep-alive connection, opened when needed. For one thread.

    http.client and not httpx: it costs a third as much, and it is the servers that should be measured.
    """

    def __init__(self, url: str, key: str | None = None, timeout: float = 10.0) -> None:
        """Talk to `url`, with the rights of an API key."""
        parts = urlsplit(url)
        self._connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=timeout)
        # Whoever asks only once need not close it.
        weakref.finalize(self, self._connection.close)
        self._headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})

    @property
    def port(self) -> int | None:
        """The local port of the connection, if it is open."""
        return self._connection.sock.getsockname()[1] if self._connection.sock else None

    def connect(self) -> None:
        """Open the connection."""
        self._connection.connect()

    def close(self) -> None:
        """Close it; the next call opens another."""
        self._connection.close()

    def call(
        self, method: str, path: str, body: Any = None, request_id: str | None = None, key: str | None = None, *, base: str = API
    ) -> Answer:
        """Send one request to a path under `base`, with an idempotency key if given, and return its answer.

        Raises:
            NoAnswerError: the connection could not be opened, or broke. It is never sent twice.
        """
        headers = self._headers | ({"X-Request-ID": request_id} if request_id else {}) | ({"Idempotency-Key": key} if key else {})
        try:
            self._connection.request(method, base + path, None if body is None else json.dumps(body), headers)
            response = self._connection.getresponse()
            raw = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NoAnswerError(repr(error)) from error
        is_json = "json" in (response.getheader("Content-Type") or "")
        is_replay = response.getheader("Idempotency-Replayed") == "true"
        return Answer(response.status, json.loads(raw) if is_json and raw else raw, response.getheader("X-Cache"), is_replay)


@dataclass(slots=True)
class System:
    """Where a running Lockstep is, and an administrator's API key for it."""

    url: str
    key: str
    stack: Stack | None = None

    @property
    def address(self) -> str:
        """The address and port of the web processes."""
        return urlsplit(self.url).netloc

    def client(self) -> Client:
        """Return a client with the administrator's rights."""
        return Client(self.url, self.key)

    def clients_of_every_process(self) -> list[Client]:
        """Return open clients, one for each web process: the kernel distributes new connections among them."""
        names = [f"web-{n + 1}" for n in range(self.stack.settings.web_concurrency)] if self.stack else []
        if self.stack is None:
            return [self.client()]
        pids = {self.stack.pid(name) for name in names}
        found: dict[int, Client] = {}
        deadline = time.monotonic() + 10
        while pids - found.keys():
            if time.monotonic() > deadline:
                close_all(found.values())
                raise TimeoutError(f"no connection reached {pids - found.keys()}")
            client = self.client()
            client.connect()
            # An answer proves that a process has accepted the connection; only then is it listed as that process's.
            client.call("GET", "/categories")
            owner = self._owner(client, pids)
            if owner in pids - found.keys():
                found[owner] = client
            else:
                client.close()
        return list(found.values())

    def _owner(self, client: Client, pids: set[int]) -> int:
        for pid in pids:
            # Not by psutil, which knows our own network only: the process may live in another (tests.faults.machines).
            rows = [line.split() for line in Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]]
            sockets = {f"socket:[{row[9]}]" for row in rows if int(row[2].rpartition(":")[2], 16) == client.port}
            if sockets & {_target(file) for file in Path(f"/proc/{pid}/fd").iterdir()}:
                return pid
        return 0

    def make_category(self) -> int:
        """Create an empty category; return its id."""
        with closing(self.client()) as client:
            return _create(client, "/admin/categories", {"name": f"Bench {uuid.uuid4().hex[:12]}"})

    def make_parts(self, count: int, category: int | None = None) -> list[int]:
        """Create published parts with a price and stock, in a category if given; return their ids."""
        with closing(self.client()) as client:
            return [
                _create(
                    client,
                    "/admin/parts",
                    {
                        "sku": f"BENCH-{uuid.uuid4().hex[:12]}",
                        "part_name": "Bench part",
                        "status": "published",
                        "prices": [{"currency": "EUR", "amount": "1.00"}],
                        "specifications": [{"name": "Bore", "value": "10", "unit": "mm"}],
                        "stock": {"current_stock": START_STOCK},
                        "category_id": category,
                    },
                )
                for _ in range(count)
            ]


def _create(client: Client, path: str, body: dict[str, Any]) -> int:
    """Create something and return its id; like any good client, ask again with the same key while the answer is 503."""
    key, deadline = uuid.uuid4().hex, time.monotonic() + CREATED_WITHIN
    while (answer := client.call("POST", path, body, key=key)).status != http.HTTPStatus.CREATED:
        if answer.status != http.HTTPStatus.SERVICE_UNAVAILABLE or time.monotonic() > deadline:
            raise RuntimeError(f"{path} was answered with {answer}")
        time.sleep(RESPITE)
    return int(answer.body["id"])


def _target(link: Path) -> str:
    try:
        return str(link.readlink())
    except FileNotFoundError:  # closed meanwhile
        return ""


def create_key(database_url: str, name: str) -> str:
    """Return a new administrator's API key, written straight into the database as `flask create-api-key` does."""
    engine = connect(database_url)
    try:
        with single_statements(engine).connect() as connection:
            system = users.system(connection)
        transactions = TransactionManager(engine, lambda _committed: None)
        return staff.create_key(transactions, Actor(system.id, system.name), name, "admin", system.id)
    finally:
        engine.dispose()


def machine() -> dict[str, Any]:
    """Return what figures are measured on: cores, system, and the load of the last minute."""
    return {"cpus": os.cpu_count(), "platform": platform.platform(), "load": os.getloadavg()[0]}


def close_all(clients: Iterable[Client]) -> None:
    """Close clients."""
    for client in clients:
        client.close()


def wait_until(condition: Callable[[], bool], within: float = 30.0, every: float = 0.02) -> bool:
    """Return whether a condition comes true in time."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(every)
    return True


@contextmanager
def own_stack(
    home: Path, without: Sequence[str] = ("flower",), own: Mapping[str, Mapping[str, str]] | None = None,
    prefix: Sequence[str] = (), sources: Path = REPOSITORY, prepare: str = "flask --app wsgi db upgrade", **environ: str,
) -> Iterator[System]:  # fmt: skip
    """Run a stack without the demo catalog and the processes in `without`, while the block runs.

    Args:
        own: variables that only some processes get, by their line of the Procfile; `environ` is for all.
        prefix: a command that runs it, such as `ip netns exec NAME`.
        sources: where the code is that it runs.
        prepare: the command that brings the schema up to date.
    """
    lines = [line.split(": ", 1) for line in (sources / "Procfile").read_text().splitlines()]
    commands = {name: command for name, command in lines if name not in without}
    for name, variables in (own or {}).items():
        commands[name] = shlex.join(["env", *(f"{key}={value}" for key, value in variables.items())]) + f" {commands[name]}"
    procfile = home / "Procfile"
    procfile.write_text("".join(f"{name}: {command}\n" for name, command in commands.items()))
    arguments = ["--procfile", str(procfile), "--prepare", prepare]
    # Shops are measured and tried, not how much one key may ask of them.
    environ = {"LOCKSTEP_CALLS_PER_SECOND": "1000000"} | environ
    stack = Stack(home, environ, arguments=arguments, prefix=prefix, sources=sources)
    with stack:
        yield System(stack.url, create_key(stack.settings.database_url, "bench"), stack)
