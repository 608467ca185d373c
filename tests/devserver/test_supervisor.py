"""The supervisor behind `make run`, with real servers and minimal processes."""

import contextlib
import fcntl
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # publishes no types
import pytest

from devserver import Stack, StartError
from devserver.process import is_alive

WEB = "python tests/devserver/tiny_web.py"
# A worker with a child process, as Celery's has: the child must not outlive it.
WORKER = "sh -c 'sleep 1000 & wait'"
FLOWER = "sleep 1000"
NAMES = ["web-1", "web-2", "worker", "flower", "postgres", "valkey"]


@pytest.fixture(scope="module")
def lasting_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A running stack for the tests that leave it running."""
    home = tmp_path_factory.mktemp("lasting")
    with Stack(home, arguments=arguments(home / "Procfile")) as stack:
        yield stack


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LOCKSTEP_HOME that the tests share, so that PostgreSQL's data directory is created once."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def make_stack(home: Path, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Make stacks in that home, with the given commands and variables."""
    stacks: list[Stack] = []

    def make(environ: Mapping[str, str] | None = None, **commands: str) -> Stack:
        stacks.append(Stack(home, environ, arguments=arguments(tmp_path / "Procfile", **commands)))
        return stacks[-1]

    yield make
    for stack in stacks:
        if stack.started:
            stack.stop()


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A running stack."""
    stack = make_stack()
    stack.start()
    return stack


def arguments(procfile: Path, *, web: str = WEB, worker: str = WORKER, prepare: str = "true") -> list[str]:
    """Write a Procfile with two web processes, a worker and a flower; return the arguments that make the supervisor use it."""
    procfile.write_text(f"web: {web}\nworker: {worker}\nflower: {FLOWER}\n")
    return ["--procfile", str(procfile), "--prepare", prepare]


def family(stack: Stack) -> set[int]:
    """Return the pids of the supervisor and all its descendants."""
    supervisor = psutil.Process(stack.supervisor_pid)
    return {supervisor.pid, *(child.pid for child in supervisor.children(recursive=True))}


def wait_until(condition: Callable[[], bool], within: float = 10.0) -> bool:
    """Return whether a condition comes true in time."""
    deadline = time.monotonic() + within
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.02)
    return condition()


def test_pid_files_name_the_processes_themselves(lasting_stack: Stack) -> None:
    """Each file holds the pid of a direct child that is the program, not a shell around it."""
    commands = {}
    for name in NAMES:
        process = psutil.Process(lasting_stack.pid(name))
        assert process.ppid() == lasting_stack.supervisor_pid
        commands[name] = " ".join(process.cmdline())
    assert commands["web-1"] == commands["web-2"] == WEB
    assert commands["flower"] == FLOWER
    assert "bin/postgres -D" in commands["postgres"]
    assert "valkey-server" in commands["valkey"]


def test_each_process_has_the_environment_that_it_needs(lasting_stack: Stack) -> None:
    """Only web processes return pictures' memory. No environment holds a password."""
    web, worker, flower = (psutil.Process(lasting_stack.pid(name)).environ() for name in ("web-1", "worker", "flower"))
    assert web["MALLOC_ARENA_MAX"] == "1"
    assert "MALLOC_ARENA_MAX" not in worker
    settings = lasting_stack.settings
    for environ in (web, worker, flower):
        assert not any(
            secret in value for value in environ.values() for secret in (settings.admin_password, settings.flower_password)
        )
        assert environ["PROMETHEUS_MULTIPROC_DIR"] == str(lasting_stack.settings.metrics_directory)


def test_killed_processes_are_started_again(lasting_stack: Stack) -> None:
    """A killed process comes back under a new pid, which its pid file holds; its own children are gone."""
    grandchildren = psutil.Process(lasting_stack.pid("worker")).children()
    assert grandchildren
    before = {name: lasting_stack.pid(name) for name in NAMES}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)
    for name, pid in before.items():
        assert is_alive(lasting_stack.pid(name, other_than=pid))
    assert wait_until(lambda: not any(is_alive(child.pid) for child in grandchildren))
    assert wait_until(lambda: "worker was ended by SIGKILL; starting it again" in lasting_stack.output())


