"""Bounds of the Socket.IO server that no well-behaved client reaches."""

import subprocess
import sys

from config import REPOSITORY

# In a process of its own: eventlet must monkey-patch before anything else is imported.
SLOW_CLIENT = """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
from engineio.packet import MESSAGE, Packet
from engineio.socket import Socket
from app.factory import create_app
from app.live import server
from config import load_settings

app = create_app(load_settings())
engine = server.attach(app, app.extensions["lockstep"], app.extensions["lockstep_authenticator"]).server.eio
slow = engine.sockets["slow"] = Socket(engine, "slow")
for _ in range(server.MAX_QUEUED_PACKETS * 3):
    engine.send_packet("slow", Packet(MESSAGE, "event"))
print(slow.closed, slow.queue.qsize() - server.MAX_QUEUED_PACKETS)
"""


def test_a_client_that_does_not_keep_up_is_cut_off_and_its_queue_stays_bounded() -> None:
    done = subprocess.run([sys.executable, "-c", SLOW_CLIENT], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    closed, beyond_the_bound = done.stdout.split()
    assert closed == "True"
    # Closing appends an end marker to the queue.
    assert int(beyond_the_bound) <= 1
