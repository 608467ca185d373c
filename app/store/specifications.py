"""What parts say in their specifications, as filters, orders and counts look at it.

Triggers keep for each part the keys of what it says (`part_features`, migration 0040), within the transaction that says it,
whoever writes. What a key means follows from its text alone. It is read here, once for all parts, by the first list that asks for
any specification after it was written, if nobody has done so before: until then it is in `unread_specifications`. So a list is
never behind what was committed.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Pool, text

from app.domain import measures
from app.domain.errors import InvalidFieldError
from app.domain.measures import NUMBER, THREAD, Beside, Reading, SpecificationFilter
from app.store import facet_counts
from app.store.database import as_tuples, parsed
from app.store.encoding import jsonb
from app.store.units import unit_of

# The way in which texts are read. A release that reads any of them otherwise raises it: then all are read anew, as they are asked
# for.
READER = 2
# What is read before the other connections get their turn: a few milliseconds.
AT_ONCE = 200
# Of the parts of a category, so many have to be hits for the others to be counted instead.
MOSTLY = 0.7
# The values of a specification that are counted each: those that most parts have.
MAX_VALUES = 100
# Parts of which it takes no time to check all words.
FEW = 3000
# If more say what a search does, it takes too long to check the words on all of them.
MAX_SAYING = 10_000
# Names of specifications that words of a search are compared with; with none if there are more.
MAX_NAMES = 2000
# Parts of a list whose order of specifications is looked at.
SAMPLE = 100

_UNREAD = text("""
    (SELECT id, name, value, unit FROM unread_specifications ORDER BY id LIMIT :most)
    UNION ALL (SELECT NULL, name, value, unit FROM specification_values WHERE reader < :reader LIMIT :most)
""")
# Several processes that read the same at the same time write the same, in the same order.
_LEARN = text("""
    WITH done AS (
        DELETE FROM unread_specifications u
        USING (SELECT id FROM unread_specifications WHERE id = ANY(:ids) FOR UPDATE SKIP LOCKED) mine WHERE u.id = mine.id)
    INSERT INTO specification_values AS v (key, named, meaning, name, value, unit, reader, dimension, measured_in, symbol,
                                           low, high, own_low, own_high, place)
    SELECT DISTINCT ON (key) specification_key(name, value, unit) AS key, specification_hash(name),
           COALESCE(hashtextextended(means, 0), specification_hash(said)), name, value, unit, :reader, dimension, measured_in,
           symbol, low, high, own_low, own_high,
           COALESCE('0' || place, '1') || CASE WHEN means IS NULL THEN left(search_order(said), 100) ELSE '' END
    FROM jsonb_to_recordset(CAST(:rows AS jsonb))
      AS r(name text, value text, unit text, said text, means text, dimension text, measured_in text, symbol text, low float8,
           high float8, own_low float8, own_high float8, place text)
    ORDER BY key
    ON CONFLICT (key) DO UPDATE
    SET meaning = EXCLUDED.meaning, reader = EXCLUDED.reader, dimension = EXCLUDED.dimension, measured_in = EXCLUDED.measured_in,
        symbol = EXCLUDED.symbol, low = EXCLUDED.low, high = EXCLUDED.high,
        own_low = EXCLUDED.own_low, own_high = EXCLUDED.own_high, place = EXCLUDED.place
    WHERE v.reader < EXCLUDED.reader
