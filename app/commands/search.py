"""The search: what buyers say for what the catalog says."""

import csv
import sys

import click
from flask.cli import AppGroup

from app.commands import console
from app.domain.errors import LockstepError
from app.services import synonyms
from app.store import synonyms as rows

search_synonyms = AppGroup("search-synonyms", help="What buyers say for what the catalog says: list, add, remove.")
ONE_WAY = click.option("--one-way", is_flag=True, help="Only searches for TERM; else also searches for MEANS find TERM.")


@search_synonyms.command("list")
def list_synonyms() -> None:
    """Print every pair as CSV."""
    with console.container().reading.connect() as connection:
        csv.writer(sys.stdout, lineterminator="\n").writerows([("term", "means"), *rows.load(connection)])


@search_synonyms.command("add")
@click.argument("term")
@click.argument("means")
@ONE_WAY
def add(term: str, means: str, *, one_way: bool) -> None:
    """Let searches for TERM find MEANS as well, from the next search on."""
    container = console.container()
    try:
        added = synonyms.add_synonym(container.transactions, console.system(container), term, means, one_way=one_way)
    except LockstepError as error:
        console.fail(error.detail)
    click.echo(f"{added} added")


@search_synonyms.command("remove")
@click.argument("term")
@click.argument("means")
@ONE_WAY
def remove(term: str, means: str, *, one_way: bool) -> None:
    """Take a pair back."""
    container = console.container()
    removed = synonyms.remove_synonym(container.transactions, console.system(container), term, means, one_way=one_way)
    if not removed:
        console.fail(f"{term!r} does not mean {means!r}")
    click.echo(f"{removed} removed")
