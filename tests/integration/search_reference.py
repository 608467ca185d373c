"""What a search has to find, said as plainly as can be: every part is looked at, nothing is indexed, cached or cut.

The normal form of texts is written here once more, so that it is compared with the database's.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache, cached_property, partial
from itertools import pairwise
from typing import Any

from app.container import Container
from app.domain import measures
from app.domain.measures import THREAD
from app.domain.search import Form, Synonym, Typed, Word, words_of
from app.store.listing.filters import PartFilters
from app.store.units import unit_of

_PARTS = """
    SELECT p.id, p.sku, p.manufacturer_number, p.part_name, p.manufacturer, p.description, p.category_id, p.created_at,
           s.current_stock > s.reserved_quantity AS in_stock,
           (SELECT json_object_agg(l.currency, l.amount::text) FROM part_prices l
            WHERE l.part_id = p.id AND l.min_quantity = 1) AS prices,
           (SELECT json_agg(json_build_array(v.name, v.value, v.unit)) FROM part_specifications v WHERE v.part_id = p.id) AS said
    FROM parts p JOIN stock_levels s ON s.part_id = p.id
    WHERE p.status = 'published' AND p.archived_at IS NULL AND p.sku LIKE :prefix
"""
_SAID = """
    SELECT DISTINCT v.name, v.value, v.unit FROM part_specifications v JOIN parts p ON p.id = v.part_id
    WHERE p.status = 'published' AND p.archived_at IS NULL
"""
_LETTERS = str.maketrans("øđðħıłŧŋĸƒς⌀‐‑‒–—―−×✕✖⨯“”„‟‘’‚‛′ʼ⁄", "oddhiltnkfσo-------xxxx\"\"\"\"''''''/")
_DIGRAPHS = {"æ": "ae", "œ": "oe", "ß": "ss", "þ": "th"}
_PUNCTUATION = ",;()[]{}!?\"'|<>:"
_UNITS = (
    "mm|cm|dm|m|km|um|nm|ft|mg|kg|g|lb|lbs|oz|ml|v|kv|mv|vac|vdc|ma|ua|ka|w|kw|mw|va|kva|hz|khz|mhz|ghz|ohm|kohm|mohm|ohms|kohms"
    "|mohms|pf|nf|uf|mf|nh|uh|mh|pa|kpa|mpa|bar|mbar|psi|kn|rpm|hv|hrc|ah|mah|°c|°f|°|%"
)


def folded(text: str) -> str:
    """Return a text without case, accents, joiners and the like."""
    text = re.sub("([0-9])(?=[¼-¾⅐-⅞])", r"\1 ", text)
    text = re.sub("[\u0300-\u036f\u180e\u200c\u200d\ufe0e\ufe0f]", "", unicodedata.normalize("NFKD", text))
    text = unicodedata.normalize("NFC", text).lower().translate(_LETTERS)
    for one, two in _DIGRAPHS.items():
        text = text.replace(one, two)
    text = re.sub("μ(?=[a-zω])", "u", text)
    return re.sub("(?<![α-ψ])ω(?![α-ω])", "ohm", text)


def soft(text: str) -> str:
    """Return a text with decimal points and inches, and without punctuation."""
    text = re.sub("(?<=[0-9]),(?=[0-9])", ".", f" {folded(text)} ")
    text = re.sub(r"(?<= )\.(?=[0-9])", "0.", text)
    text = re.sub(r"""(?<=[0-9]) *(?:"|''|inch(?:es)?\b|zoll\b)""", "in ", text)
    text = re.sub(r"([./][0-9]+) +in\b", r"\1in", text)
    return "".join(" " if sign in _PUNCTUATION else sign for sign in text).replace(". ", " ")


def joined(text: str) -> str:
    """Return a soft text with sizes, measures and standards joined."""
    text = re.sub("(?<=[0-9]) *(?:mm|in)? *[x*хχ] *(?=[0-9])", "x", text)
    text = re.sub(r"\b(?:din[ -]+)?(?:en[ -]+)?(?=iso[ -]*[0-9])", "", text)
    text = re.sub(r"\b(din|iso|en|m)[ -]+(?=[0-9])", r"\1", text)
    text = re.sub(f"(?<=[0-9]) +(?=(?:{_UNITS})(?![^-./ ]))", "", text)
    return re.sub(r"(?<=[0-9]) *([kmu]?) ?ohms?\b", r"\1ohm", text)


def split(text: str) -> list[str]:
    """Return the words of a text: letters and digits with points between them."""
    return re.findall(r"[^\W_]+(?:\.[^\W_]+)*", text)


