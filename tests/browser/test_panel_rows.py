"""Rows of staff's lists: archived, restored and taken back together, with their pictures, and with who looks at them."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Request, expect

from bench.system import wait_until
from devserver import Stack
from tests.sample_pictures import jpeg

Rows = tuple[str, list[dict]]


@pytest.fixture
def rows(staff: httpx.Client) -> Rows:
    """Three published parts that one word finds."""
    word = f"rows{uuid4().hex[:8]}"
    bodies = [{"sku": f"{word}-{n}", "part_name": f"Spring {word} {n}", "status": "published"} for n in range(3)]
    return word, [staff.post("/parts", json=body).raise_for_status().json() for body in bodies]


def row_of(page: Page, part: dict) -> Locator:
    return page.locator(f"[data-part-id='{part['id']}']")


def present(staff: httpx.Client, parts: list[dict], field: str) -> list:
    return [staff.get(f"/parts/{part['id']}").raise_for_status().json()[field] for part in parts]


def open_bulk(page: Page, url: str, kind: str) -> None:
    """Select the three rows of a list of parts, and look at what would become of them."""
    page.goto(url)
    expect(page.get_by_test_id("part-row")).to_have_count(3)
    page.get_by_test_id("select-all").check()
    page.get_by_test_id("bulk-bar").get_by_role("button", name=kind).click()
    expect(page.get_by_test_id("bulk-row")).to_have_count(3)


def test_parts_are_archived_after_a_preview_taken_back_and_restored_from_the_archive(
    stack: Stack, panel: Page, staff: httpx.Client, rows: Rows
) -> None:
    word, parts = rows
    open_bulk(panel, f"{stack.url}/panel/parts?q={word}", "Archive…")
    expect(panel.get_by_test_id("bulk-touches")).to_contain_text("Touches 3 parts.")
    assert present(staff, parts, "status") == ["published"] * 3
    panel.get_by_test_id("bulk-apply").click()
    expect(panel.get_by_test_id("toast-info")).to_contain_text("3 parts archived.")
    assert present(staff, parts, "status") == ["archived"] * 3
    panel.get_by_test_id("toast-action").click()
    expect(panel.get_by_test_id("toast-info").last).to_contain_text("3 parts are as they were before.")
    assert present(staff, parts, "status") == ["published"] * 3

    for part in parts:
        staff.delete(f"/parts/{part['id']}").raise_for_status()
    open_bulk(panel, f"{stack.url}/panel/parts?q={word}&status=archived", "Restore…")
    panel.get_by_test_id("bulk-apply").click()
    expect(panel.get_by_test_id("toast-info")).to_contain_text("3 parts restored.")
    assert present(staff, parts, "status") == ["published"] * 3


def test_a_move_out_of_several_categories_is_taken_back_in_one_call_as_far_as_nobody_has_changed_the_parts(
    stack: Stack, panel: Page, staff: httpx.Client, rows: Rows
) -> None:
    word, parts = rows
    first, second, target = (staff.post("/categories", json={"name": f"{word} {n}"}).raise_for_status().json() for n in "ABC")
    for part, category in ((parts[0], first), (parts[1], second)):
        staff.put(f"/parts/{part['id']}", json={"category_id": category["id"]}).raise_for_status()
    open_bulk(panel, f"{stack.url}/panel/parts?q={word}", "Move to a category…")
    field = panel.get_by_role("combobox", name="To the category")
    field.click()
    field.fill(target["name"])
    panel.get_by_role("option", name=target["name"]).click()
    expect(panel.get_by_test_id("bulk-touches")).to_contain_text("Touches 3 parts.")
    panel.get_by_test_id("bulk-apply").click()
    expect(panel.get_by_test_id("toast-info")).to_contain_text("3 parts moved.")
    assert present(staff, parts, "category_id") == [target["id"]] * 3

    staff.put(f"/parts/{parts[2]['id']}", json={"part_name": f"Changed {word}"}).raise_for_status()
    calls: list[Request] = []
    panel.on("request", lambda request: calls.append(request) if "/admin/parts/bulk" in request.url else None)
    panel.get_by_test_id("toast-action").click()
    expect(panel.get_by_test_id("toast-info").last).to_contain_text(
        "2 parts are as they were before. 1 part has been changed since"
    )
    assert present(staff, parts, "category_id") == [first["id"], second["id"], target["id"]]
    assert len(calls) == 1


def test_both_lists_say_how_many_customers_have_a_part_open(
    stack: Stack, panel: Page, staff: httpx.Client, rows: Rows, context: Callable[..., BrowserContext]
) -> None:
    word, (part, other, _) = rows
    customers = [context().new_page() for _ in range(2)]
    for customer in customers:
        customer.goto(f"{stack.url}/parts/{part['id']}/{part['slug']}")

    def counted() -> dict[str, int]:
        asked = {"part_ids": f"{part['id']},{other['id']}"}
        return dict(staff.get("/open-pages", params=asked).raise_for_status().json()["open_pages"] or {})

    assert wait_until(lambda: counted() == {str(part["id"]): 2})
    for screen in ("stock", "parts"):
        panel.goto(f"{stack.url}/panel/{screen}?q={word}")
        # A process that is busy may not say it the first time; it is asked again after ten seconds.
        expect(row_of(panel, part).get_by_test_id("open-pages")).to_contain_text("2 pages open", timeout=45_000)
        expect(row_of(panel, other).get_by_test_id("open-pages")).to_have_count(0)


def test_a_row_shows_the_first_picture_in_a_box_that_is_there_without_one(
    stack: Stack, panel: Page, staff: httpx.Client, rows: Rows
) -> None:
    word, (part, other, _) = rows
    panel.goto(f"{stack.url}/panel/parts?q={word}")
    expect(row_of(panel, part).locator("img")).to_have_count(0)
    before = [row_of(panel, one).bounding_box() for one in (part, other)]
    # It comes while the list is open.
    files = {"image": ("a.jpg", jpeg(640, 900), "image/jpeg")}
    staff.post(f"/parts/{part['id']}/images", files=files).raise_for_status()
    picture = row_of(panel, part).locator("img")
    expect(picture).to_have_attribute("alt", "")
    panel.wait_for_function("picture => picture.complete && picture.naturalWidth > 0", arg=picture.element_handle())
    assert [row_of(panel, one).bounding_box() for one in (part, other)] == before
    panel.reload()
    (row,) = staff.get("/parts", params={"q": part["sku"]}).json()["items"]
    expect(picture).to_have_attribute("src", row["thumbnail"])
    expect(row_of(panel, other).locator(".picture svg")).to_be_visible()


def test_thresholds_of_a_selection_are_set_at_once_and_taken_back(
    stack: Stack, panel: Page, staff: httpx.Client, rows: Rows
) -> None:
    word, parts = rows
    panel.goto(f"{stack.url}/panel/stock?q={word}")
    row_of(panel, parts[0]).get_by_test_id("cell-current_stock").click()
    panel.keyboard.press("Space")
    panel.keyboard.press("Shift+ArrowDown")
    panel.keyboard.press("Shift+ArrowDown")
    panel.get_by_test_id("bulk-open").click()
    dialog = panel.get_by_test_id("bulk-dialog")
    dialog.get_by_role("combobox", name="Figure").click()
    panel.get_by_role("option", name="Threshold").click()
    dialog.get_by_test_id("bulk-value").fill("12")
    dialog.get_by_test_id("bulk-check").click()
    expect(dialog.get_by_test_id("bulk-touches")).to_contain_text("touches 3 parts")
    expect(dialog.get_by_test_id("bulk-row").first).to_contain_text("12")
    dialog.get_by_test_id("bulk-apply").click()
    expect(dialog).to_be_hidden()

    def thresholds() -> list[int]:
        return [stock["min_stock_level"] for stock in present(staff, parts, "stock")]

    assert thresholds() == [12] * 3
    # What somebody else sets since is theirs.
    staff.put(f"/parts/{parts[2]['id']}/stock", json={"min_stock_level": 20}).raise_for_status()
    panel.get_by_test_id("toast-action").last.click()
    assert wait_until(lambda: thresholds() == [0, 0, 20])
