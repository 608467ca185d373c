"""Catalogue files: import, export, the demo."""

from pathlib import Path
from typing import TextIO

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.commands import console
from app.contract.task_names import Effect
from app.core import Core
from app.domain.imports import ImportFileError
from app.services import imports
from config import REPOSITORY

DEMO_CATALOGUE = REPOSITORY / "demo" / "parts.csv"


def import_file(core: Core, path: Path) -> None:
    """Import a CSV file with a progress bar; end with its errors if it has any."""

    def open_file() -> TextIO:
        return path.open(encoding="utf-8-sig", newline="")

    try:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("Checking", total=None)
            total = imports.check(core.reading, open_file)
            bar.update(task, description="Importing", total=total)
            report = imports.import_parts(
                core.transactions, core.reading, console.system(core), open_file, lambda rows: bar.advance(task, rows)
            )
    except ImportFileError as error:
        console.fail(f"{path}: nothing was imported.\n" + "\n".join(f"  {one}" for one in error.errors))
    core.wake_ups.send_now(Effect)
    click.echo(f"{report.created} created, {report.changed} changed, {report.unchanged} unchanged")


@click.command("seed-demo")
@with_appcontext
def seed_demo() -> None:
    """Load the demo catalogue: about 3,000 real standard parts with invented prices and stock."""
    import_file(console.core(), DEMO_CATALOGUE)


@click.command("import-parts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def import_parts(file: Path) -> None:
    """Import FILE, a CSV with the columns sku, part_name, description, category, price, currency, current_stock,
    min_stock_level; any other column becomes a specification. Nothing is applied if a row is wrong."""
    import_file(console.core(), file)


@click.command("export-parts")
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
@with_appcontext
def export_parts(file: TextIO) -> None:
    """Export the catalogue as a CSV that `import-parts` reads, to FILE or standard output."""
    click.echo(f"{imports.export_parts(console.core().reading, file)} parts", err=True)
