"""The panel's grid in a real browser: no input is lost, nothing invisible gets in the way, and what is shown is true."""

import re
import subprocess
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from config import REPOSITORY
from devserver import Stack
from tests.browser.conftest import log_in, open_stock

Create = Callable[..., dict]
NARROW = {"width": 375, "height": 740}
PASSWORD = "correct horse battery staple"


@pytest.fixture
def create(staff: httpx.Client) -> Create:
    """Make published parts with a SKU of their own; keyword arguments are columns, or quantities of the stock."""

    def make(name: str = "Test spindle", **quantities: int) -> dict:
        body = {"sku": f"P-{uuid4().hex[:10]}", "part_name": name, "status": "published"}
        answer = staff.post("/parts", json=body | {"stock": {"current_stock": 10, "min_stock_level": 2} | quantities})
        return dict(answer.raise_for_status().json())

    return make


@pytest.fixture
def person(stack: Stack) -> Callable[..., tuple[str, str]]:
    """Make a member of staff; return the address and the name."""

    def make(role: str = "admin") -> tuple[str, str]:
        name = f"Bea {uuid4().hex[:6]}"
        email = f"{name.split()[1]}@shop.example"
        command = [REPOSITORY / ".venv/bin/flask", "create-user", email, "--name", name, "--role", role, "--password", PASSWORD]
        subprocess.run(command, cwd=REPOSITORY, env=stack.environ, check=True, capture_output=True)
        return email, name

    return make


def row_of(panel: Page, part: dict) -> Locator:
    return panel.locator(f"[data-testid=stock-row][data-part-id='{part['id']}']")


def search(panel: Page, typed: str) -> None:
    panel.get_by_role("searchbox").fill(typed)
    panel.wait_for_url(lambda url: f"q={typed}" in url if typed else "q=" not in url)


def found(panel: Page, part: dict) -> Locator:
    search(panel, part["sku"])
    row = row_of(panel, part)
    expect(row).to_be_visible()
    return row


def open_cell(row: Locator, cell: str, typed: str) -> Locator:
    row.get_by_test_id(f"cell-{cell}").dblclick()
    field = row.get_by_test_id("cell-input")
    field.fill(typed)
    return field


def edit(row: Locator, cell: str, value: str) -> None:
    open_cell(row, cell, value).press("Enter")


def stock_of(staff: httpx.Client, part: dict) -> dict:
    return dict(staff.get(f"/parts/{part['id']}").raise_for_status().json()["stock"])


