"""Prepares a database."""

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade

from app.commands import console
from app.commands.catalog import DEMO_CATALOG, import_file
from app.services import staff
from app.services.imports import passes
from app.store import reconciliation, users
from config import REPOSITORY


@click.command("prepare")
@with_appcontext
def prepare() -> None:
    """Bring the database up to date; the first time, add an administrator and the demo catalog."""
    container = console.container()
    upgrade(directory=str(REPOSITORY / "migrations"))
    # What a release that reads it otherwise has left, or the migration that keeps it.
    passes.read_specifications(container.reading)
    if container.settings.production:
        return
    with container.reading.connect() as connection:
        has_administrator = users.has_administrator(connection)
    if not has_administrator:
        email, password = container.settings.admin_email, container.settings.admin_password
        # On one's own machine any will do.
        staff.create_user(container.transactions, console.system(container), email, "Admin", password, "admin", may_be_weak=True)
    if not passes.has_parts(container.reading):
        # Noted, so that the time until the shop is started is not taken for how long it needs to tell of a change.
        run = reconciliation.begin_run(container.engine, "fill", dry_run=False)
        import_file(container, DEMO_CATALOG)
        reconciliation.finish_run(container.engine, run, {})
