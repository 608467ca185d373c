"""Calls that are sent again with their Idempotency-Key: one effect, and the first answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app.api.auth import SAFE_METHODS
from app.container import Container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.services import staff as staff_service
from app.services.authentication import digest
from app.store import idempotency
from app.store.idempotency import KeyedCall
from app.sync.prune import prune
from tests.flow.credentials import PASSWORD
from tests.sample_pictures import jpeg

API = "/api/v1"
KEY = "Idempotency-Key"
Refused = Callable[..., dict[str, Any]]
Send = Callable[..., TestResponse]

# What a call leaves, besides the deliveries that workers settle: how many rows, and which transaction wrote the newest.
TABLES = (
    "parts", "stock_levels", "part_prices", "part_images", "part_specifications", "categories", "outbox_events", "import_jobs",
    "sync_runs", "user_sessions", "idempotency_keys", "users",
)  # fmt: skip
TRACE = text(
    " UNION ALL ".join(
        f"SELECT '{name}' AS name, count(*) AS rows, max(xmin::text::bigint) AS newest FROM {name}" for name in TABLES
    )
)


@dataclass
class Shop:
    """What the calls below are made on."""

    part: int
    archived: int
    pictured: int
    image: int
    category: int
    empty_category: int
    event: int
    session: int
    passkey: int
    job: int
    ended: int
    person: int
    guarded: int
    api_key: int


# Each unsafe call that keeps its answer, with what is sent. `{…}` is of the shop.
CALLS: dict[str, dict[str, Any]] = {
    "POST /admin/parts": {"json": {"sku": "K-{tag}", "part_name": "New", "prices": [{"currency": "EUR", "amount": "1.5"}]}},
    "PUT /admin/parts/{part}": {"json": {"description": "<blink>Newer</blink>", "part_name": "Newer {tag}"}},
    "DELETE /admin/parts/{part}": {},
    "POST /admin/parts/{archived}/restore": {},
    "PUT /admin/parts/{part}/specifications": {"json": {"specifications": [{"name": "Bore", "value": "10"}]}},
    "PUT /admin/parts/{part}/prices": {"json": {"prices": [{"currency": "EUR", "amount": "7.70"}]}},
    "POST /admin/parts/{part}/images": {"file": "image"},
    "PUT /admin/parts/{pictured}/images/order": {"json": {"image_ids": ["{image}"]}},
    "PUT /admin/parts/{pictured}/images/{image}": {"json": {"alt": "From the side"}},
    "DELETE /admin/parts/{pictured}/images/{image}": {},
    "PUT /admin/parts/{part}/stock": {"json": {"current_stock": 77}},
    "POST /admin/parts/{part}/stock/adjustments": {"json": {"delta": 5, "reason": "found"}},
    "POST /admin/stock/bulk": {"json": {"changes": [{"part_id": "{part}", "delta": 3}], "reason": "found"}},
    "POST /admin/parts/bulk": {"json": {"part_ids": ["{part}"], "set": {"status": "draft"}}},
    "POST /admin/parts/{part}/versions/1/restore": {"json": {"fields": ["part_name"]}},
    "POST /admin/categories": {"json": {"name": "Category {tag}"}},
    "PUT /admin/categories/{category}": {"json": {"name": "Renamed {tag}"}},
    "POST /admin/categories/{category}/picture": {"file": "image"},
    "DELETE /admin/categories/{empty_category}": {},
    "POST /admin/imports": {"file": "file"},
    "POST /admin/imports/{job}/cancel": {},
    "POST /admin/imports/{ended}/undo": {},
    "POST /admin/sync/dead-letters/{event}/replay": {},
    "POST /admin/sync/replay": {},
    "POST /admin/sync/dead-letters/{event}/discard": {"json": {"reason": "because"}},
    "POST /admin/sync/discard": {"json": {"reason": "because", "effect": "persist_audit"}},
    "POST /admin/sync/reconcile": {},
    "DELETE /auth/sessions/{session}": {},
    "DELETE /auth/passkeys/{passkey}": {},
    "POST /admin/users": {"json": {"email": "new-{tag}@shop.example", "role": "stock"}},
    "PUT /admin/users/{person}": {"json": {"role": "editor"}},
    "POST /admin/users/{person}/password": {},
    "POST /admin/api-keys": {"json": {"name": "till {tag}", "role": "stock"}},
    "DELETE /admin/users/{guarded}/second-factor": {},
    "DELETE /admin/api-keys/{api_key}": {},
}
# Their answers hold secrets, or end the session that could ask again; or they change nothing.
UNKEPT = {
    "POST /auth/login", "POST /auth/logout", "PUT /auth/password", "POST /auth/second-factor", "PUT /auth/second-factor",
    "POST /auth/second-factor/off", "POST /auth/step-up",
    "POST /auth/passkey-challenge", "POST /auth/login/passkey", "POST /auth/passkeys/offer",
    "POST /auth/passkeys", "POST /parts/lookup",
}  # fmt: skip


def _unsafe(app: Flask) -> dict[str, Rule]:
    """Return every unsafe call by its method and path, with each of the path's variables as `*`."""
    found = {}
    for rule in app.url_map.iter_rules():
        path = "/".join("*" if "<" in step else step for step in rule.rule.removeprefix(API).split("/"))
        found |= {f"{method} {path}": rule for method in (rule.methods or set()) - SAFE_METHODS}
    return found


