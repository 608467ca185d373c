"""Pages of another origin with embed.js: the examples of docs/examples/ as they stand, and what such pages go through."""

import hashlib
import os
import re
import signal
from base64 import b64encode
from collections.abc import Callable, Iterator
from uuid import uuid4

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from bench.system import wait_until
from devserver import Stack
from tests.browser.storefront import SHOP, Storefront

Open = Callable[..., Page]
POLICY = "default-src 'none'; img-src data:; script-src {url}; connect-src {url} {socket}"


@pytest.fixture
def parts(staff: httpx.Client) -> list[dict]:
    """Two published parts, ten of each in stock."""
    made = []
    for number in (5, 6):
        body = {
            "sku": f"E-{uuid4().hex[:10]}/{number}", "part_name": f"Bearing {number}", "status": "published",
            "stock": {"current_stock": 10, "min_stock_level": 2}, "prices": [{"currency": "EUR", "amount": f"{number}.50"}],
        }  # fmt: skip
        made.append(staff.post("/parts", json=body).raise_for_status().json())
    return made


@pytest.fixture
def front(serving_storefront: Storefront, stack: Stack, parts: list[dict]) -> Iterator[Storefront]:
    """The other shop's web site, with the two parts under the SKUs that the examples name."""
    serving_storefront.words = {SHOP: stack.url, "6205-2RS": parts[0]["sku"], "6206-2RS": parts[1]["sku"]}
    yield serving_storefront
    serving_storefront.words, serving_storefront.pages, serving_storefront.policy = {}, {}, ""


@pytest.fixture
def opened(front: Storefront, context: Callable[..., BrowserContext]) -> Open:
    """Open pages of the other shop."""

    def visit(name: str, content: str | None = None, before: Callable[[Page], None] = lambda _page: None) -> Page:
        if content is not None:
            front.pages[name] = f'<!doctype html><html lang="en"><title>Page</title>{content}'
        page = context().new_page()
        before(page)
        page.goto(f"{front.origin}/{name}")
        return page

    return visit


def stock_up(staff: httpx.Client, part: dict, count: int) -> None:
    staff.put(f"/parts/{part['id']}/stock", json={"current_stock": count}).raise_for_status()


def is_up(stack: Stack) -> bool:
    try:
        return httpx.get(f"{stack.url}/readyz").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def is_live(page: Page) -> None:
    page.wait_for_function("window.lockstep && window.lockstep.status === 'live'")


SCRIPT = f'<script src="{SHOP}/embed/v1/embed.js" async></script>'
STOCK = '<b data-lockstep-part="6205-2RS" data-lockstep-field="stock">?</b>'


def test_a_price_is_shown_in_the_currency_that_the_page_names_and_follows_it(
    opened: Open, staff: httpx.Client, parts: list[dict]
) -> None:
    def cost(**amounts: str) -> None:
        prices = [{"currency": currency, "amount": amount} for currency, amount in amounts.items()]
        staff.put(f"/parts/{parts[0]['id']}/prices", json={"prices": prices}).raise_for_status()

    cost(EUR="5.50", USD="6.00")
    price = '<b data-lockstep-part="6205-2RS" data-lockstep-field="price">?</b>'
    page = opened("currencies.html", f"{SCRIPT}{price}<p data-lockstep-currency=USD>{price}</p>")
    shown = page.locator("b")
    expect(shown).to_have_text(["€5.50", "US$6.00"])
    is_live(page)
    cost(EUR="5.60", USD="6.10")
    expect(shown).to_have_text(["€5.60", "US$6.10"])
    cost(EUR="5.70")
    expect(shown).to_have_text(["€5.70", ""])
    cost(EUR="5.80", USD="6.20")
    expect(shown).to_have_text(["€5.80", "US$6.20"])
    page.evaluate(
        "sku => lockstep.watch(sku, ({ price }) => (window.told = price.amount + price.currency), { currency: 'USD' })",
        parts[0]["sku"],
    )
    page.wait_for_function("window.told === '6.20USD'")


