"""What every answer has in common, and the endpoints for operators and developers."""

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.container import Container
from app.factory import create_app
from config import load_settings

Refused = Callable[..., dict[str, Any]]
AT_SHOP = {"Host": "shop.example"}
METRICS = (
    "database_sync_latency_ms",
    "cache_hit_rate",
    "sync_failures_total",
    "sync_attempts_total",
    "outbox_pending",
    "outbox_oldest_age_seconds",
    "sync_dead_letters",
    "version_conflicts_total",
    "cache_requests_total",
    "socket_clients",
    "socket_events_total",
    "write_to_screen_ms",
    "reconcile_drift_total",
    "reconcile_last_success_timestamp_seconds",
    "beat_last_tick_timestamp_seconds",
    "http_request_duration_seconds",
    "idempotency_replays_total",
)


def test_every_refusal_is_a_problem_that_quotes_the_request(
    client: FlaskClient, api: Callable[[str], FlaskClient], refused: Refused
) -> None:
    staff = api("editor")
    refused(client.get("/api/v1/nothing-here"), 404)
    refused(client.put("/api/v1/parts"), 405)
    refused(client.delete("/api/v1/parts/1"), 405)
    refused(staff.put("/api/v1/admin/parts/1", data="x" * 1_100_000, content_type="application/json"), 413)
    refused(staff.put("/api/v1/admin/parts/1", data="a=1", content_type="application/x-www-form-urlencoded"), 415)
    refused(staff.post("/api/v1/admin/parts", json={}), 422)
    refused(client.get("/api/v1/admin/parts"), 401)
    assert "GET" in client.put("/api/v1/parts").headers["Allow"]


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/parts", "/api/v1/categories", "/healthz", "/readyz", "/metrics", "/api/v1/none", "/api/v1/openapi.json", "/",
        "/panel/", "/nothing", "/media/nothing", "/api/v1/admin/parts",
    ],
)  # fmt: skip
def test_every_answer_carries_a_request_id_and_the_security_headers(path: str, client: FlaskClient) -> None:
    response = client.get(path)
    assert len(response.headers["X-Request-ID"]) >= 8
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    # `embed.js` asks elsewhere whether the process answers.
    shared = "cross-origin" if path == "/healthz" else "same-origin"
    assert response.headers["Cross-Origin-Resource-Policy"] == shared
    assert response.headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=()"
    policy = dict(rule.split(" ", 1) for rule in response.headers["Content-Security-Policy"].split("; "))
    assert policy == {
        "default-src": "'self'", "script-src": "'self'", "style-src": "'self' 'unsafe-inline'", "img-src": "'self' data:",
        "connect-src": "'self'", "object-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'",
        "form-action": "'self'",
    }  # fmt: skip


def test_browsers_are_told_to_insist_on_https_in_production_alone(closed: FlaskClient, production: FlaskClient) -> None:
    assert "Strict-Transport-Security" not in closed.get("/healthz", headers=AT_SHOP).headers
    assert production.get("/healthz", headers=AT_SHOP).headers["Strict-Transport-Security"] == "max-age=31536000"
    assert "Strict-Transport-Security" in production.get("/healthz", headers={"Host": "evil.example"}).headers


def test_the_documentation_is_served_where_it_is_wanted(client: FlaskClient, production: FlaskClient, refused: Refused) -> None:
    for path in ("/api/v1/docs", "/api/v1/openapi.json"):
        assert client.get(path).status_code == 200
        refused(production.get(path, headers=AT_SHOP), 404)


def test_a_callers_request_id_is_kept_if_it_is_a_plain_word(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "trace-0123.abc"}).headers["X-Request-ID"] == "trace-0123.abc"
    for forged in ("short", "x" * 65, "a b c d e f g", "<script>alert</script>", "é" * 10):
        assert client.get("/healthz", headers={"X-Request-ID": forged}).headers["X-Request-ID"] != forged


def test_422_names_every_field_that_does_not_fit_also_inside_of_lists(
    api: Callable[[str], FlaskClient], refused: Refused
) -> None:
    body = {"sku": "", "status": "sold", "prices": [{"currency": "EUR", "amount": "1.00"}, {"currency": "eur", "amount": "x"}]}
    errors = refused(api("editor").post("/api/v1/admin/parts", json=body), 422)["errors"]
    assert errors.keys() == {"sku", "part_name", "status", "prices"}
    assert errors["prices"].keys() == {"1"}
    assert errors["prices"]["1"].keys() == {"currency", "amount"}


