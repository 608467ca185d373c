"""How typed words are parsed, and how facets are summed up."""

from typing import Any, NamedTuple

import pytest

from app.domain.facets import composed
from app.domain.search import UNKNOWN, Shares, Synonym, Typed, Word, like, likeness, measures, singulars, swapped, words_of


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


def word(text: str, **more: Any) -> Word:
    tokens = tuple(text.replace("/", "-").split("-"))
    return Word(text, tokens, "".join(tokens), **more)


def lexemes(*words: Word) -> set[tuple[str, ...]]:
    return {form.lexemes for form in Typed((), words).forms}


def test_the_first_twenty_words_count_in_small_letters() -> None:
    assert words_of("  M8x40\tBOLT  ÖL ") == ("m8x40", "bolt", "öl")
    assert words_of("İ ΑΣ") == ("i", "ας"[0] + "σ")
    assert words_of("10 x 10 x 3") == ("10", "x", "10", "x", "3")
    assert len(words_of("a " * 50)) == 20


def test_a_sign_between_a_letter_and_a_digit_is_a_hyphen_and_between_digits_it_means_something() -> None:
    assert words_of("DIN.912/M6x20 7/A.3") == ("din-912-m6x20", "7-a-3")
    assert words_of("1.5 3/8 6205.2RS .5 5. a.b n/a AND/OR") == ("1.5", "3/8", "6205.2rs", ".5", "5.", "a.b", "n/a", "and/or")


@pytest.mark.parametrize(
    ("typed", "pieces"),
    [
        (word("6205"), ("6205",)),
        (word("6205-2rs"), ("6205-2rs", "62052rs")),
        (word("m8"), ()),
        (word("a-bc"), ("abc",)),
        (word("бвг"), ()),
        (word("100%", is_plain=False), ()),
    ],
)
def test_a_word_is_looked_up_in_numbers_by_what_of_it_is_long_enough(typed: Word, pieces: tuple[str, ...]) -> None:
    assert typed.pieces == pieces


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ((word("o"), word("ring")), {("o",), ("ring",), ("oring",)}),
        ((word("o-ring"),), {("o", "ring"), ("oring",)}),
        ((word("bearings"),), {("bearings",), ("bearing",)}),
        ((word("nbr70"),), {("nbr70",), ("nbr", "70")}),
        ((word("m8x40"),), {("m8x40",)}),
        ((word("30-42-7"),), {("30", "42", "7"), ("30427",), ("30x42x7",)}),
        ((word("30"), word("42")), {("30",), ("42",), ("3042",), ("30x42",)}),
        ((word("4k7"),), {("4k7",), ("4.7kohm",), ("4.7k",)}),
        ((word("4.7"), word("k")), {("4.7",), ("k",), ("4.7k",), ("4k7",), ("4.7kohm",)}),
        ((word("m8x40mm"),), {("m8x40mm",), ("m8x40",)}),
        ((word("m8x1.25x40"),), {("m8x1.25x40",), ("m8x40",)}),
        ((word("m8x1.250x40mm"),), {("m8x1.250x40mm",), ("m8x1.250x40",), ("m8x40",)}),
        ((word("m10x1.5"),), {("m10x1.5",), ("m10",)}),
        ((word("m8x1x40"),), {("m8x1x40",)}),
        ((word("m6x10"),), {("m6x10",)}),
        ((word("m8-1.25x40"),), {("m8", "1.25x40"), ("m81.25x40",), ("m8x40",)}),
        ((word("10%", is_plain=False, signs=("25",)),), {("25", "10%")}),
        ((word("轴承", grams=("轴承",)),), {("轴承",)}),
    ],
)
def test_words_are_asked_for_joined_and_apart(typed: tuple[Word, ...], asked: set[tuple[str, ...]]) -> None:
    assert lexemes(*typed) == asked


def test_a_sequence_is_compared_in_every_form_without_what_may_be_left_out() -> None:
    typed = Typed((), (word("din912"), word("m6x20")), (Synonym(0, 1, "iso4762", ("iso4762",)),))
    assert typed.sequences() == ["din912m6x20", "iso4762m6x20"]
    assert Typed((), (word("o-ring"), word("seals"))).sequences() == ["oringseals", "oringseal"]


