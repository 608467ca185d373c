"""The parts that are suggested while somebody types."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row

from app.domain.search import BY_VALUE, Typed
from app.store import search
from app.store.database import parsed
from app.store.listing.filters import PartFilters
from app.store.listing.meanings import taken
from app.store.listing.pages import Found, best_query, mark_of
from app.store.listing.questions import Asked, Prices, Question, Tier, question_of
from app.store.search import Meant, Wanted
from app.store.specifications import searches

# Suggestions for common words are taken from so many parts at least, and less than twice as many. If numbers that begin as it was
# typed are a crowd, only those of these parts count.
LOOKED_AT, CROWD = 512, 200
# How many of all hits are among some of the parts.
_OF_SOME = f", count(s.mark) FILTER (WHERE {search.SOME[1]}) OVER () AS of_some"


def suggested(connection: Connection, filters: PartFilters, limit: int) -> Found:
    """Return the first parts of a list by relevance; if it has many, the best among some of them.

    Which these are follows from the parts alone, so that the same question has the same answer until they change.
    """
    meant: Meant = ()
    typed = search.read(connection, filters.words)
    asked = Asked(filters, "relevance", Prices(None), [], searches.said(connection, filters.words))
    rows, unmet = _suggested_rows(connection, asked, typed, limit)
    if not rows and asked.said.parts:
        meant = (BY_VALUE,) * len(typed.words)
        rows, _unmet = _suggested_rows(connection, *taken(connection, asked, typed, meant), limit)
    if not rows and (meant := search.meaning(connection, typed, unmet=unmet)):
        rows, _unmet = _suggested_rows(connection, *taken(connection, asked, typed, meant), limit)
    return Found([row.id for row in rows[:limit]], None, meant, None)


def _suggested_rows(connection: Connection, asked: Asked, typed: Typed, limit: int) -> tuple[Sequence[Row[Any]], Wanted | None]:
    """Return the rows, and the conditions if no part meets even those that are looked up in the index."""
    question = question_of(connection, asked, typed)
    parameters = {**question.parameters, "wanted": limit, "least": LOOKED_AT, "crowd": CROWD}
    # All parts are asked first if some are too few to have that many of a rare word; they tell whether these have.
    is_rare = 2 * LOOKED_AT * question.words.share < limit
    asked_of = [
        best_query(question, search.SOME[0], question.words.on_rows(), _OF_SOME),
        best_query(question, "true", question.words, _OF_SOME),
    ]
    rows = connection.execute(parsed(asked_of[is_rare]), parameters).all()
    is_enough = bool(rows) and rows[0].of_some >= limit
    if is_enough is is_rare:
        rows = connection.execute(parsed(asked_of[not is_rare]), parameters).all()
    if not is_enough:
        return [row for row in rows if row.sort_key is not None], None if rows else question.words
    # Whoever types a number, or how a name begins, means that one, however common the words are. Whether own words in one piece
    # are looked up follows from PostgreSQL's statistics, on which no answer may depend.
    last = mark_of(rows[-1].sort_key)
    looked_up = [tier for tier in question.tiers if not (tier.is_walked or tier.own)]
    begun = [tier for tier in looked_up if tier.is_ordered or tier.mark < last]
    each = " UNION ALL ".join(f"({_at_most(question, tier)})" for tier in begun)
    found = connection.execute(parsed(each), parameters).all() if begun else []
    number = Counter(mark_of(row.sort_key) for row in found)
    by_id = {row.id: row for row in (*rows, *(row for row in found if number[mark_of(row.sort_key)] < CROWD))}
    return sorted(by_id.values(), key=lambda row: (row.sort_key, row.id)), None


def _at_most(question: Question, tier: Tier) -> str:
    """Return the query of a tier's first rows, or of as many as are a crowd if no index says which are the first."""
    rows, end = question.rows, "LIMIT :crowd"
    if tier.is_ordered:
        _continued, order_by = tier.order.clauses("s.part_id", None)
        # Nearly all names that begin so have the words; the planner would sort all of them, expecting few.
        rows = f"(SELECT * FROM {rows} WHERE s.is_public AND {tier.range} ORDER BY {order_by} LIMIT :crowd) s"  # noqa: S608 — as below
        end = f"ORDER BY {order_by} LIMIT :wanted"
    words = question.words.found if tier.by_words else map(search.checked, question.words.checked)
    conditions = ["s.is_public", tier.range, tier.condition, *words]
    return f"SELECT s.part_id AS id, '{tier.mark}' || s.sort_key AS sort_key FROM {rows} WHERE {' AND '.join(conditions)} {end}"  # noqa: S608 — put together from constants; every value is a parameter
