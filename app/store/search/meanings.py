"""What a mistyped word may have been meant as."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from sqlalchemy import Connection, text

from app.domain.search import BY_VALUE, LEFT_OUT, Synonym, Typed, Word, likeness, swapped
from app.store.search.words import LOOKED_UP, Wanted, Whose, are_found, conditions, is_found

# For each word of a query: empty, if the word itself is looked for; or what it is taken to mean.
Meant = tuple[tuple[str, ...], ...]
SUGGESTIONS = 3
# A word with fewer letters could have been meant as anything.
SHORTEST = 3

_LEAST = text("SELECT set_limit(CAST(:least AS real))")
# The words of parts that are like a word, and the terms for which the shop has synonyms.
_SUGGEST = text("""
    SELECT word, bool_or(is_of_part) AS is_of_part FROM (
        SELECT word, true AS is_of_part FROM search_words WHERE word % :word OR word = ANY(:swapped)
        UNION ALL SELECT term_key, false FROM search_synonyms WHERE term_key % :word OR term_key = ANY(:swapped)) found
    WHERE show_trgm(:word) <> '{}' GROUP BY word
    ORDER BY word = ANY(:swapped) DESC, similarity(word, :word) DESC, word
""")
_SYNONYMS = text("""
    SELECT term_key, search_normal(means) AS text, search_tokens(means) AS tokens FROM search_synonyms
    WHERE term_key = ANY(:terms) ORDER BY id
""")


def meaning(connection: Connection, typed: Typed, whose: Whose = "public", unmet: Wanted | None = None) -> Meant:
    """Return what words that together find nothing may have been meant as: for each word that no part holds, up to three similar
    words. If there are none, customers are shown what holds the others, unless it may be that word which says what is meant. If
    each of three or more words is held by some part, the least telling ones are left out. Empty if there is nothing to suggest.

    Args:
        unmet: conditions of which no part meets all those that are looked up in the index, if that is known already.
    """
    meant: list[tuple[str, ...]] = []
    places = range(len(typed.words))
    alone = [conditions(typed, place=place) for place in places]
    are_known = are_found(connection, alone, whose) if len(alone) > 1 else [False] * len(alone)
    for place in places:
        if are_known[place]:
            meant.append(())
            continue
        suggestions = _suggestions(connection, typed, place, whose)
        if not suggestions and not (whose == "public" and _may_go(typed.words[place])):
            return ()
        meant.append(suggestions or LEFT_OUT)
    if all(one == LEFT_OUT for one in meant):
        return ()
    return tuple(meant) if any(meant) else _without_some(connection, typed, whose, unmet)


def taken(connection: Connection, typed: Typed, meant: Sequence[tuple[str, ...]]) -> Typed:
    """Return it with its words taken for others, or left out, and with the shop's synonyms for what they are taken for."""
    changed = typed.meaning(meant)
    terms = changed.taken_terms()
    if not terms:
        return changed
    synonyms = [
        Synonym(first, length, row.text, tuple(row.tokens))
        for row in connection.execute(_SYNONYMS, {"terms": list(terms)}).all()
        for first, length in terms[row.term_key]
    ]
    return replace(changed, synonyms=(*changed.synonyms, *synonyms))


def _may_go(word: Word) -> bool:
    """Whether it looks like the name of a maker or a description: a number or a sign says which part is meant."""
    return word.bare.isalpha() and len(word.bare) >= SHORTEST and not word.signs


def _without_some(connection: Connection, typed: Typed, whose: Whose, unmet: Wanted | None) -> Meant:
    in_vain = set(unmet.asked[: unmet.looked_up]) if unmet else None
    meant: list[tuple[str, ...]] = [()] * len(typed.words)
    for place in sorted(range(len(typed.words)), key=lambda place: typed.words[place].rarity)[:-LOOKED_UP]:
        meant[place] = LEFT_OUT
        wanted = conditions(taken(connection, typed, meant))
        # To find that no part has two common words together takes as long as to collect all hits of both.
        is_vain = in_vain is not None and in_vain.issubset(wanted.asked)
        if not is_vain and are_found(connection, [wanted], whose)[0]:
            return tuple(meant)
    return ()


def _suggestions(connection: Connection, typed: Typed, place: int, whose: Whose) -> tuple[str, ...]:
    word = typed.words[place].bare
    if len(word) < SHORTEST:
        return ()

    def is_held(other: str) -> bool:
        meant = [(other,) if at == place else () for at in range(len(typed.words))]
        return is_found(connection, taken(connection, typed, meant), whose, place)

    # A word that some part has without its signs is meant as that. Half of the numbers of a catalog resemble a short number.
    if typed.words[place].signs and is_held(word):
        return (word,)
    # The similarity threshold of the operator `%` in the next statement.
    connection.execute(_LEAST, {"least": likeness(word)})
    like_it = connection.execute(_SUGGEST, {"word": word, "swapped": swapped(word)}).all()
    # Parts may have nothing of what a term means.
    return tuple(islice((row.word for row in like_it if row.is_of_part or is_held(row.word)), SUGGESTIONS))


def match_of(meant: Meant) -> str:
    """Return how a search was met: `exact` if parts have what was typed, in words or by value."""
    return "similar" if meant and BY_VALUE not in meant else "exact"
