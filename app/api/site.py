"""Serves the two built Vue applications, the files of the API documentation, and the script for other storefronts.

The build output is read once, so no request path ever reaches the file system. Every address gets a truthful status: a file, a
page of an application (its shell, which renders the page), or 404 or 410 with the shell, which says so.
"""

import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from flask import Blueprint, Response, abort
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.api import content_coding
from app.api.context import container
from app.api.errors import RETRY_AFTER
from app.api.rendering import etag_of, moved_response
from app.domain.content import SLUG
from app.domain.errors import BusyError
from app.services.product_page import Standing

# The suffixes of the precompressed copies that `npm run build` writes next to a file.
SUFFIXES = {".br": "br", ".gz": "gzip"}
SHELL = "index.html"
# Vite puts a content hash into the names of assets.
FOR_GOOD = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"
ASKED_EACH_TIME = "no-cache"
# A part cannot have a longer one.
MAX_SLUG = 200
_TEXTS = re.compile(r"text/.*|application/(?:javascript|json|manifest\+json)")
# The pages that the applications' routers know.
_PART = re.compile(r"parts/([1-9][0-9]{0,9})(?:/([^/]+))?/?")
_ID = "[1-9][0-9]{0,18}"
_PANEL = re.compile(
    rf"(?:|login|stock|parts|parts/{_ID}/(?:content|specifications|images|prices|stock|history|activity)|categories"
    rf"|imports(?:/{_ID})?|activity|sync|people|account)/?"
)


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A file as it is sent: its bytes by coding, None meaning uncompressed."""

    content_type: str
    digest: str
    bodies: Mapping[str | None, bytes]


class Built:
    """The files below a folder, by path; read on first use and kept until the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def files(self) -> Mapping[str, BuiltFile]:
        """The files."""
        paths = [path for path in self._folder.rglob("*") if path.is_file() and path.suffix not in SUFFIXES]
        return {path.relative_to(self._folder).as_posix(): _read(path) for path in paths}

    def file(self, name: str) -> Response:
        """Return a file.

        Raises:
            NotFound: if there is none.
        """
        found = self.files.get(name)
        if found is None:
            abort(404, "There is no such file.")
        return _answer(found, FOR_GOOD if name.startswith("assets/") else FOR_AN_HOUR)

    def page(self, status: int = 200) -> Response:
        """Return the application's shell, which renders the page of the address.

        Raises:
            NotFound: if the application is not built.
        """
        shell = self.files.get(SHELL)
        if shell is None:
            abort(404, "This application is not built; `make frontend` does it.")
        return _answer(shell, ASKED_EACH_TIME, status)

    def is_file(self, name: str) -> bool:
        """Whether this is, or looks like, the path of a file and not of a page."""
        return name != SHELL and (name in self.files or name.startswith("assets/") or "." in name.rpartition("/")[2])


def build(frontend: Path) -> Blueprint:
    """Return the blueprint that serves what `npm run build` left in `frontend`."""
    blueprint = Blueprint("site", __name__)
    docs, staff, shop, embedded = (Built(frontend / name) for name in ("api-docs", "panel", "web", "embed"))

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
        return staff.page(200 if name == SHELL or _PANEL.fullmatch(name) else 404)

    @blueprint.get("/", defaults={"name": ""})
    @blueprint.get("/<page:name>")
    def web(name: str) -> Response:
        if name in {"", SHELL}:
            return shop.page()
        if part := _PART.fullmatch(name):
            return _part_page(shop, name, int(part[1]), part[2])
        return shop.file(name) if shop.is_file(name) else shop.page(404)

    return blueprint


def _part_page(shop: Built, name: str, part_id: int, slug: str | None) -> Response:
    """Answer a request for a part's page. Any slug redirects to the current one: links outlive names."""
    if slug is not None and (len(slug) > MAX_SLUG or not re.fullmatch(SLUG, slug.lower())):
        return shop.page(404)
    try:
        standing, present = container().parts.get_standing(part_id)
    except (BusyError, OperationalError, PoolTimeoutError):
        # The shell explains the problem better, and retries.
        response = shop.page(503)
        response.headers.update(RETRY_AFTER)
        return response
    if standing is not Standing.SHOWN:
        return shop.page(410 if standing is Standing.GONE else 404)
    if slug is not None and name != (address := f"parts/{part_id}/{present}"):
        return moved_response(f"/{address}")
    return shop.page()


def _read(path: Path) -> BuiltFile:
    guessed = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    content_type = f"{guessed}; charset=utf-8" if _TEXTS.fullmatch(guessed) else guessed
    data = path.read_bytes()
    coded = {coding: path.with_name(path.name + suffix) for suffix, coding in SUFFIXES.items()}
    bodies = {None: data} | {coding: there.read_bytes() for coding, there in coded.items() if there.is_file()}
    return BuiltFile(content_type, etag_of(data), bodies)


def _answer(file: BuiltFile, cache_control: str, status: int = 200) -> Response:
    coding = content_coding.chosen([known for known in file.bodies if known])
    response = Response(file.bodies[coding], status, content_type=file.content_type)
    response.headers["Cache-Control"] = cache_control
    content_coding.declare(response, coding)
    if status == 200:
        content_coding.is_held(response, file.digest, coding)
    return response
