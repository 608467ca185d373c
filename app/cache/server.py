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
    """One life of one server, and the epoch of its entries (empty if it has none)."""

    run_id: str
    replication_id: str
    epoch: str

    @property
    def server(self) -> str:
        """The life's name."""
        return f"{self.run_id}/{self.replication_id}"


def present_life(client: Redis) -> Life:
    """Ask the server for its identity.

    Raises:
        RedisError: if it does not answer, or is a replica.
    """
    with client.pipeline(transaction=False) as pipeline:
        pipeline.info("server")
        pipeline.info("replication")
        pipeline.get(cache_keys.EPOCH)
        server, replication, epoch = pipeline.execute()
    if replication["role"] != "master":
        raise NotPrimaryError(f"the cache at hand is a {replication['role']}, not a primary")
    return Life(str(server["run_id"]), str(replication["master_replid"]), (epoch or b"").decode())


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
