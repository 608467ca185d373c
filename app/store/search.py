r"""How words find parts: conditions on `part_search`, and what a mistyped word may have been meant as.

A word, in one of its forms (`app.domain.search`), matches the beginning of a word of the name, the maker, the description or a
number, and anything inside a number; a single letter does not match the beginning of a word of the description. A word is a
part's own if not only the description has it. Every condition can be served by an index.
"""

from collections.abc import Sequence
from functools import reduce
from typing import Any, Literal

from sqlalchemy import Connection, text

from app.domain.search import LEFT_OUT, MAX_WORDS, SQUEEZED, Form, Synonym, Typed, Word, like, likeness, swapped

# For each word of a query: empty, if the word itself is looked for; or what it is taken to mean.
Meant = tuple[tuple[str, ...], ...]
Whose = Literal["public", "all"]
# U+0001 precedes a number without its punctuation and follows the first letter of a word; U+0002 precedes a word of the
# description; see migration 0005.
MARK, DESCRIBED = "\x01", "\x02"
# Appended to a prefix, sorts after every text that begins with it, in code point order.
LAST = "\U0010ffff"
SUGGESTIONS = 3
LOOKED_UP = 2
# Of the pages of `part_search`, in percent.
SAMPLE = 0.2
# A word with fewer letters could have been meant as anything.
SHORTEST = 3

# The suffix of a number may have synonyms too (6205zz, 6205-2z). A word of punctuation alone is matched by its characters, unless
# it is the inch sign of the number before it.
_READ = text(r"""
    WITH typed AS MATERIALIZED (
        SELECT place, word, btrim(search_soft(word)) = '' AS is_punctuation
        FROM unnest(CAST(:typed AS text[])) WITH ORDINALITY AS given(word, place)
    ), words AS MATERIALIZED (
        SELECT place, word, search_split(word) AS tokens, search_bare(word) AS bare
        FROM unnest(search_asked(:phrase)) WITH ORDINALITY AS normal(word, place)
    ), spelt AS (
        SELECT place, search_split(word) AS tokens
        FROM unnest(search_asked(replace(search_spelt(:phrase), 'å', 'aa'))) WITH ORDINALITY AS normal(word, place)
        WHERE replace(search_spelt(:phrase), 'å', 'aa') <> :phrase
    )
    SELECT w.word, w.tokens, w.bare, w.word ~ '^[[\:alnum\:]]+([-./]+[[\:alnum\:]]+)*$' AS is_plain,
           search_signs(w.word) AS signs, search_grams(w.word) AS grams,
           CASE WHEN s.tokens <> w.tokens THEN s.tokens END AS spelt,
           (SELECT jsonb_agg(jsonb_build_array(size, search_normal(y.means), search_tokens(y.means)) ORDER BY y.id)
            FROM generate_series(1, 5) AS size JOIN search_synonyms y ON y.term_key = (
                SELECT string_agg(other.bare, '' ORDER BY other.place) FROM words other
                WHERE other.place BETWEEN w.place AND w.place + size - 1)
            WHERE w.place + size - 1 <= (SELECT max(place) FROM words)) AS synonyms,
           (SELECT jsonb_agg(left(w.bare, -length(y.term_key)) || y.means_key ORDER BY y.id)
            FROM search_synonyms y
            WHERE w.bare ~ '^[0-9]{3}' AND right(w.bare, length(y.term_key)) = y.term_key
              AND left(w.bare, -length(y.term_key)) ~ '^[0-9]{3,}$') AS endings
    FROM words w LEFT JOIN spelt s USING (place)
    UNION ALL
    SELECT '', '{}', '', false, search_signs(search_folded(word)), '{}', NULL, NULL, NULL FROM typed t
    WHERE is_punctuation AND NOT (search_folded(word) IN ('"', '''''') AND EXISTS (
        SELECT FROM typed b WHERE b.place = t.place - 1 AND b.word ~ '[0-9]$'))
""")
# Takes a tenth of the time of `translate`.
_SQUEEZED_TEXTS = reduce(lambda texts, sign: f"replace({texts}, '{sign}', '')", SQUEEZED, "s.texts")
_NUMBER = "s.words @@ (SELECT CAST(:{name} AS tsquery))"
_LEAST = text("SELECT set_limit(CAST(:least AS real))")
_SUGGEST = text("""
    SELECT word FROM (
        SELECT DISTINCT word, word = ANY(:swapped) AS is_swapped, similarity(word, :word) AS near
        FROM search_words WHERE show_trgm(:word) <> '{}' AND (word % :word OR word = ANY(:swapped))) found
    ORDER BY is_swapped DESC, near DESC, word LIMIT :most
""")


