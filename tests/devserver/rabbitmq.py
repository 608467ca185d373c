"""RabbitMQ for tests: one server of Debian's packages (`bench.debian`)."""

import os
import socket
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Self

from bench.debian import unpacked
from bench.system import wait_until
from devserver.errors import StartError

# What RabbitMQ needs of Erlang, and what that needs.
PACKAGES = (
    "rabbitmq-server", "erlang-base", "erlang-asn1", "erlang-crypto", "erlang-eldap", "erlang-inets", "erlang-mnesia",
    "erlang-os-mon", "erlang-parsetools", "erlang-public-key", "erlang-runtime-tools", "erlang-ssl", "erlang-syntax-tools",
    "erlang-tools", "erlang-xmerl",
)  # fmt: skip
_READY = "Server startup complete"
_START_SECONDS, _STOP_SECONDS = 120.0, 30.0


class RabbitMQ:
    """A RabbitMQ of its own on 127.0.0.1, with its data in `home`. It can be killed, frozen and started again.

    Raises:
        UnavailableError: when made, if there is none to be had.
    """

    def __init__(self, home: Path) -> None:
        """Describe a server; `url` is its default virtual host, with the rights of everybody."""
        self._root, self._home = unpacked("rabbitmq", PACKAGES), home
        self._port, self._names_port, self._peers_port = (_free_port() for _ in range(3))
        self.url = f"amqp://guest:guest@127.0.0.1:{self._port}//"
        self._names: subprocess.Popen[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The server's pid."""
        assert self._server is not None
        return self._server.pid

    def __enter__(self) -> Self:
        """Start it, and wait until it is ready."""
        erlang = self._root / "usr/lib/erlang"
        binaries = next(erlang.glob("erts-*/bin"))
        # Erlang's own script expects to be installed.
        starter = self._home / "bin" / "erl"
        starter.parent.mkdir(parents=True)
        starter.write_text(
            f'#!/bin/sh\nexport ROOTDIR="{erlang}" BINDIR="{binaries}" EMU=beam PROGNAME=erl\nexec "$BINDIR/erlexec" "$@"\n'
        )
        starter.chmod(0o755)
        (self._home / "rabbit.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{self._port}\nlog.console = true\nlog.file = false\n"
        )
        # Erlang's registry of names. RabbitMQ would start one itself, and leave it behind.
        self._names = subprocess.Popen(
            [binaries / "epmd", "-port", str(self._names_port), "-address", "127.0.0.1"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        """Stop it."""
        for process in filter(None, (self._server, self._names)):
            process.kill()
            process.wait(_STOP_SECONDS)

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        script = next(self._root.glob("usr/lib/rabbitmq/lib/rabbitmq_server-*/sbin/rabbitmq-server"))
        home = str(self._home)
        environ = os.environ | {
            "HOME": home,
            "PATH": f"{self._home / 'bin'}:{os.environ['PATH']}",
            "ERL_EPMD_PORT": str(self._names_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": f"{home}/rabbit.conf",
            "RABBITMQ_GENERATED_CONFIG_DIR": f"{home}/conf",
            "RABBITMQ_NODENAME": "lockstep-test@localhost",
            "RABBITMQ_MNESIA_BASE": f"{home}/data",
            "RABBITMQ_LOG_BASE": f"{home}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{home}/plugins",
            "RABBITMQ_DIST_PORT": str(self._peers_port),
            # One scheduler that never spins, and nobody from other machines.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": (
                "+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}"
            ),
            # Without a shell in between that would outlive it.
            "RUNNING_UNDER_SYSTEMD": "1",
        }
        log = self._home / "rabbitmq.log"
        with log.open("wb") as output:
            self._server = subprocess.Popen(["/bin/sh", script], env=environ, stdout=output, stderr=subprocess.STDOUT)
        if not wait_until(lambda: _READY in log.read_text(errors="replace"), _START_SECONDS, every=0.1):
            raise StartError(f"RabbitMQ does not start:\n{log.read_text(errors='replace')[-2000:]}")

    def kill(self) -> None:
        """Kill it as a power cut would."""
        assert self._server is not None
        self._server.kill()
        self._server.wait()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])
