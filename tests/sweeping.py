"""Holding a process's sweep, which would settle what a test leaves unsettled on purpose."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from app.container import Container


@contextmanager
def no_sweep(container: Container) -> Iterator[None]:
    """Have the container's own sweep settle nothing while the block runs; what it had begun has ended before."""
    held = threading.Event()

    def settle_nothing() -> bool:
        held.set()
        return True

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(container.consistency, "process_retry_queue", settle_nothing)
        # Its thread comes here only after whatever it was doing.
        assert held.wait(30)
        yield