def test_a_dead_process_counts_no_more_in_the_gauges_of_the_living(lasting_stack: Stack) -> None:
    """Its file of live gauges goes with it."""
    pid = lasting_stack.pid("web-1")
    gauges = lasting_stack.settings.metrics_directory / f"gauge_livesum_{pid}.db"
    gauges.touch()
    os.kill(pid, signal.SIGKILL)
    assert wait_until(lambda: not gauges.exists())


def test_metrics_of_the_run_before_are_dropped(make_stack: Callable[..., Stack]) -> None:
    """They would be added to those of the new processes."""
    stack = make_stack()
    old = stack.settings.metrics_directory / "counter_1.db"
    old.parent.mkdir(parents=True, exist_ok=True)
    old.touch()
    stack.start()
    assert not old.exists()


def test_ctrl_c_stops_everything(stack: Stack) -> None:
    """No process and no pid file is left, and the exit code is 0."""
    pids = family(stack)
    assert len(pids) > len(NAMES)
    assert stack.stop() == 0
    assert not any(is_alive(pid) for pid in pids)
    assert not list(stack.settings.run_directory.glob("*.pid"))


def test_nothing_outlives_a_killed_supervisor_and_the_next_start_works(stack: Stack) -> None:
    """The guardian ends what the supervisor no longer can, and an immediate restart waits for it."""
    pids = family(stack)
    stack.kill()
    stack.start()
    assert not any(is_alive(pid) for pid in pids)
    assert is_alive(stack.pid("postgres"))


def test_the_home_stays_locked_until_the_last_process_is_gone(stack: Stack) -> None:
    """A start right after a kill must not meet the processes of the previous run."""
    pids = family(stack)
    guardian = next(pid for pid in pids if "devserver.guardian" in psutil.Process(pid).cmdline())
    with (stack.settings.run_directory / "lock").open() as lock:

        def is_free() -> bool:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            return False

        os.kill(guardian, signal.SIGSTOP)
        try:
            stack.kill()
            assert not is_free()
        finally:
            os.kill(guardian, signal.SIGCONT)
        assert wait_until(is_free)
        assert not any(is_alive(pid) for pid in pids - {guardian})


def test_a_second_ctrl_c_hurries(make_stack: Callable[..., Stack]) -> None:
    """A process that does not end is given time, unless somebody presses Ctrl-C again."""
    stack = make_stack(worker="sh -c 'trap \"\" TERM; while :; do sleep 1000; done'")
    stack.start()
    worker = stack.pid("worker")
    os.kill(stack.supervisor_pid, signal.SIGINT)
    assert wait_until(lambda: "stopping" in stack.output())
    assert wait_until(lambda: not (stack.settings.run_directory / "web-1.pid").exists())
    assert is_alive(worker)
    began = time.monotonic()
    assert stack.stop() == 0
    assert time.monotonic() - began < 10
    assert not is_alive(worker)


@pytest.mark.parametrize("variable", ["PORT", "FLOWER_PORT"])
def test_a_port_that_is_taken_is_named_with_its_variable(make_stack: Callable[..., Stack], variable: str) -> None:
    """Even if its owner would share it (SO_REUSEPORT)."""
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as taken:
        port = str(taken.getsockname()[1])
        with pytest.raises(StartError, match=f"Port {port} is in use. Set {variable} to another one"):
            make_stack({variable: port}).start()


def test_a_second_run_in_the_same_home_is_told_so(lasting_stack: Stack) -> None:
    """And it does not disturb the first."""
    with pytest.raises(StartError, match=rf"already runs in .* \(process {lasting_stack.supervisor_pid}\)"):
        Stack(lasting_stack.settings.home).start()
    assert is_alive(lasting_stack.pid("web-1"))


def test_a_failed_preparation_stops_everything_and_shows_its_output(make_stack: Callable[..., Stack]) -> None:
    """No process runs on a database that is not ready for it."""
    stack = make_stack(prepare="sh -c 'echo no such table; exit 3'")
    with pytest.raises(StartError, match=r"(?s)prepare .* no such table.*failed with exit code 3"):
        stack.start()
    assert "web-1" not in stack.output()
    assert stack.stop() == 1
    assert not list(stack.settings.run_directory.glob("*.pid"))


