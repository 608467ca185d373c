"""What lists and searches look in: one narrow row a part, its prices now, what it specifies, and the words that any part holds.

PostgreSQL keeps them by triggers (migrations 0003 to 0047), as it keeps an index: nothing here writes them, and
a part that is changed by hand is found under its new name at once. They are no business tables, hence without version, event or
audit.
`search_synonyms` is one: the shop says what buyers mean.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Double, ForeignKey, Index, Numeric, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import ARRAY, TSVECTOR
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, Key, LongKey

_PUBLIC = "is_public"
_RESTOCKED = "in_stock AND restocked_at IS NOT NULL"


class PartSearch(Base):
    """A part as a list is filtered and ordered by. `amount` is the price of one piece now, None without a price."""

    __tablename__ = "part_search"
    __table_args__ = (
        Index("ix_part_search_words", "words", postgresql_using="gin"),
        Index("ix_part_search_numbers", "numbers", postgresql_using="gin", postgresql_ops={"numbers": "gin_trgm_ops"}),
        Index("ix_part_search_sort_key", "sort_key", "part_id", postgresql_where=_PUBLIC),
        Index("ix_part_search_all_sort_key", "sort_key", "part_id"),
        Index("ix_part_search_amount", "amount", "part_id", postgresql_where=_PUBLIC),
        Index("ix_part_search_created_at", "created_at", "part_id", postgresql_where=_PUBLIC),
        Index("ix_part_search_manufacturer", "manufacturer", postgresql_where=_PUBLIC),
        Index("ix_part_search_out_of_stock", "part_id", postgresql_where="NOT in_stock"),
        Index("ix_part_search_restocked_at", "restocked_at", "part_id", postgresql_where=f"{_PUBLIC} AND {_RESTOCKED}"),
        # Facets of the whole catalog are counted in this index alone.
        Index("ix_part_search_facets", "category_id", "manufacturer", "in_stock", "amount", postgresql_where=_PUBLIC),
    )

    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    category_id: Mapped[int | None]
    is_public: Mapped[bool]
    in_stock: Mapped[bool]
    amount: Mapped[Decimal | None] = mapped_column(Numeric)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    # When customers last saw it come back from nothing in stock; None if they never did.
    restocked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    manufacturer: Mapped[str | None] = mapped_column(String(200))
    # The name's place in the order of lists (`search_order`), by code points, so that a prefix is a range of the index.
    sort_key: Mapped[str] = mapped_column(Text(collation="C"))
    # Numbers, maker and name in the normal form, with their signs: what stands in them side by side.
    texts: Mapped[str] = mapped_column(Text)
    # SKU and manufacturer's number folded, and again without punctuation, each after and before U+0001: people type 62052RS
    # for 6205-2RS. No text and no search may hold U+0001, so it marks where a number begins and ends.
    numbers: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(TSVECTOR)
    # A hash of what the texts were made of, so that they are not made again if only the price or the stock has changed.
    read_from: Mapped[int | None] = mapped_column(BigInteger)


class PartCurrentPrice(Base):
    """The price of one piece of a part now, in one currency: what a list in several currencies is filtered and ordered by."""

    __tablename__ = "part_current_prices"
    __table_args__ = (Index("ix_part_current_prices_amount", "currency", "amount", "part_id"),)

    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    currency: Mapped[str] = mapped_column(String(3), primary_key=True)
    amount: Mapped[Decimal] = mapped_column(Numeric)


class PartFeatures(Base):
    """What a part says in its specifications, in its order: a key for each name, value and unit (`specification_key`).

    It is counted in `category_id`: nowhere if customers do not see the part.
    """

    __tablename__ = "part_features"
    __table_args__ = (
        Index("ix_part_features_keys", "keys", postgresql_using="gin", postgresql_with={"fastupdate": "off"}),
        Index("ix_part_features_category", "category_id", "part_id", postgresql_where="category_id IS NOT NULL"),
    )

    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    keys: Mapped[list[int]] = mapped_column(ARRAY(BigInteger))
    category_id: Mapped[int | None]


class FeatureCount(Base):
    """How many public parts that are directly in a category say something, but for what is in `feature_changes`."""

    __tablename__ = "feature_counts"
    __table_args__ = (UniqueConstraint("category_id", "key", name="uq_feature_counts", postgresql_nulls_not_distinct=True),)

    id: Mapped[LongKey]
    category_id: Mapped[int]
    key: Mapped[int] = mapped_column(BigInteger)
    count: Mapped[int]


class FeatureChange(Base):
    """By how much a statement has changed such a count: rows are only added, and added up now and then."""

    __tablename__ = "feature_changes"
    __table_args__ = (Index("ix_feature_changes_category", "category_id"),)

    id: Mapped[LongKey]
    category_id: Mapped[int]
    key: Mapped[int] = mapped_column(BigInteger)
    change: Mapped[int]


class GroupCount(Base):
    """How many public parts of a manufacturer are directly in a category, in stock or not, but for what is in `group_changes`."""

    __tablename__ = "group_counts"
    __table_args__ = (
        UniqueConstraint("category_id", "manufacturer", "in_stock", name="uq_group_counts", postgresql_nulls_not_distinct=True),
    )

    id: Mapped[LongKey]
    category_id: Mapped[int | None]
    manufacturer: Mapped[str | None] = mapped_column(String(200))
    in_stock: Mapped[bool]
    count: Mapped[int]


class GroupChange(Base):
    """By how much a statement has changed such a count."""

    __tablename__ = "group_changes"

    id: Mapped[LongKey]
    category_id: Mapped[int | None]
    manufacturer: Mapped[str | None] = mapped_column(String(200))
    in_stock: Mapped[bool]
    change: Mapped[int]


class SpecificationValue(Base):
    """What a key means, as `app.domain.measures` reads it. It follows from the key alone, so it may be written by anybody at any
    time, and stays when no part says so any more.

    `named` is a hash of the name, and `meaning` of the value: equal for whatever is equal to a buyer. `low` and `high` are in the
    base unit of the dimension, `own_low` and `own_high` in `measured_in`, which `symbol` is a spelling of; all of these are None
    for words. `place` sorts.
    """

    __tablename__ = "specification_values"
    __table_args__ = (
        Index("ix_specification_values_named", "named", "dimension", "low"),
        Index("ix_specification_values_reader", "reader"),
    )

    key: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    named: Mapped[int] = mapped_column(BigInteger)
    meaning: Mapped[int] = mapped_column(BigInteger)
    name: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)
    # By which way of reading (`app.store.specifications.reading`).
    reader: Mapped[int] = mapped_column(BigInteger)
    dimension: Mapped[str | None] = mapped_column(Text)
    measured_in: Mapped[str | None] = mapped_column(Text)
    symbol: Mapped[str] = mapped_column(Text)
    low: Mapped[float | None] = mapped_column(Double)
    high: Mapped[float | None] = mapped_column(Double)
    own_low: Mapped[float | None] = mapped_column(Double)
    own_high: Mapped[float | None] = mapped_column(Double)
    place: Mapped[str] = mapped_column(Text(collation="C"))


class UnreadSpecification(Base):
    """What some part says, and nobody has read yet. There may be several rows of the same: a unique index would make writers wait
    for each other."""

    __tablename__ = "unread_specifications"

    id: Mapped[LongKey]
    name: Mapped[str] = mapped_column(Text)
    value: Mapped[str] = mapped_column(Text)
    unit: Mapped[str] = mapped_column(Text)


class SearchWord(Base):
    """A word of a name, a maker or a number that some part has had; what a search with typing errors is compared with. One that
    two writers bring at the same time is there twice: a unique index would make them wait for each other."""

    __tablename__ = "search_words"
    __table_args__ = (
        Index("ix_search_words_word", "word"),
        Index("ix_search_words_similar", "word", postgresql_using="gin", postgresql_ops={"word": "gin_trgm_ops"}),
    )

    id: Mapped[Key]
    word: Mapped[str] = mapped_column(Text(collation="C"))


class SearchSynonym(Base):
    """Who searches for `term` means `means` as well; not the other way round, unless another row says so. The keys are both
    without case, accents, spaces and punctuation; PostgreSQL keeps them by a trigger."""

    __tablename__ = "search_synonyms"
    __table_args__ = (
        Index("uq_search_synonyms_term_key", "term_key", "means_key", unique=True),
        CheckConstraint("term_key <> '' AND means_key <> '' AND term_key <> means_key", name="keys"),
    )

    id: Mapped[Key]
    term: Mapped[str] = mapped_column(Text)
    means: Mapped[str] = mapped_column(Text)
    term_key: Mapped[str] = mapped_column(Text)
    means_key: Mapped[str] = mapped_column(Text)
