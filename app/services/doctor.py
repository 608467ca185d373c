"""Looks a deployment over: its settings, this machine, the database, Valkey, and the processes that should be at work.

A problem breaks a promise now or on a bad day, advice does not. Each says what to do. What cannot be asked for is a problem of
its own, and the rest is examined nevertheless.
"""

import os
import resource
import shutil
import stat
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app.contract.task_names import LIVE_QUEUE, RECORDS_QUEUE
from app.store import outbox, server
from app.sync.edge import Edge, EdgeUnavailableError
from app.sync.heartbeats import Heard
from config import Settings

OLDEST_POSTGRESQL = 180000
# Seconds: by how much clocks may differ, how long beat may be silent, a delivery be owed, and a transaction be open.
CLOCKS_DIFFER, BEAT_SILENT, OWED, OPEN = 1.0, 120, 60, 3600
OPEN_FILES = 65536
# Of a disk in bytes, and as a share of it; of connections and memory, the share in use from which on they are short.
MIN_FREE, MIN_SHARE_FREE = 1 << 30, 0.1
FULL = 0.8


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    ADVICE = "advice"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of a subject, and what to do about it unless it is well."""

    level: Level
    subject: str
    text: str
    remedy: str = ""


def examine(
    settings: Settings,
    reading: Engine,
    servers: Mapping[str, Redis],
    heard: Callable[[], Heard | None],
    heads: Collection[str],
    edge: Edge | None = None,
) -> Iterator[Finding]:
    """Yield what is found.

    Args:
        servers: clients of the Valkey servers, by what they are used for.
        heard: returns who gave a sign of life; None while Valkey is away.
        heads: the newest revisions of this code's migrations.
        edge: the HTTP caches in front, if there are any.
    """
    yield from _settings(settings)
    yield from _machine(settings)
    try:
        with reading.connect() as connection:
            began = time.time()
            said = server.facts(connection)
            yield from _database(said, (began + time.time()) / 2, settings.database_url_from)
            yield from _schema(server.revisions(connection) if said.is_prepared else set(), heads)
            if said.is_prepared:
                yield from _deliveries(outbox.owed(connection))
    except SQLAlchemyError as error:
        why = str(getattr(error, "orig", None) or error).strip()
        remedy = f"Check its address, role and password in {settings.database_url_from}, and whether it runs."
        yield _problem("database", f"cannot be examined: {why}", remedy)
    for name, client in servers.items():
        yield from _valkey(name, client)
    if edge is not None:
        yield _edge(edge)
    yield from _processes(heard())


def _settings(settings: Settings) -> Iterator[Finding]:
    if not settings.production:
        yield _advice("settings", "This is a development set-up.", "Set LOCKSTEP_ENV=production where customers come.")
        return
    missing = {
        "nobody is told when effects fail": ("LOCKSTEP_ALERT_WEBHOOK or LOCKSTEP_ALERT_EMAIL",
                                             settings.alert_webhook or settings.alert_email),
        "/metrics answers nobody": ("LOCKSTEP_METRICS_TOKEN", settings.metrics_token),
        "nobody notices that there are no backups": ("LOCKSTEP_BACKUP_STAMP", settings.backup_stamp),
        "nobody notices that the certificate in front ends": ("LOCKSTEP_TLS_ADDRESS", settings.tls_address),
        "every address is the proxy's if there is one in front": ("LOCKSTEP_TRUSTED_PROXIES", settings.trusted_proxies),
    }  # fmt: skip
    unset = {text: name for text, (name, value) in missing.items() if not value}
    for text, name in unset.items():
        yield _advice("settings", f"Without {name} {text}.", f"Set {name}.")
    if not unset:
        yield Finding(Level.OK, "settings", "Nothing is left out.")


def _machine(settings: Settings) -> Iterator[Finding]:
    if os.geteuid() == 0:
        level = Level.PROBLEM if settings.production else Level.ADVICE
        yield Finding(level, "user", "This runs as root.", "Run Lockstep as a user of its own, who owns LOCKSTEP_HOME alone.")
    home = settings.home
    if not os.access(home, os.W_OK):
        yield _problem("home", f"{home} cannot be written to.", "Make the folder, and give it to the user of Lockstep.")
    else:
        usage = shutil.disk_usage(home)
        said = f"{usage.free >> 20} MB of {usage.total >> 20} are free in LOCKSTEP_HOME."
        if usage.free < MIN_FREE or usage.free < MIN_SHARE_FREE * usage.total:
            yield _problem("disk", said, "Free or add space: a full disk makes every write fail.")
        else:
            yield Finding(Level.OK, "disk", said)
    secrets = home / "secrets.json"
    if secrets.exists() and stat.S_IMODE(secrets.stat().st_mode) & 0o077:
        yield _problem("secrets", "secrets.json can be read by others.", f"chmod 600 {secrets}")
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < OPEN_FILES:
        yield _advice("open files", f"A process may have {hard} files open.", f"Raise the limit to {OPEN_FILES} (ulimit -n).")
    if not (settings.frontend / "panel" / "index.html").exists():
        yield _problem("frontend", "The panel and the site are not built.", "Run: make frontend")


def _database(said: Any, now: float, setting: str) -> Iterator[Finding]:
    name = "database"
    problems = {
        "It is not PostgreSQL 18 or newer.": (said.number < OLDEST_POSTGRESQL, "Upgrade the server: pg_upgrade."),
        f"Its encoding is {said.encoding}.": (said.encoding != "UTF8", "Create the database with ENCODING 'UTF8', and move it."),
        "It is a standby, which takes no writes.": (said.is_standby, f"Name the primary in {setting}."),
        "A crash may destroy it.": (not said.is_safe, "Set fsync and full_page_writes to on."),
        "A crash may undo what was acknowledged.": (not said.waits_for_disk, "Set synchronous_commit to on."),
        f"{said.used} of {said.connections} connections are in use.": (
            said.used > FULL * said.connections, "Raise max_connections, or run fewer processes."),
        f"A transaction has been open for {said.oldest / 3600:.1f} hours.": (
            said.oldest > OPEN, "Find it in pg_stat_activity, and end it: nothing can be cleaned up behind it."),
        f"Its clock differs from this machine's by {abs(said.clock - now):.1f} s.": (
            abs(said.clock - now) > CLOCKS_DIFFER, "Let both keep time by NTP."),
    }  # fmt: skip
    found = [_problem(name, text, remedy) for text, (applies, remedy) in problems.items() if applies]
    yield from found
    if said.is_superuser:
        yield _advice(name, "Lockstep connects as a superuser.", "Give it a role of its own, which owns its tables at most.")
    elif said.owns_audit:
        yield _advice(name, "The role that Lockstep connects as owns the audit trail, and could take its guard away.",
                      "Let another role own the tables: ops/postgresql/roles.sql.")  # fmt: skip
    if not found:
        yield Finding(Level.OK, name, f"PostgreSQL {said.version}, {said.used} of {said.connections} connections in use.")


def _schema(revisions: Collection[str], heads: Collection[str]) -> Iterator[Finding]:
    at, wanted = ", ".join(sorted(revisions)) or "no revision", ", ".join(sorted(heads))
    if set(revisions) == set(heads):
        yield Finding(Level.OK, "schema", f"At revision {at}.")
    else:
        yield _problem("schema", f"At {at}; this code's is {wanted}.", "If the code is newer, run: flask --app wsgi db upgrade")


def _deliveries(owed: Mapping[str, Mapping[str, Any]]) -> Iterator[Finding]:
    dead = sum(figures["dead"] for figures in owed.values())
    oldest = max(figures["oldest_age_seconds"] for figures in owed.values())
    if dead:
        yield _problem("deliveries", f"{dead} were given up on.", "See flask sync status; when mended, flask sync replay.")
    if oldest > OWED:
        yield _problem("deliveries", f"The oldest has been owed for {oldest:.0f} s.", "See that both workers run.")
    if not dead and oldest <= OWED:
        yield Finding(Level.OK, "deliveries", "None is late, none was given up on.")


def _edge(edge: Edge) -> Finding:
    try:
        # Nothing is stored under this key.
        edge.purge(["doctor"])
    except EdgeUnavailableError as error:
        remedy = (
            "See that it runs, that it lets this machine purge, and LOCKSTEP_EDGE and LOCKSTEP_EDGE_TOKEN: writes wait for it."
        )
        return _problem("edge", f"{error}.", remedy)
    return Finding(Level.OK, "edge", "It confirms purges.")


def _valkey(name: str, client: Redis) -> Iterator[Finding]:
    try:
        began = time.time()
        seconds, microseconds = cast("tuple[int, int]", client.time())
        now = (began + time.time()) / 2
        said = cast("Mapping[str, Any]", client.info())
    except RedisError as error:
        setting = {"cache": "REDIS_URL", "broker": "CELERY_BROKER_URL"}[name]
        yield _problem(name, f"cannot be examined: {error}", f"Check its address and password in {setting}, and whether it runs.")
        return
    policy, most, used = said["maxmemory_policy"], said["maxmemory"], said["used_memory"]
    apart = abs(seconds + microseconds / 1e6 - now)
    problems = {
        f"It evicts keys that are no copies ({policy}).": (
            policy.startswith("allkeys"), "Set maxmemory-policy to volatile-lru or noeviction."),
        f"It uses {used >> 20} of {most >> 20} MB.": (most and used > FULL * most, "Raise maxmemory."),
        "It is a replica, which takes no writes.": (said["role"] != "master", "Name the primary in the settings."),
        f"Its clock differs from this machine's by {apart:.1f} s.": (apart > CLOCKS_DIFFER, "Let both keep time by NTP."),
    }  # fmt: skip
    found = [_problem(name, text, remedy) for text, (applies, remedy) in problems.items() if applies]
    yield from found
    if not said["aof_enabled"]:
        yield _advice(name, "It keeps nothing over a restart.", "Set appendonly to yes.")
    if not most:
        yield _advice(name, "It may take all memory of its machine.", "Set maxmemory.")
    if not found:
        version = said.get("valkey_version") or said["redis_version"]
        yield Finding(Level.OK, name, f"Version {version}, {used >> 20} MB used, {policy}.")


def _processes(heard: Heard | None) -> Iterator[Finding]:
    if heard is None:
        yield _problem("processes", "Nobody knows which are alive while the cache is away.", "Mend the cache first.")
        return
    for queue in (LIVE_QUEUE, RECORDS_QUEUE):
        if count := heard.serving(queue):
            yield Finding(Level.OK, "workers", f"{count} for {queue}.")
        else:
            yield _problem("workers", f"None takes tasks from {queue}.", "Start the worker of that queue (Procfile).")
    if heard.beat_seconds is None or heard.beat_seconds > BEAT_SILENT:
        yield _problem("beat", "It has not ticked for minutes.", "Start beat (Procfile), once in the whole shop.")
    else:
        yield Finding(Level.OK, "beat", f"Last ticked {heard.beat_seconds:.0f} s ago.")


def _problem(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Level.PROBLEM, subject, text, remedy)


def _advice(subject: str, text: str, remedy: str) -> Finding:
    return Finding(Level.ADVICE, subject, text, remedy)
