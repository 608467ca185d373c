"""Readable addresses made from names in any script.

Ä becomes a and not ae, as in the search, since nobody can tell a German name from a Swedish or a Finnish one. Addresses that are
there already do not change by themselves.
"""

from anyascii import anyascii

from app.domain import categories, content


def part_slug(part_name: str, sku: str) -> str:
    """Return the readable address of a part that chose none; see `app.domain.content.part_slug`."""
    return content.part_slug(anyascii(part_name), anyascii(sku))


def category_slug(name: str) -> str:
    """Return the readable address of a category that chose none; see `app.domain.categories.category_slug`."""
    return categories.category_slug(anyascii(name))
