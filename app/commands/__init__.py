"""The command line: `flask …`, run with the same environment, works on the running system."""

import sys
from types import TracebackType

import click
from flask import Flask
from flask_migrate import Migrate
from sqlalchemy.exc import DBAPIError, OperationalError

from app.commands.audit import audit
from app.commands.catalog import export_parts, import_parts, seed_demo
from app.commands.doctor import doctor
from app.commands.prepare import prepare
from app.commands.prices import move_prices
from app.commands.search import search_synonyms
from app.commands.staff import (
    activate_user,
    create_api_key,
    create_user,
    deactivate_user,
    disable_second_factor,
    revoke_api_key,
    set_password,
    set_role,
)
from app.commands.sync import sync
from app.extensions import db

COMMANDS = (
    prepare, doctor, seed_demo, import_parts, export_parts, move_prices, create_user, set_password, set_role, deactivate_user,
    activate_user, disable_second_factor, create_api_key, revoke_api_key, audit, sync, search_synonyms,
)  # fmt: skip

# By PostgreSQL's SQLSTATE: undefined_table, undefined_column, insufficient_privilege.
_OLD = "Its schema is not this code's. Run: flask --app wsgi db upgrade (or systemctl start lockstep-migrate@RELEASE)."
_REMEDIES = {
    "42P01": _OLD,
    "42703": _OLD,
    "42501": (
        "The role of {setting} may not do that. Run ops/postgresql/roles.sql as a superuser; migrations run as lockstep_owner"
        " (docs/production.md)."
    ),
}


def register(app: Flask) -> None:
    """Add the commands to `app`, those of Flask-Migrate included."""
    Migrate(app, db, directory="migrations")
    for command in COMMANDS:
        app.cli.add_command(command)


def explain_failures(setting: str) -> None:
    """Let a command end with what to mend instead of a traceback, if what the database says tells what that is.

    Args:
        setting: where the database's address comes from.
    """
    as_before = sys.excepthook

    def explain(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        reason = _reason(error, setting)
        if reason is None:
            as_before(kind, error, trace)
        else:
            click.echo(reason, err=True)

    sys.excepthook = explain


def _reason(error: BaseException, setting: str) -> str | None:
    """Return what is wrong with the deployment, and its remedy; None if this is an error of another kind."""
    if not isinstance(error, DBAPIError):
        return None
    if isinstance(error, OperationalError) and error.statement is None:
        remedy = f"Check the address, role and password in {setting}, and whether it runs."
    else:
        remedy = _REMEDIES.get(getattr(error.orig, "sqlstate", ""), "").format(setting=setting)
    return f"The database: {str(error.orig).strip()}\n{remedy}" if remedy else None
