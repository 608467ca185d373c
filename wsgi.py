"""The web application, and (run as a program) one web process on the shared port.

`flask --app wsgi …` imports `app`; `python wsgi.py` serves it with eventlet. Any number of these processes bind the same port
with SO_REUSEPORT. Together with `app/live`, the only place that knows about eventlet.
"""

import gc
import signal
import socket
import sys
import warnings
from typing import TYPE_CHECKING, cast

# Until the application is built, nothing created is garbage: see `begin_collecting`.
gc.disable()

if __name__ == "__main__":
    from app.lean import without

    with warnings.catch_warnings(), without("OpenSSL"):
        # eventlet announces its retirement in every process; docs/adr/0004 says how we would replace it.
        warnings.simplefilter("ignore")
        import eventlet
        import eventlet.tpool
        import eventlet.wsgi
    eventlet.monkey_patch()

    # What they would find, and no web process uses: some of it is Flower's, or only the tests'.
    with without("cryptography", "opentelemetry", "requests", "rich", "tornado", "valkey", "websocket"):
        import redis  # noqa: F401 — now, and not when somebody needs it
        import socketio  # noqa: F401 — now, and not when somebody needs it
        import structlog

import structlog

from app import tracing
from app.factory import create_app
from app.logs import configure
from app.store import units
from config import Settings, settings_or_exit

if TYPE_CHECKING:
    from app.arrival import Arrival

log = structlog.get_logger()

# Seconds for requests in progress when the process is told to stop.
DRAIN = 20
# Seconds after which a connection that sends nothing is closed; pages ping more often.
IDLE = 60
# Bytes of a request line. A query of permitted length may need this many when percent-encoded, and one that is somewhat too long
# should still get our own answer, which names the field.
MAX_URL_BYTES = 32_768


def begin_collecting() -> None:
    """Turn garbage collection on, but exempt everything created so far, which lives as long as the process."""
    gc.freeze()
    gc.enable()


def serve(settings: Settings) -> None:
    """Serve on the shared port until SIGTERM or SIGINT; then finish the requests in progress and send the pages elsewhere."""
    # Imported here because it needs the patched modules above, which `flask` commands must not have.
    from app.live import waiting
    from app.live.connections import BACKLOG, Acceptor, Connections, DescriptorsError, Limits, SocketGate, raise_descriptor_limit
    from app.live.lateness import forgive_own_delay
    from app.live.protocol import HttpProtocol
    from app.live.server import attach, disconnect_all
    from app.live.service_manager import report_serving

    waiting.install()
    forgive_own_delay()
    try:
        most = raise_descriptor_limit(settings.max_connections)
    except DescriptorsError as error:
        sys.exit(str(error))
    connections = Connections(Limits(most, settings.max_connections_per_address, settings.trusted_proxies))
    if settings.tracing:
        tracing.start("web")
    app = create_app(settings, offload=eventlet.tpool.execute, has_commands=False)
    container = app.extensions["lockstep"]
    socketio = attach(app, container, app.extensions["lockstep_authenticator"])
    container.consistency.sweep()
    container.consistency.start(lambda: connections.are_idle)
    container.announcer.start()
    container.figures.start()
    app.extensions["lockstep_verifier"].start(lambda: connections.are_idle)
    container.monitoring.prime()
    container.pressure.watch()
    units.prepare()
    begin_collecting()
    try:
        listener = eventlet.listen((settings.bind, settings.port), backlog=BACKLOG, reuse_port=True)
    except OSError as error:
        sys.exit(f"LOCKSTEP_BIND, PORT: nobody can listen on {settings.bind}:{settings.port}: {error}. Free it, or name another.")
    # Inherited by accepted connections. Without it, a response sent in two pieces waits for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server = eventlet.wsgi.Server(
        listener, listener.getsockname(), app, log_output=False, debug=False, socket_timeout=IDLE, url_length_limit=MAX_URL_BYTES,
        protocol=HttpProtocol, max_http_version=eventlet.wsgi.DEFAULT_MAX_HTTP_VERSION,
    )  # fmt: skip
    monitoring = container.monitoring

    def accepting_now(at: float) -> None:
        monitoring.record_accepting(at)
        report_serving(settings.notify_socket)

    acceptor = Acceptor(listener, server, connections, monitoring.record_refusal, accepting_now)
    arrival = cast("Arrival", app.wsgi_app)
    arrival.app = SocketGate(arrival.app, connections, monitoring.record_refusal)
    if settings.probe_socket:
        acceptor.answer_probes(settings.probe_socket)
    stopping = eventlet.event.Event()

    def stop(_signal: int | None = None, _frame: object = None) -> None:
        eventlet.hubs.get_hub().schedule_call_global(0, lambda: stopping.ready() or stopping.send())

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    accepting = eventlet.spawn(acceptor.run)
    # A process that no longer accepts connections is useless: stop it, so that the supervisor starts another.
    accepting.link(lambda _thread: stop())
    log.info("serving", port=settings.port)
    stopping.wait()
    if accepting.dead:
        log.error("the server has ended by itself")
        sys.exit(1)
    log.info("stopping")
    acceptor.leave()
    disconnect_all(socketio)
    with eventlet.Timeout(DRAIN, exception=False):
        accepting.wait()
    tracing.stop()


_settings = settings_or_exit()
configure(development=not _settings.production, limited=__name__ == "__main__")
if __name__ == "__main__":
    serve(_settings)
else:
    from app.commands import explain_failures

    explain_failures(_settings.database_url_from)
    app = create_app(_settings)
    begin_collecting()
