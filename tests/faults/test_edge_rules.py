"""What Varnish stores with our configuration, and what it does not: each race is played step by step, with a shop that waits."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from app.sync.edge import varnish as told
from bench.debian import UnavailableError
from bench.system import wait_until
from bench.varnish import VCL, varnish
from devserver.ports import free_ports
from tests.origin import Asked, Origin, origin

PART = "/api/v1/parts/17"
# Seconds for which a thread of Varnish's stands still.
HALT = 0.3
STORED = {"Surrogate-Control": "max-age=1", "Surrogate-Key": "p17 members-3", "Cache-Control": "no-cache", "ETag": '"one"'}


@pytest.fixture(scope="module")
def shop() -> Iterator[Origin]:
    """The shop behind Varnish."""
    with origin() as made:
        yield made


@pytest.fixture(scope="module")
def edge(shop: Origin, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Varnish."""
    try:
        with varnish(free_ports(1)[0], shop.port, tmp_path_factory.mktemp("varnish")) as url:
            yield url
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def halting(shop: Origin, tmp_path: Path) -> Iterator[str]:
    """A Varnish whose threads for a request with `X-Halt` stand still: the one that fetches between comparing and storing what it
    has, and the one that answers before it compares again."""
    text = "vcl 4.1;\nC{\n#include <unistd.h>\n}C" + VCL.read_text().partition("vcl 4.1;")[2]
    for where, request in (("        return (deliver);\n", "bereq"), ("    if (obj.hits == 0", "req")):
        assert where in text
        text = text.replace(where, f"if ({request}.http.X-Halt) {{ C{{ usleep({int(HALT * 1e6)}); }}C }}\n{where}", 1)
    try:
        with varnish(free_ports(1)[0], shop.port, tmp_path, text) as url:
            yield url
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture
def client(edge: str, shop: Origin) -> Iterator[httpx.Client]:
    """A customer; nothing is stored, and the shop was not asked for anything."""
    purge(edge, "p17")
    shop.asked.clear()
    with httpx.Client(base_url=edge, trust_env=False, timeout=10) as made:
        yield made


def purge(edge: str, *keys: str) -> None:
    """Purge as the shop does."""
    with closing(told(edge)) as cache:
        cache.purge(keys, time.monotonic() + 10)


def stored(text: str = "a part", **headers: str) -> tuple[int, dict[str, str], str]:
    """Return an answer that may be stored."""
    return 200, STORED | headers, text


def test_an_answer_is_stored_until_one_of_its_keys_is_purged(edge: str, shop: Origin, client: httpx.Client) -> None:
    shop.answer = lambda _asked: stored()
    first, second = client.get(PART), client.get(PART)
    assert (first.headers["X-Edge"], second.headers["X-Edge"], len(shop.asked)) == ("MISS", "HIT", 1)
    purge(edge, "p1", "members")
    assert (client.get(PART).headers["X-Edge"], len(shop.asked)) == ("HIT", 1)
    purge(edge, "members-3")
    assert client.get(PART).headers["X-Edge"] == "MISS"
    assert not {"xkey", "surrogate-key", "surrogate-control"} & {name.lower() for name in second.headers}


def test_what_was_asked_for_before_a_purge_is_not_stored_after_it(edge: str, shop: Origin, client: httpx.Client) -> None:
    has_read, may_answer = threading.Event(), threading.Event()

    def slow(_asked: Asked) -> tuple[int, dict[str, str], str]:
        has_read.set()
        assert may_answer.wait(10)
        return stored("old")

    shop.answer = slow
    with ThreadPoolExecutor(2) as others:
        early = others.submit(httpx.get, edge + PART, trust_env=False)
        assert has_read.wait(10)
        # The write is committed, its purge confirmed, and the writer told so.
        purge(edge, "p17")
        # This reader began afterwards; Varnish has it wait for the one before.
        late = others.submit(httpx.get, edge + PART, trust_env=False)
        shop.answer = lambda _asked: stored("new")
        assert wait_until(lambda: len(shop.asked) >= 1)
        may_answer.set()
        assert (early.result().text, late.result().text) == ("old", "new")
    assert client.get(PART).text == "new"


def test_what_a_purge_has_not_found_since_it_was_about_to_be_stored_is_served_to_nobody_who_asked_later(
    halting: str, shop: Origin
) -> None:
    shop.asked.clear()
    shop.answer = lambda _asked: stored("old")
    with ThreadPoolExecutor(1) as others:
        early = others.submit(httpx.get, halting + PART, headers={"X-Halt": "yes"}, trust_env=False)
        assert wait_until(lambda: shop.asked)
        shop.answer = lambda _asked: stored("new")
        # Until the answer has arrived and was compared. If that takes longer, it is not stored, which proves less.
        threading.Event().wait(0.3 * HALT)
        purge(halting, "p17")
        # Until it is stored.
        threading.Event().wait(HALT)
        assert (httpx.get(halting + PART, trust_env=False).text, early.result().text) == ("new", "old")
    assert len(shop.asked) == 2


