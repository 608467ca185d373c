"""Which server the cache is, in which of its lives; and connections that notice when it is a different one.

A server's life ends with a restart (another run id) and with every promotion or resynchronisation (another replication id): after
that its data may predate invalidations that it had applied.
"""

from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.contract import cache_keys


class NotPrimaryError(RedisConnectionError):
    """The cache is a replica, which takes no writes"""


@dataclass(frozen=True, slots=True)
class Life:
    """One life of one server, as one installation and layout of keys sees it, and the epoch of its entries (empty if none)."""

    run_id: str
    replication_id: str
    names: str
    epoch: str

    @property
    def server(self) -> str:
        """The life's name. Whoever uses other keys in the same server does not see what was invalidated under these."""
        return f"{self.run_id}/{self.replication_id}/{self.names}"


def present_life(client: Redis, prefix: str) -> Life:
    """Ask the server for its identity, and for the epoch of the entries under `prefix`.

    Raises:
        RedisError: if it does not answer, or is a replica.
    """
    with client.pipeline(transaction=False) as pipeline:
        pipeline.info("server", "replication")
        pipeline.get(prefix + cache_keys.EPOCH)
        server, epoch = pipeline.execute()
    if server["role"] != "master":
        raise NotPrimaryError(f"the cache at hand is a {server['role']}, not a primary")
    names = prefix + cache_keys.LAYOUT
    return Life(str(server["run_id"]), str(server["master_replid"]), names, (epoch or b"").decode())


class ServerCheck:
    """Makes new connections ask for the server's identity, and drops those to any but the expected one.

    Pass it as a pool's `redis_connect_func`. A connection never outlives the server's run, so asking once is enough.
    """

    def __init__(self) -> None:
        self.run_id: str | None = None

    def __call__(self, connection: Any) -> None:
        """Open the connection as usual, and check the other end."""
        connection.on_connect()
        if self.run_id is None:
            return
        connection.send_command("INFO", "server")
        if f"run_id:{self.run_id}".encode() not in bytes(connection.read_response()):
            raise RedisConnectionError("the cache at hand is not the one that was proven fresh")
