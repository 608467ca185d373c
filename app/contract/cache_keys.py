"""The cache's keys. Every key of a part is validated by the version of one aspect, every list by generation tokens.

In Valkey each begins with the installation's prefix (`Settings.prefix`), which whoever talks to the server adds.
"""

from collections.abc import Collection

from app.contract.events import PLACED, Aspect, ListFacet

EPOCH = "epoch"
# Change it whenever a release names its keys or writes their values so differently that it must neither read what another release
# has cached nor rely on what that one has invalidated. While both run side by side, neither uses the cache (docs/adr/0009).
LAYOUT = "6"
# A list of more categories than this depends on all of them: reading a token for each would cost more than it saves.
MAX_PLACES = 50
# In place of a category: parts of which it is not known where they stand.
_UNKNOWN = 0


def part(part_id: int) -> str:
    """A part's own content, without pictures and specifications."""
    return f"part:{part_id}"


def part_images(part_id: int) -> str:
    """A part's pictures (content)."""
    return f"part:{part_id}:images"


def part_specifications(part_id: int) -> str:
    """A part's specifications (content)."""
    return f"part:{part_id}:specs"


def part_stock(part_id: int) -> str:
    """A part's stock."""
    return f"part:{part_id}:stock"


def part_prices(part_id: int) -> str:
    """A part's prices."""
    return f"part:{part_id}:prices"


def aspect_keys(part_id: int, aspect: Aspect) -> tuple[str, ...]:
    """Return every key that a new version of `aspect` makes stale."""
    match aspect:
        case Aspect.CONTENT:
            return part(part_id), part_images(part_id), part_specifications(part_id)
        case Aspect.STOCK:
            return (part_stock(part_id),)
        case Aspect.PRICE:
            return (part_prices(part_id),)


def parts_list(query_digest: str) -> str:
    """The ids of one page of one list query."""
    return f"parts:list:{query_digest}"


def categories() -> str:
    """The categories in order, with the numbers of their parts."""
    return "categories:ordered"


def category_tree() -> str:
    """The category tree that answers about parts are joined with."""
    return "categories:tree"


def generation(facet: ListFacet, category_id: int | None = None) -> str:
    """The random token that changes whenever lists that look at `facet`, of parts in one category or of all, may differ."""
    return f"parts:generation:{facet}" if category_id is None else f"parts:generation:{facet}:{category_id}"


def looked_at(facet: ListFacet, within: Collection[int] | None = None) -> tuple[str, ...]:
    """Return the generations that a list depends on which looks at `facet` of the parts in these categories; None: of all."""
    if within is None or len(within) > MAX_PLACES or facet not in PLACED:
        return (generation(facet),)
    return tuple(generation(facet, category_id) for category_id in (_UNKNOWN, *within))


def touched(facet: ListFacet, places: Collection[int] | None) -> tuple[str, ...]:
    """Return the generations that change when `facet` changes for a part in these categories; None: it is not known in which."""
    if facet not in PLACED:
        return (generation(facet),)
    return (generation(facet), *(generation(facet, category_id) for category_id in ((_UNKNOWN,) if places is None else places)))


def wake_up(effect: str) -> str:
    """Present while a wake-up for `effect` is queued."""
    return f"wake-up:{effect}"


# The names of workers that were heard of lately, and beat's last tick.
WORKERS = "heartbeat:workers"
BEAT = "heartbeat:beat"


def worker(name: str) -> str:
    """Present while a worker is alive, with the queues that it takes tasks from."""
    return f"heartbeat:worker:{name}"


_ASPECT_OF_SUFFIX = {
    "": Aspect.CONTENT, "images": Aspect.CONTENT, "specs": Aspect.CONTENT, "stock": Aspect.STOCK, "prices": Aspect.PRICE,
}  # fmt: skip


def parse_part_key(key: str) -> tuple[int, Aspect]:
    """Return the part and the aspect that a part's key belongs to."""
    _, part_id, *suffix = key.split(":")
    return int(part_id), _ASPECT_OF_SUFFIX["".join(suffix)]


def surrogate(key: str) -> str:
    """Return what an HTTP cache in front of us calls the answers that were made of this key, which is that of a part or of a
    generation: those that show anything of the part, or depend on the generation."""
    kind, name, *rest = key.split(":")
    return f"p{name}" if kind == "part" else "-".join(rest)
