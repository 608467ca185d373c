"""Who may do what: every admin route and every role, and no route or message of a socket without a declared permission."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_socketio import Namespace
from werkzeug.routing import Rule

from app.contract import rooms
from app.contract.messages import TAKEN
from app.contract.messages.json_schema import members_of
from app.live.admin import AdminNamespace
from app.live.customers import CustomersNamespace
from app.services.authentication import ANY_SCOPE, NO_SCOPE, ROLES, SCOPES
from tests.flow.credentials import PASSWORD

Refused = Callable[..., dict[str, Any]]
# By call, the role that it needs, and the scope, of a key that is limited to scopes.
NEEDS = {
    "GET /parts": ("viewer", "read"),
    "POST /parts": ("editor", "content:write"),
    "GET /parts/{id}": ("viewer", "read"),
    "PUT /parts/{id}": ("editor", "content:write"),
    "DELETE /parts/{id}": ("editor", "content:write"),
    "POST /parts/{id}/restore": ("editor", "content:write"),
    "PUT /parts/{id}/prices": ("editor", "prices:write"),
    "PUT /parts/{id}/specifications": ("editor", "content:write"),
    "POST /parts/{id}/images": ("editor", "content:write"),
    "PUT /parts/{id}/images/order": ("editor", "content:write"),
    "PUT /parts/{id}/images/1": ("editor", "content:write"),
    "DELETE /parts/{id}/images/1": ("editor", "content:write"),
    "PUT /parts/{id}/stock": ("stock", "stock:write"),
    "POST /parts/{id}/stock/adjustments": ("stock", "stock:write"),
    "POST /stock/bulk": ("stock", "stock:write"),
    "POST /parts/bulk": ("editor", "content:write"),
    "GET /parts/{id}/versions": ("viewer", "read"),
    "GET /parts/{id}/versions/1": ("viewer", "read"),
    "GET /parts/{id}/versions/1/diff": ("viewer", "read"),
    "POST /parts/{id}/versions/1/restore": ("editor", "content:write"),
    "GET /parts/{id}/as-of": ("viewer", "read"),
    "GET /categories": ("viewer", "read"),
    "GET /categories/1": ("viewer", "read"),
    "POST /categories": ("editor", "content:write"),
    "PUT /categories/1": ("editor", "content:write"),
    "POST /categories/1/picture": ("editor", "content:write"),
    "DELETE /categories/1": ("editor", "content:write"),
    "GET /audit": ("viewer", "audit:read"),
    "GET /audit.csv": ("viewer", "audit:read"),
    "GET /sync/status": ("viewer", "sync"),
    "GET /sync/dead-letters": ("viewer", "sync"),
    "POST /sync/dead-letters/1/replay": ("admin", "sync"),
    "POST /sync/replay": ("admin", "sync"),
    "POST /sync/dead-letters/1/discard": ("admin", "sync"),
    "POST /sync/discard": ("admin", "sync"),
    "POST /sync/reconcile": ("admin", "sync"),
    "GET /events/0198a6c2-0000-7000-8000-000000000000": ("viewer", "read"),
    "GET /overview": ("viewer", "read"),
    "GET /open-pages": ("viewer", "read"),
    "POST /imports": ("editor", "imports:write"),
    "GET /imports": ("viewer", "read"),
    "GET /imports/1": ("viewer", "read"),
    "GET /imports/1/errors.csv": ("viewer", "read"),
    "POST /imports/1/cancel": ("editor", "imports:write"),
    "POST /imports/1/undo": ("editor", "imports:write"),
    "GET /users": ("admin", NO_SCOPE),
    "POST /users": ("admin", NO_SCOPE),
    "PUT /users/1": ("admin", NO_SCOPE),
    "POST /users/1/password": ("admin", NO_SCOPE),
    "DELETE /users/1/second-factor": ("admin", NO_SCOPE),
    "GET /api-keys": ("admin", NO_SCOPE),
    "POST /api-keys": ("admin", NO_SCOPE),
    "DELETE /api-keys/1": ("admin", NO_SCOPE),
}
# What anybody may ask for without a log-in, and which methods: everything else needs a role.
OPEN = {
    "POST /api/v1/auth/login": "it is how one gets a role",
    "POST /api/v1/auth/passkey-challenge": "it is how one gets a role",
    "POST /api/v1/auth/login/passkey": "it is how one gets a role",
    "GET /api/v1/parts": "the catalog",
    "GET /api/v1/parts/<id:part_id>": "the catalog",
    "GET /api/v1/parts/by-sku": "the catalog",
    "GET /api/v1/parts/facets": "the catalog",
    "GET /api/v1/parts/restocked": "the catalog",
    "GET /api/v1/parts/suggest": "the catalog",
    "POST /api/v1/parts/lookup": "the catalog; a list that is too long for an address",
    "GET /api/v1/categories": "the catalog",
    "GET /api/v1/pdp/<reference>": "the catalog",
    "GET /api/v1/openapi.json": "the API's description",
    "GET /api/v1/docs": "the API's description",
    "GET /api-docs/<path:name>": "built files",
    "GET /embed/v1/<path:name>": "built files",
    "GET /panel/": "built files",
    "GET /panel/<path:name>": "built files",
    "GET /": "the customer site",
    "GET /<page:name>": "the customer site",
    "GET /media/<path:name>": "pictures",
    "GET /robots.txt": "for search engines",
    "GET /sitemap.xml": "for search engines",
    "GET /sitemaps/lists.xml": "for search engines",
    "GET /sitemaps/parts-<int:number>.xml": "for search engines",
    "GET /healthz": "probes",
    "GET /readyz": "probes",
    "GET /metrics": "in production with its own token (test_every_answer.py)",
}
# What a person does only if they have proven who they are just now; an API key is not asked.
STEP_UP = {
    "POST /api/v1/admin/users",
    "PUT /api/v1/admin/users/<id:user_id>",
    "POST /api/v1/admin/users/<id:user_id>/password",
    "DELETE /api/v1/admin/users/<id:user_id>/second-factor",
    "POST /api/v1/admin/api-keys",
    "POST /api/v1/admin/imports/<id:job_id>/undo",
    "POST /api/v1/auth/second-factor",
    "PUT /api/v1/auth/second-factor",
    "POST /api/v1/auth/passkeys/offer",
    "POST /api/v1/auth/passkeys",
    "DELETE /api/v1/auth/passkeys/<id:passkey_id>",
}
# By namespace, who is let in, and what they may say then.
SOCKETS: dict[type[Namespace], tuple[str, str | None, str | None, set[str]]] = {
    CustomersNamespace: (rooms.CUSTOMERS, None, None, {"watch", "unwatch", "seen"}),
    # Without a session or key nobody gets in (tests/live/test_admin.py); each has a role, and a viewer may do all of this.
    AdminNamespace: (rooms.ADMIN, "viewer", "read", {"open", "close", "follow"}),
}


def test_every_route_needs_a_role_or_is_said_to_be_open(app: Flask) -> None:
    open_to_all = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "required_role", None) not in ROLES
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert open_to_all == OPEN.keys()


def test_what_needs_a_fresh_proof_is_said(app: Flask) -> None:
    needing = {
        f"{method} {rule.rule}"
        for rule in app.url_map.iter_rules()
        if getattr(app.view_functions[rule.endpoint], "needs_step_up", False)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert needing == STEP_UP


@pytest.mark.parametrize("call", sorted(STEP_UP))
def test_a_session_that_was_left_open_does_nothing_dangerous(
    call: str, logged_in: Callable[..., tuple[FlaskClient, str]], aged: Callable[[], None], refused: Refused,
    events: Callable[[], int],
) -> None:  # fmt: skip
    client, token = logged_in("admin")
    method, path = re.sub("<.*?>", "1", call).split()
    aged()
    before = events()
    headers = {"X-CSRF-Token": token}
    answer = refused(client.open(path, method=method, json={"nonsense": 1}, headers=headers), 403)
    assert answer["code"] == "step_up_required"
    assert client.post("/api/v1/auth/step-up", json={"password": PASSWORD}, headers=headers).status_code == 204
    assert client.open(path, method=method, json={"nonsense": 1}, headers=headers).status_code in {200, 400, 404, 415, 422}
    assert events() == before


def test_every_message_of_a_socket_has_a_permission() -> None:
    """No other namespace is there, and `app.live.incoming` takes nothing from a client but what is listed for its namespace."""
    assert {kind for kind in Namespace.__subclasses__() if kind.__module__.startswith("app.")} == SOCKETS.keys()
    assert TAKEN.keys() == {path for path, *_ in SOCKETS.values()}
    for kind, (path, role, scope, events) in SOCKETS.items():
        assert role is None or role in ROLES
        # What the entrance demands, and so every message.
        assert scope == getattr(kind, "required_scope", None)
        assert (scope in SCOPES) == (role is not None)
        handled = {name.removeprefix("on_") for name in dir(kind) if name.startswith("on_")}
        assert handled - {"connect", "disconnect"} == members_of(TAKEN[path]).keys() == events


def _admin_rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1/admin")]


def test_every_admin_route_states_who_may_call_it(app: Flask) -> None:
    rules = _admin_rules(app)
    assert rules
    silent = [rule.rule for rule in rules if getattr(app.view_functions[rule.endpoint], "required_role", None) not in ROLES]
    assert silent == []


def test_every_route_that_needs_a_role_states_its_scope_and_only_ones_own_affairs_are_for_any(app: Flask) -> None:
    stated = {
        rule.rule: getattr(app.view_functions[rule.endpoint], "required_scope", None)
        for rule in app.url_map.iter_rules()
        if hasattr(app.view_functions[rule.endpoint], "required_role")
    }
    assert {*stated.values()} == {*SCOPES, ANY_SCOPE, NO_SCOPE}
    assert all(rule.startswith("/api/v1/auth/") for rule, scope in stated.items() if scope == ANY_SCOPE)


def test_the_matrix_below_knows_every_admin_route(app: Flask) -> None:
    """A new route must be added to the matrix."""
    methods = [method for rule in _admin_rules(app) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}]
    assert len(methods) == len(NEEDS)


@pytest.mark.parametrize("call", NEEDS)
def test_a_call_is_open_to_the_roles_that_include_its_permission_and_to_no_others(
    call: str, everybody: dict[str, FlaskClient], new_part: Callable[..., int], refused: Refused, events: Callable[[], int]
) -> None:
    method, path = call.split()
    url = "/api/v1/admin" + path.replace("{id}", str(new_part()))
    before = events()
    for role, client in everybody.items():
        # An unknown field: an authorised request gets no further than the parser.
        response = client.open(
            url, method=method, query_string={"nonsense": "1"}, json=None if method == "GET" else {"nonsense": 1}
        )
        if role == "nobody":
            refused(response, 401)
        elif ROLES.index(role) < ROLES.index(NEEDS[call][0]):
            assert role in refused(response, 403)["detail"]
        else:
            assert response.status_code not in {401, 403}
            assert response.status_code < 500
    assert events() == before


@pytest.mark.parametrize("call", NEEDS)
def test_a_call_is_open_to_keys_without_scopes_or_with_its_scope_and_to_no_others(
    call: str, limited: dict[str, FlaskClient], new_part: Callable[..., int], refused: Refused, events: Callable[[], int]
) -> None:
    method, path = call.split()
    url = "/api/v1/admin" + path.replace("{id}", str(new_part()))
    needed = NEEDS[call][1]
    before = events()
    for scope, client in limited.items():
        response = client.open(
            url, method=method, query_string={"nonsense": "1"}, json=None if method == "GET" else {"nonsense": 1}
        )
        if scope in {needed, "unlimited"}:
            assert response.status_code not in {401, 403}
            assert response.status_code < 500
        else:
            detail = refused(response, 403)["detail"]
            assert f"limited to {scope}." in detail
            assert needed == NO_SCOPE or f"the scope {needed};" in detail
    assert events() == before


def test_scopes_give_no_more_than_the_role_does(api: Callable[..., FlaskClient], refused: Refused) -> None:
    viewer = api("viewer", scopes=SCOPES)
    assert viewer.get("/api/v1/admin/parts").status_code == 200
    assert "needs the role stock" in refused(viewer.post("/api/v1/admin/stock/bulk", json={}), 403)["detail"]


def test_a_part_is_created_with_prices_and_stock_only_by_keys_that_may_write_these(
    api: Callable[..., FlaskClient], refused: Refused
) -> None:
    alone, all_three = (api("editor", scopes=["content:write", *more]) for more in ([], ["prices:write", "stock:write"]))
    part = {"sku": uuid4().hex, "part_name": "Washer"}
    prices, stock = [{"currency": "EUR", "amount": "1.00"}], {"current_stock": 5}
    assert "the scope prices:write;" in refused(alone.post("/api/v1/admin/parts", json=part | {"prices": prices}), 403)["detail"]
    assert "the scope stock:write;" in refused(alone.post("/api/v1/admin/parts", json=part | {"stock": stock}), 403)["detail"]
    assert alone.post("/api/v1/admin/parts", json=part).status_code == 201
    whole = part | {"sku": uuid4().hex, "prices": prices, "stock": stock}
    assert all_three.post("/api/v1/admin/parts", json=whole).status_code == 201


def test_a_key_of_any_scope_may_ask_who_it_is(limited: dict[str, FlaskClient]) -> None:
    assert {client.get("/api/v1/auth/me").status_code for client in limited.values()} == {200}


def test_a_refusal_does_not_tell_whether_the_part_exists(
    client: FlaskClient, new_part: Callable[..., int], refused: Refused
) -> None:
    there = refused(client.get(f"/api/v1/admin/parts/{new_part()}"), 401)
    absent = refused(client.get("/api/v1/admin/parts/2147483647"), 401)
    assert there | {"request_id": ""} == absent | {"request_id": ""}
