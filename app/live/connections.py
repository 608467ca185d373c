"""The connections of a web process: who gets one, who must leave when there are too many, and how it goes on without descriptors.

Imported by `wsgi.py` alone, and after eventlet has patched the process.
"""

import errno
import resource
import socket
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import eventlet
import eventlet.greenio
import eventlet.hubs
import eventlet.wsgi
import structlog

from app.arrival import limited_client
from app.domain.addresses import client_of, parse_address
from app.live.budgets import Allowance, Buckets

log = structlog.get_logger()

# Descriptors that are not connections of clients: the database, the cache, files, libraries.
RESERVED_DESCRIPTORS = 256
# Of all connections, and of one address's, sockets may be so many: whoever only asks by HTTP still gets in.
SOCKETS_SHARE = 0.8
# WebSockets that one address may open; each costs as much as some requests. After a restart all pages behind it come back.
OPENED_SOCKETS = Allowance(per_second=40, at_once=800)
# Seconds in which the connections taken last may send their request when the process is told to stop.
GREETING = 0.5
# Seconds after which the listener looks whether it is to be left, and between two tries when there are no descriptors.
TURN = 0.1
# Seconds after which a listener that has not looked is taken for stuck.
MAX_PAUSE = 5.0
# Connections taken in one go; then those that are open already get their turn.
TAKEN_AT_ONCE = 16
# What `accept` says when the listener itself is gone. Whatever else it says is about one connection, or passes.
_LISTENER_GONE = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}
_WELL = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections a process holds, in all and for one address; sockets are among them."""

    connections: int
    per_address: int
    hops: int = 0

    @property
    def sockets(self) -> int:
        """WebSockets in all."""
        return int(self.connections * SOCKETS_SHARE)

    @property
    def sockets_per_address(self) -> int:
        """WebSockets of one address."""
        return int(self.per_address * SOCKETS_SHARE)


class DescriptorsError(Exception):
    """The operating system gives this process too few descriptors."""


def raise_descriptor_limit(connections: int) -> int:
    """Raise the limit of open files as far as it goes; return how many connections it leaves room for, at most `connections`.

    Raises:
        DescriptorsError: there is room for next to none.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    room = connections if hard == resource.RLIM_INFINITY else min(connections, hard - RESERVED_DESCRIPTORS)
    if room <= 0:
        raise DescriptorsError(
            f"Open files are limited to {hard}, which is too few to serve anybody. Raise it: `ulimit -n 65536`."
        )
    if room < connections:
        log.warning("open files are limited", limit=hard, connections=room, wanted=connections, remedy="ulimit -n 65536")
    return room


class Connection(list[Any]):
    """One connection, as eventlet keeps it (address, socket, state), and whom it belongs to."""

    __slots__ = ("caller",)

    def __init__(self, address: Any, client: Any, caller: str) -> None:
        super().__init__((address, client, eventlet.wsgi.STATE_IDLE))
        self.caller = caller

    def __hash__(self) -> int:  # type: ignore[override] # each is itself alone, unlike lists
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def shut(self) -> None:
        """End it; whoever reads from it comes to know."""
        eventlet.greenio.shutdown_safe(self[1])


class Connections:
    """The open connections, those of each address, and which of them wait for a request, the longest waiting first."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: set[Connection] = set()
        self._by_caller: Counter[str] = Counter()
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        self._waiting_by_caller: dict[str, OrderedDict[Connection, None]] = {}
        self._sockets: Counter[str] = Counter()
        self._all_sockets = 0
        self._opened = Buckets(OPENED_SOCKETS)

    def admit(self, connection: Connection) -> bool:
        """Let a new connection in, in the place of the one that has waited longest if need be; return whether it is in.

        Behind proxies all connections are theirs, so those are not counted by address.
        """
        caller = connection.caller
        if not self._limits.hops and self._by_caller[caller] >= self._limits.per_address and not self._close_waiting(caller):
            return False
        if len(self._open) >= self._limits.connections and not self._close_waiting():
            return False
        self._open.add(connection)
        self._by_caller[caller] += 1
        return True

    def waits(self, connection: Connection) -> None:
        """Note that a connection waits for a request: it can be spared."""
        if connection in self._open:
            for waiting in (self._waiting, self._waiting_by_caller.setdefault(connection.caller, OrderedDict())):
                waiting[connection] = None
                waiting.move_to_end(connection)

    def works(self, connection: Connection) -> None:
        """Note that a connection's request has come."""
        self._waiting.pop(connection, None)
        if (waiting := self._waiting_by_caller.get(connection.caller)) is not None:
            waiting.pop(connection, None)
            if not waiting:
                del self._waiting_by_caller[connection.caller]

    def release(self, connection: Connection) -> None:
        """Forget a connection that has ended."""
        self.works(connection)
        if connection in self._open:
            self._open.discard(connection)
            _count_out(self._by_caller, connection.caller)

    def open_socket(self, caller: str) -> bool:
        """Count a WebSocket in; return whether there is room for it."""
        if self._all_sockets >= self._limits.sockets or self._sockets[caller] >= self._limits.sockets_per_address:
            return False
        if not self._opened.of(caller).draw(1):
            return False
        self._sockets[caller] += 1
        self._all_sockets += 1
        return True

    def close_socket(self, caller: str) -> None:
        """Count a WebSocket out."""
        _count_out(self._sockets, caller)
        self._all_sockets -= 1

    def make_room(self) -> None:
        """Close the connections that have waited longest, for those who wait to be let in."""
        for _ in range(TAKEN_AT_ONCE):
            self._close_waiting()

    def leave(self) -> None:
        """Close each connection that waits for a request, or is a socket, and the others after the answer that they wait for."""
        for connection in list(self._open):
            state, connection[2] = connection[2], eventlet.wsgi.STATE_CLOSE
            if state == eventlet.wsgi.STATE_IDLE:
                connection.shut()

    def _close_waiting(self, caller: str | None = None) -> bool:
        waiting = self._waiting if caller is None else self._waiting_by_caller.get(caller)
        if not waiting:
            return False
        longest = next(iter(waiting))
        self.release(longest)
        longest.shut()
        return True


