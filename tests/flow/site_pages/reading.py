"""A page of the customers' site as a parser sees it."""

import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from werkzeug.test import TestResponse


@dataclass
class Read(HTMLParser):
    """A page as a parser sees it."""

    html: str
    title: str = ""
    meta: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    hrefs: list[str] = field(default_factory=list)
    scripts: dict[str, str] = field(default_factory=dict)
    images: list[dict[str, str | None]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    elements: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self._inside: list[str] = []
        self.feed(self.html)
        self.close()
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.elements.append(tag)
        if tag == "meta":
            self.meta[found.get("name") or found.get("property") or ""] = found.get("content") or ""
        elif tag == "link":
            self.links[found["rel"] or ""] = found["href"] or ""
        elif tag == "a":
            self.hrefs.append(found["href"] or "")
            if "rel" in found:
                self.links[found["rel"] or ""] = found["href"] or ""
        elif tag == "img":
            self.images.append(found)
        elif tag == "input":
            self.fields[found.get("name") or ""] = found.get("value") or ""
        if tag not in {"meta", "link", "img", "input", "br", "hr", "path", "rect"}:
            self._inside.append(f"script {found.get('id') or found.get('src')}" if tag == "script" else tag)

    def handle_endtag(self, tag: str) -> None:
        if any(one.partition(" ")[0] == tag for one in self._inside):
            while self._inside.pop().partition(" ")[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        place = self._inside[-1] if self._inside else ""
        if place == "title":
            self.title += data
        elif place.startswith("script "):
            self.scripts[place.removeprefix("script ")] = self.scripts.get(place.removeprefix("script "), "") + data
        elif "main" in self._inside:
            self.text += data + " "

    @property
    def described(self) -> dict[str, Any]:
        """The structured data."""
        return dict(json.loads(self.scripts["json-ld"]))

    @property
    def answers(self) -> dict[str, Any]:
        """The answers of the API that came with the page, by path."""
        return {one["path"]: one["body"] for one in json.loads(self.scripts["first"])["answers"]}


def read(response: TestResponse, status: int = 200) -> Read:
    assert response.status_code == status, response.headers
    return Read(response.text)


def listed(page: Read) -> list[int]:
    return [int(href.split("/")[2]) for href in page.hrefs if href.startswith("/parts/")]
