"""A worker or a web process that is killed, or frozen past its lease, at each of its steps: every effect happens exactly once.

The victims are single processes over the embedded servers, so that the step is exact; the test plays the rest of the system.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from subprocess import PIPE
from typing import Any

import orjson
import psutil
import pytest
from sqlalchemy import text

from app.container import Container
from app.contract import rooms
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.domain.errors import KeyInUseError
from app.services.intent import Intent
from bench.system import wait_until
from config import REPOSITORY
from tests.faults.victim import LEASE, STEPS, victims_call
from tests.sweeping import no_sweep

# A shop without an HTTP cache in front owes it nothing.
OWED = [effect for effect in Effect if effect is not Effect.PURGE_EDGE]
RECORDING = {Effect.PERSIST_AUDIT, Effect.SNAPSHOT_CONTENT}
RECORDS = text("""
    SELECT (SELECT count(*) FROM outbox_events WHERE aggregate_id = :part AND aggregate_type = 'part') AS events,
           (SELECT count(*) FROM data_change_logs WHERE part_id = :part) AS audited,
           (SELECT count(*) FROM outbox_events
            WHERE aggregate_id = :part AND aggregate_type = 'part' AND aspect = 'content') AS contents,
           (SELECT count(*) FROM part_content_versions WHERE part_id = :part) AS snapshots,
           (SELECT count(*) FROM outbox_deliveries d JOIN outbox_events e ON e.id = d.event_id
            WHERE e.aggregate_id = :part AND d.state <> 'done') AS owed
""")


def stands_still(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_STOPPED)
    except psutil.NoSuchProcess:
        return True


class Victims:
    """Makes processes that halt themselves at a step (`tests.faults.victim`), one at a time."""

    def __init__(self) -> None:
        self._forker = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.victim"], cwd=REPOSITORY, stdin=PIPE, stdout=PIPE, text=True
        )

    def close(self) -> None:
        """End."""
        self._forker.communicate(timeout=20)

    @contextmanager
    def halted(self, *arguments: str) -> Iterator[int]:
        """Yield the pid of a victim that has reached its step: frozen there, or dead."""
        assert self._forker.stdin is not None
        print(*arguments, file=self._forker.stdin, flush=True)
        pid = int(self._read())
        # If this were an exit code, the kill below would hit somebody else: 0 means our own process group.
        assert pid > 1
        self._ended = False
        try:
            assert wait_until(lambda: stands_still(pid))
            yield pid
        finally:
            if not self._ended:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                self.exit_code()

    def exit_code(self) -> int:
        """Return the exit code of the victim once it has ended."""
        self._ended = True
        return int(self._read())

    def _read(self) -> str:
        assert self._forker.stdout is not None
        return self._forker.stdout.readline()


@pytest.fixture(scope="module")
def victims(servers: object) -> Iterator[Victims]:
    """A maker of victims."""
    made = Victims()
    yield made
    made.close()


@contextmanager
def channel(container: Container) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Listen to what is published to open pages; the callable returns what has arrived so far."""
    heard: list[dict[str, Any]] = []
    with container.cache._client.pubsub() as pubsub:
        pubsub.subscribe(container.settings.prefix + rooms.CHANNEL)

        def read() -> list[dict[str, Any]]:
            while (message := pubsub.get_message(timeout=0.1)) is not None:
                if message["type"] == "message":
                    heard.append(orjson.loads(message["data"]))
            return heard

        read()
        yield read


def records(container: Container, part: int) -> dict[str, int]:
    """Count a part's events and what they left."""
    with container.reading.connect() as connection:
        return dict(connection.execute(RECORDS, {"part": part}).one()._mapping)


def assert_exactly_once(container: Container, part: int) -> None:
    """Each event has one audit row, each content event one snapshot, the cache answers the present, and nothing is owed."""
    counts = records(container, part)
    assert counts["audited"] == counts["events"] > 0
    assert counts["snapshots"] == counts["contents"]
    assert counts["owed"] == 0
    with container.reading.connect() as connection:
        truth = connection.execute(text("SELECT version FROM stock_levels WHERE part_id = :part"), {"part": part}).scalar_one()
    assert container.parts.catalog.part(part).body["versions"]["stock"] == truth


def lease_over(container: Container) -> bool:
    """Whether all leases have expired."""
    with container.reading.connect() as connection:
        held = "SELECT count(*) FROM outbox_deliveries WHERE state = 'pending' AND leased_until > clock_timestamp()"
        return connection.execute(text(held)).scalar_one() == 0


