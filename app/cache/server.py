"""Which server the cache is, in which of its lives; and connections that notice when it is a different one.

A server's life ends with a restart (another run id) and with every promotion or resynchronisation (another replication id): after
that its data may predate invalidations that it had applied.
"""

import re
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from app.contract import cache_keys

_SAID = re.compile(rb"^(run_id|role|master_replid):([^\r]*)", re.MULTILINE)


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

    Past the client, as scripts are run: it would turn all that the server says of itself into numbers, several times a second.

    Raises:
        RedisError: if it does not answer, or is a replica.
    """
    pool = client.connection_pool
    connection: Any = pool.get_connection()
    try:
        asked = [("INFO", "server", "replication"), ("GET", prefix + cache_keys.EPOCH)]
        connection.send_packed_command(connection.pack_commands(asked))
        said, epoch = connection.read_response(), connection.read_response()
    except BaseException:
        # If the first answer was an error, the second is still to come, and must not be taken for somebody else's.
        connection.disconnect()
        raise
    finally:
        pool.release(connection)
    server = {name.decode(): value.decode() for name, value in _SAID.findall(said)}
    if server["role"] != "master":
        raise NotPrimaryError(f"the cache at hand is a {server['role']}, not a primary")
    return Life(server["run_id"], server["master_replid"], prefix + cache_keys.LAYOUT, (epoch or b"").decode())


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
