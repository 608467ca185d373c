"""Where a change came from: as the trusted proxies report it, in one canonical form, in the audit trail and in the logs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
import structlog
from flask import Flask, request
from flask.testing import FlaskClient

from app.container import Container
from app.factory import create_app
from config import load_settings

ADMIN = "/api/v1/admin"


@pytest.fixture
def behind(container: Container, api: Callable[[str], FlaskClient]) -> Iterator[Callable[..., FlaskClient]]:
    """Make clients, with a key, of applications that trust the given number of proxies; they connect from 192.0.2.1."""
    made: list[Flask] = []

    def make(hops: int, hosts: tuple[str, ...] = ("localhost", "shop.example")) -> FlaskClient:
        made.append(create_app(replace(load_settings(), trusted_proxies=hops, allowed_hosts=hosts)))
        client = made[-1].test_client()
        client.environ_base |= api("stock").environ_base | {"REMOTE_ADDR": "::ffff:192.0.2.1"}
        return client

    yield make
    for app in made:
        app.extensions["lockstep"].close()


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (0, "203.0.113.9", "192.0.2.1"), (1, None, "192.0.2.1"), (1, "203.0.113.9", "203.0.113.9"),
        (1, "203.0.113.9:4000", "203.0.113.9"), (1, "::ffff:203.0.113.9", "203.0.113.9"), (1, "::FFFF:CB00:7109", "203.0.113.9"),
        (1, "[::ffff:203.0.113.9]:4000", "203.0.113.9"), (1, "[2001:DB8::9]:4000", "2001:db8::9"), (1, "fe80::1%eth0", "fe80::1"),
        (1, '"[2001:db8::9]:4000"', "2001:db8::9"), (1, "203.0.113.9, 198.51.100.7:80", "198.51.100.7"),
        (2, "203.0.113.9:1, 198.51.100.7:2", "203.0.113.9"), (2, "6.6.6.6, 203.0.113.9, 198.51.100.7", "203.0.113.9"),
        (2, "203.0.113.9", "192.0.2.1"), (1, "unknown", None), (1, "203.0.113.9:99999", None), (1, "203.0.113.9, _x", None),
        (1, "<script>", None), (1, "203.0.113.009", None),
        # A client begins a quoted string, into which what the proxies append would fall.
        (1, '", 203.0.113.9', "203.0.113.9"), (1, '6.6.6.6, "\\', None), (1, '6.6.6.6, "\\", 203.0.113.9', "203.0.113.9"),
        (2, '6.6.6.6, ", 203.0.113.9, 198.51.100.7', "203.0.113.9"), (2, ", 203.0.113.9,198.51.100.7 ,", "203.0.113.9"),
    ],
)  # fmt: skip
def test_the_trail_has_the_clients_address_in_its_one_form_or_none(
    hops: int, forwarded: str | None, address: str | None, behind: Callable[[int], FlaskClient], new_part: Callable[..., int],
    container: Container, deliver: Callable[[], None],
) -> None:  # fmt: skip
    client, part_id = behind(hops), new_part()
    headers = {} if forwarded is None else {"X-Forwarded-For": forwarded}
    assert client.put(f"{ADMIN}/parts/{part_id}/stock", json={"current_stock": 1}, headers=headers).status_code == 200
    deliver()
    [row] = container.parts.admin.audit({"part_id": part_id}, None, 1).items
    assert row["ip_address"] == address


def test_what_is_logged_of_a_request_has_the_same_address(behind: Callable[[int], FlaskClient]) -> None:
    client = behind(1)
    seen: list[dict[str, Any]] = []
    client.application.before_request(lambda: seen.append(structlog.contextvars.get_contextvars()))
    client.get(f"{ADMIN}/parts", headers={"X-Forwarded-For": "[::ffff:203.0.113.9]:4000"})
    assert seen[-1]["address"] == "203.0.113.9"
    assert "address" not in structlog.contextvars.get_contextvars()


@pytest.mark.parametrize("host", ["SHOP.example", "shop.example.", "Shop.Example.:443", "shop.example:", "[::1]:80"])
def test_a_host_is_the_same_however_it_is_written(host: str, behind: Callable[[int], FlaskClient]) -> None:
    for headers in ({"Host": host}, {"X-Forwarded-Host": host}):
        assert behind(1).get("/healthz", headers=headers).status_code == (400 if host.startswith("[") else 200)


@pytest.mark.parametrize("host", ["[::1]", "[::1]:8000", "[0:0::1]", "[::0001]:", "XN--Bcher-KVA.example.", "a.below.example:8"])
def test_a_listed_host_is_served_whatever_kind_of_one_it_is(host: str, behind: Callable[..., FlaskClient]) -> None:
    client = behind(1, ("[::1]", "xn--bcher-kva.example", ".below.example"))
    for headers in ({"Host": host}, {"X-Forwarded-Host": host}):
        assert client.get("/healthz", headers=headers).status_code == 200
    assert client.get("/healthz", headers={"Host": "[::2]"}).status_code == 400


@pytest.mark.parametrize(
    "host", ["a b", "<script>", 'a"b', "a,b", "http://a", "a/b", "a@b", ".", "a..b", "[a]", "a:0", "a:99999", "b\xfc"]
)
def test_what_is_no_host_is_refused_where_all_hosts_are_served_too(
    host: str, behind: Callable[..., FlaskClient], refused: Callable[..., Any]
) -> None:
    client = behind(1, ())
    for headers in ({"Host": host}, {"X-Forwarded-Host": host}):
        # The last of what is parted by commas is the trusted proxy's.
        if host != "a,b" or "Host" in headers:
            refused(client.get("/robots.txt", headers=headers), 400)
    refused(client.get("/robots.txt", headers={"Host": ""}), 400)
    reported = client.get("/robots.txt", headers={"X-Forwarded-Host": "Shop.example.:8000"})
    assert "Sitemap: http://shop.example:8000/sitemap.xml" in reported.text
    # A proxy that names none leaves it to the request.
    assert "Sitemap: http://localhost/" in client.get("/robots.txt", headers={"X-Forwarded-Host": ""}).text


@pytest.mark.parametrize(
    ("reported", "scheme"),
    [("https", "https"), ("HTTPS", "https"), ("wss", "https"), ("ws", "http"), ("javascript", "http"), ('", https', "https")],
)
def test_the_scheme_that_the_proxy_names_is_that_of_a_page(
    reported: str, scheme: str, behind: Callable[[int], FlaskClient]
) -> None:
    seen: list[str] = []
    client = behind(1)
    client.application.before_request(lambda: seen.append(request.scheme))
    assert client.get("/healthz", headers={"X-Forwarded-Proto": reported}).status_code == 200
    assert seen == [scheme]


def test_the_host_that_the_proxy_names_is_held_to_those_that_are_allowed(behind: Callable[[int], FlaskClient]) -> None:
    client = behind(1)
    assert client.get("/healthz", headers={"X-Forwarded-Host": "shop.example"}).status_code == 200
    assert client.get("/healthz", headers={"X-Forwarded-Host": "evil.example"}).status_code == 400
    assert client.get("/healthz", headers={"X-Forwarded-Host": "evil.example, shop.example"}).status_code == 200
    assert client.get("/healthz", headers={"Host": "evil.example"}).status_code == 400
