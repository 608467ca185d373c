"""The command line: `flask …`, with the same environment, speaks to the running system."""

import sys
from pathlib import Path
from typing import NoReturn, TextIO

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext
from flask_migrate import upgrade
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from app.contract.events import Actor
from app.contract.task_names import Effect
from app.core import Core
from app.domain.errors import NotFoundError
from app.domain.imports import ImportFileError
from app.services import imports
from app.services.authentication import ROLES, digest, hash_password, new_api_key
from app.store import users
from config import REPOSITORY

SHORTEST_PASSWORD = 8
DEMO_CATALOGUE = REPOSITORY / "demo" / "parts.csv"


def _fail(message: str) -> NoReturn:
    click.echo(message, err=True)
    sys.exit(1)


def _system(core: Core) -> Actor:
    with core.reading.connect() as connection:
        row = users.system(connection)
    return Actor(row.id, row.name)


def _import(core: Core, path: Path) -> None:
    def open_file() -> TextIO:
        return path.open(encoding="utf-8-sig", newline="")

    try:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("Checking", total=None)
            total = imports.check(core.reading, open_file)
            bar.update(task, description="Importing", total=total)
            report = imports.import_parts(
                core.transactions, core.reading, _system(core), open_file, lambda rows: bar.advance(task, rows)
            )
    except ImportFileError as error:
        _fail(f"{path}: nothing was imported.\n" + "\n".join(f"  {one}" for one in error.errors))
    core.wake_ups.send_now(Effect)
    click.echo(f"{report.created} created, {report.changed} changed, {report.unchanged} unchanged")


def _core() -> Core:
    core: Core = current_app.extensions["lockstep"]
    return core


@click.command("prepare")
@with_appcontext
def prepare() -> None:
    """Bring the database up to date; the first time, add an administrator and the demo catalogue."""
    core = _core()
    upgrade(directory=str(REPOSITORY / "migrations"))
    if core.settings.production:
        return
    if not users.has_administrator(core.reading):
        password = hash_password(core.settings.admin_password)
        users.create_user(core.engine, core.settings.admin_email, "Admin", password, "admin")
    if not imports.has_parts(core.reading):
        _import(core, DEMO_CATALOGUE)


@click.command("seed-demo")
@with_appcontext
def seed_demo() -> None:
    """Load the demo catalogue: about 3,000 real standard parts with invented prices and stock."""
    _import(_core(), DEMO_CATALOGUE)


@click.command("import-parts")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@with_appcontext
def import_parts(file: Path) -> None:
    """Import FILE, a CSV with the columns sku, part_name, description, category, price, currency, current_stock,
    min_stock_level; any other column becomes a specification. Nothing is applied if a row is wrong."""
    _import(_core(), file)


@click.command("export-parts")
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
@with_appcontext
def export_parts(file: TextIO) -> None:
    """Export the catalogue as a CSV that `import-parts` reads, to FILE or standard output."""
    click.echo(f"{imports.export_parts(_core().reading, file)} parts", err=True)


@click.command("create-user")
@click.argument("email")
@click.option("--name", default="", help="How the panel calls them; the address if left out.")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@with_appcontext
def create_user(email: str, name: str, role: str, password: str) -> None:
    """Create a member of staff, or give them a new password and role."""
    if "@" not in email:
        _fail(f"{email!r} is not an e-mail address")
    if len(password) < SHORTEST_PASSWORD:
        _fail(f"the password must have at least {SHORTEST_PASSWORD} characters")
    user_id = users.create_user(_core().engine, email, name or email, hash_password(password), role)
    click.echo(f"user {user_id}: {email}, {role}")


@click.command("create-api-key")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--user", "email", help="The member of staff that the key acts as; the system if left out.")
@with_appcontext
def create_api_key(name: str, role: str, email: str | None) -> None:
    """Create an API key and print it, once."""
    core = _core()
    user_id = _system(core).user_id
    if email is not None:
        user = users.by_email(core.reading, email)
        if user is None:
            _fail(f"there is no user {email!r}; create one with `flask create-user`")
        user_id = user.id
    key = new_api_key()
    users.create_key(core.engine, name, digest(key), role, user_id)
    click.echo(key)


sync = AppGroup("sync", help="The synchronisation: status, replay, reconcile.")


@sync.command("status")
def sync_status() -> None:
    """Show per effect what is owed and how fast it goes."""
    report = _core().operations.status()
    table = Table("effect", "pending", "oldest (s)", "dead", "p50 (ms)", "p95 (ms)", "p99 (ms)")
    for effect, row in report["effects"].items():
        latency = [str(row["latency_ms"][name] or "-") for name in ("p50", "p95", "p99")]
        table.add_row(effect, str(row["pending"]), str(row["oldest_age_seconds"]), str(row["dead"]), *latency)
    Console().print(table)
    last = report["last_reconciliation"]
    click.echo(f"last reconciliation: {last['finished_at']}, found {last['found']}" if last else "no reconciliation yet")


@sync.command("replay")
@click.option("--event", "event_id", type=int, help="Only this event's; all if left out.")
@click.option("--effect", type=click.Choice([str(effect) for effect in Effect]))
def sync_replay(event_id: int | None, effect: str | None) -> None:
    """Try dead deliveries again."""
    core = _core()
    try:
        count = core.operations.replay_all() if event_id is None else core.operations.replay(event_id, effect)
    except NotFoundError as error:
        _fail(error.detail)
    core.wake_ups.send_now(Effect)
    click.echo(f"{count} made due again")


@sync.command("reconcile")
@click.option("--dry-run", is_flag=True, help="Say what would be repaired.")
def sync_reconcile(*, dry_run: bool) -> None:
    """Compare the truth with its copies and repair what differs."""
    for name, value in _core().operations.reconcile(dry_run=dry_run).items():
        click.echo(f"{name}: {value}")


COMMANDS = (prepare, seed_demo, import_parts, export_parts, create_user, create_api_key, sync)


def register(app: Flask) -> None:
    """Add the commands to `app`."""
    for command in COMMANDS:
        app.cli.add_command(command)
