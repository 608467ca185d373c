"""The WebSocket of a web process (RFC 6455): limits are enforced at each frame's head, before its payload is read.

Framing is wsproto's, which unmasks without a Python loop over the bytes. No extension is negotiated, so nothing is decompressed.
Imported only by `app/live/server.py`, after eventlet has patched the process.
"""

import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import eventlet
import eventlet.queue
import eventlet.wsgi
import structlog
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection
from wsproto.frame_protocol import CloseReason, FrameDecoder, FrameProtocol, MessageDecoder, Opcode, ParseFailed
from wsproto.utilities import RemoteProtocolError

from app.domain.buckets import TokenBucket
from app.domain.fairness import Spending
from app.live.budgets import BYTES, FRAMES, MAX_MESSAGE, Pace

log = structlog.get_logger()

# Bytes read in one go.
SLICE = 16_384
# Seconds in which the client must take a message, and the bytes that buy each further second.
SEND_PATIENCE = 20.0
SLOWEST_SEND = 10_000
# Seconds for a client that is being cut off to take what is queued for it, the notice that it is included.
FAREWELL = 0.5
# Engine.IO's packets are text that begins with the packet's type.
_PACKET_TYPES = frozenset("0123456")
# Bytes of packets queued for a slow page; beyond that it is cut off.
MAX_QUEUED_BYTES = 4_000_000

_pace = Pace()


class _BoundedFrames(FrameDecoder):
    """Enforces the limits as soon as a frame's head has been read."""

    def __init__(self) -> None:
        super().__init__(client=False)
        self._frames = TokenBucket(FRAMES)
        self._bytes = TokenBucket(BYTES)
        self._message = 0

    def parse_header(self) -> bool:
        """Read a frame's head.

        Raises:
            ParseFailed: it is malformed, or announces more than is accepted.
        """
        if not super().parse_header():
            return False
        assert self.header is not None  # noqa: S101 — for the type checker
        size, opcode = self.header.payload_len, self.header.opcode
        if opcode is Opcode.BINARY:
            raise ParseFailed("only texts are taken", CloseReason.UNSUPPORTED_DATA)
        if not opcode.iscontrol():
            self._message = size + (self._message if opcode is Opcode.CONTINUATION else 0)
            if self._message > MAX_MESSAGE:
                raise ParseFailed(f"at most {MAX_MESSAGE} bytes", CloseReason.MESSAGE_TOO_BIG)
        if not self._frames.draw(1) or not self._bytes.draw(size):
            raise ParseFailed("too much at once", CloseReason.POLICY_VIOLATION)
        return True


