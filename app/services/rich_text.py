"""Descriptions are rich text: HTML of a few harmless elements. Whatever writes one sends it through `sanitised`."""

import html
import re

import nh3

from app.domain.content import normalised, without_forbidden

# A parser mends broken HTML a little differently when it meets its own mending; after two or three rounds nothing changes any
# more. What has not settled by then was made to confuse, and loses its markup.
ROUNDS = 10
_ELEMENTS = {
    "p", "br", "strong", "b", "em", "i", "u", "sub", "sup", "ul", "ol", "li", "h3", "h4", "a", "code", "pre", "blockquote", "hr",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
_ATTRIBUTES = {"a": {"href"}, "th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}}
_CLEANER = nh3.Cleaner(
    tags=_ELEMENTS,
    attributes=_ATTRIBUTES,
    url_schemes={"http", "https", "mailto"},
    link_rel="noopener noreferrer nofollow",
    strip_comments=True,
)
# What an HTML parser takes for the beginning of a tag, a comment or a declaration (WHATWG HTML, 13.2.5.6).
_TAG = re.compile(r"<[A-Za-z/!?]")
_STRIPPER = nh3.Cleaner(tags=set(), attributes={}, clean_content_tags={"script", "style"})


def sanitised(text: str) -> str:
    """Return `text` as well-formed HTML with nothing in it that could run or reach out.

    A text without any tag is left as it is, byte for byte: no element can come of it, and `5 < 6 & 7` shall not turn into
    entities under its author's eyes. Sanitising twice is sanitising once, so an export that is imported changes nothing.
    """
    if not _TAG.search(text):
        return text
    for _ in range(ROUNDS):
        # Entities can stand for what a request may not hold: invisible characters, and combining ones that melt with a bracket.
        cleaned = _CLEANER.clean(text)
        tidied = normalised(without_forbidden(cleaned))
        if text == cleaned == tidied:
            return text
        text = tidied
    return html.escape(plain(text), quote=False)


def plain(text: str) -> str:
    """Return sanitised HTML as one line of plain text, for search engines and previews."""
    spaced = re.sub(r"<(?:/(?:p|li|h3|h4|tr|td|th|blockquote|pre)|br|hr)\b[^>]*>", " ", text)
    return " ".join(html.unescape(_STRIPPER.clean(spaced)).split())
