"""PartsEnhancedService: what both the panel's API and the customers' API call.

Thin on purpose: each use case has a module of its own. Imports, price dates and reconciliation, which no catalog API calls, use
the same store and the same units of work directly.
"""

from collections.abc import Sequence
from typing import Any

from app.domain.pictures import Picture
from app.domain.pricing import PriceLine
from app.services import bulk, categories, content, images, prices, specifications, stock, versions
from app.services.admin_reader import AdminReader
from app.services.catalog import Answer, CatalogReader
from app.services.intent import Intent
from app.services.offload import Offload, at_once
from app.services.product_page import product_page
from app.store.transaction import TransactionManager


class PartsEnhancedService:
    """Every write goes through a unit of work, whose commit starts the synchronisation; reads go through one of two readers.

    Attributes:
        catalog: what customers read, through the cache.
        admin: what staff read, from PostgreSQL.
    """

    def __init__(
        self, transactions: TransactionManager, catalog: CatalogReader, admin: AdminReader, count_pages: bulk.CountPages,
        offload: Offload = at_once,
    ) -> None:  # fmt: skip
        self._transactions = transactions
        self._count_pages = count_pages
        self._offload = offload
        self.catalog = catalog
        self.admin = admin

    def update_stock_with_sync(self, intent: Intent, part_id: int, changes: dict[str, int]) -> dict[str, Any]:
        """Set quantities of a part's stock and return the stock; see `app.services.stock.set_stock`."""
        return stock.set_stock(self._transactions, intent, part_id, changes)

    def adjust_stock_with_sync(self, intent: Intent, part_id: int, delta: int) -> dict[str, Any]:
        """Change what is on hand by `delta` and return the stock; see `app.services.stock.adjust_stock`."""
        return stock.adjust_stock(self._transactions, intent, part_id, delta)

    def change_stocks_with_sync(self, intent: Intent, changes: Sequence[dict[str, Any]], manner: bulk.Manner) -> dict[str, Any]:
        """Set or adjust the stock of many parts and return what became of each; see `app.services.bulk.change_stocks`."""
        return bulk.change_stocks(self._transactions, intent, changes, manner, self._count_pages, self._offload)

    def place_parts_with_sync(
        self, intent: Intent, changes: Sequence[dict[str, Any]], manner: bulk.Manner, field: str = "changes"
    ) -> dict[str, Any]:
        """Place, archive or restore many parts and return what became of each; see `app.services.bulk.place_parts`."""
        return bulk.place_parts(self._transactions, intent, changes, manner, self._count_pages, self._offload, field)

    def create_part_with_sync(
        self, intent: Intent, values: dict[str, Any], specifications: Sequence[dict[str, Any]], price_list: Sequence[PriceLine],
        quantities: dict[str, int],
    ) -> dict[str, Any]:  # fmt: skip
        """Create a part and return it; see `app.services.content.create_part`."""
        return content.create_part(self._transactions, intent, values, specifications, price_list, quantities, self._offload)

    def update_part_content_with_sync(self, intent: Intent, part_id: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Change content fields of a part and return its content; see `app.services.content.update_part`."""
        return content.update_part(self._transactions, intent, part_id, changes, self._offload)

    def update_prices_with_sync(self, intent: Intent, part_id: int, lines: Sequence[PriceLine]) -> dict[str, Any]:
        """Replace a part's price list and return it; see `app.services.prices.set_prices`."""
        return prices.set_prices(self._transactions, intent, part_id, lines)

    def create_category_with_sync(
        self, intent: Intent, name: str, parent_id: int | None, slug: str | None, description: str = ""
    ) -> dict[str, Any]:
        """Create a category and return it; see `app.services.categories.create_category`."""
        return categories.create_category(self._transactions, intent, name, parent_id, slug, description)

    def update_category_with_sync(self, intent: Intent, category_id: int, changes: dict[str, Any]) -> dict[str, Any]:
        """Rename, move, describe or picture a category and return it; see `app.services.categories.change_category`."""
        return categories.change_category(self._transactions, intent, category_id, changes)

    def check_room_for_category_picture(self, intent: Intent, category_id: int) -> dict[str, Any] | None:
        """Refuse a picture, or return what was answered to it before, without any work; see
        `app.services.categories.refuse_picture_early`."""
        return categories.refuse_picture_early(self._transactions, intent, category_id)

    def delete_category_with_sync(self, intent: Intent, category_id: int, target: int | None) -> dict[str, Any]:
        """Delete a category and return what it was; see `app.services.categories.delete_category`."""
        return categories.delete_category(self._transactions, intent, category_id, target)

    def update_specifications_with_sync(self, intent: Intent, part_id: int, given: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """Replace a part's specifications and return its content; see `app.services.specifications.set_specifications`."""
        return specifications.set_specifications(self._transactions, intent, part_id, given)

    def check_room_for_image(self, intent: Intent, part_id: int) -> dict[str, Any] | None:
        """Refuse a picture, or return what was answered to it before, without any work; see
        `app.services.images.refuse_image_early`."""
        return images.refuse_image_early(self._transactions, intent, part_id)

    def add_image_with_sync(self, intent: Intent, part_id: int, picture: Picture, alt: str) -> dict[str, Any]:
        """Add a stored picture to a part and return its content; see `app.services.images.add_image`."""
        return images.add_image(self._transactions, intent, part_id, picture, alt)

    def order_images_with_sync(self, intent: Intent, part_id: int, image_ids: Sequence[int]) -> dict[str, Any]:
        """Reorder a part's pictures and return its content; see `app.services.images.set_order`."""
        return images.set_order(self._transactions, intent, part_id, image_ids)

    def describe_image_with_sync(self, intent: Intent, part_id: int, image_id: int, alt: str) -> dict[str, Any]:
        """Write a picture's alternative text and return the part's content; see `app.services.images.set_alt`."""
        return images.set_alt(self._transactions, intent, part_id, image_id, alt)

    def delete_image_with_sync(self, intent: Intent, part_id: int, image_id: int) -> dict[str, Any]:
        """Delete a picture of a part and return its content; see `app.services.images.delete_image`."""
        return images.delete_image(self._transactions, intent, part_id, image_id)

    def archive_part_with_sync(self, intent: Intent, part_id: int) -> dict[str, Any]:
        """Archive a part; see `app.services.content.set_archived`."""
        return content.set_archived(self._transactions, intent, part_id, archived=True)

    def restore_part_with_sync(self, intent: Intent, part_id: int) -> dict[str, Any]:
        """Restore an archived part; see `app.services.content.set_archived`."""
        return content.set_archived(self._transactions, intent, part_id, archived=False)

    def restore_version_with_sync(self, intent: Intent, wish: versions.Wish) -> dict[str, Any]:
        """Restore the content of an earlier version and return it; see `app.services.versions.restore`."""
        return versions.restore(self._transactions, intent, wish)

    def get_part_with_real_time_data(self, part_id: int) -> Answer:
        """Return a part as customers see it, never older than the last acknowledged write."""
        return self.catalog.part(part_id)

    def get_product_page(self, reference: str) -> Answer:
        """Return everything a product page shows; see `app.services.product_page`."""
        return product_page(self.catalog, reference)
