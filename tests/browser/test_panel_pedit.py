"""One part in the panel: edited by one person or two, and what customers see of it."""

import io
import os
import re
import signal
import subprocess
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from config import REPOSITORY
from devserver import Stack

PASSWORD = "correct horse battery staple"
WIDE = {"width": 1440, "height": 900}


@pytest.fixture
def create(staff: httpx.Client) -> Callable[..., dict]:
    """Make published parts with a SKU of their own; keyword arguments are fields."""

    def make(**fields: Any) -> dict:
        body = {
            "sku": f"PEDIT-{uuid4().hex[:8]}", "part_name": "Test spindle", "status": "published",
            "stock": {"current_stock": 10, "min_stock_level": 2},
        }  # fmt: skip
        return dict(staff.post("/parts", json=body | fields).raise_for_status().json())

    return make


@pytest.fixture
def opened(stack: Stack, context: Callable[..., BrowserContext]) -> Callable[..., Page]:
    """Open a side of a part, in a browser of its own, as the administrator or as somebody else."""

    def open_part(part: dict, side: str = "content", who: tuple[str, str] | None = None) -> Page:
        email, password = who or (stack.settings.admin_email, stack.settings.admin_password)
        page = context(WIDE).new_page()
        page.goto(f"{stack.url}/panel/login?next=/parts/{part['id']}/{side}")
        form = page.get_by_test_id("login-form")
        form.locator("input[type=email]").fill(email)
        form.locator("input[type=password]").fill(password)
        form.locator("button[type=submit]").click()
        page.get_by_test_id("tab-content").wait_for()
        return page

    return open_part


@pytest.fixture(scope="session")
def person(stack: Stack) -> Callable[..., tuple[str, str]]:
    """Make a member of staff called Ana with a role; return the address and the password."""

    def make(role: str) -> tuple[str, str]:
        email = f"ana-{uuid4().hex[:6]}@shop.example"
        command = [REPOSITORY / ".venv/bin/flask", "create-user", email, "--name", "Ana", "--role", role, "--password", PASSWORD]
        subprocess.run(command, cwd=REPOSITORY, env=stack.environ, check=True, capture_output=True)
        return email, PASSWORD

    return make


@pytest.fixture(scope="session")
def ana(person: Callable[..., tuple[str, str]]) -> tuple[str, str]:
    """Another editor."""
    return person("editor")


def field(page: Page, name: str) -> Locator:
    return page.get_by_test_id(f"field-{name}")


def save(page: Page) -> None:
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("save-state")).to_have_text("Everything is saved")


def part_of(staff: httpx.Client, part: dict) -> dict:
    return dict(staff.get(f"/parts/{part['id']}").raise_for_status().json())


def picture(colour: str) -> dict[str, Any]:
    data = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(data, "PNG")
    return {"name": f"{colour}.png", "mimeType": "image/png", "buffer": data.getvalue()}


def test_an_edit_is_previewed_and_then_shown_to_customers(
    stack: Stack,
    context: Callable[..., BrowserContext],
    opened: Callable[..., Page],
    create: Callable[..., dict],
    staff: httpx.Client,
) -> None:
    part = create(description="<p>Old <strong>text</strong></p>")
    customer = context().new_page()
    customer.goto(f"{stack.url}/parts/{part['id']}")
    page = opened(part)
    sent: list[dict] = []
    page.on("request", lambda request: sent.append(request.post_data_json) if request.method == "PUT" else None)
    field(page, "part_name").fill("A spindle of another name")
    page.get_by_test_id("description-input").fill("New text")
    expect(page.get_by_test_id("preview-name")).to_have_text("A spindle of another name")
    expect(page.get_by_test_id("preview-description")).to_have_text("New text")
    expect(page.get_by_test_id("tab-content")).to_contain_text("draft")
    page.keyboard.press("Control+s")
    expect(page.get_by_test_id("save-state")).to_have_text("Everything is saved")
    assert [sorted(body) for body in sent] == [["description", "part_name", "version"]]
    expect(customer.get_by_test_id("part-name")).to_have_text("A spindle of another name")
    expect(customer.locator(".prose")).to_have_text("New text")
    assert part_of(staff, part)["description"] == "<p>New text</p>"


