"""Ids in paths: whole numbers that fit their column; anything else is simply not there (404)."""

from werkzeug.routing import IntegerConverter, PathConverter


class _RangeConverter(IntegerConverter):
    """A positive number that fits its column. Any other number becomes 0, which nothing has: refused here, a path that other
    methods know would answer 405."""

    largest: int
    # `\d` would take the digits of every script.
    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        """Return the id, or 0."""
        number = int(value[:20])
        return number if number <= self.largest else 0


class IdConverter(_RangeConverter):
    """An id of PostgreSQL's integer type."""

    largest = 2**31 - 1


class BigIdConverter(_RangeConverter):
    """An id of PostgreSQL's bigint type."""

    largest = 2**63 - 1


class PageConverter(PathConverter):
    """A path of the single-page applications: whatever is not the API's, Socket.IO's or a picture's, so that an unknown call
    there is a 404 and not a 405."""

    regex = r"(?!(?:api|media)(?:/|\Z)|socket\.io)[^/].*?"
