"""The whole system, and a real Chromium looking at it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from bench.chromium import launch, log_in
from devserver import Stack
from tests.browser.storefront import Storefront, serving

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 360, "height": 740}

expect.set_options(timeout=15_000)


@pytest.fixture(scope="session")
def serving_storefront() -> Iterator[Storefront]:
    """Another shop's web site, whose origin may read ours."""
    with serving() as front:
        yield front


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, serving_storefront: Storefront) -> Iterator[Stack]:
    """`make run`, in a home of its own."""
    with Stack(tmp_path_factory.mktemp("browser"), {"LOCKSTEP_ALLOWED_ORIGINS": serving_storefront.origin}) as running:
        yield running


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """A Chromium, running."""
    with sync_playwright() as playwright:
        browser = launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, tmp_path: Path) -> Iterator[Callable[..., BrowserContext]]:
    """Make browser contexts, each like a separate browser; pages must not raise errors of their own."""
    made: list[BrowserContext] = []
    errors: list[str] = []

    def make(viewport: dict[str, int] = DESKTOP) -> BrowserContext:
        opened = chromium.new_context(viewport=viewport, locale="en-GB")
        opened.on("weberror", lambda error: errors.append(str(error.error)))
        made.append(opened)
        return opened

    yield make
    for opened in made:
        opened.close()
    assert errors == []


@pytest.fixture
def panel(stack: Stack, context: Callable[..., BrowserContext]) -> Page:
    """The panel's stock, logged in as the administrator."""
    page = context().new_page()
    log_in(stack, page, stack.settings.admin_email, stack.settings.admin_password)
    open_stock(stack, page)
    return page


def open_stock(stack: Stack, page: Page) -> None:
    """Go to the grid."""
    page.goto(f"{stack.url}/panel/stock")
    page.get_by_test_id("stock-row").first.wait_for()


@pytest.fixture
def staff(stack: Stack) -> Iterator[httpx.Client]:
    """The administrator at the API, without a browser."""
    with httpx.Client(base_url=f"{stack.url}/api/v1") as client:
        login = {"email": stack.settings.admin_email, "password": stack.settings.admin_password}
        client.headers["X-CSRF-Token"] = client.post("/auth/login", json=login).raise_for_status().json()["csrf_token"]
        client.base_url = f"{stack.url}/api/v1/admin"
        yield client


@pytest.fixture
def part(stack: Stack) -> dict:
    """A part with plenty of stock, as customers see it."""
    listed = httpx.get(f"{stack.url}/api/v1/parts", params={"q": "6204-2RS", "limit": 1}).json()
    return dict(listed["items"][0])