def _pattern(call: str) -> str:
    return "/".join("*" if "{" in step or step.isdigit() else step for step in call.split("/"))


def test_every_unsafe_call_is_tried_below(app: Flask) -> None:
    """A new unsafe route must pass `keyed_call()` to its unit of work and be added to `CALLS`, or say why it keeps no answer."""
    unsafe = _unsafe(app)
    assert {_pattern(call) for call in CALLS} | UNKEPT == set(unsafe)
    assert {call for call, rule in unsafe.items() if hasattr(app.view_functions[rule.endpoint], "keeps_no_answer")} == UNKEPT


@pytest.fixture
def key() -> str:
    return f"key-{uuid4()}"


@pytest.fixture
def trace(container: Container) -> Callable[[], dict[str, tuple[int, int]]]:
    """Tell what is in the tables: a call that changes nothing leaves it as it is."""

    def look() -> dict[str, tuple[int, int]]:
        with container.reading.connect() as connection:
            return {row.name: (row.rows, row.newest) for row in connection.execute(TRACE)}

    return look


@pytest.fixture
def clerk(logged_in: Callable[..., tuple[FlaskClient, str]]) -> FlaskClient:
    """A browser in which an administrator is logged in."""
    client, token = logged_in("admin")
    client.environ_base["HTTP_X_CSRF_TOKEN"] = token
    return client


@pytest.fixture
def shop(clerk: FlaskClient, new_part: Callable[..., int], container: Container) -> Shop:
    """A shop in which each of the calls changes something."""

    def post(path: str, **options: Any) -> dict[str, Any]:
        answer = clerk.post(f"{API}{path}", **options)
        assert answer.status_code in {200, 201}, answer.get_data(as_text=True)
        return dict(answer.get_json())

    part, archived, pictured = new_part(), new_part(), new_part()
    clerk.put(f"{API}/admin/parts/{part}", json={"part_name": "Of version 2"})
    clerk.delete(f"{API}/admin/parts/{archived}")
    image = post(f"/admin/parts/{pictured}/images", data={"image": (BytesIO(jpeg()), "a.jpg")})["images"][0]["id"]
    categories = [post("/admin/categories", json={"name": uuid4().hex})["id"] for _ in range(2)]
    person, guarded = (
        post("/admin/users", json={"email": f"{uuid4().hex}@shop.example", "role": "viewer"})["id"] for _ in range(2)
    )
    api_key = post("/admin/api-keys", json={"name": "till", "role": "stock"})["id"]
    while container.deliveries.deliver(Effect.SNAPSHOT_CONTENT):
        pass
    with container.engine.begin() as connection:
        event = connection.execute(
            text("SELECT max(id) FROM outbox_events WHERE aggregate_id = :id AND aspect = 'stock'"), {"id": part}
        ).scalar_one()
        connection.execute(text("UPDATE outbox_deliveries SET state = 'dead' WHERE event_id = :id"), {"id": event})
        factor = text("INSERT INTO second_factors (user_id, nonce, last_step, recovery_digests) VALUES (:id, 'x', 0, '{}')")
        connection.execute(factor, {"id": guarded})
        passkey = connection.execute(
            text("""
                INSERT INTO passkeys (user_id, name, credential_id, public_key, sign_count, last_challenge)
                SELECT user_id, 'laptop', :id, '', 0, 0 FROM user_sessions ORDER BY id DESC LIMIT 1 RETURNING id
            """),
            {"id": uuid4().bytes},
        ).scalar_one()
        session = connection.execute(
            text("""
                INSERT INTO user_sessions (token_digest, user_id, csrf_token, expires_at)
                SELECT :digest, user_id, 'x', expires_at FROM user_sessions ORDER BY id DESC LIMIT 1 RETURNING id
            """),
            {"digest": uuid4().hex * 2},
        ).scalar_one()
    file = b"sku,part_name\nQ-1,Queued\n"
    job, ended = (
        clerk.post(f"{API}/admin/imports", data={"file": (BytesIO(file), "queued.csv")}).get_json()["id"] for _ in range(2)
    )
    clerk.post(f"{API}/admin/imports/{ended}/cancel")
    return Shop(part, archived, pictured, image, *categories, event, session, passkey, job, ended, person, guarded, api_key)


