"""What customers see of content, search and prices, in a real browser: pages update by themselves and run no injected script."""

import json
import re
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from devserver import Stack
from tests.browser.conftest import PHONE
from tests.sample_pictures import jpeg

Create = Callable[..., dict]


@pytest.fixture
def create(staff: httpx.Client) -> Create:
    """Make published parts, ten of each in stock, with a SKU of their own."""

    def make(**columns: object) -> dict:
        body = {
            "sku": f"B-{uuid4().hex[:10]}",
            "part_name": "Test spindle",
            "status": "published",
            "stock": {"current_stock": 10},
        }
        answer = staff.post("/parts", json={**body, **columns})
        answer.raise_for_status()
        return dict(answer.json())

    return make


def put(staff: httpx.Client, path: str, body: dict) -> None:
    staff.put(path, json=body).raise_for_status()


def in_stock_filter(page: Page) -> Locator:
    return page.get_by_role("checkbox", name="In stock")


def card_of(page: Page, part: dict) -> Locator:
    return page.locator(f"[data-testid=part-card][data-part-id='{part['id']}']")


def test_a_search_with_a_typing_error_shows_what_comes_close_and_says_so(
    stack: Stack, context: Callable[..., BrowserContext]
) -> None:
    page = context().new_page()
    page.goto(f"{stack.url}/parts")
    page.get_by_test_id("search-input").fill("bearng")
    hint = page.get_by_test_id("similar-hint")
    expect(hint).to_contain_text("bearng")
    expect(page.get_by_test_id("part-name").first).to_contain_text(re.compile("bearing", re.IGNORECASE))
    page.get_by_test_id("search-input").fill("bearing")
    expect(hint).to_be_hidden()
    page.get_by_test_id("search-input").fill("qqqq xxxx jjjj")
    expect(page.get_by_test_id("empty-state")).to_contain_text("qqqq xxxx jjjj")


def test_the_counts_of_the_filters_follow_every_change(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, create: Create
) -> None:
    word = f"w{uuid4().hex[:10]}"
    first, second = create(part_name=f"{word} one"), create(part_name=f"{word} two", manufacturer="Acme")
    page = context().new_page()
    page.goto(f"{stack.url}/parts?q={word}")
    expect(page.get_by_label("In stock (2)")).to_be_visible()
    maker = page.get_by_test_id("manufacturer-filter").locator("option")
    expect(maker).to_have_text(["All makers", "Acme (1)"])
    put(staff, f"/parts/{first['id']}/stock", {"current_stock": 0})
    expect(page.get_by_label("In stock (1)")).to_be_visible()
    put(staff, f"/parts/{first['id']}", {"manufacturer": "Acme"})
    expect(maker).to_have_text(["All makers", "Acme (2)"])
    staff.delete(f"/parts/{second['id']}").raise_for_status()
    expect(maker).to_have_text(["All makers", "Acme (1)"])
    expect(page.get_by_label("In stock (0)")).to_be_visible()


def test_a_renamed_category_is_offered_and_shown_under_its_new_name(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, create: Create
) -> None:
    word = f"w{uuid4().hex[:10]}"
    category = staff.post("/categories", json={"name": f"{word} spindles"}).raise_for_status().json()
    part = create(part_name=word, category_id=category["id"])
    page = context().new_page()
    page.goto(f"{stack.url}/c/{category['slug']}")
    chosen = page.locator("select[name=category] option:checked")
    expect(chosen).to_have_text(f"{word} spindles (1)")
    put(staff, f"/categories/{category['id']}", {"name": f"{word} shafts"})
    expect(card_of(page, part)).to_contain_text(f"{word} shafts")
    expect(chosen).to_have_text(f"{word} shafts (1)")


def test_a_price_that_is_being_typed_is_not_taken_away_by_a_live_change(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, create: Create
) -> None:
    word = f"w{uuid4().hex[:10]}"
    part = create(part_name=word, prices=[{"currency": "EUR", "amount": "10.00"}])
    page = context().new_page()
    page.goto(f"{stack.url}/parts?q={word}")
    lowest = page.get_by_label("Lowest price")
    expect(lowest).to_have_attribute("placeholder", "10.00")
    lowest.press_sequentially("25")
    put(staff, f"/parts/{part['id']}/prices", {"prices": [{"currency": "EUR", "amount": "30.00"}]})
    expect(lowest).to_have_attribute("placeholder", "30.00")
    expect(lowest).to_have_value("25")
    lowest.press("Enter")
    expect(card_of(page, part)).to_be_visible()
    # A reversed price range is put in order rather than finding nothing.
    page.get_by_label("Highest price").fill("20")
    page.get_by_label("Highest price").press("Enter")
    expect(lowest).to_have_value("20")
    expect(page.get_by_label("Highest price")).to_have_value("25")
    expect(page.get_by_test_id("empty-state")).to_be_visible()