def spelt_out(text: str) -> str:
    """Return a text as it is spelt without umlauts."""
    text = unicodedata.normalize("NFC", text).lower()
    for letter, two in {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe"}.items():
        text = text.replace(letter, two)
    return text


def forms(text: str, *, own: bool) -> set[str]:
    """Return all in which the words of a text may be asked for."""
    words = split(joined(soft(text)))
    found = {*words, *split(soft(text))}
    if own:
        found |= set(split(re.sub("(?<=[0-9])[-/](?=[0-9])", "x", joined(soft(text)))))
        found |= {one + other for one, other in pairwise(words) if len(one + other) <= 40}
        found |= {re.sub("^[a-z]+(?=[0-9])", "", word) for word in words}
    for word in words:
        if re.search("[0-9]x[0-9]", word):
            sizes = word.split("x")
            found |= {*sizes, *("x".join(sizes[place:]) for place in range(1, len(sizes) - 1))}
    spelt = spelt_out(text)
    for other in {spelt, spelt.replace("å", "aa")} - {text, text.lower()}:
        found |= forms(other, own=own)
    return found - {""}


@cache
def bare(text: str | None) -> str:
    """Return a text's letters and digits in the normal form."""
    return "".join(character for character in joined(soft(text or "")) if character.isalnum())


def read(typed: Sequence[str], synonyms: Sequence[tuple[str, str]]) -> Typed:
    """Return what was typed as the database has to read it."""
    words = _words(" ".join(typed))
    found = []
    for first in range(len(words)):
        for length in range(1, min(5, len(words) - first) + 1):
            key = "".join(word.bare for word in words[first : first + length])
            for term, means in synonyms:
                if bare(term) == key:
                    said = joined(soft(means)).strip()
                    found.append(Synonym(first, length, said, tuple(split(said))))
        for term, means in synonyms:
            number = words[first].bare.removesuffix(bare(term))
            if number != words[first].bare and re.fullmatch("[0-9]{3,}", number):
                found.append(Synonym(first, 1, number + bare(means), (number + bare(means),)))
    for place, word in enumerate(typed):
        is_inch = place > 0 and typed[place - 1][-1].isdigit() and folded(word) in {'"', "''"}
        if not soft(word).strip() and not is_inch:
            words.append(Word("", (), "", is_plain=False, signs=tuple(f"{ord(sign):x}\x01" for sign in folded(word))))
    return Typed(tuple(typed), tuple(words), tuple(found))


def _words(typed: str) -> list[Word]:
    words = [_word(word) for word in _asked(typed)]
    for place, other in enumerate(_asked(spelt_out(typed).replace("å", "aa"))[: len(words)]):
        if (spelt := tuple(split(other))) != words[place].tokens:
            words[place] = replace(words[place], spelt=spelt)
    return words


def _asked(text: str) -> list[str]:
    apart = re.sub("([a-wyz][0-9.]+) +(?=(?!x *[0-9])[a-z%°])", "\\1 \x03 ", soft(text))
    normal = joined(apart).replace(" \x03 ", " ")
    return re.sub(r"\b((?:din|iso|en)[0-9]{2,6})-?(?=[a-z])", r"\1 ", normal).split()


def _word(text: str) -> Word:
    tokens = tuple(split(text))
    is_plain = re.fullmatch(r"[^\W_]+([-./]+[^\W_]+)*", text) is not None
    signs = () if is_plain else tuple(f"{ord(sign):x}\x01" for sign in text if not sign.isalnum())
    return Word(text, tokens, "".join(c for c in text if c.isalnum()), is_plain, signs)


def order(name: str) -> list[tuple[int, Any]]:
    """Return a name's place in the order of lists."""
    place: list[tuple[int, Any]] = []
    for text, whole, fraction in re.findall(r"([^0-9]*)(?:([0-9]+)([.,][0-9]+(?![0-9]|[.,][0-9]))?)?", folded(name)):
        for sign in text:
            last = ":;<=>?@[\\]^_`{|}~".find(sign)
            place.append(
                (0 if sign == " " else 1 + last if last >= 0 else 100 + ord(sign) if sign < "0" else 1000 + ord(sign), 0)
            )
        if whole:
            # Of equal numbers the one without a fraction comes first (2, 2.0).
            place.append((500, (Decimal(whole + fraction.replace(",", ".")), fraction != "")))
    return place


@dataclass(frozen=True)
class Part:
    """A published part and what of it is looked at; and what any says in its specifications."""

    row: Any
    known: Sequence[tuple[str, str, str]] = ()

    @cached_property
    def value(self) -> str:
        named = " ".join(filter(None, (self.row["manufacturer"], self.row["part_name"])))
        return " / ".join(filter(None, (self.row["sku"], self.row["manufacturer_number"], named)))

    def amount(self, currency: str) -> Decimal | None:
        """The price of one piece in a currency: two are never compared."""
        found = (self.row["prices"] or {}).get(currency)
        return None if found is None else Decimal(found)

    @cached_property
    def own(self) -> set[str]:
        """The forms of the name, the maker and the numbers, with marks for first letters and other signs."""
        found = forms(self.value, own=True) | set(self.bare_numbers)
        signs = {f"{ord(sign):x}\x01" for sign in folded(self.value) if not sign.isalnum() and not sign.isspace()}
        return found | {f"{form[0]}\x01" for form in found if form} | signs

    @cached_property
    def described(self) -> set[str]:
        return forms(re.sub("<[^>]*>", " ", self.row["description"] or ""), own=False)

    @property
    def bare_numbers(self) -> list[str]:
        return [bare(self.row["sku"]), bare(self.row["manufacturer_number"])]

    def holds(self, typed: Typed, *, own: bool = False) -> bool:
        """Whether all words are found in this part; `own`: not only in its description."""
        found = [form for form in typed.forms if not (own and form.is_loose)]
        return all(
            self._holds(typed.words[place], [f for f in found if f.covers(place)], own=own) for place in range(len(typed.words))
        )

    def _holds(self, word: Word, found: list[Form], *, own: bool) -> bool:
        numbers = [*self.bare_numbers, folded(self.row["sku"]), folded(self.row["manufacturer_number"] or "")]
        if not own and any(piece in number for piece in word.pieces for number in numbers):
            return True
        return any(self._has(word, form, own=own) for form in found)

    def _has(self, word: Word, form: Form, *, own: bool) -> bool:
        is_literal = form.length == 1 and not word.is_plain
        if is_literal and word.text not in joined(soft(self.value)):
            return False
        *whole, last = form.lexemes

        def has(lexeme: str, *, begins: bool) -> bool:
            there = [self.own] if own or is_literal else [self.own, self.described]
            if begins and len(lexeme) == 1:
                return lexeme + "\x01" in self.own or any(lexeme in texts for texts in there)
            return any(one.startswith(lexeme) if begins else one == lexeme for texts in there for one in texts)

        return all(has(lexeme, begins=False) for lexeme in whole) and has(last, begins=not form.is_whole)

    def relevance(self, typed: Typed) -> int:
        """Return the tier in which the part is shown."""
        number = typed.number
        if number:
            if number in self.bare_numbers:
                return 0
            if len(number) > 1 and any(one.startswith(number) for one in self.bare_numbers):
                return 1
        begun, named = order(typed.phrase), order(self.row["part_name"])
        if begun == named[: len(begun)] or (begun and begun[-1][0] == 500 and _begins(begun, named)):
            return 2
        if self.says(typed):
            return 3
        if not self.holds(typed, own=True):
            return 6
        texts = re.sub("[-./ ]", "", joined(soft(self.value)))
        is_compared = len(typed.words) > 1 or any(form.is_loose for form in typed.forms)
        is_there = any(sequence in texts for sequence in typed.sequences())
        return 4 if is_compared and is_there and self._begins_with_words(typed) else 5

    def _begins_with_words(self, typed: Typed) -> bool:
        """Whether it has all of it in one piece that begins with a word, or the words are indexed in a way that does not tell."""
        pieces = typed.pieces()
        return not pieces or any(
            self.own.issuperset(words[:-1]) and any(one.startswith(words[-1]) for one in self.own) for words in pieces
        )

    def says(self, typed: Typed) -> bool:
        """Whether the part says in its specifications all that is typed as one, if any part says so."""
        meant, _others = meant_by_value(typed, self.known)
        own = [tuple(said) for said in self.row["said"] or ()]
        return bool(meant) and all(any(said in own for said in fitting) for fitting in meant)


def meant_by_value(typed: Typed, known: Sequence[tuple[str, str, str]]) -> tuple[list[list[tuple[str, str, str]]], list[str]]:
    """Return what any part says in its specifications of all that is typed as one, any of which will do for each; and the other
    words."""
    meant, places = [], set[int]()
    for one in measures.beside(typed.typed, unit_of):
        ranks = {name: one.named(partial(_is_in_name, name)) for name, _value, _unit in known}
        equal = [said for said in known if ranks[said[0]] and any(_is_equal(value, *said[1:]) for value in one.values)]
        best = max((ranks[name] for name, _value, _unit in equal), default=0)
        if fitting := [said for said in equal if ranks[said[0]] == best]:
            meant.append(fitting)
            places.update(*(one.places(partial(_is_in_name, name)) for name, _value, _unit in fitting))
    return meant, [word for place, word in enumerate(typed.typed) if place not in places]


def looked_through(parts: Sequence[Part], words: Sequence[str], synonyms: Sequence[tuple[str, str]]) -> tuple[list[Part], Typed]:
    """Return the parts of which those are hits that hold all words, and these words: if no part holds all that were typed, the
    parts that say in their specifications what some of the words do, and the others. No parts, if there is no hit."""
    typed = read(words, synonyms)
    if any(part.holds(typed) for part in parts):
        return list(parts), typed
    others = read(meant_by_value(typed, parts[0].known)[1], synonyms)
    saying = [replace(part, known=()) for part in parts if part.says(typed)]
    return (saying, others) if any(part.holds(others) for part in saying) else ([], typed)


def _is_in_name(name: str, word: str) -> bool:
    return any(token.startswith(folded(word)) for token in split(joined(soft(name))))


def _is_equal(asked: str, value: str, unit: str) -> bool:
    """Whether a value is what was typed: in any unit, as exactly as that was typed; or in the same words."""
    wanted, there = measures.typed(asked, unit_of), measures.read(value, unit, unit_of)
    if wanted.unit is None or there.unit is None or THREAD in {wanted.unit.dimension, there.unit.dimension}:
        return folded(measures.said(asked)) == folded(measures.said(value, unit))
    rounding = 0 if wanted.unit == there.unit else float(wanted.rounding * wanted.unit.scale)
    return wanted.unit.dimension == there.unit.dimension and all(
        abs(one - other) <= max(abs(one) * 1e-9, rounding) for one, other in zip(there.ends(), wanted.ends(), strict=True)
    )


def _begins(begun: list[tuple[int, Any]], named: list[tuple[int, Any]]) -> bool:
    """Whether a name has a decimal fraction where the phrase ends in the whole number before it."""
    *before, (_digits, last) = begun
    at = named[len(before)] if len(named) > len(before) else (0, 0)
    return named[: len(before)] == before and at[0] == 500 and str(at[1]).startswith(f"{last}.")


def catalog(query: Callable[..., list[dict[str, Any]]], prefix: str) -> list[Part]:
    """Read the published parts whose SKU begins with `prefix`."""
    known = [(row["name"], row["value"], row["unit"]) for row in query(_SAID)]
    return [Part(row, known) for row in query(_PARTS, prefix=prefix + "%")]


def fits(part: Part, filters: PartFilters, typed: Typed, below: set[int]) -> bool:
    """Whether a part fits a list's filters; `below` are the ids of the wanted category and all below it."""
    row, amount = part.row, part.amount(filters.currency or "")
    return (
        (filters.category is None or row["category_id"] in below)
        and (filters.manufacturer is None or row["manufacturer"] == filters.manufacturer)
        and (filters.in_stock is None or row["in_stock"] == filters.in_stock)
        and (filters.min_price is None or (amount is not None and amount >= Decimal(filters.min_price)))
        and (filters.max_price is None or (amount is not None and amount <= Decimal(filters.max_price)))
        and part.holds(typed)
    )


def ordered(parts: list[Part], sort: str, typed: Typed, currency: str) -> list[int]:
    """Return the ids of parts in the order of a list."""
    descending = sort.startswith("-")
    if sort.endswith("price"):
        amounts = {part.row["id"]: part.amount(currency) for part in parts}
        groups = [
            sorted((amount, part) for part, amount in amounts.items() if amount is not None),
            sorted((Decimal(0), part) for part, amount in amounts.items() if amount is None),
        ]
        return [part for group in groups for _, part in (group[::-1] if descending else group)]
    if sort == "newest":
        return [p.row["id"] for p in sorted(parts, key=lambda p: (p.row["created_at"], p.row["id"]), reverse=True)]

    def place(part: Part) -> tuple[Any, ...]:
        return part.relevance(typed) if sort == "relevance" else 0, order(part.row["part_name"]), part.row["id"]

    return [part.row["id"] for part in sorted(parts, key=place, reverse=descending)]


def all_ids(container: Container, filters: PartFilters, sort: str, limit: int) -> tuple[list[int], str]:
    """Follow a list from page to page, through the cache; return its ids and how its words were taken."""
    ids: list[int] = []
    after = None
    while True:
        page = container.parts.catalog.list_parts(filters, sort, after, limit).body
        assert len(page.items) <= limit
        ids += [item["id"] for item in page.items]
        if page.next is None:
            return ids, page.match
        after = page.next


def words_like(typed: str) -> tuple[str, ...]:
    """Return the words of a search as the API reads them."""
    return words_of(unicodedata.normalize("NFC", typed).strip())
