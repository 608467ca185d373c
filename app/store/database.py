"""How every process connects to PostgreSQL."""

from collections import namedtuple
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import orjson
from psycopg import Cursor
from psycopg.rows import RowFactory, RowMaker, namedtuple_row
from psycopg.types.json import set_json_loads
from sqlalchemy import Connection, CursorResult, Engine, ExceptionContext, TextClause, create_engine, event, text
from sqlalchemy.dialects.postgresql.psycopg import dialect

# Whole contents arrive as jsonb, which the standard library takes several times as long to parse.
set_json_loads(orjson.loads)

_DIALECT = dialect()  # type: ignore[no-untyped-call] # untyped there
# Where a connection keeps cursors for `run_directly`, and how many rows each may hold meanwhile.
_CURSORS = "cursors of run_directly"
MAX_HELD = 1

# No statement of ours may hold up a request, or a lock that others wait for, longer than this.
_SESSION = (
    "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=15000"
    " -c timezone=UTC -c application_name=lockstep"
    # Whoever does not say so writes by hand, and triggers record it (migration 0017).
    " -c lockstep.writer=application"
)
# When the kernel gives up a TCP connection that leads nowhere, in seconds and milliseconds: after about twice as long as a
# statement may take, instead of a quarter of an hour.
_GIVEN_UP = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 3, "tcp_user_timeout": 10_000}


@event.listens_for(Engine, "handle_error")
def _replace_outdated_connections(context: ExceptionContext) -> None:
    """Treat connections whose prepared statements a migration has outdated as lost: on them, each would fail for ever."""
    if "cached plan must not change result type" in str(context.original_exception):
        context.is_disconnect = True


def engine_options(*, pool_size: int = 10, session: str = _SESSION) -> dict[str, Any]:
    """Return the options of `create_engine`: a bounded pool that waits at most two seconds for a connection.

    Unless somebody asks for transactions (`in_transactions`), every statement is one: nearly all that a web process does are
    single statements, and to switch a connection over and back takes nearly as long as one of them.
    """
    return {
        "pool_size": pool_size,
        "max_overflow": 0,
        "pool_timeout": 2,
        "pool_pre_ping": False,
        "pool_use_lifo": True,
        "connect_args": {"options": session, "connect_timeout": 2, **_GIVEN_UP},
        "isolation_level": "AUTOCOMMIT",
        "skip_autocommit_rollback": True,
    }


def connect(url: str, *, pool_size: int = 4, waits_for_disk: bool = True) -> Engine:
    """Return a new engine; a forked child must create its own.

    With `waits_for_disk` False, a commit does not wait until it would survive a PostgreSQL crash. That is for deliveries: such a
    crash loses only the fact that they were made, and repeating them is harmless.
    """
    session = _SESSION if waits_for_disk else _SESSION + " -c synchronous_commit=off"
    return in_transactions(create_engine(url, **engine_options(pool_size=pool_size, session=session)))


def in_transactions(engine: Engine) -> Engine:
    """Return a view of an engine, made with `engine_options`, that begins transactions.

    Another isolation level on top of it has no effect; for single statements there is `single_statements`.
    """
    engine.update_execution_options(single_statements=engine)
    return engine.execution_options(isolation_level="READ COMMITTED")


def single_statements(engine: Engine) -> Engine:
    """Return a view of `engine` whose every statement is its own transaction: one round trip, one fresh snapshot.

    Of an engine of `in_transactions` that is the one below it, on whose connections nothing has to be switched back and forth.
    """
    own: Engine | None = engine.get_execution_options().get("single_statements")
    return own or engine.execution_options(isolation_level="AUTOCOMMIT")


@lru_cache(maxsize=500)
def parsed(statement: str) -> TextClause:
    """Return `text` of a statement that is put together anew each time, but in few ways: its parameters are looked for once."""
    return text(statement)


def as_tuples(result: CursorResult[Any]) -> list[Any]:
    """Return all rows as named tuples, for results of many rows: to look at a column of SQLAlchemy's takes ten times as long."""
    return list(map(_tuple_of(tuple(result.keys()))._make, result.all()))


@lru_cache(maxsize=500)
def _tuple_of(columns: tuple[str, ...]) -> Any:
    return namedtuple("Row", columns)


@lru_cache(maxsize=500)
def _as_the_driver_takes_it(statement: TextClause) -> tuple[str, RowFactory[Any]]:
    return str(statement.compile(dialect=_DIALECT)), _rows_by_name()


def _rows_by_name() -> RowFactory[Any]:
    """Return psycopg's `namedtuple_row` for one statement, whose columns are always the same: their names are read once."""
    made: RowMaker[Any] | None = None

    def rows(cursor: Cursor[Any]) -> RowMaker[Any]:
        nonlocal made
        made = made or namedtuple_row(cursor)
        return made

    return rows


def run_directly(connection: Connection, statement: TextClause, **parameters: Any) -> Sequence[Any]:
    """Run one of the hottest statements past SQLAlchemy, which takes longer over it than PostgreSQL; return its rows, by name.

    Args:
        connection: one whose every statement is its own transaction, or in which one was begun explicitly: SQLAlchemy does not
            know of any that this begins.

    Raises:
        SQLAlchemyError: as if SQLAlchemy had run it.
    """
    sql, rows_by_name = _as_the_driver_takes_it(statement)
    try:
        # A cursor that ran it before knows how to write its parameters and read its columns, which is a quarter of the work.
        # SQLAlchemy empties `info` when it replaces the driver's connection; what fails, or is stopped, leaves no cursor behind.
        cursors: dict[str, Cursor[Any]] = connection.info.setdefault(_CURSORS, {})
        if (cursor := cursors.pop(sql, None)) is None:
            cursor = connection.connection.driver_connection.cursor(row_factory=rows_by_name)  # type: ignore[union-attr]
        rows: Sequence[Any] = cursor.execute(sql, parameters).fetchall()
    except BaseException as error:  # noqa: BLE001 — whatever it is, only SQLAlchemy knows whether the connection is still good
        connection._handle_dbapi_exception(error, sql, parameters, None, None)
    # It holds what it has read until it reads again.
    if len(rows) <= MAX_HELD:
        cursors[sql] = cursor
    return rows


def check(engine: Engine) -> None:
    """Check that the database answers.

    Raises:
        SQLAlchemyError: if it does not.
    """
    with engine.connect() as connection:
        connection.execute(text("SELECT 1"))