@pytest.mark.parametrize(
    ("typed", "pieces"),
    [
        ((word("zinc"), word("plated")), [("zincplated",)]),
        ((word("zinc"), word("plated"), word("m8")), [("zincplated", "platedm8"), ("zincplatedm8",)]),
        ((word("o-ring"), word("seal")), [("oring", "ringseal"), ("oringseal",)]),
        ((word("seal"), word("nbr70")), [("sealnbr", "nbr70"), ("sealnbr70",)]),
        ((word("plain"), word("8.8")), [("plain8.8",)]),
        # Neighbours that are too long together are not indexed as one.
        ((word("a" * 30), word("b" * 30)), []),
        ((word("10%", is_plain=False, signs=("25",)), word("zinc")), []),
        ((word("轴承", grams=("轴承",)), word("钢", grams=("钢",))), []),
        # Each plural has several singulars: more ways than are looked up.
        (tuple(word(f"{letter}oxes") for letter in "bcdfgh"), []),
    ],
)
def test_all_of_it_in_one_piece_is_neighbours_that_are_indexed_as_one(
    typed: tuple[Word, ...], pieces: list[tuple[str, ...]]
) -> None:
    assert sorted(Typed((), typed).pieces()) == sorted(pieces)


def test_a_word_taken_for_another_takes_no_synonyms_and_the_rest_keeps_theirs() -> None:
    typed = Typed(
        ("bering", "din912", "70"), (word("bering"), word("din912"), word("70")), (Synonym(1, 1, "iso4762", ("iso4762",)),)
    )
    meant = typed.meaning((("bearing", "ring"), (), ("",)))
    assert (meant.phrase, meant.number) == ("bearing din912", "bearingdin912")
    assert {("bearing",), ("ring",), ("iso4762",)} <= lexemes(*meant.words) | {s.tokens for s in meant.synonyms}
    assert typed.meaning((("bearing",), ("din911",), ())).synonyms == ()


@pytest.mark.parametrize(
    ("plural", "singular"),
    [
        ("bearings", ("bearing",)), ("bushes", ("bushe", "bush")), ("assemblies", ("assembly", "assemblie")), ("brass", ()),
        ("bus", ()), ("as", ()), ("6205s", ()), ("radius", ()),
    ],
)  # fmt: skip
def test_an_english_plural_is_looked_for_in_the_singular_too(plural: str, singular: tuple[str, ...]) -> None:
    assert singulars(plural) == singular


@pytest.mark.parametrize(
    ("typed", "others"),
    [
        ("10r", {"10ohm"}), ("10ohm", {"10r"}), ("4r7", {"4.7ohm"}), ("4.7kohm", {"4k7", "4.7k"}), ("4.7k", {"4k7", "4.7kohm"}),
        ("1mohm", set()), ("1m5", {"1.5mohm"}), ("m8", set()), ("2rs", set()), ("10m", set()), ("10mm", set()),
    ],
)  # fmt: skip
def test_a_resistance_is_looked_for_in_every_way_to_write_it(typed: str, others: set[str]) -> None:
    assert set(measures(typed)) == others


def test_small_pieces_of_text_are_made() -> None:
    assert swapped("abc") == ["bac", "acb"]
    assert like("5%_\\") == "%5\\%\\_\\\\%"


def test_of_two_words_a_number_or_a_measure_is_the_rarer_one_and_else_the_longer_one() -> None:
    words = ["10", "steel", "hexagon", "m8", "6205"]
    assert sorted(words, key=lambda text: word(text).rarity) == ["10", "steel", "hexagon", "m8", "6205"]


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


def test_the_share_of_a_beginning_is_that_of_all_lexemes_that_begin_so() -> None:
    known = Shares(("bolt", "m12", "m14", "m8", "m9"), (0.5, 0.5, 0.25, 0.25, 1.0))
    assert known.of("m8", begins=False) == 0.25
    assert known.of("m1", begins=True) == 0.625
    assert known.of("m", begins=True) == 1.0
    assert known.of("nut", begins=True) == known.of("bol", begins=False) == UNKNOWN.of("bolt", begins=True) == 0.0


def test_neighbours_that_are_indexed_as_one_add_nothing_to_the_share_of_the_first() -> None:
    known = Shares(
        ("\x02key", "\x02keyway", "8", "8x20", "zinc", "zinca2", "zincplated"), (0.5, 0.5, 0.5, 0.5, 0.25, 0.125, 0.25)
    )
    assert known.of("zinc", begins=True) == known.of("zinc", begins=False) == 0.25
    assert known.of("zin", begins=True) == 0.25
    # Words of a description are not joined, and a digit begins other numbers.
    assert known.of("\x02key", begins=True) == known.of("8", begins=True) == 0.75
