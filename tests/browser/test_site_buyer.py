"""What a buyer does beyond looking: ask what many cost, find something else, compare, and keep a list, while things change."""

import csv
import io
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from config import REPOSITORY
from devserver import Stack
from tests.browser.conftest import DESKTOP
from tests.browser.test_first_html import SHIFTS

SMALL = {"width": 320, "height": 640}
AXE = (REPOSITORY / "app" / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
FAULTS = """() => axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target }) => `${id}: ${target.join(" ")}`)))"""
TIERS = [{"currency": "EUR", "amount": "0.0142"}, {"currency": "EUR", "amount": "0.0105", "min_quantity": 100}]

Open = Callable[..., Page]


@pytest.fixture
def word() -> str:
    return "w" + uuid4().hex[:10]


@pytest.fixture
def parts(staff: httpx.Client, word: str) -> list[dict[str, Any]]:
    """Three parts of a category, nearly alike."""
    category = staff.post("/categories", json={"name": f"Washers {word}"}).raise_for_status().json()
    made = []
    for number, bore in ((1, "8.4"), (2, "8.4"), (3, "10.5")):
        specifications = [
            {"name": "Bore", "value": bore, "unit": "mm"}, {"name": "Finish", "value": "plain"},
            {"name": "Data sheet", "value": "https://example.com/washer.pdf"}, {"name": "Note", "value": "http://example.com/"},
        ]  # fmt: skip
        body = {
            "sku": f"{word}-{number}", "part_name": f"Washer {word} {number}", "status": "published",
            "category_id": category["id"], "prices": TIERS, "stock": {"current_stock": 5000, "min_stock_level": 10},
            "specifications": specifications, "description": "A washer.",
        }  # fmt: skip
        made.append(staff.post("/parts", json=body).raise_for_status().json())
    return made


@pytest.fixture
def page(context: Callable[..., BrowserContext]) -> Page:
    """A page that notes whatever moves."""
    opened = context().new_page()
    opened.add_init_script(SHIFTS)
    return opened


def set_stock(staff: httpx.Client, part: dict[str, Any], amount: int) -> None:
    staff.put(f"/parts/{part['id']}/stock", json={"current_stock": amount}).raise_for_status()


def set_price(staff: httpx.Client, part: dict[str, Any], amount: str) -> None:
    prices = [{"currency": "EUR", "amount": amount}]
    staff.put(f"/parts/{part['id']}/prices", json={"prices": prices}).raise_for_status()


def looked_up(stack: Stack, sku: str, quantity: int) -> dict[str, Any]:
    answer = httpx.post(f"{stack.url}/api/v1/parts/lookup", json={"lines": [{"sku": sku, "quantity": quantity}]})
    return dict(answer.raise_for_status().json()["lines"][0])


def test_you_pay_what_the_api_says_for_any_quantity_and_follow_the_price(
    stack: Stack, page: Page, staff: httpx.Client, parts: list[dict[str, Any]]
) -> None:
    part = parts[0]
    page.goto(f"{stack.url}/parts/{part['id']}/{part['slug']}")
    field, total = page.get_by_label("Quantity", exact=True), page.get_by_test_id("you-pay")
    for quantity in (3, 99, 100, 2001):
        field.fill(str(quantity))
        expect(total).to_have_text(f"You pay €{looked_up(stack, part['sku'], quantity)['line_total']}")
    expect(page.get_by_test_id("price-tiers").locator("[aria-current]")).to_contain_text("100 or more")
    field.fill("6,000")
    expect(page.get_by_test_id("pay-for")).to_contain_text("Only 5,000 in stock")
    field.fill("none")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("10")
    set_price(staff, part, "2.00")
    expect(total).to_have_text("You pay €20.00")
    expect(page.get_by_test_id("price-notice")).to_have_text("Price updated from €0.0142 to €2.00")
    expect(field).to_be_focused()
    expect(field).to_have_value("10")
    staff.put(f"/parts/{part['id']}", json={"description": "A better washer."}).raise_for_status()
    expect(page.get_by_test_id("changes")).to_contain_text("The description was updated")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.get_by_test_id("price-notice")).to_have_count(0)
    sheet = page.get_by_role("link", name="https://example.com/washer.pdf")
    expect(sheet).to_have_attribute("rel", "noopener nofollow")
    expect(page.get_by_role("link", name="http://example.com/")).to_have_count(0)


