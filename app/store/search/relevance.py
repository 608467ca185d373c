"""The tiers that sort hits by relevance."""

from collections.abc import Sequence
from functools import reduce
from typing import Any, NamedTuple

from app.domain.search import LAST, SQUEEZED, Shares, Typed, any_of, like
from app.store.search.words import MARK, MATCHES, RARE, Wanted, conditions, quoted

# The mark of the tier of parts whose specifications say what was typed: it sorts after that of names and all that follows it.
SAID = "2" + LAST
# Of words in one piece, so many hits are collected: a walk of as many rows is unlikely to find enough of them.
FEW_PIECES = 2000

# Takes a tenth of the time of `translate`.
_SQUEEZED_TEXTS = reduce(lambda texts, sign: f"replace({texts}, '{sign}', '')", SQUEEZED, "s.texts")


class RelevanceTier(NamedTuple):
    """A tier's mark, the condition that an index serves, its other conditions, all that is left to check on a part which is in
    none of the tiers before, whether the words must be the part's own, and whether that condition finds few parts."""

    mark: str
    range: str
    condition: str
    left: str
    is_own: bool = False
    is_rare: bool = True


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
        each = [[quoted(one) for one in words] for words in pieces]
        parameters["pieces"] = " | ".join(f"{' & '.join(words)}:*" for words in each)
        has_pieces = MATCHES.format(name="pieces")
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
    parameters |= {"whole_number": quoted(start), "number_start": quoted(start) + ":*", "number": shown, "whole": whole}
    is_whole, is_begun = "strpos(s.numbers, :whole) > 0", "strpos(s.numbers, :number) > 0"
    begun = [RelevanceTier("1", MATCHES.format(name="number_start"), f"NOT {is_whole}", is_begun)] if shown == start else []
    return [RelevanceTier("0", MATCHES.format(name="whole_number"), "true", is_whole), *begun], f"NOT {is_begun}"
