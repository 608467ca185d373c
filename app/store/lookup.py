"""Which parts are meant by SKUs, numbers and names as other lists have them; however many, in a fixed number of statements.

A text is compared with the shop's numbers first, as the search does it: without case, accents and punctuation. Whatever is no
number of a part gets suggestions: numbers and names that begin with it, or else parts that have its words, in the forms in which
the search takes them (`app.domain.search`). No words are taken for others, as the search does after typing errors: each would
need statements of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest

from sqlalchemy import Connection, TextClause, text

from app.domain.search import LAST, words_of
from app.store import search
from app.store.catalog import PUBLIC
from app.store.product_page import MAX_NEIGHBOURS

# Suggestions for one text, and the texts of one lookup that get any.
MAX_CANDIDATES = 5
SUGGESTED = 50
MAX_SUBSTITUTES = 3
# Of more hits than this any are taken: then there is no telling which is meant.
_LOOKED_AT = 200

_PARTS_WITH = text(f"SELECT p.id, p.sku FROM parts p WHERE p.sku = ANY(:skus) AND {PUBLIC} ORDER BY p.id")  # noqa: S608 — constant text


def _hits(query: str) -> str:
    """Return the statement for the first parts, in the order of names, that match a `tsquery`."""
    return f"""
        (SELECT part_id, sort_key FROM (
             SELECT s.part_id, s.sort_key FROM part_search s
             WHERE s.is_public AND s.words @@ CAST({query} AS tsquery) LIMIT {_LOOKED_AT}) matching
         ORDER BY sort_key, part_id LIMIT {MAX_CANDIDATES})"""  # noqa: S608 — constant text


def _for_each(hits: str) -> TextClause:
    """Return the statement that finds parts for each of many texts: its place among them, and its parts in their order."""
    return text(f"""
        SELECT given.place, hit.part_id FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS given(value, place)
        CROSS JOIN LATERAL ({hits}) hit ORDER BY given.place, hit.tier, hit.sort_key, hit.part_id
    """)  # noqa: S608 — constant text


# Parts have their numbers as lexemes, after U+0001 and without anything that would have to be quoted.
_NUMBERED = _for_each(f"""
    SELECT 0 AS tier, found.* FROM (SELECT search_bare(given.value) AS bare OFFSET 0) number
    CROSS JOIN LATERAL {_hits("'''' || chr(1) || number.bare || ''''")} found WHERE number.bare <> ''
""")  # noqa: S608 — constant text
_BEGUN = _for_each(f"""
    SELECT 1 AS tier, found.* FROM (SELECT search_bare(given.value) AS bare OFFSET 0) number
    CROSS JOIN LATERAL {_hits("'''' || chr(1) || number.bare || ''':*'")} found WHERE length(number.bare) > 1
    UNION ALL SELECT 2, found.* FROM (SELECT rtrim(search_order(given.value), chr(1)) AS name OFFSET 0) begun CROSS JOIN LATERAL (
        SELECT s.part_id, s.sort_key FROM part_search s
        WHERE s.is_public AND s.sort_key >= begun.name AND s.sort_key < begun.name || '{LAST}'
        ORDER BY s.sort_key, s.part_id LIMIT {MAX_CANDIDATES}) found WHERE begun.name <> ''
""")  # noqa: S608 — constant text
_WORDED = _for_each(f"SELECT 3 AS tier, found.* FROM {_hits('given.value')} found")  # noqa: S608 — constant text
_READ = text("""
    SELECT given.place, reading.*
    FROM unnest(CAST(:texts AS text[])) WITH ORDINALITY AS given(value, place)
    CROSS JOIN LATERAL search_reading(string_to_array(given.value, ' '), given.value) WITH ORDINALITY AS reading
    ORDER BY given.place, reading.ordinality
