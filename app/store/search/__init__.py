r"""How words find parts: conditions on `part_search`, and what a mistyped word may have been meant as.

A word, in one of its forms (`app.domain.search`), matches the beginning of a word of the name, the maker, the description or a
number, and anything inside a number; a single letter does not match the beginning of a word of the description. A word is a
part's own if not only the description has it. Every condition can be served by an index.
"""

from app.store.search.meanings import Meant, match_of, meaning, taken
from app.store.search.reading import READING, as_read, asked, read
from app.store.search.relevance import SAID, tiers
from app.store.search.words import (
    SOME,
    Wanted,
    among,
    are_common,
    checked,
    conditions,
    is_common,
    is_found,
    query,
    sampled,
)

__all__ = [
    "READING", "SAID", "SOME", "Meant", "Wanted", "among", "are_common", "as_read", "asked", "checked", "conditions", "is_common",
    "is_found", "match_of", "meaning", "query", "read", "sampled", "taken", "tiers",
]  # fmt: skip