def test_the_plain_page_shows_what_is_true_and_follows_it(opened: Open, staff: httpx.Client, parts: list[dict]) -> None:
    page = opened("plain.html")
    expect(page.locator("strong")).to_have_text("€5.50")
    expect(page.locator("p > span[data-lockstep-field=stock]")).to_have_text("10")
    expect(page.locator(".card h2")).to_have_text("Bearing 6")
    expect(page.locator(".card b")).to_have_text("€6.50")
    expect(page.locator("lockstep-part")).to_have_text("€5.50 In stock")
    is_live(page)
    stock_up(staff, parts[0], 2)
    expect(page.locator("p > span[data-lockstep-field=stock]")).to_have_text("2")
    expect(page.locator("lockstep-part")).to_have_text("€5.50 Low stock")
    staff.put(f"/parts/{parts[0]['id']}/prices", json={"prices": [{"currency": "EUR", "amount": "0.0042"}]}).raise_for_status()
    expect(page.locator("strong")).to_have_text("€0.0042")
    expect(page.get_by_role("button")).to_be_visible()
    staff.delete(f"/parts/{parts[1]['id']}").raise_for_status()
    expect(page.get_by_text("Sorry, we have none left.")).to_be_visible()
    expect(page.get_by_role("button")).to_be_hidden()
    expect(page.locator(".card")).to_have_attribute("data-lockstep-availability", "gone")
    staff.post(f"/parts/{parts[1]['id']}/restore").raise_for_status()
    expect(page.get_by_role("button")).to_be_visible()


def test_the_woocommerce_page_with_the_script_twice_is_one_page(opened: Open, staff: httpx.Client, parts: list[dict]) -> None:
    sockets: list[str] = []
    page = opened("woocommerce.html", before=lambda page: page.on("websocket", lambda socket: sockets.append(socket.url)))
    expect(page.locator("p.price")).to_have_text(re.compile(r"5,50\s€"))
    expect(page.locator("p.stock")).to_have_text("Auf Lager (10)")
    expect(page.locator("li .price")).to_have_text(re.compile(r"6,50\s€"))
    is_live(page)
    stock_up(staff, parts[0], 0)
    expect(page.locator("p.stock > span").first).to_have_text("Nicht auf Lager")
    expect(page.locator("p.stock > span").last).to_be_hidden()
    assert len(sockets) == 1


def react(route: Route) -> None:
    """Answer for esm.sh with the React that Swagger UI carries: nothing is fetched from elsewhere in tests."""
    own = """
        const spec = {openapi: "3.0.0", info: {title: "", version: ""}, paths: {}};
        const bundle = (options) => SwaggerUIBundle({spec, ...options});"""
    if "react-dom" in route.request.url:
        body = (
            own
            + """
            export const createRoot = (node) => ({render(element) {
              bundle({domNode: node, layout: "Example", plugins: [{components: {Example: () => element}}]});
            }});"""
        )
    else:
        body = (
            own
            + """
            const {React} = bundle({domNode: document.createElement("div")});
            export const {createElement, useEffect, useState} = React;"""
        )
    route.fulfill(body=body, content_type="text/javascript", headers={"Access-Control-Allow-Origin": "*"})


def test_the_react_page_is_followed_through_what_react_does(
    opened: Open, stack: Stack, staff: httpx.Client, parts: list[dict]
) -> None:
    def prepare(page: Page) -> None:
        page.route("https://esm.sh/**", react)
        page.add_init_script(httpx.get(f"{stack.url}/api-docs/swagger-ui-bundle.js").text)

    page = opened("react.html", before=prepare)
    offer = page.locator(".offer")
    expect(offer).to_have_text("Bearing 5: €5.50, 10 left")
    stock_up(staff, parts[0], 9)
    expect(offer).to_have_text("Bearing 5: €5.50, 9 left")
    page.locator("#more").click()
    expect(page.locator("#later")).to_have_text("9")
    page.locator("#other").click()
    expect(offer).to_have_text("Bearing 6: €6.50, 10 left")
    expect(page.locator("#later")).to_have_text("10")
    stock_up(staff, parts[1], 4)
    expect(offer).to_have_text("Bearing 6: €6.50, 4 left")
    expect(page.locator("#later")).to_have_text("4")


