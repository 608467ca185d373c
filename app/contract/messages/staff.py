"""The messages of `/admin`: what the panel and other programs of staff hear. They send none."""

from typing import Annotated, Literal, TypedDict

from app.contract.messages.customers import PartEvent, ResyncEvent
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
    """A category was renamed, moved, or given another address."""

    type: Literal["category.updated"]


class CategoryDeletedEvent(CategoryEvent):
    """A category is gone; `data` is what it was, with the version that its deletion counts as."""

    type: Literal["category.deleted"]


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
        "import.progress": ImportJob,
        "session.ended": SessionEndedEvent,
        "resync": ResyncEvent,
    },
)
ToStaff.__doc__ = "What the server sends on `/admin`: message -> body."