LEAVE = "history.pushState({}, '', '/panel/nowhere'); dispatchEvent(new PopStateEvent('popstate'))"
WAYS_OUT: dict[str, Callable[[Page], None]] = {
    "a search": lambda panel: search(panel, "belt"),
    "a filter": lambda panel: panel.get_by_test_id("low-stock-filter").check(),
    "a sort": lambda panel: panel.get_by_role("button", name="Available").click(),
    "another sort": lambda panel: panel.locator("select[name=sort]").select_option("-available") and None,
    "back": lambda panel: panel.go_back() and None,
    "a click elsewhere": lambda panel: panel.get_by_role("heading", name="Stock").click(),
    "a click on another cell": lambda panel: panel.get_by_test_id("stock-row").nth(7).get_by_test_id("cell-sku").click(),
    "Tab": lambda panel: panel.keyboard.press("Tab"),
    "Shift and Tab": lambda panel: panel.keyboard.press("Shift+Tab"),
    "another screen": lambda panel: panel.evaluate(LEAVE),
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_what_is_not_valid_is_parked_whichever_way_it_is_left_and_led_back_to(way: str, panel: Page, staff: httpx.Client) -> None:
    panel.get_by_role("searchbox").fill("bearing")
    panel.wait_for_url("**q=bearing")
    row = panel.get_by_test_id("stock-row").nth(3)
    part = {"id": row.get_attribute("data-part-id")}
    before = stock_of(staff, part)
    name = row.get_by_test_id("cell-part_name").inner_text()
    row = row_of(panel, part)
    open_cell(row, "current_stock", "a dozen")
    WAYS_OUT[way](panel)
    notice = panel.get_by_test_id("parked-draft")
    expect(notice).to_contain_text(name)
    expect(notice).to_contain_text("a dozen")
    expect(panel.get_by_test_id("cell-input")).to_be_hidden()
    if way != "another screen":
        # Nothing prevents editing anything else.
        other = panel.locator(f"[data-testid=stock-row]:not([data-part-id='{part['id']}'])").first
        open_cell(other, "min_stock_level", "1").press("Escape")
    panel.get_by_test_id("parked-back").click()
    field = row.get_by_test_id("cell-input")
    expect(field).to_have_value("a dozen")
    expect(field).to_be_focused()
    expect(field).to_be_in_viewport()
    assert stock_of(staff, part) == before
    field.fill(str(before["current_stock"] + 12))
    field.press("Enter")
    expect(notice).to_be_hidden()
    expect(row.get_by_test_id("mark-saved")).to_be_visible()
    assert stock_of(staff, part)["current_stock"] == before["current_stock"] + 12
    edit(row, "current_stock", str(before["current_stock"]))
    expect(row.get_by_test_id("mark-sending")).to_be_hidden()


def test_what_is_parked_can_be_discarded(panel: Page, create: Create) -> None:
    row = found(panel, create())
    open_cell(row, "reserved_quantity", "1.000")
    panel.get_by_role("heading", name="Stock").click()
    expect(panel.get_by_test_id("parked-draft")).to_contain_text("1.000")
    expect(row.get_by_test_id("cell-reserved_quantity").get_by_test_id("cell-value")).to_have_text("0")
    panel.get_by_test_id("parked-discard").click()
    expect(panel.get_by_test_id("parked-drafts")).to_be_hidden()


def test_a_click_elsewhere_saves_what_is_valid(panel: Page, create: Create, staff: httpx.Client) -> None:
    part = create()
    row = found(panel, part)
    open_cell(row, "current_stock", "17")
    panel.get_by_role("heading", name="Stock").click()
    expect(row.get_by_test_id("mark-saved")).to_be_visible()
    expect(panel.get_by_test_id("cell-input")).to_be_hidden()
    assert stock_of(staff, part)["current_stock"] == 17


def test_what_is_typed_while_the_connection_is_lost_waits_for_its_return(
    panel: Page, create: Create, staff: httpx.Client
) -> None:
    part = create()
    row = found(panel, part)
    open_cell(row, "current_stock", "18")
    panel.context.set_offline(True)
    expect(panel.get_by_test_id("connection-pill")).to_contain_text("Offline", timeout=60_000)
    panel.get_by_role("heading", name="Stock").click()
    expect(panel.get_by_test_id("parked-draft")).to_contain_text("18")
    panel.context.set_offline(False)
    expect(panel.get_by_test_id("connection-pill")).to_contain_text("Live", timeout=30_000)
    panel.get_by_test_id("parked-back").click()
    row.get_by_test_id("cell-input").press("Enter")
    expect(row.get_by_test_id("mark-saved")).to_be_visible()
    assert stock_of(staff, part)["current_stock"] == 18


def test_a_restocked_part_stays_struck_through_in_low_stock_only_until_a_refresh(panel: Page, create: Create) -> None:
    name = f"Gasket {uuid4().hex[:8]}"
    mine, another, low = (create(name, current_stock=1) for _ in range(3))
    search(panel, name.split()[1])
    panel.get_by_test_id("low-stock-filter").check()
    row = row_of(panel, mine)
    order = [row_of(panel, part) for part in sorted((mine, another, low), key=lambda part: str(part["sku"]))]
    edit(row, "current_stock", "500")
    expect(row).to_have_class(re.compile("departed"))
    expect(row.get_by_test_id("cell-part_name")).to_have_css("text-decoration-line", "line-through")
    refresh = panel.get_by_test_id("refresh-view")
    expect(refresh).to_have_text("Refresh (1)")
    edit(row_of(panel, another), "current_stock", "500")
    expect(refresh).to_have_text("Refresh (2)")
    # A part that is low again belongs here again.
    edit(row_of(panel, another), "current_stock", "2")
    expect(refresh).to_have_text("Refresh (1)")
    assert [one.get_attribute("data-part-id") for one in panel.get_by_test_id("stock-row").all()] == [
        one.get_attribute("data-part-id") for one in order
    ]
    refresh.click()
    expect(row).to_be_hidden()
    expect(refresh).to_be_hidden()
    expect(panel.get_by_test_id("stock-row")).to_have_count(2)
    assert panel.evaluate("document.activeElement.getAttribute('role')") == "gridcell"


def test_a_part_that_another_person_renames_out_of_a_search_or_archives_stays_too(
    panel: Page, create: Create, staff: httpx.Client
) -> None:
    word = uuid4().hex[:8]
    renamed, archived = create(f"Bolt {word}"), create(f"Bolt {word}")
    search(panel, word)
    expect(panel.get_by_test_id("stock-row")).to_have_count(2)
    staff.put(f"/parts/{renamed['id']}", json={"part_name": "Nothing alike"}).raise_for_status()
    expect(panel.get_by_test_id("refresh-view")).to_have_text("Refresh (1)")
    expect(row_of(panel, renamed)).to_have_class(re.compile("departed"))
    staff.delete(f"/parts/{archived['id']}").raise_for_status()
    expect(panel.get_by_test_id("refresh-view")).to_have_text("Refresh (2)")
    expect(row_of(panel, renamed)).to_be_visible()
    panel.get_by_test_id("refresh-view").click()
    expect(panel.get_by_test_id("empty-state")).to_be_visible()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {"part_name": "By another name"}),
        ("/stock", {"min_stock_level": 3}),
        ("/prices", {"prices": [{"currency": "EUR", "amount": "7.70"}]}),
    ],
)
def test_author_and_time_shown_are_of_one_change(
    path: str, body: dict, panel: Page, create: Create, staff: httpx.Client, stack: Stack, person: Callable[..., tuple[str, str]]
) -> None:
    part = create()
    email, name = person()
    row = found(panel, part)
    expect(row.get_by_test_id("cell-who")).not_to_have_text(name)
    with httpx.Client(base_url=f"{stack.url}/api/v1") as other:
        login = other.post("/auth/login", json={"email": email, "password": PASSWORD}).raise_for_status().json()
        written = other.put(f"/admin/parts/{part['id']}{path}", json=body, headers={"X-CSRF-Token": login["csrf_token"]})
        at = written.raise_for_status().json()["updated_at"]
    expect(row.get_by_test_id("cell-who")).to_have_text(name)
    panel.reload()
    expect(row.get_by_test_id("cell-who")).to_have_text(name)
    expect(row.locator("time")).to_have_attribute("datetime", at)
    # The user's own change afterwards is attributed to them at once.
    edit(row, "current_stock", "33")
    expect(row.get_by_test_id("cell-who")).to_have_text("Admin")


