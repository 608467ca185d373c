"""The stock grid for a whole catalogue: keys, paste, changes of many parts, and a list of several server pages."""

import re
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Locator, Page, expect

from bench.system import wait_until
from devserver import Stack
from tests.browser.axe import faults

MANY = 320
PAGE = 100
# The word that finds them, and the parts.
Many = tuple[str, list[dict]]


@pytest.fixture(scope="module")
def imported(stack: Stack) -> Many:
    """Several server pages of parts that one word finds; return the word, and the parts in the order of their SKUs."""
    word = f"pgrid{uuid4().hex[:6]}"
    lines = [f"{word}-{n:04},Washer {word},10" for n in range(MANY)]
    with httpx.Client(base_url=f"{stack.url}/api/v1") as client:
        login = {"email": stack.settings.admin_email, "password": stack.settings.admin_password}
        client.headers["X-CSRF-Token"] = client.post("/auth/login", json=login).raise_for_status().json()["csrf_token"]
        text = "\n".join(["sku,part_name,current_stock", *lines])
        made = client.post("/admin/imports", files={"file": ("parts.csv", text, "text/csv")}).raise_for_status().json()
        assert wait_until(lambda: client.get(f"/admin/imports/{made['id']}").json()["state"] == "done")
        parts: list[dict] = []
        cursor = None
        while len(parts) < MANY:
            page = client.get("/admin/parts", params={"q": word, "limit": 200} | ({"cursor": cursor} if cursor else {})).json()
            parts += page["items"]
            cursor = page["next_cursor"]
    return word, parts


@pytest.fixture
def many(imported: Many, staff: httpx.Client) -> Many:
    """These parts, with ten of each that tests change, whatever the tests before have made of them."""
    _, parts = imported
    changed = [*parts[:8], parts[200]]
    for part, count in zip(changed, counts(staff, changed), strict=True):
        if count != 10:
            staff.put(f"/parts/{part['id']}/stock", json={"current_stock": 10}).raise_for_status()
    return imported


def row_of(panel: Page, part: dict) -> Locator:
    return panel.locator(f"[data-testid=stock-row][data-part-id='{part['id']}']")


def cell_of(panel: Page, part: dict, cell: str = "current_stock") -> Locator:
    return row_of(panel, part).get_by_test_id(f"cell-{cell}")


def go_to(panel: Page, word: str) -> None:
    """Search, and go to the first row."""
    panel.keyboard.press("/")
    panel.keyboard.type(word)
    panel.keyboard.press("Enter")
    panel.wait_for_url(f"**q={word}")
    expect(panel.get_by_test_id("stock-row").first.get_by_test_id("cell-current_stock")).to_be_focused()


def scroll_to(panel: Page, row: int) -> None:
    """Scroll until this row is the first on the screen, however many pages have to be read for that."""
    panel.wait_for_function(
        """row => {
            const frame = document.querySelector(".frame");
            frame.scrollTo(0, 28 * row);
            return Math.abs(frame.scrollTop - 28 * row) < 28;
        }""",
        arg=row,
    )


def counts(staff: httpx.Client, parts: list[dict]) -> list[int]:
    return [staff.get(f"/parts/{part['id']}").raise_for_status().json()["stock"]["current_stock"] for part in parts]


def test_finding_a_part_and_setting_its_count_takes_thirteen_keys(panel: Page, staff: httpx.Client) -> None:
    part = next(one for one in staff.get("/parts", params={"q": "6204-2RS"}).json()["items"] if one["sku"] == "6204-2RS")
    panel.keyboard.press("/")
    panel.keyboard.type("6204-2RS")
    panel.keyboard.press("Enter")
    expect(cell_of(panel, part)).to_be_focused()
    panel.keyboard.type("12")
    panel.keyboard.press("Enter")
    expect(row_of(panel, part).get_by_test_id("mark-saved")).to_be_visible()
    assert counts(staff, [part]) == [12]


