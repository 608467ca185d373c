"""The conditions that words are, and whether any part meets them."""

from collections.abc import Sequence
from itertools import islice
from math import inf
from typing import Any, Literal, NamedTuple

from sqlalchemy import Connection

from app.domain.search import Form, Shares, Typed, Word, any_of, like
from app.store.database import parsed

Whose = Literal["public", "all"]
# U+0001 precedes a number without its punctuation and follows the first letter of a word; U+0002 precedes a word of the
# description; see migration 0005.
MARK, DESCRIBED = "\x01", "\x02"
LOOKED_UP = 2
# To check a word on a row takes as long as to collect so many hits of it from the index.
COLLECTED = 12
# What share of the parts may hold a word of which PostgreSQL's statistics have no lexeme, as they leave out what less than some
# 0.6 % of the rows have: likely, at most, and if a few letters may begin many such lexemes.
RARE, NOT_COMMON, PERHAPS_RARE = 0.001, 0.01, 0.05
# A word with fewer letters may begin many lexemes.
TELLING = 4
# Of the pages of `part_search`, in percent, but no more than have so many parts.
SAMPLE, SAMPLED = 0.2, 200

MATCHES = "s.words @@ (SELECT CAST(:{name} AS tsquery))"
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
        by_index = [MATCHES.format(name=f"{name}{kind}_way_{number}") for number in range(len(ways))]
        in_row = MATCHES.format(name=name + kind)
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
    asked = [[quoted(one) + (":*" if begins else "") for one, begins in ways] for ways in _lexemes(form, own=own)]
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


def quoted(lexeme: str) -> str:
    """Return a lexeme as a `tsquery` has it."""
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
    return are_found(connection, [conditions(typed, place=place)], whose)[0]


def are_found(connection: Connection, each: Sequence[Wanted], whose: Whose) -> list[bool]:
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