def test_a_part_that_sells_out_names_another_at_once_and_nothing_moves(
    stack: Stack, page: Page, staff: httpx.Client, parts: list[dict[str, Any]]
) -> None:
    part, same, _other = parts
    page.goto(f"{stack.url}/parts/{part['id']}/{part['slug']}")
    field, instead = page.get_by_label("Quantity", exact=True), page.get_by_test_id("instead")
    expect(instead).to_contain_text("Similar, in stock")
    expect(page.get_by_test_id("checked")).to_contain_text(re.compile(r"Checked \d+ ?s"))
    field.focus()
    set_stock(staff, part, 0)
    expect(instead).to_contain_text("In stock instead")
    expect(instead.get_by_role("link")).to_have_text(same["part_name"])
    expect(instead).to_contain_text(same["sku"])
    expect(page.get_by_test_id("stock-notice")).to_have_text("Stock: Out of stock")
    set_stock(staff, same, 0)
    expect(instead.get_by_role("link")).to_have_text(parts[2]["part_name"])
    set_stock(staff, parts[2], 0)
    expect(instead).to_contain_text("Nothing like it is in stock")
    set_stock(staff, part, 7)
    expect(page.get_by_test_id("part-page").get_by_test_id("stock-status")).to_contain_text("Only 7 left")
    expect(field).to_be_focused()
    assert page.evaluate("window.shifted") == []


def test_a_part_that_goes_while_it_is_looked_at_leaves_its_alternatives(
    stack: Stack, page: Page, staff: httpx.Client, parts: list[dict[str, Any]]
) -> None:
    part, same, _other = parts
    page.goto(f"{stack.url}/parts/{part['id']}/{part['slug']}")
    expect(page.get_by_test_id("part-page")).to_be_visible()
    expect(page.get_by_test_id("checked")).to_contain_text("Checked")
    staff.delete(f"/parts/{part['id']}").raise_for_status()
    expect(page.get_by_test_id("part-gone")).to_contain_text(f"{part['part_name']} is no longer available")
    others = page.get_by_test_id("alternative-parts")
    expect(others.get_by_test_id("related-name").first).to_have_text(same["part_name"])
    set_stock(staff, same, 3)
    expect(others.get_by_test_id("related-stock").first).to_have_text("Only 3 left")


def test_staff_open_what_a_customer_saw_by_the_code_on_the_page(
    stack: Stack, page: Page, panel: Page, staff: httpx.Client, parts: list[dict[str, Any]]
) -> None:
    part = parts[0]
    page.goto(f"{stack.url}/parts/{part['id']}/{part['slug']}")
    page.get_by_test_id("seen-code").click()
    expect(page.get_by_test_id("checked").get_by_role("status")).not_to_be_empty()
    code = page.get_by_test_id("seen-code").inner_text().strip()
    assert re.fullmatch(rf"LS-{part['id']}-\d{{8}}T\d{{6}}Z", code)
    panel.keyboard.press("Control+k")
    panel.get_by_test_id("palette-input").fill(code.lower())
    expect(panel.get_by_test_id("palette-offer").first).to_contain_text(f"Part {part['id']} as a customer saw it")
    panel.keyboard.press("Enter")
    expect(panel.get_by_test_id("as-of")).to_contain_text(part["part_name"])


