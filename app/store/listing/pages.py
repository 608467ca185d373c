"""Which parts a page of a list shows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Row

from app.domain.search import BY_VALUE, Typed
from app.store import search
from app.store.database import parsed
from app.store.listing.filters import PartFilters, choices_of, sorted_by
from app.store.listing.meanings import other_meaning, taken
from app.store.listing.questions import BY_NAME, Asked, Prices, Question, Tier, fitting, question_of, read
from app.store.paging import Position, cut
from app.store.search import Meant, Wanted
from app.store.specifications import searches
from app.store.specifications.orders import stretches
from app.store.specifications.searches import NOTHING_SAID

# How many rows of an order are walked before the hits are collected: a few milliseconds, wasted if a word is rare. No more than a
# part of the hits that there may be, so that little is wasted beside what it takes to collect these, unless a single word is so
# common that so many rows are likely to have enough; for a word that is probably rare only if the hits may be very many.
WALK, WALK_OF_HITS = 2000, 0.05
# The place, from 0, of the hit in a sample up to which names are taken first: hundreds of hits are likely to precede it.
BEGUN = 1
_NOT_KNOWN = "s.part_id <> ALL(CAST(:known AS int[]))"


@dataclass(frozen=True, slots=True)
class Found:
    """One page of ids, where the next one begins, what the words were taken to mean if nothing holds them as typed, and the
    currency of the prices that were looked at, None if there are none."""

    ids: list[int]
    next: Position | None
    meant: Meant
    currency: str | None


def list_part_ids(connection: Connection, filters: PartFilters, sort: str, after: Position | None, limit: int) -> Found:
    """Return one page of published parts. Later pages keep the meaning that the first one gave the words.

    Raises:
        InvalidFieldError: if a bound of a specification cannot be compared with what the shop says.
    """
    meant = after.meant if after else ()
    typed, prices = read(connection, filters)
    is_said = sort == "relevance" or BY_VALUE in meant
    said = searches.said(connection, filters.words) if is_said else NOTHING_SAID
    asked = Asked(filters, sort, prices, fitting(connection, filters, sort), said)
    rows, unmet = _rows(connection, *taken(connection, asked, typed, meant), after, limit)
    if not rows and after is None:
        asked = asked if is_said else replace(asked, said=searches.said(connection, filters.words))
        if meant := other_meaning(connection, asked, typed, unmet):
            rows, _unmet = _rows(connection, *taken(connection, asked, typed, meant), None, limit)
    shown, following = cut(rows, limit)
    position = following and Position(following.key, following.id, meant)
    return Found([row.id for row in shown], position, meant, prices.currency)


def _rows(
    connection: Connection, asked: Asked, typed: Typed, after: Position | None, limit: int
) -> tuple[list[Row[Any]], Wanted | None]:
    """Return the rows of a page, and the conditions if it is known that no part meets even those which an index looks up."""
    question = question_of(connection, asked, typed)
    rows: list[Row[Any]] = []
    unmet = None
    mark = mark_of(after.key) if after else ""
    tiers = [tier for tier in question.tiers if tier.mark >= mark]
    begin = Position(after.key[len(mark) :], after.id) if after else None
    is_in_order = asked.filters.is_of_category and not asked.filters.words and len(tiers) == len(question.tiers)
    if is_in_order and (name := sorted_by(asked.sort)) is not None:
        along = _along(connection, asked, typed, name, begin, limit + 1)
        if along is not None:
            rows = along
            del tiers[0]
    while tiers and len(rows) <= limit:
        here = begin if tiers[0].mark == mark else None
        found, done = _tier_rows(connection, question, tiers, here, limit + 1 - len(rows))
        if not after and not tiers[0].is_walked:
            # If the page goes on, all that these tiers have is known: the others need not look for it.
            known = {**question.parameters, "known": [row.id for row in found]}
            question = replace(question, apart=_NOT_KNOWN if found else "true", parameters=known)
        # Own words and others are only looked for together by `best_query`.
        if tiers[0].own and done == len(tiers) and not (found or question.others):
            unmet = question.words
        rows += [row for row in found if row.sort_key is not None]
        del tiers[:done]
    return rows, unmet


def _along(
    connection: Connection, asked: Asked, typed: Typed, name: str, after: Position | None, wanted: int
) -> list[Row[Any]] | None:
    """Return the rows of parts that say anything of a name, in its order, read along what is said until there are enough; None if
    the first stretch has none: so few are likely to fit that it takes less to collect them all."""
    _chosen, choices = choices_of(connection, asked.filters)
    begin, is_descending = after.key if after else None, asked.sort.startswith("-")
    rows: list[Row[Any]] = []
    for stretch in stretches(connection, name, choices["categories"], begin, descending=is_descending):
        question = question_of(connection, replace(asked, fits=[*asked.fits, stretch.fitting]), typed)
        tier = replace(question.tiers[0], range="s.place BETWEEN :least AND :most")
        here = {"least": stretch.least, "most": stretch.most, "wanted": wanted - len(rows)}
        if after:
            here |= {"after_key": after.key, "after_id": after.id}
        rows += connection.execute(parsed(_collected(question, [tier], after)), {**question.parameters, **here}).all()
        if not rows:
            return None
        if len(rows) == wanted:
            break
    return rows


def _tier_rows(
    connection: Connection, question: Question, tiers: Sequence[Tier], after: Position | None, wanted: int
) -> tuple[Sequence[Row[Any]], int]:
    """Return rows of the first of the tiers, or of more if they are collected together, and of how many tiers there are no more,
    or more than were wanted."""
    tier, words = tiers[0], question.of(tiers[0])
    is_likely = len(words.checked) == 1 and wanted <= WALK * words.share
    walk = WALK if is_likely else min(WALK, WALK_OF_HITS * words.most)
    parameters = {**question.parameters, "wanted": wanted, "walk": int(walk)}
    if after:
        parameters |= {"after_key": after.key, "after_id": after.id}
    if not tier.is_walked:
        looked_up = list(takewhile(lambda one: not one.is_walked, tiers))
        each = [_collected(question, [one], after if one is tier else None) for one in looked_up]
        rows = connection.execute(parsed(" UNION ALL ".join(f"({one})" for one in each)), parameters).all()
        return sorted(rows, key=lambda row: (row.sort_key, row.id)), len(looked_up)
    least = WALK_OF_HITS * WALK if words.is_frequent else WALK
    if question.is_walked and tier.is_indexed and walk >= least and (words.checked or question.others):
        rows = connection.execute(_walked(question, tier, after), parameters).all()
        if len(rows) == wanted:
            return rows, 1
        if words.is_frequent and not after and tier.order == BY_NAME and question.rows == Prices(None).rows:
            if not rows and tier.own and not search.are_common(connection, question.words):
                among = " AND ".join([*question.others, question.apart])
                best = best_query(replace(question, tiers=tiers), among, question.words)
                return connection.execute(parsed(best), parameters).all(), len(tiers)
            rows = connection.execute(_begun(question, tier), parameters).all()
            if len(rows) == wanted:
                return rows, 1
    together = [tier] if after else [tier, *takewhile(tier.goes_with, tiers[1:])]
    return connection.execute(parsed(_collected(question, together, after)), parameters).all(), len(together)


def _walked(question: Question, tier: Tier, after: Position | None) -> Any:
    continued, order_by = tier.order.clauses("s.part_id", after)
    words = question.of(tier).checked
    # A rare word would be walked for in vain.
    walk = f"CASE WHEN {search.is_common(words)} THEN :walk ELSE 0 END" if words else ":walk"
    return parsed(f"""
        SELECT s.part_id AS id, '{tier.mark}' || {tier.order.expression} AS sort_key
        FROM (SELECT * FROM {question.rows} WHERE s.is_public AND {tier.range} AND {continued}
              ORDER BY {order_by} LIMIT {walk}) s
        WHERE {" AND ".join([*words, *question.others, question.apart, tier.condition])} ORDER BY {order_by} LIMIT :wanted
    """)  # noqa: S608 — put together from constants; every value is a parameter


def _begun(question: Question, tier: Tier) -> Any:
    """Return the statement that collects a tier's rows among the first names only, up to one of a sample of them."""
    words, left = question.of(tier), ["s.is_public", *question.others, question.apart, tier.condition]
    _continued, order_by = tier.order.clauses("s.part_id", None)
    end = f"""SELECT s.sort_key FROM {search.sampled()} WHERE {" AND ".join([*words.checked, *left])}
              ORDER BY s.sort_key OFFSET {BEGUN} LIMIT 1"""  # noqa: S608 — as below
    # Of a range with two ends the planner expects so few rows that it looks up both in their indexes, the range and the words.
    return parsed(f"""
        SELECT s.part_id AS id, '{tier.mark}' || s.sort_key AS sort_key
        FROM (SELECT * FROM {question.rows}
              WHERE s.sort_key >= '' AND s.sort_key < ({end}) AND {" AND ".join([*words.found, *left])} OFFSET 0) s
        ORDER BY {order_by} LIMIT :wanted
    """)  # noqa: S608 — put together from constants; every value is a parameter


