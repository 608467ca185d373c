"""A page from a listed origin may read what is public, errors included; no other origin may, and none may read anything else."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.api.cors import PUBLIC
from app.container import Container
from app.factory import create_app
from config import load_settings

API = "/api/v1"
LISTED = "https://storefront.example"
READS = [
    ("/parts", 200), ("/parts?limit=0", 422), ("/parts?nonsense=1", 422), ("/parts?cursor=x", 400), ("/parts/facets", 200),
    ("/parts/2147483647", 404), ("/parts/abc", 404), ("/parts/1/nothing", 404), ("/pdp/nothing-there", 404), ("/categories", 200),
    ("/openapi.json", 200), ("/parts/by-sku?sku=A", 200), ("/parts/by-sku", 422),
]  # fmt: skip
PRIVATE = [
    "/admin/parts", "/admin/parts/1", "/admin/nothing", "/admin/audit.csv", "/auth/me", "/auth/login", "/nothing",
    "//admin/parts", "/parts/../admin/parts", "/partsx", "",
]  # fmt: skip
PREFLIGHT = {"Origin": LISTED, "Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "if-none-match"}


def shared(headers: Any) -> dict[str, str]:
    """Return the headers that share an answer with other origins."""
    return {name: value for name, value in headers.items() if name.lower().startswith("access-control-")}


@pytest.fixture
def storefront(container: Container) -> Iterator[FlaskClient]:
    """A client of an application with two listed origins."""
    made = create_app(replace(load_settings(), allowed_origins=(LISTED, "http://localhost:5173")))
    yield made.test_client()
    made.extensions["lockstep"].close()


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(("path", "status"), READS)
def test_a_listed_origin_reads_what_is_public_and_why_it_cannot(
    path: str, status: int, method: str, storefront: FlaskClient
) -> None:
    response = storefront.open(API + path, method=method, headers={"Origin": LISTED})
    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == LISTED
    assert {"ETag", "X-Request-ID", "Retry-After"} <= {*response.headers["Access-Control-Expose-Headers"].split(", ")}
    assert "Origin" in response.vary
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_an_unchanged_answer_is_shared_too(storefront: FlaskClient) -> None:
    tag = storefront.get(f"{API}/categories", headers={"Origin": LISTED}).headers["ETag"]
    unchanged = storefront.get(f"{API}/categories", headers={"Origin": LISTED, "If-None-Match": tag})
    assert unchanged.status_code == 304
    assert unchanged.headers["Access-Control-Allow-Origin"] == LISTED
    assert "Origin" in unchanged.vary


@pytest.mark.parametrize("origin", ["http://localhost:5173", "HTTPS://Storefront.example", "https://storefront.example:443"])
def test_the_origin_that_is_answered_is_the_very_one_that_asked(origin: str, storefront: FlaskClient) -> None:
    response = storefront.get(f"{API}/categories", headers={"Origin": origin})
    assert response.headers["Access-Control-Allow-Origin"] == origin


@pytest.mark.parametrize("path", [path for path, _ in READS])
def test_a_preflight_is_answered_also_where_the_read_will_find_nothing(path: str, storefront: FlaskClient) -> None:
    response = storefront.options(API + path, headers=PREFLIGHT)
    assert response.status_code in {200, 204}
    assert response.headers["Access-Control-Allow-Origin"] == LISTED
    assert {*response.headers["Access-Control-Allow-Methods"].split(", ")} == {"GET", "HEAD", "OPTIONS"}
    allowed = response.headers["Access-Control-Allow-Headers"].lower().split(", ")
    assert {"if-none-match", "traceparent"} <= {*allowed}
    assert not {"authorization", "x-csrf-token", "idempotency-key", "cookie", "*"} & {*allowed}
    assert "Origin" in response.vary
    assert "Access-Control-Allow-Credentials" not in response.headers


def test_a_lookup_is_a_read_although_it_has_a_body(storefront: FlaskClient) -> None:
    path, headers = f"{API}/parts/lookup", {"Origin": LISTED}
    allowed = storefront.options(path, headers=PREFLIGHT | {"Access-Control-Request-Method": "POST"})
    assert "POST" in allowed.headers["Access-Control-Allow-Methods"].split(", ")
    assert "content-type" in allowed.headers["Access-Control-Allow-Headers"].lower().split(", ")
    for body, status in (({"lines": [{"sku": "A"}]}, 200), ({}, 422)):
        response = storefront.post(path, json=body, headers=headers)
        assert (response.status_code, response.headers["Access-Control-Allow-Origin"]) == (status, LISTED)
    assert shared(storefront.post(path, json={}, headers={"Origin": "https://evil.example"}).headers) == {}


@pytest.mark.parametrize(
    "origin",
    [
        None, "", "null", "https://evil.example", "http://storefront.example", "https://storefront.example:444",
        "storefront.example", "https://storefront.example.evil.example", "https://storefront.example/",
        "https://storefront.example, https://evil.example",
        "https://evil.example https://storefront.example", "*",
    ],
)  # fmt: skip
def test_another_origin_gets_the_answer_without_leave_to_read_it(origin: str | None, storefront: FlaskClient) -> None:
    headers = {} if origin is None else {"Origin": origin}
    for response in (
        storefront.get(f"{API}/categories", headers=headers),
        storefront.options(f"{API}/categories", headers=PREFLIGHT | headers if origin else {}),
    ):
        assert response.status_code < 300
        assert shared(response.headers) == {}
        # A cache must not serve this answer to a page of a listed origin, which may read its own.
        assert "Origin" in response.vary


@pytest.mark.parametrize("path", PRIVATE)
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST"])
def test_nothing_else_is_ever_shared(path: str, method: str, storefront: FlaskClient) -> None:
    assert shared(storefront.open(API + path, method=method, headers=PREFLIGHT).headers) == {}


@pytest.mark.parametrize("path", ["/", "/panel/", "/healthz", "/metrics", "/readyz"])
def test_pages_and_figures_are_not_shared(path: str, storefront: FlaskClient) -> None:
    with storefront.get(path, headers={"Origin": LISTED}) as page:
        assert shared(page.headers) == {}


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_what_is_not_a_read_is_not_shared(method: str, storefront: FlaskClient) -> None:
    assert shared(storefront.open(f"{API}/parts", method=method, headers={"Origin": LISTED}).headers) == {}


def test_without_listed_origins_nothing_is_shared(client: FlaskClient) -> None:
    response = client.get(f"{API}/categories", headers={"Origin": LISTED})
    assert response.status_code == 200
    assert shared(response.headers) == {}


def test_what_is_shared_is_what_needs_no_log_in(app: Flask) -> None:
    """A new public call must be added to `PUBLIC`; one that needs a log-in must never be."""
    needs_log_in: dict[str, set[bool]] = {}
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith(f"{API}/"):
            step = rule.rule.split("/")[3]
            view = app.view_functions[rule.endpoint]
            needs_log_in.setdefault(step, set()).add(hasattr(view, "required_role") or step == "auth")
    assert {step for step, needs in needs_log_in.items() if needs == {False}} - {"docs"} == PUBLIC
    assert all(len(needs) == 1 for needs in needs_log_in.values())