""")
_NAMED = "v.named = specification_hash(:name)"
# By how much a number may differ from the one that was typed: by what is lost in a conversion, and in another unit by its
# rounding.
_CLOSE = (
    "GREATEST(abs({number}) * 1e-9, CASE WHEN v.measured_in = {asked}measured_in THEN 0 ELSE CAST({asked}rounding AS float8) END)"
)
# A number without a unit is compared as it stands, one with a unit in any unit of its dimension.
_MEANT = f"""
    (v.meaning = t.meaning
     OR t.dimensions IS NULL AND v.own_low = t.own_low AND v.own_high = t.own_high
     OR v.dimension = ANY(t.dimensions) AND abs(v.low - t.low) <= {_CLOSE.format(number="v.low", asked="t.")}
        AND abs(v.high - t.high) <= {_CLOSE.format(number="v.high", asked="t.")})"""
_EQUAL = f"EXISTS (SELECT FROM asked t WHERE {_MEANT})"
# A range fits if any of it lies within the bounds.
_BOUND = """
    CASE WHEN CAST(:{bound}_dimensions AS text[]) IS NULL THEN v.own_{end} {compared} CAST(:{bound}_own AS float8)
         ELSE v.dimension = ANY(CAST(:{bound}_dimensions AS text[]))
              AND v.{end} {compared} CAST(:{bound}_base AS float8) {sign} {close} END"""
_BOUNDS = {"low": ("high", ">=", "-"), "high": ("low", "<=", "+")}
_ASKED = """
    asked AS MATERIALIZED (
        SELECT *, specification_hash(said) AS meaning
        FROM jsonb_to_recordset(CAST(:values AS jsonb))
          AS t(place int, named bigint, said text, dimensions text[], measured_in text, low float8, high float8,
               own_low float8, own_high float8, rounding float8))
"""
# What is known of a name, and how the shop measures it.
_KNOWN = text(f"""
    SELECT (SELECT v.symbol FROM specification_values v WHERE {_NAMED} AND v.dimension IS NOT NULL LIMIT 1) AS symbol,
           EXISTS (SELECT FROM specification_values v
                   WHERE {_NAMED} AND v.dimension = ANY(CAST(:dimensions AS text[]))) AS is_comparable,
           EXISTS (SELECT FROM specification_values v WHERE {_NAMED}) AS is_known
""")  # noqa: S608 — constant text
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
    WITH {_ASKED}, meant AS MATERIALIZED (
        SELECT t.place, array_agg(DISTINCT v.key) AS keys, array_agg(DISTINCT v.named) AS named
        FROM asked t JOIN specification_values v ON v.named = t.named AND {_MEANT} GROUP BY t.place)
    SELECT place, named, CAST(keys AS text) AS keys, CAST(saying.ids AS text) AS ids, cardinality(saying.ids) AS parts
    FROM meant CROSS JOIN LATERAL {_SAYING.format(said="ARRAY[CAST(meant.keys AS text)]")} WHERE public > 0
""")  # noqa: S608 — constant text
_FITTING = "SELECT parts_with_all(CAST(:fits AS text[]))"
_ARE_FEW = text(f"SELECT count(*) <= :few FROM ({_FITTING}) found")  # noqa: S608 — constant text
# The condition on `part_search s` that a part fits all filters, for rows that are found by something else. With IS TRUE it is
# checked on these rows by a hash; joined, the planner would expect few parts that fit, and look through them for each row.
FITS = f"(s.part_id IN ({_FITTING})) IS TRUE"
# The parts that fit, each read by its id, whatever the planner thinks.
FITTING_ROWS = f"(SELECT s.* FROM {{rows}} WHERE s.part_id = ANY(ARRAY({_FITTING})) OFFSET 0) s"  # noqa: S608 — constant text
# The published parts that say anything, each with its category: a tenth of what `part_search` has of them.
PUBLIC_ROWS = "(SELECT f.part_id, f.category_id FROM part_features f WHERE f.category_id IS NOT NULL) s"
# What each part of a list says of the name that orders it. Only what the order needs is kept of the parts: their words fill
# pages.
PLACED_ROWS = """
    (WITH hits AS MATERIALIZED (SELECT s.part_id, s.sort_key FROM {rows} WHERE {conditions})
     SELECT h.*, true AS is_public, m.place FROM hits h LEFT JOIN (
         SELECT f.part_id, min(v.place) AS place
         FROM (SELECT p.part_id, unnest(p.keys) AS key
               FROM part_features p WHERE p.part_id = ANY(ARRAY(SELECT part_id FROM hits))) f
         JOIN (SELECT v.key, v.place FROM specification_values v WHERE v.named = specification_hash(:sorted_by) OFFSET 0) v
           ON v.key = f.key
         GROUP BY f.part_id) m ON m.part_id = h.part_id) s"""
