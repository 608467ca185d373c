"""What messages carry, and answers of the API as well: parts, their aspects, categories and imports, as JSON has them."""

from typing import Annotated, Literal, NotRequired, TypedDict

Uuid = Annotated[str, ("format", "uuid")]
Moment = Annotated[str, ("format", "date-time")]
PartStatus = Literal["draft", "published", "archived"]


class Person(TypedDict):
    """Who did something."""

    id: int
    name: str


class CategoryRef(TypedDict):
    """A category, named."""

    id: int
    name: str
    slug: str


class PartCategory(CategoryRef):
    """A part's category, with the way to it from the root."""

    path: list[CategoryRef]


class ImageSize(TypedDict):
    """A smaller size of a picture, in WebP."""

    width: int
    url: str


class Picture(TypedDict):
    """A picture, and the sizes in which it can be had; see `srcset` in HTML."""

    url: str
    alt: str
    width: int
    height: int
    srcset: list[ImageSize]


class Image(Picture):
    """One of a part's pictures."""

    id: int


class CategoryState(CategoryRef):
    """A node of the category tree by itself."""

    parent_id: int | None
    description: str
    picture: Picture | None
    version: int


class ShownSpecification(TypedDict):
    """A named property of a part."""

    name: str
    value: str
    unit: str
    group: str


class PublicStock(TypedDict):
    """Stock, as customers see it."""

    current_stock: int
    available_stock: int
    is_in_stock: bool
    is_low_stock: bool
    version: int


class AdminStock(PublicStock):
    """Stock, as staff see it; also what a stock write answers."""

    part_id: int
    reserved_quantity: int
    min_stock_level: int
    last_updated_by: int | None
    last_updated_by_name: str | None
    updated_at: Moment


class Tier(TypedDict):
    """The price from a quantity on."""

    min_quantity: int
    amount: str


class ShortPrice(TypedDict):
    """The price of one piece."""

    amount: str
    currency: str
    version: int


class OtherPrice(TypedDict):
    """The price of one piece, and of more, in another currency."""

    amount: str
    currency: str
    tiers: list[Tier]


class PublicPrice(ShortPrice):
    """The price of one piece, and of more; in other currencies as well, if there are any."""

    tiers: list[Tier]
    others: NotRequired[list[OtherPrice]]


class ShownPriceLine(TypedDict):
    """One line of a price list."""

    currency: str
    amount: str
    min_quantity: int
    valid_from: Moment | None
    valid_to: Moment | None


class PriceListState(TypedDict):
    """The price aspect, as staff see it: the whole price list."""

    prices: list[ShownPriceLine]
    version: int
    updated_at: Moment


class Versions(TypedDict):
    """The version of each aspect."""

    content: int
    stock: int
    price: int


class PublicBase(TypedDict):
    """What every form of a part has."""

    id: int
    sku: str
    slug: str
    part_name: str
    category: PartCategory | None
    manufacturer: str | None
    manufacturer_number: str | None
    version: int
    updated_at: Moment


class PublicContent(PublicBase):
    """The content aspect, as customers see it."""

    description: str
    images: list[Image]
    specifications: list[ShownSpecification]


class PublicPart(PublicContent):
    """A part, as customers see it."""

    price: PublicPrice | None
    stock: PublicStock
    versions: Versions


class ContentState(PublicContent):
    """Content, as staff see it."""

    status: PartStatus
    category_id: int | None
    last_updated_by: int | None
    last_updated_by_name: str | None


class ImportFault(TypedDict):
    """One thing that is wrong with a file, or that is dropped from it."""

    line: int
    field: str
    reason: str


class ImportConflict(TypedDict):
    """A change of an import that was not undone: `reason` says why, `changed_by` and `changed_at` who made the present state."""

    part_id: int
    sku: str
    aspect: Literal["content", "stock", "price"]
    reason: str
    changed_by: Person | None
    changed_at: Moment


class ImportUndo(TypedDict):
    """The job that undoes an import, or has undone it: the latest that was no dry run."""

    id: int
    state: Literal["queued", "checking", "importing", "done", "refused", "failed", "cancelled", "undoing"]
    finished_at: Moment | None


class ImportJob(TypedDict):
    """An import, or the undoing of another one (`undoes`): how far it is, and what came of it; if it was undone itself, by which
    job (`undone_by`). `errors` holds the first 200 of
    `error_count`; `notices` those of `notice_count`: what is dropped from texts because it is not allowed in them, known when the
    file has been checked; `conflicts` those of `conflict_count`, which an undo has left alone. An undo counts changes, not rows:
    `changed` ones are undone, `unchanged` ones are not."""

    id: int
    state: Literal["queued", "checking", "importing", "done", "refused", "failed", "cancelled", "undoing"]
    file_name: str
    dry_run: bool
    rows_total: int | None
    rows_done: int
    created: int
    changed: int
    unchanged: int
    errors: list[ImportFault]
    error_count: int
    notices: list[ImportFault]
    notice_count: int
    failure: str | None
    undoes: int | None
    undone_by: ImportUndo | None
    conflicts: list[ImportConflict]
    conflict_count: int
    created_by: Person
    created_at: Moment
    finished_at: Moment | None
