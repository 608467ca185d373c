"""Staff accounts and API keys."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import click
from flask.cli import with_appcontext

from app.commands import console
from app.domain.errors import LockstepError
from app.domain.passwords import normal_email
from app.services import staff
from app.services.authentication import ROLES, SCOPES
from app.store import users


@contextmanager
def _failures_said() -> Iterator[None]:
    """Exit with the error's message if the block fails."""
    try:
        yield
    except LockstepError as error:
        console.fail(error.detail)


def _duration(_context: click.Context, _parameter: click.Parameter, typed: str | None) -> timedelta | None:
    if typed is None:
        return None
    found = re.fullmatch(r"([1-9][0-9]{0,4})([mhd])", typed)
    if found is None:
        raise click.BadParameter("give a number with m, h or d, such as 90d")
    return timedelta(**{{"m": "minutes", "h": "hours", "d": "days"}[found[2]]: int(found[1])})


@click.command("create-user")
@click.argument("email")
@click.option("--name", default="", help="Name shown in the panel; defaults to the address.")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@with_appcontext
def create_user(email: str, name: str, role: str, password: str) -> None:
    """Create a member of staff, or give them a new password and role."""
    container = console.container()
    with _failures_said():
        user_id = staff.create_user(container.transactions, console.system(container), email, name or email, password, role)
    click.echo(f"user {user_id}: {email}, {role}")


@click.command("set-password")
@click.argument("email")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@with_appcontext
def set_password(email: str, password: str) -> None:
    """Change a staff member's password; they are logged out everywhere."""
    container = console.container()
    with _failures_said():
        staff.set_password(container.transactions, console.system(container), email, password)
    click.echo(f"{email} has another password")


@click.command("set-role")
@click.argument("email")
@click.argument("role", type=click.Choice(ROLES))
@with_appcontext
def set_role(email: str, role: str) -> None:
    """Change a staff member's role; they are logged out everywhere. Their API keys keep their own roles."""
    container = console.container()
    with _failures_said():
        staff.set_role(container.transactions, console.system(container), email, role)
    click.echo(f"{email} has the role {role}")


@click.command("deactivate-user")
@click.argument("email")
@with_appcontext
def deactivate_user(email: str) -> None:
    """Lock a staff member out at once and revoke their sessions and keys for good; `activate-user` lets them log in again."""
    container = console.container()
    with _failures_said():
        staff.deactivate_user(container.transactions, console.system(container), email)
    click.echo(f"{email} is deactivated")


@click.command("activate-user")
@click.argument("email")
@with_appcontext
def activate_user(email: str) -> None:
    """Let a deactivated staff member log in again. Their old sessions and keys stay revoked."""
    container = console.container()
    with _failures_said():
        staff.activate_user(container.transactions, console.system(container), email)
    click.echo(f"{email} is active")


@click.command("disable-second-factor")
@click.argument("email")
@with_appcontext
def disable_second_factor(email: str) -> None:
    """Take away the second factor and the passkeys of whoever lost them; they are logged out everywhere. Their password stays."""
    container = console.container()
    with _failures_said():
        staff.disable_second_factor(container.transactions, console.system(container), email)
    click.echo(f"{email} logs in with the password alone")


@click.command("create-api-key")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, help="Limits the key within its role; repeatable.")
@click.option("--expires-in", "lasts", callback=_duration, metavar="TIME", help="Such as 90d, 12h or 30m; default: never.")
@click.option("--user", "email", help="The staff member the key acts as; defaults to the system user.")
@with_appcontext
def create_api_key(name: str, role: str, scopes: tuple[str, ...], lasts: timedelta | None, email: str | None) -> None:
    """Create an API key and print it, once."""
    container = console.container()
    actor = console.system(container)
    user_id = actor.user_id
    if email is not None:
        user = users.by_email(container.reading, normal_email(email))
        if user is None:
            console.fail(f"there is no user {email!r}; create one with `flask create-user`")
        if ROLES.index(role) > ROLES.index(user.role):
            console.fail(f"a key can do no more than whom it acts as, and {email} is a {user.role}; choose --role {user.role}")
        user_id = user.id
    ends = datetime.now(UTC) + lasts if lasts else None
    click.echo(staff.create_key(container.transactions, actor, name, role, user_id, scopes=scopes or None, expires_at=ends))


@click.command("revoke-api-key")
@click.argument("name_or_id")
@with_appcontext
def revoke_api_key(name_or_id: str) -> None:
    """Revoke an API key, by its name or id."""
    container = console.container()
    with _failures_said():
        key_id = staff.revoke_key(container.transactions, console.system(container), name_or_id)
    click.echo(f"API key {key_id} is revoked")