def test_parts_are_compared_side_by_side_and_stay_current(
    stack: Stack, page: Page, staff: httpx.Client, parts: list[dict[str, Any]], word: str
) -> None:
    first, second, third = parts
    page.goto(f"{stack.url}/parts?q={word}")
    for part in (first, third):
        page.get_by_role("button", name=f"Compare {part['part_name']}").click()
    expect(page.get_by_role("button", name=f"Compare {first['part_name']}")).to_have_attribute("aria-pressed", "true")
    page.get_by_test_id("compare-now").click()
    expect(page).to_have_url(re.compile(rf"/compare\?ids={first['id']},{third['id']}$"))
    table = page.get_by_test_id("comparison")
    bore = table.get_by_role("row", name="Bore")
    expect(bore).to_contain_text("8.4\u00a0mm")
    expect(bore).to_contain_text("10.5\u00a0mm")
    expect(bore).to_contain_text("differs")
    expect(table.get_by_role("row", name="Finish")).not_to_contain_text("differs")
    page.get_by_label("Only what differs").check()
    expect(table.get_by_role("row", name="Finish")).to_have_count(0)
    set_price(staff, third, "3.00")
    set_stock(staff, third, 0)
    expect(table.get_by_role("row", name="Price")).to_contain_text("€3.00")
    expect(table.get_by_role("row", name="Availability")).to_contain_text("Out of stock")
    staff.delete(f"/parts/{third['id']}").raise_for_status()
    expect(table.get_by_role("row", name="Availability")).to_contain_text("No longer available")
    page.goto(f"{stack.url}/compare?ids={first['id']},{third['id']},{second['id']},2147483647,1,2")
    expect(page.get_by_text("These are the first 4")).to_be_visible()
    expect(table.get_by_role("columnheader")).to_have_count(5)
    expect(table).to_contain_text("There is no part 2147483647")
    page.get_by_role("button", name="Take 2147483647 out").click()
    expect(table.get_by_role("columnheader")).to_have_count(4)


def test_a_pasted_list_is_looked_up_kept_current_shared_and_saved(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, parts: list[dict[str, Any]], word: str
) -> None:
    first, second, third = parts
    own = context()
    page = own.new_page()
    page.goto(f"{stack.url}/list")
    expect(page.get_by_role("heading", level=1)).to_have_text("Shopping list")
    pasted = f"{first['sku']}\t200\n3x {second['sku'].upper()}\nWasher {word}\nnothing-{word}\n"
    # By keyboard alone.
    page.get_by_test_id("paste").focus()
    page.keyboard.insert_text(pasted)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("paste-outcome")).to_have_text("4 lines added.")
    lines, total = page.get_by_test_id("list-line"), page.get_by_test_id("list-total")
    expect(lines).to_have_count(4)
    expect(lines.nth(0).get_by_test_id("line-total")).to_contain_text("€2.10")
    expect(lines.nth(1)).to_have_attribute("data-state", "found")
    expect(lines.nth(2)).to_contain_text("may be one of these")
    expect(lines.nth(3)).to_contain_text("is not known here")
    expect(total).to_contain_text("Total €2.14")
    lines.nth(2).get_by_role("button", name=f"Take this: {third['part_name']}").click()
    expect(lines.nth(2)).to_have_attribute("data-state", "found")
    lines.nth(3).get_by_test_id("remove-line").click()
    page.get_by_test_id("undo").click()
    expect(lines).to_have_count(4)
    lines.nth(3).get_by_test_id("remove-line").click()
    expect(lines).to_have_count(3)
    # What happens elsewhere is seen here.
    set_price(staff, first, "1.00")
    expect(total).to_contain_text("Total €200.05")
    set_stock(staff, second, 1)
    expect(lines.nth(1).get_by_test_id("shortfall")).to_have_text("2 too few in stock")
    expect(lines.nth(1).get_by_test_id("offers")).to_contain_text("In stock instead")
    tab = own.new_page()
    tab.goto(f"{stack.url}/list")
    expect(tab.get_by_test_id("list-line")).to_have_count(3)
    tab.get_by_test_id("line-quantity").first.fill("10")
    expect(page.get_by_test_id("line-quantity").first).to_have_value("10")
    expect(total).to_contain_text("Total €10.05")
    # In another browser, which has a list of its own.
    page.get_by_test_id("share").click()
    link = page.get_by_test_id("share-link").input_value()
    other = context().new_page()
    other.goto(f"{stack.url}/parts/{third['id']}")
    other.get_by_test_id("add-to-list").click()
    expect(other.get_by_test_id("on-the-list")).to_have_text("1 on the list")
    other.goto(link)
    expect(other.get_by_test_id("shared-list")).to_contain_text("It has 3 lines; yours has 1 line.")
    expect(other.get_by_test_id("list-line")).to_have_count(1)
    other.get_by_test_id("shared-replace").click()
    expect(other.get_by_test_id("list-line")).to_have_count(3)
    expect(other.get_by_test_id("list-total")).to_contain_text("Total €10.05")
    with other.expect_download() as saved:
        other.get_by_test_id("save-csv").click()
    text = saved.value.path().read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [(row["SKU"], row["Quantity"], row["Total"]) for row in rows] == [
        (first["sku"], "10", "10.00"), (second["sku"], "3", "0.04"), (third["sku"], "1", "0.01"),
    ]  # fmt: skip


