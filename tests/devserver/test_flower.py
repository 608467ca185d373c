"""Flower, however it is started here: with a password of its own, or not at all."""

import base64
import http.client
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.system import wait_until
from config import REPOSITORY, load_settings

PRODUCTION = {
    "LOCKSTEP_ENV": "production", "SECRET_KEY": "s" * 40, "DATABASE_URL": "postgresql://127.0.0.1:1/x",
    "REDIS_URL": "redis://127.0.0.1:1/1", "CELERY_BROKER_URL": "redis://127.0.0.1:1/0", "LOCKSTEP_ALLOWED_HOSTS": "shop.example",
    "LOCKSTEP_ALLOW_ROOT": "1",
}  # fmt: skip


@contextmanager
def flower(home: Path, environ: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Start Flower with the Procfile's own command; yield the process and its port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    [line] = [line for line in (REPOSITORY / "Procfile").read_text().splitlines() if line.startswith("flower:")]
    command = line.partition(": ")[2].replace("${FLOWER_PORT}", str(port)).split()
    environment = {"PATH": f"{REPOSITORY / '.venv/bin'}:{os.defpath}", "LOCKSTEP_HOME": str(home)} | environ
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    try:
        yield process, port
    finally:
        process.kill()
        process.communicate()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def status(port: int, path: str, login: str | None) -> int:
    headers = {} if login is None else {"Authorization": f"Basic {base64.b64encode(login.encode()).decode()}"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answered = connection.getresponse().status
    connection.close()
    return answered


@pytest.mark.parametrize("environ", [{}, {"LOCKSTEP_FLOWER_PASSWORD": ""}, {"FLOWER_BASIC_AUTH": "admin:"}], ids=str)
def test_in_production_it_does_not_start_without_a_password(environ: dict[str, str], tmp_path: Path) -> None:
    with flower(tmp_path, PRODUCTION | {"LOCKSTEP_ADMIN_PASSWORD": "the administrator's"} | environ) as (process, port):
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "set LOCKSTEP_FLOWER_PASSWORD" in said
        assert not answers(port)


@pytest.mark.parametrize("production", [True, False])
def test_it_opens_to_its_own_password_and_to_none_other(production: bool, tmp_path: Path) -> None:
    made_up = load_settings({"LOCKSTEP_HOME": str(tmp_path)})
    own = "chosen: by us" if production else made_up.flower_password
    broker = {"CELERY_BROKER_URL": PRODUCTION["CELERY_BROKER_URL"]}
    environ = PRODUCTION | {"LOCKSTEP_FLOWER_PASSWORD": own, "FLOWER_BASIC_AUTH": "admin:"} if production else broker
    with flower(tmp_path, environ) as (_process, port):
        assert wait_until(lambda: answers(port), within=60)
        for path in ("/", "/workers", "/api/workers", "/tasks"):
            wrong = (
                None,
                "",
                ":",
                "flower:",
                f":{own}",
                f"admin:{own}",
                "admin:",
                f"flower:{own}x",
                f"flower:{made_up.admin_password}",
            )
            assert {login: status(port, path, login) for login in wrong} == dict.fromkeys(wrong, 401)
        assert status(port, "/tasks", f"flower:{own}") == 200


def test_behind_a_proxy_its_pages_are_below_a_path_and_what_it_has_seen_is_kept(tmp_path: Path) -> None:
    environ = {"CELERY_BROKER_URL": PRODUCTION["CELERY_BROKER_URL"], "LOCKSTEP_FLOWER_PASSWORD": "own"}
    with flower(tmp_path, environ | {"LOCKSTEP_FLOWER_URL": "http://127.0.0.1:5555/flower/"}) as (process, port):
        assert wait_until(lambda: answers(port), within=60)
        assert status(port, "/flower/tasks", None) == 401
        assert status(port, "/flower/tasks", "flower:own") == 200
        assert status(port, "/tasks", "flower:own") == 404
        process.terminate()
        process.wait(60)
    assert [path.name for path in tmp_path.glob("flower-tasks*")] != []
