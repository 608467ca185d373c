"""The command line as a new user runs it: without our test environment."""

import os
import subprocess
from collections.abc import Sequence

import pytest

from config import REPOSITORY
from devserver import EmbeddedServers


@pytest.mark.parametrize(
    "arguments", [["sync", "status"], ["sync", "replay"], ["sync", "reconcile", "--dry-run"], ["export-parts"], ["--help"]]
)
def test_a_command_runs_with_nothing_but_the_servers_in_its_environment(
    servers: EmbeddedServers, arguments: Sequence[str]
) -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS")} | servers.environ
    done = subprocess.run(
        [REPOSITORY / ".venv/bin/flask", *arguments], cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
