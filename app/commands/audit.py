"""The audit trail: checks that it is still what was written."""

import re

import click
from flask.cli import AppGroup

from app.commands import console
from app.store import audit_chain

_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")

audit = AppGroup("audit", help="The audit trail: verify that nobody has rewritten it.")


def _noted(_context: click.Context, _option: click.Parameter, value: str | None) -> tuple[int, str] | None:
    if value is None:
        return None
    found = _HEAD.fullmatch(value)
    if found is None:
        raise click.BadParameter("give ID:HASH as an earlier `flask audit verify` printed it")
    return int(found.group(1)), found.group(2)


@audit.command("verify")
@click.option("--from-head", "noted", callback=_noted, help="A head noted earlier, as ID:HASH: it must still be in the chain.")
def verify(noted: tuple[int, str] | None) -> None:
    """Recompute the hash chain. Keep the printed head somewhere else: only by checking against one (--from-head) can you detect
    that the whole chain was rewritten."""
    found = audit_chain.verify(console.container().reading, noted)
    click.echo(f"{found.length} rows in the chain")
    click.echo(f"head {found.head.last_id or 0}:{found.head.last_hash}")
    if found.broken:
        console.fail("BROKEN\n" + "\n".join(f"  {place}" for place in found.broken))
    click.echo("the chain holds")
