"""The events: what a committed change tells everything downstream of it.

An event is written in the same transaction as its change and carries everything its effects need, so that none of them reads
newer state by accident. `version` counts the changes of one aspect of one aggregate; per aspect, version order is commit order.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Json = dict[str, Any]


class Aspect(StrEnum):
    """The independently versioned parts of an aggregate."""

    CONTENT = "content"
    STOCK = "stock"
    PRICE = "price"


class EventType(StrEnum):
    """What happened, named in the past tense."""

    PART_CREATED = "part.created"
    CONTENT_UPDATED = "content.updated"
    STOCK_CREATED = "stock.created"
    STOCK_UPDATED = "stock.updated"
    PRICE_CREATED = "price.created"
    PRICE_UPDATED = "price.updated"
    PART_DELETED = "part.deleted"
    PART_RESTORED = "part.restored"
    CATEGORY_CREATED = "category.created"
    CATEGORY_UPDATED = "category.updated"
    CATEGORY_DELETED = "category.deleted"
    USER_CREATED = "user.created"
    USER_UPDATED = "user.updated"
    API_KEY_CREATED = "api_key.created"
    API_KEY_REVOKED = "api_key.revoked"
    SYNONYM_CREATED = "synonym.created"
    SYNONYM_DELETED = "synonym.deleted"
    IMPORT_CANCELLED = "import.cancelled"
    DEAD_LETTERS_DISCARDED = "dead_letters.discarded"


class ListFacet(StrEnum):
    """What a cached list can look at; each has its own generation tokens (`cache_keys.generation`)."""

    # Which parts customers may see, and in which category.
    MEMBERS = "members"
    NAME = "name"
    MANUFACTURER = "manufacturer"
    # Everything that the search finds parts by, synonyms included.
    WORDS = "words"
    # Which part an address leads to, and whether it is gone.
    ADDRESS = "address"
    AVAILABILITY = "availability"
    PRICE = "price"
    SPECIFICATIONS = "specifications"
    # In which currency most parts have a price.
    CURRENCIES = "currencies"
    CATEGORIES = "categories"


# What lists of one category look at in the parts of that category only.
PLACED = frozenset({
    ListFacet.MEMBERS, ListFacet.NAME, ListFacet.MANUFACTURER, ListFacet.AVAILABILITY, ListFacet.PRICE, ListFacet.SPECIFICATIONS,
})  # fmt: skip
# What the visibility of a part changes for lists that need not even show it.
SEEN = (ListFacet.MEMBERS, ListFacet.WORDS, ListFacet.ADDRESS, ListFacet.CURRENCIES)


AggregateType = Literal["part", "category", "user", "api_key", "synonym", "import", "discard"]
Operation = Literal["INSERT", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One committed change of one aspect.

    `public` is the aspect's whole state as customers may see it, or None while the part is hidden from them; `state` is the same
    for the panel. `old_values` and `new_values` hold the changed columns only. `lists` says which lists may differ: those that
    look at one of these facets, of parts in the categories `places`, where the part was before and is now; None if the change
    does not say, since it may be made while the part moves.
    """

    type: EventType
    aggregate_type: AggregateType
    aggregate_id: int
    aspect: Aspect
    version: int
    table_name: str
    record_id: int
    operation: Operation
    old_values: Json | None
    new_values: Json | None
    public: Json | None = None
    state: Json = field(default_factory=dict)
    was_public: bool = False
    lists: tuple[ListFacet, ...] = ()
    places: tuple[int, ...] | None = None
    snapshot: Json | None = None
    reason: str | None = None


class Source(StrEnum):
    """By which way a change of content came."""

    PANEL = "panel"
    API = "api"
    COMMAND = "command"
    BULK = "bulk"
    IMPORT = "import"
    # Of an import.
    UNDO = "undo"
    RESTORE = "restore"
    BY_HAND = "by_hand"
    RECONCILE = "reconcile"


@dataclass(frozen=True, slots=True)
class Origin:
    """By which way a change came, and what somebody said about it. `number` is the version that was restored, or the import that
    was made or undone; `message` the reason that a person gave, or the name of the file."""

    source: Source
    number: int | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, and from where."""

    user_id: int
    name: str
    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    # The API key that acts as this user; None for a person.
    api_key_id: int | None = None
