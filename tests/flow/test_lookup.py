"""A list of needs: which part each line means, what so many cost, what is missing, and what could take its place."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient

from app.container import Container
from tests.integration.conftest import counting

Refused = Callable[..., dict[str, Any]]
Make = Callable[..., dict[str, Any]]
LOOKUP, PARTS = "/api/v1/parts/lookup", "/api/v1/admin/parts"
TIERS = [{"currency": "EUR", "amount": "0.0042"}, {"currency": "EUR", "amount": "0.0035", "min_quantity": 1000}]


@pytest.fixture
def make(editor: FlaskClient) -> Make:
    """Make published parts, ten of each in stock."""

    def create(**columns: Any) -> dict[str, Any]:
        body = {"sku": uuid4().hex, "part_name": "Part", "status": "published", "stock": {"current_stock": 10}} | columns
        response = editor.post(PARTS, json=body)
        assert response.status_code == 201, response.get_json()
        return dict(response.get_json())

    return create


@pytest.fixture
def category(editor: FlaskClient) -> int:
    return int(editor.post("/api/v1/admin/categories", json={"name": uuid4().hex}).get_json()["id"])


def looked_up(client: FlaskClient, *lines: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    response = client.post(LOOKUP + query, json={"lines": lines})
    assert response.status_code == 200, response.get_json()
    return list(response.get_json()["lines"])


def one(client: FlaskClient, query: str = "", **line: Any) -> dict[str, Any]:
    (answer,) = looked_up(client, line, query=query)
    return answer


def sku_of(answer: dict[str, Any]) -> str | None:
    return answer["part"] and str(answer["part"]["sku"])


def candidates(answer: dict[str, Any]) -> list[str]:
    return [part["sku"] for part in answer["candidates"]]


def test_a_line_says_which_part_it_means_and_what_so_many_cost(client: FlaskClient, make: Make) -> None:
    part = make(prices=TIERS)
    few, many = looked_up(client, {"sku": part["sku"], "quantity": 3}, {"sku": part["sku"], "quantity": 1500})
    (listed,) = client.get(f"/api/v1/parts?q={part['sku']}").get_json()["items"]
    assert few["part"] == many["part"] == listed
    assert [few[name] for name in ("asked", "currency", "unit_price", "line_total")] == [part["sku"], "EUR", "0.0042", "0.01"]
    assert (few["available"], few["shortfall"], few["substitutes"], few["candidates"]) == (10, 0, [], [])
    assert (many["unit_price"], many["line_total"], many["shortfall"]) == ("0.0035", "5.25", 1490)
    assert [tier["min_quantity"] for tier in few["tiers"]] == [1, 1000]


def test_fewer_than_are_sold_and_parts_without_a_price_cost_nothing_that_could_be_told(client: FlaskClient, make: Make) -> None:
    packs = make(prices=[{"currency": "JPY", "amount": "12.5", "min_quantity": 10}])["sku"]
    free = make()["sku"]
    lines = [{"sku": packs, "quantity": 9}, {"sku": packs, "quantity": 11}, {"sku": free}]
    shown = [(line["unit_price"], line["line_total"], line["currency"]) for line in looked_up(client, *lines)]
    assert shown == [(None, None, "JPY"), ("12.5", "138", "JPY"), (None, None, None)]


def test_prices_are_in_the_currency_asked_for_and_in_no_other(client: FlaskClient, make: Make) -> None:
    sku = make(prices=[{"currency": "EUR", "amount": "2"}, {"currency": "USD", "amount": "3"}])["sku"]
    assert [one(client, f"?currency={code}", sku=sku, quantity=2)["line_total"] for code in ("USD", "EUR", "KWD")] == [
        "6.00", "4.00", None,
    ]  # fmt: skip


def test_a_text_means_the_part_whose_number_it_is_however_it_is_spelt(client: FlaskClient, make: Make) -> None:
    tag = uuid4().hex[:8]
    part = make(sku=f"{tag}/6205-2RS", manufacturer_number=f"Größe {tag}.7")["sku"]
    for text in (part, f" {tag.upper()} 6205 2rs", f"{tag}62052RS", f"grosse-{tag}/7"):
        assert (sku_of(one(client, text=text)), candidates(one(client, text=text))) == (part, []), text
    # A SKU is one only as the shop writes it.
    assert (sku_of(one(client, sku=part)), sku_of(one(client, sku=f"{tag}62052RS"))) == (part, None)
    assert candidates(one(client, sku=f"{tag}62052RS")) == [part]


def test_several_parts_with_one_number_are_candidates_unless_it_is_the_sku_of_one(client: FlaskClient, make: Make) -> None:
    tag = uuid4().hex[:8]
    first = make(sku=f"{tag}-1", part_name="A")["sku"]
    second = make(manufacturer_number=f"{tag}1", part_name="B")["sku"]
    assert (sku_of(one(client, text=f"{tag} 1")), candidates(one(client, text=f"{tag} 1"))) == (None, [first, second])
    assert (sku_of(one(client, text=f"{tag}-1")), candidates(one(client, text=f"{tag}-1"))) == (first, [])


def test_what_is_no_number_gets_suggestions_as_the_search_reads_it(client: FlaskClient, make: Make) -> None:
    tag = uuid4().hex[:8]
    named = make(part_name=f"Bolt{tag} M8x40")["sku"]
    begun = make(sku=f"Z{tag}-100-A", part_name="Anything")["sku"]
    described = make(part_name="Other", description=f"goes with {tag}described")["sku"]
    for text, expected in {
        f"bolt{tag}": [named], f"m8 × 40 bolt{tag}": [named], f"bolt{tag} m 8 x 40 zinc": [], f"z{tag} 100": [begun],
        f"{tag}described": [described], f"no{uuid4().hex}": [], "'": [], "\\ & | ! :*": [], "%": [],
    }.items():  # fmt: skip
        found = one(client, text=text)
        assert (sku_of(found), candidates(found)) == (None, expected), text


def test_drafts_and_archived_parts_are_nobodys_line(client: FlaskClient, make: Make, editor: FlaskClient) -> None:
    tag = uuid4().hex[:8]
    part = make(sku=f"{tag}-A")
    assert sku_of(one(client, text=f"{tag}a")) == part["sku"]
    editor.put(f"{PARTS}/{part['id']}", json={"status": "draft"})
    for line in ({"sku": part["sku"]}, {"text": part["sku"]}, {"text": f"{tag}a"}, {"text": tag}):
        assert (sku_of(one(client, **line)), candidates(one(client, **line))) == (None, [])


def test_every_write_counts_at_once(client: FlaskClient, make: Make, editor: FlaskClient) -> None:
    part = make(prices=TIERS)
    here, sku = f"{PARTS}/{part['id']}", part["sku"]
    assert one(client, sku=sku, quantity=12)["shortfall"] == 2
    editor.put(f"{here}/stock", json={"current_stock": 12, "reserved_quantity": 4})
    assert [one(client, sku=sku, quantity=12)[name] for name in ("available", "shortfall")] == [8, 4]
    editor.put(f"{here}/prices", json={"prices": [{"currency": "EUR", "amount": "1.005"}]})
    assert one(client, sku=sku, quantity=3)["line_total"] == "3.02"
    editor.put(here, json={"sku": f"{sku}x"})
    assert (sku_of(one(client, sku=sku)), sku_of(one(client, sku=f"{sku}x"))) == (None, f"{sku}x")


def test_what_is_missing_gets_the_nearest_parts_of_its_category_that_are_in_stock(
    client: FlaskClient, make: Make, editor: FlaskClient, category: int
) -> None:
    names = {f"M{number}": make(part_name=f"Bolt M{number}", category_id=category) for number in (3, 4, 5, 6, 8, 10)}
    for name in ("M5", "M6"):
        editor.put(f"{PARTS}/{names[name]['id']}/stock", json={"current_stock": 0})
    make(part_name="Bolt M6", stock={"current_stock": 10})
    sold, enough = looked_up(client, {"sku": names["M5"]["sku"]}, {"sku": names["M4"]["sku"]})
    assert [part["part_name"] for part in sold["substitutes"]] == ["Bolt M4", "Bolt M8", "Bolt M3"]
    assert (sold["shortfall"], enough["shortfall"], enough["substitutes"]) == (1, 0, [])
    assert one(client, sku=make(stock={"current_stock": 0})["sku"])["substitutes"] == []


def test_five_hundred_lines_take_as_many_statements_as_one(
    client: FlaskClient, make: Make, category: int, container: Container
) -> None:
    tag = uuid4().hex[:8]
    parts = [make(sku=f"{tag}-{number}", part_name=f"Pin{tag} {number}", category_id=category)["sku"] for number in range(30)]
    kinds = [{"sku": parts[0], "quantity": 99}, {"text": f"pin{tag}"}, {"text": f"of {tag} no use"}]
    container.consistency.process_retry_queue()
    with counting(container) as for_few:
        looked_up(client, *kinds)
    lines = [{"text": sku.replace("-", " "), "quantity": 99} for sku in parts]
    lines += [{"text": f"pin{tag} {number % 30} no {number}"} for number in range(497 - len(lines))]
    for sku in parts:
        container.cache.invalidate_part_cache(client.get(f"/api/v1/parts/by-sku?sku={sku}").get_json()["items"][0]["id"])
    with counting(container) as for_many:
        answers = looked_up(client, *kinds, *lines)
    assert [sku_of(answer) for answer in answers[3:33]] == parts
    assert all(len(answer["substitutes"]) == 3 for answer in answers[3:33])
    assert 0 < len(for_many) <= 20
    assert len(for_many) <= len(for_few) + 10, for_many


def test_fifty_texts_of_a_list_get_suggestions(client: FlaskClient, make: Make) -> None:
    tag = uuid4().hex[:8]
    pin = make(part_name=f"Pin{tag}")["sku"]
    texts = [f"none {tag} {number}" for number in range(50)]
    assert candidates(looked_up(client, *({"text": text} for text in [*texts, f"pin{tag}"]))[-1]) == []
    assert candidates(looked_up(client, *({"text": text} for text in [*texts[1:], *texts[1:], f"pin{tag}"]))[-1]) == [pin]


def test_a_lookup_changes_nothing_and_needs_neither_log_in_nor_token(
    client: FlaskClient, make: Make, events: Callable[[], int]
) -> None:
    sku = make()["sku"]
    before = events()
    answer = client.post(LOOKUP, json={"lines": [{"sku": sku}]}, headers={"Idempotency-Key": "one"})
    again = client.post(LOOKUP, json={"lines": [{"sku": sku, "quantity": 2}]}, headers={"Idempotency-Key": "one"})
    assert (answer.status_code, again.status_code, again.get_json()["lines"][0]["quantity"]) == (200, 200, 2)
    assert answer.headers["Cache-Control"] == "no-store"
    assert events() == before


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ([], "lines"), ([{"sku": "A"}] * 501, "lines"), ([{}], "0"), ([{"sku": "A", "text": "A"}], "0"), ([{"quantity": 1}], "0"),
        ([{"sku": "A"}, {"sku": ""}], "1"), ([{"sku": "x" * 101}], "0"), ([{"text": "x" * 201}], "0"), ([{"text": " "}], "0"),
        ([{"sku": "A", "quantity": 0}], "0"), ([{"sku": "A", "quantity": "1"}], "0"), ([{"sku": "A", "quantity": 2**31}], "0"),
        ([{"sku": "A", "price": "1"}], "0"), (None, "lines"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_naming_the_line(lines: Any, named: str, client: FlaskClient, refused: Refused) -> None:
    errors = refused(client.post(LOOKUP, json={"lines": lines}), 422)["errors"]
    assert errors.keys() == {"lines"}
    assert named == "lines" or errors["lines"].keys() == {named}


def test_a_lookup_that_would_be_more_than_a_process_can_do_is_refused(
    client: FlaskClient, container: Container, make: Make, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    sku = make()["sku"]
    monkeypatch.setattr(container.pressure, "_level", 1.0)
    monkeypatch.setattr(container.pressure, "_chance", lambda: 0.9)
    assert refused(client.get(f"/api/v1/parts?q={uuid4().hex}"), 503)["status"] == 503
    response = client.post(LOOKUP, json={"lines": [{"sku": sku}]})
    refused(response, 503)
    assert response.headers["Retry-After"]
