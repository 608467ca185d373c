"""Bounds of the Socket.IO server that no well-behaved client reaches."""

import os
import subprocess
import sys

from config import REPOSITORY
from devserver import EmbeddedServers

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

CROWD = """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
from app.factory import create_app
from app.live import server
from config import load_settings

app = create_app(load_settings())
server.ListeningManager.initialize = lambda manager: None
socketio = server.attach(app, app.extensions["lockstep"], app.extensions["lockstep_authenticator"])
manager, sent, turns = socketio.server.manager, [], []
for number in range(2000):
    manager.basic_enter_room(f"sid-{number}", "/customers", "part:1", f"connection-{number}")
socketio.server._send_eio_packet = lambda connection, packet: sent.append(connection)
message = {"event": "stock.updated", "data": [{}], "namespace": "/customers", "room": "part:1"}
everybody = eventlet.spawn(manager._handle_emit, message)
while not everybody.dead:
    turns.append(len(sent))
    eventlet.sleep(0)
print(len(sent), max(after - before for before, after in zip(turns, turns[1:] + [len(sent)])))
"""
# A hundred messages of one page, and how many objects the garbage collector has to find after each.
GARBAGE = """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
import gc
from werkzeug.test import EnvironBuilder
from app.factory import create_app
from app.live import server
from config import load_settings

app = create_app(load_settings())
server.ListeningManager.initialize = lambda manager: None
sockets = server.attach(app, app.extensions["lockstep"], app.extensions["lockstep_authenticator"]).server
handshake = EnvironBuilder("/socket.io/?EIO=4&transport=websocket", headers={"Connection": "Upgrade", "Upgrade": "websocket"})
sockets.environ["connection"] = handshake.get_environ() | {"flask.app": app}
sid = sockets.manager.connect("connection", "/customers")
def say():
    assert sockets._trigger_event("unwatch", "/customers", sid, {"parts": [1]}) == {"watched": 0}
say()
gc.collect()
gc.disable()
for _ in range(100):
    say()
print(gc.collect() // 100)
"""
# The first attempt to reach Valkey fails; pages may have come by the time the second succeeds.
LATE_LISTENER = """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
from app.contract import rooms
from app.live.server import ListeningManager
from config import load_settings

manager = ListeningManager(load_settings().redis_url, channel=rooms.CHANNEL)
told, connect, failures = eventlet.Event(), manager._redis_connect, [OSError("away")]
def late():
    if failures:
        raise failures.pop()
    connect()
manager._redis_connect = late
manager._resync_local_pages = told.send
eventlet.spawn(lambda: next(manager._redis_listen_with_retries()))
with eventlet.Timeout(10):
    told.wait()
print("told")
"""
# Twenty clients come at once, and every other one leaves while it waits.
GATE = """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
import socket
from types import SimpleNamespace
from eventlet.greenio import GreenSocket
from app.live.connections import Connections, Limits, SocketGate

turns, opened, refused = 0, [], []
def tick():
    global turns
    while True:
        turns += 1
        eventlet.sleep(0)
def application(environ, start_response):
    opened.append((environ["number"], turns))
    return []
pairs = [socket.socketpair() for _ in range(20)]
gate = SocketGate(application, Connections(Limits(100, 100)), refused.append)
def come(number):
    body = SimpleNamespace(get_socket=lambda: GreenSocket(pairs[number][0].fd))
    environ = {"HTTP_UPGRADE": "websocket", "REMOTE_ADDR": "192.0.2.1", "eventlet.input": body, "number": number}
    gate(environ, lambda status, headers: None)
eventlet.spawn(tick)
crowd = [eventlet.spawn(come, number) for number in range(20)]
eventlet.sleep(0)
for number in range(1, 20, 2):
    pairs[number][1].close()
for one in crowd:
    one.wait()
when = [turn for number, turn in opened]
print(",".join(str(number) for number, turn in opened), len(set(when)), gate._connections._all_sockets, len(refused))
"""
# A process, from its start until a while after its last connection.
IDLE = """
import warnings
warnings.simplefilter("ignore")
import eventlet
eventlet.monkey_patch()
from app.live import connections as subject

now = 1000.0
subject.time = type("Time", (), {"monotonic": staticmethod(lambda: now)})
connections = subject.Connections(subject.Limits(100, 100))
page, other = (subject.Connection(("192.0.2.1", port), None, "192.0.2.1") for port in (1, 2))
def look():
    print(int(connections.are_idle), end=" ")
look()
now += 60
look()
connections.admit(page)
connections.admit(other)
look()
connections.release(page)
now += 60
look()
connections.release(other)
look()
now += 60
look()
"""


def _printed(program: str, servers: EmbeddedServers) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, env=os.environ | servers.environ, capture_output=True, text=True,
        timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_while_a_crowd_is_told_of_an_event_the_others_get_their_turn(servers: EmbeddedServers) -> None:
    told, most_at_once = map(int, _printed(CROWD, servers))
    assert told == 2000
    assert most_at_once <= 200


def test_of_sockets_that_come_at_once_one_is_opened_at_a_time_the_oldest_first_and_none_whose_client_has_gone(
    servers: EmbeddedServers,
) -> None:
    opened, turns, still_counted, refused = _printed(GATE, servers)
    assert opened.split(",") == [str(number) for number in range(0, 20, 2)]
    # Everybody else has a turn between two of them.
    assert (int(turns), int(still_counted), int(refused)) == (10, 0, 0)


def test_a_process_is_idle_a_while_after_its_last_connection(servers: EmbeddedServers) -> None:
    assert _printed(IDLE, servers) == ["0", "1", "0", "0", "0", "1"]


def test_a_message_leaves_next_to_nothing_to_the_garbage_collector(servers: EmbeddedServers) -> None:
    """What it leaves is collected for all at once, while nobody is served."""
    (objects,) = map(int, _printed(GARBAGE, servers))
    assert objects < 30


def test_a_listener_that_reaches_the_channel_late_tells_the_pages_that_came_before(servers: EmbeddedServers) -> None:
    assert _printed(LATE_LISTENER, servers)[-1:] == ["told"]


def test_a_client_that_does_not_keep_up_is_cut_off_and_its_queue_stays_bounded() -> None:
    done = subprocess.run([sys.executable, "-c", SLOW_CLIENT], cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    closed, beyond_the_bound = done.stdout.split()
    assert closed == "True"
    # Closing appends an end marker to the queue.
    assert int(beyond_the_bound) <= 1
