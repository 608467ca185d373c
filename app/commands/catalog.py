"""Catalog files: import, export, the demo."""

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TextIO

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from app.commands import console
from app.container import Container
from app.contract.effects import LIVE
from app.domain.currencies import CURRENCIES
from app.domain.errors import DatabaseConsistencyError
from app.domain.imports.columns import KNOWN, Why
from app.domain.imports.errors import ImportFileError, RowError
from app.domain.imports.options import NO_OPTIONS, SEPARATORS, Options, mapping_of
from app.services import exports
from app.services.imports import passes
from app.services.imports.difference import ImportReport
from app.services.imports.files import ENCODINGS, open_text
from config import REPOSITORY

# Seconds that a chunk waits for its invalidations.
PATIENCE = 5.0
DEMO_CATALOG = REPOSITORY / "demo" / "parts.csv"


def import_file(
    container: Container, path: Path, encoding: str | None = None, options: Options = NO_OPTIONS, *, dry_run: bool = False,
    show_columns: bool = False,
) -> None:  # fmt: skip
    """Import a CSV file with a progress bar; end with its errors if it has any."""
    default = options.currency or container.settings.currency or passes.only_currency(container.reading)
    options = replace(options, currency=default)

    def open_file() -> TextIO:
        return open_text(path.open("rb"), encoding)

    # Nobody waits for a chunk; what is not confirmed has to be done again by others.
    container.consistency.patience = PATIENCE
    began = time.monotonic()
    notices: list[RowError] = []
    try:
        report, columns = _import_with_bar(container, path, open_file, options, notices.append, dry_run=dry_run)
    except ImportFileError as error:
        more = f"\n  … and {error.count - len(error.errors)} more" if error.count > len(error.errors) else ""
        errors = "\n".join(f"  {one}" for one in error.errors)
        undecided = [f"--ignore {quote(one['name'])}" for one in error.columns if one["became"] == Why.UNDECIDED]
        remedy = f"\nTo leave them out: {' '.join(undecided)}" if undecided else ""
        console.fail(f"{path}: nothing was imported.\n{_shown(error.columns)}{errors}{more}{remedy}")
    except DatabaseConsistencyError as error:
        console.fail(f"{path}: cut off: {error} What is imported stays; import the file again, which leaves that alone.")
    if show_columns:
        click.echo(_shown(columns), nl=False)
    for notice in notices[: passes.MAX_ERRORS]:
        click.echo(f"{path}: {notice}", err=True)
    if len(notices) > passes.MAX_ERRORS:
        click.echo(f"  … and {len(notices) - passes.MAX_ERRORS} more", err=True)
    done = f"{report.created} created, {report.changed} changed, {report.unchanged} unchanged"
    if dry_run:
        click.echo(f"would be: {done}; nothing was written")
        return
    container.wake_ups.send_now(LIVE)
    seconds = time.monotonic() - began
    rows = report.created + report.changed + report.unchanged
    click.echo(f"{done}; {rows:,} rows in {seconds:.1f} s, {rows / seconds:,.0f} a second")


def _shown(columns: Sequence[dict[str, str]]) -> str:
    """Return what became of each column, a line each."""
    details = [f" ({one['detail']})" if one["detail"] else "" for one in columns]
    lines = [f"  {one['name'] or '(no name)'} -> {one['became']}{more}" for one, more in zip(columns, details, strict=True)]
    return "\n".join(["columns:", *lines, ""]) if lines else ""


def _import_with_bar(
    container: Container, path: Path, open_file: passes.Open, options: Options, notice: passes.Notice, *, dry_run: bool
) -> tuple[ImportReport, Sequence[dict[str, str]]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("Checking", total=None)
        total, found = passes.check(container.reading, open_file, lambda rows: bar.advance(task, rows), options, notice)
        bar.update(task, description="Comparing" if dry_run else "Importing", total=total, completed=0)
        actor, advance = console.system(container), partial(bar.advance, task)
        if dry_run:
            return passes.rehearse(container.transactions, actor, open_file, found.layout, advance), found.columns
        report = passes.apply(container.transactions, container.reading, actor, open_file, found.layout, path.name, advance)
        return report, found.columns


@click.command("seed-demo")
@with_appcontext
def seed_demo() -> None:
    """Load the demo catalog: about 3,000 real standard parts with invented prices and stock."""
    import_file(console.container(), DEMO_CATALOG)


@click.command("import-parts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would be done and what is wrong, and write nothing.")
@click.option("--encoding", type=click.Choice(ENCODINGS), help="The file's encoding, if it is neither UTF-8 nor marked.")
@click.option(
    "--currency",
    type=click.Choice(sorted(CURRENCIES)),
    metavar="CODE",
    help="Of prices that state none; by default the shop's (LOCKSTEP_CURRENCY), or its only one.",
)
@click.option("--category-separator", type=click.Choice(SEPARATORS), help="Of a category's levels, if the file does not show it.")
@click.option("--ignore", multiple=True, metavar="NAME", help="A column that is not read. May be repeated.")
@click.option("--as-specification", multiple=True, metavar="NAME", help="A column that customers may see. May be repeated.")
@click.option("--map", "mapping", multiple=True, metavar="FIELD=NAME", help="A field, and the column for it. May be repeated.")
@with_appcontext
def import_parts(
    file: Path, encoding: str | None, currency: str | None, category_separator: str | None, ignore: tuple[str, ...],
    as_specification: tuple[str, ...], mapping: tuple[str, ...], *, dry_run: bool,
) -> None:  # fmt: skip
    """Import FILE, a CSV with the columns sku, part_name, slug, status, description, category, manufacturer,
    manufacturer_number, price, currency, current_stock, min_stock_level, of which the first two are required; any other column
    becomes a specification, unless its name says that it decides something. Nothing is applied if a row is wrong."""
    if wrong := next((one for one in mapping if one.partition("=")[0].strip() not in KNOWN or "=" not in one), None):
        raise click.BadParameter(f"{wrong!r} is not FIELD=NAME with one of {', '.join(KNOWN)}.", param_hint="--map")
    options = Options(currency, category_separator, ignore, as_specification, mapping_of(mapping))
    import_file(console.container(), file, encoding, options, dry_run=dry_run, show_columns=True)


@click.command("export-parts")
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False), default="-")
@with_appcontext
def export_parts(file: TextIO) -> None:
    """Export the catalog as a CSV that `import-parts` reads, to FILE or standard output."""
    click.echo(f"{exports.export_parts(console.container().reading, file)} parts", err=True)
