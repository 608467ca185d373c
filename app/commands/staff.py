"""Members of staff, and the keys of machines."""

import click
from flask.cli import with_appcontext

from app.commands import console
from app.domain.errors import LockstepError
from app.services import staff
from app.services.authentication import ROLES
from app.store import users

MIN_PASSWORD_LENGTH = 8


@click.command("create-user")
@click.argument("email")
@click.option("--name", default="", help="How the panel calls them; the address if left out.")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@with_appcontext
def create_user(email: str, name: str, role: str, password: str) -> None:
    """Create a member of staff, or give them a new password and role."""
    if "@" not in email:
        console.fail(f"{email!r} is not an e-mail address")
    if len(password) < MIN_PASSWORD_LENGTH:
        console.fail(f"the password must have at least {MIN_PASSWORD_LENGTH} characters")
    container = console.container()
    user_id = staff.create_user(container.transactions, console.system(container), email, name or email, password, role)
    click.echo(f"user {user_id}: {email}, {role}")


@click.command("deactivate-user")
@click.argument("email")
@with_appcontext
def deactivate_user(email: str) -> None:
    """Keep a member of staff out at once, with their sessions and keys; `create-user` lets them in again."""
    container = console.container()
    try:
        staff.deactivate_user(container.transactions, console.system(container), email)
    except LockstepError as error:
        console.fail(error.detail)
    click.echo(f"{email} is deactivated")


@click.command("create-api-key")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--user", "email", help="The member of staff that the key acts as; the system if left out.")
@with_appcontext
def create_api_key(name: str, role: str, email: str | None) -> None:
    """Create an API key and print it, once."""
    container = console.container()
    actor = console.system(container)
    user_id = actor.user_id
    if email is not None:
        user = users.by_email(container.reading, email)
        if user is None:
            console.fail(f"there is no user {email!r}; create one with `flask create-user`")
        user_id = user.id
    click.echo(staff.create_key(container.transactions, actor, name, role, user_id))


@click.command("revoke-api-key")
@click.argument("name_or_id")
@with_appcontext
def revoke_api_key(name_or_id: str) -> None:
    """Make an API key worthless from now on, by its name or id."""
    container = console.container()
    try:
        key_id = staff.revoke_key(container.transactions, console.system(container), name_or_id)
    except LockstepError as error:
        console.fail(error.detail)
    click.echo(f"API key {key_id} is revoked")