def test_what_comes_later_and_what_is_in_a_shadow_root_is_followed_under_a_strict_policy(
    opened: Open, stack: Stack, front: Storefront, staff: httpx.Client, parts: list[dict]
) -> None:
    front.policy = POLICY.format(url=stack.url, socket=stack.url.replace("http", "ws"))
    refused: list[str] = []

    def listen(page: Page) -> None:
        page.on("console", lambda said: refused.append(said.text) if "Content Security Policy" in said.text else None)

    page = opened("strict.html", f"{SCRIPT}<link rel=icon href=data:,><body></body>", listen)
    page.evaluate(
        """() => {
      const later = document.createElement("b");
      later.dataset.lockstepPart = "PART"; later.dataset.lockstepField = "stock";
      document.body.append(later);
      const root = document.body.appendChild(document.createElement("div")).attachShadow({mode: "open"});
      const inside = document.createElement("lockstep-part");
      inside.setAttribute("sku", "PART"); inside.setAttribute("field", "stock");
      root.append(inside);
    }""".replace("PART", parts[0]["sku"])
    )
    expect(page.locator("b")).to_have_text("10")
    # Playwright's selectors look into open shadow roots.
    expect(page.locator("lockstep-part")).to_have_text("10")
    is_live(page)
    stock_up(staff, parts[0], 3)
    expect(page.locator("b")).to_have_text("3")
    expect(page.locator("lockstep-part")).to_have_text("3")
    assert refused == []


def test_a_page_goes_on_after_the_shop_was_restarted(opened: Open, stack: Stack, staff: httpx.Client, parts: list[dict]) -> None:
    page = opened("restart.html", SCRIPT + STOCK)
    is_live(page)
    versions: list[str] = []
    page.expose_function("note", lambda stock: versions.append(stock))
    page.evaluate("sku => window.lockstep.watch(sku, (part) => window.note(String(part.stock)))", parts[0]["sku"])
    killed = {name: stack.pid(name) for name in ("web-1", "web-2")}
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    assert all(stack.pid(name, other_than=pid, within=60) for name, pid in killed.items())
    assert wait_until(lambda: is_up(stack))
    stock_up(staff, parts[0], 21)
    expect(page.locator("b")).to_have_text("21")
    is_live(page)
    stock_up(staff, parts[0], 22)
    expect(page.locator("b")).to_have_text("22")
    assert versions == ["10", "21", "22"]


def test_a_page_whose_websockets_are_blocked_asks_every_half_minute(opened: Open, staff: httpx.Client, parts: list[dict]) -> None:
    def prepare(page: Page) -> None:
        page.clock.install()
        page.route_web_socket(re.compile("/socket.io/"), lambda socket: socket.close())

    page = opened("blocked.html", SCRIPT + STOCK, prepare)
    expect(page.locator("b")).to_have_text("10")
    page.clock.run_for(6_000)
    page.wait_for_function("window.lockstep.status === 'polling'")
    stock_up(staff, parts[0], 8)
    page.clock.run_for(35_000)
    expect(page.locator("b")).to_have_text("8")
    stock_up(staff, parts[0], 0)
    page.clock.run_for(35_000)
    expect(page.locator("b")).to_have_text("0")


def test_a_page_that_may_not_read_the_shop_is_told_so_once(
    stack: Stack, front: Storefront, context: Callable[..., BrowserContext]
) -> None:
    front.pages["stranger.html"] = f"<!doctype html>{SCRIPT}{STOCK}"
    page, said = context().new_page(), []
    page.on("console", lambda message: said.append(message.text))
    page.clock.install()
    with page.expect_console_message(lambda message: "LOCKSTEP_ALLOWED_ORIGINS" in message.text):
        page.goto(f"{front.stranger}/stranger.html")
    with page.expect_request("**/healthz"):
        page.clock.run_for(100_000)
    page.evaluate("address => fetch(address, {mode: 'no-cors'}).then(() => undefined)", f"{stack.url}/healthz")
    complaints = [text for text in said if "LOCKSTEP_ALLOWED_ORIGINS" in text]
    assert len(complaints) == 1
    assert front.stranger in complaints[0]
    expect(page.locator("b")).to_have_text("?")


def test_the_pinned_address_has_the_hash_that_is_told_and_browsers_check_it(
    opened: Open, stack: Stack, front: Storefront
) -> None:
    told = httpx.get(f"{stack.url}/embed/v1/embed.json").json()
    script = httpx.get(stack.url + told["pinned"])
    assert told["integrity"] == "sha384-" + b64encode(hashlib.sha384(script.content).digest()).decode()
    assert "immutable" in script.headers["Cache-Control"]
    assert script.content == httpx.get(f"{stack.url}{told['script']}").content
    tag = '<script src="{}" integrity="{}" crossorigin="anonymous"></script>'
    right = opened("pinned.html", tag.format(SHOP + told["pinned"], told["integrity"]) + STOCK)
    expect(right.locator("b")).to_have_text("10")
    wrong = opened("wrong.html", tag.format(SHOP + told["pinned"], "sha384-" + "A" * 64) + STOCK)
    assert wrong.evaluate("window.lockstep === undefined")
