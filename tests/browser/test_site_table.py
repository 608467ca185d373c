"""A category's parts found by their measures, and read as a table: in a real browser, while staff change them."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from config import REPOSITORY
from devserver import Stack
from tests.browser.conftest import PHONE
from tests.browser.test_first_html import SEEN, SHIFTS

AXE = (REPOSITORY / "app" / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
FAULTS = """() => axe.run().then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target, failureSummary }) =>
        `${id}: ${target.join(" ")} ${failureSummary}`)))"""
Contexts = Callable[..., BrowserContext]
NARROWEST = {"width": 320, "height": 640}
WIDTHS = """() => [document.documentElement.scrollWidth, window.innerWidth]"""


@pytest.fixture
def bearings(staff: httpx.Client) -> dict[str, Any]:
    """A category of bearings; `parts` are their ids by bore."""
    word = "w" + uuid4().hex[:10]
    category = staff.post("/categories", json={"name": f"Bearings {word}"}).raise_for_status().json()
    parts = {}
    for bore, seal, load in ((20, "2RS", "12.7"), (25, "2RS", "14"), (30, "ZZ", "19.5"), (35, "ZZ", "25.5")):
        body = {
            "sku": f"T-{word}-{bore}", "part_name": f"Bearing {word} {bore}", "status": "published",
            "category_id": category["id"], "specifications": specifications(f"{bore}", seal, load),
            "stock": {"current_stock": 20, "min_stock_level": 5},
            "prices": [{"currency": "EUR", "amount": f"{bore}.00"}],
        }  # fmt: skip
        parts[bore] = staff.post("/parts", json=body).raise_for_status().json()["id"]
    return {**category, "parts": parts}


def specifications(bore: str, seal: str, load: str) -> list[dict[str, str]]:
    return [
        {"name": "Bore", "value": bore, "unit": "mm"},
        {"name": "Seal", "value": seal, "unit": ""},
        {"name": "Load", "value": load, "unit": "kN"},
    ]


def group(page: Page, name: str) -> Locator:
    return page.locator(f"details[data-name='{name}']")


def bores(page: Page) -> Callable[..., None]:
    """Return what waits until the rows or cards are the parts with these bores, in this order."""

    def expected(category: dict[str, Any], *wanted: int) -> None:
        shown = page.locator("[data-part-id]")
        expect(shown).to_have_count(len(wanted))
        for place, bore in enumerate(wanted):
            expect(shown.nth(place)).to_have_attribute("data-part-id", str(category["parts"][bore]))

    return expected


def row_of(page: Page, category: dict[str, Any], bore: int) -> Locator:
    return page.locator(f"[data-testid=part-row][data-part-id='{category['parts'][bore]}']")


def test_parts_are_found_by_values_and_by_a_range_in_another_unit_and_back_goes_back(
    stack: Stack, context: Contexts, bearings: dict[str, Any]
) -> None:
    page = context().new_page()
    shown = bores(page)
    page.goto(f"{stack.url}/c/{bearings['slug']}")
    shown(bearings, 20, 25, 30, 35)
    group(page, "Seal").get_by_role("checkbox", name="2RS (2)").check()
    shown(bearings, 20, 25)
    # The counts of a filter's own values do not depend on it; those of the others do.
    expect(group(page, "Seal").get_by_role("checkbox", name="ZZ (2)")).to_be_visible()
    expect(group(page, "Bore").get_by_role("checkbox")).to_have_count(2)
    lowest = group(page, "Bore").get_by_role("textbox", name="Bore, at least")
    # 24.99 mm.
    lowest.fill("0.984 in")
    lowest.press("Enter")
    shown(bearings, 25)
    expect(page).to_have_url(f"{stack.url}/c/{bearings['slug']}?spec.Seal=2RS&spec.Bore.min=0.984+in")
    page.get_by_role("link", name="Remove the filter Seal: 2RS").click()
    shown(bearings, 25, 30, 35)
    expect(page.locator(".summary")).to_be_focused()
    page.go_back()
    shown(bearings, 25)
    page.go_back()
    shown(bearings, 20, 25)
    expect(lowest).to_have_value("")
    page.go_forward()
    expect(lowest).to_have_value("0.984 in")
    page.get_by_test_id("clear-filters").click()
    shown(bearings, 20, 25, 30, 35)
    expect(page.get_by_role("list", name="Filters in use")).to_have_count(0)
    expect(group(page, "Seal").get_by_role("checkbox", name="2RS (2)")).not_to_be_checked()


def test_in_german_the_ends_of_a_range_are_typed_and_shown_with_a_comma(
    stack: Stack, context: Contexts, bearings: dict[str, Any]
) -> None:
    page = context().new_page()
    shown = bores(page)
    page.goto(f"{stack.url}/c/{bearings['slug']}?lang=de")
    lowest = group(page, "Load").get_by_role("textbox").first
    expect(lowest).to_have_attribute("placeholder", "12,7 kN")
    lowest.fill("12,800")
    lowest.press("Enter")
    shown(bearings, 25, 30, 35)
    expect(page).to_have_url(f"{stack.url}/c/{bearings['slug']}?spec.Load.min=12.800+kN")
    expect(lowest).to_have_value("12,800 kN")
    page.locator("input[name=max_price]").fill("30,5")
    page.locator("input[name=max_price]").press("Enter")
    shown(bearings, 25, 30)
    page.reload()
    shown(bearings, 25, 30)
    expect(page.locator("input[name=max_price]")).to_have_value("30,5")


def test_what_is_no_measure_in_an_address_is_said_without_javascript_and_stays_when_the_application_takes_over(
    stack: Stack, context: Contexts, bearings: dict[str, Any]
) -> None:
    address = f"{stack.url}/c/{bearings['slug']}?spec.Bore.min=abc+mm&spec.Seal=ZZ"
    opened = context()
    before, after = opened.new_page(), opened.new_page()
    before.route("**/assets/*.js", lambda route: route.abort())
    after.add_init_script(SHIFTS)
    asked: list[str] = []
    after.on("request", lambda request: "/api/v1/parts" in request.url and asked.append(request.url))
    shown = []
    for page in (before, after):
        page.goto(address)
        if page is after:
            expect(page.get_by_test_id("misunderstood")).to_be_visible()
            assert asked == []
        wrong = page.get_by_role("textbox", name="Bore, at least")
        expect(wrong).to_have_value("abc mm")
        expect(wrong).to_have_attribute("aria-invalid", "true")
        expect(wrong).to_have_accessible_description("Give a number, with its unit if it has one, such as 25 mm.")
        expect(page.get_by_role("main")).to_contain_text("Bore: Give a number")
        shown.append(page.evaluate(SEEN))
    assert shown[0] == shown[1]
    assert after.evaluate("window.shifted") == []
    before.get_by_role("link", name="Remove the filter Bore: from abc mm").click()
    expect(before.locator("main li.card")).to_have_count(2)


def test_what_is_no_measure_is_said_at_its_field_and_can_be_mended_there(
    stack: Stack, context: Contexts, bearings: dict[str, Any]
) -> None:
    page = context().new_page()
    page.goto(f"{stack.url}/c/{bearings['slug']}")
    highest = group(page, "Bore").get_by_role("textbox", name="Bore, at most")
    highest.fill("3 kg")
    highest.press("Enter")
    expect(highest).to_have_attribute("aria-invalid", "true")
    said = page.locator(f"#{highest.get_attribute('aria-describedby')}")
    expect(said).to_contain_text("mm")
    expect(page.get_by_test_id("misunderstood")).to_contain_text(said.inner_text())
    expect(highest).to_be_focused()
    highest.fill("25")
    highest.press("Enter")
    # A number without a unit is meant in the field's.
    expect(highest).to_have_value("25 mm")
    bores(page)(bearings, 20, 25)
    expect(highest).to_have_attribute("aria-invalid", "false")


def test_the_table_is_sorted_by_its_heads_and_shows_every_change_at_once(
    stack: Stack, context: Contexts, staff: httpx.Client, bearings: dict[str, Any]
) -> None:
    page = context().new_page()
    shown = bores(page)
    page.goto(f"{stack.url}/c/{bearings['slug']}")
    page.get_by_test_id("view-table").click()
    table = page.get_by_role("table", name="Parts with their specifications")
    expect(table.get_by_role("columnheader")).to_have_text(["Part", "Price", "Availability", "Bore", "Seal", "Load"])
    expect(row_of(page, bearings, 20).get_by_role("cell")).to_have_text(
        ["€20.00", "In stock", "20\u00a0mm", "2RS", "12.7\u00a0kN"]
    )
    head = table.get_by_role("columnheader", name="Load")
    expect(head).to_have_attribute("aria-sort", "none")
    head.get_by_role("button").click()
    shown(bearings, 20, 25, 30, 35)
    expect(head).to_have_attribute("aria-sort", "ascending")
    head.get_by_role("button").click()
    shown(bearings, 35, 30, 25, 20)
    expect(head).to_have_attribute("aria-sort", "descending")
    expect(head.get_by_role("button")).to_be_focused()
    # Side by side with the staff: stock, price and a specification change while somebody looks.
    part = bearings["parts"][30]
    staff.put(f"/parts/{part}/stock", json={"current_stock": 2}).raise_for_status()
    expect(row_of(page, bearings, 30)).to_contain_text("Only 2 left")
    staff.put(f"/parts/{part}/prices", json={"prices": [{"currency": "EUR", "amount": "31.50"}]}).raise_for_status()
    expect(row_of(page, bearings, 30)).to_contain_text("€31.50")
    change = {"specifications": specifications("30", "open", "26")}
    staff.put(f"/parts/{part}/specifications", json=change).raise_for_status()
    expect(row_of(page, bearings, 30)).to_contain_text("26\u00a0kN")
    shown(bearings, 30, 35, 25, 20)
    # The choice is remembered where the address does not say.
    page.goto(f"{stack.url}/c/{bearings['slug']}")
    expect(row_of(page, bearings, 20)).to_be_visible()
    page.get_by_test_id("view-cards").click()
    expect(page.get_by_test_id("part-card")).to_have_count(4)
    expect(page).to_have_url(f"{stack.url}/c/{bearings['slug']}")


def test_a_part_whose_specification_changes_leaves_the_list_that_is_filtered_by_it(
    stack: Stack, context: Contexts, staff: httpx.Client, bearings: dict[str, Any]
) -> None:
    page = context().new_page()
    shown = bores(page)
    page.goto(f"{stack.url}/c/{bearings['slug']}?spec.Seal=ZZ&view=table")
    shown(bearings, 30, 35)
    change = {"specifications": specifications("35", "2RS", "25.5")}
    staff.put(f"/parts/{bearings['parts'][35]}/specifications", json=change).raise_for_status()
    shown(bearings, 30)
    expect(group(page, "Seal").get_by_role("checkbox", name="2RS (3)")).to_be_visible()
    expect(group(page, "Seal").get_by_role("checkbox", name="ZZ (1)")).to_be_checked()
    # And comes back when it is as before.
    staff.put(
        f"/parts/{bearings['parts'][35]}/specifications", json={"specifications": specifications("35", "ZZ", "25.5")}
    ).raise_for_status()
    shown(bearings, 30, 35)


def test_on_a_phone_the_filters_are_a_dialog_that_the_keyboard_opens_uses_and_leaves(
    stack: Stack, context: Contexts, bearings: dict[str, Any]
) -> None:
    page = context(PHONE).new_page()
    shown = bores(page)
    page.goto(f"{stack.url}/c/{bearings['slug']}")
    opener = page.get_by_test_id("open-filters")
    opener.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Specifications")
    expect(dialog).to_be_visible()
    # The focus stays within: neither end of it leads to the page behind.
    for key in ("Shift+Tab", "Tab", "Tab", "Tab"):
        page.keyboard.press(key)
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    dialog.get_by_role("checkbox", name="ZZ (2)").focus()
    page.keyboard.press("Space")
    expect(dialog.get_by_role("button", name="Show 2 parts")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    expect(opener).to_contain_text("(1)")
    shown(bearings, 30, 35)


def test_the_table_scrolls_in_its_own_frame_by_keyboard_with_the_parts_in_sight(
    stack: Stack, context: Contexts, bearings: dict[str, Any]
) -> None:
    page = context(NARROWEST).new_page()
    page.goto(f"{stack.url}/c/{bearings['slug']}?view=table")
    frame = page.get_by_test_id("part-table")
    row = row_of(page, bearings, 20)
    expect(row).to_be_visible()
    scroll, width = page.evaluate(WIDTHS)
    assert scroll <= width
    frame.focus()
    page.keyboard.press("End")
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    page.wait_for_function("frame => frame.scrollLeft > 100", arg=frame.element_handle())
    expect(row.get_by_role("link")).to_be_in_viewport()
    expect(row.get_by_role("cell").last).to_be_in_viewport()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(stack: Stack, context: Contexts, bearings: dict[str, Any], scheme: str) -> None:
    page = context().new_page()
    # Before anything is shown: a change of colours takes its time, and axe looks at once.
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")  # type: ignore[arg-type]
    found: dict[str, list[str]] = {}
    page.goto(f"{stack.url}/c/{bearings['slug']}?spec.Seal=ZZ&view=table")
    page.evaluate(AXE)
    expect(row_of(page, bearings, 30)).to_be_visible()
    found["table"] = page.evaluate(FAULTS)
    page.get_by_test_id("view-cards").click()
    expect(page.get_by_test_id("part-card")).to_have_count(2)
    found["cards"] = page.evaluate(FAULTS)
    lowest = group(page, "Bore").get_by_role("textbox", name="Bore, at least")
    lowest.fill("3 kg")
    lowest.press("Enter")
    expect(page.get_by_test_id("misunderstood")).to_be_visible()
    found["misunderstood"] = page.evaluate(FAULTS)
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]
    page.get_by_test_id("open-filters").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    found["dialog"] = page.evaluate(FAULTS)
    assert {name: faults for name, faults in found.items() if faults} == {}