def test_back_and_forward_go_through_the_filters_and_return_to_where_the_list_was(
    stack: Stack, context: Callable[..., BrowserContext]
) -> None:
    page = context().new_page()
    page.goto(f"{stack.url}/parts?q=bearing")
    page.get_by_test_id("load-more").click()
    expect(page.get_by_test_id("part-card")).to_have_count(48)
    in_stock_filter(page).check()
    expect(page).to_have_url(f"{stack.url}/parts?q=bearing&in_stock=true")
    page.go_back()
    expect(in_stock_filter(page)).not_to_be_checked()
    expect(page.get_by_test_id("part-card")).to_have_count(24)
    page.go_forward()
    expect(in_stock_filter(page)).to_be_checked()
    page.get_by_test_id("load-more").click()
    card = page.get_by_test_id("part-card").nth(40)
    name = card.get_by_test_id("part-name").inner_text()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    card.get_by_role("link").click()
    expect(page.locator("h1")).to_have_text(name)
    page.go_back()
    expect(page.get_by_test_id("part-card").nth(40)).to_be_in_viewport()
    # Leaving the list does not request a list without its query.
    assert not [url for url in asked if "/api/v1/parts" in url and "q=bearing" not in url]


def test_a_related_part_is_shown_and_kept_current(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, part: dict
) -> None:
    page = context().new_page()
    page.goto(f"{stack.url}/parts/{part['id']}")
    card = page.get_by_test_id("related-card").first
    expect(card).to_be_visible()
    other = card.get_attribute("data-part-id")
    for amount, text in ((0, "Out of stock"), (500, "In stock")):
        put(staff, f"/parts/{other}/stock", {"current_stock": amount, "reserved_quantity": 0})
        expect(card.get_by_test_id("related-stock")).to_have_text(text)
    card.get_by_role("link").click()
    expect(page.get_by_test_id("part-page")).to_have_attribute("data-part-id", str(other))
    described = json.loads(page.locator("script[type='application/ld+json']").inner_text())
    assert (described["@type"], described["offers"]["availability"]) == ("Product", "https://schema.org/InStock")


def test_a_picture_comes_to_the_open_page_with_its_text_and_goes_again(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, create: Create
) -> None:
    part = create()
    page = context().new_page()
    page.goto(f"{stack.url}/parts/{part['id']}")
    expect(page.get_by_test_id("part-page")).to_be_visible()
    expect(page.get_by_role("img")).to_have_count(0)
    url = f"/parts/{part['id']}/images"
    for alt in ("The spindle from the front", "Its thread"):
        answer = staff.post(url, files={"image": ("a.jpg", jpeg(900, 600))}, data={"alt": alt})
        answer.raise_for_status()
    picture = page.get_by_role("img", name="The spindle from the front")
    expect(picture).to_be_visible()
    page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=picture.element_handle())
    page.get_by_role("button", name="Show picture 2 of 2").click()
    expect(page.get_by_role("img", name="Its thread")).to_be_visible()
    second = answer.json()["images"][1]["id"]
    staff.delete(f"{url}/{second}").raise_for_status()
    expect(picture).to_be_visible()
    expect(page.get_by_role("button", name="Show picture")).to_have_count(0)


EVIL = "<script>window.ran = 1</script><img src=x onerror='window.ran = 2'><b onclick='window.ran = 3'>strong</b>"


def test_rich_text_is_shown_as_such_and_nothing_that_anybody_wrote_ever_runs(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, create: Create
) -> None:
    word = f"w{uuid4().hex[:10]}"
    part = create(part_name=f"{word} {EVIL}", manufacturer=EVIL, description="5 < 6 & 7 &amp; 8")
    page = context().new_page()
    page.goto(f"{stack.url}/parts?q={word}")
    expect(card_of(page, part).get_by_test_id("part-name")).to_contain_text("onerror='window.ran = 2'")
    expect(page.get_by_test_id("manufacturer-filter").locator("option").nth(1)).to_contain_text("<script>")
    page.goto(f"{stack.url}/parts/{part['id']}")
    expect(page.locator("h1")).to_contain_text("<script>")
    expect(page.get_by_text("5 < 6 & 7 &amp; 8")).to_be_visible()
    put(staff, f"/parts/{part['id']}", {"description": f"<p>A <b>bold</b> word</p>{EVIL}"})
    expect(page.locator("b", has_text="bold")).to_be_visible()
    page.locator("b", has_text="strong").click()
    assert page.evaluate("window.ran") is None