@pytest.fixture
def send(clerk: FlaskClient, shop: Shop, key: str) -> Send:
    """Make one of the calls above with a key, each time the same."""
    names, picture = vars(shop) | {"tag": uuid4().hex[:10]}, jpeg()
    table = f"sku,part_name\nI-{names['tag']},One\n".encode()

    def run(call: str, again: dict[str, Any] | None = None, **headers: str) -> TestResponse:
        method, path = call.format_map(names).split()
        sent = _filled(CALLS[call], names) | (again or {})
        if (field := sent.pop("file", None)) is not None:
            content = picture if field == "image" else table
            sent["data"] = {field: (BytesIO(content), "file.csv")}
        return clerk.open(f"{API}{path}", method=method, headers={KEY: key} | headers, **sent)

    return run


def _filled(value: Any, names: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {name: _filled(one, names) for name, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, names) for one in value]
    if isinstance(value, str) and value.startswith("{"):
        return names[value.strip("{}")]
    return value.format_map(names) if isinstance(value, str) else value


@pytest.mark.parametrize("call", CALLS)
def test_a_call_that_is_sent_again_changes_nothing_and_gets_the_first_answer(
    call: str, send: Send, trace: Callable[[], Any], refused: Refused
) -> None:
    before = trace()
    first = send(call)
    assert 200 <= first.status_code < 300, first.get_data(as_text=True)
    assert "Idempotency-Replayed" not in first.headers
    after = trace()
    assert after != before
    for _ in range(2):
        again = send(call)
        assert again.headers["Idempotency-Replayed"] == "true"
        assert (again.status_code, again.data) == (first.status_code, first.data)
        assert (again.content_type, again.location) == (first.content_type, first.location)
        assert again.headers.get("X-Event-IDs") == first.headers.get("X-Event-IDs")
    # Some refuse the condition itself.
    assert refused(send(call, **{"If-Match": '"77"'}), 400, 422)["code"] in {"bad_request", "idempotency_key_reused"}
    assert trace() == after


@pytest.mark.parametrize("call", [*CALLS, *sorted(UNKEPT)])
def test_every_unsafe_call_refuses_a_key_that_is_none(
    call: str, clerk: FlaskClient, trace: Callable[[], Any], refused: Refused
) -> None:
    before = trace()
    method, path = call.split()
    path = "/".join("1" if "{" in step else step for step in path.split("/"))
    read_first = {
        "/auth/login": {"email": "a@b.example", "password": PASSWORD},
        "/auth/login/passkey": {"ticket": "x", "credential": {}},
        "/parts/lookup": {"lines": [{"sku": "A"}]},
    }
    json = read_first.get(path)
    problem = refused(clerk.open(f"{API}{path}", method=method, json=json, headers={KEY: "x" * 256}), 400)
    assert KEY in problem["detail"]
    assert trace() == before


@pytest.mark.parametrize("bad", ["", " ", "a b", "a\tb", "é", "ключ".encode().decode("latin-1"), "\x7f", "x" * 256])
def test_a_key_is_255_visible_ascii_characters_at_most(
    bad: str, api: Callable[[str], FlaskClient], new_part: Callable[..., int], refused: Refused, events: Callable[[], int]
) -> None:
    url, client = f"{API}/admin/parts/{new_part()}/stock/adjustments", api("stock")
    before = events()
    assert KEY in refused(client.post(url, json={"delta": 1}, environ_base={"HTTP_IDEMPOTENCY_KEY": bad}), 400)["detail"]
    assert events() == before
    for good in (f'"{uuid4()}"', uuid4().hex.ljust(255, "~")):
        assert client.post(url, json={"delta": 1}, headers={KEY: good}).status_code == 200


@pytest.fixture
def till(api: Callable[[str], FlaskClient], new_part: Callable[..., int], key: str) -> "Till":
    return Till(api("stock"), new_part(stock=10), key)


@dataclass
class Till:
    """Adjusts one part's stock, always with one key."""

    client: FlaskClient
    part: int
    key: str

    def adjust(self, delta: int = 5, client: FlaskClient | None = None, **headers: str) -> TestResponse:
        url = f"{API}/admin/parts/{self.part}/stock/adjustments"
        return (client or self.client).post(url, json={"delta": delta}, headers={KEY: self.key} | headers)

    @property
    def stock(self) -> int:
        return int(self.client.get(f"{API}/admin/parts/{self.part}").get_json()["stock"]["current_stock"])


