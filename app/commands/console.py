"""What the commands share: the running system's parts, its own author, and a way to end with a message."""

import sys
from typing import NoReturn

import click
from flask import current_app

from app.container import Container
from app.contract.events import Actor
from app.store import users


def container() -> Container:
    """Return the wired parts of the application."""
    wired: Container = current_app.extensions["lockstep"]
    return wired


def system(container: Container) -> Actor:
    """Return the author of what is done from the command line."""
    with container.reading.connect() as connection:
        row = users.system(connection)
    return Actor(row.id, row.name)


def fail(message: str) -> NoReturn:
    """End with a message and exit code 1."""
    click.echo(message, err=True)
    sys.exit(1)