_COUNTED_OWN = """
            UNION ALL SELECT f.key, false, count(*)
            FROM (SELECT unnest(p.keys) AS key
                  FROM part_features p WHERE p.part_id = ANY(ARRAY(SELECT part_id FROM hits WHERE missed = {missed}))) f
            JOIN (SELECT v.key FROM specification_values v WHERE v.named = specification_hash(:named_{place}) OFFSET 0) v
              ON v.key = f.key
            GROUP BY f.key"""
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


@dataclass(frozen=True, slots=True)
class Fitting:
    """A filter by a specification, and the keys that fit it."""

    name: str
    keys: Sequence[int]


@dataclass(frozen=True, slots=True)
class Saying:
    """The ids of parts, as PostgreSQL writes an array, and how many they are; and the other words of a search than those by which
    they were found."""

    ids: str
    parts: int
    others: tuple[str, ...] = ()


NOTHING_SAID = Saying("{}", 0)


def read_all(connection: Connection) -> int:
    """Read what nobody has read yet; return how many texts those were.

    Args:
        connection: commits each statement.
    """
    count = 0
    while rows := connection.execute(_UNREAD, {"most": AT_ONCE, "reader": READER}).all():
        learnt = [
            {"name": row.name, "value": row.value, "unit": row.unit, **_columns(row.name, row.value, row.unit)} for row in rows
        ]
        ids = [row.id for row in rows if row.id is not None]
        connection.execute(_LEARN, {"rows": jsonb(learnt), "ids": ids, "reader": READER})
        count += len(rows)
    return count


def _columns(name: str, value: str, unit: str) -> dict[str, Any]:
    if (of_class := measures.class_in(name, value, unit)) is not None:
        return {"said": of_class, "symbol": ""}
    columns: dict[str, Any] = {"said": measures.said(value, unit), "symbol": ""}
    reading = measures.read(value, unit, unit_of)
    if reading.unit is None:
        return columns
    low, high = reading.ends()
    place = measures.place(low, high)
    # Threads of one size differ in their pitch.
    means = None if reading.unit.dimension == THREAD else f"{reading.unit.dimension} {place}"
    return columns | {
        "means": means, "place": place, "dimension": reading.unit.dimension, "measured_in": reading.unit.name,
        "symbol": reading.symbol, "low": low, "high": high, "own_low": float(reading.low), "own_high": float(reading.high),
    }  # fmt: skip


@lru_cache(maxsize=2000)
def typed(value: str) -> Reading:
    """Return what a buyer means who types this."""
    return measures.typed(value, unit_of)


def fitting(connection: Connection, filters: Sequence[SpecificationFilter]) -> list[Fitting]:
    """Return the keys that fit each of the filters, once everything that parts say has been read.

    Raises:
        InvalidFieldError: if a bound cannot be compared with what the shop says.
    """
    read_all(connection)
    return [Fitting(one.name, _keys(connection, one)) for one in filters]


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
            {"place": place, "named": named, **_equal(name, value)}
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


def are_few(connection: Connection, fits: Sequence[Fitting]) -> bool:
    """Whether the filters leave a few parts only, if there are any filters."""
    return bool(fits) and bool(connection.execute(_ARE_FEW, {"fits": keys_of(fits), "few": FEW}).scalar_one())