def due_again(container: Container, deliver: Callable[[], None], part: int) -> bool:
    """Deliver what is due; return whether the part is owed nothing more. Postponed deliveries come due in a moment."""
    deliver()
    return records(container, part)["owed"] == 0


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("effect", OWED)
def test_what_a_killed_worker_left_is_done_by_another_once(
    container: Container,
    actor: Actor,
    new_part: Callable[..., int],
    deliver: Callable[[], None],
    victims: Victims,
    effect: Effect,
    step: str,
) -> None:
    with channel(container) as heard:
        with no_sweep(container):
            part = new_part()
            container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
            with victims.halted("worker", f"{effect}:{step}", "KILL"):
                assert victims.exit_code() == -signal.SIGKILL
        assert wait_until(lambda: lease_over(container), within=LEASE + 2)
        assert wait_until(lambda: due_again(container, deliver, part))
        assert_exactly_once(container, part)
        assert_told(heard(), part)


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("effect", OWED)
def test_a_worker_frozen_past_its_lease_does_no_harm_when_it_goes_on(
    container: Container,
    actor: Actor,
    new_part: Callable[..., int],
    deliver: Callable[[], None],
    victims: Victims,
    effect: Effect,
    step: str,
) -> None:
    with ExitStack() as stack:
        heard = stack.enter_context(channel(container))
        with no_sweep(container):
            part = new_part()
            frozen = stack.enter_context(victims.halted("worker", f"{effect}:{step}", "STOP"))
        assert psutil.Process(frozen).status() == "stopped"
        assert wait_until(lambda: lease_over(container), within=LEASE + 2)
        # The world moves on in the meantime, so that what the frozen process holds becomes stale.
        container.parts.adjust_stock_with_sync(Intent(actor, reason="counted"), part, 1)
        in_transaction = step == "settled" or (step == "applied" and effect in RECORDING)
        if not in_transaction:
            # Another worker takes over. PostgreSQL would end an open transaction after 15 s; the test does not wait for that.
            assert wait_until(lambda: due_again(container, deliver, part))
            assert_exactly_once(container, part)
        os.kill(frozen, signal.SIGCONT)
        assert victims.exit_code() == 0
        assert wait_until(lambda: due_again(container, deliver, part))
        assert_exactly_once(container, part)
        assert_told(heard(), part)


def assert_told(messages: list[dict[str, Any]], part: int) -> None:
    """Pages were told of the newest stock; a version may arrive twice or late, and pages drop it then, but it does arrive."""
    told = [m["data"][0] for m in messages if m.get("event") == "stock.updated" and m["room"] == rooms.part_room(part)]
    versions = Counter(event["version"] for event in told)
    assert max(versions) == 2
    states = {event["version"]: event["data"]["current_stock"] for event in told}
    assert states[2] == 11


@pytest.mark.parametrize("step", ["committed", "invalidated"])
def test_a_web_process_killed_between_commit_and_wake_up_loses_nothing(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], victims: Victims, step: str
) -> None:
    part = new_part()
    deliver()
    assert container.parts.catalog.part(part).body["stock"]["current_stock"] == 10
    with victims.halted("web", step, "KILL", str(part)):
        assert victims.exit_code() == -signal.SIGKILL
    # Its client, who got no answer, sends the call again.
    container.parts.adjust_stock_with_sync(Intent(actor, call=(call := victims_call(part))), part, 1)
    assert call.is_replay
    # The sweep of any other process repairs the cache within the bound, without the dead one's help …
    assert wait_until(lambda: container.parts.catalog.part(part).body["stock"]["current_stock"] == 11)
    # … and asks for the wake-ups that it could not send.
    assert wait_until(lambda: set(_overdue(container)) <= {Effect.BROADCAST, Effect.PERSIST_AUDIT})
    with channel(container) as heard:
        deliver()
        assert_exactly_once(container, part)
        assert_told(heard(), part)


def test_a_web_process_killed_just_before_the_commit_leaves_a_key_that_is_free_at_once(
    container: Container, actor: Actor, new_part: Callable[..., int], deliver: Callable[[], None], victims: Victims
) -> None:
    part = new_part()
    with victims.halted("web", "kept", "STOP", str(part)) as frozen:
        # It lives, so the call may still come to something.
        with pytest.raises(KeyInUseError):
            container.parts.adjust_stock_with_sync(Intent(actor, call=victims_call(part)), part, 1)
        os.kill(frozen, signal.SIGKILL)
        assert victims.exit_code() == -signal.SIGKILL

    def again() -> bool:
        call = victims_call(part)
        try:
            stock = container.parts.adjust_stock_with_sync(Intent(actor, call=call), part, 1)
        except KeyInUseError:
            return False
        return not call.is_replay and stock["current_stock"] == 11

    # As soon as PostgreSQL notices that its client is gone.
    assert wait_until(again)
    deliver()
    assert_exactly_once(container, part)


def _overdue(container: Container) -> list[str]:
    from app.store import outbox

    with container.reading.connect() as connection:
        return outbox.overdue(connection, 0).effects