def test_undo_in_the_grid_leaves_the_search_alone_and_in_the_search_it_is_the_texts(panel: Page) -> None:
    box = panel.get_by_role("searchbox")
    box.click()
    panel.keyboard.type("bear", delay=30)
    panel.wait_for_url("**q=bear")
    panel.get_by_test_id("stock-row").first.get_by_test_id("cell-sku").click()
    panel.keyboard.press("Control+z")
    panel.keyboard.press("ArrowDown")
    expect(box).to_have_value("bear")
    box.click()
    panel.keyboard.press("End")
    panel.keyboard.type("ing", delay=30)
    panel.wait_for_url("**q=bearing")
    panel.keyboard.press("Control+z")
    expect(box).to_have_value("bear")
    panel.wait_for_url("**q=bear")


def test_back_undoes_one_filter_after_the_other_and_typing_is_one_step(panel: Page) -> None:
    box = panel.get_by_role("searchbox")
    box.click()
    for typed in ("b", "be", "bea", "bearing"):
        # Slow enough that every letter triggers a search.
        panel.keyboard.type(typed[len(box.input_value()) :])
        panel.wait_for_url(f"**q={typed}")
    panel.get_by_test_id("low-stock-filter").check()
    panel.wait_for_url("**low_stock=true")
    panel.locator("select[name=sort]").select_option("-available")
    panel.wait_for_url("**sort=-available")
    panel.go_back()
    expect(panel.locator("select[name=sort]")).to_have_value("sku")
    panel.go_back()
    expect(panel.get_by_test_id("low-stock-filter")).not_to_be_checked()
    expect(box).to_have_value("bearing")
    panel.go_back()
    expect(box).to_have_value("")
    expect(panel.get_by_test_id("stock-row").first).to_be_visible()
    panel.go_forward()
    expect(box).to_have_value("bearing")


