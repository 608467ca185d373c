"""Which forms of a word the index is asked for."""

from app.domain.search import Synonym, Typed, Word
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
