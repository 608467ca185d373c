"""Members of staff, and the keys of machines."""

import click
from flask.cli import with_appcontext

from app.commands import console
from app.services.authentication import ROLES, digest, hash_password, new_api_key
from app.store import users

SHORTEST_PASSWORD = 8


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
    if len(password) < SHORTEST_PASSWORD:
        console.fail(f"the password must have at least {SHORTEST_PASSWORD} characters")
    user_id = users.create_user(console.core().engine, email, name or email, hash_password(password), role)
    click.echo(f"user {user_id}: {email}, {role}")


@click.command("create-api-key")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--user", "email", help="The member of staff that the key acts as; the system if left out.")
@with_appcontext
def create_api_key(name: str, role: str, email: str | None) -> None:
    """Create an API key and print it, once."""
    core = console.core()
    user_id = console.system(core).user_id
    if email is not None:
        user = users.by_email(core.reading, email)
        if user is None:
            console.fail(f"there is no user {email!r}; create one with `flask create-user`")
        user_id = user.id
    key = new_api_key()
    users.create_key(core.engine, name, digest(key), role, user_id)
    click.echo(key)
