"""`make pictures`: the pictures of README, taken of a shop with the demo catalog, which runs for that long."""

import io
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bench.chromium import launch, log_in
from config import REPOSITORY
from devserver import Stack

IMAGES = REPOSITORY / "docs" / "images"
PHONE = {"width": 390, "height": 780}
WIDE = {"width": 1440, "height": 900}
# Two windows beside each other.
HALF = {"width": 760, "height": 560}
PART = "6204-2RS"
# The moving picture: its width in pixels, and how long each of its frames is shown, in milliseconds.
WIDTH, FRAME = 1100, 140


def beside(left: bytes, right: bytes) -> Image.Image:
    """Return two screenshots of the same height beside each other."""
    one, other = (Image.open(io.BytesIO(shot)).convert("RGB") for shot in (left, right))
    both = Image.new("RGB", (one.width + other.width + 8, one.height), "#84898a")
    both.paste(one, (0, 0))
    both.paste(other, (one.width + 8, 0))
    return both


class Film:
    """A moving picture of a panel and a customer's page, frame by frame."""

    def __init__(self, panel: Page, customer: Page) -> None:
        self._panel = panel
        self._customer = customer
        self._frames: list[Image.Image] = []

    def shoot(self, frames: int = 1) -> None:
        """Add what both show now, and let some time pass."""
        for _ in range(frames):
            both = beside(self._panel.screenshot(), self._customer.screenshot())
            self._frames.append(both.resize((WIDTH, both.height * WIDTH // both.width), Image.Resampling.LANCZOS))
            self._panel.wait_for_timeout(60)

    def save(self, target: Path) -> None:
        """Write it."""
        first, *others = self._frames
        first.save(target, save_all=True, append_images=others, duration=FRAME, loop=0, quality=80, method=4)


@contextmanager
def shop() -> Iterator[tuple[Stack, Browser]]:
    """Run a shop with the demo catalog, and a browser."""
    with (
        tempfile.TemporaryDirectory(prefix="lockstep-pictures-") as home,
        Stack(Path(home)) as stack,
        sync_playwright() as playwright,
    ):
        browser = launch(playwright)
        yield stack, browser
        browser.close()


def opened(stack: Stack, browser: Browser, size: dict[str, int], path: str) -> Page:
    """Open a page of the shop; those of the panel as the administrator."""
    page = browser.new_context(viewport=size, locale="en-GB", color_scheme="light").new_page()
    if path.startswith("/panel"):
        log_in(stack, page, stack.settings.admin_email, stack.settings.admin_password)
    page.goto(stack.url + path, wait_until="networkidle")
    return page


def film(stack: Stack, browser: Browser) -> None:
    """Play an edit of stock that arrives on an open customer's page."""
    panel = opened(stack, browser, HALF, f"/panel/stock?q={PART}")
    customer = opened(stack, browser, HALF, f"/parts?q={PART}")
    customer.get_by_test_id("part-card").first.get_by_role("link").first.click()
    # What is about to change, in the middle of the window.
    customer.get_by_test_id("stock-status").evaluate("(status) => status.scrollIntoView({ block: 'center' })")
    made = Film(panel, customer)
    made.shoot(6)
    cell = panel.get_by_test_id("stock-row").first.get_by_test_id("cell-current_stock")
    for typed in ("3", "0", "250"):
        cell.dblclick()
        field = panel.get_by_test_id("cell-input")
        field.fill("")
        for letter in typed:
            field.press(letter)
            made.shoot(2)
        made.shoot(3)
        field.press("Enter")
        made.shoot(14)
    made.save(IMAGES / "edit.webp")


def main() -> None:
    """Take them all."""
    with shop() as (stack, browser):
        opened(stack, browser, WIDE, "/panel/stock").screenshot(path=IMAGES / "panel.png")
        opened(stack, browser, PHONE, "/parts").screenshot(path=IMAGES / "list-phone.png")
        part = opened(stack, browser, WIDE, f"/parts?q={PART}")
        part.get_by_test_id("part-card").first.get_by_role("link").first.click()
        part.get_by_test_id("part-name").wait_for()
        part.wait_for_load_state("networkidle")
        part.screenshot(path=IMAGES / "part.png")
        film(stack, browser)


if __name__ == "__main__":
    main()
