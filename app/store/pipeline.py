"""Pipelined units of work: each is committed while the next one runs its statements."""

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
    """Runs one actor's units of work in order: while one does what it has put off, writes its events and commits, the next runs
    its statements on a connection of its own; what follows a commit runs alongside both. They commit in order, and none after one
    that failed.

    Leave the context before you report anything as done.
    """

    def __init__(self, transactions: TransactionManager, actor: Actor) -> None:
        self._transactions = transactions
        self._actor = actor
        self._committing = ThreadPoolExecutor(max_workers=1)
        self._following = ThreadPoolExecutor(max_workers=1)
        self._before: Future[None] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, failure: BaseException | None, *_rest: object) -> None:
        self._committing.shutdown()
        self._following.shutdown()
        if failure is None:
            self._wait()
        elif self._before is not None and (unwritten := self._before.exception()) not in {None, failure}:
            log.error("the last unit of work was not committed either", error=str(unwritten))

    def run(self, work: Callable[[UnitOfWork], T]) -> T:
        """Do `work`, have it committed after the previous unit, and return its result.

        Raises:
            DatabaseConsistencyError: if this unit or the previous one could not be written; nothing of this one was.
        """
        with ExitStack() as scope:
            try:
                unit_of_work = scope.enter_context(self._transactions.atomic_operation(self._actor))
                result = work(unit_of_work)
            except Exception as error:
                scope.close()
                # If the previous unit failed, that is the cause of this one's failure.
                self._wait()
                if not isinstance(error, DBAPIError | PoolTimeoutError):
                    raise
                # With everything before it committed, it is a unit of work like any other, retries included.
                return self._transactions.run(self._actor, work)
            self._wait()
            self._before = self._committing.submit(self._commit, unit_of_work, scope.pop_all())
        return result

    def _commit(self, unit_of_work: UnitOfWork, scope: ExitStack) -> None:
        committed = self._transactions.finish(unit_of_work, scope)
        # Nobody waits for its outcome; `result()` makes an exception get logged.
        self._following.submit(self._transactions.follow, committed).add_done_callback(lambda done: done.result())

    def _wait(self) -> None:
        if self._before is not None:
            self._before.result()
