"""The web application, and (run as a program) one web process on the shared port.

`flask --app wsgi …` imports `app`; `python wsgi.py` serves it with eventlet. Any number of these processes bind the one port with
SO_REUSEPORT. Together with `app/live/server.py` and `app/live/protocol.py` the only place that knows of eventlet.
"""

import errno
import gc
import signal
import sys
import warnings
from typing import Any

# Until the application stands, nothing of what is made is garbage: see `begin_collecting`.
gc.disable()

if __name__ == "__main__":
    with warnings.catch_warnings():
        # eventlet announces its retirement in every process; docs/adr/0004 says how we would leave it.
        warnings.simplefilter("ignore", DeprecationWarning)
        import eventlet
        import eventlet.tpool
        import eventlet.wsgi
    eventlet.monkey_patch()

import psycopg.waiting
import structlog

from app.factory import create_app
from app.logs import configure
from config import Settings, SettingsError, load_settings

log = structlog.get_logger()

# Every WebSocket holds a connection for as long as its page is open.
MAX_CONNECTIONS = 10_000
# Seconds for requests under way when the process is told to stop.
DRAIN = 20
# Seconds in which the connections taken last may send their request.
GREETING = 0.5
# Seconds after which a connection that sends nothing is closed; pages ping more often.
IDLE = 60
# Bytes of a request line. A query of allowed length may need so many when it is percent-encoded, and what is longer than that
# should get our own answer, which names the field, as far as possible.
MAX_URL_BYTES = 32_768


class Listener:
    """The listening socket, which can be left in order: nobody who has connected already is turned away.

    Killing eventlet's accept loop would reset the connections that the kernel has accepted and we have not, and keep
    taking new ones until the last old one is done.
    """

    def __init__(self, listener: Any) -> None:
        self._socket = listener
        self._socket.settimeout(0.1)
        self._leaving = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._socket, name)

    def leave(self) -> None:
        """Take those who are waiting, and then no more: new connections go to the other processes."""
        self._leaving = True
        self._socket.settimeout(0)

    def accept(self) -> Any:
        """Return the next connection; after `leave` and the last one, wait for their requests and end the accept loop."""
        while True:
            try:
                return self._socket.accept()
            except (TimeoutError, BlockingIOError):
                if self._leaving:
                    self._socket.close()
                    eventlet.sleep(GREETING)
                    # The error by which eventlet's accept loop ends without a traceback.
                    raise OSError(errno.ESHUTDOWN, "the listener has been left") from None


def begin_collecting() -> None:
    """Look for garbage from now on, but never among what stays until the end."""
    gc.freeze()
    gc.enable()


def serve(settings: Settings) -> None:
    """Serve on the shared port until SIGTERM or SIGINT; then finish the requests under way, and send the pages elsewhere."""
    # Imported here because it needs the patched modules above, which `flask` commands must not have.
    from app.live.protocol import HttpProtocol
    from app.live.server import attach, disconnect_all

    if psycopg.waiting.wait is not psycopg.waiting.wait_selector:
        sys.exit("Start web processes with PSYCOPG_WAIT_FUNC=wait_selector; without it every query stops all connections.")
    app = create_app(settings, offload=eventlet.tpool.execute)
    container = app.extensions["lockstep"]
    socketio = attach(app, container, app.extensions["lockstep_authenticator"])
    container.consistency.sweep()
    container.consistency.start()
    container.monitoring.prime()
    begin_collecting()
    listener = Listener(eventlet.listen((settings.bind, settings.port), backlog=1024, reuse_port=True))
    server = eventlet.spawn(
        eventlet.wsgi.server, listener, app, custom_pool=eventlet.GreenPool(MAX_CONNECTIONS), log_output=False, debug=False,
        socket_timeout=IDLE, url_length_limit=MAX_URL_BYTES, protocol=HttpProtocol,
    )  # fmt: skip
    stopping = eventlet.event.Event()

    def stop(_signal: int, _frame: object) -> None:
        if not stopping.ready():
            eventlet.hubs.get_hub().schedule_call_global(0, stopping.send)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    log.info("serving", port=settings.port)
    stopping.wait()
    log.info("stopping")
    listener.leave()
    disconnect_all(socketio)
    with eventlet.Timeout(DRAIN, exception=False):
        server.wait()


try:
    _settings = load_settings()
except SettingsError as error:
    sys.exit(str(error))
configure(development=not _settings.production)
if __name__ == "__main__":
    serve(_settings)
else:
    app = create_app(_settings)
    begin_collecting()
