"""What search engines are told: where they may go (`/robots.txt`), and every address of the site (`/sitemap.xml`)."""

from collections.abc import Iterator
from datetime import datetime
from xml.sax.saxutils import escape

from flask import Blueprint, Response, abort, request, stream_with_context
from sqlalchemy import Row

from app.api.content_coding import is_held
from app.api.context import admit_customer, container
from app.api.public.catalog import facets_of
from app.api.rendering import etag_of
from app.api.schemas.search import FilterQuerySchema
from app.api.site.pages import part_address
from app.cache.dependencies import sources
from app.contract import cache_keys
from app.contract.events import ListFacet
from app.contract.formats import rfc3339
from app.domain.stock import MAX_QUANTITY
from app.services.product_page import category_address
from app.store import sitemap

# Search engines read it a few times a day at most.
CACHE_CONTROL = "public, max-age=300"
# What tells that an address has come, gone or changed; the times of the last changes may lag behind.
_ADDRESSES = [cache_keys.generation(facet) for facet in (ListFacet.MEMBERS, ListFacet.ADDRESS)]
_BEGINNING = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE = "http://www.sitemaps.org/schemas/sitemap/0.9"


def register(blueprint: Blueprint) -> None:
    """Add the views to the site's blueprint."""

    @blueprint.get("/robots.txt")
    def robots() -> Response:
        lines = ("User-agent: *", "Disallow: /panel/", "Disallow: /api/", "", f"Sitemap: {_origin()}/sitemap.xml", "")
        return _whole("\n".join(lines), "text/plain")

    @blueprint.get("/sitemap.xml")
    def index() -> Response:
        admit_customer()
        sources().names.update(_ADDRESSES)
        names = ["lists", *(f"parts-{number}" for number in sitemap.files(container().reading))]
        entries = "".join(f"<sitemap><loc>{_loc(f'/sitemaps/{name}.xml')}</loc></sitemap>\n" for name in names)
        return _whole(f'{_BEGINNING}<sitemapindex xmlns="{_NAMESPACE}">\n{entries}</sitemapindex>\n', "application/xml")

    @blueprint.get("/sitemaps/lists.xml")
    def lists() -> Response:
        admit_customer()
        facets, _result = facets_of(FilterQuerySchema().load({}))
        slugs = [one["slug"] for one in facets["categories"] if one["count"]]
        addresses = ["/", "/parts", *map(category_address, slugs)]
        entries = "".join(f"<url><loc>{_loc(address)}</loc></url>\n" for address in addresses)
        return _whole(f'{_BEGINNING}<urlset xmlns="{_NAMESPACE}">\n{entries}</urlset>\n', "application/xml")

    @blueprint.get("/sitemaps/parts-<int:number>.xml")
    def parts(number: int) -> Response:
        admit_customer()
        sources().names.update(_ADDRESSES)
        reading = container().reading
        state = sitemap.state(reading, number) if number <= MAX_QUANTITY // sitemap.FILE else None
        if state is None:
            abort(404, "There is no such sitemap.")
        response = Response(content_type="application/xml")
        response.headers["Cache-Control"] = CACHE_CONTROL
        if not is_held(response, etag_of(f"{_origin()} {state}".encode()), None) and request.method == "GET":
            response.response = stream_with_context(_entries(number))
        # What is read for it later may be newer than this.
        response.set_etag(response.get_etag()[0] or "", weak=True)
        return response


def _entries(number: int) -> Iterator[bytes]:
    yield f'{_BEGINNING}<urlset xmlns="{_NAMESPACE}">\n'.encode()
    for parts in sitemap.slices(container().reading, number):
        yield "".join(map(_entry, parts)).encode()
    yield b"</urlset>\n"


def _entry(part: Row[tuple[int, str, datetime]]) -> str:
    address = part_address({"id": part.id, "slug": part.slug})
    return f"<url><loc>{_loc(address)}</loc><lastmod>{rfc3339(part.updated_at)}</lastmod></url>\n"


def _whole(text: str, content_type: str) -> Response:
    data = text.encode()
    response = Response(data, content_type=content_type)
    response.headers["Cache-Control"] = CACHE_CONTROL
    is_held(response, etag_of(data), None)
    return response


def _origin() -> str:
    return request.host_url.rstrip("/")


def _loc(address: str) -> str:
    return escape(_origin() + address)
