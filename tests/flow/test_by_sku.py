"""Parts by their SKUs, as other storefronts ask for them: as a list shows them, and never older than a write."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.container import Container
from bench.system import wait_until
from tests.integration.conftest import counting

Refused = Callable[..., dict[str, Any]]
NewPart = Callable[..., int]
PARTS = "/api/v1/admin/parts"


@pytest.fixture
def sku() -> Callable[[str], str]:
    tag = uuid4().hex[:8]
    return lambda name: f"{name}-{tag}"


def path(*skus: str, more: str = "") -> str:
    return "/api/v1/parts/by-sku?" + "&".join(f"sku={quote(sku)}" for sku in skus) + more


def asked(client: FlaskClient, *skus: str, more: str = "") -> dict[str, Any]:
    response = client.get(path(*skus, more=more))
    assert response.status_code == 200, response.get_json()
    return dict(response.get_json())


def shown(client: FlaskClient, *skus: str) -> tuple[list[str], list[str]]:
    body = asked(client, *skus)
    return [item["sku"] for item in body["items"]], body["missing"]


def test_parts_come_in_the_order_asked_as_in_a_list_and_the_rest_is_named(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, sku: Callable[[str], str]
) -> None:
    a, b, draft, none = sku("A"), sku("B"), sku("draft"), sku("none")
    for one in (a, b):
        new_part(sku=one)
    new_part(sku=draft, status="draft")
    body = asked(client, b, none, draft, a)
    assert ([item["sku"] for item in body["items"]], body["missing"]) == ([b, a], [none, draft])
    (listed,) = client.get(f"/api/v1/parts?q={a}").get_json()["items"]
    assert body["items"][1] == listed
    assert shown(client, a, b) == ([a, b], [])


def test_a_sku_is_matched_exactly_in_the_normal_form_of_texts(
    client: FlaskClient, new_part: NewPart, sku: Callable[[str], str]
) -> None:
    part = sku("Größe/7 #")
    new_part(sku=part)
    assert shown(client, "  " + part.replace("ö", "o\u0308") + " ") == ([part], [])
    assert shown(client, part.upper()) == ([], [part.upper()])


def test_every_write_counts_at_once(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, sku: Callable[[str], str], deliver: Callable[[], None]
) -> None:
    old, new, later = sku("old"), sku("new"), sku("later")
    part = new_part(sku=old)
    # Until an owed invalidation is settled, it is repeated again and again.
    deliver()
    assert shown(client, old, new, later) == ([old], [new, later])
    assert client.get(path(old, new, later)).headers["X-Cache"] == "HIT"
    editor.put(f"{PARTS}/{part}/stock", json={"current_stock": 3})
    assert asked(client, old, new, later)["items"][0]["stock"]["current_stock"] == 3
    editor.put(f"{PARTS}/{part}/prices", json={"prices": [{"currency": "EUR", "amount": "2.50"}]})
    assert asked(client, old, new, later)["items"][0]["price"]["amount"] == "2.50"
    editor.put(f"{PARTS}/{part}", json={"sku": new})
    assert shown(client, old, new, later) == ([new], [old, later])
    other = new_part(sku=old)
    assert shown(client, old, new, later) == ([old, new], [later])
    editor.delete(f"{PARTS}/{part}")
    assert shown(client, old, new, later) == ([old], [new, later])
    editor.post(f"{PARTS}/{part}/restore")
    assert shown(client, old, new, later) == ([old, new], [later])
    editor.put(f"{PARTS}/{other}", json={"status": "draft"})
    assert shown(client, old, new, later) == ([new], [old, later])
    new_part(sku=later)
    assert shown(client, old, new, later) == ([new, later], [old])


def test_an_unchanged_answer_is_304_and_a_changed_one_is_not(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, sku: Callable[[str], str]
) -> None:
    part = new_part(sku=sku("A"))

    def again(tag: str) -> TestResponse:
        return client.get(path(sku("A")), headers={"If-None-Match": tag})

    tag = client.get(path(sku("A"))).headers["ETag"]
    assert (again(tag).status_code, again(tag).data) == (304, b"")
    editor.put(f"{PARTS}/{part}/stock", json={"current_stock": 1})
    assert again(tag).status_code == 200


def test_a_price_is_shown_in_the_currency_asked_for_and_in_no_other(
    client: FlaskClient, editor: FlaskClient, new_part: NewPart, sku: Callable[[str], str]
) -> None:
    prices = [{"currency": "EUR", "amount": "2.50"}, {"currency": "USD", "amount": "3.00"}]
    editor.put(f"{PARTS}/{new_part(sku=sku('A'))}/prices", json={"prices": prices})

    def price(currency: str) -> Any:
        (item,) = asked(client, sku("A"), more=f"&currency={currency}")["items"]
        return item["price"] and (item["price"]["amount"], item["price"]["currency"])

    assert (price("USD"), price("EUR"), price("JPY")) == (("3.00", "USD"), ("2.50", "EUR"), None)


def test_fifty_are_answered_with_as_many_statements_as_one(
    client: FlaskClient, new_part: NewPart, sku: Callable[[str], str], container: Container
) -> None:
    names = [sku(f"N{number}") for number in range(50)]
    for name in names:
        new_part(sku=name)
    with counting(container) as for_one:
        asked(client, names[0])
    with counting(container) as for_all:
        assert shown(client, *names) == (names, [])
    assert 0 < len(for_all) <= len(for_one)

    def is_held() -> bool:
        with counting(container) as statements:
            asked(client, *names)
        return not statements

    # An answer is kept once the writes before it have settled.
    assert wait_until(is_held)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "Missing data"),
        ("sku=", "length"),
        ("sku=" + "x" * 101, "100"),
        ("&".join(f"sku={number}" for number in range(51)), "50"),
        ("sku=A&sku=B&sku=A", "more than one of A"),
        ("sku=A&sku=%20A", "more than one of A"),
        ("sku=%00", "remove it"),
    ],
)
def test_what_cannot_be_meant_is_refused_naming_the_field(query: str, said: str, client: FlaskClient, refused: Refused) -> None:
    errors = refused(client.get(f"/api/v1/parts/by-sku?{query}"), 422)["errors"]
    assert errors.keys() == {"sku"}
    assert said.lower() in str(errors["sku"]).lower()


@pytest.mark.parametrize("query", ["sku=A&nonsense=1", "sku=A&currency=eur", "sku=A&currency=EUR&currency=EUR"])
def test_other_fields_are_as_strict_as_anywhere(query: str, client: FlaskClient, refused: Refused) -> None:
    assert "sku" not in refused(client.get(f"/api/v1/parts/by-sku?{query}"), 422)["errors"]
