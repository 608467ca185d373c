"""What was typed, as the database reads it, and what is known of how many parts hold a word."""

import time
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Pool, Row, text

from app.domain.search import MAX_WORDS, UNKNOWN, Shares, Synonym, Typed, Word

# For so many seconds. Whatever has changed since costs only time.
SHARES_KEPT_FOR = 60.0

# What was typed as the database reads it: one row for each word (migration 0016).
READING = "search_reading(CAST(:typed AS text[]), :phrase)"
_READ = text(f"SELECT * FROM {READING}")  # noqa: S608 — constant text
_SHARES = text("""
    SELECT lexeme, share, reltuples FROM pg_stats JOIN pg_class ON pg_class.oid = CAST('part_search' AS regclass)
    CROSS JOIN LATERAL unnest(CAST(CAST(most_common_elems AS text) AS text[]), most_common_elem_freqs) AS common(lexeme, share)
    WHERE schemaname = current_schema() AND tablename = 'part_search' AND attname = 'words' AND lexeme IS NOT NULL
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
