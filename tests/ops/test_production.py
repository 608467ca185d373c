"""A shop as docs/production.md sets it up: in production mode, behind nginx or Caddy, on a database that it does not own."""

import base64
import hashlib
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psutil  # type: ignore[import-untyped]  # publishes no types
import pytest
import socketio

from bench.system import System, own_stack, wait_until
from config import REPOSITORY
from devserver import EmbeddedServers
from devserver.ports import free_ports
from tests.ops.proxies import HOST, Proxy, proxy
from tests.ops.roles import separated

UNITS = REPOSITORY / "ops" / "systemd"
API = "/api/v1"
SPOOFED = {
    "X-Forwarded-For": "198.51.100.7",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Proto": "http",
    "Forwarded": "for=6",
}


@pytest.fixture(scope="module")
def notified(tmp_path_factory: pytest.TempPathFactory) -> Iterator[socket.socket]:
    """The socket at which systemd would listen to the web processes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path_factory.mktemp("systemd") / "notify"))
        listener.settimeout(30)
        yield listener


@pytest.fixture(scope="module")
def shop(servers: EmbeddedServers, notified: socket.socket, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A shop in production mode, which trusts one proxy and works as a role that owns nothing."""
    home = tmp_path_factory.mktemp("production")
    with separated(servers) as database:
        secret = home / "secret_key"
        secret.write_text("s" * 40)
        (flower,) = free_ports(1)
        with own_stack(
            home,
            without=(),
            own={"web": {"NOTIFY_SOCKET": notified.getsockname()}},
            prepare=f"env {shlex.quote(f'DATABASE_URL={database.owner}')} flask --app wsgi db upgrade",
            DATABASE_URL=database.application, REDIS_URL=servers.settings.redis_url,
            CELERY_BROKER_URL=servers.settings.celery_broker_url, SECRET_KEY_FILE=str(secret), LOCKSTEP_ENV="production",
            LOCKSTEP_BIND="127.0.0.1", LOCKSTEP_TRUSTED_PROXIES="1", LOCKSTEP_ALLOWED_HOSTS=f"{HOST},127.0.0.1",
            LOCKSTEP_NAMESPACE="production", LOCKSTEP_METRICS_TOKEN="m" * 40, LOCKSTEP_ALLOW_ROOT="1",
            FLOWER_PORT=str(flower), LOCKSTEP_FLOWER_URL=f"http://127.0.0.1:{flower}/flower/", LOCKSTEP_FLOWER_PASSWORD="f" * 40,
        ) as system:  # fmt: skip
            yield system


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def front(request: pytest.FixtureRequest, shop: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The proxy in front of it."""
    assert shop.stack is not None
    flower = f"127.0.0.1:{shop.stack.settings.flower_port}"
    with proxy(request.param, shop.address, flower, tmp_path_factory.mktemp(request.param)) as running:
        yield running


@pytest.fixture
def client(front: Proxy, shop: System) -> Iterator[httpx.Client]:
    """A client of the proxy with an administrator's key, who says untrue things about where he comes from."""
    with front.client(Authorization=f"Bearer {shop.key}", **SPOOFED) as made:
        yield made


def set_stock(client: httpx.Client, part_id: int, stock: int) -> dict[str, Any]:
    answer = client.put(f"{API}/admin/parts/{part_id}/stock", json={"current_stock": stock})
    assert answer.status_code == 200, answer.text
    made: dict[str, Any] = answer.json()
    return made


def test_pages_and_the_api_answer_by_tls_alone_and_for_this_host_alone(front: Proxy, client: httpx.Client, shop: System) -> None:
    [part_id] = shop.make_parts(1)
    page = client.get("/", headers={"Accept-Encoding": "br"})
    assert page.status_code == 200
    assert "Strict-Transport-Security" in page.headers
    assert page.headers["Content-Encoding"] == "br"
    assert client.get(f"{API}/parts/{part_id}").json()["id"] == part_id
    with httpx.Client(trust_env=False) as plain:
        moved = plain.get(f"http://127.0.0.1:{front.http}/parts?q=a", headers={"Host": HOST})
        assert moved.status_code in {301, 308}
        assert re.fullmatch(rf"https://{HOST}(:\d+)?/parts\?q=a", moved.headers["Location"])
    # The web processes' own answers are for the machine itself.
    assert client.get("/metrics").status_code == 404
    stranger = {"Host": "evil.example"}
    try:
        answer = client.get("/healthz", headers=stranger)
    except httpx.TransportError:
        pass
    else:
        assert "ok" not in answer.text


def test_a_page_of_the_proxys_host_gets_what_is_written(front: Proxy, client: httpx.Client, shop: System) -> None:
    [part_id] = shop.make_parts(1)
    options = {"sslopt": {"ca_certs": str(front.certificate), "server_hostname": HOST, "check_hostname": True}, "host": HOST,
               "origin": f"https://{HOST}"}  # fmt: skip
    with socketio.SimpleClient(websocket_extra_options=options, ssl_verify=True) as page:
        page.connect(f"https://127.0.0.1:{front.https}", namespace="/customers", transports=["websocket"], headers=SPOOFED)
        assert page.call("watch", {"parts": {str(part_id): None}})["parts"][0]["id"] == part_id
        version = set_stock(client, part_id, 41)["version"]
        name, body = page.receive(timeout=30)
        while name != "stock.updated" or body["version"] != version:
            name, body = page.receive(timeout=30)
        assert body["data"]["current_stock"] == 41


def test_what_a_client_says_of_its_address_is_not_believed(client: httpx.Client, shop: System) -> None:
    [part_id] = shop.make_parts(1)
    event = set_stock(client, part_id, 5)
    assert event["version"] > 1

    def addresses() -> list[str]:
        rows = client.get(f"{API}/admin/audit", params={"part_id": part_id, "operation": "UPDATE"}).json()["items"]
        return [row["ip_address"] for row in rows]

    assert wait_until(lambda: addresses() != [])
    assert set(addresses()) == {"127.0.0.1"}


def test_flower_opens_to_administrators_who_are_logged_in_and_to_nobody_else(front: Proxy, client: httpx.Client) -> None:
    for path in ("/flower/", "/flower/tasks", "/flower/api/workers", "/flower/metrics", "/flower/static/js/flower.js"):
        with front.client() as stranger:
            assert stranger.get(path).status_code == 401, path
            # With its own password neither: it is the proxy's.
            assert stranger.get(path, auth=("flower", "f" * 40)).status_code == 401, path
        assert client.get(path).status_code == 200, path
    for role in ("viewer", "editor"):
        made = client.post(f"{API}/admin/api-keys", json={"name": f"{role} {front.https}", "role": role})
        with front.client(Authorization=f"Bearer {made.json()['key']}") as other:
            assert other.get("/flower/").status_code == 403
            assert other.get(f"{API}/admin/sync/status").json()["flower"] is None
    assert client.get(f"{API}/admin/sync/status").json()["flower"] == "/flower/"
    # Whom the proxy asks is not for others: the answer has Flower's password.
    assert client.get(f"{API}/auth/allows/flower").status_code == 404


def test_in_a_browser_flower_works_until_the_session_ends(front: Proxy, client: httpx.Client, shop: System) -> None:
    person = {"email": f"kim-{front.https}@shop.example", "name": "Kim", "role": "admin"}
    given = client.post(f"{API}/admin/users", json=person).json()["password"]
    with front.client() as browser:
        login = browser.post(f"{API}/auth/login", json={"email": person["email"], "password": given})
        token = {"X-CSRF-Token": login.json()["csrf_token"]}
        assert wait_until(lambda: "sync.live" in browser.get("/flower/api/workers?refresh=1").text)
        page = browser.get("/flower/workers")
        policy = page.headers["Content-Security-Policy"]
        scripts = re.findall("<script[^>]*>([^<]+)</script>", page.text)
        assert scripts
        for script in scripts:
            assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy, "the page may not run it"
        addresses = re.findall('(?:src|href)="(/[^"]*)"', page.text)
        assert addresses
        assert {address.split("/")[1] for address in addresses} == {"flower"}
        [part_id] = shop.make_parts(1)
        set_stock(client, part_id, 7)
        table = {"draw": "1", "start": "0", "length": "5", "search[value]": "", "order[0][column]": "0", "order[0][dir]": "asc",
                 "columns[0][data]": "name"}  # fmt: skip
        own_page = {"Sec-Fetch-Site": "same-origin"}
        assert wait_until(lambda: browser.post("/flower/tasks/datatable", data=table, headers=own_page).json()["data"] != [])
        elsewhere = {"Sec-Fetch-Site": "cross-site"}
        assert browser.post("/flower/tasks/datatable", data=table, headers=elsewhere).status_code == 403
        assert browser.post(f"{API}/auth/logout", headers=token).status_code == 204
        assert browser.get("/flower/").status_code == 401


@pytest.mark.parametrize(
    ("path", "size", "status"),
    [
        # By nginx, or by the application; what is a little too long by the application, which says why.
        (f"{API}/admin/parts", 2_000_000, 413), (f"{API}/admin/parts", 1_050_000, 413),
        (f"{API}/admin/parts/1/images", 17_000_000, 413), (f"{API}/admin/imports", 54_000_000, 413),
        # Not refused for its size: no such part, and no such picture.
        (f"{API}/admin/parts/999999/images", 2_000_000, 0),
    ],
)  # fmt: skip
def test_a_body_beyond_the_limit_is_refused(client: httpx.Client, path: str, size: int, status: int) -> None:
    try:
        # JSON must be one text, and pictures and lists must be files.
        sent = {"json": "x" * size} if path.endswith("/parts") else {"files": {"file": b"x" * size}}
        answer = client.post(path, **sent)
    except (httpx.WriteError, httpx.ReadError):
        assert status, "closed, although it is not too long"
        return
    assert answer.status_code == status if status else answer.status_code not in {413, 502}, answer.text
    if size == 1_050_000:
        assert "1,000,000 bytes" in answer.json()["detail"]


def test_replacing_the_web_processes_one_by_one_loses_no_request(front: Proxy, shop: System) -> None:
    """As `systemctl restart` does: SIGTERM, and the next one when the successor serves."""
    assert shop.stack is not None
    [part_id] = shop.make_parts(1)
    stock = stock_of(front, shop, part_id)
    answers: list[int | str] = []
    written: list[int | str] = []
    is_over = threading.Event()

    def ask(method: str, path: str, into: list[int | str], body: dict[str, int] | None = None) -> None:
        with front.client(Authorization=f"Bearer {shop.key}") as asking:
            while not is_over.is_set():
                try:
                    into.append(asking.request(method, path, json=body).status_code)
                except httpx.TransportError as error:
                    into.append(repr(error))

    def read() -> None:
        ask("GET", f"{API}/parts/{part_id}", answers)

    def write() -> None:
        ask("POST", f"{API}/admin/parts/{part_id}/stock/adjustments", written, {"delta": 1})

    with ThreadPoolExecutor(6) as pool:
        reading = [pool.submit(work) for work in (read, read, read, read, write, write)]
        try:
            for name in ("web-1", "web-2"):
                before, count, writes = shop.stack.pid(name), len(answers), len(written)
                os.kill(before, signal.SIGTERM)
                after = shop.stack.pid(name, other_than=before, within=60)
                assert wait_until(lambda after=after: after in listening(shop))
                assert wait_until(lambda count=count, writes=writes: len(answers) > count + 50 and len(written) > writes + 20)
        finally:
            is_over.set()
        for future in reading:
            future.result()
    assert set(answers) == {200}, Counter(answers)
    assert set(written) == {200}, Counter(written)
    assert stock_of(front, shop, part_id) == stock + len(written)


def stock_of(front: Proxy, shop: System, part_id: int) -> int:
    with front.client(Authorization=f"Bearer {shop.key}") as asking:
        return int(asking.get(f"{API}/admin/parts/{part_id}").raise_for_status().json()["stock"]["current_stock"])


def listening(shop: System) -> set[int]:
    """Return the processes that have the shop's port open."""
    port = int(shop.address.rpartition(":")[2])
    found = set()
    for name in ("web-1", "web-2"):
        assert shop.stack is not None
        process = psutil.Process(shop.stack.pid(name))
        if any(c.status == psutil.CONN_LISTEN and c.laddr.port == port for c in process.net_connections("tcp")):
            found.add(process.pid)
    return found


def test_a_web_process_tells_systemd_again_and_again_that_it_serves(shop: System, notified: socket.socket) -> None:
    assert shop.stack is not None
    for _ in range(3):
        assert notified.recv(4096) == b"READY=1\nWATCHDOG=1"


def test_each_service_runs_the_line_of_the_procfile() -> None:
    lines = dict(line.split(": ", 1) for line in (REPOSITORY / "Procfile").read_text().splitlines())
    run = {}
    for unit in UNITS.glob("lockstep-*.service"):
        [command] = re.findall(r"^ExecStart=(.+)$", unit.read_text(), re.M)
        name = unit.stem.removeprefix("lockstep-").removesuffix("@")
        run[name] = command.removeprefix("/opt/lockstep/current/.venv/bin/").replace("%%", "%")
    assert run.pop("migrate").endswith("/flask --app wsgi db upgrade")
    assert run == lines


def test_systemd_understands_the_units(tmp_path: Path) -> None:
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd-analyze is not installed here")
    shutil.copytree(UNITS, tmp_path, dirs_exist_ok=True)
    for file in (*tmp_path.glob("*.service"), *tmp_path.glob("*/*.conf")):
        # There is no such program here.
        file.write_text(re.sub(r"/opt/lockstep/current/\.venv/bin/\w+", "/usr/bin/true", file.read_text()))
    for file in tmp_path.glob("*@.service"):
        file.rename(file.with_stem(f"{file.stem}1"))
    units = [str(file) for pattern in ("*.service", "*.target") for file in tmp_path.glob(pattern)]
    assert len(units) == 7
    found = subprocess.run(
        [analyze, "verify", "--man=no", *units],
        env={"SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout + found.stderr) == (0, "")
