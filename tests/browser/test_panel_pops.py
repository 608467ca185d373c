"""The panel's screens for operations in a real browser: imports, the synchronisation, and the home page that leads to them."""

import re
import subprocess
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import psutil
import pytest
from playwright.sync_api import BrowserContext, FilePayload, Locator, Page, expect
from sqlalchemy import Engine, create_engine, text

from bench.chromium import log_in
from config import REPOSITORY
from devserver import Stack

AUDIT = "persist_audit"
LOOKS = 30


@pytest.fixture
def panel(stack: Stack, context: Callable[..., BrowserContext]) -> Page:
    """The panel, logged in as the administrator."""
    page = context().new_page()
    log_in(stack, page, stack.settings.admin_email, stack.settings.admin_password)
    return page


@pytest.fixture
def viewer(stack: Stack, context: Callable[..., BrowserContext]) -> Page:
    """The panel, logged in as somebody who may only read."""
    email, password = f"{uuid4().hex[:8]}@shop.example", "correct horse battery staple"
    command = [REPOSITORY / ".venv/bin/flask", "create-user", email, "--name", "Vi", "--role", "viewer", "--password", password]
    subprocess.run(command, cwd=REPOSITORY, env=stack.environ, check=True, capture_output=True)
    page = context().new_page()
    log_in(stack, page, email, password)
    return page


