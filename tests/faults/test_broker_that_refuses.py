"""A broker that answers, but refuses every write, as Valkey does on a full disk."""

from redis import Redis

from bench.system import System, wait_until
from tests.faults.inspection import complaints, pid, settled

WORKERS = ("worker-live", "worker")


def test_workers_outlive_a_broker_that_refuses_every_write_and_go_on_when_it_takes_them_again(system: System) -> None:
    assert system.stack is not None
    parts = system.make_parts(2)
    before = {name: pid(system, name) for name in WORKERS}
    with Redis(unix_socket_path=str(system.stack.settings.socket_directory / "valkey.sock")) as valkey:
        valkey.config_resetstat()
        valkey.config_set("min-replicas-to-write", 1)
        try:
            # Only workers send transactions: asking for tasks, and declaring their queues when they have connected anew.
            assert wait_until(lambda: _refused(valkey) > 2 * len(WORKERS))
            client = system.client()
            assert client.call("PUT", f"/admin/parts/{parts[0]}", {"part_name": "Renamed"}).status == 200
            client.close()
        finally:
            valkey.config_set("min-replicas-to-write", 0)
    settled(system)
    assert {name: pid(system, name) for name in WORKERS} == before
    assert complaints(system, parts, []) == []


def _refused(valkey: Redis) -> int:
    return int(valkey.info("errorstats").get("errorstat_EXECABORT", {}).get("count", 0))
