"""Customers' pages while things change: by every way that a change can reach them, and without anything that gets in the way."""

import re
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from devserver import Stack
from tests.browser.axe import WIDE, assert_nothing, looked_over


@pytest.fixture
def spindle(staff: httpx.Client) -> dict:
    """A part of which there are ten, at 12.50."""
    body = {
        "sku": f"L-{uuid4().hex[:10]}", "part_name": "Lively spindle", "status": "published",
        "stock": {"current_stock": 10, "min_stock_level": 5}, "prices": [{"currency": "EUR", "amount": "12.50"}],
        "specifications": [{"name": "Bore", "value": "20", "unit": "mm"}],
    }  # fmt: skip
    return dict(staff.post("/parts", json=body).raise_for_status().json())


def stock_up(staff: httpx.Client, part: dict, pieces: int) -> None:
    staff.put(f"/parts/{part['id']}/stock", json={"current_stock": pieces}).raise_for_status()


def set_price(staff: httpx.Client, part: dict, amount: str) -> None:
    prices = [{"currency": "EUR", "amount": amount}]
    staff.put(f"/parts/{part['id']}/prices", json={"prices": prices}).raise_for_status()


def status_of(page: Page) -> Locator:
    return page.get_by_test_id("stock-status").first


def test_a_page_whose_websockets_are_blocked_says_so_and_stays_current_by_polling(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, spindle: dict
) -> None:
    page = context().new_page()
    page.clock.install()
    page.route_web_socket(re.compile("/socket.io/"), lambda socket: socket.close())
    page.goto(f"{stack.url}/parts/{spindle['id']}")
    expect(status_of(page)).to_contain_text("In stock")
    page.clock.run_for(6_000)
    expect(page.get_by_test_id("live-banner")).to_be_visible()
    stock_up(staff, spindle, 0)
    page.clock.run_for(35_000)
    expect(status_of(page)).to_contain_text("Out of stock")
    set_price(staff, spindle, "13.75")
    page.clock.run_for(35_000)
    expect(page.get_by_test_id("part-price").first).to_contain_text("13.75")


def test_two_tabs_and_a_list_agree_through_a_sell_out_and_a_new_price(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, spindle: dict
) -> None:
    browser = context()
    pages = []
    for path in (f"/parts/{spindle['id']}", f"/parts/{spindle['id']}", f"/parts?q={spindle['sku']}"):
        page = browser.new_page()
        pages.append(page)
        page.goto(stack.url + path)
        expect(status_of(page)).to_contain_text("In stock")
    for pieces, said in ((0, "Out of stock"), (10, "In stock")):
        stock_up(staff, spindle, pieces)
        for page in pages:
            expect(status_of(page)).to_contain_text(said)
    set_price(staff, spindle, "14.95")
    for page in pages:
        expect(page.get_by_test_id("part-price").first).to_contain_text("14.95")


def test_a_change_takes_nobodys_place_or_focus(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, spindle: dict
) -> None:
    page = context().new_page()
    page.goto(f"{stack.url}/parts/{spindle['id']}")
    expect(status_of(page)).to_contain_text("In stock")
    link = page.get_by_role("main").get_by_role("link").first
    link.focus()
    # What was typed or clicked a moment before excuses a shift; nothing was.
    page.wait_for_timeout(600)
    page.evaluate("""() => {
        window.shifted = [];
        const moved = ({ node, previousRect: from, currentRect: to }) =>
            `${node?.className} from ${JSON.stringify(from)} to ${JSON.stringify(to)}`;
        // The words of the note about changes may make room for each other.
        const isNote = ({ node }) => (node?.closest ? node : node?.parentElement)?.closest("[data-testid=changes]");
        new PerformanceObserver((list) => {
            for (const { sources } of list.getEntries()) window.shifted.push(...sources.filter((one) => !isNote(one)).map(moved));
        }).observe({ type: "layout-shift" });
    }""")
    stock_up(staff, spindle, 0)
    expect(status_of(page)).to_contain_text("Out of stock")
    set_price(staff, spindle, "15.25")
    expect(page.get_by_test_id("part-price").first).to_contain_text("15.25")
    stock_up(staff, spindle, 3)
    expect(status_of(page)).to_contain_text("3")
    assert page.evaluate("window.shifted") == []
    expect(link).to_be_focused()


def test_axe_finds_nothing_on_any_page(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, spindle: dict
) -> None:
    ordinary = httpx.get(f"{stack.url}/api/v1/parts", params={"q": "6204-2RS"}).json()["items"][0]
    body = {"sku": f"L-{uuid4().hex[:10]}", "part_name": "Gone", "status": "published", "category_id": ordinary["category"]["id"]}
    gone = staff.post("/parts", json=body).raise_for_status().json()
    staff.delete(f"/parts/{gone['id']}").raise_for_status()
    slug = httpx.get(f"{stack.url}/api/v1/parts/facets").json()["categories"][0]["slug"]
    page, wrong = context(WIDE).new_page(), {}
    for path in (
        "/", "/parts", "/parts?q=bearing", "/parts?q=qqqq+xxxx", f"/c/{slug}", f"/parts/{spindle['id']}/{spindle['slug']}",
        f"/parts/{gone['id']}", "/nowhere",
    ):  # fmt: skip
        page.goto(stack.url + path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        wrong[path] = looked_over(page)
    assert_nothing(wrong)