def test_the_safe_end_of_a_conflict_has_the_focus_and_a_second_enter_decides_nothing(
    panel: Page, create: Create, staff: httpx.Client
) -> None:
    part = create()
    row = found(panel, part)
    field = open_cell(row, "current_stock", "60")
    staff.put(f"/parts/{part['id']}/stock", json={"current_stock": 7}).raise_for_status()
    expect(row.get_by_test_id("cell-chip")).to_contain_text("7")
    field.press("Enter")
    dialog = panel.get_by_test_id("conflict-dialog")
    expect(dialog).to_be_visible()
    keep = dialog.get_by_test_id("conflict-keep-theirs")
    expect(keep).to_be_focused()
    expect(keep).to_have_class(re.compile("primary"))
    expect(dialog.get_by_test_id("conflict-apply-mine")).not_to_have_class(re.compile("primary"))
    panel.wait_for_timeout(300)  # a person reads first; two Enters in quick succession count as one
    panel.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(row.get_by_test_id("cell-current_stock")).to_contain_text("7")
    assert stock_of(staff, part)["current_stock"] == 7


def test_no_conflict_opens_over_a_cell_that_is_being_typed_into(panel: Page, create: Create, staff: httpx.Client) -> None:
    part = create()
    row = found(panel, part)
    open_cell(row, "current_stock", "60")
    staff.put(f"/parts/{part['id']}/stock", json={"current_stock": 7}).raise_for_status()
    expect(row.get_by_test_id("cell-chip")).to_contain_text("7")
    # The answer comes while the next cell is being typed into, however slow the typing is here.
    held: list[Route] = []
    panel.route(f"**/admin/parts/{part['id']}/stock", lambda route: held.append(route))
    panel.keyboard.press("Tab")
    panel.keyboard.press("Enter")
    panel.keyboard.type("4")
    expect(row.get_by_test_id("cell-input")).to_have_value("4")
    held[0].continue_()
    expect(row.get_by_test_id("mark-conflict")).to_be_visible()
    panel.keyboard.type("2")
    expect(panel.get_by_test_id("conflict-dialog")).to_be_hidden()
    expect(row.get_by_test_id("cell-input")).to_have_value("42")
    panel.keyboard.press("Escape")
    panel.get_by_test_id("conflict-cancel").click()
    expect(row.get_by_test_id("cell-input")).to_have_value("60")
    panel.keyboard.press("Escape")