""")
# Of the nearest by name in the same category, those that are in stock: what is further away is another thing.
_SUBSTITUTES = text(f"""
    SELECT part_id, before, behind FROM (
        SELECT part_id,
               array_agg(part_id) FILTER (WHERE in_stock)
                   OVER (near ROWS BETWEEN {MAX_NEIGHBOURS} PRECEDING AND 1 PRECEDING) AS before,
               array_agg(part_id) FILTER (WHERE in_stock)
                   OVER (near ROWS BETWEEN 1 FOLLOWING AND {MAX_NEIGHBOURS} FOLLOWING) AS behind
        FROM part_search
        WHERE is_public AND category_id IN (SELECT category_id FROM part_search WHERE part_id = ANY(:part_ids))
        WINDOW near AS (PARTITION BY category_id ORDER BY sort_key, part_id)) placed
    WHERE part_id = ANY(:part_ids)
""")  # noqa: S608 — constant text


@dataclass(frozen=True, slots=True)
class Meant:
    """What a text may mean: one part for certain, or some that it may be."""

    part_id: int | None = None
    candidates: tuple[int, ...] = ()


def parts_with(connection: Connection, skus: Sequence[str]) -> list[int]:
    """Return the ids of the published parts that have one of these SKUs."""
    return [row.id for row in connection.execute(_PARTS_WITH, {"skus": list(skus)})]


def meant_by(connection: Connection, skus: Sequence[str], texts: Sequence[str]) -> tuple[dict[str, Meant], dict[str, Meant]]:
    """Return what is meant by SKUs, which must be exact, and by texts, of which one is certain if it is the SKU or, but for its
    spelling, a number of one published part alone. The first `SUGGESTED` that are neither get suggestions."""
    asked = list(dict.fromkeys([*skus, *texts]))
    exact = {row.sku: Meant(row.id) for row in connection.execute(_PARTS_WITH, {"skus": asked})}
    numbered = _found(connection, _NUMBERED, {one: one for one in asked if one not in exact})
    unknown = [one for one in asked if one not in exact and one not in numbered][:SUGGESTED]
    begun = _found(connection, _BEGUN, {one: one for one in unknown})
    worded = _with_words(connection, [one for one in unknown if one not in begun])
    suggested = {one: Meant(None, ids[:MAX_CANDIDATES]) for one, ids in (numbered | begun | worded).items()}
    certain = {one: Meant(ids[0]) for one, ids in numbered.items() if len(ids) == 1}
    return suggested | exact, suggested | certain | exact


def substitutes(connection: Connection, part_ids: Sequence[int]) -> dict[int, list[int]]:
    """Return parts in stock whose names sort next to each part's in its category, nearest first, by part."""
    found = {}
    for row in connection.execute(_SUBSTITUTES, {"part_ids": list(part_ids)}):
        pairs = zip_longest(reversed(row.before or ()), row.behind or ())
        found[row.part_id] = [other for pair in pairs for other in pair if other is not None][:MAX_SUBSTITUTES]
    return found


def _with_words(connection: Connection, texts: Sequence[str]) -> dict[str, tuple[int, ...]]:
    typed = {one: words for one in texts if (words := words_of(one))}
    if not typed:
        return {}
    rows = connection.execute(_READ, {"texts": [" ".join(words) for words in typed.values()]}).all()
    read = {place: list(own) for place, own in groupby(rows, key=lambda row: row.place)}
    asked = {one: search.as_read(words, read.get(place, ())) for place, (one, words) in enumerate(typed.items(), 1)}
    return _found(connection, _WORDED, {one: query for one, words in asked.items() if (query := search.query(words))})


def _found(connection: Connection, statement: TextClause, asked: Mapping[str, str]) -> dict[str, tuple[int, ...]]:
    """Return the parts that a statement finds for each text, given what it asks for; those without any are left out."""
    if not asked:
        return {}
    rows = connection.execute(statement, {"texts": list(asked.values())}).all()
    names = list(asked)
    # A part may be found by its number and by its name.
    return {
        names[place - 1]: tuple(dict.fromkeys(row.part_id for row in own))
        for place, own in groupby(rows, key=lambda row: row.place)
    }