def test_after_its_time_it_is_asked_for_again_by_its_tag(shop: Origin, client: httpx.Client) -> None:
    shop.answer = lambda asked: (304, STORED, "") if asked.headers.get("if-none-match") == '"one"' else stored()
    client.get(PART)
    assert wait_until(lambda: client.get(PART).headers["X-Edge"] == "MISS")
    assert client.get(PART).text == "a part"
    assert [asked.headers.get("if-none-match") for asked in shop.asked][:2] == [None, '"one"']


def test_what_is_asked_for_again_is_purged_by_the_keys_that_it_has_now(edge: str, shop: Origin, client: httpx.Client) -> None:
    now = STORED | {"Surrogate-Key": "p17 members-3 members-4"}
    shop.answer = lambda asked: (304, now, "") if "if-none-match" in asked.headers else stored()
    client.get(PART)
    assert wait_until(lambda: client.get(PART).headers["X-Edge"] == "MISS")
    purge(edge, "members-4")
    assert client.get(PART).headers["X-Edge"] == "MISS"


def test_a_customer_who_holds_it_is_answered_304_by_the_edge(shop: Origin, client: httpx.Client) -> None:
    shop.answer = lambda _asked: stored()
    client.get(PART)
    assert client.get(PART, headers={"If-None-Match": '"one"'}).status_code == 304
    assert len(shop.asked) == 1


def test_the_time_runs_from_when_it_was_asked_for(shop: Origin, client: httpx.Client) -> None:
    ask_again = threading.Event()
    shop.answer = lambda _asked: (ask_again.wait(1.1), stored())[1]
    client.get(PART)
    assert client.get(PART).headers["X-Edge"] == "MISS"


@pytest.mark.parametrize(
    "headers",
    [
        STORED | {"Set-Cookie": "session=secret"},
        STORED | {"Surrogate-Control": "no-store"},
        {"Surrogate-Control": "max-age=1"},
        {"Cache-Control": "no-cache"},
        {"Cache-Control": "private, max-age=60"},
        {},
    ],
)
def test_what_nobody_allowed_to_store_is_not(shop: Origin, client: httpx.Client, headers: dict[str, str]) -> None:
    shop.answer = lambda _asked: (200, headers, "a secret")
    assert [client.get(PART).headers["X-Edge"] for _ in range(3)] == ["MISS"] * 3
    assert len(shop.asked) == 3


@pytest.mark.parametrize("path", ["/api/v1/admin/parts", "/api/v1/auth/me", "/panel/", "/metrics", "/socket.io/?EIO=4"])
def test_what_is_not_for_customers_passes_whatever_it_says(shop: Origin, client: httpx.Client, path: str) -> None:
    shop.answer = lambda _asked: stored("a secret")
    client.get(path, headers={"Cookie": "session=1", "Authorization": "Bearer 1"})
    assert client.get(path, headers={"Cookie": "session=2"}).headers["X-Edge"] == "MISS"
    assert [asked.headers.get("cookie") for asked in shop.asked] == ["session=1", "session=2"]


def test_the_shop_is_told_no_cookie_of_a_customer_but_the_language(shop: Origin, client: httpx.Client) -> None:
    shop.answer = lambda _asked: stored(Vary="Cookie")
    for sent in ("session=1; language=de", "language=de", "session=2", "language=xx; session=3"):
        client.get("/parts/17/bearing", headers={"Cookie": sent})
    assert [asked.headers.get("cookie") for asked in shop.asked] == ["language=de", None]


def test_nobody_purges_through_a_proxy(edge: str, shop: Origin, client: httpx.Client) -> None:
    shop.answer = lambda _asked: stored()
    client.get(PART)
    refused = client.request("PURGE", "/", headers={"Surrogate-Key": "p17", "X-Forwarded-For": "198.51.100.7"})
    assert refused.status_code == 403
    assert client.get(PART).headers["X-Edge"] == "HIT"


def test_every_answer_has_a_request_id_of_its_own(shop: Origin, client: httpx.Client) -> None:
    shop.answer = lambda asked: stored(**{"X-Request-ID": asked.headers["x-request-id"]})
    ids = [client.get(PART, headers={"X-Request-ID": sent}).headers["X-Request-ID"] for sent in ("request-1", "request-2", "?")]
    assert ids[:2] == ["request-1", "request-2"]
    assert ids[2].startswith("edge-")
