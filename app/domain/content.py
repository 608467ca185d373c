"""The rules of content: what a part's own texts are, how they are normalised, and what differs between two states."""

import re
import unicodedata
from typing import Any

COLUMNS = ("sku", "slug", "part_name", "description", "category_id", "manufacturer", "manufacturer_number", "status")


def normalised(value: str) -> str:
    """Return text in NFC without surrounding white space, so that equal texts are equal bytes."""
    return unicodedata.normalize("NFC", value).strip()


def forbidden_characters(value: str, *, multiline: bool = False) -> str | None:
    """Return why a text cannot be stored, or None. Control and invisible formatting characters are refused.

    They would make two different texts look the same, or turn a line around.
    """
    allowed = "\n\r\t" if multiline else ""
    for character in value:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"} and character not in allowed:
            return f"holds the character U+{ord(character):04X}, which is not allowed"
    return None


def slug_of(*words: str) -> str:
    """Return a readable piece of a URL made from `words`; empty if they hold no Latin letter or digit."""
    plain = unicodedata.normalize("NFKD", " ".join(words)).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:200]


def changed_columns(before: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Return those of `changes` that differ from what is there."""
    return {column: value for column, value in changes.items() if before[column] != value}
