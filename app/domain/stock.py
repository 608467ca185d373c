"""The rules for stock: what is on hand, reserved, available; how quantities are set and adjusted."""

from dataclasses import dataclass, replace

from app.domain.errors import InsufficientStockError, InvalidFieldError

MAX_QUANTITY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Stock:
    """One part's stock, in pieces."""

    current_stock: int
    reserved_quantity: int = 0
    min_stock_level: int = 0
    version: int = 1

    @property
    def available_stock(self) -> int:
        """What can still be sold."""
        return max(0, self.current_stock - self.reserved_quantity)

    @property
    def is_in_stock(self) -> bool:
        """Whether at least one piece can be sold."""
        return self.available_stock > 0

    @property
    def is_low_stock(self) -> bool:
        """Whether it is time to reorder."""
        return self.available_stock <= self.min_stock_level

    def quantities(self) -> dict[str, int]:
        """Return the stored quantities by column."""
        return {
            "current_stock": self.current_stock,
            "reserved_quantity": self.reserved_quantity,
            "min_stock_level": self.min_stock_level,
        }

    def public(self) -> dict[str, int | bool]:
        """Return what customers may know: never the reservations or the threshold."""
        return {
            "current_stock": self.current_stock,
            "available_stock": self.available_stock,
            "is_in_stock": self.is_in_stock,
            "is_low_stock": self.is_low_stock,
            "version": self.version,
        }

    def full(self) -> dict[str, int | bool]:
        """Return what the panel shows."""
        return self.quantities() | self.public()


def set_quantities(stock: Stock, changes: dict[str, int]) -> Stock:
    """Return the stock with the given quantities; the version stays the same if nothing differs."""
    return _next(stock, replace(stock, **changes))


def adjust(stock: Stock, delta: int) -> Stock:
    """Return the stock with `delta` pieces more or fewer on hand. Adjustments commute.

    Raises:
        InsufficientStockError: if a removal would cut into what is reserved, or exceed what is on hand.
        InvalidFieldError: if the sum is too large to be stored.
    """
    on_hand = stock.current_stock + delta
    if delta < 0 and on_hand < stock.reserved_quantity:
        raise InsufficientStockError(
            f"{stock.current_stock} on hand, {stock.reserved_quantity} of them reserved: {-delta} cannot be taken",
            current=dict(stock.full()),
        )
    if on_hand > MAX_QUANTITY:
        raise InvalidFieldError("delta", f"the stock would exceed {MAX_QUANTITY}")
    return _next(stock, replace(stock, current_stock=on_hand))


def _next(before: Stock, after: Stock) -> Stock:
    return after if after == before else replace(after, version=before.version + 1)