def test_different_fields_merge_and_the_same_field_is_decided_in_the_conflict_view(
    opened: Callable[..., Page], create: Callable[..., dict], staff: httpx.Client, ana: tuple[str, str]
) -> None:
    part = create(manufacturer="Acme")
    mine, theirs = opened(part), opened(part, who=ana)
    field(mine, "part_name").fill("My name")
    field(theirs, "manufacturer").fill("Bolts & Sons")
    expect(mine.get_by_test_id("presence")).to_contain_text("Ana is editing: Manufacturer")
    save(theirs)
    # What I had not touched follows, and can be taken back.
    expect(field(mine, "manufacturer")).to_have_value("Bolts & Sons")
    expect(mine.get_by_test_id("merge-news")).to_contain_text("Ana just changed: Manufacturer")
    expect(field(mine, "part_name")).to_have_value("My name")
    save(mine)
    assert (part_of(staff, part)["part_name"], part_of(staff, part)["manufacturer"]) == ("My name", "Bolts & Sons")
    mine.get_by_test_id("merge-undo").click()
    expect(field(mine, "manufacturer")).to_have_value("Acme")
    save(mine)
    expect(field(theirs, "manufacturer")).to_have_value("Acme")

    field(mine, "part_name").fill("My second name")
    field(theirs, "part_name").fill("Her name")
    save(theirs)
    expect(mine.get_by_test_id("clash-chip")).to_contain_text("Her name")
    expect(field(mine, "part_name")).to_have_value("My second name")
    mine.get_by_test_id("save").click()
    view = mine.get_by_test_id("conflict-view")
    expect(view.get_by_test_id("conflict-base")).to_have_text("My name")
    expect(view.get_by_test_id("conflict-theirs")).to_contain_text("Her")
    expect(view.get_by_test_id("conflict-yours").locator("ins")).to_have_text("second ")
    # It changes again while it is being decided.
    field(theirs, "part_name").fill("Her last name")
    save(theirs)
    expect(view).to_contain_text("changed again")
    expect(view.get_by_test_id("conflict-theirs")).to_contain_text("last")
    view.get_by_test_id("conflict-apply-mine").click()
    expect(view).to_be_hidden()
    expect(mine.get_by_test_id("save-state")).to_have_text("Everything is saved")
    assert part_of(staff, part)["part_name"] == "My second name"


def test_a_count_that_both_changed_takes_my_difference_on_top(
    opened: Callable[..., Page], create: Callable[..., dict], staff: httpx.Client
) -> None:
    part = create()
    page = opened(part, "stock")
    page.get_by_test_id("set-current_stock").fill("8")
    staff.put(f"/parts/{part['id']}/stock", json={"current_stock": 30}).raise_for_status()
    expect(page.get_by_test_id("clash-chip")).to_contain_text("30")
    page.get_by_test_id("save").click()
    page.get_by_test_id("conflict-adjust").click()
    expect(page.get_by_test_id("stock-current_stock")).to_have_text("28")
    expect(page.get_by_test_id("set-current_stock")).to_have_value("28")
    page.get_by_test_id("adjust-by").fill("+5")
    page.get_by_test_id("adjust-reason").fill("found a box")
    page.get_by_test_id("adjust").click()
    expect(page.get_by_test_id("stock-available")).to_have_text("33")
    newest = page.get_by_test_id("movement").first
    expect(newest).to_contain_text("28 → 33")
    expect(newest).to_contain_text("found a box")
    assert part_of(staff, part)["stock"]["current_stock"] == 33