def test_a_reason_is_sent_if_one_was_given_and_none_otherwise(panel: Page, create: Create, staff: httpx.Client) -> None:
    part = create()
    row = found(panel, part)
    edit(row, "current_stock", "+5")
    expect(row.get_by_test_id("mark-saved")).to_be_visible()
    edit(row, "part_name", "Renamed")
    row.get_by_test_id("cell-current_stock").click()
    panel.keyboard.press("r")
    row.get_by_test_id("cell-input").fill("+2")
    row.get_by_test_id("cell-input").press("r")
    expect(row.get_by_test_id("cell-reason")).to_be_focused()
    panel.keyboard.type("Returned, r as new")
    panel.keyboard.press("Enter")
    expect(row.get_by_test_id("cell-current_stock")).to_contain_text("17")
    row.get_by_test_id("cell-part_name").dblclick()
    row.get_by_test_id("cell-input").fill("Spindle")
    panel.keyboard.press("Alt+r")
    panel.keyboard.type("  clearer ")
    panel.keyboard.press("Enter")
    expect(row.get_by_test_id("cell-part_name")).to_contain_text("Spindle")
    wanted = {"Returned, r as new", "clearer"}
    for _ in range(100):
        trail = staff.get("/audit", params={"part_id": part["id"]}).raise_for_status().json()["items"]
        reasons = [entry["reason"] for entry in trail if entry["operation"] == "UPDATE"]
        if wanted <= set(reasons):
            break
        panel.wait_for_timeout(100)
    assert sorted(filter(None, reasons)) == sorted(wanted)
    assert reasons.count(None) == 2


def test_logging_out_saves_first_and_asks_before_anything_is_lost(panel: Page, create: Create, staff: httpx.Client) -> None:
    part = create()
    row = found(panel, part)
    open_cell(row, "reserved_quantity", "many")
    panel.keyboard.press("Tab")
    open_cell(row, "current_stock", "19")
    panel.get_by_test_id("log-out").click()
    dialog = panel.get_by_test_id("log-out-dialog")
    expect(dialog).to_contain_text(f"Reserved of {part['sku']}")
    expect(dialog).not_to_contain_text("On hand")
    assert stock_of(staff, part)["current_stock"] == 19
    expect(dialog.get_by_test_id("log-out-stay")).to_be_focused()
    panel.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(panel.get_by_test_id("parked-draft")).to_contain_text("many")
    panel.get_by_test_id("log-out").click()
    dialog.get_by_test_id("log-out-discard").click()
    expect(panel.get_by_test_id("login-form")).to_be_visible()
    expect(panel.get_by_test_id("parked-drafts")).to_be_hidden()


def test_a_viewer_reads_and_no_key_opens_anything(
    stack: Stack, context: Callable[..., BrowserContext], person: Callable[..., tuple[str, str]], create: Create
) -> None:
    part = create()
    page = context().new_page()
    log_in(stack, page, person("viewer")[0], PASSWORD)
    open_stock(stack, page)
    row = found(page, part)
    row.get_by_test_id("cell-current_stock").dblclick()
    for key in ("Enter", "F2", "r", "5", "+"):
        page.keyboard.press(key)
    expect(page.get_by_test_id("cell-input")).to_be_hidden()


def test_on_a_phone_editor_and_notice_stay_within_the_screen(
    stack: Stack, context: Callable[..., BrowserContext], create: Create
) -> None:
    part = create("Very long name " * 19)
    page = context(NARROW).new_page()
    log_in(stack, page, stack.settings.admin_email, stack.settings.admin_password)
    open_stock(stack, page)
    row = found(page, part)
    for cell in ("part_name", "current_stock", "reserved_quantity", "min_stock_level"):
        open_cell(row, cell, "")
        page.keyboard.press("Alt+r")
        box = row.locator(".editor").bounding_box()
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= NARROW["width"]
        page.get_by_role("heading", name="Stock").click()
    expect(page.get_by_test_id("parked-draft")).to_have_count(4)
    notice = page.get_by_test_id("parked-drafts").bounding_box()
    assert notice
    assert notice["x"] >= 0
    assert notice["x"] + notice["width"] <= NARROW["width"]
    assert notice["height"] < NARROW["height"] / 2
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
