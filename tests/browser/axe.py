"""What axe finds on a page, in both colours, and what a narrow screen does not hold."""

from playwright.sync_api import Page

from bench.system import wait_until
from config import REPOSITORY

AXE = (REPOSITORY / "app" / "frontend" / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
NARROW = {"width": 320, "height": 640}
WIDE = {"width": 1280, "height": 800}
AT_REST = """() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))).then(() =>
    Promise.allSettled(document.getAnimations().filter((one) => one instanceof CSSTransition).map((one) => one.finished)))"""
RUN = """rules => axe.run(document, rules ? { runOnly: rules } : {}).then(({ violations }) =>
    violations.flatMap(({ id, nodes }) => nodes.slice(0, 3).map(({ target }) => `${id}: ${target.join(" ")}`)))"""

# Words that have room for a letter or two a line, because what holds them was squeezed.
SQUEEZED = """() => {
    const found = [];
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = texts.nextNode(); node; node = texts.nextNode()) {
        if (!node.parentElement.checkVisibility() || node.parentElement.clientWidth > 60) continue;
        for (const { 0: word, index } of node.data.matchAll(/[\\p{L}]{3,12}/gu)) {
            const range = document.createRange();
            range.setStart(node, index);
            range.setEnd(node, index + word.length);
            if (new Set([...range.getClientRects()].map(({ top }) => Math.round(top))).size > 2) found.push(word);
        }
    }
    return found;
}"""


def faults(page: Page, *rules: str) -> list[str]:
    # A colour half-way through a transition is nobody's.
    page.evaluate(AT_REST)
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    return list(page.evaluate(RUN, list(rules) or None))


def looked_over(page: Page) -> list[str]:
    """What is wrong with what the page shows, in both colours and on a narrow screen."""
    page.emulate_media(color_scheme="light")
    found = faults(page)
    page.emulate_media(color_scheme="dark")
    found += [f"dark {fault}" for fault in faults(page, "color-contrast")]
    page.set_viewport_size(NARROW)
    # The navigation becomes a drawer once the page has noticed.
    wait_until(lambda: not too_narrow(page), within=3)
    found += too_narrow(page)
    page.set_viewport_size(WIDE)
    return found


def too_narrow(page: Page) -> list[str]:
    """What a narrow screen does not hold."""
    pixels = int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))
    found = [f"{pixels} px beside the page at 320 px"] if pixels > 0 else []
    return found + [f"no room for {word!r} at 320 px" for word in page.evaluate(SQUEEZED)]


def assert_nothing(wrong: dict[str, list[str]]) -> None:
    lines = [f"{where}: {fault}" for where, found in wrong.items() for fault in found]
    assert not lines, "\n".join(lines)
