"""What the commands share: the wired container, the system actor, and a way to exit with a message."""

import sys
from typing import NoReturn

import click
from flask import current_app

from app.container import Container
from app.contract.events import Actor
from app.store import users


def container() -> Container:
    """Return the wired application."""
    wired: Container = current_app.extensions["lockstep"]
    return wired


def system(container: Container) -> Actor:
    """Return the actor to whom changes from the command line are attributed."""
    with container.reading.connect() as connection:
        row = users.system(connection)
    return Actor(row.id, row.name)


def fail(message: str) -> NoReturn:
    """Exit with a message and code 1."""
    click.echo(message, err=True)
    sys.exit(1)
