"""Processes that stop or kill themselves at a chosen step. `python -m tests.faults.victim` reads lines `ROLE STEP SIGNAL [PART]`,
forks a victim for each, and writes its pid and finally its exit code (negative for a signal).

ROLE `worker` delivers one effect (STEP `<effect>:<step>`, with a lease of `LEASE` seconds); ROLE `web` makes one stock write.
Signal STOP freezes it there until somebody resumes it; KILL ends it as a power cut would.
"""

import functools
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from app import logs
from app.container import Container, build_container
from app.contract.events import Actor
from app.contract.task_names import Effect
from app.services.intent import Intent
from app.store import idempotency, outbox, users
from app.store.database import connect
from app.store.idempotency import KeyedCall
from app.sync import delivery
from config import load_settings

LEASE = 0.5
STEPS = ("claimed", "applied", "settled")


class _NoSender:
    def send_task(self, *_arguments: Any, **_options: Any) -> None:
        """Send nothing: this process has no broker."""


def victims_call(part: int) -> KeyedCall:
    """Return the call by which a web process adds one piece of a part; whoever sends it again makes the same."""
    return KeyedCall("user 1", f"victim {part}", b"add one")


def halt(number: int) -> None:
    """Send ourselves the signal that the test wants."""
    os.kill(os.getpid(), number)


def after(function: Callable[..., Any], number: int) -> Callable[..., Any]:
    """Wrap `function` so that its first call is followed by a halt."""
    pending = [number]

    @functools.wraps(function)
    def wrapped(*arguments: Any, **options: Any) -> Any:
        answer = function(*arguments, **options)
        if pending:
            halt(pending.pop())
        return answer

    return wrapped


def deliver(container: Container, effect: Effect, step: str, number: int) -> None:
    """Deliver what one effect has due, and halt after a step of the first batch."""
    delivery.outbox.claim = functools.partial(outbox.claim, lease=LEASE)  # type: ignore[attr-defined]
    service = container.deliveries
    match step:
        case "claimed":
            delivery.outbox.claim = after(delivery.outbox.claim, number)  # type: ignore[attr-defined]
        case "applied":
            handler = service._handlers[effect]
            work = {name: getattr(handler, name) for name in ("apply", "record")}
            halting = {name: after(function, number) for name, function in work.items() if function is not None}
            service._handlers = {effect: type(handler)(handler.policy, **halting)}
        case "settled":
            delivery.outbox.settle = after(outbox.settle, number)  # type: ignore[attr-defined]
    service.deliver(effect)


def write(container: Container, step: str, number: int, part: int) -> None:
    """Add one piece of a part, by `victims_call`, and halt at a step: just before the commit, or after it."""
    with container.reading.connect() as connection:
        row = users.system(connection)
    match step:
        case "kept":
            idempotency.keep = after(idempotency.keep, number)
        case "committed":
            container.transactions._on_commit = lambda _events: halt(number)
        case "invalidated":
            container.consistency.ensure_cache_consistency = after(  # type: ignore[method-assign]
                container.consistency.ensure_cache_consistency, number
            )
    container.parts.adjust_stock_with_sync(Intent(Actor(row.id, row.name), reason="victim", call=victims_call(part)), part, 1)


def main(role: str, step: str, name: str, part: str = "0") -> None:
    """Be the victim."""
    settings = load_settings()
    container = build_container(settings, connect(settings.database_url), _NoSender())
    number = getattr(signal, f"SIG{name}")
    if role == "worker":
        effect, _, step = step.partition(":")
        deliver(container, Effect(effect), step, number)
    else:
        write(container, step, number, int(part))


def fork_on_demand() -> None:
    """Fork a victim for each line, so that only the first one waits for Python's imports."""
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                main(*line.split())
                code = 0
            finally:
                os._exit(code)
        os.write(1, f"{pid}\n".encode())
        os.write(1, f"{os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])}\n".encode())


if __name__ == "__main__":
    # What is written to the standard output is read by the test.
    logs.configure(development=True)
    fork_on_demand()
