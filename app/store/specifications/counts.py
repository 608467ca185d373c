"""How many parts of a list say what."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from app.store import facet_counts
from app.store.database import as_tuples, parsed
from app.store.specifications.comparing import keys_named
from app.store.specifications.fits import Fitting, keys_of

# Of the parts of a category, so many have to be hits for the others to be counted instead.
MOSTLY = 0.7
# The values of a specification that are counted each: those that most parts have.
MAX_VALUES = 100
# Parts of a list whose order of specifications is looked at.
SAMPLE = 100
# The published parts that say anything, each with its category: a tenth of what `part_search` has of them.
PUBLIC_ROWS = "(SELECT f.part_id, f.category_id FROM part_features f WHERE f.category_id IS NOT NULL) s"
# What hits say that fit all filters.
_SAID_BY_FITTING = """
        SELECT f.key, true AS fits, count(*) AS count
        FROM (SELECT unnest(p.keys) AS key
              FROM part_features p WHERE p.part_id = ANY(ARRAY(SELECT part_id FROM hits WHERE missed = 0))) f
        GROUP BY f.key"""
# Of parts that miss a single filter, only what they say of its own name counts.
_SAID_BY_MISSING = """
        UNION ALL SELECT f.key, false, count(*)
        FROM (SELECT unnest(p.keys) AS key
              FROM part_features p WHERE p.part_id = ANY(ARRAY(SELECT part_id FROM hits WHERE missed = {missed}))) f
        JOIN (SELECT v.key FROM specification_values v WHERE v.named = specification_hash(:named_{place}) OFFSET 0) v
          ON v.key = f.key
        GROUP BY f.key"""
# If nothing but one filter narrows the parts of a category, those are all the others.
_SAID_BY_OTHERS = f"""
        UNION ALL SELECT k.key, false, k.count - COALESCE(f.count, 0)
        FROM ({facet_counts.SOME_FEATURES.format(categories=":categories", keys=keys_named(":named_0"))}) k
        LEFT JOIN fitting f ON f.key = k.key WHERE k.count > COALESCE(f.count, 0)"""  # noqa: S608 — constant text
# What all parts of a category say is counted already. Where most of them are hits, as for a word that says what they are, it is
# less to count what the others say, and take that off.
_SAID_BY_HITS = f"""
        SELECT key, true AS fits, sum(count) AS count
        FROM (WITH mostly AS MATERIALIZED (
                  SELECT k.category_id, h.count < k.count AS is_partly
                  FROM (SELECT category_id, count(*) AS count FROM hits GROUP BY category_id) h
                  JOIN ({facet_counts.PARTS}) k ON k.category_id = h.category_id AND h.count > k.count * CAST(:mostly AS float8))
              SELECT key, count FROM ({facet_counts.FEATURES.format(categories="ARRAY(SELECT category_id FROM mostly)")}) kept
              UNION ALL SELECT f.key, -count(*) FROM (
                  SELECT unnest(p.keys) AS key FROM part_features p WHERE p.part_id = ANY(ARRAY(
                      SELECT part_id FROM part_features
                      WHERE category_id = ANY(ARRAY(SELECT category_id FROM mostly WHERE is_partly))
                      EXCEPT SELECT part_id FROM hits))) f
              GROUP BY f.key
              UNION ALL SELECT f.key, count(*) FROM (
                  SELECT unnest(p.keys) AS key FROM part_features p WHERE p.part_id = ANY(ARRAY(
                      SELECT part_id FROM hits WHERE category_id NOT IN (SELECT category_id FROM mostly)))) f
              GROUP BY f.key) said
        GROUP BY key HAVING sum(count) > 0"""  # noqa: S608 — constant text


def counted(
    connection: Connection, rows: str, conditions: Sequence[str], parameters: Mapping[str, Any], fits: Sequence[Fitting]
) -> Sequence[Any]:
    """Count what parts say: for each name its most common values, each with the number of parts that the filters would leave,
    without that of the name itself.

    Args:
        rows: the table of parts, called `s`; `conditions` are what they must match, apart from `fits`.
        parameters: those of the conditions; `categories` are the only ones in which parts match them.
    """
    each = [f"s.part_id IN (SELECT parts_with_all(CAST(:fits_{place} AS text[])))" for place in range(len(fits))]
    missed = " + ".join(f"CASE WHEN {one} THEN 0 ELSE {1 << place} END" for place, one in enumerate(each)) or "0"
    hits = f"SELECT s.part_id, s.category_id, {missed} AS missed FROM {rows} WHERE {' AND '.join(conditions)}"  # noqa: S608 — as in `_summed_up`
    if not fits:
        return _summed_up(connection, hits, _SAID_BY_HITS, {**parameters, "mostly": MOSTLY})
    others = [_SAID_BY_MISSING.format(place=place, missed=1 << place) for place in range(len(fits))]
    if len(fits) == 1 and rows == PUBLIC_ROWS:
        others = [_SAID_BY_OTHERS]
    said = f"WITH fitting AS MATERIALIZED ({_SAID_BY_FITTING}) SELECT * FROM fitting {''.join(others)}"  # noqa: S608 — as in `_summed_up`
    fitting_each = {f"fits_{place}": keys_of([one]) for place, one in enumerate(fits)}
    names = {f"named_{place}": one.name for place, one in enumerate(fits)}
    return _summed_up(connection, hits, said, {**parameters, **fitting_each, **names})


def counted_before(connection: Connection, categories: Sequence[int]) -> Sequence[Any]:
    """Return what `counted` does of all parts of some categories, from the counts that are kept."""
    first = facet_counts.FIRST.format(limit=SAMPLE)
    hits = f"SELECT first.part_id, 0 AS missed FROM ({first}) first"  # noqa: S608 — constant text
    return _summed_up(connection, hits, facet_counts.FEATURES.format(categories=":categories"), {"categories": categories})


def _summed_up(connection: Connection, hits: str, said: str, parameters: Mapping[str, Any]) -> Sequence[Any]:
    """Return what parts say, by name.

    Args:
        hits: the query of the parts, of which only the first are looked at here; those that miss no filter have `missed = 0`.
        said: the query of how many of them say each key, and whether they fit all filters.
    """
    statement = parsed(f"""
        WITH hits AS MATERIALIZED ({hits}),
        said AS MATERIALIZED ({said}),
        places AS (
            SELECT v.named, avg(f.place) AS position
            FROM (SELECT unnest(p.keys) AS key, generate_subscripts(p.keys, 1) AS place
                  FROM (SELECT part_id FROM hits WHERE missed = 0 ORDER BY part_id LIMIT {SAMPLE}) h
                  JOIN part_features p ON p.part_id = h.part_id) f
            JOIN specification_values v ON v.key = f.key GROUP BY v.named),
        meant AS (
            SELECT v.named, v.meaning, sum(c.count) AS count, COALESCE(sum(c.count) FILTER (WHERE c.fits), 0) AS hits,
                   (array_agg(v.key ORDER BY c.count DESC, v.key))[1] AS key
            FROM said c JOIN specification_values v ON v.key = c.key GROUP BY v.named, v.meaning),
        ranked AS (
            SELECT v.named, v.name, v.value, v.unit, v.dimension, v.symbol, v.low, v.high, v.place, m.count::int,
                   row_number() OVER (PARTITION BY m.named ORDER BY m.count DESC, v.place, v.key) AS rank,
                   count(*) OVER (PARTITION BY m.named)::int AS different,
                   sum(m.hits) OVER (PARTITION BY m.named)::int AS hits,
                   sum(m.count) OVER (PARTITION BY m.named)::int AS parts,
                   sum(m.count) OVER (PARTITION BY m.named, v.dimension)::int AS alike,
                   min(v.low) OVER (PARTITION BY m.named, v.dimension) AS least,
                   max(v.high) OVER (PARTITION BY m.named, v.dimension) AS most
            FROM meant m JOIN specification_values v ON v.key = m.key)
        SELECT r.named, r.name, r.value, r.unit, r.dimension, r.symbol, r.low, r.high, r.place, r.count, r.different, r.parts,
               r.alike, r.least, r.most
        FROM ranked r LEFT JOIN places p ON p.named = r.named
        WHERE r.rank <= {MAX_VALUES} ORDER BY r.hits DESC, p.position, r.named, r.rank
    """)  # noqa: S608 — put together from constants; every value is a parameter
    return as_tuples(connection.execute(statement, parameters))