def test_an_audit_row_says_where_a_change_really_came_from(
    api: Callable[[str], FlaskClient], new_part: Callable[..., int], deliver: Callable[[], None]
) -> None:
    """X-Forwarded-For counts only behind a trusted proxy."""
    client, part_id = api("stock"), new_part()
    client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
    headers = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "till/1.0", "X-Request-ID": "till-00000042"}
    client.put(f"/api/v1/admin/parts/{part_id}/stock", json={"current_stock": 1, "reason": "count"}, headers=headers)
    deliver()
    (row,) = client.get(f"/api/v1/admin/audit?part_id={part_id}&operation=UPDATE").get_json()["items"]
    shown = (row["ip_address"], row["user_agent"], row["request_id"], row["reason"])
    assert shown == ("198.51.100.7", "till/1.0", "till-00000042", "count")
    assert (row["old_values"], row["new_values"]) == ({"current_stock": 10, "version": 1}, {"current_stock": 1, "version": 2})


@pytest.fixture
def production(app: Flask) -> Iterator[FlaskClient]:
    """An application as in production, without the API's documentation."""
    made = create_app(replace(load_settings(), environment="production", allowed_hosts=("shop.example",), api_docs=False))
    yield made.test_client()
    made.extensions["lockstep"].engine.dispose()


@pytest.fixture
def closed(app: Flask) -> Iterator[FlaskClient]:
    """An application with a list of allowed hosts and a token for /metrics."""
    settings = replace(load_settings(), allowed_hosts=("shop.example",), metrics_token="t0ken")
    made = create_app(settings)
    yield made.test_client()
    made.extensions["lockstep"].engine.dispose()


def test_an_unknown_host_is_refused(closed: FlaskClient, refused: Refused) -> None:
    refused(closed.get("/healthz", headers={"Host": "evil.example"}), 400)
    assert closed.get("/healthz", headers={"Host": "shop.example"}).status_code == 200


def test_metrics_with_a_token_are_shown_to_its_holder_alone(closed: FlaskClient, refused: Refused) -> None:
    for sent in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer \xe9"}):
        refused(closed.get("/metrics", headers={"Host": "shop.example", **sent}), 403)
    shown = closed.get("/metrics", headers={"Host": "shop.example", "Authorization": "Bearer t0ken"})
    assert shown.status_code == 200


def test_health_and_readiness_say_what_works(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json()["database"] == ready.get_json()["cache"] == "ok"


def test_the_metrics_have_the_contracts_names_and_no_label_without_bounds(
    client: FlaskClient,
    container: Container,
    api: Callable[[str], FlaskClient],
    new_part: Callable[..., int],
    deliver: Callable[[], None],
) -> None:
    part_id, staff = new_part(), api("stock")
    container.monitoring.prime()
    client.get(f"/api/v1/parts/{part_id}")
    staff.put(f"/api/v1/admin/parts/{part_id}/stock", json={"current_stock": 1, "version": 9})
    deliver()
    text = client.get("/metrics").get_data(as_text=True)
    described = {line.split()[2] for line in text.splitlines() if line.startswith("# HELP")}
    assert set(METRICS) <= described | {f"{name}_total" for name in described}
    assert f"/{part_id}" not in text
    assert "/api/v1/parts/<id:part_id>" in text
    conflicts = next(line for line in text.splitlines() if line.startswith('version_conflicts_total{entity="stock"}'))
    assert float(conflicts.split()[-1]) >= 1


def test_the_openapi_document_describes_every_call(client: FlaskClient, app: Flask) -> None:
    document = client.get("/api/v1/openapi.json").get_json()
    assert document["openapi"].startswith("3.1")
    served = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/v1") and "/docs" not in rule.rule and "openapi" not in rule.rule
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    described = {(path, method) for path, item in document["paths"].items() for method in item if method != "parameters"}
    assert described == served
    operations = [item[method] for item in document["paths"].values() for method in item if method != "parameters"]
    assert all(operation["responses"] and operation["summary"] for operation in operations)


def test_every_reference_in_the_openapi_document_leads_somewhere(client: FlaskClient) -> None:
    document = client.get("/api/v1/openapi.json").get_json()

    def references(node: Any) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        return [found for value in node for found in references(value)] if isinstance(node, list) else []

    for reference in references(document):
        target: Any = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
        assert target


def test_the_documentation_page_loads_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/api/v1/docs")
    assert page.status_code == 200
    html = page.get_data(as_text=True)
    assert "/api/v1/openapi.json" in html
    assert "http://" not in html.replace("http://www.w3.org", "")
    assert "https://" not in html
