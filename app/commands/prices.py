"""Prices: migration from the legacy table to price lists."""

import click
from flask.cli import with_appcontext

from app.commands import console
from app.contract.task_names import Effect
from app.services import legacy_prices


@click.command("move-prices")
@click.option("--dry-run", is_flag=True, help="Only report what would be done.")
@with_appcontext
def move_prices(*, dry_run: bool) -> None:
    """Move every price from the legacy table into its part's price list. What customers see does not change; idempotent."""
    container = console.container()
    done = legacy_prices.move_prices(container.transactions, container.reading, console.system(container), dry_run=dry_run)
    container.wake_ups.send_now(Effect)
    click.echo(f"{done.moved} moved, {done.shadowed} shadowed, {len(done.kept)} kept")
    for part_id in done.kept:
        click.echo(f"part {part_id} keeps its legacy price: as a line of the list it would change what is shown at some moment")
