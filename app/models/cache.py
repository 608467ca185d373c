"""The cache's one row in the database."""

from datetime import datetime

from sqlalchemy import CheckConstraint, DateTime, SmallInteger, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base


class CacheEpoch(Base):
    """Which epoch of which server's life holds what was invalidated; see `app.store.cache_epoch`."""

    __tablename__ = "cache_epoch"
    __table_args__ = (CheckConstraint("id = 1", name="single"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, server_default="1")
    epoch: Mapped[str] = mapped_column(Text)
    server: Mapped[str] = mapped_column(Text)
    database: Mapped[str] = mapped_column(Text)
    # The epoch that is known to have begun; "" or another one's name until then.
    begun: Mapped[str] = mapped_column(Text, server_default="")
    # Only the release before this one goes by these two.
    begins_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
