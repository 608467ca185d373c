r"""How words find parts: conditions on `part_search`, and what a mistyped word may have been meant as.

A word, in one of its forms (`app.domain.search`), matches the beginning of a word of the name, the maker, the description or a
number, and anything inside a number; a single letter does not match the beginning of a word of the description. A word is a
part's own if not only the description has it. Every condition can be served by an index.
"""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import reduce
from itertools import islice
from math import inf
from typing import Any, Literal, NamedTuple
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Pool, Row, text

from app.domain.search import (
    BY_VALUE,
    LAST,
    LEFT_OUT,
    MAX_WORDS,
    SQUEEZED,
    UNKNOWN,
    Form,
    Shares,
    Synonym,
    Typed,
    Word,
    any_of,
    like,
    likeness,
    swapped,
)
from app.store.database import parsed

# For each word of a query: empty, if the word itself is looked for; or what it is taken to mean.
Meant = tuple[tuple[str, ...], ...]
Whose = Literal["public", "all"]
# U+0001 precedes a number without its punctuation and follows the first letter of a word; U+0002 precedes a word of the
# description; see migration 0005.
MARK, DESCRIBED = "\x01", "\x02"
# The mark of the tier of parts whose specifications say what was typed: it sorts after that of names and all that follows it.
SAID = "2" + LAST
SUGGESTIONS = 3
LOOKED_UP = 2
# Of words in one piece, so many hits are collected: a walk of as many rows is unlikely to find enough of them.
FEW_PIECES = 2000
# To check a word on a row takes as long as to collect so many hits of it from the index.
COLLECTED = 12
# What share of the parts may hold a word of which PostgreSQL's statistics have no lexeme, as they leave out what less than some
# 0.6 % of the rows have: likely, at most, and if a few letters may begin many such lexemes.
RARE, NOT_COMMON, PERHAPS_RARE = 0.001, 0.01, 0.05
# A word with fewer letters may begin many lexemes.
TELLING = 4
# For so many seconds. Whatever has changed since costs only time.
SHARES_KEPT_FOR = 60.0
# Of the pages of `part_search`, in percent, but no more than have so many parts.
SAMPLE, SAMPLED = 0.2, 200
# A word with fewer letters could have been meant as anything.
SHORTEST = 3

# What was typed as the database reads it: one row for each word (migration 0016).
READING = "search_reading(CAST(:typed AS text[]), :phrase)"
_READ = text(f"SELECT * FROM {READING}")  # noqa: S608 — constant text
# Takes a tenth of the time of `translate`.
_SQUEEZED_TEXTS = reduce(lambda texts, sign: f"replace({texts}, '{sign}', '')", SQUEEZED, "s.texts")
_MATCHES = "s.words @@ (SELECT CAST(:{name} AS tsquery))"
_SHARES = text("""
    SELECT lexeme, share, reltuples FROM pg_stats JOIN pg_class ON pg_class.oid = CAST('part_search' AS regclass)
    CROSS JOIN LATERAL unnest(CAST(CAST(most_common_elems AS text) AS text[]), most_common_elem_freqs) AS common(lexeme, share)
    WHERE schemaname = current_schema() AND tablename = 'part_search' AND attname = 'words' AND lexeme IS NOT NULL
""")
# What a table that was never analyzed has is not known, -1.
_PAGES = """
    (SELECT LEAST({most}, 100.0 * {parts} / GREATEST(reltuples, 1)) FROM pg_class WHERE oid = CAST('part_search' AS regclass))"""
_OFTEN = """
    (SELECT last, 1::bigint << floor(log(2, GREATEST(last / :least, 1)))::int AS each
     FROM (SELECT max(part_id)::bigint AS last FROM part_search) known) often"""
# That a part's id is a multiple of a power of two: of no others when a part has been added, unless there are twice as many then.
# As an index finds these parts, and as it is checked on others.
SOME = (
    f"s.part_id = ANY(ARRAY(SELECT generate_series(each, last, each) FROM {_OFTEN}))",  # noqa: S608 — constant text
    f"s.part_id % (SELECT each FROM {_OFTEN}) = 0",  # noqa: S608 — constant text
)
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


def read(connection: Connection, typed: Sequence[str]) -> Typed:
    """Return what was typed as the database reads it, with the shop's synonyms for it."""
    return as_read(typed, connection.execute(_READ, asked(typed)).all() if typed else (), shares(connection))


