"""Moving a shop from legacy prices, one amount per part, to price lists, without changing any price that customers see."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from sqlalchemy import Engine

from app.contract.events import Actor
from app.domain.pricing import PriceLine, without_legacy
from app.store import prices
from app.store.locks import lock_parts
from app.store.transaction import TransactionManager, UnitOfWork

CHUNK = 500


@dataclass(slots=True)
class PriceMove:
    """What became of the legacy prices. `shadowed` ones could never show again; moving `kept` (parts) would change a price."""

    moved: int = 0
    shadowed: int = 0
    kept: list[int] = field(default_factory=list)

    def add(self, other: "PriceMove") -> None:
        """Add another chunk's figures."""
        self.moved += other.moved
        self.shadowed += other.shadowed
        self.kept += other.kept


def move_prices(transactions: TransactionManager, reading: Engine, actor: Actor, *, dry_run: bool) -> PriceMove:
    """Turn every legacy price into a line of its part's price list and delete it; prices already moved are left alone.

    Each chunk is a transaction. A part that would show a different price at any moment from now on keeps its legacy price.
    """
    total, part_ids = PriceMove(), [0]
    while True:
        with reading.connect() as connection:
            part_ids = prices.legacy_parts(connection, part_ids[-1], CHUNK)
        if not part_ids:
            return total
        total.add(transactions.run(actor, partial(_move, part_ids, dry_run=dry_run)))


def _move(part_ids: Sequence[int], unit_of_work: UnitOfWork, *, dry_run: bool) -> PriceMove:
    done = PriceMove()
    parts = {part.id: part for part in lock_parts(unit_of_work, part_ids)}
    lists = prices.lines_of(unit_of_work.connection, part_ids)
    for legacy in prices.legacy_rows(unit_of_work.connection, part_ids):
        before = lists.get(legacy.part_id, [])
        after = without_legacy(before, PriceLine(legacy.currency, legacy.amount), legacy.moment)
        if after is None:
            done.kept.append(legacy.part_id)
            continue
        done.moved += len(after) > len(before)
        done.shadowed += len(after) == len(before)
        if not dry_run:
            prices.absorb(unit_of_work, parts[legacy.part_id], legacy, before, after)
    return done
