"""Settings: read once, every problem reported together, and nothing left to defaults in production."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from config import REPOSITORY, Settings, SettingsError, load_settings

PRODUCTION = {
    "LOCKSTEP_ENV": "production", "SECRET_KEY": "x" * 32, "DATABASE_URL": "postgres://db/shop", "REDIS_URL": "redis://cache/1",
    "CELERY_BROKER_URL": "amqp://queue", "LOCKSTEP_ALLOWED_HOSTS": "shop.example", "LOCKSTEP_ALLOW_ROOT": "1",
}  # fmt: skip


def test_all_problems_are_reported_together(tmp_path: Path) -> None:
    environ = {
        "LOCKSTEP_HOME": str(tmp_path),
        "PORT": "x",
        "FLOWER_PORT": "99999",
        "WEB_CONCURRENCY": "0",
        "SESSION_IDLE_MINUTES": "1",
        "DATABASE_URL": "mysql://x",
        "LOCKSTEP_CURRENCY": "Euro",
    }
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    for name in ("PORT", "FLOWER_PORT", "WEB_CONCURRENCY", "SESSION_IDLE_MINUTES", "DATABASE_URL", "LOCKSTEP_CURRENCY"):
        assert f"- {name}" in str(refused.value)


@pytest.mark.parametrize("missing", sorted(PRODUCTION.keys() - {"LOCKSTEP_ENV", "LOCKSTEP_ALLOW_ROOT"}))
def test_production_refuses_to_start_on_a_default(missing: str, tmp_path: Path) -> None:
    environ = {name: value for name, value in PRODUCTION.items() if name != missing} | {"LOCKSTEP_HOME": str(tmp_path)}
    with pytest.raises(SettingsError, match=f"{missing} is required"):
        load_settings(environ)


def test_production_refuses_a_short_secret_and_makes_up_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="32 characters"):
        load_settings(PRODUCTION | {"SECRET_KEY": "short", "LOCKSTEP_HOME": str(tmp_path)})
    settings = load_settings(PRODUCTION | {"LOCKSTEP_HOME": str(tmp_path)})
    assert (settings.production, settings.database_url, settings.bind) == (True, "postgresql+psycopg://db/shop", "0.0.0.0")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "program",
    [
        ["flask", "--app", "wsgi", "doctor"], ["flask", "--app", "wsgi", "db", "upgrade"], ["wsgi.py"],
        ["-m", "workers.alive", "beat"], ["-m", "workers", "live"], ["-m", "workers", "beat"],
        ["celery", "--quiet", "-A", "workers.celery_app", "flower"],
    ],
    ids=lambda program: program[-1],
)  # fmt: skip
def test_each_program_ends_with_what_is_wrong_with_its_settings_and_nothing_else(program: Sequence[str], tmp_path: Path) -> None:
    environ = PRODUCTION | {"LOCKSTEP_HOME": str(tmp_path), "SECRET_KEY": "", "SECRET_KEY_FILE": "/nowhere/secret_key"}
    command = program if program[0].startswith(("-", "wsgi")) else [str(Path(sys.executable).with_name(program[0])), *program[1:]]
    done = subprocess.run(
        [sys.executable, *command], cwd=REPOSITORY, env=os.environ | environ, capture_output=True, text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    refusal = "Lockstep cannot start with this environment:\n  - SECRET_KEY_FILE: /nowhere/secret_key cannot be read"
    assert done.stderr.startswith(refusal)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("DATABASE_URL", "postgresql://lockstep:sesame/1@db/shop"),
        ("DATABASE_URL", "postgresql://lockstep:sesame@1@db/shop"),
        ("DATABASE_URL", "postgresql://lockstep:sesame@db:port/shop"),
        ("REDIS_URL", "redis://:sesame#1@cache/1"),
        ("REDIS_URL", "redis://:sesame@cache:99999/1"),
        ("CELERY_BROKER_URL", "redis://:sesame?1@cache/0"),
        ("CELERY_BROKER_URL", "amqp://[::1/"),
    ],
)
def test_an_address_that_cannot_be_taken_apart_is_refused_and_its_password_not_said(name: str, url: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"- {name} is no address .* percent-encoded") as refused:
        load_settings({"LOCKSTEP_HOME": str(tmp_path), name: url})
    assert "sesame" not in str(refused.value)


@pytest.mark.parametrize("name", ["DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL"])
def test_an_address_of_another_kind_is_refused_with_the_kinds_that_there_are(name: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=rf"- {name} must begin with \w+://, .* or [a-z]+://"):
        load_settings({"LOCKSTEP_HOME": str(tmp_path), name: "127.0.0.1:6379"})


def test_addresses_of_every_kind_are_taken(tmp_path: Path) -> None:
    for name, urls in {
        "DATABASE_URL": ("postgresql://lockstep@/lockstep?host=/run/postgresql", "postgresql+psycopg://u:%40%2F@[::1]:5432/shop"),
        "REDIS_URL": ("redis://:p%23@cache:6379/1", "rediss://user:p@cache/1", "unix:///run/valkey.sock?db=1"),
        "CELERY_BROKER_URL": ("redis+socket:///run/valkey.sock?virtual_host=0", "amqps://u:p@queue/host"),
    }.items():
        for url in urls:
            load_settings({"LOCKSTEP_HOME": str(tmp_path), name: url})


def test_root_runs_it_in_production_only_if_that_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    silent = PRODUCTION | {"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_ALLOW_ROOT": "0"}
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    with pytest.raises(SettingsError, match=r"as a user of its own .*LOCKSTEP_ALLOW_ROOT=1"):
        load_settings(silent)
    assert load_settings(silent | {"LOCKSTEP_ALLOW_ROOT": "1"}).production
    assert not load_settings({"LOCKSTEP_HOME": str(tmp_path)}).production
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert load_settings(silent).production


def test_the_shops_currency_is_nobodys_guess(tmp_path: Path) -> None:
    assert load_settings({"LOCKSTEP_HOME": str(tmp_path)}).currency is None
    assert load_settings({"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_CURRENCY": "KWD"}).currency == "KWD"


def test_secrets_are_made_up_once_and_kept_for_their_owner_alone(tmp_path: Path) -> None:
    first, second = (load_settings({"LOCKSTEP_HOME": str(tmp_path)}) for _ in range(2))
    assert first.secret_key == second.secret_key
    assert first.admin_password == second.admin_password
    assert first.flower_password == second.flower_password
    assert len({first.secret_key, first.admin_password, first.flower_password}) == 3
    assert len(first.secret_key) >= 32
    assert (tmp_path / "secrets.json").stat().st_mode & 0o077 == 0


def test_a_deep_home_gets_a_short_socket_directory_of_its_own(tmp_path: Path) -> None:
    shallow = load_settings({"LOCKSTEP_HOME": "/tmp/ls"} | {"SECRET_KEY": "x", "LOCKSTEP_ADMIN_PASSWORD": "x"})
    assert shallow.socket_directory == Path("/tmp/ls/run")
    deep, other = (load_settings({"LOCKSTEP_HOME": str(tmp_path / name / ("d" * 100))}) for name in "ab")
    assert len(str(deep.socket_directory)) <= 80
    assert deep.socket_directory != other.socket_directory
    assert str(deep.socket_directory) in deep.database_url
    assert str(deep.socket_directory) in deep.redis_url


@pytest.mark.parametrize("namespace", ["", "a:b", "Shop", "shop 2", "shop\n", "x" * 33, "*"])
def test_a_namespace_that_cannot_keep_shops_apart_is_refused_with_what_would(namespace: str, tmp_path: Path) -> None:
    environ = {"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_NAMESPACE": namespace}
    with pytest.raises(SettingsError, match="- LOCKSTEP_NAMESPACE: Give it 1 to 32 of the characters a-z, 0-9, _ and -"):
        load_settings(environ)


def test_names_in_valkey_begin_with_the_namespace(tmp_path: Path) -> None:
    assert load_settings({"LOCKSTEP_HOME": str(tmp_path)}).prefix == "lockstep:"
    assert load_settings({"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_NAMESPACE": "shop-2"}).prefix == "shop-2:"


def test_two_ports_that_are_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="the same"):
        load_settings({"LOCKSTEP_HOME": str(tmp_path), "PORT": "9000", "FLOWER_PORT": "9000"})


def test_an_empty_variable_counts_as_absent(tmp_path: Path) -> None:
    assert load_settings({"LOCKSTEP_HOME": str(tmp_path), "DATABASE_URL": "", "SECRET_KEY": ""}).embedded_postgres


def test_pictures_are_kept_at_home_unless_a_bucket_is_named(tmp_path: Path) -> None:
    home = tmp_path / "a home, with ümlauts"
    assert load_settings({"LOCKSTEP_HOME": str(home)}).media_url == (home / "media").as_uri()
    bucket = {"LOCKSTEP_HOME": str(home), "LOCKSTEP_MEDIA_URL": "s3://shop/media"}
    assert load_settings(bucket).media_url == "s3://shop/media"
    for wrong in ("/srv/media", "media", "ftp://host/x", "s3://", "http://host/x", "memory:///"):
        with pytest.raises(SettingsError, match="LOCKSTEP_MEDIA_URL"):
            load_settings({"LOCKSTEP_HOME": str(home), "LOCKSTEP_MEDIA_URL": wrong})


@pytest.mark.parametrize("password", ["   ", "Blüte und Blatt"])
def test_a_password_that_flower_cannot_check_is_refused(password: str, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="LOCKSTEP_FLOWER_PASSWORD"):
        load_settings({"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_FLOWER_PASSWORD": password})


def test_flower_is_on_this_machine_unless_it_is_said_to_be_elsewhere(tmp_path: Path) -> None:
    environ = {"LOCKSTEP_HOME": str(tmp_path), "FLOWER_PORT": "5556"}
    settings = load_settings(environ)
    assert (settings.flower_url, settings.flower_path) == ("http://127.0.0.1:5556/", "/")
    settings = load_settings(environ | {"LOCKSTEP_FLOWER_URL": "http://flower:5555/flower/"})
    assert (settings.flower_url, settings.flower_path) == ("http://flower:5555/flower/", "/flower/")
    for wrong in (
        "flower:5555",
        "http://flower:5555/flower",
        "http://flower:5555/a/b/",
        "http://u:p@flower/",
        "file:///etc/passwd",
    ):
        with pytest.raises(SettingsError, match="LOCKSTEP_FLOWER_URL"):
            load_settings(environ | {"LOCKSTEP_FLOWER_URL": wrong})


def test_a_list_of_hosts_may_have_spaces_and_a_comma_at_its_end(tmp_path: Path) -> None:
    environ = {"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_ALLOWED_HOSTS": " shop.example , panel.example,"}
    assert load_settings(environ).allowed_hosts == ("shop.example", "panel.example")


def test_where_alerts_go_is_checked_at_the_start(tmp_path: Path) -> None:
    wrong = {
        "LOCKSTEP_TLS_ADDRESS": "https://shop.example",
        "LOCKSTEP_ALERT_WEBHOOK": "file:///etc/passwd",
        "LOCKSTEP_ALERT_EMAIL": "a@b, c@d",
        "LOCKSTEP_SMTP_URL": "mail.example",
    }
    with pytest.raises(SettingsError) as refused:
        load_settings({"LOCKSTEP_HOME": str(tmp_path), **wrong})
    assert all(f"- {name} must" in str(refused.value) for name in wrong)
    with pytest.raises(SettingsError, match="need each other"):
        load_settings({"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_ALERT_EMAIL": "ops@shop.example"})
    right = {"LOCKSTEP_ALERT_EMAIL": "ops@shop.example", "LOCKSTEP_SMTP_URL": "smtps://me%40x:p@mail.example:465"}
    assert load_settings({"LOCKSTEP_HOME": str(tmp_path), **right}).alert_email == "ops@shop.example"


def test_where_traces_go_is_checked_at_the_start(tmp_path: Path) -> None:
    environ = {"LOCKSTEP_HOME": str(tmp_path), "OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert load_settings(environ).tracing
    assert not load_settings(environ | {"OTEL_EXPORTER_OTLP_ENDPOINT": ""}).tracing
    assert load_settings(environ | {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}).tracing
    wrong = {"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    with pytest.raises(SettingsError) as refused:
        load_settings(environ | wrong)
    for name in wrong:
        assert f"- {name} must be" in str(refused.value)


def test_edges_are_checked_at_the_start(tmp_path: Path) -> None:
    def load(edge: str, token: str = "") -> Settings:
        return load_settings({"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_EDGE": edge, "LOCKSTEP_EDGE_TOKEN": token})

    several = " varnish+http://127.0.0.1:6081 , varnish+https://edge.example/,"
    assert load(several).edges == ("varnish+http://127.0.0.1:6081", "varnish+https://edge.example/")
    assert load("fastly:SU1Z0isxPaozGVKXdv0eY", "secret").edge_token == "secret"
    assert load("").edges == ()
    for wrong in ("http://127.0.0.1:6081", "varnish+http://", "varnish+http://a:b@host", "fastly:", "cloudflare:zone", "squid"):
        with pytest.raises(SettingsError, match=r"LOCKSTEP_EDGE: .* is none of varnish\+http://host:6081"):
            load(wrong, "secret")
    for token in ("", "two words", "ü"):
        with pytest.raises(SettingsError, match="LOCKSTEP_EDGE_TOKEN must be an API token of cloudflare"):
            load("cloudflare:0a1b", token)
    with pytest.raises(SettingsError, match="either fastly or cloudflare"):
        load("cloudflare:0a1b,fastly:SERVICE", "secret")
    token = tmp_path / "token"
    token.write_text("secret\n")
    environ = {"LOCKSTEP_HOME": str(tmp_path), "LOCKSTEP_EDGE": "fastly:SERVICE", "LOCKSTEP_EDGE_TOKEN_FILE": str(token)}
    assert load_settings(environ).edge_token == "secret"


def test_a_secret_may_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k" * 40 + "\n")
    (tmp_path / "database").write_text("postgres://shop:secret@db/shop")
    environ = {name: value for name, value in PRODUCTION.items() if name not in {"SECRET_KEY", "DATABASE_URL"}}
    environ |= {"SECRET_KEY_FILE": str(tmp_path / "key"), "DATABASE_URL_FILE": str(tmp_path / "database")}
    settings = load_settings(environ | {"LOCKSTEP_HOME": str(tmp_path / "home")})
    assert (settings.secret_key, settings.database_url) == ("k" * 40, "postgresql+psycopg://shop:secret@db/shop")


def test_a_file_that_holds_no_secret_is_named(tmp_path: Path) -> None:
    for name, content in (("empty", b""), ("bytes", b"\xff\xfe")):
        (tmp_path / name).write_bytes(content)
    environ = {
        "LOCKSTEP_HOME": str(tmp_path),
        "SECRET_KEY": "x",
        "SECRET_KEY_FILE": str(tmp_path / "empty"),
        "REDIS_URL_FILE": str(tmp_path / "missing"),
        "DATABASE_URL_FILE": str(tmp_path / "bytes"),
        "LOCKSTEP_METRICS_TOKEN_FILE": str(tmp_path / "empty"),
    }
    with pytest.raises(SettingsError) as refused:
        load_settings(environ)
    for name in ("SECRET_KEY and SECRET_KEY_FILE", "REDIS_URL_FILE", "DATABASE_URL_FILE", "LOCKSTEP_METRICS_TOKEN_FILE"):
        assert f"- {name}" in str(refused.value)
