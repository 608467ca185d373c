"""How people prove who they are besides by their password."""

from sqlalchemy import BigInteger, ForeignKey, String
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, CreatedAt


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
