"""A child process by itself."""

import sys
import threading
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # publishes no types
import pytest

from bench.system import wait_until
from devserver import process
from devserver.process import Child


@pytest.fixture
def child(tmp_path: Path) -> Child:
    return Child(
        "child",
        [sys.executable, "-c", "import time; time.sleep(60)"],
        run_directory=tmp_path / "run",
        output=print,
        environment={},
    )


def test_a_child_that_began_on_a_full_disk_gets_its_pid_file_once_there_is_room(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "_PID_FILE_SECONDS", 0.01)
    # Whatever keeps a file from being written.
    child.start()
    waiting = threading.Thread(target=child.wait)
    waiting.start()
    try:
        assert psutil.pid_exists(child.pid)
        assert not child.pid_file.exists()
        child.pid_file.parent.mkdir()
        assert wait_until(lambda: child.pid_file.exists() and int(child.pid_file.read_text()) == child.pid)
    finally:
        child.stop()
        waiting.join()
    assert not child.pid_file.exists()
