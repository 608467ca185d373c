"""The messages of `/admin`: what the panel and other staff clients send and receive."""

from typing import Annotated, Literal, NotRequired, TypedDict

from app.contract.messages.customers import PartEvent, ResyncEvent, WatchRefusal
from app.contract.messages.states import AdminStock, CategoryState, ContentState, ImportJob, Moment, Person, PriceListState, Uuid


class AdminPartEvent(PartEvent):
    """What every event of a part has on `/admin`: also who did it."""

    actor: Person


class AdminStockUpdatedEvent(AdminPartEvent):
    """A part's stock changed."""

    type: Literal["stock.updated"]
    data: AdminStock


class AdminPriceUpdatedEvent(AdminPartEvent):
    """A part's price list changed, or its price did by a date."""

    type: Literal["price.updated"]
    data: PriceListState


class AdminPartCreatedEvent(AdminPartEvent):
    """There is a new part."""

    type: Literal["part.created"]
    data: ContentState


class AdminContentUpdatedEvent(AdminPartEvent):
    """A part's content changed."""

    type: Literal["content.updated"]
    data: ContentState


class AdminPartDeletedEvent(AdminPartEvent):
    """A part was archived."""

    type: Literal["part.deleted"]
    data: ContentState


class AdminPartRestoredEvent(AdminPartEvent):
    """An archived part was brought back."""

    type: Literal["part.restored"]
    data: ContentState


class CategoryEvent(TypedDict):
    """What every event of a category has."""

    id: Uuid
    category_id: int
    version: int
    data: CategoryState
    timestamp: Annotated[Moment, ("description", "When the change was committed.")]
    actor: Person


class CategoryCreatedEvent(CategoryEvent):
    """There is a new category."""

    type: Literal["category.created"]


class CategoryUpdatedEvent(CategoryEvent):
    """A category was renamed, moved, or given another address, text or picture."""

    type: Literal["category.updated"]


class CategoryDeletedEvent(CategoryEvent):
    """A category is gone; `data` is what it was, with the version that its deletion counts as."""

    type: Literal["category.deleted"]


class SynonymState(TypedDict):
    """A synonym of the search: whoever types `term` is also shown what holds `means`."""

    id: int
    term: str
    means: str
    version: int


class SynonymEvent(TypedDict):
    """What every event of a synonym has."""

    id: Uuid
    synonym_id: int
    version: int
    data: SynonymState
    timestamp: Annotated[Moment, ("description", "When the change was committed.")]
    actor: Person


class SynonymCreatedEvent(SynonymEvent):
    """The search has a new synonym."""

    type: Literal["synonym.created"]


class SynonymDeletedEvent(SynonymEvent):
    """A synonym of the search was deleted; `data` is what it was."""

    type: Literal["synonym.deleted"]


# A part that staff have open, and the field of it that they are in, by whatever name the panels give it.
OpenPart = Annotated[int, ("minimum", 1), ("maximum", 2**31 - 1)]
OpenField = Annotated[str, ("pattern", "^[A-Za-z0-9_.:-]{1,100}$")]


class OpenRequest(TypedDict):
    """What `open` takes: a part that is open for editing, at most 20 a connection, and in which field. It is sent again every ten
    seconds meanwhile, since it is forgotten after 30."""

    part_id: OpenPart
    field: NotRequired[OpenField | None]


class CloseRequest(TypedDict):
    """What `close` takes: a part that is open no longer."""

    part_id: OpenPart


class PresentPerson(Person):
    """Somebody who has a part open. A person with several panels is named once for each field."""

    field: str | None
    since: Moment


class OpenAnswer(TypedDict):
    """The acknowledgement of `open`: everybody who has the part open."""

    people: list[PresentPerson]


class CloseAnswer(TypedDict):
    """The acknowledgement of `close`: how many parts the connection still has open."""

    open: int


class PresenceEvent(TypedDict):
    """Who has a part open now; sent when that changes. A hint: it may be missed, and nothing is kept from anybody by it."""

    part_id: int
    people: list[PresentPerson]


class FollowRequest(TypedDict):
    """What `follow` takes: the ids of events, as `X-Event-IDs` names them. They are followed for a minute, at most 100 a
    connection: with more, the oldest no longer."""

    event_ids: Annotated[list[Uuid], ("minItems", 1), ("maxItems", 50)]


class DeliverySettledEvent(TypedDict):
    """An effect of an event that is followed has been settled. That of a broadcast is sent again when it is known how many pages
    of customers were told, and when there are more of them."""

    event_id: Uuid
    effect: Annotated[str, ("description", "As in an event's journey.")]
    ms: Annotated[float, ("minimum", 0), ("description", "Milliseconds after the commit.")]
    pages: NotRequired[Annotated[int, ("minimum", 0)]]


class PendingDelivery(TypedDict):
    """An effect that is still to come."""

    event_id: Uuid
    effect: str


class FollowAnswer(TypedDict):
    """The acknowledgement of `follow`: what was settled before, and what is still to come; nothing of an unknown event."""

    settled: list[DeliverySettledEvent]
    pending: list[PendingDelivery]


class SessionEndedEvent(TypedDict):
    """The right to listen has ended, and the server is about to close the connection: log in again."""


ToStaff = TypedDict(
    "ToStaff",
    {
        "stock.updated": AdminStockUpdatedEvent,
        "price.updated": AdminPriceUpdatedEvent,
        "part.created": AdminPartCreatedEvent,
        "content.updated": AdminContentUpdatedEvent,
        "part.deleted": AdminPartDeletedEvent,
        "part.restored": AdminPartRestoredEvent,
        "category.created": CategoryCreatedEvent,
        "category.updated": CategoryUpdatedEvent,
        "category.deleted": CategoryDeletedEvent,
        "synonym.created": SynonymCreatedEvent,
        "synonym.deleted": SynonymDeletedEvent,
        "import.progress": ImportJob,
        "presence": PresenceEvent,
        "delivery.settled": DeliverySettledEvent,
        "session.ended": SessionEndedEvent,
        "resync": ResyncEvent,
    },
)
ToStaff.__doc__ = "What the server sends on `/admin`: message -> body."


class FromStaff(TypedDict):
    """What clients send on `/admin`: message -> body."""

    open: OpenRequest
    close: CloseRequest
    follow: FollowRequest


class AnswersToStaff(TypedDict):
    """How messages on `/admin` are acknowledged: message -> answer."""

    open: OpenAnswer | WatchRefusal
    close: CloseAnswer | WatchRefusal
    follow: FollowAnswer | WatchRefusal
