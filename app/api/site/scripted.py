"""The pages of which the application alone knows what they show: it is kept in the browser, or in the address."""

from app.api.site.formats import formats
from app.api.site.pages import Page

# Each with the application's component that shows it.
SCRIPTED = {"compare": "compare-page", "list": "list-page"}


def scripted_page(name: str) -> Page:
    """Return such a page, with its heading. Search engines find nothing on it."""
    texts = formats().texts
    title = texts["buy"][f"{name}Title"]
    shown = {"component": SCRIPTED[name], "page_title": title}
    return Page(title, texts["server"][f"{name}Description"], "site/scripted.html", shown, here=f"/{name}")
