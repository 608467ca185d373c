"""The site's first HTML in a real browser: read without JavaScript, and taken over without a second request or a movement."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from bench.system import wait_until
from config import REPOSITORY
from devserver import Stack
from tests.browser.conftest import DESKTOP, PHONE
from tests.sample_pictures import jpeg

# Where everything is that a visitor reads, and what it says, but for what only the application can say.
SPINDLES = "<p>For <b>lathes</b>,&nbsp;up to 8 000 rpm.</p><ul><li>steel</li><li>brass &lt; 1 %</li></ul>"
SEEN = """() => ({
    text: (() => {
        for (const own of document.querySelectorAll("main :is(.checked, .pay)")) own.style.visibility = "hidden";
        return document.querySelector("main").innerText.replace(/\\s+/g, " ");
    })(),
    title: document.title,
    drawn: [...document.querySelectorAll(".picture path")].map((path) => path.getAttribute("d")),
    tints: [...document.querySelectorAll(".picture")].map((picture) => picture.getAttribute("style").replaceAll(/[ ;]/g, "")),
    boxes: [...document.querySelectorAll("h1, h2, h3, .summary, .name, .price, .stock, .picture, .card, td, dd, .more > *")]
        .filter((element) => element.getClientRects().length)
        .map((element) => {
            const { x, y, width, height } = element.getBoundingClientRect();
            return [element.tagName.replace("A", "BUTTON"), ...[x, y, width, height].map(Math.round)].join(" ");
        }),
})"""
SHIFTS = """
    window.shifted = [];
    new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries())
            window.shifted.push([value, ...sources.map(({ node }) => node?.className)]);
    }).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def part(staff: httpx.Client) -> dict[str, Any]:
    """A part with a bit of everything."""
    word = "w" + uuid4().hex[:10]
    category = staff.post("/categories", json={"name": f"Spindles {word}", "description": SPINDLES}).raise_for_status().json()
    picture = {"image": ("a.jpg", jpeg(640, 480), "image/jpeg")}
    staff.post(f"/categories/{category['id']}/picture", files=picture, data={"alt": "A spindle"}).raise_for_status()
    body = {
        "sku": f"F-{word}", "part_name": f"Spindle {word}", "status": "published", "category_id": category["id"],
        "manufacturer": "Ferrum", "manufacturer_number": "F-1", "description": "<p>A <b>bold</b> word</p><ul><li>one</li></ul>",
        "specifications": [{"name": "Bore", "value": "20", "unit": "mm", "group": "Size"}, {"name": "Seal", "value": "2RS"}],
        "prices": [{"currency": "EUR", "amount": "1234.50"}, {"currency": "EUR", "amount": "617.25", "min_quantity": 10}],
        "stock": {"current_stock": 20, "min_stock_level": 5},
    }  # fmt: skip
    staff.post("/parts", json=body | {"sku": f"F-{word}-2", "part_name": f"Spindle {word} too"}).raise_for_status()
    return {**staff.post("/parts", json=body).raise_for_status().json(), "word": word, "category": category}


@pytest.fixture
def scriptless(chromium: Browser) -> Iterator[Page]:
    """A page of a browser without JavaScript."""
    opened = chromium.new_context(viewport=DESKTOP, locale="en-GB", java_script_enabled=False)
    yield opened.new_page()
    opened.close()


