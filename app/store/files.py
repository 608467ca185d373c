"""Files kept outside the database: pictures and uploaded lists, in a folder of LOCKSTEP_HOME or in any bucket obstore supports.

Every call may wait for a disk or a network, so a web process makes it off its event loop (`offload`). Paths are made by us, never
by a client: `images/<digest>.jpg`, `imports/<digest>.csv`.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, from_url

from app.domain.errors import StorageUnavailableError

if TYPE_CHECKING:
    from obstore.store import ObjectStore

READ_AHEAD = 1_000_000
# A bucket that does not answer must not hold up a request or a task for longer.
PATIENCE = timedelta(seconds=10)


class Storage:
    """Stores files under paths; connects lazily, on first use.

    Args:
        url: `file:///a/folder`, or a bucket such as `s3://bucket/prefix`, whose credentials obstore reads from its usual
            environment variables.
    """

    def __init__(self, url: str) -> None:
        self._url = url

    @cached_property
    def _store(self) -> "ObjectStore":
        address = urlsplit(self._url)
        if address.scheme == "file":
            return LocalStore(unquote(address.path), mkdir=True)
        options: dict[str, Any] = {
            # A bucket on a private network may well be reached over http; whoever configures such an address means it.
            "client_options": {"timeout": PATIENCE, "allow_http": True},
            "retry_config": {"max_retries": 2, "retry_timeout": PATIENCE},
        }
        return from_url(self._url, **options)

    def put(self, path: str, data: bytes | IO[bytes]) -> None:
        """Write a file atomically, replacing any existing one; when this returns, it survives a power cut.

        Raises:
            StorageUnavailableError: if it could not be written.
        """
        with _explained():
            obstore.put(self._store, path, data)
            if isinstance(self._store, LocalStore) and self._store.prefix is not None:
                _flush(self._store.prefix / path)

    def get(self, path: str) -> bytes | None:
        """Return a file, or None if there is none.

        Raises:
            StorageUnavailableError: if that cannot be known.
        """
        try:
            with _explained():
                return bytes(obstore.get(self._store, path).bytes())
        except FileNotFoundError:
            return None

    def exists(self, path: str) -> bool:
        """Whether there is such a file.

        Raises:
            StorageUnavailableError: if that cannot be known.
        """
        try:
            self.size(path)
        except FileNotFoundError:
            return False
        return True

    def size(self, path: str) -> int:
        """Return the number of bytes of a file.

        Raises:
            FileNotFoundError: if there is none.
            StorageUnavailableError: if that cannot be known.
        """
        with _explained():
            return int(obstore.head(self._store, path)["size"])

    def open(self, path: str) -> io.BufferedReader:
        """Open a file for reading in pieces, in bounded memory; wrap it in `io.TextIOWrapper` for text.

        Raises:
            FileNotFoundError: if there is none.
            StorageUnavailableError: if it cannot be read.
        """
        return io.BufferedReader(_Reading(self, path), READ_AHEAD)

    def older_than(self, folder: str, days: float) -> list[str]:
        """Return the paths of the files of a folder that were last written more than `days` ago.

        Raises:
            StorageUnavailableError: if they cannot be listed.
        """
        latest = datetime.now(UTC) - timedelta(days=days)
        with _explained():
            listed = [meta for batch in obstore.list(self._store, prefix=folder) for meta in batch]
        return [meta["path"] for meta in listed if meta["last_modified"] < latest]

    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is none.

        Raises:
            StorageUnavailableError: if it could not be deleted.
        """
        with suppress(FileNotFoundError), _explained():
            obstore.delete(self._store, path)

    def read(self, path: str, start: int, length: int) -> bytes:
        """Return a piece of a file.

        Raises:
            FileNotFoundError: if there is none.
            StorageUnavailableError: if it cannot be read.
        """
        with _explained():
            return bytes(obstore.get_range(self._store, path, start=start, length=length))


class _Reading(io.RawIOBase):
    """A stored file as a raw stream for Python's own readers."""

    def __init__(self, storage: Storage, path: str) -> None:
        self._storage = storage
        self._path = path
        self._size = storage.size(path)
        self._position = 0

    def readable(self) -> bool:
        """Whether it can be read: always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read the next bytes into `buffer` and return how many; 0 at the end."""
        length = min(len(buffer), self._size - self._position)
        if length:
            buffer[:length] = self._storage.read(self._path, self._position, length)
            self._position += length
        return length


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except (BaseError, OSError) as error:
        raise StorageUnavailableError from error


def _flush(path: Path) -> None:
    """Make a written file and its directory entry durable, before the row that refers to it is."""
    for place in (path, path.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
