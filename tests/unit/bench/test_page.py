import socket

import pytest

from bench.page import Line


def test_a_line_that_was_reset_is_closed() -> None:
    line, (near, far) = Line(), socket.socketpair()
    line.sock, line.connected = near, True
    # Whoever closes with something unread resets.
    near.sendall(b"not read")
    far.close()

    with pytest.raises(ConnectionResetError):
        line.recv()

    assert near.fileno() == -1