def test_without_javascript_the_list_is_read_searched_and_followed_to_a_part(
    stack: Stack, scriptless: Page, part: dict[str, Any]
) -> None:
    page = scriptless
    page.goto(f"{stack.url}/parts")
    expect(page.get_by_role("heading", level=1)).to_have_text("Parts")
    expect(page.locator("main li.card")).to_have_count(24)
    first = page.locator("main li.card h2").first.inner_text()
    page.get_by_role("link", name="Show more parts").click()
    expect(page.locator("main li.card")).to_have_count(24)
    expect(page.locator("main li.card h2").first).not_to_have_text(first)
    page.get_by_role("main").get_by_role("searchbox").fill(part["word"])
    page.get_by_role("button", name="Show").click()
    card = page.locator("main li.card").filter(has_text=f"F-{part['word']}").first
    expect(card).to_contain_text("€1,234.50")
    expect(card).to_contain_text("In stock")
    page.get_by_role("link", name=f"Spindle {part['word']}", exact=True).click()
    assert urlsplit(page.url).path == f"/parts/{part['id']}/{part['slug']}"
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Spindle {part['word']}")
    main = page.get_by_role("main")
    for said in (
        "€1,234.50",
        "In stock",
        "10 or more",
        "€617.25",
        "A bold word",
        "Bore",
        "20\u00a0mm",
        f"Spindle {part['word']} too",
    ):
        expect(main).to_contain_text(said)
    page.get_by_role("link", name=f"Spindles {part['word']}").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"Spindles {part['word']}")


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_application_takes_over_what_the_server_shows_and_nothing_moves(
    stack: Stack, context: Callable[..., BrowserContext], part: dict[str, Any], viewport: dict[str, int]
) -> None:
    opened = context(viewport)
    before, after = opened.new_page(), opened.new_page()
    # The application's script does not come.
    before.route("**/assets/*.js", lambda route: route.abort())
    after.add_init_script(SHIFTS)
    for path in (
        "/",
        "/parts",
        f"/parts?q={part['word']}",
        f"/c/{part['category']['slug']}",
        f"/parts/{part['id']}/{part['slug']}",
    ):
        before.goto(stack.url + path)
        after.goto(stack.url + path)
        expect(after.locator("[data-testid=part-name], [data-testid=related-name]").first).to_be_visible()
        shown = before.evaluate(SEEN)
        assert after.evaluate(SEEN) == shown, path
        assert len(shown["boxes"]) > 10
        assert after.evaluate("window.shifted") == [], path


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_part_that_is_no_longer_sold_is_the_same_page_for_the_application_which_asks_for_nothing_more(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, part: dict[str, Any], viewport: dict[str, int]
) -> None:
    staff.delete(f"/parts/{part['id']}").raise_for_status()
    assert wait_until(lambda: staff.get("/overview").json()["oldest_pending_seconds"] == 0)
    opened = context(viewport)
    before, after = opened.new_page(), opened.new_page()
    before.route("**/assets/*.js", lambda route: route.abort())
    after.add_init_script(SHIFTS)
    asked: list[str] = []
    after.on("request", lambda request: "/pdp/" in request.url and asked.append(request.url))
    for page in (before, after):
        answer = page.goto(f"{stack.url}/parts/{part['id']}/{part['slug']}")
        assert answer
        assert answer.status == 410
    expect(after.get_by_test_id("part-gone")).to_contain_text(f"Spindle {part['word']} is no longer available")
    shown = before.evaluate(SEEN)
    for said in (f"Spindles {part['word']}", f"SKU F-{part['word']}", "Alternatives in stock", f"Spindle {part['word']} too"):
        assert said in shown["text"]
    assert after.evaluate(SEEN) == shown
    assert (after.evaluate("window.shifted"), asked) == ([], [])
    for where in (before, after):
        field = where.get_by_role("search", name="Search for something like it").get_by_role("searchbox")
        expect(field).to_have_value(f"Spindle {part['word']}")
        field.press("Enter")
        expect(where).to_have_url(re.compile(rf"/parts\?q=Spindle(\+|%20){part['word']}"))
        expect(where.locator("main li.card")).to_have_count(1)
    after.go_back()
    expect(after.get_by_test_id("part-gone")).to_contain_text(f"SKU F-{part['word']}")
    expect(after.get_by_test_id("alternative-parts")).to_contain_text(f"Spindle {part['word']} too")
    staff.post(f"/parts/{part['id']}/restore").raise_for_status()
    expect(after.get_by_test_id("part-name")).to_have_text(f"Spindle {part['word']}")


def test_what_an_address_asks_for_in_vain_is_said_and_stays_when_the_application_takes_over(
    stack: Stack, context: Callable[..., BrowserContext], part: dict[str, Any]
) -> None:
    opened = context()
    before, after = opened.new_page(), opened.new_page()
    before.route("**/assets/*.js", lambda route: route.abort())
    after.add_init_script(SHIFTS)
    for asked, said in (
        ("min_price=cheap&max_price=1e3&currency=euro&in_stock=yes&sort=best", "“best”"),
        ("currency=QQQ", "Use an ISO 4217 code in capitals, such as EUR."),
        ("sort=relevance&in_stock=false&min_price=20&max_price=1.50", f"Nothing matches “{part['word']}” with these filters."),
    ):
        for page in (before, after):
            page.goto(f"{stack.url}/parts?q={part['word']}&{asked}")
        expect(after.get_by_test_id("search-input")).to_be_visible()
        shown = before.evaluate(SEEN)
        assert said in shown["text"]
        assert after.evaluate(SEEN) == shown, asked
        assert after.evaluate("window.shifted") == [], asked
    for page in (before, after):
        page.goto(f"{stack.url}/c/nowhere-{part['word']}")
    expect(after.get_by_test_id("empty-state")).to_contain_text("There is no such category.")
    assert after.evaluate(SEEN) == before.evaluate(SEEN)