def test_a_draft_survives_a_reload_and_a_log_out_and_is_offered_to_its_author(
    stack: Stack, opened: Callable[..., Page], create: Callable[..., dict], ana: tuple[str, str]
) -> None:
    part = create()
    page = opened(part, who=ana)
    field(page, "part_name").fill("Half a na")
    page.reload()
    expect(page.get_by_test_id("draft-restored")).to_contain_text("You have unsaved changes from")
    expect(field(page, "part_name")).to_have_value("Half a na")
    # Leaving asks, and staying stays.
    page.get_by_role("link", name="Stock", exact=True).first.click()
    page.get_by_test_id("confirm-dialog").get_by_role("button", name="Cancel").click()
    expect(field(page, "part_name")).to_have_value("Half a na")
    page.get_by_test_id("log-out").click()
    form = page.get_by_test_id("login-form")
    for email, password, typed in [
        (stack.settings.admin_email, stack.settings.admin_password, "Test spindle"),
        (*ana, "Half a na"),
    ]:
        form.locator("input[type=email]").fill(email)
        form.locator("input[type=password]").fill(password)
        form.locator("button[type=submit]").click()
        page.get_by_test_id("log-out").wait_for()
        page.goto(f"{stack.url}/panel/parts/{part['id']}/content")
        expect(field(page, "part_name")).to_have_value(typed)
        if typed != "Half a na":
            page.get_by_test_id("log-out").click()
    page.get_by_test_id("discard").click()
    page.get_by_test_id("confirm").click()
    expect(field(page, "part_name")).to_have_value("Test spindle")
    page.reload()
    expect(field(page, "part_name")).to_have_value("Test spindle")
    expect(page.get_by_test_id("draft-restored")).to_be_hidden()


def test_what_is_typed_outlives_a_lost_network_and_a_restart_of_the_server(
    stack: Stack, opened: Callable[..., Page], create: Callable[..., dict], staff: httpx.Client
) -> None:
    part = create()
    page = opened(part)
    pill = page.get_by_test_id("connection-pill")
    field(page, "part_name").fill("Typed before")
    page.context.set_offline(True)
    expect(pill).to_contain_text("Offline", timeout=60_000)
    page.get_by_test_id("save").click()
    expect(page.get_by_test_id("save-failure")).to_be_visible()
    field(page, "part_name").fill("Typed without a network")
    for name in ("web-1", "web-2"):
        killed = stack.pid(name)
        os.kill(killed, signal.SIGKILL)
        stack.pid(name, other_than=killed)
    page.context.set_offline(False)
    expect(pill).to_contain_text("Live", timeout=60_000)
    expect(field(page, "part_name")).to_have_value("Typed without a network")
    save(page)
    assert part_of(staff, part)["part_name"] == "Typed without a network"


def test_a_session_that_ends_in_mid_edit_is_renewed_in_a_dialog_and_the_edit_is_saved(
    stack: Stack, opened: Callable[..., Page], create: Callable[..., dict], staff: httpx.Client
) -> None:
    part = create()
    page = opened(part)
    field(page, "part_name").fill("Typed before the session ended")
    page.context.clear_cookies()
    page.get_by_test_id("save").click()
    dialog = page.get_by_test_id("relogin-dialog")
    dialog.locator("input[type=password]").fill(stack.settings.admin_password)
    dialog.locator("button[type=submit]").click()
    expect(dialog).to_have_count(0)
    expect(page.get_by_test_id("save-state")).to_have_text("Everything is saved")
    assert part_of(staff, part)["part_name"] == "Typed before the session ended"


def test_a_price_that_changes_by_more_than_half_is_asked_about_again(
    opened: Callable[..., Page], create: Callable[..., dict], staff: httpx.Client
) -> None:
    part = create(prices=[{"currency": "EUR", "amount": "10.00"}])
    page = opened(part, "prices")
    amount = page.get_by_test_id("price-amount")
    amount.fill("100,00")
    expect(page.get_by_test_id("price-change")).to_contain_text("+900 %")
    page.get_by_test_id("save").click()
    guard = page.get_by_test_id("confirm-dialog")
    expect(guard.get_by_test_id("price-guard")).to_contain_text("€10.00 → €100.00")
    expect(guard.get_by_test_id("confirm")).to_be_disabled()
    guard.get_by_role("button", name="Cancel").click()
    assert part_of(staff, part)["price"]["prices"][0]["amount"] == "10.00"
    page.get_by_test_id("save").click()
    guard.get_by_test_id("price-sure").check()
    guard.get_by_test_id("confirm").click()
    expect(page.get_by_test_id("save-state")).to_have_text("Everything is saved")
    assert part_of(staff, part)["price"]["prices"][0]["amount"] == "100.00"
    # A small change is saved at once.
    amount.fill("101")
    save(page)
    assert part_of(staff, part)["price"]["prices"][0]["amount"] == "101.00"


