"""The synchronisation: status, trace, replay, reconcile."""

import click
from flask.cli import AppGroup
from rich.console import Console
from rich.table import Table

from app.commands import console
from app.contract.task_names import Effect
from app.domain.errors import NotFoundError
from app.services.intent import Intent

# Events of one request that `trace` shows.
TRACED = 50
# Findings, and differing fields of each, that `status` shows.
SHOWN = 5

sync = AppGroup("sync", help="The synchronisation: status, trace, replay, reconcile.")


@sync.command("status")
def sync_status() -> None:
    """Show, for each effect, the backlog and the delivery latency."""
    report = console.container().sync_control.status()
    table = Table("effect", "pending", "oldest (s)", "retries", "failures", "dead", "p50 (ms)", "p95 (ms)", "p99 (ms)")
    for effect, row in report["effects"].items():
        latency = [str(row["latency_ms"][name] or "-") for name in ("p50", "p95", "p99")]
        figures = [str(row[name]) for name in ("pending", "oldest_age_seconds", "retries", "failures", "dead")]
        table.add_row(effect, *figures, *latency)
    Console().print(table)
    click.echo(f"failures and latencies are of the last {report['window_seconds'] // 60} minutes")
    if report["workers"] is None:
        click.echo("not known which workers are alive: the cache is away")
    else:
        alive = [f"{worker['name']} ({', '.join(worker['queues'])})" for worker in report["workers"]]
        click.echo(f"workers alive: {', '.join(alive) or 'none'}")
        ticked = report["beat_last_tick_seconds"]
        click.echo("no tick of beat's in a day" if ticked is None else f"last tick of beat's: {ticked:.0f} s ago")
    last = report["last_reconciliation"]
    click.echo(f"last reconciliation: {last['finished_at']}, found {last['found']}" if last else "no reconciliation yet")
    for kind, found in report["drift"]["kinds"].items():
        repeating = ", and keeps coming back" if found["repeating"] else ""
        click.echo(f"{kind}: found {found['found']} times in a day, last at {found['last_found_at']}{repeating}")
    for one in report["drift"]["latest"][:SHOWN]:
        fields = ", ".join(f"{d['field']} said {d['found']!r} instead of {d['expected']!r}" for d in one["differences"][:SHOWN])
        click.echo(f"{one['found_at']} {one['kind']} of {one['subject']} in {one['process']}: {fields}")


@sync.command("trace")
@click.argument("event_or_request", metavar="EVENT|REQUEST")
def sync_trace(event_or_request: str) -> None:
    """Show what became of a change: of an event (one of X-Event-IDs), or of all that a request (X-Request-ID) caused."""
    try:
        journeys = console.container().sync_control.journeys(event_or_request, TRACED)
    except NotFoundError as error:
        console.fail(error.detail)
    for journey in journeys:
        by = journey["actor"]["name"] if journey["actor"] else "somebody unknown"
        what = f"{journey['type']} of {journey['aggregate_type']} {journey['aggregate_id']}, version {journey['version']}"
        click.echo(f"event {journey['event_id']}: {what}")
        click.echo(f"  {journey['committed_at']}  committed by {by} in request {journey['request_id'] or 'none'}")
        # What is not done yet comes last.
        for effect, one in sorted(journey["effects"].items(), key=lambda item: (item[1]["done_at"] is None, item[1]["done_at"])):
            for failure in one["failures"]:
                click.echo(f"  {failure['at']}  {effect} failed, attempt {failure['attempt']}: {failure['error']}")
            told = f", {journey['pages']} pages told" if effect == Effect.BROADCAST and journey["pages"] is not None else ""
            when = (
                f"{one['done_at']}  {effect} done after {one['ms']} ms" if one["done_at"] else f"{'':27}  {effect} {one['state']}"
            )
            click.echo(f"  {when}, {one['attempts']} attempts{told}")
    if len(journeys) == TRACED:
        click.echo(f"only the first {TRACED} are shown")


@sync.command("replay")
@click.option("--event", "event_id", type=int, help="Only this event's deliveries; all by default.")
@click.option("--effect", type=click.Choice([str(effect) for effect in Effect]))
def sync_replay(event_id: int | None, effect: str | None) -> None:
    """Retry dead deliveries."""
    container = console.container()
    try:
        count = container.sync_control.replay(Intent(console.system(container)), event_id, effect)
    except NotFoundError as error:
        console.fail(error.detail)
    container.wake_ups.send_now(Effect)
    click.echo(f"{count} made due again")


@sync.command("reconcile")
@click.option("--dry-run", is_flag=True, help="Only report what would be repaired.")
def sync_reconcile(*, dry_run: bool) -> None:
    """Compare PostgreSQL with every copy of its data and repair the differences."""
    container = console.container()
    for name, value in container.sync_control.reconcile(Intent(console.system(container)), dry_run=dry_run).items():
        click.echo(f"{name}: {value}")
