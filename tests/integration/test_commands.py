"""The command line as a new user runs it: without our test environment."""

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from config import REPOSITORY
from devserver import EmbeddedServers
from tests.ops.roles import separated

FLASK = str(REPOSITORY / ".venv/bin/flask")


def ran(command: Sequence[str], environ: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a program with nothing of Lockstep's in its environment but this."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS")}
    return subprocess.run(command, cwd=REPOSITORY, env=kept | environ, capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    "arguments", [["sync", "status"], ["sync", "replay"], ["sync", "reconcile", "--dry-run"], ["export-parts"], ["--help"]]
)
def test_a_command_runs_with_nothing_but_the_servers_in_its_environment(
    servers: EmbeddedServers, arguments: Sequence[str]
) -> None:
    done = ran([FLASK, *arguments], servers.environ)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("environment", ["development", "production"])
def test_a_command_that_does_not_reach_the_database_names_the_setting(
    servers: EmbeddedServers, environment: str, tmp_path: Path
) -> None:
    environ = {
        **servers.environ, "DATABASE_URL": f"postgresql://nobody@/nothing?host={tmp_path}", "LOCKSTEP_ENV": environment,
        "SECRET_KEY": "x" * 32, "LOCKSTEP_ALLOWED_HOSTS": "shop.example", "LOCKSTEP_ALLOW_ROOT": "1",
    }  # fmt: skip
    done = ran([FLASK, "sync", "status"], environ)
    assert done.returncode == 1
    assert done.stderr.endswith("Check the address, role and password in DATABASE_URL, and whether it runs.\n")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [["db", "upgrade"], ["doctor"]])
def test_a_command_whose_database_is_named_by_a_file_names_the_file(
    servers: EmbeddedServers, arguments: Sequence[str], tmp_path: Path
) -> None:
    """A migration has another one than the shop, with the owner's password."""
    file = tmp_path / "owner_database_url"
    file.write_text(f"postgresql://lockstep_owner@/lockstep?host={tmp_path}\n")
    environ = {name: value for name, value in servers.environ.items() if name != "DATABASE_URL"}
    done = ran([FLASK, *arguments], environ | {"DATABASE_URL_FILE": str(file)})
    assert done.returncode == 1
    assert f"password in DATABASE_URL_FILE ({file}), and whether it runs." in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_database_without_tables_or_rights_is_a_step_that_was_left_out(servers: EmbeddedServers) -> None:
    with separated(servers) as database:
        environ = servers.environ | {"DATABASE_URL": database.application}
        early = ran([FLASK, "sync", "status"], environ)
        assert (early.returncode, early.stderr.splitlines()[-1][:57]) == (
            1, "Its schema is not this code's. Run: flask --app wsgi db u",
        )  # fmt: skip
        by_the_wrong_role = ran([FLASK, "db", "upgrade"], environ)
        assert by_the_wrong_role.returncode == 1
        assert "permission denied for schema public" in by_the_wrong_role.stderr
        assert "ops/postgresql/roles.sql" in by_the_wrong_role.stderr
        assert "Traceback" not in early.stderr + by_the_wrong_role.stderr


def test_a_web_process_whose_port_is_taken_names_the_setting(servers: EmbeddedServers) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = ran([sys.executable, "wsgi.py"], servers.environ | {"PORT": port})
    assert done.returncode == 1
    assert f"LOCKSTEP_BIND, PORT: nobody can listen on 127.0.0.1:{port}: " in done.stderr
    assert "Traceback" not in done.stderr
