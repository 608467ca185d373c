"""The events: what a committed change says to everything that follows it.

An event is written in the same transaction as its change and carries all that the effects need, so that none of them reads a
newer state by accident. `version` counts the changes of one aspect of one aggregate; per aspect, version order is commit order.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Json = dict[str, Any]


class Aspect(StrEnum):
    """The independently versioned faces of an aggregate."""

    CONTENT = "content"
    STOCK = "stock"
    PRICE = "price"


class EventType(StrEnum):
    """What happened, as past participles."""

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


class ListFacet(StrEnum):
    """What a cached list can depend on; each has a generation token of its own."""

    CONTENT = "content"
    AVAILABILITY = "availability"
    PRICE = "price"
    CATEGORIES = "categories"


AggregateType = Literal["part", "category", "user", "api_key", "synonym"]
Operation = Literal["INSERT", "UPDATE", "DELETE"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One committed change of one aspect.

    `public` is the aspect's whole state as customers may see it, or None while they may not see the part at all; `state` is the
    same for the panel. `old_values` and `new_values` hold the changed columns only.
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
    snapshot: Json | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who makes a change, and from where."""

    user_id: int
    name: str
    ip_address: str | None = None
    user_agent: str | None = None
    request_id: str | None = None
    # The machine's key that acts as this user; a person has none.
    api_key_id: int | None = None
