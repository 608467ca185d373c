"""Answers that a process has put together once: kept for as long as nothing in them changes, and not a moment longer."""

import threading
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.api.context import KEPT, kept_answers
from app.api.rendering import etag_of
from app.cache.scripting import Call
from app.container import Container
from app.domain.categories import Tree
from app.services import catalog as services
from bench.system import wait_until

API = "/api/v1"


@pytest.fixture
def category(editor: FlaskClient) -> dict[str, Any]:
    return dict(editor.post(f"{API}/admin/categories", json={"name": f"Category {uuid4().hex[:8]}"}).get_json())


@pytest.fixture
def part(editor: FlaskClient, category: dict[str, Any]) -> int:
    body = {
        "sku": uuid4().hex, "part_name": "Kept", "status": "published", "category_id": category["id"],
        "stock": {"current_stock": 5}, "specifications": [{"name": "Bore", "value": "10", "unit": "mm"}],
        "prices": [{"currency": "EUR", "amount": "1.00"}, {"currency": "USD", "amount": "2.00"}],
    }  # fmt: skip
    return int(editor.post(f"{API}/admin/parts", json=body).get_json()["id"])


@pytest.fixture
def composed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each part that is put together."""
    noted: list[str] = []

    def noting(name: str, compose: Callable[..., Any]) -> Callable[..., Any]:
        def note(*arguments: Any, **options: Any) -> Any:
            noted.append(name)
            return compose(*arguments, **options)

        return note

    for name in ("_compose", "_compose_short"):
        monkeypatch.setattr(services, name, noting(name, getattr(services, name)))
    return noted


@pytest.fixture
def called(container: Container, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note each call to the cache that this test's requests make."""
    noted: list[str] = []
    run, own = container.cache._scripts.run, threading.current_thread()

    def note(client: Any, call: Call) -> Any:
        if threading.current_thread() is own:
            noted.append(call.name)
        return run(client, call)

    monkeypatch.setattr(container.cache._scripts, "run", note)
    return noted


def hit(client: FlaskClient, url: str) -> TestResponse:
    """Return the answer to a read of what is cached; on a busy machine that may take more than one."""
    answers: list[TestResponse] = []

    def is_hit() -> bool:
        answers.append(client.get(url))
        return answers[-1].headers["X-Cache"] == "HIT"

    assert wait_until(is_hit)
    return answers[-1]


@pytest.mark.parametrize(
    "url",
    [
        "/parts/{part}", "/parts?category={category}", "/parts?category={category}&currency=USD", "/pdp/{part}", "/pdp/{slug}",
        "/parts/facets?category={category}", "/parts/by-sku?sku={sku}", "/parts/suggest?q=kept", "/categories",
    ],
)  # fmt: skip
def test_what_nothing_has_changed_is_put_together_once_and_then_takes_one_call_to_the_cache(
    url: str, client: FlaskClient, part: int, category: dict[str, Any], called: list[str]
) -> None:
    shown = client.get(f"{API}/parts/{part}").get_json()
    url = API + url.format(part=part, category=category["slug"], slug=shown["slug"], sku=shown["sku"])
    first = hit(client, url)
    tag = first.headers["ETag"]

    def answered(method: str, **headers: str) -> TestResponse:
        """Return the answer that takes one call; on a busy machine that may not be the first."""
        answers: list[TestResponse] = []

        def takes_one_call() -> bool:
            called.clear()
            answers.append(client.open(url, method=method, headers=headers))
            return called == ["confirm"]

        assert wait_until(takes_one_call)
        return answers[-1]

    again, held, head = answered("GET"), answered("GET", **{"If-None-Match": tag}), answered("HEAD")
    assert (again.status_code, again.data, again.headers["ETag"]) == (200, first.data, tag)
    assert (held.status_code, held.data, held.headers["ETag"]) == (304, b"", tag)
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", tag)
    assert {one.headers["X-Cache"] for one in (again, held, head)} == {"HIT"}


def test_what_depends_on_the_time_is_not_kept(client: FlaskClient, part: int, called: list[str]) -> None:
    hit(client, f"{API}/parts/restocked")
    called.clear()
    hit(client, f"{API}/parts/restocked")
    assert "confirm" not in called


