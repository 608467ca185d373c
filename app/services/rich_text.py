"""Descriptions are rich text: HTML of a few harmless elements. Everything that writes one passes it through `sanitised`."""

import html
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import nh3

from app.domain.content import normalised, without_forbidden
from app.domain.errors import InvalidFieldError
from app.domain.markup import escaped, markup

# A parser repairs its own repairs of broken HTML slightly differently; after two or three rounds nothing changes any more. What
# has not settled after this many was made to confuse, and loses its markup.
ROUNDS = 10
_ELEMENTS = {
    "p", "br", "strong", "b", "em", "i", "u", "sub", "sup", "ul", "ol", "li", "h3", "h4", "a", "code", "pre", "blockquote", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}}
_SCHEMES = {"http", "https", "mailto"}
_CLEANER = nh3.Cleaner(
    tags=_ELEMENTS,
    attributes=_ATTRIBUTES,
    url_schemes=_SCHEMES,
    link_rel="noopener noreferrer nofollow",
    strip_comments=True,
)
# What an HTML parser takes for the beginning of a tag, a comment or a declaration (WHATWG HTML, 13.2.5.6). A text without any is
# shown as plain text, here and by customers' pages.
_TAG = re.compile(r"<[A-Za-z/!?]")
_STRIPPER = nh3.Cleaner(tags=set(), attributes={}, clean_content_tags={"script", "style"})
# These are dropped together with their content.
_WITH_CONTENT = {"script", "style", "svg", "math", "template"}


@dataclass(frozen=True, slots=True)
class Dropped:
    """What sanitising removed: `element`, `attribute`, `address` (by its scheme) or `comment`; its name; how often."""

    kind: str
    name: str
    count: int

    def __str__(self) -> str:
        named = {"comment": "a comment or declaration", "address": f"a link to {self.name}:"}
        what = named.get(self.kind, f"the {self.kind} {self.name}")
        content = " with what it held" if self.kind == "element" and self.name in _WITH_CONTENT else ""
        return f"{what}{content} was dropped" + (f", {self.count} times" if self.count > 1 else "")


def sanitised(text: str) -> str:
    """Return `text` as well-formed HTML with nothing in it that could run or load anything.

    A text in which a parser would find no tag is left as it is, byte for byte: no element can come of it, and `5 < 6 & 7` must
    not turn into entities before its author's eyes. What a parser would take for a tag although it is not HTML, as in
    `Ioff<Imax`, becomes HTML that shows just that. Sanitising is idempotent, so importing an export changes nothing.
    """
    if not _TAG.search(text):
        return text
    if next(markup(text), None) is None:
        return _of_text(text)
    for _ in range(ROUNDS):
        # Entities can stand for what a request may not hold: invisible characters, and combining ones that merge with a bracket.
        cleaned = _CLEANER.clean(escaped(text))
        tidied = normalised(without_forbidden(cleaned))
        if text == cleaned == tidied:
            break
        text = tidied
    else:
        return _of_text(plain(text))
    # Without a tag it would be shown as plain text, entities and all.
    return text if _TAG.search(text) else _of_text(html.unescape(text))


def with_clean_description(values: dict[str, Any], longest: int) -> dict[str, Any]:
    """Return the fields of a part or a category with the description, if there is one, sanitised.

    Raises:
        InvalidFieldError: if it is longer than `longest` as HTML.
    """
    if "description" not in values:
        return values
    description = sanitised(values["description"])
    # Checked again: entities take more room than what they stand for, and whoever reads this text must be able to send it back.
    if len(description) > longest:
        raise InvalidFieldError("description", f"As HTML it is longer than {longest:,} characters; shorten it.")
    return values | {"description": description}


def dropped(before: str, after: str) -> list[Dropped]:
    """Return the HTML of `before` that the sanitised text `after` lacks."""
    if before == after:
        return []
    lost = _inventory(before)
    lost.subtract(_inventory(after))
    return [Dropped(kind, name, count) for (kind, name), count in sorted(lost.items()) if count > 0]


def notices(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer's `notices`: what sanitising removes from the `description` among `values`; empty if nothing."""
    typed = values.get("description", "")
    found = [{"field": "description", **asdict(one), "message": str(one)} for one in dropped(typed, sanitised(typed))]
    return {"notices": found} if found else {}


def _inventory(text: str) -> Counter[tuple[str, str]]:
    found: Counter[tuple[str, str]] = Counter()
    for one in markup(text):
        parts = list(one.parts())
        # For a dropped element, its name is enough, with whatever of it was active.
        found.update(parts if one.name in _ELEMENTS else parts[:1] + [part for part in parts[1:] if _is_active(*part)])
    return found


def _is_active(kind: str, name: str) -> bool:
    return (kind == "attribute" and name.startswith("on")) or (kind == "address" and name not in _SCHEMES)


def _as_html(text: str) -> str:
    """Return the HTML that shows a text as it was typed."""
    lines = html.escape(re.sub(r"\r\n?", "\n", text), quote=False).replace("\n", "<br>\n")
    # The one combining character that merges with a bracket.
    apart = " " if lines.startswith("\u0338") else ""
    return _CLEANER.clean(f"<p>{apart}{lines}</p>")


def _of_text(text: str) -> str:
    """Return a text without markup as a description: unchanged if a parser would find no tag in it."""
    text = normalised(without_forbidden(text))
    return _as_html(text) if _TAG.search(text) else text


def is_html(text: str) -> bool:
    """Return whether a sanitised text is HTML. Any other is plain text, in which `&amp;` means just that."""
    return _TAG.search(text) is not None


def closed(text: str) -> str:
    """Return sanitised HTML as part of a page: whatever a description that was written with SQL leaves open, ends with it."""
    return _CLEANER.clean(text)


def plain(text: str) -> str:
    """Return a sanitised text as one line of plain text, for search engines and previews."""
    if not _TAG.search(text):
        return " ".join(text.split())
    spaced = re.sub(r"<(?:/(?:p|li|h3|h4|tr|td|th|blockquote|pre)|br|hr)\b[^>]*>", " ", text)
    return " ".join(html.unescape(_STRIPPER.clean(spaced)).split())
