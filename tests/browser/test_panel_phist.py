"""A part's history, the shop's activity, and the journey of a write, in a real browser."""

import csv
import io
import re
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from devserver import Stack
from tests.browser.axe import faults


@pytest.fixture
def part(staff: httpx.Client) -> dict:
    """A part with four versions: a draft, published, with another name and text, and with another specification."""
    steel, brass = (
        [{"name": "Cage", "value": value}, {"name": "Bore", "value": "20", "unit": "mm"}] for value in ("Steel", "Brass")
    )
    body = {
        "sku": f"phist-{uuid4().hex[:10]}", "part_name": "Bearing 7204", "status": "draft", "specifications": steel,
        "description": "<p>For high axial loads.</p><ul><li>Steel cage</li></ul>", "stock": {"current_stock": 9},
        "prices": [{"currency": "EUR", "amount": "12.40"}],
    }  # fmt: skip
    made = dict(staff.post("/parts", json=body).raise_for_status().json())
    url = f"/parts/{made['id']}"
    staff.put(url, json={"status": "published", "reason": "Ready"}).raise_for_status()
    text = "<p>For high axial and radial loads.</p><ul><li>Brass cage</li></ul>"
    changed = {"part_name": "Bearing 7204 B", "description": text, "reason": "as the supplier says"}
    staff.put(url, json=changed).raise_for_status()
    made["published"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    staff.put(f"{url}/specifications", json={"specifications": brass}).raise_for_status()
    return made


@pytest.fixture
def panel(stack: Stack, context: Callable[..., BrowserContext]) -> Page:
    """The panel, logged in as the administrator, on whichever screen that leads to."""
    page = context().new_page()
    page.goto(f"{stack.url}/panel/login")
    form = page.get_by_test_id("login-form")
    form.locator("input[type=email]").fill(stack.settings.admin_email)
    form.locator("input[type=password]").fill(stack.settings.admin_password)
    form.locator("button[type=submit]").click()
    page.get_by_test_id("log-out").wait_for()
    return page


def go(panel: Page, path: str) -> None:
    panel.goto(re.sub(r"/panel/.*", f"/panel{path}", panel.url))


def test_versions_that_are_kept_after_their_events_were_sent_appear(panel: Page, part: dict) -> None:
    """The worker was busy: what it keeps comes when nothing is announced any more."""
    asked = []

    def late(route: Route) -> None:
        answer = route.fetch()
        asked.append(answer.url)
        body = answer.json()
        route.fulfill(response=answer, json={**body, "items": body["items"][-1:]} if len(asked) < 3 else body)

    panel.route(f"**/parts/{part['id']}/versions?*", late)
    go(panel, f"/parts/{part['id']}/history")
    expect(panel.get_by_test_id("version")).to_have_count(4)
    assert len(asked) >= 3


def test_two_versions_are_compared_and_one_is_restored_after_its_rehearsal(panel: Page, staff: httpx.Client, part: dict) -> None:
    go(panel, f"/parts/{part['id']}/history")
    versions = panel.get_by_test_id("version")
    expect(versions).to_have_count(4)
    expect(versions.nth(1)).to_contain_text("as the supplier says")
    panel.locator("[data-version='3']").click()
    panel.wait_for_url(lambda url: "version=3" in url)
    expect(panel.locator("[data-field='part_name'] ins")).to_contain_text("B")
    words = panel.get_by_test_id("description-words")
    expect(words.locator("del")).to_have_text(re.compile("Steel"))
    expect(words.locator("ins").first).to_contain_text("and radial")
    go(panel, f"/parts/{part['id']}/history?version=4&with=1")
    rows = panel.get_by_test_id("compare-specifications").locator("tbody tr")
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("Steel")
    panel.get_by_test_id("only-differences").uncheck()
    expect(rows).to_have_count(2)
    assert faults(panel) == []

    # What would change now is shown; the status stays unless it is chosen.
    panel.locator("[data-version='1']").click()
    panel.get_by_test_id("restore").click()
    dialog = panel.get_by_test_id("restore-dialog")
    expect(dialog.get_by_test_id("change-part_name").locator("del")).to_contain_text("B")
    expect(dialog.get_by_test_id("restore-status")).not_to_be_checked()
    dialog.get_by_test_id("restore-description").uncheck()
    expect(dialog.get_by_test_id("change-description")).to_have_count(0)
    assert faults(panel) == []

    # Somebody is faster: nothing is restored, and what is true now is shown.
    staff.put(f"/parts/{part['id']}", json={"part_name": "Bearing 7204 C"}).raise_for_status()
    dialog.get_by_test_id("restore-reason").fill("the old name")
    dialog.get_by_test_id("restore-confirm").click()
    expect(dialog.get_by_test_id("restore-moved")).to_contain_text("version 5")
    expect(dialog.get_by_test_id("change-part_name").locator("del")).to_contain_text("C")
    dialog.get_by_test_id("restore-description").uncheck()
    expect(dialog.get_by_test_id("change-description")).to_have_count(0)
    dialog.get_by_test_id("restore-confirm").click()
    expect(dialog).to_have_count(0)
    newest = panel.locator("[data-version='6']")
    expect(newest).to_contain_text("the old name")
    expect(newest.get_by_test_id("version-fresh")).to_be_visible()
    now = staff.get(f"/parts/{part['id']}").json()
    assert (now["part_name"], now["status"], "radial" in now["description"]) == ("Bearing 7204", "published", True)
    assert now["specifications"][0]["value"] == "Steel"

    # By which way each came; those of one way alone.
    expect(newest.get_by_test_id("version-source")).to_have_text("restored from 1")
    expect(panel.locator("[data-version='2']").get_by_test_id("version-source")).to_have_text("panel")
    panel.get_by_test_id("version-way").get_by_role("combobox").click()
    panel.get_by_role("option", name="restore", exact=True).click()
    expect(versions).to_have_count(1)
    panel.wait_for_url(lambda url: "source=restore" in url)
    versions.first.click()
    panel.wait_for_url(lambda url: "version=6" in url and "source=restore" in url)


def test_a_part_is_shown_as_customers_saw_it_or_why_they_did_not(panel: Page, part: dict) -> None:
    go(panel, f"/parts/{part['id']}/history?at={part['published']}")
    seen = panel.get_by_test_id("as-of-part")
    expect(seen).to_contain_text("Bearing 7204 B")
    expect(seen).to_contain_text("12.40")
    expect(seen).to_contain_text("Steel")
    assert faults(panel) == []
    time = panel.get_by_test_id("as-of-time")
    time.fill("2020-01-01T00:00:00")
    time.press("Tab")
    expect(panel.get_by_test_id("as-of-hidden")).to_contain_text("did not exist yet")
    panel.wait_for_url(lambda url: "at=20" in url)
    time.fill("2099-01-01T00:00:00")
    time.press("Tab")
    expect(panel.get_by_text("still to come")).to_be_visible()


def test_what_is_recorded_only_after_a_part_is_looked_at_appears(panel: Page, part: dict) -> None:
    """The worker was busy: the first answer knows of no version yet."""
    asked = []

    def late(route: Route) -> None:
        answer = route.fetch()
        asked.append(answer.url)
        unknown = {"visible": False, "reason": "not_created", "complete": False, "version_number": None, "part": None}
        route.fulfill(response=answer, json={**answer.json(), **(unknown if len(asked) < 3 else {})})

    panel.route(f"**/parts/{part['id']}/as-of?*", late)
    go(panel, f"/parts/{part['id']}/history?at={part['published']}")
    expect(panel.get_by_test_id("as-of-part")).to_contain_text("Bearing 7204 B")
    assert len(asked) >= 3


def test_the_trail_is_narrowed_down_leads_to_versions_and_is_a_file(panel: Page, staff: httpx.Client, part: dict) -> None:
    go(panel, f"/parts/{part['id']}/activity")
    rows = panel.get_by_test_id("audit-row")
    expect(rows).to_have_count(6)
    expect(panel.get_by_test_id("audit-chain")).to_be_visible()
    request_id = f"phist-{uuid4().hex}"
    url = f"/parts/{part['id']}"
    staff.put(
        f"{url}/stock", json={"current_stock": 4, "reason": "counted"}, headers={"X-Request-ID": request_id}
    ).raise_for_status()
    # What is read does not move: new rows are counted.
    fresh = panel.get_by_test_id("audit-fresh")
    expect(fresh).to_contain_text("1")
    expect(rows).to_have_count(6)
    fresh.click()
    expect(rows).to_have_count(7)
    rows.first.get_by_role("button").first.click()
    expect(rows.first.get_by_role("row", name="current_stock")).to_contain_text("9")
    assert faults(panel) == []
    rows.first.get_by_test_id("audit-request").click()
    panel.wait_for_url(lambda url: f"/activity?request={request_id}" in url)
    expect(rows).to_have_count(1)
    expect(rows).to_contain_text("counted")
    href = panel.get_by_test_id("audit-csv").get_attribute("href") or ""
    file = panel.request.get(re.sub(r"/panel/.*", href, panel.url)).text().lstrip("\ufeff")
    assert [row["reason"] for row in csv.DictReader(io.StringIO(file))] == ["counted"]
    panel.get_by_test_id("filters-clear").click()
    panel.get_by_test_id("filter-part").fill(str(part["id"]))
    panel.get_by_test_id("filter-part").press("Enter")
    expect(rows).to_have_count(7)
    panel.get_by_test_id("audit-version").first.click()
    panel.wait_for_url(lambda url: f"/parts/{part['id']}/history?version=4" in url)
    expect(panel.get_by_test_id("compare")).to_be_visible()


def test_after_a_save_a_line_follows_the_change_to_the_pages_that_are_open(
    stack: Stack, panel: Page, context: Callable[..., BrowserContext], part: dict
) -> None:
    shop = context().new_page()
    shop.goto(f"{stack.url}/parts/{part['id']}/{part['slug']}")
    expect(shop.get_by_text("Bearing 7204 B").first).to_be_visible()
    go(panel, f"/parts/{part['id']}/history?version=1")
    line = panel.get_by_test_id("journey-end")
    panel.get_by_test_id("restore").click()
    panel.get_by_test_id("restore-confirm").click()
    # It watches from a moment after it is shown.
    expect(line).to_contain_text(re.compile(r"live on 1 open page in \d+ (ms|s)"))
    expect(shop.get_by_text("Bearing 7204 B")).to_have_count(0)
    panel.get_by_test_id("journey").click()
    details = panel.get_by_test_id("journey-details")
    expect(details).to_contain_text("1 open page of customers was told")
    expect(details).to_contain_text("content.updated")
    for step in ("caches", "audit", "snapshot", "live"):
        expect(details.locator("li", has_text=step).locator(".number")).to_have_text(re.compile(r"\d+ (ms|s)"))
    assert faults(panel) == []