def _count_out(counter: Counter[str], caller: str) -> None:
    counter[caller] -= 1
    if not counter[caller]:
        del counter[caller]


class Acceptor:
    """Takes connections from the listening socket and has each of them served in a green thread of its own."""

    def __init__(self, listener: Any, server: Any, limits: Limits, refused: Callable[[str], None]) -> None:
        """Serve `listener` with eventlet's `server`; `refused` is told why somebody was turned away."""
        self.connections = server.connections = Connections(limits)
        self._listener = listener
        self._listener.settimeout(TURN)
        self._server = server
        self._refused = refused
        _log_uncaught()
        # Larger than the number of connections, so that it never makes the acceptor wait.
        self._pool = eventlet.GreenPool(2 * limits.connections)
        self._leaving = False
        self._turned_at = time.monotonic()

    def run(self) -> None:
        """Take connections until told to leave; then serve those who are waiting, and return when all are done.

        Raises:
            OSError: the listening socket is gone.
        """
        taken = 0
        while True:
            self._turned_at = time.monotonic()
            try:
                client, address = self._listener.accept()
            except (TimeoutError, BlockingIOError):
                if self._leaving:
                    break
            except OSError as error:
                if error.errno in _LISTENER_GONE:
                    raise
                self._out_of_descriptors(error)
            else:
                self._take(client, address)
                taken += 1
                if taken % TAKEN_AT_ONCE == 0:
                    eventlet.sleep(0)
        self._listener.close()
        eventlet.sleep(GREETING)
        self.connections.leave()
        self._pool.waitall()

    def answer_probes(self, path: str) -> None:
        """Say by HTTP at a UNIX socket whether connections are still being accepted; clients of the port do not feel it."""
        try:
            Path(path).unlink(missing_ok=True)
            eventlet.spawn_n(self._answer_probes, eventlet.listen(path, family=socket.AF_UNIX))
        except OSError as error:
            log.error("probes cannot be answered", path=path, error=str(error))

    def _answer_probes(self, listener: Any) -> None:
        while True:
            with suppress(OSError), closing(listener.accept()[0]) as client:
                client.settimeout(1)
                client.recv(4096)
                is_well = self._leaving or time.monotonic() - self._turned_at < MAX_PAUSE
                client.sendall(_WELL if is_well else _FULL)
                continue
            eventlet.sleep(TURN)

    def leave(self) -> None:
        """Take those who are waiting, and then no more: new connections go to the other processes."""
        self._leaving = True
        self._listener.settimeout(0)

    def _out_of_descriptors(self, error: OSError) -> None:
        """Go on: who is waiting to be let in stays in the kernel's queue."""
        log.error("connections cannot be accepted", error=str(error), remedy="ulimit -n 65536")
        self._refused("descriptors")
        self.connections.make_room()
        eventlet.sleep(TURN)

    def _take(self, client: Any, address: Any) -> None:
        connection = Connection(address, client, _client_at(address))
        if self.connections.admit(connection):
            self._pool.spawn_n(self._serve, connection)
            return
        self._refused("too_many_connections")
        client.settimeout(0)
        with suppress(OSError):
            client.send(_FULL)
        connection.shut()
        client.close()

    def _serve(self, connection: Connection) -> None:
        try:
            connection[1].settimeout(self._server.socket_timeout)
            self._server.process_request(connection)
        except OSError:
            pass  # the client is gone
        except Exception:
            log.exception("connection ended by an error")
        finally:
            self.connections.release(connection)
            connection[2] = eventlet.wsgi.STATE_CLOSE
            connection.shut()
            connection[1].close()


def _log_uncaught() -> None:
    """Log what no green thread has caught, as everything else is; eventlet would print each traceback."""
    hub = eventlet.hubs.get_hub()

    def uncaught(_timer: object, error: Any) -> None:
        log.error("uncaught error", exc_info=error)

    def uncaught_at(descriptor: int, error: Any) -> None:
        log.error("uncaught error", exc_info=error)
        with suppress(Exception):
            hub.remove_descriptor(descriptor)

    hub.squelch_timer_exception = uncaught
    hub.squelch_generic_exception = partial(uncaught, None)
    hub.squelch_exception = uncaught_at


def _client_at(address: Any) -> str:
    """Return what limits count as the client at the other end of a connection."""
    parsed = parse_address(str(address[0]))
    return client_of(parsed) if parsed else "unknown"


class SocketGate:
    """WSGI middleware behind `Arrival` that refuses a WebSocket beyond the number that a process, or an address, may have."""

    def __init__(self, application: Any, connections: Connections, refused: Callable[[str], None]) -> None:
        self._application = application
        self._connections = connections
        self._refused = refused

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Let a request through, and a WebSocket if there is room for it."""
        if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
            return self._application(environ, start_response)
        caller = limited_client(environ)
        if not self._connections.open_socket(caller):
            self._refused("too_many_sockets")
            start_response("503 Service Unavailable", [("Retry-After", "5"), ("Content-Length", "0"), ("Connection", "close")])
            return []
        try:
            return self._application(environ, start_response)
        finally:
            self._connections.close_socket(caller)
