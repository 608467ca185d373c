"""What a search has to find, said as plainly as can be: every part is looked at, nothing is indexed, cached or cut."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from app.container import Container
from app.domain.search import words_of
from app.store.listing import PartFilters

_PARTS = """
    SELECT p.id, p.sku, p.manufacturer_number, p.part_name, p.manufacturer, p.description, p.category_id, p.created_at,
           s.current_stock > s.reserved_quantity AS in_stock,
           COALESCE((SELECT l.amount FROM part_prices l WHERE l.part_id = p.id AND l.min_quantity = 1),
                    (SELECT l.amount FROM prices l WHERE l.part_id = p.id)) AS amount
    FROM parts p JOIN stock_levels s ON s.part_id = p.id
    WHERE p.status = 'published' AND p.archived_at IS NULL AND p.sku LIKE :prefix
"""


def tokens(text: str) -> list[str]:
    """Return the words of a text, folded."""
    folded = re.sub("[\u0300-\u036f]", "", unicodedata.normalize("NFKD", text)).lower()
    return re.findall(r"[^\W_]+", folded)


def bare(text: str | None) -> str:
    """Return a number without its punctuation."""
    return "".join(character for character in (text or "").lower() if character.isalnum())


@dataclass(frozen=True)
class Part:
    """A published part and what of it is looked at."""

    row: Any

    @property
    def name(self) -> str:
        return str(self.row["part_name"]).lower()

    @property
    def texts(self) -> list[str]:
        found = (self.row[name] for name in ("sku", "manufacturer_number", "part_name", "manufacturer"))
        return [text.lower() for text in found if text]

    @property
    def bare_numbers(self) -> list[str]:
        return [bare(self.row["sku"]), bare(self.row["manufacturer_number"])]

    def holds(self, word: str) -> bool:
        """Whether a word is found in this part."""
        own = [token for text in self.texts for token in tokens(text)]
        described = tokens(re.sub("<[^>]*>", " ", self.row["description"] or ""))
        everything = {*own, *described, *self.bare_numbers}
        *whole, last = tokens(word) or [""]
        begins = any(token.startswith(last) for token in (own if len(last) == 1 else everything)) or last in everything
        by_words = all(token in everything for token in whole) and begins
        if not re.fullmatch(r"[^\W_]+([-./]+[^\W_]+)*", word):
            return by_words and any(word in text for text in self.texts)
        pieces = [piece for piece in (word, bare(word)) if re.search("[a-z0-9]{3}", piece)]
        numbers = [*self.bare_numbers, self.row["sku"].lower(), (self.row["manufacturer_number"] or "").lower()]
        return by_words or any(piece in number for piece in pieces for number in numbers)

    def relevance(self, words: Sequence[str]) -> int:
        """Return the tier in which the part is shown."""
        number, phrase = bare("".join(words)), " ".join(words)
        if number:
            if number in self.bare_numbers:
                return 0
            if len(number) > 1 and any(own.startswith(number) for own in self.bare_numbers):
                return 1
        return 2 if self.name.startswith(phrase) else 3


def catalog(query: Callable[..., list[dict[str, Any]]], prefix: str) -> list[Part]:
    """Read the published parts whose SKU begins with `prefix`."""
    return [Part(row) for row in query(_PARTS, prefix=prefix + "%")]


def fits(part: Part, filters: PartFilters, below: set[int]) -> bool:
    """Whether a part fits a list's filters; `below` are the ids of the wanted category and all below it."""
    row, amount = part.row, part.row["amount"]
    return (
        (filters.category is None or row["category_id"] in below)
        and (filters.manufacturer is None or row["manufacturer"] == filters.manufacturer)
        and (filters.in_stock is None or row["in_stock"] == filters.in_stock)
        and (filters.min_price is None or (amount is not None and amount >= Decimal(filters.min_price)))
        and (filters.max_price is None or (amount is not None and amount <= Decimal(filters.max_price)))
        and all(part.holds(word) for word in filters.words)
    )


def ordered(parts: list[Part], sort: str, words: Sequence[str]) -> list[int]:
    """Return the ids of parts in the order of a list."""
    descending = sort.startswith("-")
    if sort.endswith("price"):
        priced = [part for part in parts if part.row["amount"] is not None]
        free = [part for part in parts if part.row["amount"] is None]
        groups = [sorted(priced, key=lambda p: (p.row["amount"], p.row["id"])), sorted(free, key=lambda p: p.row["id"])]
        return [part.row["id"] for group in groups for part in (group[::-1] if descending else group)]
    if sort == "newest":
        return [p.row["id"] for p in sorted(parts, key=lambda p: (p.row["created_at"], p.row["id"]), reverse=True)]
    if sort == "relevance":
        return [p.row["id"] for p in sorted(parts, key=lambda p: (p.relevance(words), p.name, p.row["id"]))]
    return [part.row["id"] for part in sorted(parts, key=lambda p: (p.name, p.row["id"]), reverse=descending)]


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