def asked(typed: Sequence[str]) -> dict[str, Any]:
    """Return the parameters of `READING`."""
    return {"typed": list(typed), "phrase": " ".join(typed)}


def as_read(typed: Sequence[str], rows: Sequence[Row[Any]], known: Shares = UNKNOWN) -> Typed:
    """Return what was typed, given the rows of `READING` and what is known of how many parts hold a word."""
    words: list[Word] = []
    synonyms: list[Synonym] = []
    for row in rows:
        if len(words) == MAX_WORDS:
            break
        place = len(words)
        synonyms += [Synonym(place, size, means, tuple(tokens)) for size, means, tokens in row.synonyms or ()]
        synonyms += [Synonym(place, 1, number, (number,)) for number in row.endings or ()]
        signs = () if row.is_plain or row.grams else tuple(row.signs)
        words.append(Word(row.word, tuple(row.tokens), row.bare, row.is_plain, signs, tuple(row.grams), tuple(row.spelt or ())))
    whole = [synonym for synonym in synonyms if synonym.first + synonym.length <= len(words)]
    return Typed(tuple(typed), tuple(words), tuple(whole), shares=known)


# By the connections that they were read over.
_shares: WeakKeyDictionary[Pool, tuple[float, Shares]] = WeakKeyDictionary()


def shares(connection: Connection) -> Shares:
    """Return which lexemes are common, as PostgreSQL found when it last analyzed `part_search`. Read once a minute."""
    pool = connection.engine.pool
    until, known = _shares.get(pool, (0.0, UNKNOWN))
    if time.monotonic() >= until:
        found = sorted(connection.execute(_SHARES).all())
        if found:
            known = Shares(tuple(row.lexeme for row in found), tuple(row.share for row in found), found[0].reltuples)
        _shares[pool] = (time.monotonic() + SHARES_KEPT_FOR, known)
    return known


class Wanted(NamedTuple):
    """Conditions on `part_search s`, one for each word, likely the rarest first, and the parameters of all: as the indexes find
    rows (`found`), and as a row that is there is checked. `most` is how many rows the rarest word is likely to find at most, and
    `share` what share of the parts has it; with `is_frequent`, a sample is likely to have some of these. So many of the first as
    are `looked_up` are served by an index. `asked` is what the condition of each word asks for, whatever its place."""

    found: list[str]
    checked: list[str]
    parameters: dict[str, Any]
    most: float = inf
    share: float = 1.0
    is_frequent: bool = False
    looked_up: int = 0
    asked: Sequence[frozenset[tuple[str, str]]] = ()

    def on_rows(self) -> "Wanted":
        """Return the conditions for rows that something else finds."""
        return self._replace(found=[checked(one) for one in self.checked], looked_up=len(self.checked))


# A query is in a subselect, which is evaluated once rather than per row and is opaque to the planner: it takes every word for a
# rare one and collects the hits by the index. Common words are handled by the walk (`app.store.listing.pages`).
def conditions(typed: Typed, *, own: bool = False, place: int | None = None) -> Wanted:
    """Return the conditions for the words, or only for the one at `place`; `own` leaves out words of descriptions, and pieces of
    a word that stand apart.

    The index is used for the one or two words that are likely to be the rarest: collecting the hits of common ones as well takes
    longer than checking the few rows that are left.
    """
    if typed.is_nothing:
        return Wanted(["false"], ["false"], {}, looked_up=1)
    parameters: dict[str, Any] = {}
    forms = [form for form in typed.forms if not (own and form.is_loose)]
    places, looked_up, most, share = [place or 0], 1, inf, 1.0
    if place is None:
        places, looked_up, most, share = _by_rarity(typed, forms, own=own)
    found: list[str] = []
    on_rows: list[str] = []
    asked: list[frozenset[tuple[str, str]]] = []
    for at in places:
        name = f"{'own' if own else 'word'}_{at}"
        covering, before = [form for form in forms if form.covers(at)], len(parameters)
        by_index, on_row = _condition(name, typed.words[at], covering, parameters, own=own)
        asked.append(frozenset((key.removeprefix(name), value) for key, value in islice(parameters.items(), before, None)))
        found.append(f"({by_index})" if len(found) < looked_up else checked(on_row))
        on_rows.append(f"({on_row})")
    wanted = Wanted(found, on_rows, parameters, most, share, most < inf and share > RARE, looked_up, asked)
    return wanted if typed.among is None else _among(wanted, typed.among, typed.shares.parts)


