"""Making a database ready."""

import click
from flask.cli import with_appcontext
from flask_migrate import upgrade

from app.commands import console
from app.commands.catalogue import DEMO_CATALOGUE, import_file
from app.services import staff
from app.services.imports import passes
from app.store import users
from config import REPOSITORY


@click.command("prepare")
@with_appcontext
def prepare() -> None:
    """Bring the database up to date; the first time, add an administrator and the demo catalogue."""
    core = console.core()
    upgrade(directory=str(REPOSITORY / "migrations"))
    if core.settings.production:
        return
    if not users.has_administrator(core.reading):
        email, password = core.settings.admin_email, core.settings.admin_password
        staff.create_user(core.transactions, console.system(core), email, "Admin", password, "admin")
    if not passes.has_parts(core.reading):
        import_file(core, DEMO_CATALOGUE)