def _keys(connection: Connection, wanted: SpecificationFilter) -> list[int]:
    conditions, parameters = (
        [_NAMED],
        {"name": wanted.name, "values": jsonb([_equal(wanted.name, value) for value in wanted.values])},
    )
    if wanted.values:
        conditions.append(_EQUAL)
    for bound, value in (("low", wanted.low), ("high", wanted.high)):
        if value is None:
            continue
        _refuse_incomparable(connection, wanted.name, "min" if bound == "low" else "max", typed(value))
        end, compared, sign = _BOUNDS[bound]
        close = _CLOSE.format(number=f"v.{end}", asked=f":{bound}_")
        conditions.append(_BOUND.format(bound=bound, end=end, compared=compared, sign=sign, close=close))
        asked = _asked(value)
        parameters |= {f"{bound}_{name}": asked[name] for name in ("dimensions", "measured_in", "rounding")}
        parameters |= {f"{bound}_own": asked["own_low"], f"{bound}_base": asked["low"]}
    statement = parsed(f"WITH {_ASKED} SELECT v.key FROM specification_values v WHERE {' AND '.join(conditions)}")  # noqa: S608 — constants
    return list(connection.execute(statement, parameters).scalars())


def _equal(name: str, value: str) -> dict[str, Any]:
    """Return what a value has to be. Threads are equal by their words: those of one size differ in their pitch."""
    if (of_class := measures.class_in(name, value)) is not None:
        return _words(of_class)
    reading = typed(value)
    return _asked(value) | ({"dimensions": []} if reading.unit and reading.unit.dimension == THREAD else {})


def _asked(value: str) -> dict[str, Any]:
    reading = typed(value)
    asked = _words(measures.said(value))
    if reading.unit is None:
        return asked
    low, high = reading.ends()
    return asked | {
        "dimensions": _dimensions(reading), "measured_in": reading.unit.name, "low": low, "high": high,
        "own_low": float(reading.low), "own_high": float(reading.high), "rounding": float(reading.rounding * reading.unit.scale),
    }  # fmt: skip


def _words(said: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("low", "high", "own_low", "own_high"))
    return {"said": said, "dimensions": [], "measured_in": "", "rounding": 0.0, **nothing}


def _dimensions(reading: Reading) -> list[str] | None:
    """Return what a typed number is compared with; None if it has no unit, and is compared with any number as it stands."""
    return None if reading.unit is None or reading.unit == NUMBER else list(measures.comparable(reading.unit))


def _refuse_incomparable(connection: Connection, name: str, bound: str, reading: Reading) -> None:
    dimensions = _dimensions(reading)
    known = connection.execute(_KNOWN, {"name": name, "dimensions": dimensions}).one()
    if not known.is_known or known.is_comparable or (dimensions is None and known.symbol is not None):
        return
    field = f"spec.{name}.{bound}"
    if known.symbol is None:
        raise InvalidFieldError(field, f"{name} is given in words; filter by one of its values.")
    remedy = f"Use a unit such as {known.symbol}." if known.symbol else "Leave the unit away."
    if reading.unit and reading.unit.dimension.startswith("="):
        raise InvalidFieldError(field, f"There is no unit {reading.symbol!r} here. {remedy}")
    raise InvalidFieldError(field, f"{name} is not measured in {reading.symbol or 'threads'}. {remedy}")


def keys_of(fits: Sequence[Fitting]) -> list[str]:
    """Return the parameter of `FITS` and `FITTING_ROWS`: for each filter its keys, any of which a part has to have."""
    return ["{" + ",".join(map(str, one.keys)) + "}" for one in fits]


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
    # Of parts that miss a single filter, only what they say of its own name counts.
    own = "".join(_COUNTED_OWN.format(place=place, missed=1 << place) for place in range(len(fits)))
    said = f"""
        SELECT f.key, true AS fits, count(*) AS count
        FROM (SELECT unnest(p.keys) AS key
              FROM part_features p WHERE p.part_id = ANY(ARRAY(SELECT part_id FROM hits WHERE missed = 0))) f
        GROUP BY f.key {own}"""  # noqa: S608 — as in `_summed_up`
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
