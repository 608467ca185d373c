"""History: the versions of content, and who changed what."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, DateTime, ForeignKey, Index, String, Text, func
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.models.base import Base, CreatedAt, LongKey
from app.models.catalog import Part
from app.models.users import User


class PartContentVersion(Base):
    """A part's full content as of one version, written by `sync.snapshot_content`."""

    __tablename__ = "part_content_versions"
    __table_args__ = (
        Index("uq_part_content_versions_number", "part_id", "version_number", unique=True),
        Index("uq_part_content_versions_active", "part_id", unique=True, postgresql_where="is_active"),
        CheckConstraint("version_number >= 1", name="version_number"),
    )

    id: Mapped[LongKey]
    part_id: Mapped[int] = mapped_column(ForeignKey("parts.id"))
    version_number: Mapped[int]
    content_snapshot: Mapped[dict[str, Any]] = mapped_column(JSONB)
    change_summary: Mapped[str | None] = mapped_column(Text)
    # A `Source`, and what changed (`kind`, `fields`, `number`, `message`); NULL where an older release has written the version.
    source: Mapped[str | None] = mapped_column(String(20))
    change: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[CreatedAt]
    is_active: Mapped[bool] = mapped_column(server_default="true")

    part: Mapped[Part] = relationship(backref="content_versions")
    created_by_user: Mapped[User] = relationship()


class DataChangeLog(Base):
    """One change of one record: who, when, from where, old and new. Written by `sync.persist_audit`."""

    __tablename__ = "data_change_logs"
    __table_args__ = (
        Index("idx_data_change_logs_table_record", "table_name", "record_id"),
        Index("idx_data_change_logs_changed_at", "changed_at", "id"),
        # Each of the panel's filters has an index in page order, newest first.
        Index("idx_data_change_logs_part", "part_id", "changed_at", "id", postgresql_where="part_id IS NOT NULL"),
        Index("idx_data_change_logs_table", "table_name", "changed_at", "id"),
        Index("idx_data_change_logs_operation", "operation", "changed_at", "id"),
        Index("idx_data_change_logs_changed_by", "changed_by", "changed_at", "id"),
        Index("idx_data_change_logs_request", "request_id", "changed_at", "id", postgresql_where="request_id IS NOT NULL"),
        CheckConstraint("operation IN ('INSERT', 'UPDATE', 'DELETE')", name="operation"),
    )

    id: Mapped[LongKey]
    event_id: Mapped[str] = mapped_column(UUID(as_uuid=False), unique=True)
    table_name: Mapped[str] = mapped_column(String(100))
    record_id: Mapped[int]
    part_id: Mapped[int | None]
    operation: Mapped[str] = mapped_column(String(20))
    version: Mapped[int]
    old_values: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    new_values: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    changed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    changed_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
    # Covers this row and the previous row's hash (`app.domain.audit_chain`).
    hash: Mapped[str] = mapped_column(String(64))


class AuditChain(Base):
    """The end of the audit trail's hash chain, one row; appending locks it, so that id order is chain order."""

    __tablename__ = "audit_chain"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last_id: Mapped[int | None] = mapped_column(BigInteger)
    last_hash: Mapped[str] = mapped_column(String(64))
    length: Mapped[int] = mapped_column(BigInteger, server_default="0")
