"""How people prove who they are besides by their password."""

from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, LargeBinary, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt, Key, Name


class SecondFactor(Base):
    """An authenticator app's one-time codes (TOTP), and the recovery codes for whoever loses it.

    The app's secret is made of `nonce` and the application's own secret: the database alone gives away no code.
    """

    __tablename__ = "second_factors"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False)
    nonce: Mapped[str] = mapped_column(String(64))
    # Of the newest code that was used: each is accepted once, and none before it.
    last_step: Mapped[int] = mapped_column(BigInteger)
    # Of those that are left.
    recovery_digests: Mapped[list[str]] = mapped_column(ARRAY(String(64)))
    created_at: Mapped[CreatedAt]


class Passkey(Base):
    """A key pair that only its owner's device can use; the public half is kept here (WebAuthn)."""

    __tablename__ = "passkeys"

    id: Mapped[Key]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[Name]
    credential_id: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    public_key: Mapped[bytes] = mapped_column(LargeBinary)
    # As the device counts its uses; 0 if it does not.
    sign_count: Mapped[int] = mapped_column(BigInteger)
    # When the newest challenge that it answered was made, in microseconds: each is answered once, and none before it.
    last_challenge: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[CreatedAt]
    last_used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
