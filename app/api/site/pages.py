"""The first HTML of the customers' pages: what a search engine and a browser without JavaScript read, in the application's shell.

The application takes its first state from the data in it (`web/src/first.ts`), and then shows the same in its own markup, whose
classes and scopes (`data-v-…`, named after the components) the templates share, so that nothing moves.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from textwrap import shorten
from typing import Any
from urllib.parse import quote

import orjson
from flask import Response, request
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from app.api.rendering import KeptBytes, etag_of
from app.api.site.drawings import hue
from app.api.site.files import ASKED_EACH_TIME, Frame
from app.api.site.formats import Formats, formats
from app.api.site.texts import LANGUAGES
from app.cache.manager import Result
from app.services import rich_text

# As much of a description as search engines show.
MAX_DESCRIPTION = 160
# Bytes of pages that a process keeps: some hundred, of which many are asked for again and again.
KEPT = 8_000_000
# What closes a script element, or opens a comment in one; and the line ends that JSON has and JavaScript once had not.
_UNSAFE = {"<": "\\u003c", "\u2028": "\\u2028", "\u2029": "\\u2029"}
_ADDRESS = re.compile(r"https://[^\s/@]+(?:/\S*)?")
# The members of structured data that hold addresses.
_ADDRESSES = {"url", "item", "image", "urlTemplate"}


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer of the API as it stands: to what it is one, and what it says."""

    path: str
    query: dict[str, Any]
    body: Any
    status: int = 200


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the site.

    Attributes:
        title: before the shop's name, which is all of it if this is empty.
        module: the application's page (`web/src/pages/`).
        template: shows the page; `shown` is what it shows.
        here: the page's own address, below the site's origin, whether search engines are to find it or not.
        address: where search engines are to find this page, below the site's origin; None if they are not.
        answers: the answers of the API that it was made of; `tokens` those that tell when they may differ.
    """

    title: str
    description: str
    template: str
    module: str = ""
    shown: dict[str, Any] = field(default_factory=dict)
    here: str = "/"
    address: str | None = None
    json_ld: dict[str, Any] | None = None
    properties: dict[str, str] = field(default_factory=dict)
    answers: Sequence[Asked] = ()
    tokens: dict[str, str] = field(default_factory=dict)
    result: Result = Result.HIT
    status: int = 200


def answer(frame: Frame, page: Page) -> Response:
    """Return a page with a strong ETag, for which `app.api.content_coding` answers 304 to clients that hold it."""
    origin, written = request.host_url.rstrip("/"), formats()
    # Everything that the HTML is made of. Making it takes ten times as long.
    key = etag_of(orjson.dumps([page, origin, written.tag, frame.digest]))
    data = _made.get(key, lambda: html(frame, page, origin, written).encode())
    response = Response(data, page.status, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = ASKED_EACH_TIME
    response.headers["X-Cache"] = str(page.result)
    response.headers["Content-Language"] = written.language
    response.vary.update(("Accept-Language", "Cookie"))
    if page.status == 200:
        response.set_etag(etag_of(data))
    return response


def html(frame: Frame, page: Page, origin: str, formats: Formats) -> str:
    """Return a page as HTML.

    Args:
        origin: the site's, with which every address begins that others read.
    """
    described = page.json_ld and as_json(absolute(page.json_ld, origin))
    properties = {name: _absolute(value, origin) for name, value in page.properties.items()}
    canonical = None if page.address is None else origin + page.address
    title = f"{page.title} – {formats.texts['shop']['name']}" if page.title else formats.texts["shop"]["name"]
    language = {"t": formats.texts, "formats": formats, "switches": _switches(page.here, formats.language)}
    modules = [address for name in (page.module, formats.language) for address in frame.modules.get(name, ())]
    head = _HEAD.render(
        page=page, title=title, modules=modules, canonical=canonical, described=described, properties=properties, **language
    )
    shown = _ENVIRONMENT.get_template(page.template).render(drawings=frame.drawings, **language, **page.shown)
    first = {"answers": [asdict(one) for one in page.answers], **page.tokens}
    return frame.around(formats.tag, head, shown, _DATA.render(first=as_json(first)) if page.answers else "")


def _switches(here: str, present: str) -> list[dict[str, str]]:
    """Return the other languages, each with the address that shows this page in it."""
    return [
        {"language": language, "name": name, "url": f"{here}{'&' if '?' in here else '?'}lang={language}"}
        for language, name in LANGUAGES.items()
        if language != present
    ]


def as_json(value: Any) -> Markup:
    """Return a value as JSON that is safe as the text of a script element."""
    text = orjson.dumps(value).decode()
    for character, escape in _UNSAFE.items():
        text = text.replace(character, escape)
    return Markup(text)  # noqa: S704 — nothing in it can end the element


def absolute(described: Any, origin: str, name: str = "") -> Any:
    """Return structured data with the site's origin before its addresses."""
    if isinstance(described, dict):
        return {key: absolute(value, origin, key) for key, value in described.items()}
    if isinstance(described, list):
        return [absolute(value, origin, name) for value in described]
    return _absolute(described, origin) if name in _ADDRESSES else described


def _absolute(address: Any, origin: str) -> Any:
    return origin + address if isinstance(address, str) and address.startswith("/") else address


def picture_properties(picture: dict[str, Any]) -> dict[str, str]:
    """Return a picture in the words of the Open Graph protocol."""
    return {
        "og:image": picture["url"],
        "og:image:width": str(picture["width"]),
        "og:image:height": str(picture["height"]),
        "og:image:alt": picture["alt"],
    }


def shortened(text: str) -> str:
    """Return as much of a text as search engines show, in whole words."""
    return shorten(text, MAX_DESCRIPTION, placeholder=" …") or text[:MAX_DESCRIPTION]


def stock_text(stock: dict[str, Any], formats: Formats) -> str:
    """Return a stock in words."""
    texts: dict[str, str] = formats.texts["stock"]
    if not stock["is_in_stock"]:
        return texts["out"]
    return texts["low"].format(count=formats.number(stock["available_stock"])) if stock["is_low_stock"] else texts["inStock"]


def is_address(value: str) -> bool:
    """Return whether a specification's value is the address of a data sheet, say; whatever else it is, it is text."""
    return _ADDRESS.fullmatch(value) is not None


def part_address(part: Mapping[str, Any]) -> str:
    """Return the address of a part's page, below the site's origin."""
    return f"/parts/{part['id']}/{quote(part['slug'], safe='')}"


_ENVIRONMENT = Environment(
    loader=PackageLoader("app"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=StrictUndefined,
    auto_reload=False,
)
_ENVIRONMENT.globals |= {"stock_text": stock_text, "part_address": part_address, "hue": hue}
_ENVIRONMENT.tests |= {"html": rich_text.is_html, "address": is_address}
_ENVIRONMENT.filters |= {"closed": lambda text: Markup(rich_text.closed(text))}  # noqa: S704 — sanitised
_made: KeptBytes[bytes] = KeptBytes(KEPT)
_HEAD = _ENVIRONMENT.get_template("site/head.html")
_DATA = _ENVIRONMENT.get_template("site/data.html")
