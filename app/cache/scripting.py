"""The cache's Lua scripts, run by digest.

Each begins with a shebang, so that a server which has become a replica refuses even those that only read.
"""

import hashlib
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

_FOLDER = Path(__file__).parent / "scripts"
NAMES = ("read", "fill", "invalidate", "read_list", "fill_list", "confirm", "release", "versions")


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

    def run(self, client: Redis, name: str, keys: list[str], arguments: list[Any]) -> Any:
        """Run one script atomically and return its answer.

        Raises:
            redis.RedisError: if the server is down, slow, or out of memory.
        """
        digest = self._digests[name]
        keys = [self._prefix + key for key in keys]
        try:
            return client.evalsha(digest, len(keys), *keys, *arguments)
        except NoScriptError:
            client.script_load(self._sources[name])
            return client.evalsha(digest, len(keys), *keys, *arguments)
