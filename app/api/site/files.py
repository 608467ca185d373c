"""The built files of the two Vue applications, read once, so that no request path ever reaches the file system."""

import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import orjson
from flask import Response, abort

from app.api import content_coding
from app.api.rendering import etag_of
from app.api.site import drawings
from app.api.site.drawings import Drawings

# The suffixes of the precompressed copies that `npm run build` writes next to a file.
SUFFIXES = {".br": "br", ".gz": "gzip"}
SHELL = "index.html"
# Vite puts a content hash into the names of assets.
FOR_GOOD = "public, max-age=31536000, immutable"
FOR_AN_HOUR = "public, max-age=3600"
ASKED_EACH_TIME = "no-cache"
_TEXTS = re.compile(r"text/.*|application/(?:javascript|json|manifest\+json)")
# Which scripts the pages load at once, as the build says (`web/vite.config.ts`).
_MODULES = "modules.json"
# Where a page's own HTML goes in the shell.
_LANGUAGE = re.compile(r'lang="en" data-language="undecided"')
_HEAD, _APP, _DATA = re.compile(r"<!--page:head-->.*<!--/page:head-->", re.DOTALL), "<!--page:app-->", "<!--page:data-->"


@dataclass(frozen=True, slots=True)
class BuiltFile:
    """A file as it is sent: its bytes by coding, None meaning uncompressed."""

    content_type: str
    digest: str
    bodies: Mapping[str | None, bytes]


@dataclass(frozen=True, slots=True)
class Frame:
    """The shell's HTML around what a page has of its own: its language, what its head says, what it shows, and its data.

    Attributes:
        digest: of the whole build of it, as far as pages depend on that.
        modules: addresses of scripts by what needs them, a page or a language: they are asked for before the application does.
    """

    digest: str
    drawings: Drawings
    modules: Mapping[str, Sequence[str]]
    before_language: str
    before_head: str
    before_app: str
    before_data: str
    end: str

    def around(self, language: str, head: str, app: str, data: str) -> str:
        """Return a whole page."""
        said = f'{self.before_language}lang="{language}"{self.before_head}'
        return "".join((said, head, self.before_app, app, self.before_data, data, self.end))


class Built:
    """The files below a folder, by path; read on first use and kept until the process ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @cached_property
    def files(self) -> Mapping[str, BuiltFile]:
        """The files."""
        paths = [path for path in self._folder.rglob("*") if path.is_file() and path.suffix not in SUFFIXES]
        return {path.relative_to(self._folder).as_posix(): _read(path) for path in paths}

    @cached_property
    def frame(self) -> Frame | None:
        """The shell as a frame for pages; None if it is not built, or has no place for them."""
        shell = self.files.get(SHELL)
        html = shell.bodies[None].decode() if shell else ""
        language, head = _LANGUAGE.search(html), _HEAD.search(html)
        if not language or not head or not language.end() <= head.start() < head.end() < html.find(_APP) < html.find(_DATA):
            return None
        before_app, _, rest = html[head.end() :].partition(_APP)
        before_data, _, end = rest.partition(_DATA)
        drawn, modules = (self.files[name].bodies[None] if name in self.files else b"" for name in (drawings.NAME, _MODULES))
        digest = etag_of(html.encode() + drawn + modules)
        before = html[: language.start()], html[language.end() : head.start()]
        return Frame(digest, Drawings(drawn), orjson.loads(modules or b"{}"), *before, before_app, before_data, end)

    def file(self, name: str) -> Response:
        """Return a file.

        Raises:
            NotFound: if there is none.
        """
        found = self.files.get(name)
        if found is None:
            abort(404, "There is no such file.")
        return _answer(found, FOR_GOOD if name.startswith("assets/") else FOR_AN_HOUR)

    def shell(self, status: int = 200) -> Response:
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
