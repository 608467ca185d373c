"""The cache's Lua scripts, run by digest.

Each begins with a shebang, so that a server which has become a replica refuses even those that only read.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

_FOLDER = Path(__file__).parent / "scripts"
NAMES = ("read", "fill", "invalidate", "read_list", "fill_list", "confirm", "release", "versions")


@dataclass(slots=True)
class Call:
    """What a script is called with. It may be called so again and again, and is encoded once."""

    name: str
    keys: list[str]
    arguments: list[Any]
    encoded: Sequence[bytes] | None = None


class Scripts:
    """Runs the scripts, loading them into a server that does not know them yet.

    Args:
        prefix: what every key begins with in the server.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._sources = {name: (_FOLDER / f"{name}.lua").read_text() for name in NAMES}
        # How the protocol identifies a script, not a security measure.
        self._digests = {
            name: hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest() for name, source in self._sources.items()
        }

    def run(self, client: Redis, call: Call) -> Any:
        """Run one script atomically and return its answer.

        It takes one of the client's connections and goes past the client itself, which takes longer than all else together.

        Raises:
            redis.RedisError: if the server is down, slow, or out of memory.
        """
        try:
            return self._send(client, call)
        except NoScriptError:
            client.script_load(self._sources[call.name])
            return self._send(client, call)

    def _send(self, client: Redis, call: Call) -> Any:
        pool = client.connection_pool
        connection: Any = pool.get_connection()
        try:
            if call.encoded is None:
                keys = [self._prefix + key for key in call.keys]
                call.encoded = connection.pack_command("EVALSHA", self._digests[call.name], len(keys), *keys, *call.arguments)
            # Both close the connection if anything but an answer comes of it.
            connection.send_packed_command(call.encoded)
            return connection.read_response()
        finally:
            pool.release(connection)
