"""The two embedded servers together, for the supervisor and for tests."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from config import Settings, load_settings
from devserver.console import LogFile, Output
from devserver.postgres import Postgres
from devserver.tenancy import Tenancy
from devserver.valkey import Valkey


def make_postgres(settings: Settings, output: Callable[[str], Output]) -> Postgres:
    """Return the PostgreSQL of these settings, not yet started."""
    return Postgres(
        settings.home,
        run_directory=settings.run_directory,
        socket_directory=settings.socket_directory,
        output=output("postgres"),
    )


def make_valkey(settings: Settings, output: Callable[[str], Output]) -> Valkey:
    """Return the Valkey of these settings, not yet started."""
    return Valkey(
        settings.home,
        run_directory=settings.run_directory,
        socket_directory=settings.socket_directory,
        output=output("valkey"),
    )


class EmbeddedServers:
    """A PostgreSQL and a Valkey in a LOCKSTEP_HOME, running while the block runs; the data stays.

    Each can be controlled on its own: `servers.postgres.kill()`, `.start()`, `.stop()`, `.pid`. Only you restart them.
    If this process is killed, they end with it.
    """

    def __init__(self, home: Path) -> None:
        """Describe the two servers of `home`, whatever other servers the environment names."""
        self.settings = load_settings({"LOCKSTEP_HOME": str(home)})
        self._logs: list[LogFile] = []
        self.postgres = make_postgres(self.settings, self._output)
        self.valkey = make_valkey(self.settings, self._output)
        self._tenancy = Tenancy(self.settings)

    @property
    def environ(self) -> dict[str, str]:
        """The variables that make Lockstep use these servers."""
        return {
            "LOCKSTEP_HOME": str(self.settings.home),
            "DATABASE_URL": self.settings.database_url,
            "REDIS_URL": self.settings.redis_url,
            "CELERY_BROKER_URL": self.settings.celery_broker_url,
        }

    def __enter__(self) -> Self:
        """Start both.

        Raises:
            StartError: one does not start, or another process uses this home.
        """
        self._tenancy.__enter__()
        try:
            with ThreadPoolExecutor(2) as pool:
                for start in [pool.submit(self.postgres.start), pool.submit(self.valkey.start)]:
                    start.result()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Stop both."""
        self.postgres.stop()
        self.valkey.stop()
        for log in self._logs:
            log.close()
        self._tenancy.__exit__(kind, error, traceback)

    def _output(self, name: str) -> Output:
        self._logs.append(LogFile(self.settings.home / "logs", name))
        return self._logs[-1].write
