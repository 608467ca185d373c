"""The order of what parts say of a specification."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from app.store import facet_counts
from app.store.specifications.comparing import keys_named
from app.store.specifications.fits import Fitting

# An order is read in stretches, the first of so many parts, the following of so many times as many each: where most fit the
# filters, the first has enough for a page, and where few do, there are few stretches.
FIRST, TIMES = 500, 8
# What each part of a list says of the name that orders it. Only what the order needs is kept of the parts: their words fill
# pages.
_PLACES = """
    SELECT f.part_id, min(v.place) AS place
    FROM (SELECT p.part_id, unnest(p.keys) AS key
          FROM part_features p WHERE p.part_id = ANY(ARRAY(SELECT part_id FROM hits))) f
    JOIN (SELECT v.key, v.place FROM specification_values v WHERE v.named = specification_hash(:sorted_by) OFFSET 0) v
      ON v.key = f.key
    GROUP BY f.part_id"""
# Those that say anything of it, and all of them.
SAYING_ROWS = f"""
    (WITH hits AS MATERIALIZED (SELECT s.part_id FROM {{rows}} WHERE {{conditions}})
     SELECT m.*, true AS is_public FROM ({_PLACES}) m) s"""  # noqa: S608 — constant text
PLACED_ROWS = f"""
    (WITH hits AS MATERIALIZED (SELECT s.part_id, s.sort_key FROM {{rows}} WHERE {{conditions}})
     SELECT h.*, true AS is_public, m.place FROM hits h LEFT JOIN ({_PLACES}) m ON m.part_id = h.part_id) s
"""  # noqa: S608 — constant text
_STRETCHES = text(f"""
    WITH placed AS (
        SELECT v.place, string_agg(v.key::text, ',') AS keys, sum(c.count) AS parts
        FROM ({facet_counts.SOME_FEATURES.format(categories=":categories", keys=keys_named(":name"))}) c
        JOIN specification_values v ON v.key = c.key
        WHERE CASE WHEN CAST(:after AS text) IS NULL THEN true
                   WHEN :descending THEN v.place <= CAST(:after AS text)
                   ELSE v.place >= CAST(:after AS text) END
        GROUP BY v.place),
    added_up AS (
        SELECT *, sum(parts) OVER (ORDER BY CASE WHEN :descending THEN place END DESC, place) - parts AS before FROM placed)
    SELECT min(place) AS least, max(place) AS most, string_agg(keys, ',') AS keys
    FROM added_up GROUP BY ceil(log(:times, GREATEST(before / :first, 1))) ORDER BY min(before)
""")  # noqa: S608 — constant text


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of the order of what is said of a name: which parts say any of it, and the places between which they stand."""

    fitting: Fitting
    least: str
    most: str


def stretches(
    connection: Connection, name: str, categories: Sequence[int], after: str | None, *, descending: bool
) -> list[Stretch]:
    """Return what public parts of some categories say of a name, in stretches of its order, each longer than the one before.

    Args:
        after: the place from which on they are wanted; None for all.
    """
    parameters = {
        "name": name, "categories": list(categories), "after": after, "descending": descending, "first": FIRST, "times": TIMES,
    }  # fmt: skip
    rows = connection.execute(_STRETCHES, parameters).all()
    return [Stretch(Fitting(name, [int(key) for key in row.keys.split(",")]), row.least, row.most) for row in rows]
