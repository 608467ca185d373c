"""The command line: `flask …`, with the same environment, speaks to the running system."""

from flask import Flask

from app.commands.catalogue import export_parts, import_parts, seed_demo
from app.commands.prepare import prepare
from app.commands.staff import create_api_key, create_user
from app.commands.sync import sync

COMMANDS = (prepare, seed_demo, import_parts, export_parts, create_user, create_api_key, sync)


def register(app: Flask) -> None:
    """Add the commands to `app`."""
    for command in COMMANDS:
        app.cli.add_command(command)
