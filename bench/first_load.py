"""What a first visit costs: `python -m bench.first_load`, in a real Chromium, with the demo catalog.

Prints for each kind of page, by a desktop browser and by a phone with a slow line and processor: when the largest thing was
painted (LCP), how far things moved (CLS), and how much was transferred, all of it and the scripts, in the median of several
visits with an empty cache. Both metrics are Chromium's (W3C, "Largest Contentful Paint" and "Layout Instability").
"""

import statistics
import tempfile
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, sync_playwright

from bench.chromium import launch
from bench.system import Client
from devserver import Stack

VISITS = 5
# Milliseconds after the load event in which nothing may move.
SETTLES = 1500
DESKTOP: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {"viewport": {"width": 375, "height": 800}, "is_mobile": True, "has_touch": True}
# Lighthouse's "slow 4G", bytes a second and milliseconds, and how many times slower the phone's processor is.
SLOW_LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 90_000}
SLOWER = 4
_WATCH = """
    window.measured = { lcp: 0, cls: 0 };
    new PerformanceObserver((list) => { for (const one of list.getEntries()) measured.lcp = one.startTime; })
      .observe({ type: "largest-contentful-paint", buffered: true });
    const moved = (one) => { if (!one.hadRecentInput) measured.cls += one.value; };
    new PerformanceObserver((list) => list.getEntries().forEach(moved))
      .observe({ type: "layout-shift", buffered: true });
"""


@dataclass(frozen=True, slots=True)
class Visit:
    """One visit with an empty cache: milliseconds, the layout's shift, and kilobytes as they went over the line."""

    lcp: float
    cls: float
    transferred: float
    scripts: float


def visit(browser: Browser, address: str, device: dict[str, Any], *, is_slow: bool) -> Visit:
    """Open a page in a new profile."""
    context = browser.new_context(**device)
    page = context.new_page()
    session = context.new_cdp_session(page)
    sizes: dict[str, float] = {}
    kinds: dict[str, str] = {}
    session.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"] / 1000}))
    session.send("Network.enable")
    if is_slow:
        session.send("Network.emulateNetworkConditions", SLOW_LINE)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    page.add_init_script(_WATCH)
    page.goto(address)
    page.wait_for_timeout(SETTLES)
    seen = page.evaluate("measured")
    context.close()
    scripts = sum(size for request, size in sizes.items() if kinds.get(request) == "Script")
    return Visit(seen["lcp"], seen["cls"], sum(sizes.values()), scripts)


def addresses(url: str) -> dict[str, str]:
    """Return an address of each kind of page, as a search engine finds them."""
    with closing(Client(url)) as client:
        part = client.call("GET", "/parts?limit=1&in_stock=true").body["items"][0]
        tree = client.call("GET", "/parts/facets").body["categories"]
    leaf = next(one for one in tree if one["parent_id"] is not None)
    return {
        "home": "/", "list": "/parts", "search": "/parts?q=bearing", "category": f"/c/{leaf['slug']}",
        "part": f"/parts/{part['id']}/{part['slug']}",
    }  # fmt: skip


def table(rows: Sequence[tuple[str, list[Visit]]]) -> None:
    """Print the median of each figure, and the worst shift."""
    print(f"{'page':22}{'LCP ms':>9}{'CLS':>8}{'all kB':>9}{'script kB':>11}")
    for name, visits in rows:
        of = {one.name: [getattr(seen, one.name) for seen in visits] for one in fields(Visit)}
        middle = {figure: statistics.median(values) for figure, values in of.items()}
        print(f"{name:22}{middle['lcp']:9.0f}{max(of['cls']):8.4f}{middle['transferred']:9.0f}{middle['scripts']:11.0f}")


def main() -> None:
    """Run it on a stack of its own and print."""
    with tempfile.TemporaryDirectory(prefix="lockstep-first-load-") as home, Stack(Path(home), {}) as stack:
        pages = addresses(stack.url)
        rows = []
        with sync_playwright() as playwright:
            browser = launch(playwright)
            for name, path in pages.items():
                for device, is_slow in ((DESKTOP, False), (PHONE, True)):
                    visits = [visit(browser, stack.url + path, device, is_slow=is_slow) for _ in range(VISITS)]
                    rows.append((f"{name}, {'phone' if is_slow else 'desktop'}", visits))
            browser.close()
        table(rows)


if __name__ == "__main__":
    main()
