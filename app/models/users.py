"""Who may do what: users, their sessions, and the keys of machines."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Key, Moment, Name, OptimisticLockingMixin

ROLE_CHECK = "role IN ('viewer', 'stock', 'editor', 'admin')"


class User(OptimisticLockingMixin, Base):
    """A member of staff, or `system`, to whom automatic changes are attributed (it cannot log in)."""

    __tablename__ = "users"
    __table_args__ = (
        CheckConstraint(ROLE_CHECK, name="role"),
        Index("uq_users_email", text("lower(email)"), unique=True),
    )

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(String(320))
    name: Mapped[Name]
    password_hash: Mapped[str | None] = mapped_column(String(200))
    # Of a one-time password, which an administrator has had made; None once the person has chosen their own.
    password_expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    role: Mapped[str] = mapped_column(String(20))
    is_active: Mapped[bool] = mapped_column(server_default="true")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class UserSession(Base):
    """A log-in. Only a digest of the cookie's token is stored, so that a stolen backup opens nothing."""

    __tablename__ = "user_sessions"
    __table_args__ = (Index("ix_user_sessions_expires_at", "expires_at"),)

    id: Mapped[Key]
    token_digest: Mapped[str] = mapped_column(String(64), unique=True)
    csrf_token: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Moment]
    # To the minute: when the person was last there.
    last_seen_at: Mapped[CreatedAt]
    # What opened it, if a passkey did: who takes that away ends it.
    passkey_id: Mapped[int | None] = mapped_column(ForeignKey("passkeys.id", ondelete="CASCADE"), index=True)
    # When its owner last proved who they are; None if that was the log-in.
    proven_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ip_address: Mapped[str | None] = mapped_column(String(45))
    user_agent: Mapped[str | None] = mapped_column(String(500))


class ApiKey(OptimisticLockingMixin, Base):
    """A machine's key. It acts as `user_id`, with a role and perhaps scopes of its own; shown once, stored as a digest."""

    __tablename__ = "api_keys"
    __table_args__ = (CheckConstraint(ROLE_CHECK, name="role"),)

    id: Mapped[Key]
    name: Mapped[Name]
    key_digest: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(20))
    # None: whatever the role may do.
    scopes: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"), index=True)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    # To the minute; not part of what is versioned and audited.
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
