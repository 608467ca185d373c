"""Searches and facets over a random catalog say what looking at every part says; pages in any order and of any size."""

import random
from collections.abc import Callable
from decimal import Decimal
from itertools import chain
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.container import Container
from app.contract.events import Actor
from app.domain.pricing import PriceLine
from app.domain.search import UNKNOWN, Typed
from app.services.intent import Intent
from app.store import search
from app.store.currencies import written
from app.store.listing.filters import PartFilters
from app.store.listing.questions import Prices
from app.store.listing.suggestions import suggested
from app.store.search import reading
from tests.integration.search_reference import Part, all_ids, catalog, fits, looked_through, order, ordered, words_like

NewPart = Callable[..., int]
Query = Callable[..., list[dict[str, Any]]]

WORDS = [
    "bearing",
    "Beam",
    "bolt",
    "M8",
    "m8x40",
    "10",
    "100%",
    "söhne",
    "ölig",
    "x",
    "(A)",
    "tür-5",
    "5/8",
    "½",
    "подшипник",
    "a_b",
    "o-ring",
    "ballbearing",
    "30x42x7",
    "10 mm",
    "M 8 x 40",
    "می\u200cخواهم",
]
SAID = [("Bohrung d", "10", "mm"), ("Bohrung d", "1 cm", ""), ("Bohrung d", "12", "mm"), ("Tiefe der Bohrung", "10", "mm"),
        ("Gewinde", "M8", ""), ("Größe", "0.3937", "in")]  # fmt: skip
NUMBERS = ["6205", "6205-2RS", "62/05.2", "DIN 912", "A-1", "a1", "9", "ÖL-205", "ПШ-205", "30-42-7", "6205zz"]
MAKERS = ["Ferrum", "Kettler & Söhne", "m8 GmbH", "Ölwerk", None]
SORTS = ["relevance", "name", "-name", "price", "-price", "newest"]
COMMON = {"max_examples": 150, "deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture]}


@pytest.fixture
def tag() -> str:
    """The beginning of the SKUs of one catalog; a word that every part of it holds, and no other part."""
    return "q" + uuid4().hex[:10]


@pytest.fixture
def tree(container: Container, actor: Actor, tag: str) -> dict[str, int]:
    """Three categories, one below another, and their ids by slug."""
    ids: dict[str, int] = {}
    for name, parent in (("root", None), ("leaf", "root"), ("other", None)):
        slug, below = f"{name}-{tag}", ids[f"{parent}-{tag}"] if parent else None
        ids[slug] = container.parts.create_category_with_sync(Intent(actor), slug, below, slug)["id"]
    return ids


@pytest.fixture(params=[("EUR",), ("EUR", "JPY", "USD")], ids=["one currency", "several currencies"])
def currencies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """The currencies of the catalog. Of one alone, lists look the price up beside the part; other tests' parts have others."""
    found: tuple[str, ...] = request.param
    if len(found) == 1:
        monkeypatch.setattr("app.store.listing.questions.prices_in", lambda *_asked: Prices("EUR"))
    return found


@pytest.fixture
def parts(
    container: Container,
    actor: Actor,
    new_part: NewPart,
    query: Query,
    tag: str,
    tree: dict[str, int],
    currencies: tuple[str, ...],
) -> list[Part]:
    """Forty random parts."""
    dice = random.Random(tag)
    for number in range(40):
        part = new_part(
            sku=f"{tag}-{number} {dice.choice(NUMBERS)}",
            manufacturer_number=dice.choice([*NUMBERS, None]),
            part_name=" ".join([*dice.choice([[], [], [tag]]), *dice.sample(WORDS, dice.randint(1, 4))]),
            description=dice.choice(
                ["", f"<p>{dice.choice(WORDS)} <b>{dice.choice(WORDS)}</b>, a 7 mm text, Bohrung 10 mm, Gewinde M8</p>"]
            ),
            manufacturer=dice.choice(MAKERS),
            category_id=dice.choice([*tree.values(), None]),
            status=dice.choice(["published"] * 5 + ["draft"]),
            stock=dice.randint(0, 1),
        )
        said = {name: (value, unit) for name, value, unit in dice.sample(SAID, dice.randint(0, 3))}
        specified = [{"name": name, "value": value, "unit": unit, "group": ""} for name, (value, unit) in said.items()]
        container.parts.update_specifications_with_sync(Intent(actor), part, specified)
        chosen = [one for one in currencies if dice.random() < 0.7]
        lines = [PriceLine(one, Decimal(dice.choice(["1", "0.0042", "4", "4.000001", "5"]))) for one in chosen]
        tiers = [PriceLine(one, Decimal("0.5"), 100) for one in chosen]
        if lines:
            container.parts.update_prices_with_sync(Intent(actor), part, [*lines, *tiers])
    return catalog(query, tag)


@pytest.fixture
def synonyms(query: Query) -> list[tuple[str, str]]:
    """The shop's synonyms."""
    return [(row["term"], row["means"]) for row in query("SELECT term, means FROM search_synonyms ORDER BY id")]


@pytest.fixture
def walk_at_most(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], None]:
    """Change how many rows of an order are looked through before hits are collected, and up to which hit these are only collected
    among the first names. No word is too rare for it."""
    monkeypatch.setattr("app.store.listing.pages.WALK_OF_HITS", 1)

    def change(rows: int, hit: int) -> None:
        monkeypatch.setattr("app.store.listing.pages.WALK", rows)
        monkeypatch.setattr("app.store.listing.pages.BEGUN", hit)

    return change


