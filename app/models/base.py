"""The declarative base of every table, and the column kinds they share."""

from datetime import datetime
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, String, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All tables share this metadata; constraints have predictable names."""

    metadata = MetaData(naming_convention=NAMES)


Key = Annotated[int, mapped_column(Identity(), primary_key=True)]
# For rows that come with every change: more of them than four bytes can number. No foreign key refers to them.
LongKey = Annotated[int, mapped_column(BigInteger, Identity(), primary_key=True)]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
Name = Annotated[str, mapped_column(String(200))]
Version = Annotated[int, mapped_column(server_default="1")]


class OptimisticLockingMixin:
    """A row whose changes are numbered.

    Writers state the version they saw (`app.services.intent`), which is checked under the row's lock (`app.store.locks`): of
    several writers on one version, one wins. Nothing here commits.
    """

    version: Mapped[Version]
