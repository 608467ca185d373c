"""Catalogue files: import, export, the demo."""

import time
from functools import partial
from pathlib import Path
from typing import TextIO

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.commands import console
from app.contract.effects import LIVE
from app.core import Core
from app.domain.currencies import CURRENCIES
from app.domain.errors import DatabaseConsistencyError
from app.domain.imports.rows import ImportFileError
from app.services import exports
from app.services.imports import passes
from app.services.imports.difference import ImportReport
from app.services.imports.files import ENCODINGS, open_text
from config import REPOSITORY

# Seconds that a chunk waits for its invalidations.
PATIENCE = 5.0
DEMO_CATALOGUE = REPOSITORY / "demo" / "parts.csv"


def import_file(
    core: Core, path: Path, encoding: str | None = None, currency: str | None = None, *, dry_run: bool = False
) -> None:
    """Import a CSV file with a progress bar; end with its errors if it has any."""
    default = currency or passes.only_currency(core.reading)

    def open_file() -> TextIO:
        return open_text(path.open("rb"), encoding, default)

    # Nobody waits for a chunk; what is not confirmed has to be done again by others.
    core.consistency.patience = PATIENCE
    began = time.monotonic()
    try:
        report = _import_with_bar(core, path, open_file, dry_run=dry_run)
    except ImportFileError as error:
        more = f"\n  … and {error.count - len(error.errors)} more" if error.count > len(error.errors) else ""
        console.fail(f"{path}: nothing was imported.\n" + "\n".join(f"  {one}" for one in error.errors) + more)
    except DatabaseConsistencyError as error:
        console.fail(f"{path}: cut off: {error} What is imported stays; import the file again, which leaves that alone.")
    done = f"{report.created} created, {report.changed} changed, {report.unchanged} unchanged"
    if dry_run:
        click.echo(f"would be: {done}; nothing was written")
        return
    core.wake_ups.send_now(LIVE)
    seconds = time.monotonic() - began
    rows = report.created + report.changed + report.unchanged
    click.echo(f"{done}; {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} a second")


def _import_with_bar(core: Core, path: Path, open_file: passes.Open, *, dry_run: bool) -> ImportReport:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Checking", total=None)
        total = passes.check(core.reading, open_file, lambda rows: bar.advance(task, rows))
        bar.update(task, description="Comparing" if dry_run else "Importing", total=total, completed=0)
        actor, advance = console.system(core), partial(bar.advance, task)
        if dry_run:
            return passes.rehearse(core.transactions, actor, open_file, advance)
        return passes.apply(core.transactions, actor, open_file, f"import: {path.name}", advance)


@click.command("seed-demo")
@with_appcontext
def seed_demo() -> None:
    """Load the demo catalogue: about 3,000 real standard parts with invented prices and stock."""
    import_file(console.core(), DEMO_CATALOGUE)


@click.command("import-parts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done and what is wrong, and write nothing.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="The file's encoding, if it is neither UTF-8 nor marked.")
@click.option(
    "--currency",
    type=click.Choice(sorted(CURRENCIES)),
    metavar="CODE",
    help="Of prices that state none; by default the shop's only one.",
)
@with_appcontext
def import_parts(file: Path, encoding: str | None, currency: str | None, *, dry_run: bool) -> None:
    """Import FILE, a CSV with the columns sku, part_name, slug, status, description, category, manufacturer,
    manufacturer_number, price, currency, current_stock, min_stock_level, of which the first two are required; any other column
    becomes a specification. Nothing is applied if a row is wrong."""
    import_file(console.core(), file, encoding, currency, dry_run=dry_run)


@click.command("export-parts")
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False), default="-")
@with_appcontext
def export_parts(file: TextIO) -> None:
    """Export the catalogue as a CSV that `import-parts` reads, to FILE or standard output."""
    click.echo(f"{exports.export_parts(console.core().reading, file)} parts", err=True)