def test_the_browser_refuses_to_run_even_what_the_server_would_let_through(
    stack: Stack, context: Callable[..., BrowserContext], part: dict
) -> None:
    page = context().new_page()

    def tamper(route: Route) -> None:
        answer = route.fetch()
        start, data, end = re.split('(?<=<script id="first" type="application/json">)(.*?)(?=</script>)', answer.text())
        first = json.loads(data)
        first["answers"][0]["body"]["part"]["description"] = EVIL
        escaped = json.dumps(first).replace("<", "\\u003c")
        route.fulfill(response=answer, body=start.replace("<main", f"{EVIL}<main") + escaped + end)

    page.route(f"**/parts/{part['id']}", tamper)
    # The live feed would bring the real description.
    page.route_web_socket("**/socket.io/**", lambda socket: socket.close())
    page.goto(f"{stack.url}/parts/{part['id']}")
    page.locator("b", has_text="strong").click()
    assert page.evaluate("window.ran") is None


@pytest.mark.parametrize("width", [320, 360, 640, 1280])
def test_a_card_keeps_its_height_whatever_becomes_of_the_stock(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, create: Create, width: int
) -> None:
    word = f"w{uuid4().hex[:10]}"
    part = create(part_name=word, prices=[{"currency": "EUR", "amount": "394.98"}])
    page = context({"width": width, "height": 740}).new_page()
    page.goto(f"{stack.url}/parts?q={word}")
    card = card_of(page, part)
    expect(card.get_by_test_id("stock-status")).to_have_text("In stock")
    height = card.evaluate("card => card.offsetHeight")
    for stock, text in (({"current_stock": 0}, "Out of stock"), ({"current_stock": 42, "min_stock_level": 50}, "Only 42 left")):
        put(staff, f"/parts/{part['id']}/stock", stock)
        expect(card.get_by_test_id("stock-status")).to_have_text(text)
        assert card.evaluate("card => card.offsetHeight") == height


def test_no_page_is_wider_than_a_small_phone(
    stack: Stack, context: Callable[..., BrowserContext], create: Create, part: dict
) -> None:
    longest = create(
        part_name="Spindle" * 20,
        manufacturer="W" * 80,
        manufacturer_number="8" * 80,
        description="<table><tr>" + "<td>diameter</td>" * 20 + "</tr></table>",
        specifications=[{"name": "n" * 80, "value": "v" * 80}],
        prices=[{"currency": "EUR", "amount": "1234567890.12"}],
    )
    page = context({**PHONE, "width": 320}).new_page()
    for path in (
        "/",
        "/parts",
        "/parts?q=bearng&in_stock=true&min_price=1",
        "/parts?q=qqqqxxxx",
        f"/parts/{part['id']}",
        f"/parts/{longest['id']}",
    ):
        page.goto(stack.url + path)
        expect(page.get_by_role("status").filter(has_text="Loading")).to_have_count(0)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 320, path


def test_an_old_link_opens_the_present_page_and_a_part_that_is_gone_says_so_with_its_status(
    stack: Stack, context: Callable[..., BrowserContext], staff: httpx.Client, create: Create
) -> None:
    part, slug = create(part_name="Łożysko"), f"w-{uuid4().hex[:8]}"
    put(staff, f"/parts/{part['id']}", {"slug": slug})
    page = context().new_page()
    coded: list[str | None] = []
    page.on("response", lambda answer: "/assets/" in answer.url and coded.append(answer.headers.get("content-encoding")))
    answer = page.goto(f"{stack.url}/parts/{part['id']}/{part['slug']}?from=mail")
    assert (answer and answer.status, page.url) == (200, f"{stack.url}/parts/{part['id']}/{slug}?from=mail")
    expect(page.get_by_test_id("part-name")).to_have_text("Łożysko")
    # Chromium accepts Brotli over HTTPS, and from localhost.
    assert coded
    assert set(coded) <= {"br", "gzip"}
    staff.delete(f"/parts/{part['id']}").raise_for_status()
    for path, status, heading in ((f"/parts/{part['id']}", 410, "part-gone"), ("/no/such/page", 404, None), ("/%00", 404, None)):
        answer = page.goto(stack.url + path)
        assert (answer and answer.status) == status
        expect(page.get_by_test_id(heading) if heading else page.get_by_role("heading", level=1)).to_be_visible()
