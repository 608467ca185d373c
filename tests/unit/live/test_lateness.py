"""A time-out says something about the other side only if the event loop was there to hear it."""

import subprocess
import sys

import pytest

# Whoever is served from the loop holds it for longer than the time-out, after what was waited for has come, or nothing has.
_PROGRAM = """
import warnings
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import eventlet, eventlet.patcher
eventlet.monkey_patch()
import socket, sys
hold = eventlet.patcher.original("time").sleep
if "forgive" in sys.argv:
    from app.live.lateness import forgive_own_delay
    forgive_own_delay()
here, there = socket.socketpair()
here.settimeout(0.05)

def wait():
    try:
        return here.recv(10)
    except TimeoutError:
        return "timed out"

other, busy = socket.socketpair()

def keep_busy():
    busy.recv(10)
    if "answer" in sys.argv:
        there.send(b"here")
    hold(0.2)

waiting = eventlet.spawn(wait)
eventlet.spawn(keep_busy)
eventlet.sleep(0)
other.send(b"work")
print(waiting.wait())
"""


@pytest.mark.parametrize(
    ("words", "said"),
    [(["forgive", "answer"], "b'here'"), (["forgive"], "timed out"), (["answer"], "timed out")],
    ids=["an answer in time", "no answer", "without forgiveness"],
)
def test_a_socket_that_was_answered_in_time_does_not_time_out_because_the_loop_was_late(words: list[str], said: str) -> None:
    done = subprocess.run([sys.executable, "-c", _PROGRAM, *words], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (said, "")
