"""Money through HTTP: prices exact to six decimals in every currency, and no two currencies compared."""

import csv
import io
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from flask.testing import FlaskClient
from iso4217 import Currency
from sqlalchemy import text

from app.container import Container
from app.domain.currencies import CURRENCIES
from app.domain.pricing import tier_for, total
from app.services import exports
from app.store.currencies import minor_unit, written
from config import REPOSITORY

Refused = Callable[..., dict[str, Any]]
PARTS = "/api/v1/admin/parts"


@pytest.fixture
def priced(editor: FlaskClient) -> Callable[..., int]:
    """Make published parts with prices, given by currency."""

    def make(name: str, **amounts: str) -> int:
        prices = [{"currency": currency, "amount": amount} for currency, amount in amounts.items()]
        body = {"sku": f"M-{uuid4().hex[:10]}", "part_name": name, "status": "published", "prices": prices}
        answer = editor.post(PARTS, json=body)
        assert answer.status_code == 201, answer.get_data(as_text=True)
        return int(answer.get_json()["id"])

    return make


def listed(client: FlaskClient, query: str, path: str = "/api/v1/parts") -> list[tuple[int, tuple[str, str] | None]]:
    """Return the ids of a list with the prices that it shows."""
    answer = client.get(f"{path}?{query}")
    assert answer.status_code == 200, answer.get_data(as_text=True)
    items = answer.get_json()["items"]
    return [(one["id"], one["price"] and (one["price"]["amount"], one["price"]["currency"])) for one in items]


@pytest.mark.parametrize(
    ("currency", "sent", "shown"),
    [
        ("USD", "0.0042", "0.0042"), ("EUR", "12.5", "12.50"), ("EUR", "12.500000", "12.50"), ("EUR", "0.000001", "0.000001"),
        ("KWD", "1.250", "1.250"), ("KWD", "1.25", "1.250"), ("BHD", "0.0005", "0.0005"), ("JPY", "100", "100"),
        ("JPY", "100.00", "100"),
        ("JPY", "100.50", "100.5"), ("CLP", "7", "7"), ("EUR", "9999999999.999999", "9999999999.999999"), ("EUR", "0", "0.00"),
        ("IQD", "1", "1.000"), ("HUF", "5", "5.00"),
    ],
)  # fmt: skip
def test_a_price_is_exact_wherever_it_is_said(
    currency: str, sent: str, shown: str, editor: FlaskClient, client: FlaskClient, new_part: Callable[..., int],
    deliver: Callable[[], None],
) -> None:  # fmt: skip
    part = new_part(part_name=f"Part {uuid4().hex}")
    lines = [{"currency": currency, "amount": sent}, {"currency": currency, "amount": sent, "min_quantity": 1000}]
    answer = editor.put(f"{PARTS}/{part}/prices", json={"prices": lines})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert [line["amount"] for line in answer.get_json()["prices"]] == [shown, shown]
    # What was said once is the same list, however it is written.
    assert editor.put(f"{PARTS}/{part}/prices", json={"prices": lines}).get_json()["version"] == 2
    public = client.get(f"/api/v1/parts/{part}").get_json()["price"]
    assert (public["amount"], public["currency"]) == (shown, currency)
    assert [tier["amount"] for tier in public["tiers"]] == [shown, shown]
    page = client.get(f"/api/v1/pdp/{part}").get_json()
    assert (page["json_ld"]["offers"]["price"], page["json_ld"]["offers"]["priceCurrency"]) == (shown, currency)
    deliver()
    (row,) = editor.get(f"/api/v1/admin/audit?part_id={part}&table_name=part_prices").get_json()["items"]
    assert [line["amount"] for line in row["new_values"]["prices"]] == [shown, shown]


@pytest.mark.parametrize("amount", ["0.0000001", "12.3456789", "10000000000", "-1", "1e-3", ".5", "1.", "0,0042", "", "NaN"])
def test_what_is_no_amount_or_too_exact_is_refused_and_never_rounded(
    amount: str, editor: FlaskClient, new_part: Callable[..., int], refused: Refused, events: Callable[[], int]
) -> None:
    part = new_part()
    before = events()
    for currency in ("USD", "JPY", "KWD"):
        body = {"prices": [{"currency": currency, "amount": amount}]}
        assert "six decimals" in str(refused(editor.put(f"{PARTS}/{part}/prices", json=body), 422)["errors"])
    assert events() == before


