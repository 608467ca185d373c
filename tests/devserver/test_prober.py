"""The prober ends a process that has stopped answering, or has never begun to."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.system import wait_until
from devserver import prober
from devserver.process import Child


@pytest.fixture
def silent(tmp_path: Path) -> Iterator[Child]:
    """A process that runs and never answers."""
    child = Child("silent", ["sleep", "600"], run_directory=tmp_path, output=lambda _line: None, environment={"PATH": os.defpath})
    child.start()
    yield child
    child.stop()


@pytest.mark.parametrize(("patience", "is_ended"), [(0.3, True), (600.0, False)])
def test_a_process_that_never_answers_is_ended_once_it_has_had_time_to_start(
    silent: Child, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, patience: float, is_ended: bool
) -> None:
    monkeypatch.setattr(prober, "_START_SECONDS", patience)
    said: list[str] = []
    prober.Prober(silent, tmp_path / "nobody.probe", say=said.append).start()
    assert wait_until(lambda: not silent.running, within=10 if is_ended else 1) is is_ended
    assert any("has not answered" in line for line in said) is is_ended
