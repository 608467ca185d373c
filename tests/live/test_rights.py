"""An open panel receives nothing once the session or key that admitted it has ended, whichever process ended it."""

import http.client
import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit
from uuid import uuid4

import psutil  # type: ignore[import-untyped]  # publishes no types
import pytest
import socketio

from app.contract.events import Actor
from app.services import staff
from app.services.authentication import COOKIE
from app.store import users
from app.store.database import connect as connect_database
from app.store.database import single_statements
from app.store.transaction import TransactionManager
from bench.system import Client, System, wait_until
from config import REPOSITORY
from tests.faults.inspection import query, settled
from tests.live.conftest import ADMIN, CUSTOMERS, Listener

Connect = Callable[..., Listener]
PASSWORD = "correct horse battery staple"
# The kernel spreads connections over the web processes; with this many, each gets some.
PANELS = 8


@dataclass
class Colleague:
    """A member of staff with a log-in and an API key."""

    system: System
    email: str
    key: str
    token: str = ""
    csrf: str = ""

    def log_in(self, cookie: str = "") -> None:
        """Log in, with the cookie of an earlier log-in if wanted."""
        body = json.dumps({"email": self.email, "password": PASSWORD})
        headers = {"Content-Type": "application/json"} | ({"Cookie": f"{COOKIE}={cookie}"} if cookie else {})
        cookies, said = self.post("/api/v1/auth/login", body, headers)
        self.token, self.csrf = cookies[COOKIE], json.loads(said)["csrf_token"]

    def log_out(self) -> None:
        """Log out."""
        self.post("/api/v1/auth/logout", "", {"Cookie": f"{COOKIE}={self.token}", "X-CSRF-Token": self.csrf})

    def post(self, path: str, body: str, headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
        """Send a request that succeeds; return the cookies that it sets, and its body."""
        parts = urlsplit(self.system.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=10)
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        assert answer.status < 300, said
        return dict(line.partition(";")[0].split("=", 1) for line in answer.headers.get_all("Set-Cookie", [])), said

    def flask(self, *arguments: str) -> None:
        """Run a command, as an operator would."""
        assert self.system.stack is not None
        environ = {name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS")}
        environ["LOCKSTEP_HOME"] = str(self.system.stack.settings.home)
        command = [REPOSITORY / ".venv/bin/flask", "--app", "wsgi", *arguments]
        done = subprocess.run(command, cwd=REPOSITORY, env=environ, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr

    def sql(self, statement: str) -> None:
        """Change rows around the application; `%s` is the address."""
        assert query(self.system, f"{statement} RETURNING 1", self.email)


@pytest.fixture
def colleague(system: System) -> Colleague:
    """A member of staff, logged in."""
    assert system.stack is not None
    engine = connect_database(system.stack.settings.database_url)
    with single_statements(engine).connect() as connection:
        row = users.system(connection)
    transactions, author, email = (
        TransactionManager(engine, lambda _: None),
        Actor(row.id, row.name),
        f"{uuid4().hex}@shop.example",
    )
    user_id = staff.create_user(transactions, author, email, "Kim", PASSWORD, "editor")
    key = staff.create_key(transactions, author, f"key of {email}", "viewer", user_id)
    engine.dispose()
    made = Colleague(system, email, key)
    made.log_in()
    return made


def gone(listener: Listener) -> bool:
    """Whether a panel was told that its session has ended, and the connection was closed."""
    return ("session.ended", {}) in listener.events and listener.client.eio.state != "connected"


SESSION_ENDS: dict[str, Callable[[Colleague], None]] = {
    "a log-out": Colleague.log_out,
    "another log-in in its place": lambda it: it.log_in(it.token),
    "deactivate-user": lambda it: it.flask("deactivate-user", it.email.upper()),
    "set-role": lambda it: it.flask("set-role", it.email, "viewer"),
    "set-password": lambda it: it.flask("set-password", it.email, "--password", "something else"),
    "create-user anew": lambda it: it.flask("create-user", it.email, "--role", "editor", "--password", PASSWORD),
    "its time": lambda it: it.sql(
        "UPDATE user_sessions SET expires_at = now() WHERE user_id = (SELECT id FROM users WHERE email = %s)"
    ),
    "nobody there for eight hours": lambda it: it.sql(
        "UPDATE user_sessions SET last_seen_at = now() - interval '8 hours'"
        " WHERE user_id = (SELECT id FROM users WHERE email = %s)"
    ),
    "a role changed by hand": lambda it: it.sql("UPDATE users SET role = 'viewer' WHERE email = %s"),
    "a session deleted by hand": lambda it: it.sql(
        "DELETE FROM user_sessions WHERE user_id = (SELECT id FROM users WHERE email = %s)"
    ),
}
KEY_ENDS: dict[str, Callable[[Colleague], None]] = {
    "revoke-api-key": lambda it: it.flask("revoke-api-key", f"key of {it.email}"),
    "deactivate-user": lambda it: it.flask("deactivate-user", it.email),
    "a role changed by hand": lambda it: it.sql("UPDATE api_keys SET role = 'stock' WHERE name = 'key of ' || %s"),
    "its time": lambda it: it.sql("UPDATE api_keys SET expires_at = now() WHERE name = 'key of ' || %s"),
    "the time that it was made for": lambda it: it.sql(
        "UPDATE api_keys SET expires_at = clock_timestamp() + interval '1 second' WHERE name = 'key of ' || %s"
    ),
    "a scope taken by hand": lambda it: it.sql("UPDATE api_keys SET scopes = '{sync}' WHERE name = 'key of ' || %s"),
}


@pytest.mark.parametrize("end", SESSION_ENDS)
def test_whatever_ends_a_session_ends_its_panels_in_every_process(
    end: str, system: System, colleague: Colleague, connect: Connect, client: Client, part_id: int
) -> None:
    panels = [connect(ADMIN, headers={"Cookie": f"{COOKIE}={colleague.token}"}) for _ in range(PANELS)]
    bystander = connect(ADMIN, auth={"api_key": system.key})
    SESSION_ENDS[end](colleague)
    assert wait_until(lambda: all(gone(panel) for panel in panels))
    client.call("PUT", f"/admin/parts/{part_id}/stock", {"reserved_quantity": 3})
    assert bystander.heard("stock.updated", part_id=part_id)
    assert not gone(bystander)
    assert not any(name == "stock.updated" for panel in panels for name, _ in panel.events)


@pytest.mark.parametrize("end", KEY_ENDS)
def test_whatever_ends_a_key_ends_its_panels_in_every_process(
    end: str, colleague: Colleague, system: System, connect: Connect
) -> None:
    panels = [connect(ADMIN, auth={"api_key": colleague.key}) for _ in range(PANELS)]
    bystander = connect(ADMIN, auth={"api_key": system.key})
    KEY_ENDS[end](colleague)
    assert wait_until(lambda: all(gone(panel) for panel in panels))
    assert not gone(bystander)


def test_a_key_that_may_not_read_hears_nothing_and_one_that_may_does(
    colleague: Colleague, connect: Connect, client: Client, part_id: int
) -> None:
    colleague.sql("UPDATE api_keys SET scopes = '{stock:write,sync}' WHERE name = 'key of ' || %s")
    with pytest.raises(socketio.exceptions.ConnectionError):
        connect(ADMIN, auth={"api_key": colleague.key})
    colleague.sql("UPDATE api_keys SET scopes = '{read}' WHERE name = 'key of ' || %s")
    panel = connect(ADMIN, auth={"api_key": colleague.key})
    client.call("PUT", f"/admin/parts/{part_id}/stock", {"reserved_quantity": 3})
    assert panel.heard("stock.updated", part_id=part_id)
    assert panel.call("open", {"part_id": part_id})["people"]


def test_an_open_panel_alone_keeps_no_session_open(system: System, colleague: Colleague, connect: Connect) -> None:
    whose = "user_id = (SELECT id FROM users WHERE email = %s)"
    colleague.sql(f"UPDATE user_sessions SET last_seen_at = now() - interval '2 minutes' WHERE {whose}")
    panel = connect(ADMIN, headers={"Cookie": f"{COOKIE}={colleague.token}"})
    assert panel.call("close", {"part_id": 1}) == {"open": 0}
    seen = f"SELECT last_seen_at < now() - interval '2 minutes' AS is_old FROM user_sessions WHERE {whose}"
    assert query(system, seen, colleague.email) == [{"is_old": True}]


def test_what_does_not_change_a_right_disturbs_nobody(colleague: Colleague, connect: Connect) -> None:
    """The same person logs in a second time while the first session goes on; then only the second one ends."""
    first = connect(ADMIN, headers={"Cookie": f"{COOKIE}={colleague.token}"})
    colleague.log_in()
    second = connect(ADMIN, headers={"Cookie": f"{COOKIE}={colleague.token}"})
    colleague.log_out()
    assert wait_until(lambda: gone(second))
    assert not gone(first)


def test_a_page_that_also_watches_as_a_customer_goes_on_as_one(
    system: System, colleague: Colleague, connect: Connect, client: Client, part_id: int
) -> None:
    page = connect(ADMIN, also=[CUSTOMERS], headers={"Cookie": f"{COOKIE}={colleague.token}"})
    colleague.log_out()
    assert page.heard("session.ended")
    assert wait_until(lambda: ADMIN not in page.client.namespaces)
    assert CUSTOMERS in page.client.namespaces
    settled(system)


def test_while_the_database_is_silent_panels_are_dropped_and_customers_are_not(
    system: System, colleague: Colleague, connect: Connect
) -> None:
    """A process that cannot verify a panel's rights must not keep forwarding what it hears from the others."""
    assert system.stack is not None
    panels = [connect(ADMIN, headers={"Cookie": f"{COOKIE}={colleague.token}"}) for _ in range(PANELS)]
    customer = connect(CUSTOMERS)
    postmaster = psutil.Process(system.stack.pid("postgres"))
    stopped = [*postmaster.children(), postmaster]
    try:
        for process in stopped:
            process.suspend()
        assert wait_until(lambda: not any(panel.client.connected for panel in panels))
        assert customer.client.connected
    finally:
        for process in reversed(stopped):
            process.resume()
    settled(system)
    assert connect(ADMIN, headers={"Cookie": f"{COOKIE}={colleague.token}"}).client.connected
    assert not any(gone(panel) for panel in panels)
