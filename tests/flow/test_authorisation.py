"""Who may do what: every admin route and every role, and no route or message of a socket without a declared permission."""

import re
from collections.abc import Callable
from typing import Any

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
from app.services.authentication import ROLES
from tests.flow.credentials import PASSWORD

Refused = Callable[..., dict[str, Any]]
NEEDS = {
    "GET /parts": "viewer",
    "POST /parts": "editor",
    "GET /parts/{id}": "viewer",
    "PUT /parts/{id}": "editor",
    "DELETE /parts/{id}": "editor",
    "POST /parts/{id}/restore": "editor",
    "PUT /parts/{id}/prices": "editor",
    "PUT /parts/{id}/specifications": "editor",
    "POST /parts/{id}/images": "editor",
    "PUT /parts/{id}/images/order": "editor",
    "PUT /parts/{id}/images/1": "editor",
    "DELETE /parts/{id}/images/1": "editor",
    "PUT /parts/{id}/stock": "stock",
    "POST /parts/{id}/stock/adjustments": "stock",
    "POST /stock/bulk": "stock",
    "POST /parts/bulk": "editor",
    "GET /parts/{id}/versions": "viewer",
    "GET /parts/{id}/versions/1": "viewer",
    "GET /parts/{id}/versions/1/diff": "viewer",
    "POST /parts/{id}/versions/1/restore": "editor",
    "GET /parts/{id}/as-of": "viewer",
    "GET /categories": "viewer",
    "GET /categories/1": "viewer",
    "POST /categories": "editor",
    "PUT /categories/1": "editor",
    "POST /categories/1/picture": "editor",
    "DELETE /categories/1": "editor",
    "GET /audit": "viewer",
    "GET /audit.csv": "viewer",
    "GET /sync/status": "viewer",
    "GET /sync/dead-letters": "viewer",
    "POST /sync/dead-letters/1/replay": "admin",
    "POST /sync/replay": "admin",
    "POST /sync/dead-letters/1/discard": "admin",
    "POST /sync/discard": "admin",
    "POST /sync/reconcile": "admin",
    "GET /events/0198a6c2-0000-7000-8000-000000000000": "viewer",
    "GET /overview": "viewer",
    "GET /open-pages": "viewer",
    "POST /imports": "editor",
    "GET /imports": "viewer",
    "GET /imports/1": "viewer",
    "GET /imports/1/errors.csv": "viewer",
    "POST /imports/1/cancel": "editor",
    "POST /imports/1/undo": "editor",
    "GET /users": "admin",
    "POST /users": "admin",
    "PUT /users/1": "admin",
    "POST /users/1/password": "admin",
    "DELETE /users/1/second-factor": "admin",
    "GET /api-keys": "admin",
    "POST /api-keys": "admin",
    "DELETE /api-keys/1": "admin",
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
SOCKETS: dict[type[Namespace], tuple[str, str | None, set[str]]] = {
    CustomersNamespace: (rooms.CUSTOMERS, None, {"watch", "unwatch", "seen"}),
    # Without a session or key nobody gets in (tests/live/test_admin.py); each has a role, and a viewer may do all of this.
    AdminNamespace: (rooms.ADMIN, "viewer", {"open", "close", "follow"}),
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
    assert TAKEN.keys() == {path for path, _, _ in SOCKETS.values()}
    for kind, (path, role, events) in SOCKETS.items():
        assert role is None or role in ROLES
        handled = {name.removeprefix("on_") for name in dir(kind) if name.startswith("on_")}
        assert handled - {"connect", "disconnect"} == members_of(TAKEN[path]).keys() == events


def _admin_rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1/admin")]


def test_every_admin_route_states_who_may_call_it(app: Flask) -> None:
    rules = _admin_rules(app)
    assert rules
    silent = [rule.rule for rule in rules if getattr(app.view_functions[rule.endpoint], "required_role", None) not in ROLES]
    assert silent == []


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
        elif ROLES.index(role) < ROLES.index(NEEDS[call]):
            assert role in refused(response, 403)["detail"]
        else:
            assert response.status_code not in {401, 403}
            assert response.status_code < 500
    assert events() == before


def test_a_refusal_does_not_tell_whether_the_part_exists(
    client: FlaskClient, new_part: Callable[..., int], refused: Refused
) -> None:
    there = refused(client.get(f"/api/v1/admin/parts/{new_part()}"), 401)
    absent = refused(client.get("/api/v1/admin/parts/2147483647"), 401)
    assert there | {"request_id": ""} == absent | {"request_id": ""}
