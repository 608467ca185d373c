"""The whole system, from `make run` to Ctrl-C: what starts after what, and what stops before what."""

import http.client
import queue
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from prometheus_client.multiprocess import mark_process_dead

from config import FLOWER_USER, REPOSITORY, Settings
from devserver.console import Console
from devserver.embedded import make_postgres, make_valkey
from devserver.errors import StartError
from devserver.keeper import Keeper
from devserver.metrics import empty_metrics_directory
from devserver.ports import require_free
from devserver.prober import Prober
from devserver.process import Child, never
from devserver.procfile import base_environment, read_processes
from devserver.tenancy import Tenancy

_READY_SECONDS = 120.0
_HOPELESS_DEATHS = 5
_POLL_SECONDS = 0.05
# How long each may take to finish its work: the web processes answer their requests and close their sockets, the worker
# completes its tasks (worker-live's are short), the servers write their data.
_STOP_SECONDS = {"web-1": 25.0, "worker": 20.0}
_STOP_SECONDS_OTHERWISE = 10.0
_SERVER_STOP_SECONDS = 30.0


class _Interrupted(Exception):  # noqa: N818  # not an error: somebody asked for it
    """Somebody asked us to stop while we were still starting."""


class Supervisor:
    """Starts the servers and the processes of a Procfile, keeps them alive, and stops them in order."""

    def __init__(self, settings: Settings, procfile: Path, preparation: Sequence[str]) -> None:
        """Run the processes of `procfile`, once the servers are up and the command `preparation` has succeeded."""
        self._settings = settings
        self._procfile = procfile
        self._preparation = preparation
        self._console = Console(settings.home / "logs")
        self._servers: list[Keeper] = []
        self._processes: list[list[Keeper]] = []
        # A SimpleQueue and not an Event: only its `put` is reentrant, and so safe in a signal handler.
        self._signals: queue.SimpleQueue[int] = queue.SimpleQueue()

    def run(self) -> None:
        """Run until a signal.

        Raises:
            StartError: the system did not come up; whatever had started has been stopped.
        """
        self._listen_for_signals()
        with Tenancy(self._settings):
            try:
                self._start()
                self._signals.get()
            except _Interrupted:
                self._signals.get()
            finally:
                self._stop()

    def _listen_for_signals(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup is respected
                signal.signal(number, lambda received, _frame: self._signals.put(received))

    def _start(self) -> None:
        require_free("PORT", self._settings.bind, self._settings.port)
        require_free("FLOWER_PORT", "127.0.0.1", self._settings.flower_port)
        empty_metrics_directory(self._settings)
        self._start_servers()
        self._prepare()
        for group in read_processes(self._procfile, self._settings, self._console.output):
            self._processes.append([self._keep(child) for child in group])
        self._until(self._serves, _READY_SECONDS, "/readyz does not answer 200")
        self._say_where()

    def _start_servers(self) -> None:
        # Their output goes only to their log files: a rejected write is routine for the application.
        if self._settings.embedded_postgres:
            self._servers.append(self._keep(make_postgres(self._settings, self._console.quiet_output)))
        if self._settings.embedded_valkey:
            self._servers.append(self._keep(make_valkey(self._settings, self._console.quiet_output)))
        if names := " and ".join(keeper.child.name for keeper in self._servers):
            self._console.say(f"starting {names}")
            self._until(lambda: all(k.started.is_set() for k in self._servers), _READY_SECONDS, f"{names} did not start")

    def _prepare(self) -> None:
        child = Child(
            "prepare",
            self._preparation,
            run_directory=self._settings.run_directory,
            output=self._console.output("prepare"),
            environment=base_environment(self._settings),
            directory=REPOSITORY,
        )
        try:
            child.start()
            self._until(lambda: not child.running, float("inf"), "the preparation does not end")
        finally:
            child.kill()
        if (code := child.wait()) != 0:
            raise StartError(f"The preparation ({' '.join(self._preparation)}) failed with exit code {code}; see above.")

    def _keep(self, child: Child) -> Keeper:
        keeper = Keeper(child, say=self._console.say, on_death=self._forget)
        keeper.start()
        if child.probe is not None:
            Prober(child, child.probe, say=self._console.say).start()
        return keeper

    def _forget(self, pid: int) -> None:
        """Drop a dead process's share of the gauges that cover only live processes."""
        mark_process_dead(pid, str(self._settings.metrics_directory))  # type: ignore[no-untyped-call]  # untyped there

    def _until(self, condition: Callable[[], bool], seconds: float, otherwise: str) -> None:
        """Wait for a condition.

        Raises:
            _Interrupted: somebody asked us to stop.
            StartError: a process cannot be started or keeps dying, or the time has run out: `otherwise`.
        """
        deadline = time.monotonic() + seconds
        while not condition():
            if not self._signals.empty():
                raise _Interrupted
            for keeper in [*self._servers, *(keeper for group in self._processes for keeper in group)]:
                if keeper.failure:
                    raise StartError(keeper.failure)
                if keeper.deaths >= _HOPELESS_DEATHS:
                    raise StartError(f"{keeper.child.name} keeps dying; see above.")
            if time.monotonic() > deadline:
                raise StartError(f"{otherwise}, after {seconds:.0f} s.")
            time.sleep(_POLL_SECONDS)

    @property
    def _address(self) -> str:
        """The address at which this machine reaches its own web processes."""
        return "127.0.0.1" if self._settings.bind == "0.0.0.0" else self._settings.bind  # noqa: S104  # a comparison

    def _serves(self) -> bool:
        # Not urllib, which would use a proxy from the environment.
        connection = http.client.HTTPConnection(self._address, self._settings.port, timeout=5)
        host = next((host.lstrip(".") for host in self._settings.allowed_hosts), f"{self._address}:{self._settings.port}")
        try:
            connection.request("GET", "/readyz", headers={"Host": host})
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def _say_where(self) -> None:
        url = f"http://{self._address}:{self._settings.port}"
        lines = [
            "Lockstep runs. Ctrl-C stops it; the data stays.",
            f"  Customer site  {url}/",
            f"  Panel          {url}/panel/",
            *([f"  API docs       {url}/api/v1/docs"] if self._settings.api_docs else []),
            f"  Flower         http://127.0.0.1:{self._settings.flower_port}/",
        ]
        self._console.say("\n".join(lines), secret=self._logins())

    def _logins(self) -> str:
        """Return the log-ins, for the terminal only: none in production, where our output is collected."""
        settings = self._settings
        if settings.production:
            return ""
        return (
            f"\n  Flower login   {FLOWER_USER}  {settings.flower_password}"
            f"\n  Login          {settings.admin_email}  {settings.admin_password}"
        )

    def _stop(self) -> None:
        """Stop group after group, the servers last. A second Ctrl-C kills whatever is still stopping, except the servers."""
        if not (self._servers or self._processes):
            return
        self._console.say("stopping; Ctrl-C again hurries")
        for group in self._processes:
            seconds = _STOP_SECONDS.get(group[0].child.name, _STOP_SECONDS_OTHERWISE)
            _stop_together(group, seconds, hurry=lambda: not self._signals.empty())
        _stop_together(self._servers, _SERVER_STOP_SECONDS, hurry=never)
        self._console.say("stopped")


def _stop_together(keepers: Sequence[Keeper], seconds: float, *, hurry: Callable[[], bool]) -> None:
    for keeper in keepers:
        keeper.child.ask_to_stop()
    deadline = time.monotonic() + seconds
    for keeper in keepers:
        keeper.child.end_by(deadline, hurry=hurry)
        keeper.join()
