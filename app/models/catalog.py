"""The shop's catalog: categories, parts, stock, prices, pictures and specifications.

A part has three aspects with a version each: content (`parts.version`), stock (`stock_levels.version`), price
(`parts.price_version`). CHECK constraints state what must never be, whoever writes.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, Integer, Numeric, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Key, LongKey, Name, OptimisticLockingMixin, Version

CURRENCY_CHECK = "currency ~ '^[A-Z]{3}$'"
# Of the type's own scale PostgreSQL would make by rounding; what is not exact is refused instead. It is neither NaN nor infinite.
EXACT_CHECK = "amount = round(amount, 6) AND amount < 10000000000"
OptionalMoment = DateTime(timezone=True)


class Category(OptimisticLockingMixin, Base):
    """A node of the category tree. `picture` is what `app.domain.pictures.addressed` makes addresses of, and its `alt`."""

    __tablename__ = "categories"
    __table_args__ = (
        Index("uq_categories_parent_id_name", "parent_id", "name", unique=True, postgresql_nulls_not_distinct=True),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("parent_id <> id", name="own_parent"),
    )

    id: Mapped[Key]
    name: Mapped[Name]
    slug: Mapped[str] = mapped_column(String(240), unique=True)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)
    description: Mapped[str] = mapped_column(Text, server_default="")
    picture: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class Part(OptimisticLockingMixin, Base):
    """A part that the shop sells. Archived (`archived_at`) is gone for customers; its history stays."""

    __tablename__ = "parts"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'published')", name="status"),
        CheckConstraint("version >= 1 AND price_version >= 1", name="versions"),
        Index("ix_parts_price_boundary", "price_boundary", postgresql_where="price_boundary IS NOT NULL"),
        # The overview counts in these.
        Index("ix_parts_drafts", "id", postgresql_where="status = 'draft' AND archived_at IS NULL"),
        Index("ix_parts_archived", "id", postgresql_where="archived_at IS NOT NULL"),
    )

    id: Mapped[Key]
    sku: Mapped[str] = mapped_column(String(100), unique=True)
    slug: Mapped[str] = mapped_column(String(300), unique=True)
    part_name: Mapped[str] = mapped_column(String(300))
    description: Mapped[str] = mapped_column(Text, server_default="")
    category_id: Mapped[int | None] = mapped_column(ForeignKey("categories.id"), index=True)
    manufacturer: Mapped[str | None] = mapped_column(String(200))
    manufacturer_number: Mapped[str | None] = mapped_column(String(100))
    status: Mapped[str] = mapped_column(String(20), server_default="draft")
    archived_at: Mapped[datetime | None] = mapped_column(OptionalMoment)
    price_version: Mapped[Version]
    # When the price next changes by its dates alone; `sync.apply_price_dates` looks for those that have passed.
    price_boundary: Mapped[datetime | None] = mapped_column(OptionalMoment)
    last_updated_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    price_updated_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    price_updated_at: Mapped[CreatedAt]


class FormerSlug(Base):
    """An address that a part or a category had before, which goes on leading there. Kept by triggers (migration 0006): nothing
    here writes it."""

    __tablename__ = "former_slugs"

    kind: Mapped[str] = mapped_column(String(10), primary_key=True)
    slug: Mapped[str] = mapped_column(String(300), primary_key=True)
    record_id: Mapped[int]
    replaced_at: Mapped[CreatedAt]


class StockLevel(OptimisticLockingMixin, Base):
    """A part's stock, in pieces."""

    __tablename__ = "stock_levels"
    __table_args__ = (
        CheckConstraint("current_stock >= 0", name="current_stock"),
        CheckConstraint("reserved_quantity >= 0", name="reserved_quantity"),
        CheckConstraint("min_stock_level >= 0", name="min_stock_level"),
        CheckConstraint("version >= 1", name="version"),
        Index(
            "ix_stock_levels_low", "part_id",
            postgresql_where="GREATEST(0, current_stock - reserved_quantity) <= min_stock_level",
        ),
    )  # fmt: skip

    id: Mapped[Key]
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id"), unique=True)
    current_stock: Mapped[int] = mapped_column(server_default="0")
    reserved_quantity: Mapped[int] = mapped_column(server_default="0")
    min_stock_level: Mapped[int] = mapped_column(server_default="0")
    last_updated_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]

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
        """Whether it is time to order."""
        return self.available_stock <= self.min_stock_level


class Price(Base):
    """The legacy price of a part: one amount. Used only where the part has no `PartPrice`."""

    __tablename__ = "prices"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint(EXACT_CHECK, name="amount_exact"),
        CheckConstraint(CURRENCY_CHECK, name="currency"),
    )

    id: Mapped[Key]
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id"), unique=True)
    amount: Mapped[Decimal] = mapped_column(Numeric)
    currency: Mapped[str] = mapped_column(String(3))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class PartPrice(Base):
    """A price of a part from a minimum quantity on, for a period."""

    __tablename__ = "part_prices"
    __table_args__ = (
        CheckConstraint("amount >= 0", name="amount"),
        CheckConstraint(EXACT_CHECK, name="amount_exact"),
        CheckConstraint("min_quantity >= 1", name="min_quantity"),
        CheckConstraint("valid_to IS NULL OR valid_from IS NULL OR valid_to > valid_from", name="period"),
        CheckConstraint(CURRENCY_CHECK, name="currency"),
        Index(
            "uq_part_prices_tier", "part_id", "currency", "min_quantity", "valid_from",
            unique=True, postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip

    id: Mapped[LongKey]
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id"))
    currency: Mapped[str] = mapped_column(String(3))
    amount: Mapped[Decimal] = mapped_column(Numeric)
    min_quantity: Mapped[int] = mapped_column(server_default="1")
    valid_from: Mapped[datetime | None] = mapped_column(OptionalMoment)
    valid_to: Mapped[datetime | None] = mapped_column(OptionalMoment)
    created_at: Mapped[CreatedAt]


class PartImage(Base):
    """A picture of a part; its file is named after its content (`digest`, SHA-256), and stays when the row goes: content versions
    refer to it. Without `variants_at` its smaller sizes are still to be made."""

    __tablename__ = "part_images"
    __table_args__ = (
        CheckConstraint("width > 0 AND height > 0", name="size"),
        Index("ix_part_images_without_variants", "digest", postgresql_where="variants_at IS NULL"),
        Index("ix_part_images_to_do", "id", postgresql_where="variants_at IS NULL"),
    )

    id: Mapped[Key]
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
    extension: Mapped[str] = mapped_column(String(4))
    byte_size: Mapped[int]
    alt: Mapped[str] = mapped_column(String(300), server_default="")
    width: Mapped[int]
    height: Mapped[int]
    position: Mapped[int] = mapped_column(server_default="0")
    variants_at: Mapped[datetime | None] = mapped_column(OptionalMoment)
    created_at: Mapped[CreatedAt]


class PartSpecification(Base):
    """A named property of a part, such as its bore diameter."""

    __tablename__ = "part_specifications"
    __table_args__ = (Index("uq_part_specifications_name", "part_id", "group", "name", unique=True),)

    id: Mapped[LongKey]
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id"))
    name: Mapped[Name]
    value: Mapped[str] = mapped_column(String(1000))
    unit: Mapped[str] = mapped_column(String(40), server_default="")
    group: Mapped[str] = mapped_column(String(100), server_default="")
    position: Mapped[int] = mapped_column(Integer, server_default="0")
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