def _among(words: Wanted, ids: str, parts: float) -> Wanted:
    """Return the conditions for words of the parts that have these ids. Either the rarest words are looked up, or the parts."""
    by_index, by_hash = among("among")
    count = ids.count(",") + 1
    found, looked_up = [*words.found, by_hash], words.looked_up
    if count <= words.most:
        found, looked_up = [by_index, *map(checked, words.checked)], 1
    return words._replace(
        found=found, looked_up=looked_up, checked=[by_hash, *words.checked], parameters={**words.parameters, "among": ids},
        most=min(words.most, count), share=min(words.share, count / parts), is_frequent=False,
    )  # fmt: skip


def among(name: str) -> tuple[str, str]:
    """Return the condition that a part is one of those whose ids a parameter has: as it finds these parts, and as it is checked
    on others, which takes a hash."""
    ids = f"CAST(:{name} AS int[])"
    return f"s.part_id = ANY({ids})", f"(s.part_id IN (SELECT unnest({ids}))) IS TRUE"


def _by_rarity(typed: Typed, forms: Sequence[Form], *, own: bool) -> tuple[list[int], int, float, float]:
    """Return the places of the words, likely the rarest first, how many of these to look up in the index, how many rows the first
    is likely to find at most, and what share of the parts has it."""
    places = sorted(range(len(typed.words)), key=lambda place: typed.words[place].rarity, reverse=True)
    known = typed.shares
    if not (known.lexemes and places):
        # A single letter is only looked up in the index if there is nothing else.
        return places, sum(place == places[0] or len(typed.words[place].bare) > 1 for place in places[:LOOKED_UP]), inf, 1.0
    held = [0.0] * len(places)
    for place, word in enumerate(typed.words):
        share = any_of(_share(known, form, own=own) for form in forms if form.covers(place))
        held[place] = max(share, PERHAPS_RARE if 1 < len(word.bare) < TELLING else RARE)
    places.sort(key=held.__getitem__)
    least = held[places[0]]
    # Whether checking the rows of the first that lack the other takes longer than collecting that one's hits.
    is_worth = [held[place] < COLLECTED * least * (1 - held[place]) for place in places[1:LOOKED_UP]]
    return places, 1 + sum(is_worth), known.parts * max(least, NOT_COMMON), least


def _share(known: Shares, form: Form, *, own: bool) -> float:
    """Return what share of the parts, at most, is known to match a form. No part has a word of the name in its description."""
    return min(1.0, *(sum(known.of(lexeme, begins=begins) for lexeme, begins in ways) for ways in _lexemes(form, own=own)))


def query(typed: Typed) -> str:
    """Return one `tsquery` for all of the words, in every form; empty if it asks for nothing. Of a word with signs it asks for
    less than `conditions` does, and it finds nothing inside a number."""
    forms = typed.forms
    each = [[way for form in forms if form.covers(place) for way in _ways(form, own=False)] for place in range(len(typed.words))]
    return " & ".join(f"({' | '.join(ways)})" for ways in each if ways)


def checked(condition: str) -> str:
    """Return a condition that uses no index and is checked on the rows that other conditions have found."""
    return f"(({condition}) IS TRUE)"


def _condition(name: str, word: Word, forms: Sequence[Form], parameters: dict[str, Any], *, own: bool) -> tuple[str, str]:
    """Return the condition as an index finds rows, and as a row is checked.

    The index is asked for each way to match by itself: asked for several at once, it looks at all of them for every hit of one.
    """
    literal = [form for form in forms if form.length == 1 and not word.is_plain and not word.grams]
    found, on_row = [], []
    for kind, chosen in (("", [form for form in forms if form not in literal]), ("_as_is", literal)):
        if not chosen:
            continue
        needed = [form for form in chosen if not any(_implies(form, other) for other in chosen)]
        ways = [way for form in needed for way in _ways(form, own=own or kind != "")]
        parameters |= {f"{name}{kind}_way_{number}": way for number, way in enumerate(ways)}
        parameters[name + kind] = " | ".join(ways)
        by_index = [_MATCHES.format(name=f"{name}{kind}_way_{number}") for number in range(len(ways))]
        in_row = _MATCHES.format(name=name + kind)
        if kind and word.text:
            parameters[f"{name}_text"] = word.text
            as_it_stands = f"strpos(s.texts, :{name}_text) > 0"
            by_index = [f"({one} AND {as_it_stands})" for one in by_index]
            in_row = f"({in_row} AND {as_it_stands})"
        found += by_index
        on_row.append(in_row)
    for number, piece in enumerate(word.pieces if not own else ()):
        parameters[f"{name}_{number}"] = like(piece)
        found.append(f"s.numbers LIKE :{name}_{number}")
        on_row.append(found[-1])
    return " OR ".join(found), " OR ".join(on_row)


