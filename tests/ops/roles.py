"""A database as docs/production.md sets it up: one role owns the tables, and the application connects as another."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from uuid import uuid4

import psycopg
from psycopg import sql

from config import REPOSITORY
from devserver import EmbeddedServers

_ROLES = REPOSITORY / "ops" / "postgresql" / "roles.sql"


@dataclass(frozen=True, slots=True)
class Database:
    """The URLs by which the owner and the application connect."""

    owner: str
    application: str


@contextmanager
def separated(servers: EmbeddedServers) -> Iterator[Database]:
    """Make an empty database for the two roles, while the block runs."""
    sockets, name = str(servers.settings.socket_directory), f"shop_{uuid4().hex[:8]}"
    superuser = {"host": sockets, "user": "postgres", "autocommit": True}
    with psycopg.connect(dbname="postgres", **superuser) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        try:
            # Twice: it may be run again.
            for _ in range(2):
                with psycopg.connect(dbname=name, **superuser) as connection:
                    connection.execute(_ROLES.read_bytes())
            yield Database(*(f"postgresql+psycopg://{role}@/{name}?host={sockets}" for role in ("lockstep_owner", "lockstep")))
        finally:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
