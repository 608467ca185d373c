"""The synchronisation: status, replay, reconcile."""

import click
from flask.cli import AppGroup
from rich.console import Console
from rich.table import Table

from app.commands import console
from app.contract.task_names import Effect
from app.domain.errors import NotFoundError

sync = AppGroup("sync", help="The synchronisation: status, replay, reconcile.")


@sync.command("status")
def sync_status() -> None:
    """Show per effect what is owed and how fast it goes."""
    report = console.container().sync_control.status()
    table = Table("effect", "pending", "oldest (s)", "dead", "p50 (ms)", "p95 (ms)", "p99 (ms)")
    for effect, row in report["effects"].items():
        latency = [str(row["latency_ms"][name] or "-") for name in ("p50", "p95", "p99")]
        table.add_row(effect, str(row["pending"]), str(row["oldest_age_seconds"]), str(row["dead"]), *latency)
    Console().print(table)
    click.echo(f"latencies are of the last {report['window_seconds'] // 60} minutes")
    last = report["last_reconciliation"]
    click.echo(f"last reconciliation: {last['finished_at']}, found {last['found']}" if last else "no reconciliation yet")


@sync.command("replay")
@click.option("--event", "event_id", type=int, help="Only this event's; all if left out.")
@click.option("--effect", type=click.Choice([str(effect) for effect in Effect]))
def sync_replay(event_id: int | None, effect: str | None) -> None:
    """Try dead deliveries again."""
    container = console.container()
    try:
        count = container.sync_control.replay_all() if event_id is None else container.sync_control.replay(event_id, effect)
    except NotFoundError as error:
        console.fail(error.detail)
    container.wake_ups.send_now(Effect)
    click.echo(f"{count} made due again")


@sync.command("reconcile")
@click.option("--dry-run", is_flag=True, help="Say what would be repaired.")
def sync_reconcile(*, dry_run: bool) -> None:
    """Compare the truth with its copies and repair what differs."""
    for name, value in console.container().sync_control.reconcile(dry_run=dry_run).items():
        click.echo(f"{name}: {value}")
