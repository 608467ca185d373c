"""The pages of the API's documentation, in a browser that reaches our own origin only."""

from collections.abc import Callable

from playwright.sync_api import BrowserContext, expect

from devserver import Stack


def test_the_docs_list_every_call_without_asking_anybody_else(stack: Stack, context: Callable[..., BrowserContext]) -> None:
    opened = context()
    asked: list[str] = []
    complaints: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page = opened.new_page()
    page.goto(f"{stack.url}/api/v1/docs")
    call = page.locator("#operations-public-public_list_parts")
    expect(call).to_be_visible()
    call.locator("button").first.click()
    expect(call.get_by_text("Words and part numbers")).to_be_visible()
    call.get_by_role("button", name="Try it out").click()
    call.get_by_role("button", name="Execute").click()
    expect(call.locator(".live-responses-table tr.response .response-col_status")).to_contain_text("200")
    assert [url for url in asked if not url.startswith((f"{stack.url}/", "data:", "blob:"))] == []
    assert complaints == []
