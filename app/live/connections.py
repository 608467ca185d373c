"""The connections of a web process: who gets one, who is dropped when there are too many, and how it survives running out of
descriptors.

Imported only by `wsgi.py`, after eventlet has patched the process.
"""

import errno
import math
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
from app.domain.buckets import Allowance, Buckets
from app.live.line import BusyError, Line

log = structlog.get_logger()

# Descriptors reserved for everything but clients' connections: the database, the cache, files, libraries.
RESERVED_DESCRIPTORS = 256
# The share of all connections, and of one address's, that may be WebSockets, so that plain HTTP clients still get in.
SOCKETS_SHARE = 0.8
# WebSockets that one address may open; each costs as much as several requests. After a restart, all pages behind it reconnect.
OPENED_SOCKETS = Allowance(per_second=40, at_once=800)
# Seconds that a client waits until its WebSocket is opened. Our pages wait for 2.5 s and then begin again.
SOCKET_PATIENCE = 2.0
# Connections that may wait for `accept`. All pages come back at once; if there is no room, their system tries again after a
# second, three, seven.
BACKLOG = 4_096
# Seconds that the most recently accepted connections get to send their request when the process is told to stop.
GREETING = 0.5
# Seconds between checks whether to stop accepting, and between attempts while there are no descriptors and none can be freed.
TURN = 0.5
# Seconds until connections that were told to make room have closed.
CLOSED_AFTER = 0.01
# Seconds after which an acceptor that has made no such check counts as stuck.
MAX_PAUSE = 5.0
# Seconds between two signs that connections are accepted.
SAID_EVERY = 1.0
# Seconds without a connection after which a process counts as idle.
IDLE_AFTER = 10.0
# Connections accepted in one go, before yielding to those already open.
TAKEN_AT_ONCE = 16
# Errors of `accept` that mean the listener itself is gone. Any other concerns a single connection or is transient.
_LISTENER_GONE = {errno.EBADF, errno.EINVAL, errno.ENOTSOCK, errno.EFAULT}
_WELL = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_FULL = b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nRetry-After: 5\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections a process holds, in all and per address; WebSockets are included."""

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
    """The operating system allows this process too few descriptors."""


def raise_descriptor_limit(connections: int) -> int:
    """Raise the limit on open files as far as possible; return how many connections fit within it, at most `connections`.

    Raises:
        DescriptorsError: there is room for none.
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
    """One connection, as eventlet keeps it (address, socket, state), and its caller."""

    __slots__ = ("caller",)

    def __init__(self, address: Any, client: Any, caller: str) -> None:
        super().__init__((address, client, eventlet.wsgi.STATE_IDLE))
        self.caller = caller

    def __hash__(self) -> int:  # type: ignore[override] # by identity, unlike lists
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def shut(self) -> None:
        """Shut it down; whoever is reading from it notices."""
        eventlet.greenio.shutdown_safe(self[1])


