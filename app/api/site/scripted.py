"""The pages of which the application alone knows what they show: it is kept in the browser, or in the address."""

from app.api.site.formats import formats
from app.api.site.pages import Page

# Each with the application's component that shows it, its title and its description.
SCRIPTED = {
    "compare": ("compare-page", "compareTitle", "compareDescription"),
    "list": ("list-page", "listTitle", "listDescription"),
}


def scripted_page(name: str) -> Page:
    """Return such a page, with its heading. Search engines find nothing on it."""
    texts = formats().texts
    component, title, description = SCRIPTED[name]
    heading = texts["buy"][title]
    shown = {"component": component, "page_title": heading}
    return Page(heading, texts["server"][description], "site/scripted.html", shown, here=f"/{name}")
