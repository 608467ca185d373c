"""How far the walks through the rows of a table have come, so that a run goes on where the one before has ended.

A walk that has reached the end begins another round. To forget a position costs a round, and never misses a row.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, text

_FIND = text("""
    SELECT position, round_began_at, round_ended_at,
           round_began_at < statement_timestamp() - make_interval(secs => :seconds) AS is_old
    FROM sync_positions WHERE name = :name
""")
_MOVE = text("""
    INSERT INTO sync_positions AS p (name, position) VALUES (:name, :position)
    ON CONFLICT (name) DO UPDATE SET position = excluded.position
""")
_BEGIN_ROUND = text("""
    UPDATE sync_positions SET position = 0, round_began_at = statement_timestamp(), round_ended_at = statement_timestamp()
    WHERE name = :name
""")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a walk is: up to which id it has come, and when its round began; `is_old` if that is as long ago as was asked for."""

    position: int
    round_began_at: datetime
    round_ended_at: datetime | None
    is_old: bool


def find(connection: Connection, name: str, seconds: float = 0.0) -> Place | None:
    """Return where the walk of that name is; None if it has never begun.

    Args:
        seconds: how old a round is that `Place.is_old` says so of.
    """
    row = connection.execute(_FIND, {"name": name, "seconds": seconds}).one_or_none()
    return None if row is None else Place(**row._mapping)


def move(connection: Connection, name: str, position: int) -> None:
    """Say that the walk has come up to `position`."""
    connection.execute(_MOVE, {"name": name, "position": position})


def begin_round(connection: Connection, name: str) -> None:
    """Begin another round, the last one having ended."""
    connection.execute(_BEGIN_ROUND, {"name": name})