class Connections:
    """The open connections, in all and by caller, and which of them are waiting for a request, longest wait first."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._open: set[Connection] = set()
        self._by_caller: Counter[str] = Counter()
        self._waiting: OrderedDict[Connection, None] = OrderedDict()
        self._waiting_by_caller: dict[str, OrderedDict[Connection, None]] = {}
        self._sockets: Counter[str] = Counter()
        self._all_sockets = 0
        self._opened = Buckets(OPENED_SOCKETS)
        self._left_at = time.monotonic()

    @property
    def are_idle(self) -> bool:
        """Whether there is none and has been none for a while."""
        return not self._open and time.monotonic() - self._left_at > IDLE_AFTER

    def admit(self, connection: Connection) -> bool:
        """Admit a new connection, closing the one that has waited longest if need be; return whether it was admitted.

        Behind proxies every connection comes from a proxy, so there is no limit per address.
        """
        caller = connection.caller
        if not self.limits.hops and self._by_caller[caller] >= self.limits.per_address and not self._close_waiting(caller):
            return False
        if len(self._open) >= self.limits.connections and not self._close_waiting():
            return False
        self._open.add(connection)
        self._by_caller[caller] += 1
        return True

    def waits(self, connection: Connection) -> None:
        """Note that a connection is waiting for a request, so it may be closed to make room."""
        if connection in self._open:
            for waiting in (self._waiting, self._waiting_by_caller.setdefault(connection.caller, OrderedDict())):
                waiting[connection] = None
                waiting.move_to_end(connection)

    def works(self, connection: Connection) -> None:
        """Note that a connection's request has arrived."""
        self._waiting.pop(connection, None)
        if (waiting := self._waiting_by_caller.get(connection.caller)) is not None:
            waiting.pop(connection, None)
            if not waiting:
                del self._waiting_by_caller[connection.caller]

    def release(self, connection: Connection) -> None:
        """Drop a connection that has ended."""
        self.works(connection)
        if connection in self._open:
            self._open.discard(connection)
            self._left_at = time.monotonic()
            _count_out(self._by_caller, connection.caller)

    def open_socket(self, caller: str) -> bool:
        """Count a new WebSocket; return False, and do not count it, if there is no room."""
        if self._all_sockets >= self.limits.sockets or self._sockets[caller] >= self.limits.sockets_per_address:
            return False
        if not self._opened.of(caller).draw(1):
            return False
        self._sockets[caller] += 1
        self._all_sockets += 1
        return True

    def close_socket(self, caller: str) -> None:
        """Stop counting a WebSocket."""
        _count_out(self._sockets, caller)
        self._all_sockets -= 1

    def make_room(self) -> bool:
        """Close the connections that have waited longest, for those not yet accepted; return whether there were any."""
        return sum(self._close_waiting() for _ in range(TAKEN_AT_ONCE)) > 0

    def leave(self) -> None:
        """Close every connection that is waiting for a request or is a WebSocket, and the others after their current answer."""
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
    """Accepts connections from the listening socket and serves each in its own green thread."""

    def __init__(
        self, listener: Any, server: Any, connections: Connections, refused: Callable[[str], None],
        accepting: Callable[[float], None],
    ) -> None:  # fmt: skip
        """Serve `listener` with eventlet's `server`; `refused` is told why a client was turned away, and `accepting`, every now
        and then, that clients are taken."""
        self.connections = server.connections = connections
        self._listener = listener
        self._listener.settimeout(TURN)
        self._server = server
        self._refused = refused
        self._accepting = accepting
        self._said_at = self._complained_at = float("-inf")
        _log_uncaught()
        # Larger than the number of connections, so that it never blocks the acceptor.
        self._pool = eventlet.GreenPool(2 * connections.limits.connections)
        self._leaving = False
        self._turned_at = time.monotonic()

    def run(self) -> None:
        """Accept connections until told to leave; then serve those already waiting, and return when all are done.

        Raises:
            OSError: the listening socket is gone.
        """
        taken = 0
        while True:
            self._turned_at = time.monotonic()
            if self._turned_at - self._said_at > SAID_EVERY:
                self._said_at = self._turned_at
                self._accepting(time.time())
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
        """Report over HTTP on a UNIX socket whether connections are still being accepted; independently of the port's clients."""
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
        """Accept those already waiting, then no more: new connections go to the other processes."""
        self._leaving = True
        # What still waited here when the listener closes would be reset. Without room its system tries again, at another process.
        self._listener.listen(0)
        self._listener.settimeout(0)

    def _out_of_descriptors(self, error: OSError) -> None:
        """Carry on: clients not yet accepted stay in the kernel's queue, and whoever has waited longest makes room for them."""
        if self._turned_at - self._complained_at > SAID_EVERY:
            self._complained_at = self._turned_at
            log.error("connections cannot be accepted", error=str(error), remedy="ulimit -n 65536")
        self._refused("descriptors")
        eventlet.sleep(CLOSED_AFTER if self.connections.make_room() else TURN)

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
    """Log uncaught errors of green threads like everything else; eventlet would print each traceback."""
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
    """Return the client that limits attribute a connection to."""
    parsed = parse_address(str(address[0]))
    return client_of(parsed) if parsed else "unknown"


class SocketGate:
    """WSGI middleware inside `Arrival` that refuses WebSockets beyond the limits of the process or the address.

    It opens one at a time, callers in turns: those that are open, and everybody's requests, go on meanwhile.
    """

    def __init__(self, application: Any, connections: Connections, refused: Callable[[str], None]) -> None:
        self._application = application
        self._connections = connections
        self._refused = refused
        self._line = Line(SOCKET_PATIENCE)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        """Pass on a request, or a WebSocket if there is room for it."""
        if environ.get("HTTP_UPGRADE", "").lower() != "websocket":
            return self._application(environ, start_response)
        caller = limited_client(environ)
        if not self._connections.open_socket(caller):
            self._refused("too_many_sockets")
            return _come_back(start_response, 5)
        try:
            with self._line.turn(caller):
                # A turn lasts until all that is under way has had its own, and what has arrived meanwhile has been taken.
                eventlet.sleep(0)
                is_gone = _is_gone(environ["eventlet.input"].get_socket())
            return _come_back(start_response, 1) if is_gone else self._application(environ, start_response)
        except BusyError as error:
            self._refused("too_many_at_once")
            return _come_back(start_response, error.retry_after)
        finally:
            self._connections.close_socket(caller)


def _come_back(start_response: Any, seconds: float) -> list[bytes]:
    headers = [("Retry-After", str(math.ceil(seconds))), ("Content-Length", "0"), ("Connection", "close")]
    start_response("503 Service Unavailable", headers)
    return []


def _is_gone(client: Any) -> bool:
    """Whether a client that has nothing to say before it is answered has closed its connection."""
    try:
        return not client.fd.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
