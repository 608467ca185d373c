"""Units of work in turn: each is committed while the next one is at its statements."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Self, TypeVar

import structlog
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.contract.events import Actor
from app.store.transaction import TransactionManager, UnitOfWork

log = structlog.get_logger()
T = TypeVar("T")


class Pipeline:
    """Runs units of work of one actor in turn: while one writes its events and commits, the next one makes its statements, on a
    connection of its own; what follows a commit is beside both. They are committed in their order, none after one that failed.

    Leave it before you say that anything is done.
    """

    def __init__(self, transactions: TransactionManager, actor: Actor) -> None:
        self._transactions = transactions
        self._actor = actor
        self._committing = ThreadPoolExecutor(max_workers=1)
        self._following = ThreadPoolExecutor(max_workers=1)
        self._before: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failure: object, *_rest: object) -> None:
        self._committing.shutdown()
        self._following.shutdown()
        if failure is None:
            self._wait()
        elif self._before is not None and (unwritten := self._before.exception()) is not None:
            log.error("the last unit of work was not committed either", error=str(unwritten))

    def run(self, work: Callable[[UnitOfWork], T]) -> T:
        """Do `work`, and have it committed behind the one before; return its result.

        Raises:
            DatabaseConsistencyError: if this or the one before could not be written; nothing of this one was.
        """
        with ExitStack() as scope:
            try:
                unit_of_work = scope.enter_context(self._transactions.atomic_operation(self._actor))
                result = work(unit_of_work)
            except Exception as error:
                scope.close()
                # If the one before failed, that is what this one's failure came of.
                self._wait()
                if not isinstance(error, DBAPIError | PoolTimeoutError):
                    raise
                # With all before it committed it is like any other, and so are its retries.
                return self._transactions.run(self._actor, work)
            self._wait()
            self._before = self._committing.submit(self._commit, unit_of_work, scope.pop_all())
        return result

    def _commit(self, unit_of_work: UnitOfWork, scope: ExitStack) -> None:
        committed = self._transactions.finish(unit_of_work, scope)
        # Nobody asks for its outcome, so what it raises is to be logged.
        self._following.submit(self._transactions.follow, committed).add_done_callback(lambda done: done.result())

    def _wait(self) -> None:
        if self._before is not None:
            self._before.result()
