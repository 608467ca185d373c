"""Readable addresses made from names in any script.

Ä becomes a and not ae, as in the search, since a German name cannot be told from a Swedish or Finnish one. Existing addresses do
not change by themselves.
"""

from anyascii import anyascii

from app.domain import categories, content


def part_slug(part_name: str, sku: str) -> str:
    """Return the readable address of a part for which none was chosen; see `app.domain.content.part_slug`."""
    return content.part_slug(anyascii(part_name), anyascii(sku))


def category_slug(name: str) -> str:
    """Return the readable address of a category for which none was chosen; see `app.domain.categories.category_slug`."""
    return categories.category_slug(anyascii(name))
