"""The Procfile's processes: how many of each, and with what environment."""

import os
import shlex
import string
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from honcho.environ import parse_procfile  # type: ignore[import-untyped]  # publishes no types

from config import REPOSITORY, Settings
from devserver.console import Output
from devserver.errors import StartError
from devserver.process import Child


def base_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of every process: our own, plus the settings that the commands refer to."""
    programs = Path(sys.executable).parent
    return os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "LOCKSTEP_HOME": str(settings.home),
        "PORT": str(settings.port),
        "FLOWER_PORT": str(settings.flower_port),
        "WEB_CONCURRENCY": str(settings.web_concurrency),
        "WORKER_CONCURRENCY": str(settings.worker_concurrency),
        "PROMETHEUS_MULTIPROC_DIR": str(settings.metrics_directory),
    }


def read_processes(path: Path, settings: Settings, output: Callable[[str], Output]) -> Iterator[list[Child]]:
    """Yield the processes of each line of a Procfile, in order; `output` makes the sink for a process's output.

    Commands are split as a shell would, and `$NAME` and `${NAME}` are expanded, but no shell runs: the child's pid is the
    program's pid.

    Raises:
        StartError: a command refers to a variable that is not set, or Flower has no password.
    """
    for entry, command in parse_procfile(path.read_text()).processes.items():
        environment = base_environment(settings) | _own_environment(entry, settings)
        words = _expand(command, environment)
        names = [f"web-{n + 1}" for n in range(settings.web_concurrency)] if entry == "web" else [entry]
        probes = {name: settings.socket_directory / f"{name}.probe" if entry == "web" else None for name in names}
        yield [
            Child(
                name,
                words,
                run_directory=settings.run_directory,
                output=output(name),
                environment=environment | ({"LOCKSTEP_PROBE_SOCKET": str(probe)} if probe else {}),
                directory=REPOSITORY,
                probe=probe,
            )
            for name, probe in probes.items()
        ]


def _expand(command: str, environment: Mapping[str, str]) -> list[str]:
    try:
        return [string.Template(word).substitute(environment) for word in shlex.split(command)]
    except KeyError as error:
        raise StartError(f"The Procfile names ${error.args[0]}, which is not set: {command}") from error


def _own_environment(entry: str, settings: Settings) -> dict[str, str]:
    match entry:
        case "web":
            # Pictures are processed in twenty threads, each of which would keep the 300 MB of its largest one in a malloc arena.
            return {"MALLOC_ARENA_MAX": "1"}
        case "flower" if not settings.flower_password:
            # It would exit at once, again and again; see flowerconfig.py.
            raise StartError("Flower needs a password of its own: set LOCKSTEP_FLOWER_PASSWORD.")
        case _:
            return {}
