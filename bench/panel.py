"""How the panel's grid feels with 100,000 parts: `python -m bench.panel [PARTS]`, in a real Chromium.

Prints how long the server takes for the grid's first rows, how many tasks keep the browser for longer than 50 ms while the grid
is scrolled, and how long an edit takes from Enter to the confirmation on the screen.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench import catalog
from bench.chromium import launch, log_in
from bench.system import System, own_stack
from devserver import Stack

OPENINGS, SCROLLS, EDITS = 20, 120, 15
# A task that takes longer is felt, in milliseconds: see "Long Tasks API", W3C.
_WATCH = """
    window.longTasks = [];
    new PerformanceObserver((list) => window.longTasks.push(...list.getEntries().map((one) => one.duration)))
      .observe({ entryTypes: ["longtask"] });
"""


def somebody(system: System) -> tuple[str, str]:
    """Add a member of the staff, since a system of our own has none yet; return their e-mail address and password."""
    client, email = system.client(), "bench@lockstep.example"
    return email, client.call("POST", "/admin/users", {"email": email, "name": "Bench", "role": "admin"}).body["password"]


def opening(system: System) -> list[float]:
    """Return how long the server took for the first rows, in milliseconds, several times."""
    client, took = system.client(), []
    for _ in range(OPENINGS):
        start = time.perf_counter()
        assert client.call("GET", "/admin/parts?limit=100&sort=sku").status == 200
        took.append((time.perf_counter() - start) * 1000)
    return took


def scrolling(page: Page) -> list[float]:
    """Scroll through the grid; return the tasks of the browser that took long, in milliseconds."""
    page.evaluate(_WATCH)
    row = page.get_by_test_id("stock-row").nth(3)
    row.hover()
    for _ in range(SCROLLS):
        page.mouse.wheel(0, 400)
        page.wait_for_timeout(25)
    return list(page.evaluate("window.longTasks"))


def editing(page: Page) -> list[float]:
    """Edit stock; return how long each edit took from Enter to its confirmation, in milliseconds."""
    took = []
    for number in range(EDITS):
        row = page.get_by_test_id("stock-row").nth(2)
        row.get_by_test_id("cell-current_stock").dblclick()
        field = page.get_by_test_id("cell-input")
        field.fill(str(1000 + number))
        page.evaluate("""() => {
            window.acknowledged = new Promise((resolve) => {
                let start = 0;
                const pressed = (event) => { if (event.key === "Enter") start = performance.now(); };
                addEventListener("keydown", pressed, { capture: true });
                new MutationObserver((_, observer) => {
                    if (!start || !document.querySelector("[data-testid=mark-saved]")) return;
                    observer.disconnect();
                    resolve(performance.now() - start);
                }).observe(document.body, { subtree: true, childList: true, attributes: true });
            });
        }""")
        field.press("Enter")
        took.append(float(page.evaluate("window.acknowledged")))
        page.wait_for_timeout(2500)
    return took


def main() -> None:
    """Run it on a system of its own and print."""
    parts = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory(prefix="lockstep-panel-") as home, own_stack(Path(home)) as system:
        stack = system.stack
        assert isinstance(stack, Stack)
        catalog.fill(stack.settings.database_url, parts)
        opened = opening(system)
        with sync_playwright() as playwright:
            browser = launch(playwright)
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            log_in(stack, page, *somebody(system))
            page.goto(f"{stack.url}/panel/stock")
            page.get_by_test_id("stock-row").first.wait_for()
            long = scrolling(page)
            page.goto(f"{stack.url}/panel/stock")
            page.get_by_test_id("stock-row").first.wait_for()
            edits = editing(page)
            browser.close()
    print(f"{parts:,} parts")
    print(f"first rows, at the server: p50 {statistics.median(opened):.0f} ms, max {max(opened):.0f} ms")
    print(f"tasks over 50 ms while scrolling: {len(long)}{f', the longest {max(long):.0f} ms' if long else ''}")
    print(f"edit, from Enter to the tick: p50 {statistics.median(edits):.0f} ms, max {max(edits):.0f} ms")


if __name__ == "__main__":
    main()