def _implies(form: Form, other: Form) -> bool:
    """Whether all that one form finds is found by another, shorter one: then the index need not be asked for both."""
    if form == other or len(other.lexemes) != 1 or len(start := other.lexemes[0]) == 1:
        return False
    return not other.is_whole and any(lexeme != start and lexeme.startswith(start) for lexeme in form.lexemes)


def _ways(form: Form, *, own: bool) -> list[str]:
    """Return the queries (`tsquery`) of which a form matches any."""
    asked = [[_quoted(one) + (":*" if begins else "") for one, begins in ways] for ways in _lexemes(form, own=own)]
    return asked[0] if len(asked) == 1 else [" & ".join(f"({' | '.join(ways)})" for ways in asked)]


def _lexemes(form: Form, *, own: bool) -> list[list[tuple[str, bool]]]:
    """Return, for each lexeme of a form, those of a part that may stand for it; with each, whether a longer one that begins so
    will do. A single letter begins so many words that a prefix search would read most of the index, so first letters are indexed
    with a mark of their own."""
    asked = []
    for number, lexeme in enumerate(form.lexemes):
        begins = number == len(form.lexemes) - 1 and not form.is_whole
        is_prefix = begins and len(lexeme) > 1
        ways = [(lexeme, is_prefix)]
        if begins and not is_prefix:
            ways.append((lexeme + MARK, False))
        if not own:
            ways.append((DESCRIBED + lexeme, is_prefix))
        asked.append(ways)
    return asked


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def sampled() -> str:
    """Return the rows of a few pages from all over."""
    pages = _PAGES.format(most=SAMPLE, parts=SAMPLED)
    return f"part_search s TABLESAMPLE SYSTEM ({pages})"


def is_common(wanted: Sequence[str]) -> str:
    """Return the condition that a few pages from all over have a part that matches."""
    return f"EXISTS (SELECT FROM {sampled()} WHERE {' AND '.join(wanted)})"


def are_common(connection: Connection, wanted: Wanted) -> bool:
    """Whether a few pages from all over have a part with all words."""
    return bool(connection.execute(parsed(f"SELECT {is_common(wanted.checked)}"), wanted.parameters).scalar_one())


def is_found(connection: Connection, typed: Typed, whose: Whose = "public", place: int | None = None) -> bool:
    """Whether any part, or any published one, holds all of the words, or the one at `place`."""
    return _are_found(connection, [conditions(typed, place=place)], whose)[0]


def _are_found(connection: Connection, each: Sequence[Wanted], whose: Whose) -> list[bool]:
    """Return for each of some conditions, whose parameters have different names, whether any part, or any published one, meets
    it."""
    public = ["s.is_public"] if whose == "public" else []
    hits: list[str] = []
    asked: list[str] = []
    parameters: dict[str, Any] = {}
    for number, wanted in enumerate(each):
        found, on_rows = [*wanted.found, *public], [*wanted.checked, *public]
        # A materialised CTE is planned as if read completely, so by the index, and yet read no further than its first row. By
        # then the index has collected all hits, which takes long for a common word: a few pages from all over likely have it.
        hits.append(f"hits_{number} AS MATERIALIZED (SELECT FROM part_search s WHERE {' AND '.join(found)})")
        asked.append(f"{is_common(on_rows)} OR EXISTS (SELECT FROM hits_{number})")
        parameters |= wanted.parameters
    statement = parsed(f"WITH {', '.join(hits)} SELECT ARRAY[{', '.join(asked)}]")
    return list(connection.execute(statement, parameters).scalar_one())


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
    are_known = _are_found(connection, alone, whose) if len(alone) > 1 else [False] * len(alone)
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
        if not is_vain and _are_found(connection, [wanted], whose)[0]:
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


class RelevanceTier(NamedTuple):
    """A tier's mark, the condition that an index serves, its other conditions, all that is left to check on a part which is in
    none of the tiers before, whether the words must be the part's own, and whether that condition finds few parts."""

    mark: str
    range: str
    condition: str
    left: str
    is_own: bool = False
    is_rare: bool = True