def test_no_list_compares_two_currencies(client: FlaskClient, priced: Callable[..., int], editor: FlaskClient) -> None:
    word = "w" + uuid4().hex[:10]
    yen = priced(f"{word} a", JPY="900")
    both = priced(f"{word} b", JPY="1000", EUR="6.00")
    euro = priced(f"{word} c", EUR="7.00")
    free = priced(f"{word} d")
    cents = priced(f"{word} e", EUR="0.0042", USD="0.005")
    none = (free, None)
    asked = f"q={word}&currency=EUR"
    assert listed(client, f"{asked}&sort=price") == [
        (cents, ("0.0042", "EUR")), (both, ("6.00", "EUR")), (euro, ("7.00", "EUR")), (yen, None), none,
    ]  # fmt: skip
    assert [part for part, _ in listed(client, f"{asked}&sort=-price")] == [euro, both, cents, free, yen]
    assert listed(client, f"q={word}&currency=JPY&sort=price")[:2] == [(yen, ("900", "JPY")), (both, ("1000", "JPY"))]
    assert [part for part, _ in listed(client, f"{asked}&min_price=1&sort=name")] == [both, euro]
    assert [part for part, _ in listed(client, f"{asked}&max_price=0.0042")] == [cents]
    assert listed(client, f"q={word}&currency=GBP&max_price=99999") == []
    assert {price for _, price in listed(client, f"q={word}&currency=GBP&sort=price")} == {None}
    for currency, least, most in (("EUR", "0.0042", "7.00"), ("JPY", "900", "1000"), ("USD", "0.005", "0.005")):
        facets = client.get(f"/api/v1/parts/facets?q={word}&currency={currency}").get_json()
        assert (facets["price"], facets["currency"], facets["total"]) == ({"min": least, "max": most}, currency, 5)
    facets = client.get(f"/api/v1/parts/facets?q={word}&currency=EUR&max_price=6").get_json()
    assert facets["total"] == 2
    grid = dict(listed(editor, f"q={word}&currency=JPY", PARTS))
    assert grid == {yen: ("900", "JPY"), both: ("1000", "JPY"), euro: None, free: None, cents: None}
    # A new price in another currency moves nothing, one in the asked currency does.
    editor.put(f"{PARTS}/{yen}/prices", json={"prices": [{"currency": "USD", "amount": "1"}]})
    assert [part for part, _ in listed(client, f"{asked}&sort=price")] == [cents, both, euro, yen, free]
    editor.put(f"{PARTS}/{yen}/prices", json={"prices": [{"currency": "EUR", "amount": "0.001"}]})
    assert [part for part, _ in listed(client, f"{asked}&sort=price")] == [yen, cents, both, euro, free]


def test_pages_of_one_currency_follow_each_other_and_are_not_continued_in_another(
    client: FlaskClient, priced: Callable[..., int], refused: Refused
) -> None:
    word = "w" + uuid4().hex[:10]
    prices: list[dict[str, str]] = [
        {"EUR": "1", "USD": "9"},
        {"USD": "8"},
        {"EUR": "2", "USD": "7"},
        {},
        {"EUR": "2.000001"},
        {"JPY": "1"},
    ]
    parts = [priced(f"{word} {number}", **amounts) for number, amounts in enumerate(prices)]
    seen, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/api/v1/parts?q={word}&currency=EUR&sort=price&limit=2{cursor and f'&cursor={cursor}'}").get_json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next_cursor"]
        if cursor:
            refused(client.get(f"/api/v1/parts?q={word}&currency=USD&sort=price&limit=2&cursor={cursor}"), 400)
    assert seen == [parts[place] for place in (0, 2, 4, 1, 3, 5)]


