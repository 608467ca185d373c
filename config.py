"""Every setting of Lockstep, read once from the environment and passed in.

Nothing else reads `os.environ`. All problems are reported together, so that an operator mends them in one go.
Redis databases are numbered by purpose: 0 the Celery broker, 1 the cache, its locks and wake-up flags, and the Socket.IO channel.
"""

import hashlib
import importlib.util
import json
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from environs import Env, EnvValidationError, validate

from app.domain.currencies import CURRENCIES
from app.domain.origins import listed_host, normal_origin

# Whom Flower lets in, with the password of its own.
FLOWER_USER = "flower"
REPOSITORY = Path(__file__).resolve().parent

# A UNIX socket's path holds at most 108 bytes, and PostgreSQL appends `/.s.PGSQL.5432.lock`.
_MAX_SOCKET_DIRECTORY = 80
_MEDIA_URL = re.compile(r"file:///|(s3|s3a|gs|az|abfs|abfss)://[^/]")
_WEBHOOK = re.compile(r"https?://[^/\s]")
_EMAIL = re.compile(r"[^@\s,;<>]+@[^@\s,;<>]+")
# What may stand in a file instead, as systemd and container engines hand secrets over.
_SECRETS = (
    "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "LOCKSTEP_ADMIN_PASSWORD", "LOCKSTEP_FLOWER_PASSWORD",
    "LOCKSTEP_METRICS_TOKEN", "LOCKSTEP_ALERT_WEBHOOK", "LOCKSTEP_SMTP_URL", "LOCKSTEP_EDGE_TOKEN",
)  # fmt: skip
_EDGE = re.compile(r"varnish\+https?://[^/@\s]+/?|fastly:[A-Za-z0-9]+|cloudflare:[0-9a-f]+")
_SCHEMES = {
    "DATABASE_URL": ("postgresql", "postgresql+psycopg", "postgres"),
    "REDIS_URL": ("redis", "rediss", "unix"),
    "CELERY_BROKER_URL": ("redis", "rediss", "redis+socket", "amqp", "amqps"),
}
# A path is one that a proxy has it at; with none it is at the root.
_FLOWER_URL = re.compile(r"http://[A-Za-z0-9.-]+(:\d{1,5})?/([a-z0-9-]+/)?")
_TLS_ADDRESS = re.compile(r"[A-Za-z0-9.-]+:\d{1,5}")
_SMTP_URL = re.compile(r"smtps?://([^@/\s]+@)?[^@/\s:]+(:\d{1,5})?/?")
# No colon, so no namespace is the beginning of another's names.
_NAMESPACE = validate.Regexp(r"[a-z0-9_-]{1,32}\Z", error="Give it 1 to 32 of the characters a-z, 0-9, _ and -, such as shop-2.")


class SettingsError(Exception):
    """The environment does not make a working configuration; the message lists every problem."""


