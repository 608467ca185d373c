"""The cache's Lua scripts, and the proof that the server behind them has not been replaced by an older self.

A Valkey server forgets its loaded scripts when it restarts, and a promoted replica never had them; so NOSCRIPT means that the
data may be older than what we wrote. Scripts are therefore only ever loaded together with a new random epoch, in one MULTI,
which makes every entry of the past absent (docs/adr/0003).
"""

import hashlib
import secrets
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import NoScriptError

from app.contract import cache_keys

_FOLDER = Path(__file__).parent / "scripts"
NAMES = ("read", "fill", "invalidate", "read_list", "fill_list")


class Scripts:
    """Runs the scripts by digest; begins a new epoch when the server does not know them."""

    def __init__(self, client: Redis) -> None:
        self._client = client
        self._sources = {name: (_FOLDER / f"{name}.lua").read_text() for name in NAMES}
        # The protocol's own identification of a script, not a safeguard.
        self._digests = {
            name: hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest() for name, source in self._sources.items()
        }

    def run(self, name: str, keys: list[str], arguments: list[Any]) -> Any:
        """Run one script atomically and return its answer.

        Raises:
            redis.RedisError: if the server is away, slow, or out of memory.
        """
        digest = self._digests[name]
        try:
            return self._client.evalsha(digest, len(keys), *keys, *arguments)
        except NoScriptError:
            self.begin_epoch()
            return self._client.evalsha(digest, len(keys), *keys, *arguments)

    def begin_epoch(self) -> None:
        """Make every entry absent, and load the scripts."""
        with self._client.pipeline(transaction=True) as pipeline:
            pipeline.set(cache_keys.EPOCH, secrets.token_hex(8))
            for source in self._sources.values():
                pipeline.script_load(source)
            pipeline.execute()
