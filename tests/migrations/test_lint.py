"""Squawk reads what each migration from revision 0010 on executes, and finds what would keep a shop that is used waiting."""

import json
import subprocess
import sys
from pathlib import Path

from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from sqlalchemy import Connection, Engine, event

from config import REPOSITORY
from tests.migrations.test_migrations import migrate, scratch

__all__ = ["scratch"]

FIRST_LINTED = "0010"
EXCLUDED = {
    "prefer-text-field": "a length that the API promises is kept by the column",
    "require-lock-timeout": "migrations/env.py sets it",
    "require-statement-timeout": "migrations/env.py: a backfill may take long; what it locks is released by each batch",
    "prefer-robust-stmts": "a migration without autocommit blocks is one transaction; those with are stopped in a test",
}
ALLOWED = {
    "0013": {"ban-drop-function": "nothing called it but functions that the same transaction replaces"},
    "0019": {
        "ban-drop-constraint": "only the one of its own that an earlier attempt may have left",
        "changing-column-type": "of a table of one row",
    },
    "0033": {"ban-drop-constraint": "another takes its place that allows one more state"},
    "0034": {
        "ban-drop-constraint": "another takes its place that allows one more state, or an earlier attempt has left it",
        "prefer-bigint-over-int": "the type of the key that it refers to, and a count of what one file changed",
    },
    "0040": {"prefer-bigint-over-int": "the type of the key that it refers to"},
    "0046": {"prefer-bigint-over-int": "the type of the key that it refers to"},
    "0047": {"prefer-bigint-over-int": "the type of the key that it refers to, and counts of parts"},
    "0048": {
        "ban-drop-constraint": "only the one of its own that an earlier attempt may have left",
        "prefer-bigint-over-int": "the type of the key that it refers to",
    },
    "0031": {"ban-drop-constraint": "the same statement puts a wider one in its place"},
}
SQUAWK = Path(sys.executable).with_name("squawk")


def findings(statements: list[tuple[str, bool]]) -> list[str]:
    """Return what Squawk says of statements, each with whether it was executed in a transaction."""
    found = []
    for is_in_transaction in (True, False):
        sql = "\n;\n".join(statement for statement, inside in statements if inside is is_in_transaction)
        command = [SQUAWK, "--reporter", "json", "--pg-version", "18.0", "--exclude", ",".join(EXCLUDED)]
        command += ["--assume-in-transaction"] if is_in_transaction else []
        said = subprocess.run(command, input=sql, capture_output=True, text=True, check=False)
        found += [
            f"{one['rule_name']}: {one['message']} ({sql.splitlines()[one['line']].strip()})" for one in json.loads(said.stdout)
        ]
    return found


def executed(engine: Engine, revision: str) -> list[tuple[str, bool]]:
    """Upgrade to a revision and return its statements, each with whether it was executed in a transaction."""
    statements = []

    def keep(connection: Connection, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        # As PostgreSQL sees them: a parameter has a value, and a doubled percent sign is one.
        plain = statement % dict.fromkeys(parameters, "NULL") if isinstance(parameters, dict) else statement.replace("%%", "%")
        driver = connection.connection.dbapi_connection
        assert driver is not None
        # Not `get_isolation_level`, which the server answers: it knows no autocommit.
        statements.append((plain, not driver.autocommit))

    event.listen(engine, "before_cursor_execute", keep)
    try:
        migrate(engine, "up", revision)
    finally:
        event.remove(engine, "before_cursor_execute", keep)
    ours = ("SET ", "SHOW ", "SELECT ", "UPDATE alembic_version", "show ", "select ")
    return [(statement, inside) for statement, inside in statements if not statement.lstrip().startswith(ours)]


def revisions() -> list[Script]:
    """Return the revisions from the first linted one on, oldest first."""
    configuration = Config()
    configuration.set_main_option("script_location", str(REPOSITORY / "migrations"))
    found = list(ScriptDirectory.from_config(configuration).iterate_revisions("head", FIRST_LINTED, inclusive=True))
    return [script for script in reversed(found) if isinstance(script, Script)]


def test_no_migration_keeps_anybody_waiting(scratch: Engine) -> None:
    first, *_others = linted = revisions()
    migrate(scratch, "up", str(first.down_revision))
    for script in linted:
        statements = executed(scratch, script.revision)
        assert statements
        allowed = ALLOWED.get(script.revision, {})
        assert [one for one in findings(statements) if one.split(":")[0] not in allowed] == [], script.revision


def test_what_would_keep_others_waiting_is_found() -> None:
    in_transaction = "ALTER TABLE parts ADD COLUMN token uuid DEFAULT gen_random_uuid() NOT NULL"
    by_itself = "CREATE INDEX ix_parts_made ON parts (created_at)"
    rules = {one.split(":")[0] for one in findings([(in_transaction, True), (by_itself, False)])}
    assert {"adding-field-with-default", "require-concurrent-index-creation"} <= rules