def read(connection: Connection, typed: Sequence[str]) -> Typed:
    """Return what was typed as the database reads it, with the shop's synonyms for it."""
    if not typed:
        return Typed((), ())
    words: list[Word] = []
    synonyms: list[Synonym] = []
    for row in connection.execute(_READ, {"typed": list(typed), "phrase": " ".join(typed)}):
        if len(words) == MAX_WORDS:
            break
        place = len(words)
        synonyms += [Synonym(place, size, means, tuple(tokens)) for size, means, tokens in row.synonyms or ()]
        synonyms += [Synonym(place, 1, number, (number,)) for number in row.endings or ()]
        signs = () if row.is_plain or row.grams else tuple(row.signs)
        words.append(Word(row.word, tuple(row.tokens), row.bare, row.is_plain, signs, tuple(row.grams), tuple(row.spelt or ())))
    whole = [synonym for synonym in synonyms if synonym.first + synonym.length <= len(words)]
    return Typed(tuple(typed), tuple(words), tuple(whole))


# The query is in a subselect, which is evaluated once rather than per row and is opaque to the planner: it takes every word for a
# rare one and collects the hits by the index. Common words are handled by the walk (`app.store.listing`).
def conditions(typed: Typed, *, own: bool = False) -> tuple[list[str], dict[str, Any]]:
    """Return the condition on `part_search s` for each word, and their parameters; `own` leaves out words of descriptions, and
    pieces of a word that stand apart.

    The index is used for the two words that are likely to be the rarest: collecting the hits of common ones as well takes longer
    than checking the few rows that are left.
    """
    if typed.is_nothing:
        return ["false"], {}
    parameters: dict[str, Any] = {}
    forms = [form for form in typed.forms() if not (own and form.is_loose)]
    rarest = sorted(range(len(typed.words)), key=lambda place: typed.words[place].rarity, reverse=True)
    # A single letter is only looked up in the index if there is nothing else.
    rarest = [place for place in rarest[:LOOKED_UP] if place == rarest[0] or len(typed.words[place].bare) > 1]
    found = []
    for place, word in enumerate(typed.words):
        name = f"{'own' if own else 'word'}_{place}"
        condition = _condition(name, word, [form for form in forms if form.covers(place)], parameters, own=own)
        found.append(f"({condition})" if place in rarest else checked(condition))
    return found, parameters


def checked(condition: str) -> str:
    """Return a condition that uses no index and is checked on the rows that other conditions have found."""
    return f"(({condition}) IS TRUE)"


def _condition(name: str, word: Word, forms: Sequence[Form], parameters: dict[str, Any], *, own: bool) -> str:
    literal = [form for form in forms if form.length == 1 and not word.is_plain and not word.grams]
    alternatives = []
    for kind, chosen in (("", [form for form in forms if form not in literal]), ("_as_is", literal)):
        if chosen:
            parameters[name + kind] = " | ".join(_query(form, own=own or kind != "") for form in chosen)
            alternatives.append(f"s.words @@ (SELECT CAST(:{name}{kind} AS tsquery))")
    if literal:
        parameters[f"{name}_text"] = word.text
        alternatives[-1] = f"({alternatives[-1]} AND strpos(s.texts, :{name}_text) > 0)" if word.text else alternatives[-1]
    for number, piece in enumerate(word.pieces if not own else ()):
        parameters[f"{name}_{number}"] = like(piece)
        alternatives.append(f"s.numbers LIKE :{name}_{number}")
    return " OR ".join(alternatives)


def _query(form: Form, *, own: bool) -> str:
    """Return the `tsquery` for a form. A single letter begins so many words that a prefix search would read most of the index, so
    first letters are indexed with a mark of their own."""
    asked = []
    for number, lexeme in enumerate(form.lexemes):
        begins = number == len(form.lexemes) - 1 and not form.is_whole
        if begins and len(lexeme) == 1:
            ways = [_quoted(lexeme), _quoted(lexeme + MARK)]
        else:
            ways = [_quoted(lexeme) + (":*" if begins else "")]
        if not own:
            ways.append(_quoted(DESCRIBED + lexeme) + (":*" if begins and len(lexeme) > 1 else ""))
        asked.append(f"({' | '.join(ways)})")
    return f"({' & '.join(asked)})"


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def is_found(connection: Connection, typed: Typed, whose: Whose = "public", place: int | None = None) -> bool:
    """Whether any part, or any published one, holds all of the words, or the one at `place`."""
    wanted, parameters = conditions(typed)
    wanted = wanted if place is None else [wanted[place]]
    wanted += ["s.is_public"] if whose == "public" else []
    # A materialised CTE is planned as if read completely, so by the index, and yet read no further than its first row. By then
    # the index has collected all hits, which takes long for a common word: a few pages from all over are likely to have it.
    statement = text(f"""
        WITH hits AS MATERIALIZED (SELECT FROM part_search s WHERE {" AND ".join(wanted)})
        SELECT EXISTS (SELECT FROM part_search s TABLESAMPLE SYSTEM ({SAMPLE}) WHERE {" AND ".join(wanted)})
               OR EXISTS (SELECT FROM hits)
    """)  # noqa: S608 — put together from constants of this module; every value is a parameter
    return bool(connection.execute(statement, parameters).scalar_one())