def test_a_process_that_cannot_live_ends_the_start(make_stack: Callable[..., Stack]) -> None:
    """Start-up does not wait for a process that keeps dying at once."""
    with pytest.raises(StartError, match=r"(?s)web-. | I am broken.*web-. keeps dying"):
        make_stack(web="sh -c 'echo I am broken; exit 1'").start()


def test_external_servers_are_not_started_here(make_stack: Callable[..., Stack]) -> None:
    """With all three URLs given, the embedded servers stay away."""
    urls = {
        "DATABASE_URL": "postgresql://elsewhere/lockstep",
        "REDIS_URL": "redis://elsewhere",
        "CELERY_BROKER_URL": "amqp://elsewhere",
    }
    stack = make_stack(urls)
    stack.start()
    pid_files = {file.stem for file in stack.settings.run_directory.glob("*.pid")}
    assert pid_files == {"web-1", "web-2", "worker", "flower"}


def test_logs_are_kept_and_prefixed(make_stack: Callable[..., Stack]) -> None:
    """Each line is shown with its process's name, without colours outside a terminal, and is written to that process's file."""
    stack = make_stack(worker="sh -c 'echo hello; exec sleep 1000'")
    stack.start()
    assert wait_until(lambda: "worker   | hello" in stack.output())
    assert "\033[" not in stack.output()
    assert (stack.settings.home / "logs" / "worker.log").read_text().endswith("hello\n")


def test_log_ins_are_shown_at_the_terminal_and_stand_in_no_file_that_others_can_read(make_stack: Callable[..., Stack]) -> None:
    """Each start shows the administrator's and Flower's passwords; no log has them, and only their owner can read the logs."""
    stack = make_stack()
    logs = stack.settings.home / "logs"
    logs.mkdir(exist_ok=True)
    # As an older release left them.
    for name in ("lockstep.log", "lockstep.log.1", "web-1.log"):
        (logs / name).touch()
        (logs / name).chmod(0o644)
    stack.start()
    settings = stack.settings
    secrets = {settings.admin_password, settings.flower_password, settings.secret_key}
    assert len(secrets) == 3
    shown = stack.output()
    assert f"Login          {settings.admin_email}  {settings.admin_password}\n" in shown
    assert f"Flower login   flower  {settings.flower_password}\n" in shown
    assert settings.secret_key not in shown
    stack.stop()
    assert f"Panel          {stack.url}/panel/" in (logs / "lockstep.log").read_text()
    for file in stack.settings.home.rglob("*"):
        if file.is_file() and any(secret.encode() in file.read_bytes() for secret in secrets):
            # These tests' copy of the terminal output, and the system's own file of secrets.
            assert file.name.startswith("stack-") or file == stack.settings.home / "secrets.json"
            assert file.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in logs.iterdir())


def test_in_production_no_log_in_is_shown_and_flower_does_not_start_without_a_password(tmp_path: Path) -> None:
    """What is printed there ends up in others' logs; and Flower does not take the administrator's password as its own."""
    production = {
        "LOCKSTEP_ENV": "production", "SECRET_KEY": "s" * 40, "DATABASE_URL": "postgresql://elsewhere/lockstep",
        "REDIS_URL": "redis://elsewhere", "CELERY_BROKER_URL": "amqp://elsewhere", "LOCKSTEP_ALLOWED_HOSTS": "127.0.0.1",
        "LOCKSTEP_ADMIN_PASSWORD": "the administrator's", "LOCKSTEP_BIND": "127.0.0.1", "LOCKSTEP_ALLOW_ROOT": "1",
    }  # fmt: skip
    procfile = arguments(tmp_path / "Procfile")
    with pytest.raises(StartError, match="LOCKSTEP_FLOWER_PASSWORD"):
        Stack(tmp_path, production, arguments=procfile).start()
    with Stack(tmp_path, production | {"LOCKSTEP_FLOWER_PASSWORD": "Flower's own"}, arguments=procfile) as stack:
        assert "the administrator's" not in stack.output()
        assert "Flower's own" not in stack.output()