def test_a_list_of_several_pages_is_one_list_and_few_of_its_rows_are_in_the_document(panel: Page, many: Many) -> None:
    word, parts = many
    go_to(panel, word)
    grid = panel.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", "-1")
    for page in range(1, (MANY - 1) // PAGE + 1):
        panel.keyboard.press("Control+End")
        expect(row_of(panel, parts[page * PAGE])).to_be_attached()
    panel.keyboard.press("Control+End")
    expect(row_of(panel, parts[-1])).to_be_visible()
    expect(grid).to_have_attribute("aria-rowcount", str(MANY + 1))
    expect(row_of(panel, parts[-1])).to_have_attribute("aria-rowindex", str(MANY + 1))
    assert panel.get_by_test_id("stock-row").count() < 80
    panel.keyboard.press("Control+Home")
    expect(row_of(panel, parts[0])).to_be_visible()


NEW_AT_ONCE = """() => {
    window.atOnce = [];
    const rows = (nodes) => [...nodes].filter((node) => node.dataset?.partId).length;
    new MutationObserver((records) => window.atOnce.push(records.reduce((sum, one) => sum + rows(one.addedNodes), 0)))
        .observe(document.querySelector("[role=grid] tbody"), { childList: true });
}"""


@pytest.mark.parametrize("language", ["en", "de"])
def test_on_a_desk_every_heading_is_whole(panel: Page, language: str) -> None:
    panel.evaluate(f"localStorage.setItem('lockstep.preferences', JSON.stringify({{ language: '{language}' }}))")
    panel.set_viewport_size({"width": 1440, "height": 900})
    panel.reload()
    panel.get_by_test_id("stock-row").first.wait_for()
    cut = "(cells) => cells.filter((one) => one.scrollWidth > one.clientWidth).map((one) => one.innerText)"
    assert panel.locator(".grid th").evaluate_all(cut) == []


def test_after_a_leap_the_rows_come_a_few_at_a_time_and_all_of_them(panel: Page, many: Many) -> None:
    word, parts = many
    go_to(panel, word)
    panel.evaluate(NEW_AT_ONCE)
    scroll_to(panel, 60)
    for part in parts[60:80]:
        expect(row_of(panel, part)).to_be_attached()
    # More of them would keep the browser busy for longer than is felt.
    assert 0 < max(panel.evaluate("window.atOnce")) <= 12


def test_the_focus_and_an_open_cell_stay_when_their_row_is_scrolled_far_away(panel: Page, many: Many) -> None:
    word, parts = many
    go_to(panel, word)
    panel.keyboard.type("7")
    scroll_to(panel, 150)
    expect(row_of(panel, parts[150])).to_be_visible()
    field = panel.get_by_test_id("cell-input")
    expect(field).to_be_focused()
    panel.keyboard.type("7")
    expect(field).to_have_value("77")
    panel.keyboard.press("Escape")
    expect(cell_of(panel, parts[0])).to_be_focused()
    expect(cell_of(panel, parts[0])).to_be_in_viewport()


def test_a_reload_comes_back_to_the_same_rows_and_back_from_a_part_to_its_row(panel: Page, many: Many) -> None:
    word, parts = many
    go_to(panel, word)
    scroll_to(panel, 130)
    expect(row_of(panel, parts[135])).to_be_visible()
    panel.wait_for_function("() => Boolean(history.state.place?.cursor)")
    panel.reload()
    expect(row_of(panel, parts[110])).to_be_visible()
    cell_of(panel, parts[110]).click()
    panel.keyboard.press("e")
    panel.wait_for_url(f"**/parts/{parts[110]['id']}/content")
    panel.go_back()
    expect(row_of(panel, parts[110])).to_be_in_viewport()


def test_enter_goes_down_and_up_and_signs_and_sums_are_understood(panel: Page, many: Many, staff: httpx.Client) -> None:
    word, parts = many
    mine = parts[:3]
    go_to(panel, word)
    for typed, key in (("+5", "Enter"), ("-2", "Enter"), ("=20+4", "Shift+Enter")):
        panel.keyboard.type(typed)
        panel.keyboard.press(key)
    expect(cell_of(panel, mine[1])).to_be_focused()
    assert wait_until(lambda: counts(staff, mine) == [15, 8, 24])
    expect(panel.get_by_test_id("mark-sending")).to_have_count(0)
    # Each Ctrl+Z takes one back, the last first.
    for left in ([15, 8, 10], [15, 10, 10], [10, 10, 10]):
        panel.keyboard.press("Control+z")
        for part, count in zip(mine, left, strict=True):
            expect(cell_of(panel, part).get_by_test_id("cell-value")).to_have_text(str(count))
        expect(panel.get_by_test_id("mark-sending")).to_have_count(0)
    assert wait_until(lambda: counts(staff, mine) == [10, 10, 10])


def test_a_selection_is_changed_at_once_after_a_preview_and_taken_back_at_once(
    panel: Page, many: Many, staff: httpx.Client
) -> None:
    word, parts = many
    mine = parts[:4]
    go_to(panel, word)
    panel.keyboard.press("Space")
    for _ in range(3):
        panel.keyboard.press("Shift+ArrowDown")
    expect(panel.get_by_test_id("selection-bar")).to_contain_text("4 rows selected")
    panel.keyboard.type("33")
    panel.keyboard.press("Control+Enter")
    dialog = panel.get_by_test_id("bulk-dialog")
    expect(dialog.get_by_test_id("bulk-row")).to_have_count(4)
    expect(dialog.get_by_test_id("bulk-touches")).to_contain_text("touches 4 parts")
    assert counts(staff, mine) == [10] * 4
    # Somebody is faster: nothing is made, and the preview says what is true now.
    staff.put(f"/parts/{mine[1]['id']}/stock", json={"current_stock": 11}).raise_for_status()
    dialog.get_by_test_id("bulk-reason").fill("Counted twice")
    dialog.get_by_test_id("bulk-apply").click()
    expect(dialog.get_by_test_id("bulk-problem")).to_contain_text("look again")
    expect(dialog).to_contain_text("11")
    assert counts(staff, mine) == [10, 11, 10, 10]
    dialog.get_by_test_id("bulk-apply").click()
    expect(dialog).to_be_hidden()
    for part in mine:
        expect(cell_of(panel, part).get_by_test_id("cell-value")).to_have_text("33")
    assert counts(staff, mine) == [33] * 4
    panel.get_by_test_id("toast-action").last.click()
    for part, count in zip(mine, (10, 11, 10, 10), strict=True):
        expect(cell_of(panel, part).get_by_test_id("cell-value")).to_have_text(str(count))
    assert counts(staff, mine) == [10, 11, 10, 10]
    staff.put(f"/parts/{mine[1]['id']}/stock", json={"current_stock": 10}).raise_for_status()


def test_columns_go_to_a_spreadsheet_and_come_back_after_a_preview(panel: Page, many: Many, staff: httpx.Client) -> None:
    word, parts = many
    go_to(panel, word)
    panel.context.grant_permissions(["clipboard-read", "clipboard-write"])
    panel.keyboard.press("Shift+ArrowDown")
    panel.keyboard.press("ArrowLeft")
    panel.keyboard.press("ArrowLeft")
    panel.keyboard.press("Control+c")
    assert panel.evaluate("navigator.clipboard.readText()") == f"{parts[0]['sku']}\n{parts[1]['sku']}"
    panel.keyboard.press("Escape")
    pasted = f"SKU\\tCount\\n{parts[200]['sku']}\\t41\\n{parts[5]['sku']}\\t-3\\nnowhere-{word}\\t1\\n{parts[6]['sku']}\\t1.000"
    panel.evaluate(f"navigator.clipboard.writeText('{pasted}')")
    panel.keyboard.press("Control+v")
    dialog = panel.get_by_test_id("bulk-dialog")
    expect(dialog.get_by_test_id("bulk-faults")).to_contain_text("1.000")
    expect(dialog.get_by_test_id("bulk-row")).to_have_count(3)
    expect(dialog.get_by_test_id("bulk-apply")).to_be_disabled()
    dialog.get_by_test_id("bulk-skip").check()
    dialog.get_by_test_id("bulk-apply").click()
    expect(dialog).to_be_hidden()
    assert counts(staff, [parts[200], parts[5], parts[6]]) == [41, 7, 10]
    panel.keyboard.press("Control+z")
    expect(panel.get_by_test_id("toast-info").last).to_contain_text("Taken back: 2 parts")
    assert counts(staff, [parts[200], parts[5]]) == [10, 10]


def test_the_inspector_follows_the_focus_and_is_current(panel: Page, many: Many, staff: httpx.Client) -> None:
    word, parts = many
    go_to(panel, word)
    panel.keyboard.press("i")
    inspector = panel.get_by_test_id("inspector")
    expect(inspector).to_contain_text(parts[0]["sku"])
    panel.keyboard.press("ArrowDown")
    expect(inspector).to_contain_text(parts[1]["sku"])
    found = {"delta": 4, "reason": "Found behind the shelf"}
    staff.post(f"/parts/{parts[1]['id']}/stock/adjustments", json=found).raise_for_status()
    assert counts(staff, [parts[1]]) == [14]
    expect(inspector.get_by_test_id("inspector-on-hand")).to_have_text("14")
    expect(inspector).to_contain_text("Found behind the shelf")
    staff.post(f"/parts/{parts[1]['id']}/stock/adjustments", json={"delta": -4}).raise_for_status()
    panel.reload()
    expect(inspector).to_be_visible()
    panel.get_by_test_id("inspector-toggle").click()
    expect(inspector).to_be_hidden()


def test_a_view_is_kept_under_its_name_and_saved_as_a_file(panel: Page, many: Many, tmp_path: Path) -> None:
    word, _ = many
    go_to(panel, word)
    panel.locator("select[name=sort]").select_option("-sku")
    panel.wait_for_url("**sort=-sku")
    panel.get_by_role("button", name="Columns").click()
    panel.get_by_role("checkbox", name="Threshold").uncheck()
    panel.keyboard.press("Escape")
    expect(panel.get_by_role("columnheader", name="Threshold")).to_be_hidden()
    panel.get_by_role("button", name="Views").click()
    panel.get_by_test_id("view-name").fill("Washers")
    panel.get_by_test_id("view-save").click()
    panel.keyboard.press("Escape")
    with panel.expect_download() as download:
        panel.get_by_test_id("csv").click()
    download.value.save_as(tmp_path / "view.csv")
    lines = (tmp_path / "view.csv").read_bytes().decode("utf-8").split("\r\n")
    assert lines[0] == "\ufeffSKU,Name,On hand,Reserved,Available,Status,Updated,By"
    assert len(lines) == MANY + 2
    assert lines[1].startswith(f"{word}-{MANY - 1:04},Washer {word},")
    panel.get_by_role("button", name="Columns").click()
    panel.get_by_role("checkbox", name="Threshold").check()
    panel.keyboard.press("Escape")
    panel.goto(re.sub(r"\?.*", "", panel.url))
    panel.get_by_role("button", name="Views").click()
    panel.get_by_test_id("saved-view").get_by_role("button", name="Washers").first.click()
    panel.wait_for_url(f"**q={word}*sort=-sku")
    expect(panel.get_by_role("columnheader", name="Threshold")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_inaccessible_with_everything_open(scheme: str, panel: Page, many: Many) -> None:
    word, _ = many
    panel.emulate_media(color_scheme=scheme)
    go_to(panel, word)
    panel.keyboard.press("i")
    expect(panel.get_by_test_id("inspector")).to_contain_text(word)
    panel.keyboard.press("Space")
    assert faults(panel) == []
    panel.get_by_test_id("bulk-open").click()
    panel.get_by_test_id("bulk-value").fill("5")
    panel.keyboard.press("Enter")
    expect(panel.get_by_test_id("bulk-row")).to_have_count(1)
    assert faults(panel) == []
