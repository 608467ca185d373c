"""The bad network itself: each weather does to a connection what its name says, and fair weather ends it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing
from socketserver import StreamRequestHandler, ThreadingTCPServer

import pytest

from tests.faults.network import DELAY, LOSS, Network, Weather

PATIENCE = 0.1
LINK = ["link"]


class Echo(StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(self.server.greeting + line)  # type: ignore[attr-defined]


class EchoServer(ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, greeting: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.greeting = greeting

    def handle_error(self, request: object, client_address: object) -> None:
        """A reset connection is what the tests are about."""


@pytest.fixture(scope="module")
def echoes() -> Iterator[list[str]]:
    """Two servers that answer each line with itself, after `a` or `b`."""
    servers = [EchoServer(b"a"), EchoServer(b"b")]
    for server in servers:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield [f"127.0.0.1:{server.server_address[1]}" for server in servers]
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def one_network(echoes: list[str]) -> Iterator[Network]:
    with Network({"link": echoes[0]}) as network:
        yield network


@pytest.fixture
def network(one_network: Network, echoes: list[str]) -> Iterator[Network]:
    yield one_network
    one_network.change(LINK, Weather.FAIR)
    one_network.lead(LINK, echoes[0])


def dial(network: Network) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", network.ports["link"]), timeout=5)
    connection.settimeout(5)
    return connection


def ask(connection: socket.socket, patience: float = 5) -> bytes:
    """Return the answer to a line, without a greeting: empty if the connection ends."""
    connection.settimeout(patience)
    connection.sendall(b"line\n")
    return connection.recv(100)


def test_in_fair_weather_a_link_passes_everything_on_and_in_bad_weather_again_afterwards(network: Network) -> None:
    with closing(dial(network)) as connection:
        assert ask(connection) == b"aline\n"
        for weather in (Weather.DELAYED, Weather.THROTTLED, Weather.BLACK_HOLE):
            network.change(LINK, weather)
            network.change(LINK, Weather.FAIR)
            assert ask(connection) == b"aline\n"


def test_a_delay_makes_each_piece_late_in_both_directions(network: Network) -> None:
    with closing(dial(network)) as connection:
        assert ask(connection)
        network.change(LINK, Weather.DELAYED)
        with pytest.raises(TimeoutError):
            ask(connection, patience=DELAY)
        connection.settimeout(5)
        assert connection.recv(100) == b"aline\n"


def test_a_black_hole_lets_nothing_through_and_what_was_sent_arrives_afterwards(network: Network) -> None:
    with closing(dial(network)) as connection:
        assert ask(connection)
        network.change(LINK, Weather.BLACK_HOLE)
        with pytest.raises(TimeoutError):
            ask(connection, PATIENCE)
        with closing(dial(network)) as later, pytest.raises(TimeoutError):
            ask(later, PATIENCE)
        network.change(LINK, Weather.FAIR)
        connection.settimeout(5)
        assert connection.recv(100) == b"aline\n"


def test_a_half_open_connection_is_reset_only_when_the_weather_is_fair_again(network: Network) -> None:
    with closing(dial(network)) as connection:
        assert ask(connection)
        network.change(LINK, Weather.HALF_OPEN)
        with pytest.raises(TimeoutError):
            ask(connection, PATIENCE)
        network.change(LINK, Weather.FAIR)
        connection.settimeout(5)
        with pytest.raises(ConnectionResetError):
            connection.recv(100)
    with closing(dial(network)) as fresh:
        assert ask(fresh) == b"aline\n"


def test_a_forgotten_connection_stays_silent_and_a_new_one_is_passed_on(network: Network) -> None:
    with closing(dial(network)) as connection:
        assert ask(connection)
        network.change(LINK, Weather.FORGOTTEN)
        for weather in (Weather.FORGOTTEN, Weather.FAIR):
            network.change(LINK, weather)
            with pytest.raises(TimeoutError):
                ask(connection, PATIENCE)
            with closing(dial(network)) as fresh:
                assert ask(fresh) == b"aline\n"


def test_a_reset_meets_old_connections_and_new_ones(network: Network) -> None:
    with closing(dial(network)) as connection:
        assert ask(connection)
        network.change(LINK, Weather.RESET)
        with pytest.raises(ConnectionError):
            connection.recv(100)
        # Reset as soon as it is accepted: while it is dialled, or right after that.
        with pytest.raises(ConnectionError), closing(dial(network)) as later:
            later.recv(100)


def test_where_nobody_listens_a_connection_is_refused(network: Network) -> None:
    with closing(dial(network)) as connection:
        assert ask(connection)
        network.change(LINK, Weather.REFUSED)
        with pytest.raises(ConnectionError):
            connection.recv(100)
        with pytest.raises(ConnectionRefusedError):
            dial(network)
        network.change(LINK, Weather.FAIR)
        with closing(dial(network)) as fresh:
            assert ask(fresh) == b"aline\n"


def test_connections_that_drop_break_at_some_piece(network: Network) -> None:
    network.change(LINK, Weather.DROPPING)

    def ask_on(connection: socket.socket) -> None:
        for _ in range(int(100 / LOSS)):
            assert ask(connection) == b"aline\n"

    # The chance that none of these breaks is below one in 10^40.
    with closing(dial(network)) as connection, pytest.raises(ConnectionError):
        ask_on(connection)


def test_a_link_that_leads_elsewhere_resets_whoever_is_connected(network: Network, echoes: list[str]) -> None:
    with closing(dial(network)) as connection:
        assert ask(connection) == b"aline\n"
        network.lead(LINK, echoes[1])
        with pytest.raises(ConnectionError):
            connection.recv(100)
    with closing(dial(network)) as fresh:
        assert ask(fresh) == b"bline\n"