def test_long_addresses_count_in_what_is_kept(app: Flask, client: FlaskClient, part: int) -> None:
    """What a part's view does not read is part of the address all the same."""
    with app.app_context():
        kept = kept_answers()
    longest = 20_000
    for number in range(KEPT // longest + 10):
        hit(client, f"{API}/parts/{part}?{number}={'x' * longest}")
    assert len(kept._kept) < KEPT // longest
    assert kept._size <= KEPT


def test_another_method_is_not_answered_with_what_is_kept(client: FlaskClient, part: int) -> None:
    url = f"{API}/parts/{part}"
    for _ in range(2):
        hit(client, url)
    answer = client.options(url)
    assert (answer.data, answer.allow.as_set()) == (b"", {"get", "head", "options"})


def test_each_change_is_in_the_next_answer_whose_tag_is_that_of_its_bytes(
    client: FlaskClient, editor: FlaskClient, container: Container, part: int, category: dict[str, Any]
) -> None:
    whole, listed = f"{API}/parts/{part}", f"{API}/parts?category={category['id']}"
    admin = f"{API}/admin/parts/{part}"
    changes: tuple[tuple[str, str, Any], ...] = (
        ("PUT", f"{admin}/stock", {"current_stock": 6}),
        ("PUT", f"{admin}/stock", {"current_stock": 5}),
        ("PUT", admin, {"part_name": "Renamed"}),
        ("PUT", f"{admin}/prices", {"prices": [{"currency": "EUR", "amount": "1.50"}]}),
        ("PUT", f"{admin}/specifications", {"specifications": []}),
        ("PUT", f"{API}/admin/categories/{category['id']}", {"name": f"Other {uuid4().hex[:8]}"}),
    )
    seen = {hit(client, url).headers["ETag"] for url in (whole, listed)}
    for method, url, body in changes:
        assert editor.open(url, method=method, json=body).status_code == 200
        answers = hit(client, whole), hit(client, listed)
        for answer in answers:
            tag = answer.headers["ETag"]
            assert tag == f'"{etag_of(answer.data)}"'
            # A list does not show specifications.
            assert tag not in seen or (answer is answers[1] and url.endswith("/specifications"))
            seen.add(tag)
        assert answers[0].get_json() == container.uncached.part(part).body
        assert answers[1].get_json()["items"] == container.uncached.short_parts([part])[0]


def test_the_tag_stays_the_same_when_the_cache_is_lost(client: FlaskClient, container: Container, part: int) -> None:
    url = f"{API}/parts/{part}"
    before = hit(client, url).headers["ETag"]
    container.cache.invalidate_part_cache(part)
    loaded = client.get(url, headers={"If-None-Match": before})
    assert loaded.status_code == 304
    assert loaded.headers["X-Cache"] != "HIT"
    assert hit(client, url).headers["ETag"] == before


def test_questions_that_differ_have_answers_of_their_own(client: FlaskClient, part: int, category: dict[str, Any]) -> None:
    listed = f"{API}/parts?category={category['id']}"
    plain, dollars, measured = (hit(client, listed + more) for more in ("", "&currency=USD", "&include=specifications"))
    assert [one.get_json()["items"][0]["price"]["currency"] for one in (plain, dollars)] == ["EUR", "USD"]
    assert "specifications" in measured.get_json()["items"][0]
    assert "specifications" not in plain.get_json()["items"][0]
    assert len({one.headers["ETag"] for one in (plain, dollars, measured)}) == 3


def test_the_cursor_of_a_kept_page_belongs_to_the_list_that_was_asked_for(
    client: FlaskClient, category: dict[str, Any], new_part: Callable[..., int]
) -> None:
    """A category's id and its slug ask for the same parts, but a cursor is valid for one of the two."""
    parts = [new_part(category_id=category["id"]) for _ in range(2)]
    for name in ("id", "slug", "id"):
        url = f"{API}/parts?limit=1&category={category[name]}"
        first = hit(client, url).get_json()
        second = client.get(f"{url}&cursor={first['next_cursor']}")
        assert {first["items"][0]["id"], second.get_json()["items"][0]["id"]} == {*parts}


def test_what_is_lost_between_two_readings_is_not_kept(
    client: FlaskClient, part: int, composed: list[str], container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The part's category is not in the tree at hand, so both are read anew, from the database."""
    url = f"{API}/parts/{part}"
    monkeypatch.setattr(container.parts.catalog._tree, "under", lambda _stamp: Tree(()))
    hit(client, url)
    composed.clear()
    hit(client, url)
    assert composed


def test_an_answer_that_was_kept_wrongly_is_put_right_by_dropping_what_it_was_made_of(
    client: FlaskClient, container: Container, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"{API}/parts/{part}"
    with monkeypatch.context() as wrong:
        wrong.setattr(services, "_compose", lambda _pieces, _currency: {"id": "wrong"})
        assert hit(client, url).get_json()["id"] == "wrong"
    container.cache.invalidate_part_cache(part)
    right = container.uncached.part(part).body
    assert client.get(url).get_json() == right
    assert hit(client, url).get_json() == right