@pytest.fixture
def know_words(parts: list[Part], query: Query, container: Container, monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Change whether it is known how common words are. If it is, others of them are looked up in the index."""
    query("ANALYZE part_search")
    monkeypatch.setattr("app.store.search.reading._shares", WeakKeyDictionary())
    with container.reading.connect() as connection:
        known = reading.shares(connection)
    assert known.lexemes
    return lambda are_known: monkeypatch.setattr(
        "app.store.search.reading.shares", lambda _connection: known if are_known else UNKNOWN
    )


@st.composite
def typed(draw: st.DrawFn) -> str:
    """What somebody may type: words and numbers, pieces of them, in any case, with signs between."""
    whole = draw(
        st.sampled_from(
            [
                *WORDS,
                *NUMBERS,
                "mm",
                "7",
                "a",
                "of",
                "ring",
                "screw",
                "lager",
                "oelig",
                "M8 ×40",
                "30 42",
                "0,5",
                "Bohrung 10 mm",
                "0.394in bohr",
                "gewinde M8",
                "0.3937in Bohrung",
                "Bohrung d: 1cm",
                "Bohrung",
            ]
        )
    )
    start = draw(st.integers(0, len(whole) - 1))
    piece = draw(st.sampled_from([whole, whole[start:], whole[: start + 1], whole[:-1] or whole]))
    return draw(st.sampled_from([piece, piece.upper(), f"({piece}", piece + "%", piece.replace("-", "")]))


@st.composite
def questions(draw: st.DrawFn, tag: str) -> tuple[str, ...]:
    """Words of which one at least holds the catalog's tag: alone, first or last, or as the beginning of a SKU."""
    own = draw(st.sampled_from([tag, tag, f"{tag}-1", f"{tag}1", f"{tag}-12 6205", tag[3:], f"{tag} {WORDS[0]}"]))
    others = draw(st.lists(typed(), max_size=3))
    return words_like(" ".join([own, *others] if draw(st.booleans()) else [*others, own]))


def filters_of(tag: str, categories: list[str], currencies: tuple[str, ...]) -> st.SearchStrategy[PartFilters]:
    amounts = st.sampled_from([None, None, "0.0042", "1", "2.5", "4.00"])
    return st.builds(
        PartFilters,
        words=questions(tag),
        category=st.sampled_from([None, None, *categories, "no-such"]),
        manufacturer=st.sampled_from([None, None, "Ferrum", "Nobody"]),
        in_stock=st.sampled_from([None, None, True, False]),
        min_price=amounts,
        max_price=amounts,
        currency=st.sampled_from([*currencies, *currencies, *(["GBP"] if len(currencies) > 1 else [])]),
    )


def below(filters: PartFilters, tree: dict[str, int]) -> set[int]:
    if filters.category is None or filters.category not in tree:
        return set()
    inner = {slug.replace("root-", "leaf-") for slug in [filters.category]}
    return {tree[slug] for slug in {filters.category, *inner}}


def test_lists_are_what_looking_at_every_part_finds_in_every_order_and_size_of_page(
    container: Container, parts: list[Part], tag: str, tree: dict[str, int], walk_at_most: Callable[[int, int], None],
    know_words: Callable[[bool], None], synonyms: list[tuple[str, str]], currencies: tuple[str, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    @settings(**COMMON)
    @given(
        filters=filters_of(tag, list(tree), currencies), sort=st.sampled_from(SORTS), limit=st.sampled_from([1, 3, 50]),
        walk=st.sampled_from([1, 7, 2000]), begun=st.sampled_from([1, 4]), few=st.sampled_from([1, 500]), are_known=st.booleans(),
        few_pieces=st.sampled_from([0, 2000]), sample=st.sampled_from([0, 100]),
    )  # fmt: skip
    @example(
        filters=PartFilters(words=(tag, "bohrung", "10mm"), currency="EUR"), sort="relevance", limit=1, walk=7, begun=1, few=500,
        are_known=True, few_pieces=2000, sample=0,
    )  # fmt: skip
    @example(
        filters=PartFilters(words=("gewinde", "m8", tag, "tiefe", "0.394in", "bohrung"), currency="EUR"), sort="relevance",
        limit=3, walk=1, begun=4, few=1, are_known=False, few_pieces=0, sample=100,
    )  # fmt: skip
    @example(
        filters=PartFilters(words=(tag, "0.3937in", "bohrung"), currency="EUR"), sort="relevance", limit=3, walk=7, begun=1,
        few=500, are_known=True, few_pieces=2000, sample=100,
    )  # fmt: skip
    @example(
        filters=PartFilters(words=(tag, "m8"), in_stock=True, currency="EUR"), sort="relevance", limit=50, walk=7, begun=1,
        few=500, are_known=True, few_pieces=2000, sample=0,
    )  # fmt: skip
    @example(
        filters=PartFilters(words=(tag, "bohrung", "1cm"), in_stock=True, currency="EUR"), sort="-price", limit=1, walk=7,
        begun=1, few=500, are_known=True, few_pieces=2000, sample=100,
    )  # fmt: skip
    def check(
        filters: PartFilters, sort: str, limit: int, walk: int, begun: int, few: int, are_known: bool, few_pieces: int,
        sample: int,
    ) -> None:  # fmt: skip
        walk_at_most(walk, begun)
        monkeypatch.setattr("app.store.listing.questions.FEW", few)
        monkeypatch.setattr("app.store.search.words.SAMPLE", sample)
        monkeypatch.setattr("app.store.search.relevance.FEW_PIECES", few_pieces)
        know_words(are_known)
        through, typed = looked_through(parts, filters.words, synonyms)
        found, match = all_ids(container, filters, sort, limit)
        if through:
            wanted = [part for part in through if fits(part, filters, typed, below(filters, tree))]
            assert (found, match) == (ordered(wanted, sort, typed, filters.currency or ""), "exact")
        else:
            assert match == "similar" or found == []

    check()


def test_suggestions_are_the_first_of_all_hits_or_the_best_of_some_parts_if_these_have_enough(
    container: Container, parts: list[Part], tag: str, synonyms: list[tuple[str, str]], query: Query,
    know_words: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (last,) = query("SELECT max(part_id) AS id FROM part_search")

    @settings(**COMMON)
    @given(
        words=questions(tag), limit=st.sampled_from([1, 3, 20]), each=st.sampled_from([1, 2, 4]),
        crowd=st.sampled_from([21, 200]), are_known=st.booleans(),
    )  # fmt: skip
    @example(words=(tag,), limit=3, each=2, crowd=21, are_known=True)
    @example(words=(tag,), limit=20, each=4, crowd=200, are_known=True)
    @example(words=(tag, "bearing"), limit=1, each=2, crowd=200, are_known=True)
    @example(words=(f"{tag}-1",), limit=1, each=4, crowd=200, are_known=False)
    @example(words=(tag, "bohrung", "10mm"), limit=3, each=2, crowd=200, are_known=False)
    @example(words=(tag, "bohrung", "10mm"), limit=3, each=1, crowd=21, are_known=True)
    @example(words=(tag, "0.3937in", "bohrung"), limit=3, each=2, crowd=200, are_known=True)
    def check(words: tuple[str, ...], limit: int, each: int, crowd: int, are_known: bool) -> None:
        monkeypatch.setattr("app.store.listing.suggestions.LOOKED_AT", last["id"] // each)
        monkeypatch.setattr("app.store.listing.suggestions.CROWD", crowd)
        know_words(are_known)
        through, typed = looked_through(parts, words, synonyms)
        if not through:
            return
        held = [part for part in through if part.holds(typed)]
        some = [part for part in held if part.row["id"] % each == 0]
        if len(some) >= limit:
            worst = sorted(part.relevance(typed) for part in some)[limit - 1]
            numbered = [[part for part in held if part.relevance(typed) == tier] for tier in (0, 1, 3) if tier < worst]
            named = [part for part in held if part.relevance(typed) == 2]
            held = [part for part in held if part in [*some, *named, *chain(*(one for one in numbered if len(one) < crowd))]]
        with container.reading.connect() as connection:
            found = suggested(connection, PartFilters(words), limit)
        assert (found.ids, search.match_of(found.meant)) == (ordered(held, "relevance", typed, "")[:limit], "exact")

    check()


def test_facets_are_what_counting_every_part_gives(
    container: Container,
    parts: list[Part],
    tag: str,
    tree: dict[str, int],
    synonyms: list[tuple[str, str]],
    currencies: tuple[str, ...],
    know_words: Callable[[bool], None],
) -> None:
    @settings(**COMMON)
    @given(filters=filters_of(tag, list(tree), currencies), are_known=st.booleans())
    @example(filters=PartFilters(words=("ö", tag), currency="EUR"), are_known=True)
    @example(filters=PartFilters(words=(tag, "0.3937in", "bohrung"), in_stock=True, currency="EUR"), are_known=True)
    def check(filters: PartFilters, are_known: bool) -> None:
        know_words(are_known)
        through, typed = looked_through(parts, filters.words, synonyms)
        if through:
            shown = container.parts.catalog.facets(filters).body
            # What parts say in their specifications is counted in test_specifications.py.
            others = {"match": "exact", "specifications": shown["specifications"]}
            assert shown == counted(through, filters, typed, tree, shown["categories"]) | others

    check()


def counted(
    parts: list[Part], filters: PartFilters, typed: Typed, tree: dict[str, int], shown: list[dict[str, Any]]
) -> dict[str, Any]:
    """Count each facet with all filters but its own."""

    def those(**without: None) -> list[Any]:
        asked = PartFilters(**{name: without.get(name, getattr(filters, name)) for name in PartFilters.__slots__})
        return [part for part in parts if fits(part, asked, typed, below(asked, tree))]

    rows = [part.row for part in those(category=None)]
    currency = filters.currency or ""
    categories = {
        slug: sum(row["category_id"] in below(PartFilters(category=slug), tree) for row in rows) for slug in sorted(tree)
    }
    makers = [part.row["manufacturer"] for part in those(manufacturer=None) if part.row["manufacturer"]]
    amounts = (part.amount(currency) for part in those(min_price=None, max_price=None))
    prices = [amount for amount in amounts if amount is not None]
    stocks = [part.row["in_stock"] for part in those(in_stock=None)]
    # Names and parents of categories are of the tree, and not counted.
    known = {category["slug"]: category for category in shown}
    extremes = {"min": written(min(prices), currency), "max": written(max(prices), currency)} if prices else {}
    return {
        "categories": [known.get(slug, {}) | {"count": count} for slug, count in categories.items() if count],
        "manufacturers": [
            {"value": maker, "count": makers.count(maker)}
            for maker in sorted(set(makers), key=lambda m: (-makers.count(m), order(m)))
        ],
        "availability": {"in_stock": stocks.count(True), "out_of_stock": stocks.count(False)},
        "price": extremes or None,
        "currency": currency,
        "total": len(those()),
    }
