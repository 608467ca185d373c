"""How typed words are read, and how facets are summed up."""

from decimal import Decimal
from typing import NamedTuple

import pytest

from app.domain.facets import Chosen, composed
from app.domain.search import Word, like, number_of, swapped, words_of


class Group(NamedTuple):
    category_id: int | None
    manufacturer: str | None
    in_stock: bool
    count: int
    low: Decimal | None = None
    high: Decimal | None = None


class Node(NamedTuple):
    id: int
    slug: str
    name: str
    parent_id: int | None


def test_the_first_ten_words_count_in_small_letters() -> None:
    assert words_of("  M8x40\tBOLT  ÖL ") == ("m8x40", "bolt", "öl")
    assert words_of("İ ΑΣ") == ("i", "ας"[0] + "σ")
    assert len(words_of("a " * 50)) == 10


@pytest.mark.parametrize(
    ("typed", "is_plain", "pieces"),
    [
        ("6205", True, ("6205",)),
        ("6205-2rs", True, ("6205-2rs", "62052rs")),
        ("a-b.c", True, ("abc",)),
        ("m8", True, ()),
        ("100%", False, ("100%",)),
        ("-6205", False, ("-6205",)),
        ("--", False, ()),
    ],
)
def test_a_word_is_looked_up_by_what_of_it_is_long_enough(typed: str, is_plain: bool, pieces: tuple[str, ...]) -> None:
    assert (Word(typed).is_plain, Word(typed).pieces) == (is_plain, pieces)


def test_small_pieces_of_text_are_made() -> None:
    assert number_of(("6205", "-2rs%")) == "62052rs"
    assert swapped("abc") == ["bac", "acb"]
    assert like("5%_\\") == "%5\\%\\_\\\\%"


def test_a_category_counts_what_is_below_it_and_one_that_is_gone_counts_nothing() -> None:
    tree = [Node(1, "a", "A", None), Node(2, "b", "B", 1), Node(3, "c", "C", None)]
    groups = [
        Group(1, "X", True, 2, Decimal(1), Decimal(5)),
        Group(2, None, False, 3),
        Group(9, "X", True, 4),
        Group(None, "Y", True, 0),
    ]
    shown = composed(groups, tree, Chosen())
    assert [(one["id"], one["count"]) for one in shown["categories"]] == [(1, 5), (2, 3)]
    assert shown["manufacturers"] == [{"value": "X", "count": 6}]
    assert (shown["total"], shown["price"]) == (9, {"min": "1", "max": "5"})
    assert composed([], tree, Chosen(categories=[]))["price"] is None