def best_query(question: Question, among: str, words: Wanted, also: str = "") -> str:
    """Return the query of the first rows of all tiers, among those of which a condition is true. Rows that have the words which
    are looked up in the index, but not all others, come last, and without a sort key."""
    looked_up, others = words.found[: words.looked_up], words.found[words.looked_up :]
    marks = [f"WHEN NOT ({' AND '.join(others)}) THEN NULL"] if others else []
    # Of the tiers that differ by the words alone, the one that is left if these are not the part's own comes first: then the
    # others need not look for them, and only what is left has its texts looked through for all of it in one piece.
    tiers = sorted(question.tiers, key=lambda tier: tier.own)
    marks += [f"WHEN {tier.left} THEN '{tier.mark}'" for tier in tiers]
    return f"""
        SELECT s.part_id AS id, s.mark || s.sort_key AS sort_key{also}
        FROM (SELECT s.part_id, s.sort_key, CASE {" ".join(marks)} END AS mark
              FROM {question.rows} WHERE {among} AND s.is_public AND {" AND ".join(looked_up)} OFFSET 0) s
        ORDER BY s.mark COLLATE "C", s.sort_key, s.part_id LIMIT :wanted
    """  # noqa: S608 — put together from constants; every value is a parameter


def _collected(question: Question, tiers: Sequence[Tier], after: Position | None) -> str:
    tier = tiers[0]
    continued, order_by = tier.order.clauses("s.part_id", after)
    apart = question.apart if tier.is_walked else "true"
    # Then only the range, which has few rows or the order that is wanted, is looked up in an index.
    conditions = [*question.of(tier).found, *question.others]
    if question.is_few or not (tier.is_walked or tier.by_words):
        conditions = [search.checked(one) for one in (*question.of(tier).checked, *question.others)]
    if len(tiers) == 1:
        mark, condition, by_mark = f"'{tier.mark}'", tier.condition, ""
    else:
        marks = " ".join(f"WHEN {one.left} THEN '{one.mark}'" for one in tiers)
        mark, condition, by_mark = f"CASE {marks} END", "true", "s.mark, "
    # OFFSET 0 keeps the planner from walking the order anyway, hoping to find enough matching rows.
    fence = "OFFSET 0" if conditions and not tier.is_ordered else ""
    return f"""
        SELECT s.part_id AS id, s.mark || {tier.order.expression} AS sort_key
        FROM (SELECT *, {mark} AS mark FROM {tier.rows or question.rows}
              WHERE {" AND ".join(["s.is_public", tier.range, apart, condition, continued, *conditions])} {fence}) s
        WHERE s.mark IS NOT NULL ORDER BY {by_mark}{order_by} LIMIT :wanted
    """  # noqa: S608 — put together from constants; every value is a parameter


def mark_of(sort_key: str) -> str:
    """Return the mark of a tier that a sort key begins with."""
    return search.SAID if sort_key.startswith(search.SAID) else sort_key[:1]
