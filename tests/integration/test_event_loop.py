"""Nothing that computes for long runs on the event loop of a web process: everybody connected to it would wait."""

import http.client
import os
import random
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import socketio

from app.container import Container
from bench.system import Client, create_key, wait_until
from config import REPOSITORY
from devserver import EmbeddedServers

WORDS = [f"w{n}" for n in range(300)]
FORM = b'--x\r\nContent-Disposition: form-data; name="file"; filename="parts.csv"\r\n\r\n%s\r\n--x--\r\n'


@dataclass(frozen=True, slots=True)
class Web:
    """A traced web process: where it is, a client of it, and its report."""

    port: int
    client: Client
    report: Path

    def raw(self, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        """Send any request and return what the answer's body is."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, headers)
        answer = connection.getresponse().read()
        connection.close()
        return answer


@pytest.fixture
def web(servers: EmbeddedServers, container: Container, tmp_path: Path) -> Iterator[Web]:
    """A web process of its own, traced."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    report = tmp_path / "report.txt"
    report.touch()
    environ = os.environ | servers.environ | {"PORT": str(port)}
    process = subprocess.Popen([sys.executable, "-m", "tests.integration.traced_web", str(report)], env=environ, cwd=REPOSITORY)
    client = Client(f"http://127.0.0.1:{port}", create_key(container.settings.database_url, "traced"))
    try:
        assert wait_until(lambda: process.poll() is not None or _listens(port), within=60)
        yield Web(port, client, report)
    finally:
        client.close()
        process.terminate()
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _text(length: int) -> str:
    return f"<p>{' '.join(random.choices(WORDS, k=length))[: length * 4]}</p>"


def test_no_call_keeps_the_event_loop_from_the_others(web: Web, deliver: Callable[[], None], container: Container) -> None:
    # What computes for long does so each time. A host that gives our processors to others for a while, which counts as time that
    # we used, hardly does so three times.
    for _ in range(3):
        web.report.write_text("")
        _ask_for_the_worst(web, deliver, container)
        if not web.report.read_text():
            return
    assert web.report.read_text() == ""


def _ask_for_the_worst(web: Web, deliver: Callable[[], None], container: Container) -> None:
    call = web.client.call
    body = {"sku": f"L-{uuid4().hex[:10]}", "part_name": "Long", "status": "published", "description": _text(12_000)}
    part_id = call("POST", "/admin/parts", body).body["id"]
    # The worst that a sanitiser, and a comparison word by word, can be given.
    for description in (_text(12_000), "<p>" + "<b>x</b>" * 6_000, "<ul>" + "<li>" * 3_000, "a < b <i " * 5_000):
        assert call("PUT", f"/admin/parts/{part_id}", {"description": description}).status in {200, 422}
    lines = [{"currency": "EUR", "amount": f"{200 - n}.00", "min_quantity": n + 1} for n in range(50)]
    assert call("PUT", f"/admin/parts/{part_id}/prices", {"prices": lines}).status == 200
    deliver()
    assert call("GET", f"/admin/parts/{part_id}/versions/1/diff?to=2").status == 200
    assert call("POST", f"/admin/parts/{part_id}/versions/1/restore?dry_run=true", {}).status == 200
    sitemap = f"/sitemaps/parts-{(part_id - 1) // 10_000}.xml"
    for path in ("/", "/parts?q=part", f"/parts/{part_id}", "/sitemap.xml", "/sitemaps/lists.xml", sitemap, "/robots.txt"):
        assert web.client.call("GET", path, base="").status == 200, path
    for path in (
        "/parts?limit=100", "/parts?limit=100&q=part&sort=price", "/parts/facets?q=part", f"/pdp/{part_id}", "/openapi.json",
        "/admin/parts?limit=100", "/admin/audit?limit=100", "/admin/audit.csv", "/admin/sync/status",
    ):  # fmt: skip
        assert call("GET", path).status == 200, path
    assert call("POST", "/admin/sync/reconcile?dry_run=true").body["parts_checked"] > 0
    assert call("POST", "/auth/login", {"email": "nobody@lockstep.example", "password": "x" * 100}).status == 401
    # Before anybody has logged in.
    hostile = b'{"email":[' + b"{}," * 330_000 + b"1]}"
    assert b"validation_failed" in web.raw("POST", "/api/v1/auth/login", hostile, **{"Content-Type": "application/json"})
    file = b"sku,part_name,price\r\n" + b",x,abc\r\n" * 2_000
    key = web.client._headers["Authorization"]
    form = {"Authorization": key, "Content-Type": "multipart/form-data; boundary=x"}
    assert b'"queued"' in web.raw("POST", "/api/v1/admin/imports?dry_run=true", FORM % file, **form)
    while container.import_jobs.work():
        pass
    job = call("GET", "/admin/imports").body["items"][0]
    assert job["error_count"] >= 2_000
    assert call("GET", f"/admin/imports/{job['id']}/errors.csv").status == 200
    page = socketio.Client(reconnection=False)
    page.connect(f"http://127.0.0.1:{web.port}", namespaces=["/customers"], transports=["websocket"])
    ids = [part["id"] for part in call("GET", "/parts?limit=100").body["items"]]
    answer = page.call("watch", {"parts": dict.fromkeys(map(str, [*ids, part_id]))}, namespace="/customers")
    page.disconnect()
    assert len(answer["parts"]) >= len(ids)