def match_of(meant: Meant) -> str:
    """Return how a search was met: `exact` if parts have what was typed, in words or by value."""
    return "similar" if meant and BY_VALUE not in meant else "exact"


def tiers(typed: Typed, said: tuple[str, str] | None = None) -> tuple[list[RelevanceTier], str, Wanted]:
    """Return the tiers that sort hits by relevance, best first: the whole number, its beginning, the beginning of the name, what
    a specification says, all of it in one piece, all words the part's own, all others; with the condition that a part is in none
    of the first four, which those of the others do not have; and with the conditions for own words, and the parameters of all. A
    single letter begins too many numbers for that to mean anything.

    Args:
        said: the condition that a part says it in a specification, as an index serves it, and as it is checked on a row; None if
            nothing of the kind was typed.
    """
    parameters: dict[str, Any] = {"phrase": typed.phrase, "last": LAST}
    begun = f"(SELECT rtrim(search_order(:phrase), '{MARK}'))"
    named = f"s.sort_key >= {begun} AND s.sort_key < {begun} || :last"
    numbered, other = _number_tiers(typed.number, parameters)
    owned = conditions(typed, own=True)
    described = f"NOT ({' AND '.join(owned.checked) or 'false'})"
    apart = f"NOT ({named}) AND {other}"
    specified = []
    if said:
        by_index, on_row = said
        specified = [RelevanceTier(SAID, by_index, apart, on_row)]
        apart = f"{apart} AND NOT ({on_row})"
    return (
        [
            *numbered,
            RelevanceTier("2", named, other, named),
            *specified,
            *_own_tiers(typed, apart, parameters),
            RelevanceTier("5", "true", described, described, is_rare=False),
        ],
        apart,
        owned._replace(parameters=owned.parameters | parameters),
    )


def _own_tiers(typed: Typed, apart: str, parameters: dict[str, Any]) -> list[RelevanceTier]:
    """Return the tiers for parts that have all words of their own, those in one piece first."""
    if len(typed.words) == 1 and not any(form.is_loose for form in typed.forms):
        return [RelevanceTier("4", "true", "true", "true", is_own=True, is_rare=False)]
    parameters["sequences"] = [like(sequence) for sequence in typed.sequences()]
    in_one_piece, by_index, is_rare = f"{_SQUEEZED_TEXTS} LIKE ANY (CAST(:sequences AS text[]))", "true", False
    if pieces := typed.pieces():
        # The texts of most parts need not be looked through then.
        each = [[_quoted(one) for one in words] for words in pieces]
        parameters["pieces"] = " | ".join(f"{' & '.join(words)}:*" for words in each)
        has_pieces = _MATCHES.format(name="pieces")
        in_one_piece = f"{has_pieces} AND {in_one_piece}"
        is_rare = _are_rare(typed.shares, pieces)
        by_index = has_pieces if is_rare else "true"
    condition = f"{apart} AND {in_one_piece}" if is_rare else in_one_piece
    return [
        RelevanceTier("3", by_index, condition, in_one_piece, is_own=True, is_rare=is_rare),
        RelevanceTier("4", "true", f"NOT ({in_one_piece})", "true", is_own=True, is_rare=False),
    ]


def _are_rare(known: Shares, pieces: Sequence[tuple[str, ...]]) -> bool:
    """Whether it is known that few parts have all lexemes of one of some groups, the last of each as the beginning of another."""
    shares = [min(known.of(one, begins=one is words[-1]) for one in words) for words in pieces]
    return known.lexemes != () and known.parts * max(any_of(shares), RARE) <= FEW_PIECES


def _number_tiers(number: str, parameters: dict[str, Any]) -> tuple[list[RelevanceTier], str]:
    """Return the tiers for numbers, and the condition that a part is in none of them."""
    if not number:
        return [], "true"
    whole, start = MARK + number + MARK, MARK + number
    shown = start if len(number) > 1 else whole
    # Parts have their numbers as lexemes, prefixed with the mark.
    parameters |= {"whole_number": _quoted(start), "number_start": _quoted(start) + ":*", "number": shown, "whole": whole}
    is_whole, is_begun = "strpos(s.numbers, :whole) > 0", "strpos(s.numbers, :number) > 0"
    begun = [RelevanceTier("1", _MATCHES.format(name="number_start"), f"NOT {is_whole}", is_begun)] if shown == start else []
    return [RelevanceTier("0", _MATCHES.format(name="whole_number"), "true", is_whole), *begun], f"NOT {is_begun}"
