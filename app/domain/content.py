"""The rules of content: what a part's own texts are, how they are normalised, and what differs between two states."""

import re
import unicodedata
from typing import Any

MAX_DESCRIPTION = 50_000
# Lower-case words with single hyphens between them, and a letter in one of them.
SLUG = r"^(?:[0-9]+-)*[0-9]*[a-z][0-9a-z]*(?:-[0-9a-z]+)*\Z"
COLUMNS = ("sku", "slug", "part_name", "description", "category_id", "manufacturer", "manufacturer_number", "status")

# Unicode's control and format characters (general categories Cc and Cf), spelled out so that every Python refuses the same ones,
# and short enough for the patterns of the OpenAPI document. The first three ranges leave out tab, line feed and carriage return,
# which texts of several lines may have.
CONTROLS = "\\u0000-\\u0008\\u000b\\u000c\\u000e-\\u001f\\u007f-\\u009f"
INVISIBLE = (
    "\\u00ad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u180e\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2064"
    "\\u2066-\\u206f\\ufeff\\ufff9-\\ufffb\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
LINE_ENDS = "\\t\\n\\r"
# Lone halves of surrogate pairs are no characters, and no encoding has them.
_FORBIDDEN = re.compile(f"[{CONTROLS}{LINE_ENDS}{INVISIBLE}\\ud800-\\udfff]")
_FORBIDDEN_IN_LINES = re.compile(f"[{CONTROLS}{INVISIBLE}\\ud800-\\udfff]")


def normalised(value: str) -> str:
    """Return text in NFC without surrounding white space, so that equal texts are equal bytes."""
    return unicodedata.normalize("NFC", value).strip()


def forbidden_characters(value: str, *, multiline: bool = False) -> str | None:
    """Return why a text cannot be stored, or None. Control and invisible formatting characters are refused.

    They would make two different texts look the same, or turn a line around.
    """
    found = (_FORBIDDEN_IN_LINES if multiline else _FORBIDDEN).search(value)
    return f"holds the character U+{ord(found[0]):04X}, which is not allowed" if found else None


def without_forbidden(value: str) -> str:
    """Return a text of several lines without the characters that `forbidden_characters` would refuse in it."""
    return _FORBIDDEN_IN_LINES.sub("", value)


def slug_of(*words: str) -> str:
    """Return a readable piece of a URL made from words in ASCII, which `app.services.slugs` makes of any; empty if they hold no
    letter or digit."""
    return re.sub(r"[^a-z0-9]+", "-", " ".join(words).lower()).strip("-")[:200]


def part_slug(part_name: str, sku: str) -> str:
    """Return the readable address of a part that chose none: with a letter, so that it cannot be taken for an id.

    It leaves room for a number behind it, should it be taken.
    """
    slug = slug_of(part_name, sku)[:180].strip("-")
    return slug if re.search("[a-z]", slug) else f"part-{slug}".strip("-")


def changed_columns(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return those of `changes` that differ from what is there."""
    return {column: value for column, value in changes.items() if before[column] != value}
