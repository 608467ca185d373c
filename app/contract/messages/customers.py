"""The messages of `/customers`: what the shop's pages and other storefronts send and receive."""

from typing import Annotated, Literal, NotRequired, TypedDict

from app.contract.messages.states import Moment, PublicContent, PublicPart, PublicPrice, PublicStock, Uuid

# A part's id as an object key, which in JSON is always a string.
PartKey = Annotated[str, ("pattern", "^[1-9][0-9]{0,9}$")]
# A version that a page may hold; a number that was never a version merely means that everything is sent.
HeldVersion = Annotated[int, ("minimum", -(2**31)), ("maximum", 2**31 - 1)]


class HeldVersions(TypedDict, total=False):
    """The versions that a page holds of one part; one that it does not hold is left out or null."""

    content: HeldVersion | None
    stock: HeldVersion | None
    price: HeldVersion | None


class WatchRequest(TypedDict, total=False):
    """What `watch` takes: the parts that a page shows, by id, at most 200 a connection, whether it shows a list, and whether it
    shows parts' categories."""

    parts: dict[PartKey, HeldVersions | None]
    catalog: bool
    categories: bool


class WatchAnswer(TypedDict):
    """The acknowledgement of `watch`: the whole present state of whatever differs from what is held."""

    parts: list[PublicPart]
    gone: list[int]
    catalog: NotRequired[Annotated[str, ("description", "Changes whenever lists may differ.")]]
    categories: NotRequired[Annotated[str, ("description", "Changes whenever the category tree may differ.")]]


class UnwatchRequest(TypedDict, total=False):
    """What `unwatch` takes: the parts that a page shows no longer."""

    parts: list[Annotated[int, ("minimum", 1)]]


class UnwatchAnswer(TypedDict):
    """The acknowledgement of `unwatch`: how many parts the connection still watches."""

    watched: int


class SeenRequest(TypedDict):
    """What `seen` takes: the id of an event that the page has shown. It is not acknowledged."""

    id: Uuid


class Refusal(TypedDict):
    """What is wrong with a message."""

    code: Literal["invalid", "too_many_parts"]
    message: str
    errors: NotRequired[Annotated[dict[str, list[str]], ("description", "For `invalid`: field -> messages.")]]


class BusyRefusal(TypedDict):
    """The server has no time for this connection now."""

    code: Literal["busy"]
    message: str
    retry_after: Annotated[float, ("minimum", 0), ("description", "Seconds until the message may be sent again.")]


class WatchRefusal(TypedDict):
    """The acknowledgement of a message that was refused, on either namespace."""

    error: Refusal | BusyRefusal


class PartEvent(TypedDict):
    """What every event of a part has. It applies only if its `version` is higher than the one held."""

    id: Uuid
    part_id: int
    version: int
    timestamp: Annotated[Moment, ("description", "When the change was committed.")]


class EventStock(PublicStock):
    """The stock aspect, as an event carries it."""

    updated_at: Moment


class EventContent(PublicContent):
    """The content aspect, as an event carries it."""


class EventPrice(TypedDict):
    """The price aspect, as an event carries it."""

    price: PublicPrice | None
    version: int
    updated_at: Moment


class StockUpdatedEvent(PartEvent):
    """A part's stock changed."""

    type: Literal["stock.updated"]
    data: EventStock


class ContentUpdatedEvent(PartEvent):
    """A part's content changed."""

    type: Literal["content.updated"]
    data: EventContent


class PriceUpdatedEvent(PartEvent):
    """A part's price changed."""

    type: Literal["price.updated"]
    data: EventPrice


class Nothing(TypedDict):
    """What customers may know of a part that is gone."""


class PartDeletedEvent(PartEvent):
    """Customers may not see a part any more: it was archived or withdrawn."""

    type: Literal["part.deleted"]
    data: Nothing


class PartRestoredEvent(PartEvent):
    """Customers may see a part, perhaps again: watch it with null to have all of it."""

    type: Literal["part.restored"]
    data: EventContent


class CatalogChangedEvent(TypedDict):
    """Lists may differ: whoever shows one reads it again."""

    catalog: str


class CategoriesChangedEvent(TypedDict):
    """The category tree may differ: whoever shows parts' categories reads it again, after a jitter. No part has a new version."""

    categories: str


class ResyncEvent(TypedDict):
    """The server may have missed something, or has (on `/admin`) more news than it sends one by one: watch again, or read again
    what is shown, after a jitter."""


ToCustomers = TypedDict(
    "ToCustomers",
    {
        "stock.updated": StockUpdatedEvent,
        "content.updated": ContentUpdatedEvent,
        "price.updated": PriceUpdatedEvent,
        "part.deleted": PartDeletedEvent,
        "part.restored": PartRestoredEvent,
        "catalog.changed": CatalogChangedEvent,
        "categories.changed": CategoriesChangedEvent,
        "resync": ResyncEvent,
    },
)
ToCustomers.__doc__ = "What the server sends on `/customers`: message -> body."


class FromCustomers(TypedDict):
    """What clients send on `/customers`: message -> body."""

    watch: WatchRequest
    unwatch: UnwatchRequest
    seen: SeenRequest


class AnswersToCustomers(TypedDict):
    """How messages on `/customers` are acknowledged: message -> answer."""

    watch: WatchAnswer | WatchRefusal
    unwatch: UnwatchAnswer | WatchRefusal
