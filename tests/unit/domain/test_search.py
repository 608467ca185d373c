"""How typed words are read, and how facets are summed up."""

from typing import NamedTuple

import pytest

from app.domain.facets import composed
from app.domain.search import Word, like, likeness, number_of, swapped, words_of


class Count(NamedTuple):
    facet: str
    value: str | None
    count: int
    low: str | None = None
    high: str | None = None


class Node(NamedTuple):
    id: int
    slug: str
    name: str
    parent_id: int | None


def test_the_first_ten_words_count_in_small_letters() -> None:
    assert words_of("  M8x40\tBOLT  ÖL ") == ("m8x40", "bolt", "öl")
    assert words_of("İ ΑΣ") == ("i", "ας"[0] + "σ")
    assert words_of("a " * 50) == ("a",)
    assert len(words_of("a b c d e f g h i j k l")) == 10


@pytest.mark.parametrize(
    ("typed", "is_plain", "pieces"),
    [
        ("6205", True, ("6205",)),
        ("6205-2rs", True, ("6205-2rs", "62052rs")),
        ("a-b.c", True, ("abc",)),
        ("m8", True, ()),
        ("ab-c", True, ("abc",)),
        ("бвг", True, ()),
        ("100%", False, ()),
        ("-6205", False, ()),
        ("--", False, ()),
    ],
)
def test_a_word_is_looked_up_by_what_of_it_is_long_enough(typed: str, is_plain: bool, pieces: tuple[str, ...]) -> None:
    assert (Word(typed).is_plain, Word(typed).pieces) == (is_plain, pieces)


def test_small_pieces_of_text_are_made() -> None:
    assert number_of(("6205", "-2rs%")) == "62052rs"
    assert swapped("abc") == ["bac", "acb"]
    assert like("5%_\\") == "%5\\%\\_\\\\%"


def test_of_two_words_a_number_or_a_measure_is_the_rarer_one_and_else_the_longer_one() -> None:
    words = ["10", "steel", "hexagon", "m8", "6205,"]
    assert sorted(words, key=lambda word: Word(word).rarity) == ["10", "steel", "hexagon", "m8", "6205,"]


def test_accents_and_ligatures_are_folded() -> None:
    assert [Word(typed).folded for typed in ("söhne", "ﬁt", "m²", "6205-2rs")] == ["sohne", "fit", "m2", "62052rs"]


def test_a_longer_word_has_to_be_more_like_what_it_was_meant_as() -> None:
    assert [likeness("x" * length) for length in (3, 7, 8, 12, 40)] == [0.3, 0.3, 0.4, 0.5, 0.5]


def test_a_category_counts_what_is_below_it_and_one_that_is_gone_counts_nothing() -> None:
    tree = [Node(1, "a", "A", None), Node(2, "b", "B", 1), Node(3, "c", "C", None)]
    counts = [
        Count("category", "1", 2), Count("category", "2", 3), Count("category", "9", 4), Count("category", None, 1),
        Count("manufacturer", "X", 6), Count("in_stock", "true", 7), Count("total", None, 10, "1.00", "5.00"),
    ]  # fmt: skip
    shown = composed(counts, tree)
    assert [(one["id"], one["count"]) for one in shown["categories"]] == [(1, 5), (2, 3)]
    assert shown["manufacturers"] == [{"value": "X", "count": 6}]
    assert shown["availability"] == {"in_stock": 7, "out_of_stock": 0}
    assert (shown["total"], shown["price"]) == (10, {"min": "1.00", "max": "5.00"})
    assert (composed([], tree)["total"], composed([], tree)["price"]) == (0, None)
