"""What the words of an empty list may have been meant as."""

from dataclasses import replace

from sqlalchemy import Connection

from app.domain.search import BY_VALUE, Typed
from app.store import search
from app.store.listing.filters import PartFilters
from app.store.listing.questions import Asked
from app.store.search import Meant, Wanted
from app.store.specifications.searches import NOTHING_SAID


def taken(connection: Connection, asked: Asked, typed: Typed, meant: Meant) -> tuple[Asked, Typed]:
    """Return what is asked of a list, and what was typed, with its words taken for others, or by value."""
    if BY_VALUE not in meant:
        return asked, search.taken(connection, typed, meant)
    others = replace(search.read(connection, asked.said.others), among=asked.said.ids)
    # Without other words, none is more to the point than another.
    sort = "name" if asked.sort == "relevance" and not others.words else asked.sort
    return replace(asked, sort=sort, said=NOTHING_SAID), others


def other_meaning(connection: Connection, asked: Asked, typed: Typed, unmet: Wanted | None) -> Meant:
    """Return what the words of an empty list may have been meant as; empty if it is the other filters that leave nothing, since
    some part has the words as typed."""
    filters = asked.filters
    is_narrowed = filters != PartFilters(words=filters.words, currency=filters.currency)
    if is_narrowed and search.is_found(connection, typed):
        return ()
    return by_value(connection, asked, typed) or search.meaning(connection, typed, unmet=unmet)


def by_value(connection: Connection, asked: Asked, typed: Typed) -> Meant:
    """Return that the words are taken by value, if some part says what they do and has the others; else nothing."""
    meant = (BY_VALUE,) * len(typed.words)
    return meant if asked.said.parts and search.is_found(connection, taken(connection, asked, typed, meant)[1]) else ()
