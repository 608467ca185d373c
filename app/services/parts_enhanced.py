"""PartsEnhancedService: the one door to the catalogue, for the panel's interface and the customers' alike.

Thin on purpose: each use case stands in a module of its own.
"""

from collections.abc import Sequence
from typing import Any

from app.contract.events import Actor
from app.domain.pricing import PriceLine
from app.services import categories, content, images, prices, specifications, stock, versions
from app.services.catalog import Answer, CatalogReader
from app.services.panel import PanelReader
from app.services.pictures import Picture
from app.services.preconditions import ANY, Expected
from app.services.product_page import Standing, product_page, standing
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

    def create_category_with_sync(
        self, actor: Actor, name: str, parent_id: int | None, slug: str | None, reason: str | None = None
    ) -> dict[str, Any]:
        """Create a category and return it; see `app.services.categories.create_category`."""
        return categories.create_category(self._transactions, actor, name, parent_id, slug, reason)

    def update_category_with_sync(
        self, actor: Actor, category_id: int, changes: dict[str, Any], expected: Expected, reason: str | None = None
    ) -> dict[str, Any]:
        """Rename or move a category and return it; see `app.services.categories.change_category`."""
        return categories.change_category(self._transactions, actor, category_id, changes, expected, reason)

    def delete_category_with_sync(
        self, actor: Actor, category_id: int, target: int | None, expected: Expected, reason: str | None = None
    ) -> dict[str, Any]:
        """Delete a category and return what it was; see `app.services.categories.delete_category`."""
        return categories.delete_category(self._transactions, actor, category_id, target, expected, reason)

    def update_specifications_with_sync(
        self, actor: Actor, part_id: int, given: Sequence[dict[str, Any]], expected: Expected, reason: str | None = None
    ) -> Content:
        """Replace a part's specifications and return its content; see `app.services.specifications.set_specifications`."""
        return specifications.set_specifications(self._transactions, actor, part_id, given, expected, reason)

    def check_room_for_image(self, actor: Actor, part_id: int, expected: Expected) -> None:
        """Refuse a picture before any work is done for it; see `app.services.images.refuse_early`."""
        images.refuse_early(self._transactions, actor, part_id, expected)

    def add_image_with_sync(
        self, actor: Actor, part_id: int, picture: Picture, alt: str, expected: Expected, reason: str | None = None
    ) -> Content:
        """Add a kept picture to a part and return its content; see `app.services.images.add_image`."""
        return images.add_image(self._transactions, actor, part_id, picture, alt, expected, reason)

    def order_images_with_sync(
        self, actor: Actor, part_id: int, image_ids: Sequence[int], expected: Expected, reason: str | None = None
    ) -> Content:
        """Put a part's pictures into an order and return its content; see `app.services.images.set_order`."""
        return images.set_order(self._transactions, actor, part_id, image_ids, expected, reason)

    def describe_image_with_sync(
        self, actor: Actor, part_id: int, image_id: int, alt: str, expected: Expected, reason: str | None = None
    ) -> Content:
        """Write a picture's alternative text and return the part's content; see `app.services.images.set_alt`."""
        return images.set_alt(self._transactions, actor, part_id, image_id, alt, expected, reason)

    def delete_image_with_sync(
        self, actor: Actor, part_id: int, image_id: int, expected: Expected, reason: str | None = None
    ) -> Content:
        """Delete a picture of a part and return its content; see `app.services.images.delete_image`."""
        return images.delete_image(self._transactions, actor, part_id, image_id, expected, reason)

    def archive_part_with_sync(self, actor: Actor, part_id: int, expected: Expected, reason: str | None = None) -> Content:
        """Archive a part; see `app.services.content.set_archived`."""
        return content.set_archived(self._transactions, actor, part_id, expected, reason, archived=True)

    def restore_part_with_sync(self, actor: Actor, part_id: int, expected: Expected, reason: str | None = None) -> Content:
        """Bring an archived part back; see `app.services.content.set_archived`."""
        return content.set_archived(self._transactions, actor, part_id, expected, reason, archived=False)

    def restore_version_with_sync(self, actor: Actor, wish: versions.Wish, expected: Expected) -> Content:
        """Bring back what a content version said and return the content; see `app.services.versions.restore`."""
        return versions.restore(self._transactions, actor, wish, expected)

    def get_part_with_real_time_data(self, part_id: int) -> Answer:
        """Return a part as customers see it, never older than the last acknowledged write."""
        return self.catalog.part(part_id)

    def get_product_page(self, reference: str) -> Answer:
        """Return all that a product page shows; see `app.services.product_page`."""
        return product_page(self.catalog, reference)

    def get_standing(self, part_id: int) -> tuple[Standing, str]:
        """Return whether a part has a page, and its slug; see `app.services.product_page.standing`."""
        return standing(self.catalog, part_id)