def meaning(connection: Connection, typed: Typed, whose: Whose = "public") -> Meant:
    """Return what words that together find nothing may have been meant as: for each word that no part holds, up to three similar
    words. If each of three or more words is held by some part, the least telling ones are left out. Empty if there is nothing
    to suggest.
    """
    meant: list[tuple[str, ...]] = []
    for place, word in enumerate(typed.words):
        if len(typed.words) > 1 and is_found(connection, typed, whose, place):
            meant.append(())
            continue
        suggestions = _suggestions(connection, word.bare)
        if not suggestions:
            return ()
        meant.append(suggestions)
    return tuple(meant) if any(meant) else _without_some(connection, typed, whose)


def _without_some(connection: Connection, typed: Typed, whose: Whose) -> Meant:
    meant: list[tuple[str, ...]] = [()] * len(typed.words)
    for place in sorted(range(len(typed.words)), key=lambda place: typed.words[place].rarity)[:-LOOKED_UP]:
        meant[place] = LEFT_OUT
        if is_found(connection, typed.meaning(meant), whose):
            return tuple(meant)
    return ()


def _suggestions(connection: Connection, word: str) -> tuple[str, ...]:
    if len(word) < SHORTEST:
        return ()
    # The similarity threshold of the operator `%` in the next statement.
    connection.execute(_LEAST, {"least": likeness(word)})
    return tuple(connection.execute(_SUGGEST, {"word": word, "swapped": swapped(word), "most": SUGGESTIONS}).scalars())


# A tier's mark, the condition that an index serves, its other conditions, and whether the words must be the part's own.
RelevanceTier = tuple[str, str, str, bool]


def tiers(typed: Typed) -> tuple[list[RelevanceTier], list[str], dict[str, Any]]:
    """Return the tiers that sort hits by relevance, best first: the whole number, its beginning, the beginning of the name, all
    of it in one piece, all words the part's own, all others; with the conditions for own words, and the parameters of all. A
    single letter begins too many numbers for that to mean anything.
    """
    parameters: dict[str, Any] = {"phrase": typed.phrase, "last": LAST}
    begun = f"(SELECT rtrim(search_order(:phrase), '{MARK}'))"
    named = f"s.sort_key >= {begun} AND s.sort_key < {begun} || :last"
    numbered, other = _number_tiers(typed.number, parameters)
    owned, of_owned = conditions(typed, own=True)
    parameters |= of_owned
    left = f"NOT ({named}) AND {other}"
    in_one_piece = "true"
    if len(typed.words) > 1 or any(form.is_loose for form in typed.forms()):
        parameters["sequences"] = [like(sequence) for sequence in typed.sequences()]
        in_one_piece = f"{_SQUEEZED_TEXTS} LIKE ANY (CAST(:sequences AS text[]))"
    together = [] if in_one_piece == "true" else [("3", "true", f"({in_one_piece}) AND {left}", True)]
    return (
        [
            *numbered,
            ("2", named, other, False),
            *together,
            ("4", "true", f"NOT ({in_one_piece}) AND {left}" if together else left, True),
            ("5", "true", f"NOT ({' AND '.join(owned) or 'false'}) AND {left}", False),
        ],
        owned,
        parameters,
    )


def _number_tiers(number: str, parameters: dict[str, Any]) -> tuple[list[RelevanceTier], str]:
    """Return the tiers for numbers, and the condition that a part is in none of them."""
    if not number:
        return [], "true"
    whole, start = MARK + number + MARK, MARK + number
    shown = start if len(number) > 1 else whole
    # Parts have their numbers as lexemes, prefixed with the mark.
    parameters |= {"whole_number": _quoted(start), "number_start": _quoted(start) + ":*", "number": shown, "whole": whole}
    begun = [("1", _NUMBER.format(name="number_start"), "strpos(s.numbers, :whole) = 0", False)] if shown == start else []
    return [("0", _NUMBER.format(name="whole_number"), "true", False), *begun], "strpos(s.numbers, :number) = 0"
