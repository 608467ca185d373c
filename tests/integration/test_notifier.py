"""Failed effects reach people without Prometheus: by a real web server, by a real mail server, and never at the effect's cost."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from app.cache.manager import CacheUnavailableError
from app.container import Container
from app.contract.task_names import Effect
from app.monitoring import SyncMonitoring
from app.sync.delivery import DeliveryService
from app.sync.notifier import AGAIN, EVERY, Notifier, senders
from bench.system import wait_until
from devserver.ports import free_ports
from tests.mailbox import Mailbox, served


class Hook(ThreadingHTTPServer):
    """A web server that keeps what it is told, and answers with `status`; silent while `held`."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 204
        self.go_on = threading.Event()
        self.go_on.set()
        super().__init__(("127.0.0.1", 0), _Told)
        self.url = f"http://127.0.0.1:{self.server_port}/hook"


class _Told(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.go_on.wait(30)
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    with served(Hook()) as serving:
        yield serving


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with served(Mailbox()) as serving:
        yield serving


def test_a_failure_is_posted_with_what_to_do_and_without_a_statements_values(hook: Hook, tmp_path: Path) -> None:
    Notifier(tmp_path, senders(hook.url, "", "")).failed("broadcast", CacheUnavailableError("timed out\n[parameters: secret]"))
    assert wait_until(lambda: len(hook.bodies) == 1)
    [body] = hook.bodies
    assert (body["operation"], body["error_type"]) == ("broadcast", "CacheUnavailableError")
    for said in ("broadcast fails (CacheUnavailableError)", "timed out", "Valkey does not answer", "docs/runbooks.md#cachedown"):
        assert said in body["text"]
    assert "secret" not in body["text"]


def test_a_failure_is_mailed(mailbox: Mailbox, tmp_path: Path) -> None:
    ways = senders("", "ops@shop.example", mailbox.url)
    Notifier(tmp_path, ways).failed("persist_audit", ValueError("a bad row"))
    assert wait_until(lambda: len(mailbox.mails) == 1)
    [(recipient, mail)] = mailbox.mails
    assert "<ops@shop.example>" in recipient
    for said in ("To: ops@shop.example", "persist_audit fails (ValueError)", "a bad row", "flask sync replay"):
        assert said in mail


def test_a_password_is_not_sent_in_the_clear(mailbox: Mailbox, tmp_path: Path) -> None:
    ways = senders("", "ops@shop.example", mailbox.url.replace("smtp://", "smtp://me:secret@"))
    began = time.time()
    Notifier(tmp_path, ways).failed("broadcast", ValueError("x"))
    # Given up.
    assert wait_until(lambda: any(file.stat().st_mtime < began - EVERY / 2 for file in tmp_path.iterdir()))
    assert mailbox.commands
    assert not any(command.startswith("AUTH") for command in mailbox.commands)


def test_each_kind_is_told_once_whichever_process_meets_it_and_again_after_an_hour(
    hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processes = [Notifier(tmp_path, senders(hook.url, "", "")) for _ in range(4)]
    threads = [threading.Thread(target=one.failed, args=("broadcast", ValueError("x"))) for one in processes for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    processes[0].failed("broadcast", KeyError("another kind"))
    processes[1].failed("persist_audit", ValueError("another effect"))
    assert wait_until(lambda: len(hook.bodies) >= 3)
    assert sorted((body["operation"], body["error_type"]) for body in hook.bodies) == [
        ("broadcast", "KeyError"), ("broadcast", "ValueError"), ("persist_audit", "ValueError"),
    ]  # fmt: skip
    later = time.time() + EVERY + 1
    monkeypatch.setattr(time, "time", lambda: later)
    processes[2].failed("broadcast", ValueError("still"))
    assert wait_until(lambda: len(hook.bodies) == 4)


def test_what_could_not_be_told_is_told_a_minute_later(hook: Hook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hook.status = 500
    notifier = Notifier(tmp_path, senders(hook.url, "", ""))
    notifier.failed("broadcast", ValueError("x"))
    began = time.time()
    assert wait_until(lambda: any(file.stat().st_mtime < began - EVERY / 2 for file in tmp_path.iterdir()))
    hook.status = 204
    notifier.failed("broadcast", ValueError("at once"))
    later = time.time() + AGAIN + 1
    monkeypatch.setattr(time, "time", lambda: later)
    notifier.failed("broadcast", ValueError("later"))
    assert wait_until(lambda: len(hook.bodies) == 2)
    assert "later" in hook.bodies[1]["text"]


@pytest.mark.parametrize("trouble", ["silent", "nobody there"])
def test_an_effect_neither_waits_for_a_message_nor_fails_with_it(
    container: Container, new_part: Callable[..., int], hook: Hook, tmp_path: Path, trouble: str
) -> None:
    hook.go_on.clear()
    url = hook.url if trouble == "silent" else f"http://127.0.0.1:{free_ports(1)[0]}/"
    monitoring = SyncMonitoring(Notifier(tmp_path, senders(url, "ops@shop.example", "smtp://127.0.0.1:9")).failed)
    broken = dict(container.deliveries._handlers)
    handler = broken[Effect.SNAPSHOT_CONTENT]

    def fail(*_: Any) -> None:
        raise CacheUnavailableError("away")

    broken[Effect.SNAPSHOT_CONTENT] = replace(handler, apply=fail)
    new_part()
    deliveries = DeliveryService(container.engine, broken, monitoring)
    try:
        deliveries.deliver_once(Effect.SNAPSHOT_CONTENT, 10)
        if trouble == "silent":
            assert wait_until(lambda: len(hook.bodies) == 1)
        # It is owed, and made once the other side is back, whatever became of the message.
        assert container.sync_control.outbox_status()[Effect.SNAPSHOT_CONTENT]["pending"] >= 1
    finally:
        hook.go_on.set()
