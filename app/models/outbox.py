"""The outbox: one event per committed change, one delivery per event and effect.

The event's columns map onto those of Debezium's outbox event router, so that a larger shop can stream the same table. There are
no foreign keys here: an event and its deliveries are inserted in one statement and deleted in one, users are never deleted, and
the checks took a tenth of a catalog import's time.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Key


class OutboxEvent(Base):
    """A committed change, with everything its effects need."""

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index("uq_outbox_events_version", "aggregate_type", "aggregate_id", "aspect", "version", unique=True),
        Index("ix_outbox_events_created_at", "created_at"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    event_id: Mapped[str] = mapped_column(UUID(as_uuid=False), server_default=func.uuidv7(), unique=True)
    aggregate_type: Mapped[str] = mapped_column(String(30))
    aggregate_id: Mapped[int]
    aspect: Mapped[str] = mapped_column(String(20))
    type: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB)
    actor_id: Mapped[int | None]
    request_id: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())


class OutboxDelivery(Base):
    """One effect that an event still owes (`pending`), has had (`done`), could not have (`dead`), or will never have
    (`discarded`)."""

    __tablename__ = "outbox_deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'done', 'dead', 'discarded')", name="state"),
        Index("ix_outbox_deliveries_due", "effect", "next_attempt_at", postgresql_where="state = 'pending'"),
        Index("ix_outbox_deliveries_dead_letters", "event_id", "effect", postgresql_where="state = 'dead'"),
        Index("ix_outbox_deliveries_discarded", "event_id", "effect", postgresql_where="state = 'discarded'"),
        Index("ix_outbox_deliveries_failed_at", "failed_at", "effect", postgresql_where="failed_at IS NOT NULL"),
    )

    event_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    effect: Mapped[str] = mapped_column(String(30), primary_key=True)
    state: Mapped[str] = mapped_column(String(10), server_default="pending")
    attempts: Mapped[int] = mapped_column(server_default="0")
    next_attempt_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_error: Mapped[str | None] = mapped_column(Text)
    # The latest counted attempts that failed, oldest first: `attempt`, `at`, `error`. NULL, as `failed_at`, if none has.
    failures: Mapped[list[dict[str, Any]] | None] = mapped_column(JSONB(none_as_null=True))
    failed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SyncRun(Base):
    """One run of `sync.reconcile`: when, and what it found."""

    __tablename__ = "sync_runs"
    __table_args__ = (Index("ix_sync_runs_kind", "kind", "id"), Index("ix_sync_runs_started_at", "started_at"))

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(20))
    dry_run: Mapped[bool] = mapped_column(server_default="false")
    started_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    report: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class SyncPosition(Base):
    """How far a walk through the rows of a table has come: up to which id, since when, and when it last reached the end."""

    __tablename__ = "sync_positions"

    name: Mapped[str] = mapped_column(Text, primary_key=True)
    position: Mapped[int] = mapped_column(BigInteger)
    round_began_at: Mapped[CreatedAt]
    round_ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ChangeByHand(Base):
    """What the open transaction has changed around the application so far: the state before its first change to an aspect. Kept
    by triggers (migration 0017), which empty it at the commit: nobody ever reads a row of another transaction."""

    __tablename__ = "changes_by_hand"

    aspect: Mapped[str] = mapped_column(String(20), primary_key=True)
    record_id: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    is_first: Mapped[bool] = mapped_column(server_default="false")
    table_name: Mapped[str] = mapped_column(String(100))
    row_id: Mapped[int | None] = mapped_column(BigInteger)
    operation: Mapped[str] = mapped_column(String(20))


class SyncDrift(Base):
    """A difference that was found between the truth and a copy of it, explained; kept for a week."""

    __tablename__ = "sync_drift"
    __table_args__ = (Index("ix_sync_drift_found_at", "found_at"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    found_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.clock_timestamp())
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text)
    process: Mapped[str] = mapped_column(Text)
    differences: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    since: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    is_repaired: Mapped[bool]
