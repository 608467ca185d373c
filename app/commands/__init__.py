"""The command line: `flask …`, run with the same environment, works on the running system."""

from flask import Flask

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

COMMANDS = (
    prepare, doctor, seed_demo, import_parts, export_parts, move_prices, create_user, set_password, set_role, deactivate_user,
    activate_user, disable_second_factor, create_api_key, revoke_api_key, audit, sync, search_synonyms,
)  # fmt: skip


def register(app: Flask) -> None:
    """Add the commands to `app`."""
    for command in COMMANDS:
        app.cli.add_command(command)
