"""The tables: columns and constraints, no behaviour beyond computed properties."""

from app.models.base import Base
from app.models.cache import CacheEpoch
from app.models.catalog import Category, FormerSlug, Part, PartImage, PartPrice, PartSpecification, Price, StockLevel
from app.models.factors import Passkey, SecondFactor
from app.models.history import AuditChain, DataChangeLog, PartContentVersion
from app.models.idempotency import IdempotencyKey
from app.models.imports import ImportJob
from app.models.outbox import ChangeByHand, OutboxDelivery, OutboxEvent, SyncDrift, SyncPosition, SyncRun
from app.models.search import (
    FeatureChange,
    FeatureCount,
    GroupChange,
    GroupCount,
    PartCurrentPrice,
    PartFeatures,
    PartSearch,
    SearchSynonym,
    SearchWord,
    SpecificationValue,
    UnreadSpecification,
)  # fmt: skip
from app.models.users import ApiKey, User, UserSession

__all__ = [
    "ApiKey",
    "AuditChain",
    "Base",
    "CacheEpoch",
    "Category",
    "ChangeByHand",
    "DataChangeLog",
    "FeatureChange",
    "FeatureCount",
    "FormerSlug",
    "GroupChange",
    "GroupCount",
    "IdempotencyKey",
    "ImportJob",
    "OutboxDelivery",
    "OutboxEvent",
    "Part",
    "PartContentVersion",
    "PartCurrentPrice",
    "PartFeatures",
    "PartImage",
    "PartPrice",
    "PartSearch",
    "PartSpecification",
    "Passkey",
    "Price",
    "SearchSynonym",
    "SearchWord",
    "SecondFactor",
    "SpecificationValue",
    "StockLevel",
    "SyncDrift",
    "SyncPosition",
    "SyncRun",
    "UnreadSpecification",
    "User",
    "UserSession",
]  # fmt: skip
