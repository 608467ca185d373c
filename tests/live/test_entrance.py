"""Who may open a socket: our own and listed origins, at an allowed host, as the trusted proxy reports; and mass guessing."""

import http.client
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
import socketio

from bench.system import System, own_stack
from tests.live.conftest import ADMIN, CUSTOMERS, Listener

UPGRADE = {
    "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}  # fmt: skip
SOCKET = "/socket.io/?EIO=4&transport=websocket"
PROXIED = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "shop.example"}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system behind one proxy, for a shop with two external storefronts."""
    settings = {
        "LOCKSTEP_ALLOWED_ORIGINS": "HTTP://Storefront.example:80, https://other.example:8443",
        "LOCKSTEP_ALLOWED_HOSTS": "127.0.0.1,shop.example,::1",
        "LOCKSTEP_TRUSTED_PROXIES": "1",
    }
    with own_stack(tmp_path_factory.mktemp("behind"), without=("flower", "beat"), **settings) as system:
        yield system


@pytest.fixture
def system(running: System) -> System:
    """This module's system."""
    return running


def status(system: System, headers: dict[str, str]) -> int:
    """Return the status with which a handshake is answered."""
    parts = urlsplit(system.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
    connection.request("GET", SOCKET, headers=UPGRADE | headers)
    answered = connection.getresponse().status
    connection.close()
    return answered


@pytest.mark.parametrize(
    "origin", ["own", "http://storefront.example", "http://STOREFRONT.example:80", "https://other.example:8443"]
)
def test_own_pages_and_those_of_listed_origins_may_open_a_socket(origin: str, system: System) -> None:
    assert status(system, {"Origin": system.url if origin == "own" else origin}) == 101


@pytest.mark.parametrize("host", ["127.0.0.1", "Shop.example.:8000", "[::1]:8000"])
def test_a_program_sends_no_origin_and_is_let_in(host: str, system: System) -> None:
    assert status(system, {"Host": host}) == 101


@pytest.mark.parametrize("origin", ["https://shop.example", "https://shop.example:443"])
def test_own_pages_are_those_of_the_address_that_the_proxy_names(origin: str, system: System) -> None:
    assert status(system, PROXIED | {"Origin": origin}) == 101
    # As Traefik sends it.
    assert status(system, PROXIED | {"X-Forwarded-Proto": "wss", "Origin": origin}) == 101
    # Each hop appends to the list; the last entry is the trusted proxy's.
    spoofed = {"X-Forwarded-Proto": "http, https", "X-Forwarded-Host": "evil.example, shop.example"}
    assert status(system, spoofed | {"Origin": origin}) == 101


@pytest.mark.parametrize(
    "origin",
    [
        "null", "https://storefront.example", "http://storefront.example:81", "http://storefront.example.evil.example",
        "http://evil.example/http://storefront.example", "http://storefront.example@evil.example", "https://other.example",
        "http://storefront.example http://evil.example", "http://xstorefront.example", "*", "http://shop.example",
    ],
)  # fmt: skip
def test_any_other_page_is_refused(origin: str, system: System) -> None:
    assert status(system, {"Origin": origin}) == 400
    assert status(system, PROXIED | {"Origin": origin}) == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"}, {"Host": "evil.example", "Origin": "http://evil.example"}, {"Host": "shop.example.evil"},
        {"X-Forwarded-Host": "evil.example"}, {"X-Forwarded-Host": "shop.example, evil.example"}, {"Host": "a b"},
    ],
    ids=str,
)  # fmt: skip
def test_the_socket_is_refused_at_a_host_that_is_not_allowed(headers: dict[str, str], system: System) -> None:
    assert status(system, headers) == 400


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://shop.example/healthz", "evil.example", 200), ("HTTPS://Shop.example:8000/healthz", "shop.example", 200),
        ("http://shop.example?q=1", "shop.example", 301), ("http://evil.example/healthz", "shop.example", 400),
        ("http:///healthz", "shop.example", 400), ("http://shop.example@evil.example/healthz", "shop.example", 400),
        ("healthz", "shop.example", 400), ("?q=1", "shop.example", 400),
    ],
)  # fmt: skip
def test_a_whole_address_names_the_host_that_is_asked(target: str, host: str, status: int, system: System) -> None:
    parts = urlsplit(system.url)
    with socket.create_connection((parts.hostname or "", parts.port or 0), timeout=10) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        assert connection.recv(4096).startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("origin", ["http://storefront.example", "https://other.example:8443"])
def test_a_foreign_storefront_gets_what_customers_get_and_never_what_the_panel_gets(
    origin: str, system: System, connect: Callable[..., Listener]
) -> None:
    assert connect(CUSTOMERS, origin=origin).client.connected
    with pytest.raises(socketio.exceptions.ConnectionError):
        connect(ADMIN, origin=origin, auth={"api_key": system.key})
    assert connect(ADMIN, origin=system.url, auth={"api_key": system.key}).client.connected
    assert connect(ADMIN, auth={"api_key": system.key}).client.connected


def guesses(system: System, count: int, headers: Callable[[int], dict[str, str]]) -> Counter[tuple[int, bool]]:
    """Guess a password many times at once; count the answers by status and by whether they had a Retry-After."""
    parts = urlsplit(system.url)
    body = json.dumps({"email": f"{uuid4().hex}@shop.example", "password": "guess"})
    together = threading.Barrier(count)
    answers: Counter[tuple[int, bool]] = Counter()

    def guess(number: int) -> None:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        connection.connect()
        together.wait()
        connection.request("POST", "/api/v1/auth/login", body, {"Content-Type": "application/json"} | headers(number))
        answer = connection.getresponse()
        answer.read()
        connection.close()
        answers[answer.status, int(answer.headers.get("Retry-After", 0)) > 0] += 1

    threads = [threading.Thread(target=guess, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def assert_verdicts(answers: Counter[tuple[int, bool]], count: int) -> None:
    """Check that `count` got a verdict and the others a Retry-After: a machine may be too busy even to count."""
    assert answers[401, False] == count
    assert answers.keys() <= {(401, False), (429, True), (503, True)}
    assert answers[429, True] > answers[503, True]


@pytest.mark.parametrize("address", ["198.51.100.7", "198.51.100.8:{}", "[2001:db8:7::{}]:{}", "::ffff:198.51.100.9"])
def test_of_hundreds_of_guesses_at_once_ten_get_a_verdict(address: str, system: System) -> None:
    """A client counts as one, whatever ports and addresses of its network it uses, and whichever process it reaches."""
    answers = guesses(system, 300, lambda number: {"X-Forwarded-For": address.format(number + 1, 4000 + number)})
    assert_verdicts(answers, 10)


def test_guesses_at_one_account_from_everywhere_meet_the_accounts_limit(system: System) -> None:
    answers = guesses(system, 200, lambda number: {"X-Forwarded-For": f"203.0.113.{number + 1}"})
    assert_verdicts(answers, 30)
