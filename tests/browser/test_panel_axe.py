"""Every screen of the panel: nothing for axe to find, light and dark, full and failing; nothing beside the page at 320 px.

The screens are those that the navigation and a part's tabs lead to, so a new one is covered without a line here.
"""

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from devserver import Stack
from tests.browser.axe import WIDE, assert_nothing, looked_over


@pytest.fixture
def page(stack: Stack, context: Callable[..., BrowserContext]) -> Page:
    """The panel, logged in as the administrator, on a screen of few things."""
    opened = context(WIDE).new_page()
    opened.goto(f"{stack.url}/panel/account")
    form = opened.get_by_test_id("login-form")
    form.locator("input[type=email]").fill(stack.settings.admin_email)
    form.locator("input[type=password]").fill(stack.settings.admin_password)
    form.locator("button[type=submit]").click()
    opened.get_by_test_id("log-out").wait_for()
    return opened


@pytest.fixture
def screens(page: Page, stack: Stack, part: dict) -> list[str]:
    """The address of every screen."""
    entries = page.evaluate("[...document.querySelectorAll('nav a')].map(({ href }) => href)")
    page.goto(f"{stack.url}/panel/parts/{part['id']}")
    page.get_by_test_id("tab-content").wait_for()
    tabs = page.evaluate("[...document.querySelectorAll('[data-testid^=tab-]')].map(({ href }) => href)")
    assert len(entries) >= 9
    assert len(tabs) >= 7
    return [*entries, *tabs, f"{stack.url}/panel/nowhere"]


def seen(page: Page, address: str) -> list[str]:
    """What is wrong with a screen, once it shows what it has; that it never does is wrong, too."""
    page.goto(address)
    try:
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("main .skeleton")).to_have_count(0)
    except AssertionError:
        return [f"neither heading nor data: {page.locator('body').inner_text()[-200:]!r}"]
    return looked_over(page)


def test_every_screen_with_data(page: Page, screens: list[str]) -> None:
    assert_nothing({address: seen(page, address) for address in screens})


def test_every_screen_that_cannot_be_read(page: Page, screens: list[str]) -> None:
    problem: dict[str, Any] = {"status": 404, "detail": "It is not there.", "code": "not_found", "request_id": "r-1"}

    def refuse(route: Route) -> None:
        route.fulfill(status=404, content_type="application/problem+json", body=json.dumps(problem))

    page.route("**/api/v1/admin/**", refuse)
    assert_nothing({address: seen(page, address) for address in screens})


def test_every_screen_with_nothing_in_german(page: Page, screens: list[str]) -> None:
    """Words are longer in German, and nothing of what lists show is there to hold a place."""

    def empty(route: Route) -> None:
        answer = route.fetch()
        body = answer.json() if "json" in answer.headers.get("content-type", "") else None
        if isinstance(body, dict) and "items" in body:
            route.fulfill(response=answer, json=body | {"items": [], "next_cursor": None})
        else:
            route.fulfill(response=answer)

    page.evaluate("localStorage.setItem('lockstep.preferences', JSON.stringify({ language: 'de' }))")
    page.reload()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    page.route("**/api/v1/admin/**", empty)
    assert_nothing({address: seen(page, address) for address in screens})


def test_what_opens_over_a_screen(page: Page, stack: Stack, staff: httpx.Client) -> None:
    wrong = {}
    page.keyboard.press("Control+k")
    page.get_by_test_id("palette-offer").first.wait_for()
    wrong["palette"] = looked_over(page)
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("palette")).to_have_count(0)
    page.keyboard.press("?")
    page.get_by_test_id("keys").wait_for()
    wrong["keys"] = looked_over(page)
    page.goto(f"{stack.url}/panel/parts?new=1")
    page.get_by_test_id("part-form").wait_for()
    wrong["new part"] = looked_over(page)
    page.goto(f"{stack.url}/panel/parts")
    page.get_by_test_id("select-all").check()
    page.get_by_test_id("bulk-bar").get_by_role("button", name="Move").click()
    page.get_by_test_id("bulk-row").first.wait_for()
    wrong["bulk"] = looked_over(page)
    page.goto(f"{stack.url}/panel/categories")
    page.get_by_test_id("category").first.focus()
    page.keyboard.press("Delete")
    page.get_by_test_id("confirm-dialog").wait_for()
    wrong["delete a category"] = looked_over(page)
    page.keyboard.press("Escape")
    page.get_by_test_id("category").first.focus()
    page.keyboard.press("F2")
    page.get_by_test_id("rename-input").wait_for()
    wrong["rename a category"] = looked_over(page)
    page.goto(f"{stack.url}/panel/people")
    page.get_by_test_id("new-person").click()
    page.get_by_test_id("person-form").wait_for()
    wrong["new person"] = looked_over(page)
    page.keyboard.press("Escape")
    page.get_by_test_id("new-key").click()
    form = page.get_by_test_id("key-form")
    form.get_by_role("textbox").fill("axe")
    form.get_by_test_id("key-limited").check()
    form.get_by_role("button", name="Create").click()
    form.get_by_text("Tick what the key may do").wait_for()
    wrong["a key without a scope"] = looked_over(page)
    form.get_by_role("checkbox", name="stock:write").check()
    form.get_by_role("button", name="Create").click()
    page.get_by_test_id("secret").wait_for()
    page.get_by_test_id("api-key").get_by_text("only stock:write").wait_for(state="attached")
    wrong["a key"] = looked_over(page)
    for key in staff.get("/api-keys").json()["items"]:
        staff.delete(f"/api-keys/{key['id']}").raise_for_status()
    page.context.clear_cookies()
    page.get_by_test_id("secret-kept").check()
    page.get_by_role("button", name="Close").click()
    page.get_by_role("link", name="Account").click()
    page.get_by_test_id("relogin-dialog").wait_for()
    wrong["log in again"] = looked_over(page)
    page.goto(f"{stack.url}/panel/login")
    page.get_by_test_id("login-form").wait_for()
    wrong["log in"] = looked_over(page)
    assert_nothing(wrong)
