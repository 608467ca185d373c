"""One whole system for all fault tests: two web processes, worker, beat, Valkey, PostgreSQL, each a process to kill."""

from collections.abc import Iterator

import pytest

from bench.system import System, own_stack
from tests.faults.inspection import settled


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The system, started once."""
    with own_stack(tmp_path_factory.mktemp("stack")) as system:
        yield system


@pytest.fixture
def system(running: System) -> System:
    """The system, with every process back and nothing owed from the test before."""
    settled(running)
    return running
