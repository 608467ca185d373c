"""Which parts say as a specification what a search does (`bore 10 mm`)."""

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Pool, text

from app.domain import measures
from app.domain.measures import Beside
from app.store.encoding import jsonb
from app.store.specifications.comparing import ASKED, MEANT, equal
from app.store.specifications.reading import READER, read_all
from app.store.units import unit_of

# If more say what a search does, it takes too long to check the words on all of them.
MAX_SAYING = 10_000
# Names of specifications that words of a search are compared with; with none if there are more.
MAX_NAMES = 2000
# Which names there are, each looked up in the index after the one before; whether there is anything to be read first; and what a
# name's word has to begin with for each of some words.
_NAMES = text(f"""
    WITH RECURSIVE names AS (
        SELECT min(named) AS named FROM specification_values
        UNION ALL
        SELECT (SELECT min(v.named) FROM specification_values v WHERE v.named > names.named) FROM names WHERE named IS NOT NULL)
    SELECT ARRAY(SELECT named FROM names WHERE named IS NOT NULL LIMIT {MAX_NAMES} + 1) AS named,
           (SELECT min(id) FROM unread_specifications) IS NOT NULL
               OR (SELECT min(reader) FROM specification_values) < :reader AS is_unread,
           ARRAY(SELECT (search_tokens(word))[1] FROM unnest(CAST(:words AS text[])) word) AS begins
""")  # noqa: S608 — constant text
_CALLED = text("""
    SELECT v.named, v.name, search_tokens(v.name) AS tokens FROM unnest(CAST(:named AS bigint[])) each
    CROSS JOIN LATERAL (SELECT named, name FROM specification_values WHERE named = each LIMIT 1) v
""")
# The parts that say all of it, and whether customers see any of them, which takes a single one; or if they may be too many,
# those that customers see.
_SAYING = """
    (SELECT ARRAY(SELECT parts_with_all({said})) AS ids OFFSET 0) whole
    CROSS JOIN LATERAL (
        SELECT count(*) AS public,
               CASE WHEN cardinality(whole.ids) > :most THEN array_agg(found.id) ELSE whole.ids END AS ids
        FROM (SELECT s.part_id AS id FROM part_search s WHERE s.is_public AND s.part_id = ANY(whole.ids)
              LIMIT CASE WHEN cardinality(whole.ids) > :most THEN :most + 1 ELSE 1 END) found) saying"""
_SAY_ALL = text(f"""
    SELECT CAST(saying.ids AS text) AS ids, cardinality(saying.ids) AS parts
    FROM {_SAYING.format(said="CAST(:said AS text[])")} WHERE public > 0
""")  # noqa: S608 — constant text
_SAID = text(f"""
    WITH {ASKED}, meant AS MATERIALIZED (
        SELECT t.place, array_agg(DISTINCT v.key) AS keys, array_agg(DISTINCT v.named) AS named
        FROM asked t JOIN specification_values v ON v.named = t.named AND {MEANT} GROUP BY t.place)
    SELECT place, named, CAST(keys AS text) AS keys, CAST(saying.ids AS text) AS ids, cardinality(saying.ids) AS parts
    FROM meant CROSS JOIN LATERAL {_SAYING.format(said="ARRAY[CAST(meant.keys AS text)]")} WHERE public > 0
""")  # noqa: S608 — constant text


@dataclass(frozen=True, slots=True)
class Saying:
    """The ids of parts, as PostgreSQL writes an array, and how many they are; and the other words of a search than those by which
    they were found."""

    ids: str
    parts: int
    others: tuple[str, ...] = ()


NOTHING_SAID = Saying("{}", 0)


@lru_cache(maxsize=2000)
def beside(words: tuple[str, ...]) -> tuple[Beside, ...]:
    """Return the measures in a search that have words beside them, which may be those of a specification's name."""
    return measures.beside(words, unit_of)


def said(connection: Connection, words: tuple[str, ...]) -> Saying:
    """Return the parts that say as a specification what a search does (`bore 10 mm`), all measures in it. Of several names those
    are meant that have the most of the words, if a part that customers see says so: no other part changes their lists. If too
    many parts say so for all of them to be looked at, none are returned.
    """
    if not (asked := beside(words)):
        return NOTHING_SAID
    called = _called(connection, sorted({word for one in asked for word in (*one.before, *one.after)}))
    # For each measure the names that may be meant, by how many of the words they have.
    ranked: dict[int, dict[int, list[tuple[int, str]]]] = defaultdict(lambda: defaultdict(list))
    for place, one in enumerate(asked):
        for named, (name, has) in called.items():
            if rank := one.named(has.__contains__):
                ranked[place][rank].append((named, name))
    found: dict[int, Any] = {}
    while ranked:
        best = {place: by_rank.pop(max(by_rank)) for place, by_rank in ranked.items()}
        values = [
            {"place": place, "named": named, **equal(name, value)}
            for place, names in best.items() for named, name in names for value in asked[place].values
        ]  # fmt: skip
        found |= {row.place: row for row in connection.execute(_SAID, {"values": jsonb(values), "most": MAX_SAYING})}
        ranked = {place: by_rank for place, by_rank in ranked.items() if by_rank and place not in found}
    by_value = {
        at for place, row in found.items() for named in row.named for at in asked[place].places(called[named][1].__contains__)
    }  # fmt: skip
    rows = list(found.values())
    if len(rows) > 1:
        rows = list(connection.execute(_SAY_ALL, {"said": [row.keys for row in rows], "most": MAX_SAYING}))
    if not rows or rows[0].parts > MAX_SAYING:
        return NOTHING_SAID
    return Saying(rows[0].ids, rows[0].parts, tuple(word for at, word in enumerate(words) if at not in by_value))


@dataclass(frozen=True, slots=True)
class _Names:
    """The names of specifications, and their words in order, each with the key of its name."""

    named: list[int]
    called: dict[int, str]
    words: list[tuple[str, int]]


# By the connections that they were read over. What a name's words are follows from the name alone.
_names: WeakKeyDictionary[Pool, _Names] = WeakKeyDictionary()


def _called(connection: Connection, words: list[str]) -> dict[int, tuple[str, set[str]]]:
    """Return the names that have words that begin as any of these do, with these, by their keys, once everything that parts say
    has been read."""
    asked = {"words": words, "reader": READER}
    row = connection.execute(_NAMES, asked).one()
    if row.is_unread:
        read_all(connection)
        row = connection.execute(_NAMES, asked).one()
    if len(row.named) > MAX_NAMES:
        return {}
    pool = connection.engine.pool
    known = _names.get(pool)
    if known is None or known.named != row.named:
        names = connection.execute(_CALLED, {"named": row.named}).all()
        known = _Names(
            row.named, {one.named: one.name for one in names}, sorted((word, one.named) for one in names for word in one.tokens)
        )
        _names[pool] = known
    found: dict[int, tuple[str, set[str]]] = {}
    for word, begins in zip(words, row.begins, strict=True):
        if begins is None:
            continue
        for token, named in islice(known.words, bisect_left(known.words, (begins,)), None):
            if not token.startswith(begins):
                break
            found.setdefault(named, (known.called[named], set()))[1].add(word)
    return found