def test_a_list_is_saved_for_german_spreadsheets_and_shared_from_a_browser_without_a_clipboard(
    stack: Stack, chromium: Browser, parts: list[dict[str, Any]]
) -> None:
    opened = chromium.new_context(viewport=DESKTOP, locale="de-DE")
    # As browsers are without HTTPS.
    opened.add_init_script("Object.defineProperty(Navigator.prototype, 'clipboard', {value: undefined})")
    page = opened.new_page()
    page.goto(f"{stack.url}/list")
    page.get_by_test_id("paste").fill(f"{parts[0]['sku']} - 1.000 Stück")
    page.get_by_test_id("paste-add").click()
    total = looked_up(stack, parts[0]["sku"], 1000)["line_total"]
    expect(page.get_by_test_id("line-total")).to_contain_text(total.replace(".", ","))
    with page.expect_download() as saved:
        page.get_by_test_id("save-csv").click()
    (row,) = csv.DictReader(io.StringIO(saved.value.path().read_text(encoding="utf-8-sig")), delimiter=";")
    assert (row["Artikelnummer"], row["Menge"], row["Summe"]) == (parts[0]["sku"], "1000", total.replace(".", ","))
    page.get_by_test_id("share").click()
    expect(page.get_by_text("Kopieren Sie den Link aus diesem Feld.")).to_be_visible()
    assert page.evaluate("getSelection().toString()") == page.get_by_test_id("share-link").input_value()
    page.goto(f"{stack.url}/parts/{parts[0]['id']}")
    page.get_by_test_id("seen-code").click()
    expect(page.get_by_test_id("checked").get_by_text("Konnte nicht kopiert werden")).to_be_in_viewport()
    opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_everybody_can_use_these_pages_on_any_screen(
    stack: Stack, chromium: Browser, parts: list[dict[str, Any]], scheme: Any, word: str
) -> None:
    opened = chromium.new_context(viewport=DESKTOP, locale="de-DE", color_scheme=scheme, bypass_csp=True)
    page = opened.new_page()
    page.goto(f"{stack.url}/list")
    page.get_by_test_id("paste").fill(f"{parts[0]['sku']} 6000\nWasher {word}\nx{word}")
    page.get_by_test_id("paste-add").click()
    expect(page.get_by_test_id("list-line").nth(2)).to_have_attribute("data-state", "unknown")
    page.goto(f"{stack.url}/parts?q={word}")
    page.get_by_test_id("compare-toggle").first.click()
    expect(page.get_by_test_id("compare-tray")).to_be_visible()
    ids = ",".join(str(part["id"]) for part in parts)
    shown = {
        f"/parts/{parts[0]['id']}": page.get_by_test_id("checked").get_by_text("Geprüft"),
        f"/compare?ids={ids}": page.get_by_test_id("comparison").get_by_text("10.5\u00a0mm"),
        "/list": page.get_by_test_id("list-line").nth(0).get_by_test_id("offers"),
    }
    for path, there in shown.items():
        for size in (DESKTOP, SMALL):
            page.set_viewport_size(size)  # type: ignore[arg-type]
            page.goto(stack.url + path)
            expect(there).to_be_visible()
            assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path
            page.evaluate(AXE)
            assert page.evaluate(FAULTS) == [], path
    opened.close()
