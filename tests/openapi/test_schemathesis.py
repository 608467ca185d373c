"""The OpenAPI document, held against the running system: what it allows is accepted, what it forbids is refused, and every answer
is as it says. Schemathesis makes the requests up; the stateful phase follows the links between the calls."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.system import System

HERE = Path(__file__).parent
# Requests per operation and phase; `make soak` takes more.
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "10")


@pytest.mark.timeout(600)
def test_the_document_says_what_the_server_does(system: System, tmp_path: Path) -> None:
    command = [
        str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(HERE / "schemathesis.toml"),
        "run", f"{system.url}/api/v1/openapi.json", "--header", f"Authorization: Bearer {system.key}",
        "--max-examples", EXAMPLES, "--seed", "1",
    ]  # fmt: skip
    environment = os.environ | {"SCHEMATHESIS_HOOKS": str(HERE / "hooks.py")}
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
