"""A real Chromium, and the panel in it."""

import subprocess

from playwright.sync_api import Browser, Page, Playwright

from config import REPOSITORY
from devserver import Stack


def launch(playwright: Playwright) -> Browser:
    """Start the Chromium that npm's @sparticuz/chromium carries."""
    node = subprocess.run(
        [REPOSITORY / ".venv/bin/node", "scripts/chromium-path.mjs"],
        cwd=REPOSITORY / "app" / "frontend", check=True, capture_output=True, text=True,
    )  # fmt: skip
    return playwright.chromium.launch(
        executable_path=node.stdout.strip(),
        args=[
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
        ],
    )


def log_in(stack: Stack, page: Page, email: str, password: str) -> None:
    """Open the panel as somebody, at its home."""
    page.goto(f"{stack.url}/panel/")
    form = page.get_by_test_id("login-form")
    form.locator("input[type=email]").fill(email)
    form.locator("input[type=password]").fill(password)
    form.locator("button[type=submit]").click()
    page.get_by_test_id("log-out").wait_for()
