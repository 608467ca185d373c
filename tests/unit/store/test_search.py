"""Which words, and which forms of a word, the index is asked for."""

from math import inf

import pytest

from app.domain.search import UNKNOWN, Shares, Synonym, Typed, Word
from app.store.search import conditions


def asked(word: str, *synonyms: str) -> str:
    also = tuple(Synonym(0, 1, synonym, (synonym,)) for synonym in synonyms)
    return str(conditions(Typed((word,), (Word(word, (word,), word),), also)).parameters["word_0"])


def test_a_form_that_begins_as_a_shorter_one_is_not_asked_for() -> None:
    assert asked("hexagon", "hex") == "'hex':* | '\x02hex':*"
    assert asked("hex", "hexagon") == "'hex':* | '\x02hex':*"


def test_other_forms_are_all_asked_for() -> None:
    # The singular is a whole word, and a single letter begins no words of descriptions.
    assert asked("bolts") == "'bolts':* | '\x02bolts':* | 'bolt' | '\x02bolt'"
    assert "hexagon" in asked("h", "hexagon")
    assert "nut" in asked("hexagon", "nut")


COMMON = Shares(("bolt", "din", "hexagon", "m8", "m8x16", "x"), (0.3, 0.2, 1.0, 0.1, 0.1, 0.9), 10_000)


def looked_up(typed: str, known: Shares, place: int | None = None) -> set[str]:
    """Return the words that the index is asked for; the others are checked on the rows that it has found."""
    words = tuple(typed.split())
    wanted = conditions(Typed(words, tuple(Word(word, (word,), word) for word in words), shares=known), place=place)
    return {words[int(one.split(":word_")[1].split("_")[0])] for one in wanted.found if "IS TRUE" not in one}


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("hexagon 4711-99 bolt", {"4711-99"}), ("bolts hexagon", {"bolts"}), ("hexagon bolt", {"bolt"}), ("hex bol", {"bol"}),
        ("4711-99 washers", {"4711-99", "washers"}), ("m8 din", {"m8", "din"}), ("m8 hexagon", {"m8"}),
        # These may begin many lexemes that are each rare.
        ("62 bolt", {"62", "bolt"}), ("62 hexagon", {"62"}),
        # Single letters are only found whole.
        ("hexagon q", {"q"}), ("x hexagon", {"x"}),
    ],
)  # fmt: skip
def test_words_that_many_parts_have_are_checked_on_the_rows_of_a_rarer_one(typed: str, asked: set[str]) -> None:
    assert looked_up(typed, COMMON) == asked


def test_of_words_of_which_nothing_is_known_those_that_look_rarest_are_looked_up() -> None:
    assert looked_up("hexagon 4711-99 bolt", UNKNOWN) == {"hexagon", "4711-99"}
    assert looked_up("x bolt", UNKNOWN) == {"bolt"}


def test_a_word_that_is_looked_for_alone_is_looked_up_however_common_it_is() -> None:
    assert looked_up("hexagon 4711-99 bolt", COMMON, place=0) == {"hexagon"}
    assert looked_up("4711-99 hexagon nut", UNKNOWN, place=2) == {"nut"}


@pytest.mark.parametrize(
    ("typed", "most", "is_frequent"),
    [
        ("bolt hexagon", 3_000, True), ("hexagon din bolt", 2_000, True),
        # In less parts than any lexeme that is known to be common; a few letters may begin many.
        ("hexagon 4711-99", 100, False), ("62", 500, True),
    ],
)  # fmt: skip
def test_no_more_rows_are_expected_than_the_rarest_word_finds(typed: str, most: float, is_frequent: bool) -> None:
    words = tuple(Word(word, (word,), word) for word in typed.split())
    wanted = conditions(Typed((), words, shares=COMMON))
    assert (wanted.most, wanted.is_frequent) == (pytest.approx(most), is_frequent)
    assert conditions(Typed((), words)).most == inf
