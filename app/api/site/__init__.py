"""Serves the two built Vue applications, the files of the API documentation, and the script for other storefronts.

Every address gets a truthful status: a file; a page of an application (for staff its shell, which renders the page; for customers
the page itself in the shell); or 404 or 410 with a page that says so.
"""

import re
from pathlib import Path
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, request
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.api.context import admit_customer, dismiss_customer
from app.api.errors import RETRY_AFTER
from app.api.rendering import moved_response
from app.api.site import sitemap
from app.api.site.files import SHELL, Built
from app.api.site.formats import COOKIE
from app.api.site.home import home_page
from app.api.site.listing import asks_for_a_list, list_page, moved_to_list
from app.api.site.pages import answer
from app.api.site.part import not_found, part_page
from app.api.site.scripted import SCRIPTED, scripted_page
from app.api.site.texts import LANGUAGES
from app.domain.content import SLUG
from app.domain.errors import BusyError

# In any page's address: the language to be shown from now on.
SWITCH = "lang"
A_YEAR = 365 * 24 * 60 * 60
# A part cannot have a longer one.
MAX_SLUG = 200
# The pages that the applications' routers know.
_PART = re.compile(r"parts/([1-9][0-9]{0,9})(?:/([^/]+))?/?")
_CATEGORY = re.compile(r"c/([^/]+)")
_WITH_SLASH = re.compile(r"(?:parts|c/[^/]+)/")
_ID = "[1-9][0-9]{0,18}"
_PANEL = re.compile(
    rf"(?:|login|stock|parts|parts/{_ID}/(?:content|specifications|images|prices|stock|history|activity)|categories"
    rf"|imports(?:/{_ID})?|activity|sync|people|account)/?"
)


def build(frontend: Path) -> Blueprint:
    """Return the blueprint that serves what `npm run build` left in `frontend`."""
    blueprint = Blueprint("site", __name__)
    docs, staff, shop, embedded = (Built(frontend / name) for name in ("api-docs", "panel", "web", "embed"))
    blueprint.teardown_request(dismiss_customer)
    sitemap.register(blueprint)

    @blueprint.get("/api-docs/<path:name>")
    def api_docs(name: str) -> Response:
        return docs.file(name)

    @blueprint.get("/embed/v1/<path:name>")
    def embed(name: str) -> Response:
        response = embedded.file(name)
        # For pages of any origin, also those that check the script's hash or are isolated; what it may read is decided elsewhere.
        response.headers["Access-Control-Allow-Origin"] = "*"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @blueprint.get("/panel/", defaults={"name": ""})
    @blueprint.get("/panel/<path:name>")
    def panel(name: str) -> Response:
        if staff.is_file(name):
            return staff.file(name)
        return staff.shell(200 if name == SHELL or _PANEL.fullmatch(name) else 404)

    @blueprint.get("/", defaults={"name": ""})
    @blueprint.get("/<page:name>")
    def web(name: str) -> Response:
        if shop.is_file(name):
            return shop.file(name)
        if request.args.get(SWITCH) in LANGUAGES:
            return _switched(request.args[SWITCH])
        try:
            return _page(shop, name)
        except (BusyError, OperationalError, PoolTimeoutError):
            # The application explains the problem better, and retries.
            response = shop.shell(503)
            response.headers.update(RETRY_AFTER)
            return response

    return blueprint


def _switched(language: str) -> Response:
    """Return a redirect to the same page in another language, which the browser keeps. It works without JavaScript."""
    query = urlencode([(name, value) for name, value in request.args.items(multi=True) if name != SWITCH])
    location = quote(request.path) + (f"?{query}" if query else "")
    response = Response(status=302, headers={"Location": location, "Cache-Control": "no-store"})
    response.set_cookie(COOKIE, language, max_age=A_YEAR, samesite="Lax", secure=request.is_secure)
    return response


def _page(shop: Built, name: str) -> Response:
    part, category = _PART.fullmatch(name), _CATEGORY.fullmatch(name)
    slug = part[2] if part else category and category[1]
    is_known = slug is None or (len(slug) <= MAX_SLUG and re.fullmatch(SLUG, slug.lower()) is not None)
    is_known = is_known and bool(part or category or name in {"", SHELL, "parts", *SCRIPTED})
    if shop.frame is None:
        return shop.shell(200 if is_known else 404)
    if _WITH_SLASH.fullmatch(name):
        return moved_response(quote(f"/{name[:-1]}"))
    if not is_known:
        return answer(shop.frame, not_found())
    if name in SCRIPTED:
        return answer(shop.frame, scripted_page(name))
    admit_customer()
    if part:
        return part_page(shop.frame, name, int(part[1]), slug)
    if category or name == "parts":
        return list_page(shop.frame, request.args, slug)
    # Lists were at the address of the home page once.
    return moved_to_list(request.args) if asks_for_a_list(request.args) else home_page(shop.frame)
