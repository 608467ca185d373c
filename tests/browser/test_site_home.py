"""The home page, the pages of categories, and the header: to search, to choose from, and to switch the language."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from devserver import Stack
from tests.browser.axe import assert_nothing, looked_over
from tests.browser.conftest import DESKTOP, PHONE

BUDGET = 200_000


@pytest.fixture
def word() -> str:
    return "w" + uuid4().hex[:10]


@pytest.fixture
def tree(staff: httpx.Client, word: str) -> dict[str, Any]:
    """A main category, one below it, and two parts in that."""
    above = staff.post("/categories", json={"name": f"AA {word} drives"}).raise_for_status().json()
    below = staff.post("/categories", json={"name": f"{word} belts", "parent_id": above["id"]}).raise_for_status().json()
    body = {
        "status": "published", "category_id": below["id"], "stock": {"current_stock": 9},
        "prices": [{"currency": "EUR", "amount": "1234.50"}],
    }  # fmt: skip
    parts = [
        staff.post("/parts", json=body | {"sku": f"{word}-{number}", "part_name": f"{word} belt {number}"})
        .raise_for_status()
        .json()
        for number in (1, 2)
    ]
    return {"above": above, "below": below, "parts": parts}


def search(page: Page) -> Any:
    return page.get_by_role("combobox", name="Search the shop")


def test_from_the_home_page_to_a_part_by_its_categories(
    stack: Stack, context: Callable[..., BrowserContext], tree: dict[str, Any], word: str
) -> None:
    page = context().new_page()
    page.goto(stack.url)
    expect(page.get_by_test_id("related-name").first).to_have_text(f"{word} belt 2")
    tile = page.get_by_test_id("category-tile").filter(has_text=word)
    expect(tile).to_contain_text("2 parts")
    tile.get_by_role("link", name=f"AA {word} drives").click()
    expect(page).to_have_url(f"{stack.url}/c/{tree['above']['slug']}")
    heading = page.get_by_role("heading", level=1)
    expect(heading).to_have_text(f"AA {word} drives")
    expect(page.get_by_test_id("part-card")).to_have_count(2)
    page.get_by_role("list", name="Subcategories").get_by_role("link").click()
    expect(heading).to_have_text(f"{word} belts")
    crumbs = page.get_by_role("navigation", name="You are here").get_by_role("link")
    expect(crumbs).to_have_text(["Parts", f"AA {word} drives"])
    page.get_by_test_id("part-card").first.get_by_role("link").click()
    expect(heading).to_have_text(f"{word} belt 1")
    expect(crumbs).to_have_text(["Parts", f"AA {word} drives", f"{word} belts"])
    page.go_back()
    expect(page).to_have_url(f"{stack.url}/c/{tree['below']['slug']}")


def test_what_comes_back_into_stock_appears_on_an_open_home_page_and_leaves_it_when_it_is_gone(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, tree: dict[str, Any], word: str
) -> None:
    def stock(count: int) -> None:
        for part in tree["parts"]:
            staff.put(f"/parts/{part['id']}/stock", json={"current_stock": count}).raise_for_status()

    page = context().new_page()
    page.goto(stack.url)
    back = page.get_by_role("region", name="Just back in stock").get_by_test_id("related-name")
    stock(0)
    stock(3)
    expect(back.filter(has_text=word)).to_have_text([f"{word} belt 2", f"{word} belt 1"])
    page.reload()
    expect(back.filter(has_text=word)).to_have_count(2)
    stock(0)
    expect(back.filter(has_text=word)).to_have_count(0)


def test_a_category_chosen_as_a_filter_is_a_page_and_the_focus_stays(
    stack: Stack, context: Callable[..., BrowserContext], tree: dict[str, Any], word: str
) -> None:
    page = context().new_page()
    page.goto(f"{stack.url}/?q={word}&utm=1")
    expect(page).to_have_url(f"{stack.url}/parts?q={word}&utm=1")
    chooser = page.locator("select[name=category]")
    chooser.focus()
    chooser.select_option(tree["below"]["slug"])
    expect(page).to_have_url(f"{stack.url}/c/{tree['below']['slug']}?q={word}")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{word} belts")
    expect(chooser).to_be_focused()
    # It is the page that one is on, so it is no filter to be cleared, nor is what is searched for.
    expect(page.get_by_test_id("part-card")).to_have_count(2)
    expect(page.get_by_test_id("clear-filters")).to_have_count(0)
    page.get_by_label("In stock").check()
    page.get_by_test_id("clear-filters").click()
    expect(page).to_have_url(f"{stack.url}/c/{tree['below']['slug']}?q={word}")


def test_a_category_that_gets_another_address_while_its_page_is_open_is_followed(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, tree: dict[str, Any], word: str
) -> None:
    page = context().new_page()
    page.goto(f"{stack.url}/c/{tree['below']['slug']}?sort=-name")
    expect(page.get_by_test_id("part-card")).to_have_count(2)
    change = {"name": f"{word} chains", "slug": f"{word}-chains"}
    change["description"] = f"<p>{word} of <b>steel</b></p>"
    staff.put(f"/categories/{tree['below']['id']}", json=change).raise_for_status()
    expect(page).to_have_url(f"{stack.url}/c/{word}-chains?sort=-name")
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{word} chains")
    expect(page.get_by_test_id("part-card")).to_have_count(2)
    expect(page).to_have_title(f"{word} chains – Lockstep Parts")
    expect(page.locator("main strong, main b")).to_have_text("steel")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_menu_of_categories_works_by_keyboard(
    stack: Stack, context: Callable[..., BrowserContext], tree: dict[str, Any], word: str, viewport: dict[str, int]
) -> None:
    page = context(viewport).new_page()
    page.goto(f"{stack.url}/parts/{tree['parts'][0]['id']}")
    button = page.get_by_role("button", name="Categories")
    button.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("navigation", name="Categories")
    link = menu.get_by_role("link", name=f"AA {word} drives 2")
    expect(link).to_be_visible()
    page.keyboard.press("Tab")
    expect(menu.get_by_role("link").first).to_be_focused()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Space")
    link.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{stack.url}/c/{tree['above']['slug']}")
    expect(menu).to_be_hidden()
    # Leaving it closes it, too.
    button.click()
    menu.get_by_role("link").last.focus()
    page.keyboard.press("Tab")
    expect(menu).to_be_hidden()


def test_what_is_being_typed_is_suggested_and_chosen_by_keyboard(
    stack: Stack, context: Callable[..., BrowserContext], tree: dict[str, Any], word: str
) -> None:
    page = context().new_page()
    page.goto(stack.url)
    field = search(page)
    field.press_sequentially(word)
    options = page.get_by_role("option")
    expect(options).to_have_count(4)
    expect(field).to_have_attribute("aria-expanded", "true")
    expect(page.get_by_role("status").filter(has_text="4 suggestions")).to_have_count(1)
    page.keyboard.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    expect(field).to_have_value(word)
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    # Two categories come first.
    chosen = page.get_by_role("option", selected=True)
    expect(chosen).to_contain_text(f"{word}-1")
    expect(field).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{stack.url}/parts/{tree['parts'][0]['id']}/{tree['parts'][0]['slug']}")
    # Without a choice, Enter searches; what was searched for is offered again, in this browser alone.
    field.fill(f"{word} belt")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{stack.url}/parts?q={word}+belt")
    expect(page.get_by_test_id("part-card")).to_have_count(2)
    page.goto(stack.url)
    field.focus()
    expect(options).to_have_text([f"{word} belt", word])
    page.get_by_role("button", name="Clear recent searches").click()
    expect(options).to_have_count(0)
    expect(field).to_be_focused()


def test_suggestions_that_cannot_be_had_are_no_error(stack: Stack, context: Callable[..., BrowserContext], word: str) -> None:
    page = context().new_page()

    def refuse(route: Route) -> None:
        route.fulfill(status=503, json={})

    page.route("**/api/v1/parts/suggest*", refuse)
    page.goto(stack.url)
    with page.expect_response("**/api/v1/parts/suggest*"):
        search(page).press_sequentially(word)
    expect(page.get_by_role("option")).to_have_count(0)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{stack.url}/parts?q={word}")


def test_the_site_is_german_for_germans_until_they_choose_english(stack: Stack, chromium: Browser, tree: dict[str, Any]) -> None:
    opened = chromium.new_context(viewport=DESKTOP, locale="de-DE")
    page = opened.new_page()
    address = f"{stack.url}/parts/{tree['parts'][0]['id']}/{tree['parts'][0]['slug']}"
    page.goto(address)
    expect(page.get_by_test_id("part-page")).to_contain_text("1.234,50\u00a0€")
    expect(page.get_by_test_id("part-page").get_by_test_id("stock-status")).to_have_text("Auf Lager")
    assert page.evaluate("document.documentElement.lang") == "de-DE"
    page.get_by_role("link", name="English").click()
    expect(page.get_by_test_id("part-page")).to_contain_text("€1,234.50")
    assert page.url == address
    page.get_by_role("link", name="Lockstep Parts").click()
    expect(page.get_by_role("heading", name="New in the shop")).to_be_visible()
    page.reload()
    expect(page.get_by_role("heading", name="New in the shop")).to_be_visible()
    page.get_by_role("link", name="Deutsch").click()
    expect(page.get_by_role("heading", name="Neu im Shop")).to_be_visible()
    opened.close()


def test_axe_finds_nothing_in_what_the_header_opens(
    stack: Stack, context: Callable[..., BrowserContext], tree: dict[str, Any], word: str
) -> None:
    page, wrong = context().new_page(), {}
    page.goto(stack.url)
    page.get_by_role("button", name="Categories").click()
    expect(page.get_by_role("navigation", name="Categories").get_by_role("link", name=f"AA {word} drives 2")).to_be_visible()
    wrong["menu"] = looked_over(page)
    search(page).fill(word)
    expect(page.get_by_role("option")).to_have_count(4)
    page.keyboard.press("ArrowDown")
    wrong["suggestions"] = looked_over(page)
    assert_nothing(wrong)


def test_a_first_page_is_light(stack: Stack, context: Callable[..., BrowserContext], part: dict[str, Any]) -> None:
    loaded: dict[str, int] = {}
    for path in ("/", "/parts", f"/parts/{part['id']}"):
        # Each in a browser that holds nothing.
        page = context().new_page()
        session = page.context.new_cdp_session(page)
        session.send("Network.enable")
        sizes: list[int] = []
        session.on("Network.loadingFinished", lambda finished, sizes=sizes: sizes.append(finished["encodedDataLength"]))
        page.goto(stack.url + path, wait_until="networkidle")
        loaded[path] = round(sum(sizes))
    assert max(loaded.values()) <= BUDGET, loaded
    assert min(loaded.values()) > 50_000, "not everything was counted"