def test_the_key_is_used_up_by_everything_that_makes_a_call_another(
    till: Till, new_part: Callable[..., int], refused: Refused
) -> None:
    assert till.adjust().status_code == 200
    url, header = f"{API}/admin/parts/{till.part}/stock", {KEY: till.key}
    others = (
        till.adjust(6),
        till.adjust(**{"If-Match": '"1"'}),
        till.client.put(url, json={"current_stock": 5}, headers=header),
        till.client.post(f"{API}/admin/parts/{new_part()}/stock/adjustments", json={"delta": 5}, headers=header),
        till.client.post(f"{url}/adjustments", data=b'{"delta": 5}', content_type="application/json", headers=header),
    )
    for other in others:
        assert refused(other, 422)["code"] == "idempotency_key_reused"
    assert till.stock == 15


def test_equal_keys_of_two_callers_have_nothing_to_do_with_each_other(till: Till, api: Callable[[str], FlaskClient]) -> None:
    assert [till.adjust(1).status_code, till.adjust(2, api("stock")).status_code] == [200, 200]
    assert till.stock == 13


def test_a_person_sends_a_call_again_from_a_new_session(till: Till, browser: Callable[[], FlaskClient], staff: Any) -> None:
    email, answers = staff("stock"), []
    for _ in range(2):
        client = browser()
        token = client.post(f"{API}/auth/login", json={"email": email, "password": PASSWORD}).get_json()["csrf_token"]
        answers.append(till.adjust(5, client, **{"X-CSRF-Token": token}))
    assert answers[1].headers["Idempotency-Replayed"] == "true"
    assert till.stock == 15


def test_whoever_may_no_longer_make_a_call_gets_no_answer_to_it(
    till: Till, container: Container, actor: Actor, logged_in: Any, browser: Any, staff: Any, refused: Refused
) -> None:
    email = staff("stock")
    here, demoted = browser(), browser()
    log_in = {"email": email, "password": PASSWORD}
    token = here.post(f"{API}/auth/login", json=log_in).get_json()["csrf_token"]
    assert till.adjust(5, here, **{"X-CSRF-Token": token}).status_code == 200
    staff_service.set_role(container.transactions, actor, email, "viewer")
    refused(till.adjust(5, here, **{"X-CSRF-Token": token}), 401)
    token = demoted.post(f"{API}/auth/login", json=log_in).get_json()["csrf_token"]
    refused(till.adjust(5, demoted, **{"X-CSRF-Token": token}), 403)
    refused(till.adjust(5, demoted), 403)


def test_what_was_refused_is_decided_anew_and_leaves_no_key(till: Till, trace: Callable[[], Any], refused: Refused) -> None:
    before = trace()
    assert refused(till.adjust(-11), 409)["code"] == "insufficient_stock"
    refused(till.adjust(**{"If-Match": '"7"'}), 412)
    assert trace() == before
    # So the key is free for another body, too.
    answer = till.adjust(-3)
    assert (answer.status_code, answer.headers.get("Idempotency-Replayed")) == (200, None)
    assert till.stock == 7


def test_a_write_that_found_its_values_there_already_does_not_come_back_later(till: Till) -> None:
    url = f"{API}/admin/parts/{till.part}/stock"
    first = till.client.put(url, json={"current_stock": 10}, headers={KEY: till.key})
    till.client.put(url, json={"current_stock": 3})
    again = till.client.put(url, json={"current_stock": 10}, headers={KEY: till.key})
    assert (again.data, again.headers["Idempotency-Replayed"], till.stock) == (first.data, "true", 3)


@contextmanager
def under_way(container: Container, till: Till) -> Iterator[None]:
    """Be a transaction that makes the till's call, somewhere else."""
    token = digest(till.client.environ_base["HTTP_AUTHORIZATION"].removeprefix("Bearer "))
    with container.engine.connect() as connection:
        key_id = connection.execute(text("SELECT id FROM api_keys WHERE key_digest = :digest"), {"digest": token}).scalar_one()
        assert idempotency.claim(connection, KeyedCall(f"key {key_id}", till.key, b"")) is None
        yield


def test_while_the_first_call_is_under_way_the_others_are_told_to_come_back(
    till: Till, container: Container, refused: Refused
) -> None:
    with under_way(container, till):
        answer = till.adjust()
        assert refused(answer, 409)["code"] == "idempotency_in_progress"
        assert answer.headers["Retry-After"] == "1"
    # It has come to nothing.
    assert till.adjust().status_code == 200
    assert till.stock == 15


