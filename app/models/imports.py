"""Imports that run beside: what file, how far, and what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Key


class ImportJob(Base):
    """One uploaded catalog file. The row is the truth: a worker that finds it unfinished and unleased goes on with it.

    `rows_done` is written with the rows themselves, so that a killed worker's successor goes on exactly there. `options` is what
    somebody has said of the file, `layout` what the file has shown when it was checked, `columns` what becomes of each column.
    A job that undoes another one (`undoes`) reads no file: its `layout` is the last event that it has looked at.
    """

    __tablename__ = "import_jobs"
    __table_args__ = (
        CheckConstraint(
            "state IN ('queued', 'checking', 'importing', 'done', 'refused', 'failed', 'cancelled', 'undoing')", name="state"
        ),
        Index("ix_import_jobs_to_do", "id", postgresql_where="state IN ('queued', 'checking', 'importing', 'undoing')"),
        Index("ix_import_jobs_undoes", "undoes", "id", postgresql_where="undoes IS NOT NULL"),
    )

    id: Mapped[Key]
    file_name: Mapped[str] = mapped_column(String(200))
    digest: Mapped[str] = mapped_column(String(64))
    encoding: Mapped[str | None] = mapped_column(String(20))
    currency: Mapped[str | None] = mapped_column(String(3))
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    layout: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    columns: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    byte_size: Mapped[int]
    dry_run: Mapped[bool] = mapped_column(server_default="false")
    state: Mapped[str] = mapped_column(String(10), server_default="queued")
    rows_total: Mapped[int | None]
    rows_done: Mapped[int] = mapped_column(server_default="0")
    created_count: Mapped[int] = mapped_column(server_default="0")
    changed_count: Mapped[int] = mapped_column(server_default="0")
    unchanged_count: Mapped[int] = mapped_column(server_default="0")
    errors: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    error_count: Mapped[int] = mapped_column(server_default="0")
    notices: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    notice_count: Mapped[int] = mapped_column(server_default="0")
    failure: Mapped[str | None] = mapped_column(Text)
    undoes: Mapped[int | None] = mapped_column(ForeignKey("import_jobs.id"))
    conflicts: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    conflict_count: Mapped[int] = mapped_column(server_default="0")
    attempts: Mapped[int] = mapped_column(server_default="0")
    leased_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(64))
    api_key_id: Mapped[int | None] = mapped_column(ForeignKey("api_keys.id"))
    created_at: Mapped[CreatedAt]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
