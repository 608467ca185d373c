import socket

import pytest

from bench.page import ClosingWebSocket


def test_a_line_that_was_reset_is_closed() -> None:
    line, (near, far) = ClosingWebSocket(), socket.socketpair()
    line.sock, line.connected = near, True
    # Whoever closes with something unread resets.
    near.sendall(b"not read")
    far.close()

    with pytest.raises(ConnectionResetError):
        line.recv()

    assert near.fileno() == -1