def test_a_replay_is_counted_and_audited_no_second_time(till: Till, client: FlaskClient, deliver: Callable[[], None]) -> None:
    def counted() -> float:
        lines = client.get("/metrics").get_data(as_text=True).splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("idempotency_replays_total"))

    before = counted()
    for _ in range(3):
        till.adjust()
    deliver()
    assert counted() == before + 2
    audited = till.client.get(f"{API}/admin/audit?part_id={till.part}&operation=UPDATE").get_json()["items"]
    assert [row["new_values"]["current_stock"] for row in audited] == [15]


def test_a_key_counts_for_24_hours_and_is_pruned_then(till: Till, container: Container) -> None:
    def age(hours: float) -> None:
        with container.engine.begin() as connection:
            aged = "UPDATE idempotency_keys SET created_at = clock_timestamp() - make_interval(secs => :s) WHERE key = :key"
            assert connection.execute(text(aged), {"s": hours * 3600, "key": till.key}).rowcount == 1

    def kept() -> int:
        with container.reading.connect() as connection:
            count = text("SELECT count(*) FROM idempotency_keys WHERE key = :key")
            return int(connection.execute(count, {"key": till.key}).scalar_one())

    till.adjust()
    age(23.9)
    prune(container.engine)
    assert till.adjust().headers["Idempotency-Replayed"] == "true"
    age(24.1)
    # Then it is as good as new, pruned or not; even for another call.
    assert "Idempotency-Replayed" not in till.adjust(1).headers
    assert till.adjust(1).headers["Idempotency-Replayed"] == "true"
    assert till.stock == 16
    age(24.1)
    prune(container.engine)
    assert kept() == 0


def test_a_form_is_the_same_whatever_its_boundary_and_another_with_another_file(
    clerk: FlaskClient, shop: Shop, key: str, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    def upload(boundary: str, picture: bytes, alt: str = "a") -> TestResponse:
        text_field = f'--{boundary}\r\nContent-Disposition: form-data; name="alt"\r\n\r\n{alt}\r\n'
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
        data = (text_field + head).encode() + picture + f"\r\n--{boundary}--\r\n".encode()
        content_type = f"multipart/form-data; boundary={boundary}"
        return clerk.post(f"{API}/admin/parts/{shop.part}/images", data=data, content_type=content_type, headers={KEY: key})

    one, other = jpeg(), jpeg()
    assert upload("x", one).status_code == 201
    # A picture takes seconds: a repeated call does not process it again.
    monkeypatch.setattr("app.api.admin.images.kept_picture", None)
    assert upload("yy", one).headers["Idempotency-Replayed"] == "true"
    for changed in (upload("x", other), upload("x", one, "b")):
        assert refused(changed, 422)["code"] == "idempotency_key_reused"


def test_a_rehearsal_uses_up_no_key(clerk: FlaskClient, shop: Shop, key: str) -> None:
    url, sent = f"{API}/admin/parts/{shop.part}/versions/1/restore", {"json": {}, "headers": {KEY: key}}
    for _ in range(2):
        rehearsed = clerk.post(f"{url}?dry_run=true", **sent)
        assert (rehearsed.status_code, rehearsed.headers.get("Idempotency-Replayed")) == (200, None)
    assert clerk.post(url, **sent).status_code == 200
    rehearsed = clerk.post(f"{API}/admin/sync/reconcile?dry_run=true", headers={KEY: f"{key}-"})
    assert clerk.post(f"{API}/admin/sync/reconcile", headers={KEY: f"{key}-"}).status_code == rehearsed.status_code == 200


def test_a_log_in_that_is_sent_again_is_another_one_and_its_secrets_are_kept_nowhere(
    browser: Callable[[], FlaskClient], staff: Callable[..., str], key: str, trace: Callable[[], Any]
) -> None:
    client, body = browser(), {"email": staff(), "password": PASSWORD}
    before = trace()["idempotency_keys"]
    tokens = set()
    for _ in range(2):
        answer = client.post(f"{API}/auth/login", json=body, headers={KEY: key})
        assert (answer.status_code, answer.headers.get("Idempotency-Replayed")) == (200, None)
        tokens.add(answer.get_json()["csrf_token"])
    assert len(tokens) == 2
    assert trace()["idempotency_keys"] == before
    # The browser has one session: the second log-in ended the first's.
    assert len(client.get(f"{API}/auth/sessions").get_json()["items"]) == 1