def test_without_a_wish_lists_are_in_the_currency_that_most_parts_have_or_the_shops(
    client: FlaskClient, priced: Callable[..., int], container: Container, monkeypatch: pytest.MonkeyPatch
) -> None:
    word = "w" + uuid4().hex[:10]
    low, high, francs = priced(f"{word} a", EUR="1", CHF="9"), priced(f"{word} b", EUR="2", CHF="8"), priced(f"{word} c", CHF="5")
    # Whatever parts other tests have left.
    counts = text("SELECT currency, count(*) AS parts FROM part_current_prices GROUP BY currency")
    with container.reading.connect() as connection:
        parts_in = {row.currency: row.parts for row in connection.execute(counts)}
    for number in range(max(parts_in.values()) - parts_in["EUR"] + 1):
        priced(f"Filler {number}", EUR="1")
    commonest = client.get(f"/api/v1/parts/facets?q={word}").get_json()["currency"]
    assert commonest == "EUR"
    # One that has no other price is shown with that one, and last.
    assert listed(client, f"q={word}&sort=price") == [(low, ("1.00", "EUR")), (high, ("2.00", "EUR")), (francs, ("5.00", "CHF"))]
    monkeypatch.setattr(container.parts.catalog, "_currency", "CHF")
    assert [part for part, _ in listed(client, f"q={word}&sort=price")] == [francs, high, low]
    assert client.get(f"/api/v1/parts/{low}").get_json()["price"]["currency"] == "CHF"
    monkeypatch.setattr(container.parts.catalog, "_currency", "EUR")
    shown = client.get(f"/api/v1/parts/{low}").get_json()["price"]
    assert (shown["amount"], shown["currency"]) == ("1.00", "EUR")
    tiers = [{"min_quantity": 1, "amount": "9.00"}]
    assert shown["others"] == [{"amount": "9.00", "currency": "CHF", "tiers": tiers}]


@pytest.mark.parametrize("currency", ["eur", "EURO", "XXX", "", "E"])
def test_a_currency_is_a_code_that_there_is(currency: str, client: FlaskClient, editor: FlaskClient, refused: Refused) -> None:
    for caller, path in ((client, "/api/v1/parts"), (client, "/api/v1/parts/facets"), (editor, PARTS)):
        assert refused(caller.get(path, query_string={"currency": currency}), 422)["errors"].keys() == {"currency"}


@pytest.mark.parametrize(
    ("amount", "quantity", "currency", "paid"),
    [
        ("0.0042", 1, "USD", "0.00"), ("0.0042", 1000, "USD", "4.20"), ("0.005", 1, "EUR", "0.01"), ("0.015", 1, "EUR", "0.02"),
        ("100.5", 1, "JPY", "101"), ("100.5", 2, "JPY", "201"), ("1.2505", 1, "KWD", "1.251"), ("0.333333", 3, "EUR", "1.00"),
    ],
)  # fmt: skip
def test_what_several_pieces_cost_is_rounded_once_to_the_coins_of_the_currency(
    amount: str, quantity: int, currency: str, paid: str
) -> None:
    assert str(total(Decimal(amount), quantity, minor_unit(currency))) == paid


def test_the_currencies_are_those_of_the_published_table_that_have_coins() -> None:
    # Funds, and units of account.
    no_money = {"BOV", "CHE", "CHW", "CLF", "COU", "MXV", "USN", "UYI", "UYW", "XAD"}
    assert {one.code for one in Currency if one.exponent is not None} - no_money == CURRENCIES
    assert {minor_unit(code) for code in CURRENCIES} == {0, 2, 3}


def test_an_export_says_amounts_that_no_reader_takes_for_thousands(priced: Callable[..., int], container: Container) -> None:
    word = f"E {uuid4().hex}"
    amounts = {"KWD": "1.250", "USD": "0.004", "EUR": "12.345", "JPY": "100.5", "BHD": "123.456789"}
    for currency, amount in amounts.items():
        priced(f"{word} {currency}", **{currency: amount})
    out = io.StringIO()
    exports.export_parts(container.reading, out)
    rows = [row for row in csv.DictReader(io.StringIO(out.getvalue())) if row["part_name"].startswith(word)]
    assert {row["currency"]: row["price"] for row in rows} == {
        "KWD": "1.2500", "USD": "0.0040", "EUR": "12.3450", "JPY": "100.5", "BHD": "123.456789",
    }  # fmt: skip


def test_the_site_calculates_as_we_do() -> None:
    shared = REPOSITORY / "app" / "frontend" / "shared"
    told = json.loads((shared / "minor-units.json").read_text())
    assert {currency: int(decimals) for decimals, listed in told.items() for currency in listed} == {
        currency: minor_unit(currency) for currency in CURRENCIES if minor_unit(currency) != 2
    }
    cases = json.loads((shared / "money-cases.json").read_text())
    for case in cases:
        amount = tier_for([(quantity, Decimal(amount)) for quantity, amount in case["tiers"]], case["quantity"])
        cost = amount and written(total(amount, case["quantity"], minor_unit(case["currency"])), case["currency"])
        assert (amount and str(amount), cost) == (case["unit_price"], case["line_total"]), case
    assert len(cases) > 10