def test_a_page_asks_for_nothing_that_came_with_it(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, part: dict[str, Any]
) -> None:
    # What is owed for a change may have lists read again at any time.
    assert wait_until(lambda: staff.get("/overview").json()["oldest_pending_seconds"] == 0)
    page = context().new_page()
    asked: list[str] = []
    page.on("request", lambda request: "/api/" in request.url and asked.append(urlsplit(request.url).path))
    page.clock.install()
    status = page.locator(f"[data-part-id='{part['id']}']").get_by_test_id("stock-status")
    for path in (f"/parts?q={part['word']}", f"/c/{part['category']['slug']}", f"/parts/{part['id']}/{part['slug']}"):
        page.goto(stack.url + path)
        # Once a change is seen, the live connection has said what it knows of the list and of the tree.
        for amount, text in ((3, "Only 3 left"), (20, "In stock")):
            staff.put(f"/parts/{part['id']}/stock", json={"current_stock": amount}).raise_for_status()
            expect(status).to_have_text(text)
        # Whatever was put off to spare the server is done now.
        page.clock.fast_forward(3_000)
        expect(status).to_be_visible()
        assert asked == [], path


def test_what_is_typed_before_the_script_is_there_is_searched_for(
    stack: Stack, context: Callable[..., BrowserContext], part: dict[str, Any]
) -> None:
    page = context().new_page()
    held: list[Route] = []
    is_held = True
    page.route("**/assets/*.js", lambda route: held.append(route) if is_held else route.continue_())
    with page.expect_request("**/assets/*.js"):
        page.goto(f"{stack.url}/parts", wait_until="commit")
    page.get_by_role("main").get_by_role("searchbox").fill(part["word"])
    assert held
    # What the first scripts ask for is let through, too.
    is_held = False
    for route in held:
        route.continue_()
    expect(page.get_by_test_id("part-card")).to_have_count(2)
    expect(page.get_by_test_id("search-input")).to_have_value(part["word"])
    expect(page.get_by_test_id("search-input")).to_be_focused()


def test_another_page_has_nothing_of_the_first_one_in_its_head(
    stack: Stack, context: Callable[..., BrowserContext], part: dict[str, Any]
) -> None:
    page = context().new_page()
    page.goto(f"{stack.url}/c/{part['category']['slug']}")
    assert page.locator("link[rel=canonical]").get_attribute("href") == f"{stack.url}/c/{part['category']['slug']}"
    page.get_by_test_id("part-card").get_by_role("link", name=f"Spindle {part['word']}", exact=True).click()
    expect(page.get_by_test_id("part-page")).to_be_visible()
    expect(page.locator("link[rel=canonical]")).to_have_count(0)
    expect(page.locator("script[type='application/ld+json']")).to_have_count(1)
    assert page.title() == f"Spindle {part['word']} – Lockstep Parts"


def _validated(*pages: Path) -> subprocess.CompletedProcess[str]:
    node = REPOSITORY / ".venv/bin/node"
    frontend = REPOSITORY / "app/frontend"
    return subprocess.run([node, "scripts/json-ld.mjs", *pages], cwd=frontend, check=False, capture_output=True, text=True)


def test_a_validator_of_schema_org_accepts_what_the_pages_describe(
    stack: Stack, staff: httpx.Client, part: dict[str, Any], tmp_path: Path
) -> None:
    # Search engines list no product without one.
    picture = {"image": ("a.jpg", jpeg(900, 600))}
    staff.post(f"/parts/{part['id']}/images", files=picture, data={"alt": "The spindle"}).raise_for_status()
    pages = []
    for name, path in (
        ("home", "/"), ("list", "/parts"), ("category", f"/c/{part['category']['slug']}"),
        ("part", f"/parts/{part['id']}/{part['slug']}"),
    ):  # fmt: skip
        page = tmp_path / f"{name}.html"
        page.write_text(httpx.get(stack.url + path, follow_redirects=True).raise_for_status().text, encoding="utf-8")
        pages.append(page)
    validated = _validated(*pages)
    assert (validated.returncode, validated.stderr) == (0, "")
    # It is not one that accepts anything.
    right = pages[-1].read_text(encoding="utf-8")
    for wrong in (
        right.replace('"availability":', '"availible":'),
        re.sub(r'"price":"[^"]*",', "", right),
        "<title>A part</title>",
    ):
        assert wrong != right
        pages[-1].write_text(wrong, encoding="utf-8")
        assert _validated(pages[-1]).returncode == 1
