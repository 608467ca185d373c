"""PartsEnhancedService: the one door to the catalogue, for the panel's interface and the customers' alike.

Thin on purpose: each use case stands in a module of its own.
"""

from collections.abc import Sequence
from typing import Any

from app.contract.events import Actor
from app.domain.pricing import PriceLine
from app.services import content, prices, stock
from app.services.catalog import Answer, CatalogReader
from app.services.panel import PanelReader
from app.services.preconditions import ANY, Expected
from app.store.content import Content
from app.store.transaction import TransactionManager


class PartsEnhancedService:
    """Every write goes through a unit of work, whose commit starts the synchronisation; reads say where they come from.

    Attributes:
        catalog: what customers read, through the cache.
        panel: what staff read, from PostgreSQL.
    """

    def __init__(self, transactions: TransactionManager, catalog: CatalogReader, panel: PanelReader) -> None:
        self._transactions = transactions
        self.catalog = catalog
        self.panel = panel

    def update_stock_with_sync(
        self, actor: Actor, part_id: int, changes: dict[str, int], expected: Expected, reason: str | None = None
    ) -> dict[str, Any]:
        """Set quantities of a part's stock and return the stock; see `app.services.stock.set_stock`."""
        return stock.set_stock(self._transactions, actor, part_id, changes, expected, reason)

    def adjust_stock_with_sync(
        self, actor: Actor, part_id: int, delta: int, reason: str | None = None, expected: Expected = ANY
    ) -> dict[str, Any]:
        """Change what is on hand by `delta` and return the stock; see `app.services.stock.adjust_stock`."""
        return stock.adjust_stock(self._transactions, actor, part_id, delta, expected, reason)

    def create_part_with_sync(
        self, actor: Actor, values: dict[str, Any], specifications: Sequence[dict[str, Any]], price_list: Sequence[PriceLine],
        quantities: dict[str, int],
    ) -> int:  # fmt: skip
        """Create a part and return its id; see `app.services.content.create_part`."""
        return content.create_part(self._transactions, actor, values, specifications, price_list, quantities)

    def update_part_content_with_sync(
        self, actor: Actor, part_id: int, changes: dict[str, Any], expected: Expected, reason: str | None = None
    ) -> Content:
        """Change content fields of a part and return its content; see `app.services.content.update_part`."""
        return content.update_part(self._transactions, actor, part_id, changes, expected, reason)

    def update_prices_with_sync(
        self, actor: Actor, part_id: int, lines: Sequence[PriceLine], expected: Expected, reason: str | None = None
    ) -> dict[str, Any]:
        """Replace a part's price list and return it; see `app.services.prices.set_prices`."""
        return prices.set_prices(self._transactions, actor, part_id, lines, expected, reason)

    def archive_part_with_sync(self, actor: Actor, part_id: int, expected: Expected) -> Content:
        """Archive a part; see `app.services.content.set_archived`."""
        return content.set_archived(self._transactions, actor, part_id, expected, archived=True)

    def restore_part_with_sync(self, actor: Actor, part_id: int, expected: Expected) -> Content:
        """Bring an archived part back; see `app.services.content.set_archived`."""
        return content.set_archived(self._transactions, actor, part_id, expected, archived=False)

    def get_part_with_real_time_data(self, part_id: int) -> Answer:
        """Return a part as customers see it, never older than the last acknowledged write."""
        return self.catalog.part(part_id)
