"""Staff and customers, side by side: what one changes, the other sees."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress

import httpx
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from bench.system import wait_until
from devserver import Stack
from tests.browser.conftest import PHONE


def open_part(stack: Stack, page: Page, part: dict) -> None:
    page.goto(f"{stack.url}/parts/{part['id']}")
    expect(page.get_by_test_id("part-name")).to_have_text(part["part_name"])


def row_of(panel: Page, part: dict) -> Locator:
    panel.get_by_role("searchbox").fill(part["sku"])
    row = panel.locator(f"[data-testid=stock-row][data-part-id='{part['id']}']")
    expect(row).to_be_visible()
    return row


def answers(stack: Stack) -> bool:
    with suppress(httpx.HTTPError):
        return httpx.get(f"{stack.url}/readyz").status_code == 200
    return False


def edit(row: Locator, cell: str, value: str) -> None:
    row.get_by_test_id(f"cell-{cell}").dblclick()
    field = row.get_by_test_id("cell-input")
    field.fill(value)
    field.press("Enter")


def test_an_edit_in_the_panel_shows_on_the_open_customer_page(
    stack: Stack, context: Callable[..., BrowserContext], panel: Page, part: dict
) -> None:
    customer = context().new_page()
    open_part(stack, customer, part)
    row = row_of(panel, part)
    edit(row, "current_stock", "0")
    expect(customer.get_by_test_id("stock-status")).to_contain_text("Out of stock")
    edit(row, "current_stock", "3")
    expect(customer.get_by_test_id("stock-status")).to_contain_text("3")
    edit(row, "part_name", "A name of its own")
    expect(customer.get_by_test_id("part-name")).to_have_text("A name of its own")
    edit(row, "part_name", part["part_name"])
    expect(customer.get_by_test_id("part-name")).to_have_text(part["part_name"])


def test_a_list_page_on_a_phone_follows_too(
    stack: Stack, context: Callable[..., BrowserContext], panel: Page, part: dict
) -> None:
    customer = context(PHONE).new_page()
    customer.goto(f"{stack.url}/parts?q={part['sku']}")
    card = customer.get_by_test_id("part-card").filter(has_text=part["sku"]).first
    expect(card).to_be_visible()
    row = row_of(panel, part)
    edit(row, "current_stock", "0")
    expect(card.get_by_test_id("stock-status")).to_contain_text("Out of stock")
    edit(row, "current_stock", "500")
    expect(card.get_by_test_id("stock-status")).to_contain_text("In stock")


def test_a_page_that_lost_the_server_converges_when_it_is_back(
    stack: Stack, context: Callable[..., BrowserContext], panel: Page, part: dict
) -> None:
    customer = context().new_page()
    open_part(stack, customer, part)
    row = row_of(panel, part)
    edit(row, "current_stock", "400")
    expect(customer.get_by_test_id("stock-status")).to_contain_text("In stock")
    before = {name: stack.pid(name) for name in ("web-1", "web-2")}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    for name, pid in before.items():
        stack.pid(name, other_than=pid)
    # What is typed while nobody listens is parked, and waits for its author.
    assert wait_until(lambda: answers(stack))
    expect(panel.get_by_test_id("connection-pill")).to_contain_text("Live", timeout=30_000)
    edit(row, "current_stock", "0")
    # At the latest by the `watch` that every page repeats after 20 s.
    expect(customer.get_by_test_id("stock-status")).to_contain_text("Out of stock", timeout=30_000)


def test_a_page_whose_network_was_cut_shows_the_present_state_within_two_seconds_of_its_return(
    stack: Stack, context: Callable[..., BrowserContext], panel: Page, part: dict
) -> None:
    browser = context()
    customer = browser.new_page()
    open_part(stack, customer, part)
    row = row_of(panel, part)
    edit(row, "current_stock", "300")
    expect(customer.get_by_test_id("stock-status")).to_contain_text("In stock")
    browser.set_offline(True)
    edit(row, "current_stock", "0")
    expect(row.get_by_test_id("cell-current_stock")).to_contain_text("0")
    browser.set_offline(False)
    expect(customer.get_by_test_id("stock-status")).to_contain_text("Out of stock", timeout=2_000)


def test_a_conflict_offers_both_values_and_applies_mine_on_request(
    stack: Stack, context: Callable[..., BrowserContext], panel: Page, part: dict
) -> None:
    row = row_of(panel, part)
    edit(row, "current_stock", "50")
    expect(row.get_by_test_id("cell-current_stock")).to_contain_text("50")
    row.get_by_test_id("cell-current_stock").dblclick()
    field = row.get_by_test_id("cell-input")
    field.fill("60")
    # Somebody else changes it while the cell is being edited.
    other = panel.context.request.get(f"{stack.url}/api/v1/auth/me").json()
    answer = panel.context.request.put(
        f"{stack.url}/api/v1/admin/parts/{part['id']}/stock",
        data={"current_stock": 7},
        headers={"X-CSRF-Token": other["csrf_token"]},
    )
    assert answer.ok
    expect(row).to_contain_text("7")
    field.press("Enter")
    dialog = panel.get_by_test_id("conflict-dialog")
    expect(dialog).to_contain_text("60")
    expect(dialog).to_contain_text("7")
    dialog.get_by_test_id("conflict-apply-mine").click()
    expect(dialog).to_be_hidden()
    expect(row.get_by_test_id("cell-current_stock")).to_contain_text("60")


def test_a_change_after_one_whose_answer_was_lost_is_not_in_conflict_with_it(stack: Stack, panel: Page, part: dict) -> None:
    def lose(route: Route) -> None:
        assert route.fetch().ok
        route.abort()

    row = row_of(panel, part)
    panel.route("**/stock", lose, times=1)
    edit(row, "current_stock", "123")
    expect(panel.get_by_test_id("parked-draft")).to_contain_text("123")
    edit(row, "current_stock", "124")
    expect(row.get_by_test_id("mark-saved")).to_be_visible()
    expect(panel.get_by_test_id("parked-draft")).to_have_count(0)
    expect(panel.get_by_test_id("conflict-dialog")).to_be_hidden()
    assert httpx.get(f"{stack.url}/api/v1/parts/{part['id']}").json()["stock"]["current_stock"] == 124


def test_an_archived_part_is_gone_and_comes_back_by_itself(
    stack: Stack, context: Callable[..., BrowserContext], panel: Page, part: dict
) -> None:
    customer = context().new_page()
    open_part(stack, customer, part)
    token = panel.context.request.get(f"{stack.url}/api/v1/auth/me").json()["csrf_token"]
    url = f"{stack.url}/api/v1/admin/parts/{part['id']}"
    assert panel.context.request.delete(url, headers={"X-CSRF-Token": token}).ok
    expect(customer.get_by_test_id("part-name")).to_be_hidden()
    assert panel.context.request.post(f"{url}/restore", headers={"X-CSRF-Token": token}).ok
    expect(customer.get_by_test_id("part-name")).to_have_text(part["part_name"])