@dataclass(frozen=True)
class Settings:
    """One process's configuration. Times are in seconds unless the name says otherwise."""

    environment: str
    home: Path
    bind: str
    port: int
    flower_port: int
    flower_url: str
    database_url: str
    # The variable that names it, and the file, if that says so: a migration has another one than the shop.
    database_url_from: str
    redis_url: str
    celery_broker_url: str
    namespace: str
    embedded_postgres: bool
    embedded_valkey: bool
    web_concurrency: int
    worker_concurrency: int
    secret_key: str
    admin_email: str
    admin_password: str
    flower_password: str
    metrics_token: str
    backup_stamp: Path | None
    tls_address: str
    alert_webhook: str
    alert_email: str
    smtp_url: str
    allowed_hosts: tuple[str, ...]
    allowed_origins: tuple[str, ...]
    trusted_proxies: int
    probe_socket: str
    notify_socket: str
    session_idle_minutes: int
    max_connections: int
    max_connections_per_address: int
    calls_per_second: int
    frontend: Path
    media_url: str
    edges: tuple[str, ...]
    edge_token: str
    currency: str | None
    api_docs: bool
    tracing: bool

    @property
    def production(self) -> bool:
        """Whether defaults that are only fit for one's own machine are refused."""
        return self.environment == "production"

    @property
    def prefix(self) -> str:
        """What every key and channel of ours in Valkey begins with: other installations may share the server."""
        return f"{self.namespace}:"

    @property
    def flower_path(self) -> str:
        """What the paths of Flower's pages begin with: `/`, or where the proxy has it for administrators."""
        return urlsplit(self.flower_url).path

    @property
    def run_directory(self) -> Path:
        """Where the pid files of the stack are."""
        return self.home / "run"

    @property
    def metrics_directory(self) -> Path:
        """Where the processes of this machine share their metrics."""
        return self.run_directory / "metrics"

    @property
    def socket_directory(self) -> Path:
        """Where the embedded servers' UNIX sockets are."""
        return _socket_directory(self.home)


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from `environ` (default: the process's own environment).

    Raises:
        SettingsError: with every problem found, one a line.
    """
    source, unread = _with_files(dict(os.environ if environ is None else environ))
    env = _SourceEnv(source)
    port_range = validate.Range(min=1, max=65535)
    workers_range = validate.Range(min=1, max=64)
    environment = env.str("LOCKSTEP_ENV", "development", validate=validate.OneOf(["development", "production"]))
    bind = env.str("LOCKSTEP_BIND", "0.0.0.0" if environment == "production" else "127.0.0.1")  # noqa: S104 — behind a proxy
    home = Path(env.str("LOCKSTEP_HOME", str(REPOSITORY / "var"))).expanduser().absolute()
    sockets = _socket_directory(home)
    database_url = env.str("DATABASE_URL", "")
    redis_url = env.str("REDIS_URL", "")
    broker_url = env.str("CELERY_BROKER_URL", "")
    namespace = env.str("LOCKSTEP_NAMESPACE", "lockstep", validate=_NAMESPACE)
    port = env.int("PORT", 8000, validate=port_range)
    flower_port = env.int("FLOWER_PORT", 5555, validate=port_range)
    flower_url = env.str("LOCKSTEP_FLOWER_URL", "") or f"http://127.0.0.1:{flower_port}/"
    web_concurrency = env.int("WEB_CONCURRENCY", 2, validate=workers_range)
    worker_concurrency = env.int("WORKER_CONCURRENCY", 2, validate=workers_range)
    trusted_proxies = env.int("LOCKSTEP_TRUSTED_PROXIES", 0, validate=validate.Range(min=0, max=10))
    # A use is noted once a minute, so fewer would end a session that is in use. More never count: sessions end after 12 hours.
    session_idle = env.int("SESSION_IDLE_MINUTES", 480, validate=validate.Range(min=5, max=720))
    # Of one web process. A browser has a socket and up to six more; many people may share one address.
    max_connections = env.int("LOCKSTEP_MAX_CONNECTIONS", 10_000, validate=validate.Range(min=10, max=1_000_000))
    per_address = env.int("LOCKSTEP_MAX_CONNECTIONS_PER_ADDRESS", 1_000, validate=validate.Range(min=10, max=1_000_000))
    # Of one caller in one web process. At most that many are gathered for ten seconds, and a page of the panel makes a dozen.
    calls_per_second = env.int("LOCKSTEP_CALLS_PER_SECOND", 1000, validate=validate.Range(min=5, max=1_000_000))
    listed_hosts: list[str] = env.list("LOCKSTEP_ALLOWED_HOSTS", [])
    listed_origins: list[str] = env.list("LOCKSTEP_ALLOWED_ORIGINS", [])
    allow_root = env.bool("LOCKSTEP_ALLOW_ROOT", False)
    edges = tuple(filter(None, map(str.strip, env.list("LOCKSTEP_EDGE", []))))
    currency = env.str("LOCKSTEP_CURRENCY", "") or None
    api_docs = env.bool("LOCKSTEP_API_DOCS", True)
    media_url = env.str("LOCKSTEP_MEDIA_URL", "") or (home / "media").as_uri()
    problems = unread + _problems(env)
    allowed_hosts, strange_hosts = _listed("LOCKSTEP_ALLOWED_HOSTS", listed_hosts, listed_host)
    allowed_origins, strange_origins = _listed("LOCKSTEP_ALLOWED_ORIGINS", listed_origins, normal_origin)
    problems += strange_hosts + strange_origins + _tracing_problems(source) + _alert_problems(source)
    problems += _edge_problems(edges, source.get("LOCKSTEP_EDGE_TOKEN", ""))
    if port == flower_port:
        problems.append("PORT and FLOWER_PORT are the same; give one of them another number")
    for name, url in {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "CELERY_BROKER_URL": broker_url}.items():
        problems += _url_problems(name, url)
    if currency is not None and currency not in CURRENCIES:
        problems.append("LOCKSTEP_CURRENCY must be an ISO 4217 code in capitals, such as EUR")
    if not _MEDIA_URL.match(media_url):
        problems.append("LOCKSTEP_MEDIA_URL must be a folder (file:///srv/media) or a bucket (such as s3://bucket/prefix)")
    if environment == "production":
        problems += _production_problems(source, allow_root=allow_root)
    flower_password = source.get("LOCKSTEP_FLOWER_PASSWORD", "")
    problems += _flower_problems(flower_url, flower_password)
    if problems:
        raise SettingsError("Lockstep cannot start with this environment:\n" + "\n".join(f"  - {p}" for p in problems))
    kept = _KeptSecrets(home, writes=environment != "production")
    return Settings(
        environment=environment,
        home=home,
        bind=bind,
        port=port,
        flower_port=flower_port,
        flower_url=flower_url,
        database_url=_with_driver(database_url) or f"postgresql+psycopg://lockstep@/lockstep?host={sockets}",
        database_url_from=f"DATABASE_URL_FILE ({file})" if (file := source.get("DATABASE_URL_FILE")) else "DATABASE_URL",
        redis_url=redis_url or f"unix://{sockets}/valkey.sock?db=1",
        celery_broker_url=broker_url or f"redis+socket://{sockets}/valkey.sock?virtual_host=0",
        namespace=namespace,
        embedded_postgres=not database_url,
        embedded_valkey=not (redis_url and broker_url),
        web_concurrency=web_concurrency,
        worker_concurrency=worker_concurrency,
        secret_key=source.get("SECRET_KEY") or kept.get("secret_key", 32),
        admin_email=source.get("LOCKSTEP_ADMIN_EMAIL") or "admin@lockstep.example",
        admin_password=source.get("LOCKSTEP_ADMIN_PASSWORD") or kept.get("admin_password", 9),
        flower_password=flower_password or kept.get("flower_password", 12),
        metrics_token=source.get("LOCKSTEP_METRICS_TOKEN", ""),
        tls_address=source.get("LOCKSTEP_TLS_ADDRESS", ""),
        alert_webhook=source.get("LOCKSTEP_ALERT_WEBHOOK", ""),
        alert_email=source.get("LOCKSTEP_ALERT_EMAIL", ""),
        smtp_url=source.get("LOCKSTEP_SMTP_URL", ""),
        backup_stamp=Path(stamp).expanduser() if (stamp := source.get("LOCKSTEP_BACKUP_STAMP", "")) else None,
        allowed_hosts=allowed_hosts,
        allowed_origins=allowed_origins,
        trusted_proxies=trusted_proxies,
        probe_socket=source.get("LOCKSTEP_PROBE_SOCKET", ""),
        notify_socket=source.get("NOTIFY_SOCKET", ""),
        session_idle_minutes=session_idle,
        max_connections=max_connections,
        max_connections_per_address=per_address,
        calls_per_second=calls_per_second,
        frontend=REPOSITORY / "app" / "frontend" / "dist",
        media_url=media_url,
        edges=edges,
        edge_token=source.get("LOCKSTEP_EDGE_TOKEN", ""),
        currency=currency,
        api_docs=api_docs,
        tracing=bool(source.get("OTEL_EXPORTER_OTLP_ENDPOINT")),
    )


def settings_or_exit() -> Settings:
    """Return the settings of this process; end it with what is wrong with them instead, if something is."""
    try:
        return load_settings()
    except SettingsError as error:
        sys.exit(str(error))


def _with_files(source: dict[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return `source` with the secrets that it names files for (`SECRET_KEY_FILE`), and what is wrong with these."""
    problems = []
    for name in _SECRETS:
        file = source.get(f"{name}_FILE")
        if not file:
            continue
        if source.get(name):
            problems.append(f"{name} and {name}_FILE are both set; leave one of them out")
            continue
        try:
            source[name] = Path(file).read_text().rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(f"{name}_FILE: {file} cannot be read as text: {error}")
        else:
            if not source[name]:
                problems.append(f"{name}_FILE: {file} is empty")
    return source, problems


class _SourceEnv(Env):
    """An environs reader over a given mapping, collecting problems instead of raising at the first."""

    def __init__(self, source: Mapping[str, str]) -> None:
        super().__init__(eager=False)
        self.source = source

    def _get_value(self, env_key: str, default: object) -> object:
        return self.source.get(env_key, default)


def _problems(env: Env) -> list[str]:
    try:
        env.seal()
    except EnvValidationError as error:
        # After `seal` the messages are by variable.
        by_name = cast("Mapping[str, list[str]]", error.error_messages)
        return [f"{name}: {' '.join(messages)}" for name, messages in by_name.items()]
    return []


def _listed(name: str, listed: Iterable[str], normal: Callable[[str], str]) -> tuple[tuple[str, ...], list[str]]:
    """Return what a setting lists, each in its normal form, and what is wrong with the others."""
    found, problems = [], []
    for text in filter(None, map(str.strip, listed)):
        try:
            found.append(normal(text))
        except ValueError as error:
            problems.append(f"{name}: {text!r}: {error}")
    return tuple(dict.fromkeys(found)), problems


def _production_problems(source: Mapping[str, str], *, allow_root: bool) -> list[str]:
    required = ["SECRET_KEY", "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "LOCKSTEP_ALLOWED_HOSTS"]
    problems = [f"{name} is required when LOCKSTEP_ENV=production" for name in required if not source.get(name)]
    if source.get("SECRET_KEY") and len(source["SECRET_KEY"]) < 32:
        problems.append("SECRET_KEY must have at least 32 characters in production")
    if os.geteuid() == 0 and not allow_root:
        problems.append(
            "root may not run it in production; start it as a user of its own (or set LOCKSTEP_ALLOW_ROOT=1 in a container"
            " whose root is nobody outside)"
        )
    return problems


def _url_problems(name: str, url: str) -> list[str]:
    """Return what is wrong with a server's address, without its password, which is nobody's to read in a log."""
    if not url:
        return []
    schemes = _SCHEMES[name]
    if not url.startswith(tuple(f"{scheme}://" for scheme in schemes)):
        return [f"{name} must begin with {', '.join(f'{scheme}://' for scheme in schemes[:-1])} or {schemes[-1]}://"]
    try:
        parts = urlsplit(url)
        is_one = parts.netloc.count("@") <= 1 and not parts.fragment and parts.port != 0
    except ValueError:
        is_one = False
    if is_one:
        return []
    return [
        f"{name} is no address that can be taken apart: its port must be a number, and in its password @, :, /, ?, # and %"
        " must be percent-encoded (@ is %40, / is %2F)"
    ]


def _alert_problems(source: Mapping[str, str]) -> list[str]:
    webhook, email, smtp = (source.get(f"LOCKSTEP_{name}", "") for name in ("ALERT_WEBHOOK", "ALERT_EMAIL", "SMTP_URL"))
    problems = []
    if webhook and not _WEBHOOK.match(webhook):
        problems.append("LOCKSTEP_ALERT_WEBHOOK must be an address that begins with https:// or http://")
    if email and not _EMAIL.fullmatch(email):
        problems.append("LOCKSTEP_ALERT_EMAIL must be one e-mail address")
    if smtp and not _SMTP_URL.fullmatch(smtp):
        problems.append("LOCKSTEP_SMTP_URL must be smtp://[user:password@]host[:587], or smtps:// with 465")
    address = source.get("LOCKSTEP_TLS_ADDRESS", "")
    if address and not _TLS_ADDRESS.fullmatch(address):
        problems.append("LOCKSTEP_TLS_ADDRESS must be the shop's host and port as customers reach it, such as shop.example:443")
    if bool(email) != bool(smtp):
        problems.append("LOCKSTEP_ALERT_EMAIL and LOCKSTEP_SMTP_URL need each other: set both, or neither")
    return problems


def _tracing_problems(source: Mapping[str, str]) -> list[str]:
    if not (endpoint := source.get("OTEL_EXPORTER_OTLP_ENDPOINT")):
        return []
    problems = []
    if not _WEBHOOK.match(endpoint):
        problems.append("OTEL_EXPORTER_OTLP_ENDPOINT must be an address such as http://127.0.0.1:4318")
    problems += [
        f"{name} must be http/protobuf, or left out (a collector's port for that is 4318)"
        for name in ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")
        if source.get(name, "http/protobuf") != "http/protobuf"
    ]
    if not _has_opentelemetry():
        problems.append(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: run"
            " `pip install -r requirements/tracing.in`, or leave the variable out"
        )
    return problems


def _has_opentelemetry() -> bool:
    try:
        return importlib.util.find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:  # not even the packages around it
        return False


def _flower_problems(url: str, password: str) -> list[str]:
    problems = []
    if not _FLOWER_URL.fullmatch(url):
        problems.append(
            "LOCKSTEP_FLOWER_URL must be Flower's address, with a path of one word at most: http://127.0.0.1:5555/flower/"
        )
    # Flower compares bytes of ASCII, and fails at others.
    if password and (not password.isascii() or not password.strip()):
        problems.append("LOCKSTEP_FLOWER_PASSWORD must consist of ASCII characters, not of spaces alone")
    return problems


def _edge_problems(edges: Iterable[str], token: str) -> list[str]:
    problems = [
        f"LOCKSTEP_EDGE: {edge!r} is none of varnish+http://host:6081, fastly:SERVICE_ID and cloudflare:ZONE_ID;"
        " put commas between several"
        for edge in edges
        if not _EDGE.fullmatch(edge)
    ]
    rented = {edge.partition(":")[0] for edge in edges} & {"fastly", "cloudflare"}
    if len(rented) > 1:
        problems.append("LOCKSTEP_EDGE: there is one LOCKSTEP_EDGE_TOKEN, so name either fastly or cloudflare")
    if rented and not re.fullmatch("[!-~]+", token):
        problems.append(f"LOCKSTEP_EDGE_TOKEN must be an API token of {rented.pop()} that may purge, in ASCII and without spaces")
    return problems


def _with_driver(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"postgresql+psycopg://{rest}" if separator and scheme in {"postgres", "postgresql"} else url


def _socket_directory(home: Path) -> Path:
    run = home / "run"
    # libpq takes a comma for the end of one host's name.
    if len(os.fsencode(run)) <= _MAX_SOCKET_DIRECTORY and "," not in str(run):
        return run
    digest = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"lockstep-{digest}"


class _KeptSecrets:
    """Secrets made up at the first start and kept in LOCKSTEP_HOME, readable by its owner alone."""

    def __init__(self, home: Path, *, writes: bool) -> None:
        self._path = home / "secrets.json"
        self._writes = writes

    def get(self, name: str, size: int) -> str:
        """Return the kept secret, or make one of `size` random bytes and keep it."""
        kept = self._read()
        if name not in kept and self._writes:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            draft = self._path.with_suffix(f".{os.getpid()}")
            draft.touch(mode=0o600)
            draft.write_text(json.dumps(kept | {name: secrets.token_urlsafe(size)}))
            draft.replace(self._path)
            kept = self._read()
        return kept.get(name, "")

    def _read(self) -> dict[str, str]:
        try:
            return dict(json.loads(self._path.read_text()))
        except FileNotFoundError:
            return {}
