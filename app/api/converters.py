"""Ids in paths: whole numbers that fit their column; anything else is simply not there (404)."""

from werkzeug.routing import IntegerConverter, Map


class IdConverter(IntegerConverter):
    """An id of PostgreSQL's integer type."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, min=1, max=2**31 - 1)


class BigIdConverter(IntegerConverter):
    """An id of PostgreSQL's bigint type."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, min=1, max=2**63 - 1)
