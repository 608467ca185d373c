"""Says what would trouble this deployment."""

import sys

import click
from alembic.script import ScriptDirectory
from flask.cli import with_appcontext
from redis import Redis

from app.cache.client import WORKER_CACHE_TIMEOUT, cache_client
from app.commands import console
from app.services.doctor import Level, examine
from app.sync.heartbeats import Heartbeats
from config import REPOSITORY, Settings

COLOURS = {Level.OK: "green", Level.ADVICE: "yellow", Level.PROBLEM: "red"}


@click.command("doctor")
@with_appcontext
def doctor() -> None:
    """Look this deployment over, and say what to mend; exit with code 1 if there is a problem."""
    container = console.container()
    settings = container.settings
    clients = valkeys(settings)
    heartbeats = Heartbeats(clients["cache"], settings.prefix)
    heads = ScriptDirectory(str(REPOSITORY / "migrations")).get_heads()
    levels = set()
    for finding in examine(settings, container.reading, clients, heartbeats.heard, heads, container.edge):
        levels.add(finding.level)
        click.echo(f"{click.style(f'{finding.level:8}', fg=COLOURS[finding.level])} {finding.subject}: {finding.text}")
        if finding.remedy:
            click.echo(f"{'':8} → {finding.remedy}")
    sys.exit(Level.PROBLEM in levels)


def valkeys(settings: Settings) -> dict[str, Redis]:
    """Return clients of the cache and, if it is no RabbitMQ, of the broker."""
    clients = {"cache": cache_client(settings.redis_url, WORKER_CACHE_TIMEOUT)}
    if settings.celery_broker_url.startswith(("redis", "unix")):
        url = settings.celery_broker_url.replace("redis+socket://", "unix://", 1).replace("virtual_host=", "db=", 1)
        clients["broker"] = cache_client(url, WORKER_CACHE_TIMEOUT)
    return clients