class BoundedWebSocket:
    """One connection after its handshake, as engineio wants it: `wait`, `send`, `close`, and `socket` with its timeout.

    Args:
        reader: the connection's buffered reader, which may already hold the first frames.
        refused: is told why a client was cut off.
        spending: says whether its address has had too much of the processor's time.
    """

    def __init__(self, sock: Any, reader: Any, address: str, refused: Callable[[str], None], spending: Spending) -> None:
        self.socket = sock
        self._reader = reader
        self._refused = refused
        self._decoder = _BoundedFrames()
        self._messages = MessageDecoder()
        self._encoder = FrameProtocol(client=False, extensions=[])
        self._address = address
        self._spending = spending
        self._sending = eventlet.semaphore.Semaphore()
        self._parts: list[str] = []
        self._closed = False

    def wait(self) -> str | None:
        """Return the next message, or None when there will be no more."""
        try:
            while not self._closed:
                frame = self._decoder.process_buffer()
                if frame is None:
                    data = self._reader.read1(SLICE)
                    if not data:
                        return None
                    self._decoder.receive_bytes(data)
                    # However fast it sends, the other connections have their turns.
                    eventlet.sleep(0)
                    continue
                eventlet.sleep(max(_pace.book(self._address), self._spending.rest(self._address)))
                if frame.opcode.iscontrol():
                    self._control(frame.opcode, bytes(frame.payload))  # type: ignore[arg-type] # bytes before decoding
                elif (message := self._completed(frame)) is not None:
                    return message
        except ParseFailed as error:
            self._refused("socket_limits" if error.code != CloseReason.PROTOCOL_ERROR else "unreadable")
            self._say_goodbye(error.code, str(error))
            # Only our side: if we closed the other as well, the client might never learn why.
            with suppress(OSError):
                self.socket.shutdown(eventlet.green.socket.SHUT_WR)
        return None

    def send(self, message: str) -> None:
        """Send a text.

        Raises:
            OSError: the connection has ended.
            eventlet.Timeout: the client does not take the message.
        """
        self._send(self._encoder.send_data(message))

    def close(self, code: int = CloseReason.NORMAL_CLOSURE, reason: str = "") -> None:
        """Send the close frame, and shut the connection down, which ends a pending read."""
        if not self._closed:
            self._say_goodbye(code, reason)
            with suppress(OSError):
                self.socket.shutdown(eventlet.green.socket.SHUT_RDWR)

    def _say_goodbye(self, code: int, reason: str) -> None:
        self._closed = True
        with suppress(OSError, eventlet.Timeout):
            self._send(self._encoder.close(code, reason), patience=1.0)

    def _control(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.PING:
            self._send(self._encoder.pong(payload))
        elif opcode is Opcode.CLOSE:
            code = struct.unpack("!H", payload[:2])[0] if len(payload) > 1 else CloseReason.NORMAL_CLOSURE
            self.close(code if 1000 <= code < 5000 and code not in (1005, 1006, 1015) else CloseReason.PROTOCOL_ERROR)

    def _completed(self, frame: Any) -> str | None:
        frame = self._messages.process_frame(frame)
        if frame.payload:
            self._parts.append(frame.payload)
        if not frame.message_finished:
            return None
        message, self._parts = "".join(self._parts), []
        if message[:1] not in _PACKET_TYPES:
            raise ParseFailed("no packet of Engine.IO", CloseReason.PROTOCOL_ERROR)
        return message

    def _send(self, frame: bytes | bytearray, patience: float = SEND_PATIENCE) -> None:
        with eventlet.Timeout(patience + len(frame) / SLOWEST_SEND), self._sending:
            self.socket.sendall(bytes(frame))


class WebSocketServer:
    """What engineio's asynchronous driver calls for each WebSocket: the handshake, and the whole life of the connection.

    Args:
        handler: engineio's `Socket._websocket_handler`.
        refused: is told why a client was cut off.
        caller: returns the caller, given the connection's WSGI environment.
        spending: is told whom the connection's thread serves.
    """

    def __init__(
        self, handler: Callable[[BoundedWebSocket], Any], _server: Any, *,
        refused: Callable[[str], None], caller: Callable[[dict[str, Any]], str], spending: Spending,
    ) -> None:  # fmt: skip
        self._handler = handler
        self._refused = refused
        self._caller = caller
        self._spending = spending

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        """Speak to the client until either side ends the connection."""
        # engineio's object for this connection; it must learn that the connection has ended, whatever the reason.
        connection = self._handler.__self__  # type: ignore[attr-defined] # a bound method
        source = environ["eventlet.input"]
        try:
            source.get_socket().sendall(_handshake(environ))
        except RemoteProtocolError as error:
            connection.close(wait=False, abort=True)
            start_response("400 Bad Request", [("Content-Type", "text/plain"), ("Sec-WebSocket-Version", "13")])
            return [str(error).encode()]
        caller = self._caller(environ)
        self._spending.serves(caller)
        websocket = BoundedWebSocket(source.get_socket(), source.rfile, caller, self._refused, self._spending)
        connection.websocket = websocket
        # There is no request in progress that a stopping process would have to wait for.
        environ["eventlet.set_idle"]()
        try:
            self._handler(websocket)
        except (OSError, ValueError, TypeError, RecursionError, eventlet.Timeout) as error:
            # None of our own code runs in there: the cause is what the client sent, or its connection.
            log.info("socket ended", error=repr(error)[:200])
        finally:
            connection.queue.put(None)
            connection.close(wait=False, abort=True)
            websocket.close()
            self._spending.serves("")
        # Tells eventlet that the response has been sent.
        eventlet.wsgi.WSGI_LOCAL.already_handled = True
        return []


def cut_off(connection: Any, *, reads: bool = True) -> None:
    """End an engineio connection whose client misbehaves, without waiting. A client that `reads` is told first."""
    connection.close(wait=False, abort=not reads)
    if (websocket := getattr(connection, "websocket", None)) is not None:
        eventlet.spawn_after(FAREWELL, websocket.close, CloseReason.POLICY_VIOLATION)


class PacketQueue(eventlet.queue.Queue):  # type: ignore[misc] # eventlet is untyped
    """The packets queued for one client, and their size in bytes."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.bytes = 0

    def _put(self, item: Any) -> None:
        super()._put(item)
        self.bytes += _size(item)

    def _get(self) -> Any:
        item = super()._get()
        self.bytes -= _size(item)
        return item


def _size(packet: Any) -> int:
    data = getattr(packet, "data", None)
    return len(data) if isinstance(data, str | bytes) else 0


def _handshake(environ: dict[str, Any]) -> bytes:
    """Return the answer to a client's handshake.

    Raises:
        RemoteProtocolError: it is not a valid handshake.
    """
    connection = WSConnection(ConnectionType.SERVER)
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in environ["headers_raw"]]
    connection.initiate_upgrade_connection(headers, environ["RAW_PATH_INFO"])
    next(connection.events())
    return connection.send(AcceptConnection())