@pytest.fixture(scope="module")
def engine(stack: Stack) -> Iterator[Engine]:
    """The shop's database."""
    engine = create_engine(stack.settings.database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def create(staff: httpx.Client) -> Callable[[], dict]:
    """Make published parts with a SKU of their own."""

    def make() -> dict:
        body = {"sku": f"POPS-{uuid4().hex[:10]}", "part_name": f"Spindle {uuid4().hex[:6]}", "status": "published"}
        return dict(staff.post("/parts", json=body | {"stock": {"current_stock": 10}}).raise_for_status().json())

    return make


def csv(*lines: str, name: str = "parts.csv") -> FilePayload:
    return {"name": name, "mimeType": "text/csv", "buffer": "\n".join(lines).encode()}


def drop(panel: Page, file: FilePayload) -> None:
    panel.locator("input[type=file]").set_input_files(file)


def open_imports(stack: Stack, panel: Page) -> None:
    panel.goto(f"{stack.url}/panel/imports")
    panel.get_by_test_id("file-drop").wait_for()


def confirm(panel: Page) -> None:
    panel.get_by_test_id("confirm").click()
    expect(panel.get_by_test_id("confirm-dialog")).to_be_hidden()


def by_sku(staff: httpx.Client, sku: str) -> list[dict]:
    return list(staff.get("/parts", params={"q": sku, "limit": 5}).raise_for_status().json()["items"])


def test_an_import_is_checked_confirmed_and_undone_but_for_what_was_changed_since(
    stack: Stack, panel: Page, staff: httpx.Client
) -> None:
    first, second = f"POPS-{uuid4().hex[:8]}", f"POPS-{uuid4().hex[:8]}"
    open_imports(stack, panel)
    watcher = panel.context.new_page()
    watcher.goto(f"{stack.url}/panel/imports")
    watcher.get_by_test_id("file-drop").wait_for()

    drop(
        panel,
        csv("SKU;Name;Price (EUR);Stock;Sale price", f"{first};One;12,50;3;9", f"{second};Two;1,25;4;1", name=f"{first}.csv"),
    )
    # The list has states too.
    panel.wait_for_url(re.compile(r"/imports/\d+$"))
    # Nobody has said yet what the sale price decides.
    expect(panel.get_by_test_id("job-state")).to_have_text("Refused")
    column = panel.get_by_test_id("column").filter(has_text="Sale price")
    expect(column).to_contain_text("say what it is")
    column.get_by_role("combobox").click()
    panel.get_by_role("option", name="Price", exact=True).click()
    expect(panel.get_by_role("alert").filter(has_text="Another column gives")).to_have_count(2)
    expect(panel.get_by_test_id("check-again")).to_be_disabled()
    column.get_by_role("combobox").click()
    panel.get_by_role("option", name="Not read").click()
    panel.get_by_test_id("check-again").click()

    expect(panel.get_by_test_id("job-state")).to_have_text("Checked")
    expect(panel.get_by_test_id("count-created")).to_have_text("2")
    assert by_sku(staff, first) == []
    panel.get_by_test_id("import-now").click()
    expect(panel.get_by_test_id("confirm-dialog")).to_contain_text("2 parts will be new")
    confirm(panel)
    expect(panel.get_by_test_id("job-state")).to_have_text("Imported")
    part, other = by_sku(staff, first)[0], by_sku(staff, second)[0]
    # Whoever looks at the list sees it without asking for it.
    rows = watcher.get_by_test_id("import-row").filter(has_text=first)
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("Imported")

    staff.put(f"/parts/{part['id']}", json={"part_name": "Renamed since"}).raise_for_status()
    panel.get_by_test_id("undo-import").click()
    conflicts = panel.get_by_test_id("conflicts")
    expect(conflicts).to_contain_text(first)
    expect(conflicts).not_to_contain_text(second)
    assert by_sku(staff, second) != []
    panel.get_by_test_id("undo-now").click()
    confirm(panel)
    expect(panel.get_by_test_id("job-state")).to_have_text("Undone")
    # Either says so of the other.
    panel.get_by_role("link", name=re.compile(r"^Import \d+$")).click()
    undone = panel.get_by_test_id("undone-by")
    expect(undone).to_contain_text("This import was undone")
    undone.get_by_role("link").click()
    expect(panel.get_by_test_id("job-state")).to_have_text("Undone")
    assert staff.get(f"/parts/{other['id']}").json()["status"] == "archived"
    kept = staff.get(f"/parts/{part['id']}").json()
    assert (kept["status"] == "archived", kept["part_name"]) == (False, "Renamed since")


def test_what_is_wrong_with_a_file_is_listed_by_line_and_the_mended_one_goes_on(
    stack: Stack, panel: Page, staff: httpx.Client
) -> None:
    sku = f"POPS-{uuid4().hex[:8]}"
    open_imports(stack, panel)
    drop(panel, csv())
    expect(panel.get_by_test_id("refusal")).to_contain_text("parts.csv is empty")
    drop(panel, {"name": "parts.xlsx", "mimeType": "application/zip", "buffer": b"PK\x03\x04 and so on"})
    expect(panel.get_by_test_id("refusal")).to_contain_text("save it as CSV UTF-8")
    drop(panel, csv("SKU,Name,Price (EUR),Stock", f"{sku},One,1.00,1", f"{sku}2,,cheap,1"))
    panel.get_by_test_id("next-step").wait_for()
    expect(panel.get_by_test_id("job-state")).to_have_text("Refused")
    faults = panel.get_by_test_id("fault")
    expect(faults.first).to_contain_text("3")
    with panel.expect_download() as download:
        panel.get_by_role("link", name="Errors as CSV").click()
    lines = download.value.path().read_text("utf-8-sig").splitlines()
    assert lines[0] == "line,field,reason"
    assert len(lines) == 1 + faults.count()
    # Another tab, or this one after a reload, does not have the file.
    panel.reload()
    expect(panel.get_by_test_id("import-now")).to_be_hidden()
    drop(panel, csv("SKU,Name,Price (EUR),Stock", f"{sku},One,1.00,1"))
    expect(panel.get_by_test_id("job-state")).to_have_text("Checked")
    expect(panel.get_by_test_id("import-now")).to_be_visible()


def test_an_import_that_goes_on_can_be_cancelled(stack: Stack, panel: Page) -> None:
    open_imports(stack, panel)
    rows = (f"POPS-{number},Cancelled {number},1.00,1" for number in range(60_000))
    drop(panel, csv("SKU,Name,Price (EUR),Stock", *rows))
    panel.get_by_test_id("cancel-import").click()
    confirm(panel)
    expect(panel.get_by_test_id("job-state")).to_have_text("Cancelled")


@pytest.fixture
def dead(staff: httpx.Client, engine: Engine, create: Callable[[], dict]) -> Callable[[str], None]:
    """Make a stock write whose audit row was given up, with an error."""

    def make(error: str) -> None:
        answer = staff.post(f"/parts/{create()['id']}/stock/adjustments", json={"delta": 1, "reason": "counted"})
        event_id = answer.raise_for_status().headers["X-Event-IDs"]
        # Nobody else may settle it any more.
        for _ in range(1_000):
            if staff.get(f"/events/{event_id}").json()["effects"][AUDIT]["state"] == "done":
                break
        with engine.begin() as connection:
            connection.execute(
                text("""
                    UPDATE outbox_deliveries d
                    SET state = 'dead', attempts = 12, last_error = :error, done_at = NULL,
                        failures = jsonb_build_array(
                            jsonb_build_object('attempt', 11, 'at', clock_timestamp(), 'error', 'what failed before'),
                            jsonb_build_object('attempt', 12, 'at', clock_timestamp(), 'error', CAST(:error AS text)))
                    FROM outbox_events e WHERE e.id = d.event_id AND e.event_id = :event_id AND d.effect = :effect
                """),
                {"error": error, "event_id": event_id, "effect": AUDIT},
            )

    return make


def test_dead_letters_are_delivered_again_or_discarded_with_a_reason_one_or_all_that_match(
    stack: Stack, panel: Page, staff: httpx.Client, dead: Callable[[str], None]
) -> None:
    error = f"Broken{uuid4().hex[:8]}"
    for number in range(3):
        dead(f"{error}: {number}")
    panel.goto(f"{stack.url}/panel/sync?error={error}")
    letters = panel.get_by_test_id("dead-letter")
    expect(letters).to_have_count(3)
    letters.first.get_by_role("button", name="stock.updated", exact=True).click()
    dialog = panel.get_by_role("dialog")
    expect(dialog.get_by_test_id("letter-error")).to_contain_text(error)
    attempts = dialog.get_by_test_id("failures").get_by_role("listitem")
    expect(attempts).to_have_count(2)
    expect(attempts.first).to_contain_text("what failed before")
    expect(attempts.last).to_contain_text("Attempt 12")
    expect(dialog).to_contain_text("counted")
    dialog.get_by_role("button", name="Deliver again").click()
    confirm(panel)
    expect(letters).to_have_count(2)

    panel.get_by_test_id("discard-all").click()
    expect(panel.get_by_test_id("confirm-dialog")).to_contain_text("Discard 2 deliveries?")
    expect(panel.get_by_test_id("confirm")).to_be_disabled()
    panel.get_by_test_id("discard-reason").fill("the shelf is gone")
    confirm(panel)
    expect(letters).to_have_count(0)
    row = staff.get("/audit", params={"table_name": "dead_letters"}).json()["items"][0]
    assert (row["reason"], row["new_values"]["deliveries"]) == ("the shelf is gone", {AUDIT: 2})

    for number in range(2):
        dead(f"{error}: {number}")
    panel.reload()
    expect(letters).to_have_count(2)
    panel.get_by_test_id("replay-all").click()
    confirm(panel)
    expect(letters).to_have_count(0)


def test_the_sync_screen_says_which_workers_live_and_when_the_timetable_ticked(stack: Stack, panel: Page) -> None:
    panel.goto(f"{stack.url}/panel/sync")
    workers = panel.get_by_test_id("worker")
    expect(workers).to_have_count(2)
    expect(workers.filter(has_text="sync.live")).to_have_count(1)
    expect(workers.filter(has_text="sync.records")).to_have_count(1)
    expect(panel.get_by_test_id("beat")).to_contain_text("last ticked")
    expect(panel.get_by_test_id("component-worker")).to_contain_text("Well")
    expect(panel.get_by_test_id("component-beat")).to_contain_text("Well")
    expect(panel.get_by_test_id("flower")).to_have_attribute("href", f"http://127.0.0.1:{stack.settings.flower_port}/")


def test_reconciliation_says_what_differs_before_it_repairs_it(
    stack: Stack, panel: Page, staff: httpx.Client, engine: Engine, create: Callable[[], dict]
) -> None:
    panel.goto(f"{stack.url}/panel/sync")
    result, drift = panel.get_by_test_id("reconcile-result"), panel.get_by_test_id("drift")

    def compare(button: str) -> None:
        # A run on the timetable may be under way.
        for _ in range(LOOKS):
            panel.get_by_test_id(button).click()
            if button == "reconcile-run":
                confirm(panel)
            expect(panel.get_by_test_id("reconcile-dry")).to_have_text("Compare now, change nothing")
            if "Nothing was compared" not in result.inner_text():
                return

    # The run on the timetable may also be the first to find it.
    for _ in range(LOOKS):
        part = create()
        with engine.begin() as connection:
            connection.execute(text("SET LOCAL lockstep.writer = 'application'"))
            connection.execute(text("UPDATE stock_levels SET current_stock = 77 WHERE part_id = :id"), {"id": part["id"]})
        compare("reconcile-dry")
        if str(part["id"]) in result.inner_text():
            break
    expect(result).to_contain_text("would be repaired")
    expect(result).to_contain_text("Stock row changed unnoticed")
    compare("reconcile-run")
    assert staff.get(f"/parts/{part['id']}").json()["stock"]["version"] == 2
    # It was found by this run, or by the one on the timetable, and is explained field by field.
    panel.reload()
    panel.get_by_text(re.compile("The latest .*finding")).click()
    told = drift.filter(has_text=f"part {part['id']}").first
    expect(told).to_contain_text("current_stock")
    expect(told).to_contain_text("77")
    expect(told).to_contain_text("repaired")


def test_on_a_phone_every_figure_of_an_effect_is_on_the_screen_under_its_name(stack: Stack, panel: Page) -> None:
    panel.set_viewport_size({"width": 375, "height": 740})
    panel.goto(f"{stack.url}/panel/sync")
    effect = panel.get_by_test_id(f"effect-{AUDIT}")
    expect(effect).to_be_visible()
    figures = effect.locator("td").all()
    assert len(figures) == 9
    for figure in figures:
        box = figure.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= 375 - box["width"]
        assert figure.evaluate("cell => getComputedStyle(cell, '::before').content.length") > 2


def test_on_a_phone_an_import_is_a_card_and_nothing_of_it_is_beside_the_screen(
    stack: Stack, panel: Page, staff: httpx.Client
) -> None:
    open_imports(stack, panel)
    name = f"{'a-very-long-name-of-a-file-' * 4}{uuid4().hex[:8]}.csv"
    drop(panel, csv("sku,name", f"POPS-{uuid4().hex[:8]},One", name=name))
    panel.wait_for_url(re.compile(r"/imports/\d+$"))
    panel.set_viewport_size({"width": 375, "height": 740})
    panel.goto(f"{stack.url}/panel/imports")
    row = panel.get_by_test_id("import-row").filter(has_text=name)
    expect(row).to_contain_text("Checked")
    frame = panel.locator(".table-frame")
    assert frame.evaluate("frame => frame.scrollWidth <= frame.clientWidth")
    labels = [cell.evaluate("cell => getComputedStyle(cell, '::before').content") for cell in row.locator(".number").all()]
    assert labels == ['"New"', '"Changed"', '"Unchanged"', '"Errors"']


TILES = {
    "low-stock": r"/panel/stock\?low_stock=true",
    "out-of-stock": r"/panel/stock\?out_of_stock=true",
    "drafts": r"/panel/parts\?status=draft",
    "dead-letters": r"/panel/sync$",
    "propagation": r"/panel/sync$",
    "reconciliation": r"/panel/sync$",
}


def test_the_home_page_leads_to_the_lists_and_shows_changes_as_they_are_made(
    stack: Stack, panel: Page, staff: httpx.Client, create: Callable[[], dict]
) -> None:
    part = create()
    panel.goto(f"{stack.url}/panel/")
    changes = panel.get_by_test_id("change")
    expect(changes.filter(has_text=part["part_name"])).to_contain_text("New part")
    # The worker writes it down after the panel has heard of it.
    worker = psutil.Process(stack.pid("worker"))
    frozen = [worker, *worker.children(recursive=True)]
    for process in frozen:
        process.suspend()
    try:
        with panel.expect_response(lambda answer: "/admin/audit" in answer.url):
            staff.put(f"/parts/{part['id']}/stock", json={"current_stock": 1234}).raise_for_status()
    finally:
        for process in frozen:
            process.resume()
    expect(changes.first).to_contain_text("Stock 10 → 1,234", timeout=8_000)
    expect(changes.first).to_contain_text(f"by {stack.settings.admin_email.split('@')[0].title()}")
    for tile, address in TILES.items():
        panel.get_by_test_id(f"tile-{tile}").click()
        expect(panel).to_have_url(re.compile(address))
        panel.go_back()
    changes.first.get_by_role("link").click()
    expect(panel).to_have_url(re.compile(rf"/panel/parts/{part['id']}/content"))


def answers(panel: Page, path: str, body: object) -> None:
    panel.route(re.compile(rf"/api/v1/admin/{path}(\?|$)"), lambda route: route.fulfill(json=body))


def test_an_empty_shop_says_how_to_begin(stack: Stack, panel: Page, staff: httpx.Client) -> None:
    nothing = {"items": [], "next_cursor": None}
    figures = staff.get("/overview").json() | {"low_stock": 0, "out_of_stock": 0, "drafts": 0, "archived": 0}
    for path, body in {"overview": figures, "parts": nothing, "imports": nothing, "sync/dead-letters": nothing}.items():
        answers(panel, path, body)
    panel.goto(f"{stack.url}/panel/")
    steps = panel.get_by_test_id("first-steps")
    expect(steps.get_by_role("link")).to_have_count(3)
    steps.get_by_role("link", name="Import a catalogue").click()
    expect(panel.get_by_test_id("empty-state")).to_contain_text("No imports yet")
    panel.goto(f"{stack.url}/panel/sync")
    expect(panel.get_by_test_id("dead-letters")).to_contain_text("No dead letters")


def gone(panel: Page, *names: str) -> list[Locator]:
    return [panel.get_by_test_id(name) for name in names]


def test_who_may_only_read_is_offered_nothing_else(stack: Stack, viewer: Page, dead: Callable[[str], None]) -> None:
    dead(f"Broken{uuid4().hex[:8]}")
    viewer.goto(f"{stack.url}/panel/sync")
    viewer.get_by_test_id("dead-letter").first.wait_for()
    for button in gone(viewer, "replay-all", "discard-all", "reconcile-dry"):
        expect(button).to_be_hidden()
    viewer.goto(f"{stack.url}/panel/imports")
    viewer.get_by_test_id("import-row").or_(viewer.get_by_test_id("empty-state")).first.wait_for()
    expect(viewer.get_by_test_id("file-drop")).to_be_hidden()
