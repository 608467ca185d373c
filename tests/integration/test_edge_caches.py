"""Purges as they arrive at each kind of edge: a real HTTP server records them."""

import http.client
import json
import time
from collections.abc import Iterator

import pytest

from app.monitoring import SyncMonitoring
from app.sync import edge
from app.sync.edge import CLOUDFLARE, FASTLY, Edge, EdgeCache, EdgeUnavailableError, cloudflare, edge_cache, fastly, varnish
from devserver.ports import free_ports
from tests.origin import Origin, origin

KEYS = [f"p{number}" for number in range(300)]


@pytest.fixture
def server() -> Iterator[Origin]:
    """What stands for the edge."""
    with origin() as made:
        made.answer = lambda _asked: (200, {"Content-Type": "application/json"}, "{}")
        yield made


def purge(cache: EdgeCache, keys: list[str]) -> None:
    """Purge, and close the connection."""
    try:
        cache.purge(keys, time.monotonic() + 10)
    finally:
        cache.close()


def test_varnish_is_sent_the_keys_in_lines_that_it_takes(server: Origin) -> None:
    purge(varnish(f"http://127.0.0.1:{server.port}"), [f"specifications-{number}" for number in range(500)])
    lines = [asked.headers["surrogate-key"] for asked in server.asked]
    assert {(asked.method, asked.path) for asked in server.asked} == {("PURGE", "/")}
    assert " ".join(lines).split() == [f"specifications-{number}" for number in range(500)]
    assert 1 < len(lines) == len([line for line in lines if len(line) < 8192])


def test_fastly_is_sent_batches_of_its_size_with_the_token(server: Origin) -> None:
    purge(fastly("SERVICE", "secret", f"http://127.0.0.1:{server.port}"), KEYS)
    assert {(asked.method, asked.path, asked.headers["fastly-key"]) for asked in server.asked} == {
        ("POST", "/service/SERVICE/purge", "secret")
    }
    assert [json.loads(asked.body) for asked in server.asked] == [{"surrogate_keys": KEYS[:256]}, {"surrogate_keys": KEYS[256:]}]


def test_cloudflare_is_sent_batches_of_its_size_with_the_token(server: Origin) -> None:
    purge(cloudflare("0a1b", "secret", f"http://127.0.0.1:{server.port}"), KEYS)
    assert {(asked.method, asked.path, asked.headers["authorization"]) for asked in server.asked} == {
        ("POST", "/client/v4/zones/0a1b/purge_cache", "Bearer secret")
    }
    assert [json.loads(asked.body) for asked in server.asked] == [{"tags": KEYS[at : at + 100]} for at in (0, 100, 200)]


def test_the_setting_names_the_edge() -> None:
    named = ("varnish+http://127.0.0.1:6081/", "fastly:SERVICE", "cloudflare:0a1b")
    assert [edge_cache(one, "secret").url for one in named] == ["http://127.0.0.1:6081", FASTLY, CLOUDFLARE]
    assert isinstance(edge_cache("fastly:SERVICE", "secret")._connection()[0], http.client.HTTPSConnection)


def test_another_answer_than_200_confirms_nothing(server: Origin) -> None:
    server.answer = lambda _asked: (429, {}, "slow down")
    with pytest.raises(EdgeUnavailableError, match=r"429: b'slow down'"):
        purge(varnish(f"http://127.0.0.1:{server.port}"), KEYS)


def test_a_connection_that_the_edge_has_closed_is_opened_again(server: Origin) -> None:
    cache = varnish(f"http://127.0.0.1:{server.port}")
    server.answer = lambda _asked: (200, {"Keep-Alive": "timeout=0"}, "")
    cache.purge(["p1"], time.monotonic() + 10)
    server.hang_up()
    purge(cache, ["p2"])
    assert [asked.headers["surrogate-key"] for asked in server.asked] == ["p1", "p2"]


def test_an_edge_that_is_away_keeps_no_other_from_being_told(server: Origin) -> None:
    both = Edge([varnish(f"http://127.0.0.1:{free_ports(1)[0]}"), varnish(f"http://127.0.0.1:{server.port}")], SyncMonitoring())
    with pytest.raises(EdgeUnavailableError):
        both.purge(["p1"])
    both.close()
    assert [asked.headers["surrogate-key"] for asked in server.asked] == ["p1"]


def test_an_edge_that_does_not_answer_is_given_up_in_time(server: Origin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edge, "PATIENCE", 0.05)
    server.answer = lambda _asked: (time.sleep(0.5), (200, {}, ""))[1]
    silent = Edge([varnish(f"http://127.0.0.1:{server.port}")], SyncMonitoring())
    with pytest.raises(EdgeUnavailableError, match="TimeoutError"):
        silent.purge(["p1"])