def test_pictures_are_uploaded_described_ordered_and_deleted(
    opened: Callable[..., Page], create: Callable[..., dict], staff: httpx.Client
) -> None:
    part = create()
    page = opened(part, "images")
    text = {"name": "notes.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.get_by_test_id("file-drop").locator("input").set_input_files([picture("red"), text, picture("blue")])
    cards = page.get_by_test_id("image-card")
    expect(cards).to_have_count(2)
    expect(page.get_by_test_id("upload")).to_have_count(1)
    expect(page.get_by_test_id("upload-error")).to_contain_text("picture")
    cards.nth(1).get_by_test_id("image-alt").fill("A blue one")
    cards.nth(1).get_by_test_id("image-alt").press("Alt+ArrowUp")
    expect(cards.nth(0).get_by_test_id("image-alt")).to_have_value("A blue one")
    expect(cards.nth(0)).to_contain_text("Main picture")
    expect(page.get_by_test_id("toast-info").first).to_be_visible()
    cards.nth(1).get_by_role("button", name=re.compile("Actions for")).click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_test_id("confirm").click()
    expect(cards).to_have_count(1)
    assert [image["alt"] for image in part_of(staff, part)["images"]] == ["A blue one"]


def test_specifications_are_pasted_and_ordered_by_the_keyboard(
    opened: Callable[..., Page], create: Callable[..., dict], staff: httpx.Client
) -> None:
    part = create(specifications=[{"name": "Bore", "value": "20", "unit": "mm"}, {"name": "Width", "value": "14", "unit": "mm"}])
    page = opened(part, "specifications")
    rows = page.get_by_test_id("specification-row")
    width = rows.nth(1).locator("[data-column=name]")
    width.press("Alt+ArrowUp")
    expect(rows.nth(0).locator("[data-column=name]")).to_have_value("Width")
    expect(rows.nth(0).locator("[data-column=name]")).to_be_focused()
    page.get_by_test_id("paste-table").click()
    dialog = page.get_by_test_id("paste-dialog")
    dialog.locator("textarea").fill("Size\tLoad\t12\tkN\nSize\tMass\t0.1\tkg")
    expect(dialog).to_contain_text("2 rows")
    dialog.get_by_test_id("paste-add").click()
    save(page)
    shown = [(one["group"], one["name"], one["value"], one["unit"]) for one in part_of(staff, part)["specifications"]]
    assert shown == [
        ("", "Width", "14", "mm"),
        ("", "Bore", "20", "mm"),
        ("Size", "Load", "12", "kN"),
        ("Size", "Mass", "0.1", "kg"),
    ]
    page.get_by_test_id("add-row").click()
    page.get_by_test_id("save").click()
    expect(rows.nth(4)).to_contain_text("Give it a name.")


def test_a_viewer_reads_and_changes_nothing(
    opened: Callable[..., Page], create: Callable[..., dict], person: Callable[..., tuple[str, str]]
) -> None:
    part = create(prices=[{"currency": "EUR", "amount": "10.00"}])
    page = opened(part, who=person("viewer"))
    expect(field(page, "part_name")).to_be_disabled()
    for side in ("content", "specifications", "images", "prices", "stock"):
        page.get_by_test_id(f"tab-{side}").click()
        page.wait_for_url(f"**/{side}")
        expect(page.get_by_test_id("preview-name")).to_be_visible()
        for control in ("save", "status-menu", "file-drop", "adjust", "add-row", "add-price"):
            expect(page.get_by_test_id(control)).to_be_hidden()
