"""How words find parts: conditions on `part_search`, and what a word with typing errors may have been meant as.

A word is found as the beginning of a word of the name, the maker, the description or a number, and anywhere inside of a number;
one letter alone not as the beginning of a word of the description. Every condition is served by an index.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Literal

from sqlalchemy import Connection, text

from app.domain.search import Word, like, likeness, number_of, swapped

# For each word of a question: nothing, and the word itself is looked for; or what it is taken to mean.
Meant = tuple[tuple[str, ...], ...]
Whose = Literal["public", "all"]
# U+0001 before and after a number without its punctuation; see `app.models.search`.
MARK = "\x01"
# Behind every text that begins with a prefix, in the order of code points.
LAST = "\U0010ffff"
SUGGESTIONS = 3
LOOKED_UP = 2
# With fewer letters a word may have been meant as anything.
SHORTEST = 3

_LITERALLY = "(strpos(s.name, {word}) > 0 OR strpos(s.numbers, {word}) > 0 OR strpos(lower(s.manufacturer), {word}) > 0)"
_NUMBER = "s.words @@ (SELECT CAST(:{name} AS tsquery))"
_LEAST = text("SELECT set_limit(CAST(:least AS real))")
_SUGGEST = text("""
    SELECT word FROM (
        SELECT DISTINCT word, word = ANY(:swapped) AS is_swapped, similarity(word, :word) AS near
        FROM search_words WHERE show_trgm(:word) <> '{}' AND (word % :word OR word = ANY(:swapped))) found
    ORDER BY is_swapped DESC, near DESC, word LIMIT :most
""")


# The question stands in a sub-select, which is evaluated once and not for each row, and which the planner does not look into: it
# takes every word for a rare one and collects the hits by the index. Common words are met by the walk (`app.store.listing`).
def conditions(words: Sequence[str], meant: Meant = ()) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions on `part_search s` that each of the words makes, and their parameters.

    An index is asked for the two words that are likely to be the rarest: to collect the hits of common ones as well takes longer
    than to look at the few rows that are left.
    """
    found: list[str] = []
    parameters: dict[str, Any] = {}
    rarest = sorted(words, key=lambda word: Word(word).rarity, reverse=True)[:LOOKED_UP]
    for place, word in enumerate(words):
        suggestions = meant[place] if meant else ()
        if suggestions:
            condition = f"s.words @@ (SELECT CAST(:word_{place} AS tsquery))"
            parameters[f"word_{place}"] = " | ".join(f"'{suggestion}'" for suggestion in suggestions)
        else:
            condition = " OR ".join(_alternatives(place, Word(word), parameters))
        found.append(f"({condition})" if word in rarest else checked(condition))
    return found, parameters


def checked(condition: str) -> str:
    """Return a condition that no index is asked for, and that is checked on the rows that others have found."""
    return f"(({condition}) IS TRUE)"


def _alternatives(place: int, word: Word, parameters: dict[str, Any]) -> Iterator[str]:
    name = f"word_{place}"
    parameters[name] = word.text
    by_words = f"s.words @@ (SELECT search_query(:{name}, {not word.is_plain}))"
    yield by_words if word.is_plain else f"({by_words} AND {_LITERALLY.format(word=':' + name)})"
    for number, piece in enumerate(word.pieces):
        parameters[f"{name}_{number}"] = like(piece)
        yield f"s.numbers LIKE :{name}_{number}"


def is_found(connection: Connection, words: Sequence[str], whose: Whose = "public") -> bool:
    """Whether any part, or any published one, holds all of the words."""
    wanted, parameters = conditions(words)
    wanted += ["s.is_public"] if whose == "public" else []
    # A materialised table is planned to be read wholly, by the index, and yet read no further than its first row.
    statement = text(f"""
        WITH hits AS MATERIALIZED (SELECT FROM part_search s WHERE {" AND ".join(wanted)})
        SELECT EXISTS (SELECT FROM hits)
    """)  # noqa: S608 — put together from constants of this module; every value is a parameter
    return bool(connection.execute(statement, parameters).scalar_one())


def meaning(connection: Connection, words: Sequence[str], whose: Whose = "public") -> Meant:
    """Return what words that together find nothing may have been meant as: for each word that nothing holds, up to three words
    like it. Empty if there is nothing to suggest.
    """
    meant: list[tuple[str, ...]] = []
    for word in words:
        if len(words) > 1 and is_found(connection, [word], whose):
            meant.append(())
            continue
        suggestions = _suggestions(connection, Word(word).folded)
        if not suggestions:
            return ()
        meant.append(suggestions)
    return tuple(meant) if any(meant) else ()


def _suggestions(connection: Connection, word: str) -> tuple[str, ...]:
    if len(word) < SHORTEST:
        return ()
    # What the operator `%` of the next statement takes for alike.
    connection.execute(_LEAST, {"least": likeness(word)})
    return tuple(connection.execute(_SUGGEST, {"word": word, "swapped": swapped(word), "most": SUGGESTIONS}).scalars())


def most_likely(words: Sequence[str], meant: Meant) -> list[str]:
    """Return the words, each in its likeliest meaning."""
    return [meant[place][0] if meant and meant[place] else word for place, word in enumerate(words)]


def tiers(words: Sequence[str]) -> tuple[list[tuple[str, str, str]], dict[str, Any]]:
    """Return what sorts hits by relevance, best first: the whole number, its beginning, the beginning of the name, all others.

    Each is its mark, the condition that an index serves, and what else it asks; with the parameters of all. With one letter
    begin too many numbers for that to say anything.
    """
    phrase, number = " ".join(words), number_of(words)
    parameters: dict[str, Any] = {"phrase": phrase, "phrase_end": phrase + LAST}
    named = "s.name >= :phrase AND s.name < :phrase_end"
    if not number:
        return [("2", named, "true"), ("3", "true", f"NOT ({named})")], parameters
    whole, start = MARK + number + MARK, MARK + number
    shown = start if len(number) > 1 else whole
    # Parts have their numbers as lexemes, with the mark before them.
    parameters |= {"whole_number": f"'{start}'", "number_start": f"'{start}':*", "number": shown, "whole": whole}
    other = "strpos(s.numbers, :number) = 0"
    begun = [("1", _NUMBER.format(name="number_start"), "strpos(s.numbers, :whole) = 0")] if shown == start else []
    return [
        ("0", _NUMBER.format(name="whole_number"), "true"),
        *begun,
        ("2", named, other),
        ("3", "true", f"NOT ({named}) AND {other}"),
    ], parameters
